//! Which status an answer of ours has.

use crate::domain::{Reason, ReasonKind};
use crate::request::client_kind::ClientKind;
use http::StatusCode;

/// The status of a refusal.
pub(super) fn status_of(reason: Reason, client: ClientKind) -> StatusCode {
    // RFC 9470 §3 for a client that sent an `Authorization`; a script with a cookie would take a 401 for the end
    // of its session.
    if reason.kind() == ReasonKind::StepUp && client == ClientKind::Api {
        return StatusCode::UNAUTHORIZED;
    }
    StatusCode::from_u16(reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
