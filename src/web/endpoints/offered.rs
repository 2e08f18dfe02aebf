//! Who is offered to have the proof given elsewhere: programs that are known by a header.

use crate::domain::{Challenge, RequestHead};
use crate::request::client_kind::FetchSite;
use crate::request::context::RequestContext;
use crate::session::Caller;
use crate::verification::DeviceAsker;
use crate::web::Web;
use crate::web::api::{DeviceFields, DevicePlaces};
use http::header::{self, HeaderMap};

/// What a program that was refused may have its owner open elsewhere.
pub(super) fn offered(
    web: &Web,
    context: &RequestContext<'_>,
    challenge: &Challenge,
    (caller, head): (&Caller, &RequestHead<'_>),
) -> Option<DeviceFields> {
    let places = places(web, context, caller, head.headers)?;
    let agent = head.headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let asker = DeviceAsker {
        request: (head.method.as_str().to_owned(), context.target().to_owned()),
        address: context.client,
        agent: agent.unwrap_or_default().to_owned(),
    };
    let offer = web.verifier.offer_device(challenge, asker)?;
    Some(DeviceFields::new(offer, places))
}

/// Where whoever calls may have a proof given elsewhere; `None` for a browser, which has the prompt, and for whoever
/// sends a cookie of the session: what stands in a header beside that may be made up.
pub(super) fn places(
    web: &Web,
    context: &RequestContext<'_>,
    caller: &Caller,
    headers: &HeaderMap,
) -> Option<DevicePlaces> {
    let may = is_program(context) && !caller.has_cookie && carries_credential(web, headers);
    may.then(|| DevicePlaces::new(&context.origin(), &context.site()))
}

/// Whether no browser sends it: those tell where a request comes from.
pub(super) fn is_program(context: &RequestContext<'_>) -> bool {
    context.hints.site == FetchSite::Absent
        && context.hints.origin().is_none()
        && !context.hints.reads_pages()
}

/// Whether a request carries what makes its session in a header of its own, where no browser adds anything.
fn carries_credential(web: &Web, headers: &HeaderMap) -> bool {
    let names = &web.sessions.shared.options.key_names;
    headers
        .keys()
        .any(|name| *name == header::AUTHORIZATION || names.reads_header(name.as_str()))
}
