//! A proxy that guards nothing and keeps what passes: for `stepgate learn`.

use super::recording::{MOST_OF_A_BODY, RecordedExchange, Recording};
use super::state::ProxyOptions;
use crate::clock::Clock;
use crate::gate;
use crate::metrics::Metrics;
use crate::request::body::{BodyDeadlines, RequestBody};
use crate::request::headers::{HeaderRules, Hop, Peer, cleanse, cleanse_response};
use crate::request::upgrade::{Upgrade, agree, upgrade};
use crate::session::SessionOptions;
use crate::telemetry::chain;
use crate::transport;
use crate::transport::ConnectionLimit;
use crate::transport::drain::Drain;
use crate::transport::idle_reaper::IdleReaper;
use crate::transport::log_limit::LogLimit;
use crate::transport::service::{
    Connection, HeadOptions, Protocol, Service, TimedResponse, Transport,
};
use crate::transport::status_class::switches_protocols;
use crate::transport::streams::Stream;
use crate::transport::tunnel::{self, Spoken};
use crate::transport::upstream::{Client, Pool, UpstreamBody};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName};
use http::{Request, Response, Version};
use http_body::{Body, Frame};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use std::cell::RefCell;
use std::error::Error;
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// What is called with the head of each exchange, as soon as it is answered.
pub(crate) type Seen = Box<dyn Fn(&RecordedExchange)>;

/// Passes on and records what comes to `listener`, until `stop` resolves. Must run on a current-thread runtime
/// that spawns local tasks.
pub(crate) async fn record(
    options: ProxyOptions,
    sessions: SessionOptions,
    listener: std::net::TcpListener,
    seen: Seen,
    stop: impl Future<Output = ()>,
) -> io::Result<Recording> {
    let clock = Clock::System;
    let metrics = Arc::new(Metrics::new(0, clock.now()));
    let pool = Pool::new(
        options.upstream.clone(),
        Arc::default(),
        Arc::default(),
        metrics,
    );
    let recording = Rc::new(RefCell::new(Recording::default()));
    let recorder = Rc::new(RecordingProxy {
        transport: Transport {
            limits: options.limits,
            heads: HeadOptions {
                fragments: true,
                raw_bytes: true,
            },
            connection_limit: Arc::<ConnectionLimit>::default(),
            drain: Rc::<Drain>::default(),
            idle_reaper: IdleReaper::default(),
            log_limit: LogLimit::default(),
            clock,
        },
        pool,
        options,
        sessions,
        recording: recording.clone(),
        seen,
    });
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let watching = recorder.clone();
    tokio::task::spawn_local(async move { watching.transport.idle_reaper.run().await });
    tokio::select! {
        () = transport::accept(recorder, listener, None) => {}
        () = stop => {}
    }
    Ok(recording.take())
}

struct RecordingProxy {
    transport: Transport,
    pool: Pool,
    options: ProxyOptions,
    sessions: SessionOptions,
    recording: Rc<RefCell<Recording>>,
    seen: Seen,
}

impl Service for RecordingProxy {
    type Connection = Hop;
    type Body = Either<RecordedBody, Full<Bytes>>;

    fn transport(&self) -> &Transport {
        &self.transport
    }

    fn is_shared(&self, _: IpAddr) -> bool {
        // One person with one browser; several connections of it are no attack.
        true
    }

    fn connect(&self, peer: IpAddr, scheme: &'static str, _: Protocol) -> Hop {
        Hop::new(peer, scheme, Peer::Anyone)
    }

    async fn answer(
        self: &Rc<Self>,
        connection: &Connection<Hop>,
        request: Request<Incoming>,
        _: Option<Rc<Stream>>,
    ) -> TimedResponse<Self::Body> {
        let response = match self.pass_on(connection, request).await {
            Ok(response) => response.map(Either::Left),
            Err(reason) => {
                let text = format!("stepgate learn: {reason}\n");
                let mut response = Response::new(Either::Right(Full::new(Bytes::from(text))));
                // RFC 9110 §15.6.3: whatever went wrong, the application has not answered.
                if let Ok(status) = 502.try_into() {
                    *response.status_mut() = status;
                }
                response
            }
        };
        TimedResponse {
            response,
            deadline: None,
        }
    }
}

