//! What is the same for everybody, and may be kept for a while: it holds nothing of anybody.

use super::shape::{set, typed};
use crate::web::pages;
use bytes::Bytes;
use http::{Response, StatusCode, header};

/// The style sheet.
pub(in crate::web) fn style() -> Response<Bytes> {
    for_everybody("text/css; charset=utf-8", pages::STYLE)
}

/// The script of the pages that ask for a passkey.
pub(in crate::web) fn script() -> Response<Bytes> {
    for_everybody("text/javascript; charset=utf-8", pages::SCRIPT)
}

fn for_everybody(media_type: &'static str, file: &'static str) -> Response<Bytes> {
    let mut response = typed(StatusCode::OK, media_type, file);
    let headers = response.headers_mut();
    set(headers, header::CACHE_CONTROL, "public, max-age=3600");
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}

/// The public keys of assertions, which the application may keep for a while.
pub(in crate::web) fn public_keys(keys: Bytes) -> Response<Bytes> {
    // RFC 7517 §8.5.1.
    let mut response = typed(StatusCode::OK, "application/jwk-set+json", keys);
    let headers = response.headers_mut();
    // No longer: a key that is about to sign must be known by then.
    set(headers, header::CACHE_CONTROL, "public, max-age=300");
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    response
}
