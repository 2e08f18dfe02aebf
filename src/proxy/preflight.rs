//! Preflights for guarded requests: what a browser asks before a page of another origin may call (Fetch §4.8).

use super::answered::Outlet;
use crate::domain::{Enforcement, FoundRoutes, Method, RequestHead};
use crate::request::context::RequestContext;
use crate::web::respond;
use bytes::Bytes;
use http::{Response, header};

/// Answers the preflight of a listed origin for what is guarded under OPTIONS, too; `None` for every other request.
///
/// A preflight brings no cookies, so the guard would refuse it, and the call that it asks about could never be made. It
/// is answered here rather than forwarded: an application that does the same for every method would act on it.
pub(super) fn answered(
    context: &RequestContext<'_>,
    outlet: Outlet,
    found: &FoundRoutes,
    head: &RequestHead<'_>,
) -> Option<Response<Bytes>> {
    let is_options = context.method == Some(Method::Options);
    // What looks like a success would be one to a proxy that asks.
    let is_asked = matches!(outlet, Outlet::Asker(_));
    if !is_options || is_asked || context.listed_origin().is_none() {
        return None;
    }
    // Of one that only reports, the application has the say.
    let mut routes = found.matches().iter().map(|found| &found.route.requirement);
    let guarded = routes.any(|requirement| requirement.enforcement == Enforcement::Enforce);
    let method = head.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
    let method = method.filter(|_| guarded)?;
    Some(respond::preflight(context, method, head.headers))
}
