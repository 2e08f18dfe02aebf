//! The state of the proxy: what all threads share, and what each has of its own.

use super::injection::{Injection, InjectionNotes, InjectionOptions};
use crate::domain::{RequestPath, RouteTable, TableError};
use crate::metrics::Metrics;
use crate::policy::Policies;
use crate::request::client_address::TrustedProxies;
use crate::request::context::RequestContext;
use crate::request::headers::HeaderRules;
use crate::request::request_id::RequestIds;
use crate::request::{AskingProxies, ToldBodies};
use crate::session::{Sessions, SharedSessions};
use crate::transport::service::Transport;
use crate::transport::upstream::{Pool, UpstreamOptions};
use crate::transport::{ClientLimits, ConnectionLimit};
use crate::web::{SharedWeb, Web};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tokio::time::Instant;

/// The settings of the client's side and of the way to the application.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// The limits of clients.
    pub limits: ClientLimits,
    /// The proxies whose forwarding headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Which headers pass.
    pub headers: HeaderRules,
    /// How the application is reached.
    pub upstream: UpstreamOptions,
    /// How long a whole request may take, if that is limited.
    pub request: Option<Duration>,
    /// How long an upgraded connection may be silent.
    pub tunnel_silence: Duration,
    /// Those that ask and forward by themselves. Where there are any, we forward nothing.
    pub asking: Option<AskingProxies>,
    /// Which pages of the application load our script, if any do.
    pub injection: Option<InjectionOptions>,
}

/// Who comes to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Proxies that ask about requests.
    Asked,
    /// Clients.
    Public,
}

impl ProxyOptions {
    /// The routes, if each of them can be judged by what we are shown.
    pub fn table(&self, policies: Policies) -> Result<RouteTable, TableError> {
        let table = policies.into_table()?;
        match &self.asking {
            Some(AskingProxies {
                bodies: ToldBodies::None,
                ..
            }) => table.without_bodies(),
            Some(_) | None => Ok(table),
        }
    }
}

/// What all threads share.
#[derive(Debug)]
pub struct SharedProxy {
    /// The settings.
    pub options: ProxyOptions,
    /// Sessions, keys and credentials.
    pub sessions: Arc<SharedSessions>,
    /// Our own endpoints and responses.
    pub web: Arc<SharedWeb>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What was said of pages that could not load our script.
    pub injection_notes: Arc<InjectionNotes>,
    /// The limit on open client connections.
    pub connection_limit: Arc<ConnectionLimit>,
    /// Upstream connections that are open.
    pub upstream_open: Arc<AtomicUsize>,
    /// Those of them that are idle and pinned to one client connection.
    pub upstream_pinned: Arc<AtomicUsize>,
}

impl SharedProxy {
    /// What is meant for the answer to a request, if its path is that of a page that loads our script.
    pub(super) fn injection(
        &self,
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
    ) -> Option<Injection> {
        let options = self.options.injection.as_ref()?;
        options.plan(context, path)
    }
}

/// What one thread has of its own.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) shared: Arc<SharedProxy>,
    pub(crate) transport: Transport,
    pub(crate) pool: Pool,
    pub(crate) sessions: Rc<Sessions>,
    pub(crate) web: Web,
    pub(crate) ids: RequestIds,
}

impl Worker {
    /// When a request that begins now must have ended.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.shared
            .options
            .request
            .and_then(|span| Instant::now().checked_add(span))
    }
}
