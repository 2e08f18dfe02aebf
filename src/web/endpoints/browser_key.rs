//! The browser key on its way to the client.

use crate::domain::Secret;
use crate::session::BrowserKeyCookie;
use bytes::Bytes;
use http::{HeaderValue, Response, header};

/// Hands a browser key to the client.
pub(super) fn set_browser_key(
    cookie: &BrowserKeyCookie,
    response: &mut Response<Bytes>,
    key: &Secret<String>,
) {
    // Of our own making, so always a header value: base64url and names that were checked.
    if let Ok(cookie) = HeaderValue::from_str(&cookie.set(key)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
