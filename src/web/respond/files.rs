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

/// A script of our own pages.
pub(in crate::web) fn script(script: &'static str) -> Response<Bytes> {
    for_everybody(JAVASCRIPT, script)
}

/// The script for pages of the application, of any origin; `None` for who has it already.
pub(in crate::web) fn client(script: Option<&'static str>, tag: &str) -> Response<Bytes> {
    let mut response = for_everybody(JAVASCRIPT, script.unwrap_or_default());
    if script.is_none() {
        // RFC 9110 §15.4.5.
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    let headers = response.headers_mut();
    set(headers, header::ETAG, tag);
    // For `crossorigin` with `integrity`, and for pages that load only what says that they may.
    set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    set(headers, policy, "cross-origin");
    response
}

/// RFC 9239 §6.
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

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
