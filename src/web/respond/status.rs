//! Which status an answer of ours has.

use crate::domain::Reason;
use crate::request::client_kind::ClientKind;
use http::StatusCode;

/// The status of a refusal.
pub(super) fn status_of(reason: Reason, client: ClientKind) -> StatusCode {
    match reason {
        Reason::AmbiguousRequest => StatusCode::BAD_REQUEST,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::GrantExpired
        | Reason::GrantMismatch
        | Reason::GrantSpent
        | Reason::SessionNotFresh
        | Reason::StepUpRequired => match client {
            // RFC 9470 §3 for whoever sent an `Authorization`; a script with a cookie would take a
            // 401 for the end of its session.
            ClientKind::Api => StatusCode::UNAUTHORIZED,
            ClientKind::Fetch
            | ClientKind::Framed
            | ClientKind::Grpc
            | ClientKind::Navigation
            | ClientKind::WebSocket => StatusCode::FORBIDDEN,
        },
        // RFC 9110 §15.5.20: the client may come again on another connection.
        Reason::ConnectionAuthenticated => StatusCode::MISDIRECTED_REQUEST,
        Reason::ChallengeExpired
        | Reason::CrossSite
        | Reason::FactorLocked
        | Reason::MethodNotEnrolled
        | Reason::PolicyDefaultDeny
        | Reason::WrongAnswer => StatusCode::FORBIDDEN,
        Reason::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Reason::InvalidUpstreamResponse | Reason::UpstreamUnreachable => StatusCode::BAD_GATEWAY,
        Reason::LimitReached | Reason::MailUnavailable | Reason::StoreUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Reason::NotFound => StatusCode::NOT_FOUND,
        Reason::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Reason::SessionDisputed
        | Reason::SessionRequired
        | Reason::SessionRevoked
        | Reason::SessionTimedOut => StatusCode::UNAUTHORIZED,
        Reason::TargetTooLong => StatusCode::URI_TOO_LONG,
        Reason::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
        Reason::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
    }
}
