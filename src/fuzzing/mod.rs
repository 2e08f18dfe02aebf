//! What must hold for whatever bytes come, target by target. `fuzz/` gives them bytes for long; the tests give them
//! `fuzz/corpus` and random variations of it.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // the fuzzer waits for a panic

mod body;
mod edge;
mod headers;
mod path;
mod policy;
mod settings;
mod token;
mod yaml;

use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(test)]
mod tests;

/// A target: panics where something does not hold for these bytes.
pub type FuzzTarget = fn(&[u8]);

/// Every target by its name, which is also its folder in `fuzz/corpus`.
pub const TARGETS: [(&str, FuzzTarget); 10] = [
    ("body", body::body),
    ("edge", edge::edge),
    ("headers", headers::headers),
    ("path", path::path),
    ("policy", policy::policy),
    ("records", crate::store::read_as_every_record),
    ("replies", crate::store::read_as_replies),
    ("settings", settings::settings),
    ("token", token::token),
    ("yaml", yaml::yaml),
];

fn valid_text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("it is valid up to there")
        }
    }
}

/// The first fifty of the lines `name: value` that can be headers.
fn header_lines<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(50) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}
