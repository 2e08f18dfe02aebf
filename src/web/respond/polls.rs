//! The answers to programs that poll for a proof which is given elsewhere.

use super::shape::{StepUpMark, ours, set, typed};
use crate::request::context::RequestContext;
use crate::web::api::{DeviceError, NpmOver};
use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{Response, StatusCode};

/// The answer to a poll that takes nothing up (RFC 6749 §5.2).
pub(in crate::web) fn device_error(
    context: &RequestContext<'_>,
    error: &DeviceError,
) -> Response<Bytes> {
    let body = serde_json::to_vec(error).unwrap_or_default();
    let response = typed(StatusCode::BAD_REQUEST, "application/json", body);
    ours(context, StepUpMark::Error, response)
}

/// The same to a poll of npm, which waits at 202 and ends at whatever else is no success.
pub(in crate::web) fn npm_not_done(
    context: &RequestContext<'_>,
    error: &DeviceError,
) -> Response<Bytes> {
    let texts = &context.texts().device;
    if let Some(wait) = error.interval {
        let mut response = typed(StatusCode::ACCEPTED, "application/json", "{}");
        set(
            response.headers_mut(),
            header::RETRY_AFTER,
            &wait.max(1).to_string(),
        );
        return ours(context, StepUpMark::Done, response);
    }
    let is_denied = error.error == "access_denied";
    let text = if is_denied {
        &texts.denied
    } else {
        &texts.void
    };
    let over = NpmOver {
        error: text.to_string(),
        code: error.error,
    };
    let body = serde_json::to_vec(&over).unwrap_or_default();
    let mut response = typed(StatusCode::BAD_REQUEST, "application/json", body);
    // It prints this line by itself; `error` comes behind the whole address that it has polled.
    let notice = HeaderName::from_static("npm-notice");
    set(response.headers_mut(), notice, error.error_description);
    ours(context, StepUpMark::Error, response)
}
