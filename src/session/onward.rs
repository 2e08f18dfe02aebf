//! The headers of a request as the application gets them.

use crate::request::context::RequestContext;
use crate::request::headers::{HeaderRules, join_cookies, remove_cookie};
use crate::session::BrowserKeyCookie;
use http::header::Entry;
use http::{HeaderMap, HeaderName, HeaderValue, Version};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Takes out what is ours, and adds what the application is told of the client. What must not come from a
/// client is gone already.
pub(crate) fn prepare_headers(
    headers: &mut HeaderMap,
    version: Version,
    context: &RequestContext<'_>,
    rules: &HeaderRules,
) {
    headers.remove(BrowserKeyCookie::HEADER);
    join_cookies(headers);
    remove_cookie(headers, &rules.browser_cookie);
    let hop = &context.connection.data.hop;
    hop.announce(headers, version, rules.forwarded);
    // A name that a trusted proxy gave to the request is kept.
    if let Entry::Vacant(vacant) = headers.entry(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(context.id.as_str())
    {
        vacant.insert(id);
    }
}
