//! The edge: a request's way through the house, in one screen.
//!
//! `handle` is the way: normalize, our own endpoints, match, identify, decide, forward, observe.
//! Each step has a file of its own beside this one; status codes are in `respond/` alone.

pub mod api;
mod audience;
mod client;
mod content;
mod endpoints;
mod error;
mod forget;
mod forward;
#[cfg(fuzzing)]
pub mod fuzzing;
mod guard;
mod headers;
mod house;
mod identify;
pub mod local_path;
mod normalize;
mod observe;
mod open;
pub mod pages;
pub mod problem;
mod reply;
mod request_id;
mod respond;
mod serve;
mod upgrade;
mod visit;

pub use client::TrustedProxies;
pub use headers::{ForwardedStyle, HeaderRules, NotPassed, RewriteUrls, may_pass, may_remove};
pub(crate) use headers::{folded, is_plain};
pub use house::{EdgeOptions, House};
pub use serve::serve;

use crate::domain::{DefaultAction, Reason, RequestHead, RequestPath, claimed_methods};
use crate::transport::service::Answer;
use crate::transport::streams::Stream;
use content::Content;
use error::EdgeError;
use house::{Connection, Worker};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use normalize::{Plain, normalize};
use observe::Watch;
use reply::Reply;
use std::rc::Rc;
use visit::Visit;

/// A request's way through the house.
async fn handle(
    worker: &Rc<Worker>,
    connection: &Connection,
    request: Request<Incoming>,
    stream: Option<Rc<Stream>>,
) -> Answer<Reply> {
    let (parts, body) = request.into_parts();
    let visit = Visit::new(worker, connection, stream, &parts);
    let answered = walk(&visit, parts, body).await;
    let response = answered.unwrap_or_else(|error| respond::error(&visit, &error));
    // An answer of ours is there already, and may be the one that tells of the deadline.
    let deadline = visit.deadline.filter(|_| response.body().is_streamed());
    Answer { response, deadline }
}

async fn walk(
    visit: &Visit<'_>,
    mut parts: Parts,
    body: Incoming,
) -> Result<Response<Reply>, EdgeError> {
    let Plain {
        uri,
        method,
        host,
        upgrade,
    } = normalize(&mut parts, visit)?;
    let house = &*visit.worker.house;
    let path = RequestPath::of_target(uri.path(), uri.query(), &house.options.accept)?;
    if house.options.is_own(&path) {
        // Boxed, as all that is rare: each connection keeps room for the largest of these ways.
        return Box::pin(endpoints::serve(visit, &path, &uri, &parts, body)).await;
    }
    let head = RequestHead {
        method,
        claimed: claimed_methods(method, &parts.headers, &path, uri.query()),
        host: &host,
        path: &path,
        query: uri.query(),
        headers: &parts.headers,
        upgrades: upgrade.is_some(),
    };
    let table = house.table.load();
    let found = table.find(&head);
    if found.is_empty() && table.default_action() == DefaultAction::Deny {
        return Err(EdgeError::Refused(Reason::PolicyDefaultDeny));
    }
    let watch = Watch::new(visit, &head);
    let mut content = Content::new(body, house.options.limits.body, visit.patience());
    let outcome = guard::judge(visit, found, &head, &watch, &mut content).await?;
    let watch = watch.settle(&head, &content);
    match outcome {
        guard::Judged::Answered(response) => Ok(*response),
        guard::Judged::Permitted(permit) => {
            watch.prepare(&mut parts);
            let response = forward::forward(permit, parts, content, upgrade, &watch, visit).await?;
            Ok(watch.observe(visit, response).await)
        }
    }
}
