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

/// Whether a stored copy still holds (RFC 9110 §15.4.5).
pub(crate) fn is_unchanged(status: StatusCode) -> bool {
    status == StatusCode::NOT_MODIFIED
}

/// Whether a browser shows the body of the answer, and has all of it: a redirect has none that is shown, and of a part it knows the rest.
pub(crate) fn is_shown_whole(status: StatusCode) -> bool {
    !status.is_informational()
        && !status.is_redirection()
        && !matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::PARTIAL_CONTENT
        )
}
