//! The application's answer, as far as it may be that to a login.

use crate::session::{LoginRoute, Unclear};
use crate::transport::status_class::was_taken;
use crate::transport::upstream::UpstreamBody;
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, header};
use http_body_util::BodyExt;
use std::sync::Arc;

/// Whether an answer may be that to a login which succeeded, as far as its head tells. Where it leads is
/// often the client's own choice (`next=`), and so is its kind (`Accept`).
pub(super) fn may_have_succeeded(
    unclear: &Unclear,
    response: &Response<UpstreamBody>,
    sets_session: bool,
) -> bool {
    let status = response.status().as_u16();
    // One of several operations may fail, and the login beside it succeed.
    let is_success =
        |route: &Arc<LoginRoute>| route.request.names_operation() || route.may_succeed_with(status);
    // A 401 or 403 to a password says that nobody was let in; a 5xx may come after that.
    sets_session
        || status >= 500
        || (unclear.shows_secret && status < 400)
        || unclear.routes.iter().any(is_success)
}

/// Whether an answer is a page or data, rather than a file, an error or nothing new.
pub(super) fn is_page(response: &Response<UpstreamBody>) -> bool {
    let is_page = ["text/html", "text/plain", "application/json"]
        .iter()
        .any(|page| is_of_type(response, page));
    let has_none = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(HeaderValue::is_empty);
    was_taken(response.status()) && (is_page || has_none)
}

/// Whether an answer is a stream of events, which stays open (HTML, 9.2 "Server-sent events").
pub(crate) fn is_event_stream(response: &Response<UpstreamBody>) -> bool {
    is_of_type(response, "text/event-stream")
}

fn is_of_type(response: &Response<UpstreamBody>, media_type: &str) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let head = kind.and_then(|kind| kind.as_bytes().get(..media_type.len()));
    head.is_some_and(|head| head.eq_ignore_ascii_case(media_type.as_bytes()))
}

/// Reads the beginning of a response body, as far as signs of a login are looked for.
pub(super) async fn beginning(response: &mut Response<UpstreamBody>) -> Bytes {
    let mut read = BytesMut::new();
    // The client gets these bytes as well, before the rest: they are read, not taken.
    while read.len() < MOST_OF_A_RESPONSE {
        let Some(Ok(frame)) = response.body_mut().frame().await else {
            break;
        };
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
    }
    read.freeze()
}

/// How much of a response is read for the signs of a login.
const MOST_OF_A_RESPONSE: usize = 256 * 1024;
