//! What is the same for everybody, and may be kept for a while: it holds nothing of anybody.

use super::shape::{set, typed};
use crate::request::brand::{Brand, Picture};
use crate::web::pages;
use bytes::Bytes;
use http::{HeaderName, Response, StatusCode, header};

/// The style sheet, with what the site adds to it.
pub(in crate::web) fn style(brand: &Brand) -> Response<Bytes> {
    let style = [pages::STYLE, &brand.style].concat();
    for_everybody("text/css; charset=utf-8", style)
}

/// A picture of the site; `query` is the version that the page names.
pub(in crate::web) fn picture(picture: &Picture, query: Option<&str>) -> Response<Bytes> {
    let mut response = for_everybody(picture.media_type, picture.bytes.clone());
    let headers = response.headers_mut();
    if query == Some(&picture.version) {
        // RFC 8246: what has its version in its address never changes.
        let forever = "public, max-age=31536000, immutable";
        set(headers, header::CACHE_CONTROL, forever);
    }
    // An SVG that is opened by itself is a page of this origin: it runs nothing, sends nothing and loads nothing.
    set(
        headers,
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    );
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    set(headers, policy, "same-origin");
    response
}

/// The script of the pages that ask for a passkey.
pub(in crate::web) fn script() -> Response<Bytes> {
    for_everybody("text/javascript; charset=utf-8", pages::SCRIPT)
}

fn for_everybody(media_type: &'static str, file: impl Into<Bytes>) -> Response<Bytes> {
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
