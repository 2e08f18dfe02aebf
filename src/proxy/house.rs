//! What the threads of the house share, and what each has of its own.

use crate::metrics::Metrics;
use crate::request::client_address::TrustedProxies;
use crate::request::headers::HeaderRules;
use crate::request::request_id::RequestIds;
use crate::session::{Sessions, SharedSessions};
use crate::transport::service::Transport;
use crate::transport::upstream::{Pool, UpstreamOptions};
use crate::transport::{Census, ClientLimits};
use crate::web::{SharedWeb, Web};
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
    /// How long a whole request may take, if that is limited.
    pub request: Option<Duration>,
    /// How long an upgraded connection may be silent.
    pub tunnel_silence: Duration,
}

/// What all threads share.
#[derive(Debug)]
pub struct House {
    /// How the edge behaves.
    pub options: EdgeOptions,
    /// Whose requests are.
    pub sessions: Arc<SharedSessions>,
    /// Our own answers.
    pub web: Arc<SharedWeb>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Open client connections.
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
    pub(crate) sessions: Rc<Sessions>,
    pub(crate) web: Web,
    pub(crate) ids: RequestIds,
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
