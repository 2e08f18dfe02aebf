//! Out to the application: consumes the permit, streams both ways, carries upgrades.

use super::body::ProxyBody;
use super::injection::Injection;
use super::outbound::Outbound;
use crate::domain::{Claim, RequestPath};
use crate::gate::{self, Permitted};
use crate::proxy::state::Worker;
use crate::request::context::RequestContext;
use crate::request::headers::{HeaderRules, cleanse_interim, cleanse_response};
use crate::request::upgrade::{Upgrade, agree};
use crate::session::onward::prepare_headers;
use crate::session::open::Opened;
use crate::session::{Sessions, Watch, is_event_stream};
use crate::transport::status_class::{is_passed_on_early, switches_protocols};
use crate::transport::tunnel::{self, Spoken};
use crate::transport::upstream::{Outgoing, SendError, UpstreamBody};
use crate::transport::wire::Awaited;
use http::request::Parts;
use http::{Request, Response, Uri, Version};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// Why the application did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ForwardError {
    /// It could not be reached, broke off, or was late.
    #[error(transparent)]
    Send(#[from] SendError),
    /// It switched to a protocol that nobody asked for.
    #[error("the upstream switched protocols without being asked")]
    Switched,
    /// The session has as many tunnels open as it may.
    #[error(
        "the session has as many tunnels and event streams open as `limits.open_per_session` allows"
    )]
    TooManyOpen,
}

/// Forwards one request, and makes of the application's answer that of the client.
pub(super) async fn relay(
    worker: &Worker,
    permitted: Permitted<Outbound<'_>>,
    upgrade: Option<Upgrade>,
    path: &RequestPath<'_>,
    watch: Watch,
    context: &RequestContext<'_>,
) -> Result<Response<ProxyBody>, ForwardError> {
    let injection = worker.shared.injection(context, path);
    let forwarded = forward(worker, permitted, upgrade, &watch, injection, context);
    let mut response = forwarded.await?;
    context.set_cookies(response.headers_mut());
    let (read, opened) = watch.observe(context, &mut response).await;
    limit_stream(worker, &response, opened.as_ref())?;
    let injector = injection.and_then(|injection| {
        injection.answer(&worker.shared.injection_notes, context, &mut response)
    });
    Ok(response.map(|body| {
        let body = ProxyBody::continued(read, body);
        body.injected(injector).opened(opened)
    }))
}

/// Sends one request. Whatever was taken for it is spent with the first byte that is sent, and given
/// back if none is.
async fn forward(
    worker: &Worker,
    permitted: Permitted<Outbound<'_>>,
    upgrade: Option<Upgrade>,
    watch: &Watch,
    injection: Option<Injection>,
    context: &RequestContext<'_>,
) -> Result<Response<UpstreamBody>, ForwardError> {
    let connection = context.connection;
    // The task of the client's connection, which polls this.
    let task = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
    let mut awaited = None;
    let permitted = permitted.map(|mut outbound| {
        if let Some(injection) = injection {
            injection.ask(&mut outbound.parts.headers);
        }
        watch.prepare(outbound.parts);
        // RFC 9110 §15.2: HTTP/1.0 knows none. On HTTP/2 hyper cannot send them.
        if outbound.parts.version == Version::HTTP_11 {
            awaited = Some(connection.state.await_answer());
        }
        let rules = &worker.shared.options.headers;
        prepare(outbound.parts, upgrade.as_ref(), context, rules);
        if let Some(teller) = &worker.web.shared.teller {
            outbound.tell(teller);
        }
        let mut request = outbound.into_request();
        if let Some(awaited) = &awaited {
            pass_on_interims(&mut request, awaited, task);
        }
        request
    });
    let sent = worker
        .pool
        .send(permitted, connection.data.client(), context.deadline)
        .await;
    let mut response = match sent {
        Ok(response) => response,
        Err((error, unspent)) => {
            if let Some(claims) = unspent {
                give_back(&worker.sessions, claims).await;
            }
            return Err(error.into());
        }
    };
    if let Some(awaited) = awaited {
        awaited.flush().await;
    }
    if switches_protocols(&response) {
        let Some(upgrade) = upgrade.filter(|asked| asked.is_agreed(response.headers())) else {
            return Err(ForwardError::Switched);
        };
        carry(worker, upgrade, &mut response, watch, context)?;
        agree(response.headers_mut());
        return Ok(response);
    }
    cleanse_response(response.headers_mut());
    Ok(response)
}

