//! The one place where answers become status codes.

mod asked;
mod files;
mod polls;
mod prompts;
#[cfg(test)]
mod reference;
mod shape;
mod status;

use crate::domain::{LocalPath, Reason, ReasonKind};
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::verification::Refusal;
use crate::web::pages::{self, ErrorView, SessionView};
use crate::web::problem::{self, Problem};
pub(crate) use asked::{RpcFault, admits, admitted, check_failed, checked, rpc_done, suit};
use bytes::Bytes;
pub(in crate::web) use files::{client, picture, public_keys, script, style};
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
pub(in crate::web) use polls::{device_error, npm_not_done};
pub(super) use prompts::{
    challenge_by_library, challenge_document, challenge_framed, challenge_page, challenge_redirect,
    confirmation, shown, shown_again, shown_by_library, shown_on,
};
use shape::{StepUpMark, ours, redirect, set, typed};
use status::{session_challenge, status_of};
use std::time::Duration;

/// The whole response to a plain-text connection over the connection limit.
pub(crate) const OVER_LIMIT: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    retry-after: 1\r\nconnection: close\r\nstep-up: error\r\ncache-control: no-store\r\n\
    content-type: text/plain\r\ncontent-length: 14\r\n\r\nlimit-reached\n";

/// What may be over in a moment.
const MAY_PASS: [Reason; 3] = [
    Reason::LimitReached,
    Reason::StoreUnavailable,
    Reason::SubjectUnavailable,
];

/// What went wrong, as far as the client may know.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The word.
    pub(crate) reason: Reason,
    /// What exactly, where it is about what the client itself sent.
    pub(crate) detail: Option<String>,
    /// Whether the connection is of no further use.
    pub(crate) closes: bool,
}

/// Answers what went wrong.
pub(crate) fn failure(context: &RequestContext<'_>, failure: Failure) -> Response<Bytes> {
    let Failure {
        reason,
        detail,
        closes,
    } = failure;
    let wait = MAY_PASS.contains(&reason).then_some(Duration::from_secs(1));
    let mut response = refusal(context, reason, detail, wait);
    if closes {
        close(context, &mut response);
    }
    response
}

