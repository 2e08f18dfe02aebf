//! Prompts, and the pages that come after them, as responses.

use super::refusal;
use super::shape::{self, StepUpMark, ours, redirect, set};
use super::status::{inline_of, status_of, status_of_challenge, step_up_challenges};
use crate::domain::{Factor, LocalPath, Reason, ReasonKind, Requirement};
use crate::request::context::RequestContext;
use crate::request::library::Library;
use crate::verification::Refusal;
use crate::web::api::{ChallengeView, DeviceFields};
use crate::web::pages::{self, Framed};
use crate::web::problem::{self, Problem};
use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// A challenge for a person who asked to see a page: off to the prompt.
pub(in crate::web) fn challenge_redirect(
    context: &RequestContext<'_>,
    page_url: &str,
) -> Response<Bytes> {
    ours(context, StepUpMark::Challenge, redirect(page_url))
}

/// A challenge for a person who posted a form: the prompt itself.
pub(in crate::web) fn challenge_page(
    context: &RequestContext<'_>,
    page: String,
) -> Response<Bytes> {
    let mut response = ours(
        context,
        StepUpMark::Challenge,
        // 403: with a 200 a program would take the page for the answer, and a 401 must name a
        // scheme (RFC 9110 §15.5.2) that browsers know.
        shape::page(StatusCode::FORBIDDEN, page),
    );
    may_be_gone_back_to(&mut response);
    response
}

/// A challenge for the library of a page: it loads the prompt in place of that page.
pub(in crate::web) fn challenge_by_library(
    context: &RequestContext<'_>,
    library: &Library,
    page_url: &str,
) -> Response<Bytes> {
    let response = shape::by_library(library, page_url);
    ours(context, StepUpMark::Challenge, response)
}

/// For a library that asked for a page of ours: it loads that whole.
pub(in crate::web) fn shown_by_library(
    context: &RequestContext<'_>,
    library: &Library,
) -> Response<Bytes> {
    let response = shape::by_library(library, context.target());
    ours(context, StepUpMark::Done, response)
}

/// A challenge inside another page.
pub(in crate::web) fn challenge_framed(
    context: &RequestContext<'_>,
    title: &str,
    page_url: &str,
) -> Response<Bytes> {
    let site = context.site();
    let Some(page_url) = LocalPath::parse(page_url) else {
        return refusal(context, Reason::StepUpRequired, None, None);
    };
    let view = Framed {
        title: title.to_owned(),
        page_url,
    };
    let mut response = shape::page(StatusCode::FORBIDDEN, pages::framed(&site, &view));
    let headers = response.headers_mut();
    // It would forbid every frame; `frame-ancestors` decides which.
    headers.remove(header::X_FRAME_OPTIONS);
    set(headers, header::CONTENT_SECURITY_POLICY, pages::FRAMED_CSP);
    ours(context, StepUpMark::Challenge, response)
}

/// A page of ours that is no refusal.
pub(in crate::web) fn shown(context: &RequestContext<'_>, page: String) -> Response<Bytes> {
    ours(context, StepUpMark::Done, shape::page(StatusCode::OK, page))
}

/// The prompt once more, in another state.
pub(in crate::web) fn shown_on(context: &RequestContext<'_>, page: String) -> Response<Bytes> {
    let mut response = shown(context, page);
    may_be_gone_back_to(&mut response);
    response
}

/// Lets a browser keep the answer to a form for itself, or its Back button shows an error in place of the page. For
/// pages alone that hold no secret: what is sealed in them opens in one session and browser, and for a while.
fn may_be_gone_back_to(response: &mut Response<Bytes>) {
    // RFC 9111 §5.2.2.4: asked for anew, it is never taken from there.
    set(
        response.headers_mut(),
        header::CACHE_CONTROL,
        "private, no-cache",
    );
}

/// The page with the one button, which may lead on to other origins.
pub(in crate::web) fn confirmation(context: &RequestContext<'_>, page: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(page));
    for (name, value) in pages::CONFIRM_HEADERS {
        set(response.headers_mut(), HeaderName::from_static(name), value);
    }
    let mut response = ours(context, StepUpMark::Done, response);
    may_be_gone_back_to(&mut response);
    response
}

/// A page of ours about an answer that was not accepted.
pub(in crate::web) fn shown_again(
    context: &RequestContext<'_>,
    refusal: &Refusal,
    page: String,
) -> Response<Bytes> {
    let status = status_of(refusal.reason, context);
    let mut response = shape::page(status, page);
    if let Some(wait) = refusal.retry_after {
        set(
            response.headers_mut(),
            header::RETRY_AFTER,
            &problem::retry_after(wait).to_string(),
        );
    }
    let mut response = ours(context, StepUpMark::Challenge, response);
    may_be_gone_back_to(&mut response);
    response
}

/// A challenge for a program: the document, or what stands for it in gRPC.
pub(in crate::web) fn challenge_document(
    context: &RequestContext<'_>,
    refusal: &Refusal,
    (view, device): (ChallengeView, Option<DeviceFields>),
    requirement: &Requirement,
) -> Response<Bytes> {
    let site = context.site();
    let status = status_of_challenge(refusal.reason, requirement, context);
    let may_follow = context.options.takes_codes && requirement.takes_at_once(Factor::Totp);
    let mut view = view;
    view.inline = view.inline.filter(|_| context.options.takes_inline);
    if may_follow {
        view = view.with_code_after_password();
    }
    let mut document = Problem::new(refusal.reason, status.as_u16(), &site)
        .with_request_id(context.id.to_string())
        .with_challenge(view, &site);
    let asks_npm = status == StatusCode::UNAUTHORIZED && may_ask_npm(refusal, requirement, context);
    document.npm = device
        .as_ref()
        .filter(|_| asks_npm)
        .map(DeviceFields::for_npm);
    document.device = device;
    document.attempts_left = refusal.attempts_left;
    document.retry_after = refusal.retry_after.map(problem::retry_after);
    let mut response = shape::document(context, status, &document);
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        for value in step_up_challenges(requirement, context) {
            // RFC 9110 §11.6.1: several lines are one list.
            headers.extend(
                HeaderValue::from_str(&value).map(|value| (header::WWW_AUTHENTICATE, value)),
            );
        }
    }
    if let Some(wait) = document.retry_after {
        set(headers, header::RETRY_AFTER, &wait.to_string());
    }
    ours(context, StepUpMark::Challenge, response)
}

/// Whether npm takes what its owner proves in a browser for the code that it is asked for. Who brought a code is asked
/// for another. npm polls with its credential only where it has sent its call (npm-registry-fetch, `getAuth`).
fn may_ask_npm(refusal: &Refusal, requirement: &Requirement, context: &RequestContext<'_>) -> bool {
    let inline = inline_of(requirement, context);
    let origin = context.origin();
    let is_here = |(_, host): (&str, &str)| host == context.authority();
    context.hints.opens_pages
        && origin.split_once("://").is_some_and(is_here)
        && refusal.reason.kind() == ReasonKind::StepUp
        && inline.is_some_and(|inline| inline.header == NPM_OTP)
}

/// The header in which npm sends it (npm-registry-fetch, `getHeaders`).
const NPM_OTP: &str = "npm-otp";
