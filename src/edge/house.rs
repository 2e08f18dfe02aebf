//! What the threads of the house share, and what each has of its own.

use super::client::TrustedProxies;
use super::forget::Forgetting;
use super::headers::{HeaderRules, Hop};
use super::open::Open;
use super::request_id::RequestIds;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::domain::{Accept, RequestPath, Requirement, RouteId, RouteTable};
use crate::entropy::Entropy;
use crate::seal::Keys;
use crate::session::{BrowserKeyCookie, GuestCookie, Recent, Rolling, SessionOptions};
use crate::store::{AnyStore, Endings, Revoked};
use crate::transport::Census;
use crate::transport::ClientLimits;
use crate::transport::service::{self, Transport};
use crate::transport::upstream::{Client, Pinned, Pool, UpstreamOptions};
use crate::verification::{Equipment, Verifier};
use arc_swap::ArcSwap;
use http::HeaderValue;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::time::Instant;

/// How the edge behaves.
#[derive(Clone, Debug)]
pub struct EdgeOptions {
    /// What a client may take up.
    pub limits: ClientLimits,
    /// Whose word on the client's address is taken.
    pub trusted_proxies: TrustedProxies,
    /// Which headers pass.
    pub headers: HeaderRules,
    /// How the application is reached.
    pub upstream: UpstreamOptions,
    /// What ambiguous paths the application needs.
    pub accept: Accept,
    /// How many bytes of a body may be read for matching and binding.
    pub body_limit: usize,
    /// How long a whole request may take, if that is limited.
    pub request: Option<Duration>,
    /// How long an upgraded connection may be silent.
    pub tunnel_silence: Duration,
    /// The reserved prefix, with slashes around it: `/.stepup/`.
    pub prefix: String,
    /// The origin that people see, where the proxy cannot tell: `https://app.example.com`.
    pub public_origin: Option<String>,
    /// Other origins whose pages may read our answers.
    pub cors_origins: Vec<String>,
}

/// What all threads share.
#[derive(Debug)]
pub struct House {
    /// How the edge behaves.
    pub options: EdgeOptions,
    /// Where sessions come from.
    pub sessions: SessionOptions,
    /// How browsers keep our key.
    pub browser_key: BrowserKeyCookie,
    /// How browsers show that nobody was signed in before a login.
    pub guest: GuestCookie,
    /// The policies in force. A reload puts another table in place, all or nothing.
    pub table: ArcSwap<RouteTable>,
    /// The keys.
    pub keys: Arc<Keys>,
    /// The time.
    pub clock: Clock,
    /// Chance.
    pub entropy: Entropy,
    /// The audit log.
    pub audit: Audit,
    /// What verifications need.
    pub equipment: Arc<Equipment>,
    /// Whether the application sets its session's cookie with every answer.
    pub rolling: Rolling,
    /// The sessions that are revoked.
    pub revoked: Revoked,
    /// The sessions that end.
    pub endings: Endings,
    /// Who is inside.
    pub census: Arc<Census>,
    /// Upstream connections that are open.
    pub upstream_open: Arc<AtomicUsize>,
    /// Those of them that wait for the one client that they belong to.
    pub upstream_pinned: Arc<AtomicUsize>,
}

/// One thread's part of the house.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) house: Arc<House>,
    pub(crate) transport: Transport,
    pub(crate) pool: Pool,
    pub(crate) store: AnyStore,
    pub(crate) verifier: Verifier<AnyStore>,
    pub(crate) ids: RequestIds,
    pub(crate) recent: Recent,
    pub(crate) forgetting: Forgetting,
    pub(crate) open: Rc<Open>,
}

/// A client's connection.
pub(crate) type Connection = service::Connection<ClientSide>;

/// What is kept for a client's connection.
#[derive(Debug)]
pub(crate) struct ClientSide {
    /// What the application is told of it.
    pub(crate) hop: Hop,
    /// What it has to itself at the application; `None` if several people may share it.
    pub(crate) pinned: Option<Rc<Pinned>>,
}

impl ClientSide {
    /// Who sends its requests, as far as connections to the application belong to somebody.
    pub(crate) fn client(&self) -> Client<'_> {
        self.pinned.as_ref().map_or(Client::Many, Client::One)
    }

    /// Whether the application may take its requests for somebody's, whatever they carry.
    pub(crate) fn is_authenticated(&self) -> bool {
        let pinned = self.pinned.as_ref();
        pinned.is_some_and(|pinned| pinned.is_authenticated())
    }
}

impl Worker {
    /// When a request that begins now must have ended.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.house
            .options
            .request
            .and_then(|span| Instant::now().checked_add(span))
    }
}

impl House {
    /// What a route requires by the policies in force.
    pub(crate) fn requirement(&self, route: &RouteId) -> Option<Arc<Requirement>> {
        let table = self.table.load();
        let found = table.routes().find(|known| known.id == *route);
        found.map(|route| route.requirement.clone())
    }
}

impl EdgeOptions {
    /// Whether a path is ours under any reading; then it never reaches the application.
    pub(crate) fn is_own(&self, path: &RequestPath<'_>) -> bool {
        let bare = self.prefix.trim_end_matches('/').as_bytes();
        path.readings().any(|reading| {
            let head = reading.as_bytes().get(..bare.len());
            let next = reading.as_bytes().get(bare.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(bare))
                && matches!(next, None | Some(b'/'))
        })
    }

    /// Whether the pages of `origin` may read our answers.
    pub(crate) fn lists(&self, origin: &HeaderValue) -> bool {
        self.cors_origins
            .iter()
            .any(|listed| listed.as_bytes() == origin.as_bytes())
    }
}
