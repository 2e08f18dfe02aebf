//! The shapes that answers of ours have, and what each of them carries.

use crate::domain::{Reason, ReasonKind};
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::request::library::{Library, Told};
use crate::request::program::{self, Program};
use crate::web::pages;
use crate::web::problem::{self, Problem};
use crate::web::program::{ProgramAnswer, SeenBy};
use crate::web::rpc::RpcAnswer;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// Marks that the proxy answered, not the application.
const STEP_UP: HeaderName = HeaderName::from_static("step-up");

/// What kind of answer of ours it is, in the `Step-Up` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepUpMark {
    Challenge,
    Deny,
    Error,
    /// An endpoint of ours that did what it was asked for.
    Done,
}

impl StepUpMark {
    /// That of a refusal for which no challenge is offered.
    pub(super) const fn without_challenge(reason: Reason) -> Self {
        match reason.kind() {
            ReasonKind::Denial | ReasonKind::Session => Self::Deny,
            ReasonKind::Answer | ReasonKind::Fault | ReasonKind::Request | ReasonKind::StepUp => {
                Self::Error
            }
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Deny => "deny",
            Self::Done => "done",
            Self::Error => "error",
        }
    }
}

pub(super) fn page(status: StatusCode, page: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(page));
    *response.status_mut() = status;
    for (name, value) in pages::HEADERS {
        set(response.headers_mut(), HeaderName::from_static(name), value);
    }
    response
}

/// A problem document, or what stands for it in gRPC and its relatives.
pub(super) fn document(
    context: &RequestContext<'_>,
    status: StatusCode,
    document: &Problem,
) -> Response<Bytes> {
    if let Some(program) = context.hints.program {
        return by_program(context, program, status, document);
    }
    let ClientKind::Rpc(rpc) = context.hints.kind else {
        return typed(status, problem::MEDIA_TYPE, document.to_json());
    };
    let answer = RpcAnswer::new(rpc, document, context.hints.locale());
    let status = if answer.is_ok { StatusCode::OK } else { status };
    let mut response = typed(status, answer.media_type, answer.body);
    for (name, value) in answer.headers {
        set(
            response.headers_mut(),
            HeaderName::from_static(name),
            &value,
        );
    }
    response
}

/// A problem document in the form that a program on a command line shows.
fn by_program(
    context: &RequestContext<'_>,
    program: &Program,
    status: StatusCode,
    document: &Problem,
) -> Response<Bytes> {
    let (site, origin) = (context.site(), context.origin());
    let seen = SeenBy {
        site: &site,
        origin: &origin,
        shares_cookies: context.hints.kind == ClientKind::Fetch,
    };
    let answer = ProgramAnswer::new(program, document, seen);
    let mut response = typed(status, answer.media_type, answer.body);
    if let Some((name, notice)) = answer.notice {
        set(
            response.headers_mut(),
            HeaderName::from_static(name),
            &notice,
        );
    }
    if let Some(phrase) = answer.phrase {
        program::set_phrase(&mut response, phrase);
    }
    response
}

pub(super) fn redirect(to: &str) -> Response<Bytes> {
    // RFC 9110 §15.4.4: the browser goes on with GET, whatever the method was.
    leading(StatusCode::SEE_OTHER, header::LOCATION, to)
}

/// Names a page in a header.
fn leading(status: StatusCode, name: HeaderName, url: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    set(response.headers_mut(), name, url);
    response
}

/// Tells a library to load the page at `url` whole.
pub(super) fn by_library(library: &Library, url: &str) -> Response<Bytes> {
    match library.told {
        Told::Header(name) => leading(StatusCode::FORBIDDEN, HeaderName::from_static(name), url),
        Told::Conflict(name) => leading(StatusCode::CONFLICT, HeaderName::from_static(name), url),
        Told::Body(media_type, body) => typed(StatusCode::OK, media_type, body(url)),
        Told::Fragment(headers) => {
            let mut response = page(StatusCode::FORBIDDEN, pages::refresh(url));
            for (name, value) in headers {
                set(response.headers_mut(), HeaderName::from_static(name), value);
            }
            response
        }
        Told::Redirect => redirect(url),
    }
}

pub(super) fn typed(
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    set(response.headers_mut(), header::CONTENT_TYPE, media_type);
    response
}

/// What every response of ours carries.
pub(super) fn ours(
    context: &RequestContext<'_>,
    mark: StepUpMark,
    mut response: Response<Bytes>,
) -> Response<Bytes> {
    let headers = response.headers_mut();
    // RFC 9111 §5.2.2.5: no cache keeps it, as it is about one person.
    // RFC 9110 §12.5.5: the request headers on which the form of the response depends.
    set(headers, header::CACHE_CONTROL, "no-store");
    let vary = if context.reads_origin() {
        "Accept, Sec-Fetch-Mode, Sec-Fetch-Dest, Origin"
    } else {
        "Accept, Sec-Fetch-Mode, Sec-Fetch-Dest"
    };
    set(headers, header::VARY, vary);
    headers.insert(STEP_UP, HeaderValue::from_static(mark.as_str()));
    if context.is_in_dialog() {
        may_be_framed(headers);
    }
    if let Some(origin) = context.listed_origin() {
        // Without these a page of that origin sees nothing but a network error.
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        set(
            headers,
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "step-up, www-authenticate, retry-after, etag",
        );
    }
    response
}

/// Lets pages of our own origin frame a page, if it is one that asks for nothing but the proof.
fn may_be_framed(headers: &mut HeaderMap) {
    let policy = headers.get(header::CONTENT_SECURITY_POLICY);
    // The page with the button that sends a form has another one, and is never framed.
    if policy.is_some_and(|policy| policy == pages::CONTENT_SECURITY_POLICY) {
        set(headers, header::CONTENT_SECURITY_POLICY, pages::DIALOG_CSP);
        set(headers, header::X_FRAME_OPTIONS, "SAMEORIGIN");
        // HTML §7.1.4: a page that is isolated so frames only pages that are, too. Ours load nothing from elsewhere.
        let policy = HeaderName::from_static("cross-origin-embedder-policy");
        set(headers, policy, "require-corp");
    }
}

pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
