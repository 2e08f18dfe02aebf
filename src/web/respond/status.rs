//! Which status an answer of ours has, and whom a 401 asks for.

use crate::domain::{Reason, ReasonKind};
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::web::problem;
use http::StatusCode;

/// The status of a refusal.
pub(super) fn status_of(reason: Reason, context: &RequestContext<'_>) -> StatusCode {
    let asks = asks_for_password(reason, context);
    status_for(reason, context.hints.kind, asks)
}

/// The same for a kind of client; `asks` is whether that is asked for a password.
pub(super) fn status_for(reason: Reason, kind: ClientKind, asks: bool) -> StatusCode {
    match (reason.kind(), kind) {
        // RFC 9470 §3 for a client that sent a token; a script with a cookie would take a 401 for the end of its
        // session.
        (ReasonKind::StepUp, ClientKind::Bearer) => StatusCode::UNAUTHORIZED,
        // RFC 9110 §15.5.4: known, and not enough. At a 401 git forgets a password that is right, pip and cadaver
        // ask for another, and Python's urllib fails at a scheme that it does not know.
        (ReasonKind::Session, ClientKind::Api) if !asks => StatusCode::FORBIDDEN,
        _ => StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// The `WWW-Authenticate` of a 401 for want of a session.
pub(super) fn session_challenge(reason: Reason, context: &RequestContext<'_>) -> String {
    if asks_for_password(reason, context) {
        // RFC 7617 §2: many clients send no password until they are asked for it.
        format!("Basic realm=\"{}\", charset=\"UTF-8\"", context.authority())
    } else if context.hints.kind == ClientKind::Bearer {
        problem::WWW_AUTHENTICATE_SESSION.to_owned()
    } else {
        // RFC 6750 §3.1: no error where no token came.
        "Bearer".to_owned()
    }
}

/// Whether the application judged the password that came along, or none came.
fn asks_for_password(reason: Reason, context: &RequestContext<'_>) -> bool {
    context.options.takes_passwords
        && reason == Reason::SessionRequired
        && context.hints.kind != ClientKind::Bearer
}
