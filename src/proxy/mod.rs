//! The proxy: the life of a request, in one screen.
//!
//! `walk`: normalize, our own endpoints, route, identify, admit, then forward and observe, or challenge,
//! or refuse.

mod answered;
mod body;
mod counted;
mod demands;
mod error;
mod events;
mod forward;
mod guard;
mod injection;
mod inline;
mod inline_code;
mod normalize;
mod outbound;
mod preflight;
mod recorder;
mod recording;
mod serve;
mod state;

pub use injection::{InjectionNotes, InjectionOptions};
pub(crate) use recorder::record;
pub(crate) use recording::{MOST_OF_A_BODY, RecordedExchange, Recording};
pub use serve::serve;
pub use state::{ProxyOptions, Role, SharedProxy};

use crate::domain::{DefaultAction, Reason, RequestLine, RequestPath, Verdict, claimed_methods};
use crate::request::body::{BodyDeadlines, RequestBody};
use crate::request::connection::ClientConnection;
use crate::request::context::{Received, RequestContext};
use crate::request::question::Convention;
use crate::session::Watch;
use crate::transport::service::TimedResponse;
use crate::transport::streams::Stream;
use crate::web::{endpoints, respond};
use answered::{Outlet, suited};
use body::ProxyBody;
use error::ProxyError;
use forward::relay;
use guard::{Challenged, judge};
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use normalize::{NormalizeError, NormalizedRequest, normalize};
use outbound::Outbound;
use state::Worker;
use std::rc::Rc;

/// Handles one request.
async fn handle(
    worker: &Rc<Worker>,
    role: Role,
    connection: &ClientConnection,
    request: Request<Incoming>,
    stream: Option<Rc<Stream>>,
) -> TimedResponse<ProxyBody> {
    let (mut parts, body) = request.into_parts();
    let options = &worker.shared.options;
    let deadline = worker.deadline();
    let body_deadlines = BodyDeadlines {
        progress: options.limits.deadlines.progress,
        whole: options.limits.deadlines.body,
        until: deadline,
    };
    let mut body = RequestBody::new(body, options.limits.body, body_deadlines);
    let mut sender = (connection.peer, connection.data.hop.peer());
    let convention = (role == Role::Asked).then(|| Convention::of(parts.uri.path()));
    let outlet = if convention == Some(Some(Convention::EnvoyGrpc)) {
        Box::pin(Outlet::of_check(
            options,
            &mut sender,
            &mut parts,
            &mut body,
        ))
        .await
    } else {
        Outlet::of(role, options, sender.1, &mut parts, &body)
    };
    let fault = outlet.as_ref().err().and_then(respond::RpcFault::of);
    let received = Received {
        id: worker.ids.next(),
        client: (options.trusted_proxies).client(sender.0, sender.1, &parts.headers),
        stream,
        deadline,
    };
    let context = RequestContext::new(
        connection,
        &worker.web.shared.options.site,
        received,
        &parts,
    );
    let answered = match outlet {
        Ok(outlet) => walk(worker, &context, outlet, &mut parts, body).await,
        Err(error) => Err(error.into()),
    };
    let metrics = &worker.shared.metrics;
    counted::count(metrics, &context, answered.as_ref());
    if let Some(convention) = convention {
        counted::count_question(metrics, convention, &context, answered.as_ref());
    }
    let mut response = answered.unwrap_or_else(|error| {
        error.log(&context, worker);
        respond::failure(&context, error.failure()).map(ProxyBody::own)
    });
    context.set_cookies(response.headers_mut());
    if let Some(convention) = convention {
        response = suited(convention, fault, response);
    }
    // A response of ours is complete already, and may be the one that reports the deadline.
    let deadline = context.deadline.filter(|_| response.body().is_streamed());
    TimedResponse { response, deadline }
}

async fn walk(
    worker: &Rc<Worker>,
    context: &RequestContext<'_>,
    outlet: Outlet,
    parts: &mut Parts,
    body: RequestBody,
) -> Result<Response<ProxyBody>, ProxyError> {
    let NormalizedRequest {
        uri,
        method,
        host,
        upgrade,
    } = normalize(parts, context, &worker.shared.options)?;
    let (web, options) = (&worker.web, &worker.web.shared.options);
    let appended = worker.sessions.shared.options.take_code(&mut parts.headers);
    let path = RequestPath::of_target(uri.path(), uri.query(), &options.accept)?;
    // Before the routes: no policy guards or opens our own endpoints.
    if options.site.is_own(&path) {
        outlet.must_serve()?;
        if host.is_empty() {
            return Err(NormalizeError::NO_HOST.into());
        }
        // Boxed, as all that is rare: each connection keeps room for the largest of these ways.
        let answer = Box::pin(endpoints::serve(web, context, &path, &uri, parts, body)).await?;
        return Ok(answer.map(ProxyBody::own));
    }
    let method = method.ok_or(NormalizeError::Method)?;
    let line = RequestLine {
        method,
        claimed: claimed_methods(method, &parts.headers, &path, uri.query()),
        host: &host,
        path: &path,
        query: uri.query(),
        upgrades: upgrade.is_some(),
    };
    let table = web.shared.table.load();
    let head = line.head(&parts.headers);
    let found = table.find(&head);
    if found.is_empty() && table.default_action() == DefaultAction::Deny {
        return Err(ProxyError::Refused(Reason::PolicyDefaultDeny));
    }
    if let Some(answer) = preflight::answered(context, outlet, &found, &head) {
        return Ok(answer.map(ProxyBody::own));
    }
    let inline_code = outlet.take_code(&mut parts.headers, (&table, &found), appended)?;
    let mut watch = Watch::new(&worker.sessions, context, &line.head(&parts.headers));
    let outbound = Outbound {
        parts,
        content: outlet.content(body),
        proven: None,
        inline_code,
    };
    match judge(worker, context, found, &line, outbound, &mut watch).await? {
        Verdict::Challenge(challenged) => {
            let Challenged {
                unmet,
                caller,
                session,
                outbound: Outbound {
                    parts, mut content, ..
                },
            } = *challenged;
            let head = line.head(&parts.headers);
            let answer =
                endpoints::challenge(web, context, unmet, &caller, &session, &head, &mut content);
            Ok(Box::pin(answer).await?.map(ProxyBody::own))
        }
        Verdict::Deny(reason) => {
            Ok(respond::refusal(context, reason, None, None).map(ProxyBody::own))
        }
        Verdict::Pass(permitted) if outlet != Outlet::Application => {
            outlet.answer(worker, permitted).await
        }
        Verdict::Pass(permitted) => {
            watch.note_change(line.claimed);
            let relayed = relay(worker, permitted, upgrade, &path, watch, context);
            Ok(relayed.await?)
        }
    }
}