/// Asks a client to retry on another connection: this one's bytes are not to be trusted, or
/// hold the rest of a body that is not read.
fn close(context: &RequestContext<'_>, response: &mut Response<Bytes>) {
    if context.is_http1() {
        response
            .headers_mut()
            .insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Answers a refusal for which no verification is offered.
pub(crate) fn refusal(
    context: &RequestContext<'_>,
    reason: Reason,
    detail: Option<String>,
    retry_after: Option<Duration>,
) -> Response<Bytes> {
    let about_session = reason.kind() == ReasonKind::Session;
    let mark = StepUpMark::without_challenge(reason);
    let login = about_session.then(|| context.login_url()).flatten();
    // A GET is repeated after the login. What a form sent would be lost: its page says what
    // happened.
    let library = context.hints.kind.library();
    // A page in the place of one with a library would end what that holds, for what may be over in a moment.
    let shows_page = library.is_none() || reason.kind() != ReasonKind::Fault;
    let mut response = if context.hints.kind == ClientKind::Navigation
        && context.hints.safe
        && let Some(login) = &login
    {
        redirect(login)
    } else if let Some(library) = library
        && let Some(page) = page_for_library(context, reason, login.as_deref())
    {
        shape::by_library(library, &page)
    } else if context.hints.reads_pages() && shows_page {
        refusal_page(context, reason, login, retry_after)
    } else {
        refusal_document(context, reason, detail, login, retry_after)
    };
    let status = response.status();
    let headers = response.headers_mut();
    // RFC 9110 §15.5.2: a 401 must have this header.
    if status == StatusCode::UNAUTHORIZED {
        set(
            headers,
            header::WWW_AUTHENTICATE,
            &session_challenge(reason, context),
        );
    }
    if let Some(wait) = retry_after {
        set(
            headers,
            header::RETRY_AFTER,
            &problem::retry_after(wait).to_string(),
        );
    }
    if about_session && reason != Reason::SessionRequired {
        // The login page is refused with this cookie as well, or a login with it not believed.
        drop_session_cookies(context, headers);
    }
    ours(context, mark, response)
}

/// The page that a library loads for a refusal: the login page, or the one that explains it. `None` for what is no lasting
/// refusal of a person.
fn page_for_library(
    context: &RequestContext<'_>,
    reason: Reason,
    login_url: Option<&str>,
) -> Option<String> {
    match reason.kind() {
        ReasonKind::Answer | ReasonKind::Fault | ReasonKind::Request => None,
        ReasonKind::Denial | ReasonKind::Session | ReasonKind::StepUp => Some(match login_url {
            Some(login) => login.to_owned(),
            None => format!("{}/problems/{reason}", context.site().prefix),
        }),
    }
}

fn refusal_page(
    context: &RequestContext<'_>,
    reason: Reason,
    login_url: Option<String>,
    retry_after: Option<Duration>,
) -> Response<Bytes> {
    let status = status_of(reason, context);
    if reason.kind() != ReasonKind::Session {
        return error_page(context, reason, status, retry_after);
    }
    let view = SessionView {
        reason,
        login_url,
        request_id: Some(context.id.to_string()),
    };
    shape::page(status, pages::session(&context.site(), &view))
}

fn error_page(
    context: &RequestContext<'_>,
    reason: Reason,
    status: StatusCode,
    retry_after: Option<Duration>,
) -> Response<Bytes> {
    let view = ErrorView {
        reason,
        status: status.as_u16(),
        request_id: Some(context.id.to_string()),
        retry_after,
        back: Some(LocalPath::root()),
    };
    let mut site = context.site();
    // What was asked for in a way that cannot be is not asked for once more, nor repeated on a page.
    if reason.kind() == ReasonKind::Request || status == StatusCode::METHOD_NOT_ALLOWED {
        site.here = None;
    }
    shape::page(status, pages::error(&site, &view))
}

fn refusal_document(
    context: &RequestContext<'_>,
    reason: Reason,
    detail: Option<String>,
    login_url: Option<String>,
    retry_after: Option<Duration>,
) -> Response<Bytes> {
    let status = status_of(reason, context);
    let mut document = Problem::new(reason, status.as_u16(), &context.site())
        .with_request_id(context.id.to_string());
    if let Some(detail) = detail {
        document.detail = detail;
    }
    document.retry_after = retry_after.map(problem::retry_after);
    document.login_url = login_url;
    shape::document(context, status, &document)
}

/// Takes the application's session from the browser, as far as its cookies have the path that the settings
/// name, or `/`.
fn drop_session_cookies(context: &RequestContext<'_>, headers: &mut HeaderMap) {
    for (name, path) in context.session_cookies() {
        if let Ok(cookie) = HeaderValue::from_str(&format!("{name}=; Path={path}; Max-Age=0")) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// Off to the login page of the application, without its session.
pub(super) fn signed_out(context: &RequestContext<'_>, login_page: &LocalPath) -> Response<Bytes> {
    let mut response = redirect(login_page.as_str());
    drop_session_cookies(context, response.headers_mut());
    ours(context, StepUpMark::Done, response)
}

/// For a program: its answer to a challenge is not accepted.
pub(super) fn answer_refused(context: &RequestContext<'_>, refusal: &Refusal) -> Response<Bytes> {
    let status = status_of(refusal.reason, context);
    let mut document = Problem::new(refusal.reason, status.as_u16(), &context.site())
        .with_request_id(context.id.to_string());
    document.attempts_left = refusal.attempts_left;
    document.retry_after = refusal.retry_after.map(problem::retry_after);
    let wait = document.retry_after;
    let mut response = shape::document(context, status, &document);
    if let Some(wait) = wait {
        set(
            response.headers_mut(),
            header::RETRY_AFTER,
            &wait.to_string(),
        );
    }
    ours(context, StepUpMark::Error, response)
}

/// JSON of ours that is no refusal.
pub(super) fn json(context: &RequestContext<'_>, value: &impl serde::Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(value).unwrap_or_default();
    ours(
        context,
        StepUpMark::Done,
        typed(StatusCode::OK, "application/json", body),
    )
}

/// The description of our endpoints.
pub(super) fn description(context: &RequestContext<'_>, description: Bytes) -> Response<Bytes> {
    let response = typed(StatusCode::OK, "application/json", description);
    ours(context, StepUpMark::Done, response)
}

/// JSON that says as what it was asked for: `tag` names this state of it (RFC 9110 §8.8.3).
pub(super) fn tagged_json(
    context: &RequestContext<'_>,
    json: Vec<u8>,
    tag: &str,
) -> Response<Bytes> {
    let response = typed(StatusCode::OK, "application/json", json);
    tagged(context, response, tag)
}

/// Nothing else than what the client has (RFC 9110 §15.4.5).
pub(super) fn not_modified(context: &RequestContext<'_>, tag: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    tagged(context, response, tag)
}

fn tagged(context: &RequestContext<'_>, response: Response<Bytes>, tag: &str) -> Response<Bytes> {
    let mut response = ours(context, StepUpMark::Done, response);
    set(response.headers_mut(), header::ETAG, tag);
    response
}

/// A page that may run our scripts. Those in a dialog may anyway.
pub(super) fn with_script(
    context: &RequestContext<'_>,
    mut page: Response<Bytes>,
) -> Response<Bytes> {
    if !context.is_in_dialog() {
        let policy = pages::SCRIPTED_CSP;
        set(page.headers_mut(), header::CONTENT_SECURITY_POLICY, policy);
    }
    page
}

/// Off to a page of this origin.
pub(super) fn see_other(context: &RequestContext<'_>, to: &LocalPath) -> Response<Bytes> {
    ours(context, StepUpMark::Done, redirect(to.as_str()))
}

/// An endpoint of ours that is asked with the wrong method.
pub(super) fn method_not_allowed(context: &RequestContext<'_>, allow: &str) -> Response<Bytes> {
    let (reason, status) = (Reason::NotFound, StatusCode::METHOD_NOT_ALLOWED);
    let mut response = if context.hints.reads_pages() {
        error_page(context, reason, status, None)
    } else {
        let document = Problem::new(reason, status.as_u16(), &context.site());
        shape::document(context, status, &document)
    };
    // RFC 9110 §15.5.6: a 405 must list what is allowed.
    set(response.headers_mut(), header::ALLOW, allow);
    ours(context, StepUpMark::Error, response)
}

/// The answer to a preflight of a listed origin (Fetch §4.8). Which headers the request may bring, what is behind it
/// judges: here all that were `asked` for may come.
pub(crate) fn preflight(
    context: &RequestContext<'_>,
    methods: &HeaderValue,
    asked: &HeaderMap,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone());
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    // Private Network Access §3.2: a page of a public address that calls one within.
    if asked
        .get("access-control-request-private-network")
        .is_some_and(|asked| asked == "true")
    {
        let name = HeaderName::from_static("access-control-allow-private-network");
        headers.insert(name, HeaderValue::from_static("true"));
    }
    set(headers, header::ACCESS_CONTROL_MAX_AGE, "600");
    ours(context, StepUpMark::Done, response)
}
