//! What a client has already: entity tags, and the lists of headers.

use crate::gate;
use http::{HeaderMap, HeaderName, header};

/// Whether the client has the answer of this tag (RFC 9110 §13.1.2). Weakly compared: a proxy in front that compresses
/// makes the tag a weak one, and who comes back with that must not be answered at once, again and again.
pub(super) fn has(headers: &HeaderMap, tag: &str) -> bool {
    members(headers, &header::IF_NONE_MATCH)
        .any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// The members of a list, over all its lines (RFC 9110 §5.6.1).
pub(super) fn members<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).into_iter();
    let texts = lines.filter_map(|line| line.to_str().ok());
    texts.flat_map(|line| line.split(',').map(str::trim))
}

/// A strong entity tag of an answer.
pub(super) fn tag(json: &[u8]) -> String {
    let mut hex = gate::digest(json).to_hex();
    hex.truncate(32);
    format!("\"{hex}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn had(lines: &[&'static str]) -> bool {
        let line = |line: &&'static str| (header::IF_NONE_MATCH, HeaderValue::from_static(line));
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        has(&headers, "\"a\"")
    }

    #[test]
    fn a_tag_is_known_again_however_it_comes_back() {
        for lines in [
            &["\"a\""][..],
            &["W/\"a\""],
            &["\"b\", W/\"a\""],
            &["\"b\"", "\"a\""],
            &["*"],
        ] {
            assert!(had(lines), "{lines:?}");
        }
        for lines in [&[][..], &["\"b\""], &["a"], &["\"A\""], &[""]] {
            assert!(!had(lines), "{lines:?}");
        }
    }
}