/// Passes on to an HTTP/1.1 client the interim responses of the application (RFC 9110 §15.2: a proxy must,
/// but for `100 Continue`, which is between us and either side).
fn pass_on_interims(request: &mut Request<Outgoing>, awaited: &Awaited, connection: Waker) {
    let send = awaited.sender(connection);
    hyper::ext::on_informational(request, move |response| {
        if is_passed_on_early(response.status()) {
            let mut headers = response.headers().clone();
            cleanse_interim(&mut headers);
            send(response.status(), headers);
        }
    });
}

/// Makes the head that goes upstream: the client's own, framed anew, with what we have to say.
fn prepare(
    parts: &mut Parts,
    upgrade: Option<&Upgrade>,
    context: &RequestContext<'_>,
    rules: &HeaderRules,
) {
    // The bytes of path and query go as they came; scheme and authority are this hop's affair.
    if parts.uri.scheme().is_some() || parts.uri.authority().is_some() {
        let mut target = http::uri::Parts::default();
        target.path_and_query = parts.uri.path_and_query().cloned();
        parts.uri = Uri::from_parts(target).unwrap_or_default();
    }
    if let Some(upgrade) = upgrade {
        upgrade.ask(&mut parts.headers);
    }
    prepare_headers(&mut parts.headers, parts.version, context, rules);
}

fn carry(
    worker: &Worker,
    upgrade: Upgrade,
    response: &mut Response<UpstreamBody>,
    watch: &Watch,
    context: &RequestContext<'_>,
) -> Result<(), ForwardError> {
    let connection = context.connection;
    let (opened, end) = watch.tunnel().ok_or(ForwardError::TooManyOpen)?;
    // What follows is no HTTP/1: the wire must not check it as such.
    connection.state.become_tunnel();
    let spoken = if upgrade.is_web_socket() {
        Spoken::WebSocket
    } else {
        Spoken::Bytes
    };
    let upstream = hyper::upgrade::on(response);
    let silence = worker.shared.options.tunnel_silence;
    let working = worker.transport.drain.work();
    let permit = connection.permit.clone();
    tokio::task::spawn_local(async move {
        // Until the tunnel ends it counts for the drain, for the connection limit, and among what
        // is open for its session.
        let (_working, _permit, _opened) = (working, permit, opened);
        if let (Ok(client), Ok(upstream)) = tokio::join!(upgrade.client, upstream) {
            // With its session, or when its time is over.
            tunnel::carry(client, upstream, spoken, silence, end.notified()).await;
        }
    });
    Ok(())
}

/// Refuses a stream of events of a session that has as many open as it may.
fn limit_stream(
    worker: &Worker,
    response: &Response<UpstreamBody>,
    opened: Option<&Opened>,
) -> Result<(), ForwardError> {
    // Known by its answer alone: scripts ask for one with any `Accept`.
    match opened.filter(|_| is_event_stream(response)) {
        Some(opened) if !opened.stay(&worker.sessions.shared) => Err(ForwardError::TooManyOpen),
        Some(_) | None => Ok(()),
    }
}

/// Gives back what was taken for a request that the application did not get.
pub(super) async fn give_back(sessions: &Sessions, claims: Vec<Claim>) {
    if claims.is_empty() {
        return;
    }
    let now = sessions.shared.clock.now();
    if let Err(error) = gate::give_back(&sessions.store, claims, now).await {
        tracing::warn!(%error, "a grant of a request that reached nobody could not be given back");
    }
}
