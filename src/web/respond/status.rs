//! Which status an answer of ours has, and whom a 401 asks for.

use crate::domain::{Inline, Reason, ReasonKind, Requirement};
use crate::request::client_kind::{ClientKind, FetchSite};
use crate::request::context::RequestContext;
use crate::request::program::At401;
use crate::web::problem;
use http::StatusCode;

/// The status of a refusal.
pub(super) fn status_of(reason: Reason, context: &RequestContext<'_>) -> StatusCode {
    let asks = asks_for_password(reason, context);
    // Some programs take a 401 for a token that is wrong.
    let kind = match (reason.kind(), context.hints.kind) {
        (ReasonKind::StepUp, ClientKind::Bearer) if !hands_on_401(context) => ClientKind::Api,
        (_, kind) => kind,
    };
    status_for(reason, kind, asks)
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

/// The status of a refusal that a fresh proof would lift.
pub(super) fn status_of_challenge(
    reason: Reason,
    requirement: &Requirement,
    context: &RequestContext<'_>,
) -> StatusCode {
    let status = status_of(reason, context);
    let is_asked = inline_of(requirement, context).is_some() && can_be_asked(context);
    // Not in place of a 429 or 503: another code does not help there, and waiting does.
    if is_asked && status == StatusCode::FORBIDDEN {
        StatusCode::UNAUTHORIZED
    } else {
        status
    }
}

/// The challenges of a 401 that a fresh proof would lift.
pub(super) fn step_up_challenges(
    requirement: &Requirement,
    context: &RequestContext<'_>,
) -> impl Iterator<Item = String> {
    let inline = inline_of(requirement, context).map(|inline| inline.challenge.clone());
    let bearer = context.hints.kind == ClientKind::Bearer;
    let bearer = bearer.then(|| problem::www_authenticate(requirement));
    inline.into_iter().chain(bearer)
}

/// How a program may bring a code with its request.
pub(super) fn inline_of<'r>(
    requirement: &'r Requirement,
    context: &RequestContext<'_>,
) -> Option<&'r Inline> {
    let inline = requirement.inline.as_ref();
    inline.filter(|_| context.options.takes_inline)
}

/// Whether a 401 may ask for a code: not a script of a page, which would take it for the end of its session, nor a
/// program that would take it for a wrong password.
fn can_be_asked(context: &RequestContext<'_>) -> bool {
    let hints = &context.hints;
    let is_program = matches!(
        hints.kind,
        ClientKind::Api | ClientKind::Bearer | ClientKind::Fetch
    );
    let heeds = hints
        .program
        .is_none_or(|program| program.at_401 != At401::TakesForWrong);
    is_program && heeds && hints.site == FetchSite::Absent && hints.origin().is_none()
}

/// Whether the program that gets it makes nothing of a 401 that it does not mean.
fn hands_on_401(context: &RequestContext<'_>) -> bool {
    let program = context.hints.program;
    program.is_none_or(|program| program.at_401 == At401::HandsOn)
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
