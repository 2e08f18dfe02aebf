//! The proxy: the life of a request, in one screen.
//!
//! `walk`: normalize, our own endpoints, route, identify, admit, then forward and observe, or challenge,
//! or refuse.

mod counted;
mod error;
mod forward;
#[cfg(fuzzing)]
pub mod fuzzing;
mod guard;
mod house;
mod normalize;
mod outbound;
mod reply;
mod serve;

pub use house::{EdgeOptions, House};
pub use serve::serve;

use crate::domain::{DefaultAction, Reason, RequestLine, RequestPath, Verdict, claimed_methods};
use crate::request::body::{Content, Patience};
use crate::request::connection::Connection;
use crate::request::context::{Received, Visit};
use crate::session::Watch;
use crate::transport::service::Answer;
use crate::transport::streams::Stream;
use crate::web::{endpoints, respond};
use error::EdgeError;
use forward::forward;
use guard::{Challenged, judge};
use house::Worker;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use normalize::{NormalizeError, Plain, normalize};
use outbound::Outbound;
use reply::Reply;
use std::rc::Rc;

/// A request's way through the house.
async fn handle(
    worker: &Rc<Worker>,
    connection: &Connection,
    request: Request<Incoming>,
    stream: Option<Rc<Stream>>,
) -> Answer<Reply> {
    let (mut parts, body) = request.into_parts();
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
    let answered = walk(worker, &visit, &mut parts, body).await;
    counted::count(&worker.house.metrics, &visit, answered.as_ref());
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
    parts: &mut Parts,
    body: Incoming,
) -> Result<Response<Reply>, EdgeError> {
    let Plain {
        uri,
        method,
        host,
        upgrade,
    } = normalize(parts, visit, &worker.house.options)?;
    let web = &worker.web;
    let options = &web.shared.options;
    let path = RequestPath::of_target(uri.path(), uri.query(), &options.accept)?;
    if options.site.is_own(&path) {
        if host.is_empty() {
            return Err(NormalizeError::NO_HOST.into());
        }
        // Boxed, as all that is rare: each connection keeps room for the largest of these ways.
        let answer = Box::pin(endpoints::serve(web, visit, &path, &uri, parts, body)).await?;
        return Ok(answer.map(Reply::own));
    }
    let line = RequestLine {
        method,
        claimed: claimed_methods(method, &parts.headers, &path, uri.query()),
        host: &host,
        path: &path,
        query: uri.query(),
        upgrades: upgrade.is_some(),
    };
    let head = line.head(&parts.headers);
    let table = web.shared.table.load();
    let found = table.find(&head);
    if found.is_empty() && table.default_action() == DefaultAction::Deny {
        return Err(EdgeError::Refused(Reason::PolicyDefaultDeny));
    }
    let mut watch = Watch::new(&worker.sessions, visit, &head);
    let content = Content::new(body, worker.house.options.limits.body, visit.body_deadlines);
    let outbound = Outbound { parts, content };
    match judge(worker, visit, found, &line, outbound, &mut watch).await? {
        Verdict::Challenge(challenged) => {
            let Challenged {
                unmet,
                caller,
                session,
                outbound: Outbound { parts, mut content },
            } = *challenged;
            let head = line.head(&parts.headers);
            let answer =
                endpoints::challenge(web, visit, unmet, &caller, &session, &head, &mut content);
            Ok(Box::pin(answer).await?.map(Reply::own))
        }
        Verdict::Deny(reason) => Ok(respond::refusal(visit, reason, None, None).map(Reply::own)),
        Verdict::Pass(permitted) => {
            let forwarded = forward(worker, permitted, upgrade, &watch, visit).await;
            let mut response = forwarded?;
            let (read, opened) = watch.observe(visit, &mut response).await;
            Ok(response.map(|body| Reply::continued(read, body).opened(opened)))
        }
    }
}