impl RecordingProxy {
    /// Passes on one request; an error says why there is no answer.
    async fn pass_on(
        &self,
        connection: &Connection<Hop>,
        request: Request<Incoming>,
    ) -> Result<Response<RecordedBody>, String> {
        if let Some(violation) = connection.state.violation() {
            return Err(violation.to_string());
        }
        let (mut parts, body) = request.into_parts();
        let upgrade = upgrade(&mut parts);
        let rules = &self.options.headers;
        cleanse(&mut parts.headers, rules, Peer::Anyone).map_err(|error| error.to_string())?;
        let deadlines = self.options.limits.deadlines;
        let deadlines = BodyDeadlines {
            progress: deadlines.progress,
            whole: deadlines.body,
            until: None,
        };
        let mut content = RequestBody::new(body, self.options.limits.body, deadlines);
        if parts.headers.contains_key(header::CONTENT_TYPE)
            && content.announces_at_most(MOST_OF_A_BODY)
        {
            let read = content.read(MOST_OF_A_BODY).await;
            read.map_err(|error| chain(&error))?;
        }
        let mut exchange = RecordedExchange {
            method: parts.method.clone(),
            target: parts
                .uri
                .path_and_query()
                .map_or("/", |it| it.as_str())
                .to_owned(),
            request: parts.headers.clone(),
            sent: content.as_read().cloned().unwrap_or_default(),
            status: 0,
            response: HeaderMap::new(),
            answer: Vec::new(),
        };
        prepare(
            &mut parts.headers,
            upgrade.as_ref(),
            &connection.data,
            rules,
        );
        let mut outgoing = Request::new(content.into_outgoing());
        *outgoing.method_mut() = parts.method;
        *outgoing.uri_mut() = parts.uri;
        *outgoing.headers_mut() = parts.headers;
        // No policy is in force here: nothing is demanded, and that is what the gate is asked.
        let permitted = gate::admit_undemanded(&self.sessions, &[], outgoing);
        let permitted = permitted.map_err(|_| "session limits are in force".to_owned())?;
        let deadline = Some(Instant::now() + self.options.upstream.response);
        let sent = self.pool.send(permitted, Client::Many, deadline).await;
        let mut response = sent.map_err(|(error, _)| chain(&error))?;
        if switches_protocols(&response) {
            let upgrade = upgrade.filter(|asked| asked.is_agreed(response.headers()));
            let upgrade =
                upgrade.ok_or("the application switched protocols without being asked")?;
            self.carry(connection, upgrade, &mut response);
            agree(response.headers_mut());
        } else {
            cleanse_response(response.headers_mut());
        }
        exchange.status = response.status().as_u16();
        exchange.response = response.headers().clone();
        // Before the client hears it: what is seen first stands first.
        (self.seen)(&exchange);
        let place = self.recording.borrow_mut().keep(exchange);
        let recording = self.recording.clone();
        Ok(response.map(|body| RecordedBody {
            body,
            place,
            recording,
        }))
    }

    /// Passes on what follows an upgrade, such as a WebSocket; of that nothing is kept.
    fn carry(
        &self,
        connection: &Connection<Hop>,
        upgrade: Upgrade,
        response: &mut Response<UpstreamBody>,
    ) {
        // What follows is no HTTP/1: the wire must not check it as such.
        connection.state.become_tunnel();
        let upstream = hyper::upgrade::on(response);
        let (silence, permit) = (self.options.tunnel_silence, connection.permit.clone());
        tokio::task::spawn_local(async move {
            let _permit = permit;
            if let (Ok(client), Ok(upstream)) = tokio::join!(upgrade.client, upstream) {
                tunnel::carry(client, upstream, Spoken::Bytes, silence, pending()).await;
            }
        });
    }
}

/// Asks for an answer that can be read, and tells the application who asks.
fn prepare(headers: &mut HeaderMap, upgrade: Option<&Upgrade>, hop: &Hop, rules: &HeaderRules) {
    const UNREADABLE: [HeaderName; 4] = [
        header::ACCEPT_ENCODING,
        header::IF_MODIFIED_SINCE,
        header::IF_NONE_MATCH,
        header::RANGE,
    ];
    // A page of 304, or in a coding that is not read, shows no name.
    for name in &UNREADABLE {
        headers.remove(name);
    }
    if let Some(upgrade) = upgrade {
        upgrade.ask(headers);
    }
    hop.announce(headers, Version::HTTP_11, rules.forwarded);
}

/// The body of an answer, which is recorded while it passes.
pub(crate) struct RecordedBody {
    body: UpstreamBody,
    place: Option<usize>,
    recording: Rc<RefCell<Recording>>,
}

impl Body for RecordedBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if let (Poll::Ready(Some(Ok(frame))), Some(place)) = (&frame, this.place)
            && let Some(data) = frame.data_ref()
        {
            this.recording.borrow_mut().append(place, data);
        }
        frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}
