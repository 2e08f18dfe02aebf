//! What the status of an answer of the application means.

use http::{Response, StatusCode};

/// RFC 9110 §15.2.2.
pub(crate) fn switches_protocols<B>(response: &Response<B>) -> bool {
    response.status() == StatusCode::SWITCHING_PROTOCOLS
}

/// RFC 9110 §15.2: what may be sent before the final response. We meet `Expect` ourselves, and a switch of
/// protocols is an answer.
pub(crate) fn is_passed_on_early(status: StatusCode) -> bool {
    status.is_informational()
        && status != StatusCode::CONTINUE
        && status != StatusCode::SWITCHING_PROTOCOLS
}

/// Whether the application took a request: anything but an error of its own.
pub(crate) fn was_taken(status: StatusCode) -> bool {
    !status.is_client_error() && !status.is_server_error()
}
