//! Removes from a response, its trailers and its interim responses what ends at this hop.

use super::hop_by_hop;
use http::header::{self, HeaderMap, HeaderName};

/// Removes from a response what ends at this hop, and what only we may say.
pub(crate) fn cleanse_response(headers: &mut HeaderMap) {
    remove_named_by_connection(headers);
    while let Some(name) = headers.keys().find(|name| ends_here(name)).cloned() {
        headers.remove(name);
    }
}

fn ends_here(name: &HeaderName) -> bool {
    match name.as_str() {
        // RFC 9110 §11.7.1: `Proxy-Authenticate` is for the next client only, which is us.
        "proxy-authenticate" | "step-up" => true,
        // RFC 9110 §6.6.2: it announces what follows the body, and that goes with it.
        "trailer" => false,
        word => hop_by_hop(word),
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let words: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|word| std::str::from_utf8(word.trim_ascii()).ok())
        // Most are `keep-alive` or `close`, and no header.
        .filter(|word| headers.contains_key(*word))
        .filter_map(|word| word.parse().ok())
        // What the client's safety or the body rests on does not end at any hop.
        .filter(|name: &HeaderName| {
            let name = name.as_str();
            !name.starts_with("content-")
                && !matches!(
                    name,
                    "set-cookie" | "location" | "strict-transport-security" | "x-frame-options"
                )
        })
        .collect();
    for name in words {
        headers.remove(name);
    }
}

/// Removes from the trailers of a response the fields that are not allowed there (RFC 9110 §6.5.1): a client
/// may merge them into the headers, and must not find a cookie, a framing or a field of ours there.
pub(crate) fn cleanse_trailers(trailers: &mut HeaderMap) {
    cleanse_response(trailers);
    for name in [
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::HOST,
        header::LOCATION,
        header::SET_COOKIE,
        header::TRAILER,
        header::WWW_AUTHENTICATE,
    ] {
        trailers.remove(name);
    }
}

/// Removes from an interim response what belongs to the answer, such as a cookie, which is looked at
/// there, or a framing (RFC 9110 §8.6, RFC 9112 §6.1: it has none).
pub(crate) fn cleanse_interim(headers: &mut HeaderMap) {
    cleanse_trailers(headers);
}
