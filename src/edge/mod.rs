//! The edge: a request's way through the house, in one screen.
//!
//! `handle` is the way: normalize, our own endpoints, match, identify, decide, forward, observe.
//! Each step has a file of its own beside this one; status codes are in `respond/` alone.

pub mod api;
mod audience;
mod client;
mod connection;
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
mod sessions;
mod site;
mod unmet;
mod upgrade;
mod visit;
mod web;

pub use client::TrustedProxies;
pub use headers::{ForwardedStyle, HeaderRules, NotPassed, RewriteUrls, may_pass, may_remove};
pub(crate) use headers::{folded, is_plain};
pub use house::{EdgeOptions, House};
pub use serve::serve;
pub use sessions::SharedSessions;
pub use site::SiteOptions;
pub use web::{SharedWeb, WebOptions};

use crate::domain::{DefaultAction, Reason, RequestHead, RequestPath, claimed_methods};
use crate::transport::service::Answer;
use crate::transport::streams::Stream;
use connection::Connection;
use content::{Content, Patience};
use error::EdgeError;
use house::Worker;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use normalize::{Plain, normalize};
use observe::Watch;
use reply::Reply;
use std::rc::Rc;
use visit::{Received, Visit};

/// A request's way through the house.
async fn handle(
    worker: &Rc<Worker>,
    connection: &Connection,
    request: Request<Incoming>,
    stream: Option<Rc<Stream>>,
) -> Answer<Reply> {
    let (parts, body) = request.into_parts();
    let options = &worker.house.options;
    let deadline = worker.deadline();
    let received = Received {
        id: worker.ids.next(),
        client: options
            .trusted_proxies
            .client(connection.peer, &parts.headers),
        stream,
        deadline,
        body_deadlines: Patience {
            progress: options.limits.deadlines.progress,
            whole: options.limits.deadlines.body,
            until: deadline,
        },
    };
    let visit = Visit::new(
        connection,
        &worker.web.shared.options.site,
        received,
        &parts,
    );
    let answered = walk(worker, &visit, parts, body).await;
    let response = answered.unwrap_or_else(|error| {
        error.log(&visit, worker);
        respond::failure(&visit, error.failure()).map(Reply::own)
    });
    // An answer of ours is there already, and may be the one that tells of the deadline.
    let deadline = visit.deadline.filter(|_| response.body().is_streamed());
    Answer { response, deadline }
}

async fn walk(
    worker: &Rc<Worker>,
    visit: &Visit<'_>,
    mut parts: Parts,
    body: Incoming,
) -> Result<Response<Reply>, EdgeError> {
    let Plain {
        uri,
        method,
        host,
        upgrade,
    } = normalize(&mut parts, visit, &worker.house.options)?;
    let web = &worker.web;
    let options = &web.shared.options;
    let path = RequestPath::of_target(uri.path(), uri.query(), &options.accept)?;
    if options.site.is_own(&path) {
        // Boxed, as all that is rare: each connection keeps room for the largest of these ways.
        let answer = Box::pin(endpoints::serve(web, visit, &path, &uri, &parts, body)).await?;
        return Ok(answer.map(Reply::own));
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
    let table = web.shared.table.load();
    let found = table.find(&head);
    if found.is_empty() && table.default_action() == DefaultAction::Deny {
        return Err(EdgeError::Refused(Reason::PolicyDefaultDeny));
    }
    let watch = Watch::new(&worker.sessions, visit, &head);
    let mut content = Content::new(body, worker.house.options.limits.body, visit.body_deadlines);
    let outcome = guard::judge(worker, visit, found, &head, &watch, &mut content).await?;
    let watch = watch.settle(&head, &content);
    match outcome {
        guard::Judged::Refused(reason) => {
            Ok(respond::refusal(visit, reason, None, None).map(Reply::own))
        }
        guard::Judged::Challenged(challenged) => {
            let guard::Challenged {
                unmet,
                caller,
                session,
            } = *challenged;
            let answer =
                endpoints::challenge(web, visit, unmet, &caller, &session, &head, &mut content);
            Ok(Box::pin(answer).await?.map(Reply::own))
        }
        guard::Judged::Permitted(permit) => {
            watch.prepare(&mut parts);
            let forwarded =
                forward::forward(worker, permit, parts, content, upgrade, &watch, visit).await;
            let mut response = forwarded?;
            let (read, opened) = watch.observe(visit, &mut response).await;
            Ok(response.map(|body| Reply::continued(read, body).opened(opened)))
        }
    }
}
