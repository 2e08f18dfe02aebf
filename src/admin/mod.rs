//! The admin endpoints: liveness, readiness and metrics. On a listener of their own.
//!
//! They show traffic, routes and versions, no users, and ask for no authentication.

mod scrape;
mod socket;

pub use socket::{AdminAddress, AdminSocket};

use crate::audit::Audit;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::telemetry::chain;
use crate::transport::idle_reaper::IdleReaper;
use crate::transport::log_limit::LogLimit;
use crate::transport::service::{
    Connection, HeadOptions, Protocol, Service, TimedResponse, Transport,
};
use crate::transport::streams::Stream;
use crate::transport::{self, ClientDeadlines, ClientLimits, ConnectionLimit};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::MapErr;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use scrape::Scrape;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

/// The endpoints. One more is a line here, and its arm in [`Endpoint::answer`].
const ENDPOINTS: &[(&str, Endpoint)] = &[
    ("/livez", Endpoint::Live),
    ("/metrics", Endpoint::Metrics),
    ("/readyz", Endpoint::Ready),
];

#[derive(Clone, Copy, Debug)]
enum Endpoint {
    Live,
    Metrics,
    Ready,
}

impl Endpoint {
    async fn answer(self, admin: &Admin, store: &Store) -> Response<TextBody> {
        match self {
            // Checks nothing else: orchestrators restart what fails here, and no restart would mend a store that is down.
            Self::Live => json(StatusCode::OK, &json!({ "live": true })),
            Self::Metrics => match admin.scrape.encode() {
                Ok(text) => text_of(StatusCode::OK, scrape::MEDIA_TYPE, text),
                Err(error) => {
                    tracing::error!(%error, "the metrics cannot be written");
                    status(StatusCode::INTERNAL_SERVER_ERROR)
                }
            },
            Self::Ready => admin.readiness(store).await,
        }
    }
}

/// Where the admin endpoints are, and how they behave.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// Where they listen.
    pub address: AdminAddress,
    /// How long requests are served as before after the sidecar was asked to stop, while it says that it is
    /// not ready.
    pub drain_delay: Duration,
}

/// How far the sidecar has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Nobody is let in yet.
    Starting = 0,
    /// Requests are taken.
    Serving = 1,
    /// It was asked to stop.
    Draining = 2,
}

/// What the endpoints know.
#[derive(Debug)]
pub struct Admin {
    stage: Arc<AtomicU8>,
    audit: Audit,
    clock: Clock,
    scrape: Scrape,
}

impl Admin {
    /// Knows of the threads that serve requests what they count together.
    pub fn new(
        metrics: Arc<Metrics>,
        audit: Audit,
        connections: Arc<ConnectionLimit>,
        upstream_open: Arc<AtomicUsize>,
        upstream_pinned: Arc<AtomicUsize>,
        clock: Clock,
    ) -> Self {
        let stage = Arc::new(AtomicU8::new(Stage::Starting as u8));
        let scrape = Scrape::new(scrape::ScrapeSources {
            metrics,
            audit: audit.clone(),
            connections,
            upstream_open,
            upstream_pinned,
            stage: stage.clone(),
        });
        Self {
            stage,
            audit,
            clock,
            scrape,
        }
    }

    /// What readiness tells from now on.
    pub fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Ready is who lets requests in and can judge guarded ones. Policies are there from the start: without
    /// them the sidecar does not run, and refused ones leave the last good ones in force.
    async fn readiness(&self, store: &Store) -> Response<TextBody> {
        let mut reasons = Vec::new();
        let mut fails = |check: &str, detail: String| {
            reasons.push(json!({ "check": check, "detail": detail }));
        };
        match self.stage.load(Ordering::Relaxed) {
            stage if stage == Stage::Starting as u8 => {
                fails("starting", "not listening yet".into());
            }
            stage if stage == Stage::Draining as u8 => {
                fails("draining", "asked to stop".into());
            }
            _ => {}
        }
        if let Err(error) = store.ping().await {
            fails("store", chain(&error));
        }
        if self.audit.health().is_refusing {
            fails("audit", "the audit log cannot be written".into());
        }
        let policy = self.scrape.metrics().policy_state();
        if policy.fingerprint.is_empty() {
            fails("policies", "not loaded".into());
        }
        let status = if reasons.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let document = json!({
            "ready": reasons.is_empty(),
            "reasons": reasons,
            "policies": {
                "fingerprint": policy.fingerprint,
                "routes": policy.routes,
                "outdated": policy.is_outdated,
            },
        });
        json(status, &document)
    }
}

/// Serves the endpoints on `socket`, over a store handle of their own. Must run on a current-thread runtime
/// that spawns local tasks.
pub async fn serve(admin: Arc<Admin>, store: Store, socket: AdminSocket) -> io::Result<()> {
    let service = Rc::new(AdminService {
        transport: Transport {
            limits: LIMITS,
            heads: HeadOptions {
                fragments: false,
                raw_bytes: false,
            },
            connection_limit: Arc::default(),
            drain: Rc::default(),
            idle_reaper: IdleReaper::default(),
            log_limit: LogLimit::default(),
            clock: admin.clock.clone(),
        },
        admin,
        store,
    });
    let watching = service.clone();
    tokio::task::spawn_local(async move { watching.transport.idle_reaper.run().await });
    match socket.listener()? {
        socket::OnRuntime::Tcp(listener) => transport::accept(service, listener, None).await,
        socket::OnRuntime::Unix(listener) => transport::accept_unix(service, listener).await,
    }
    Ok(())
}

struct AdminService {
    admin: Arc<Admin>,
    store: Store,
    transport: Transport,
}

type TextBody = MapErr<Full<Bytes>, fn(Infallible) -> Box<dyn Error + Send + Sync>>;

impl Service for AdminService {
    type Connection = ();
    type Body = TextBody;

    fn transport(&self) -> &Transport {
        &self.transport
    }

    fn is_shared(&self, _: IpAddr) -> bool {
        // A scraper and the probes of a node come from one address.
        true
    }

    fn connect(&self, _: IpAddr, _: &'static str, _: Protocol) {}

    async fn answer(
        self: &Rc<Self>,
        connection: &Connection<()>,
        request: Request<Incoming>,
        _: Option<Rc<Stream>>,
    ) -> TimedResponse<TextBody> {
        let path = request.uri().path();
        let endpoint = ENDPOINTS.iter().find(|(known, _)| *known == path);
        // The scanner of the connection has hyper answer what it finds malformed.
        let mut response = match (connection.state.violation(), endpoint) {
            (Some(_), _) => status(StatusCode::BAD_REQUEST),
            (None, None) => status(StatusCode::NOT_FOUND),
            (None, Some((_, endpoint))) if is_read(request.method()) => {
                endpoint.answer(&self.admin, &self.store).await
            }
            (None, Some(_)) => {
                let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
                // RFC 9110 §15.5.6: a 405 must list what is allowed.
                let allowed = HeaderValue::from_static("GET, HEAD");
                response.headers_mut().insert(ALLOW, allowed);
                response
            }
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if connection.state.violation().is_some() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        TimedResponse {
            response,
            deadline: None,
        }
    }
}

fn is_read(method: &Method) -> bool {
    [Method::GET, Method::HEAD].contains(method)
}

fn json(status: StatusCode, document: &Value) -> Response<TextBody> {
    text_of(status, "application/json", document.to_string())
}

fn status(status: StatusCode) -> Response<TextBody> {
    let words = status.canonical_reason().unwrap_or_default();
    text_of(status, "text/plain", format!("{words}\n"))
}

fn text_of(status: StatusCode, media_type: &'static str, text: String) -> Response<TextBody> {
    let body = Full::new(Bytes::from(text));
    let mut response = Response::new(body.map_err((|never| match never {}) as fn(Infallible) -> _));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// What clients may take up: a scraper and some probes.
const LIMITS: ClientLimits = ClientLimits {
    connections: 64,
    connections_per_address: 64,
    open_per_session: 64,
    header_bytes: 16 << 10,
    headers: 64,
    streams: 8,
    body: 0,
    handshake: Duration::from_secs(10),
    deadlines: ClientDeadlines {
        header: Duration::from_secs(10),
        body: Duration::from_secs(10),
        progress: Duration::from_secs(30),
        idle: Duration::from_secs(75),
    },
};
