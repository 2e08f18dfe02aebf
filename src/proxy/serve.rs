//! One thread's service: the proxy, on every listener.

use crate::domain::Leniency;
use crate::proxy::body::ProxyBody;
use crate::proxy::state::{Role, SharedProxy, Worker};
use crate::request::connection::{ClientConnection, ClientSide};
use crate::request::headers::{Hop, Peer};
use crate::request::request_id::RequestIds;
use crate::session::Sessions;
use crate::session::ending;
use crate::store::Store;
use crate::transport::drain::Drain;
use crate::transport::idle_reaper::IdleReaper;
use crate::transport::log_limit::LogLimit;
use crate::transport::service::{HeadOptions, Protocol, Service, TimedResponse, Transport};
use crate::transport::streams::Stream;
use crate::transport::upstream::Pool;
use crate::transport::{self, ListenSocket};
use crate::web::Web;
use crate::web::respond;
use http::Request;
use hyper::body::Incoming;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Serves one thread, over a store handle of its own, until `stop` resolves and everything under
/// way has ended. Must run on a current-thread runtime that spawns local tasks.
pub async fn serve(
    shared: Arc<SharedProxy>,
    store: Store,
    listeners: Vec<(ListenSocket, Option<Arc<rustls::ServerConfig>>, Role)>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let drain = Rc::<Drain>::default();
    let pool = Pool::new(
        shared.options.upstream.clone(),
        shared.upstream_open.clone(),
        shared.upstream_pinned.clone(),
        shared.metrics.clone(),
    );
    let sessions = Sessions::new(shared.sessions.clone(), store, drain.clone(), pool.clone());
    let sessions = Rc::new(sessions);
    let accept = &shared.web.options.accept;
    let worker = Rc::new(Worker {
        transport: Transport {
            limits: shared.options.limits,
            heads: HeadOptions {
                fragments: accept.fragments == Leniency::Read,
                raw_bytes: accept.raw_bytes == Leniency::Read,
            },
            connection_limit: shared.connection_limit.clone(),
            drain,
            idle_reaper: IdleReaper::default(),
            log_limit: LogLimit::default(),
            clock: shared.sessions.clock.clone(),
        },
        web: Web::new(shared.web.clone(), sessions.clone(), pool.clone()),
        pool,
        ids: RequestIds::new(u64::from_be_bytes(shared.sessions.entropy.bytes())),
        sessions: sessions.clone(),
        shared,
    });
    tokio::task::spawn_local(ending::follow(sessions));
    for (listener, tls, role) in listeners {
        let worker = worker.clone();
        let served = |is_local| {
            Rc::new(Served {
                worker,
                role,
                is_local,
            })
        };
        match listener {
            ListenSocket::Tcp(listener) => {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::task::spawn_local(transport::accept(served(false), listener, tls));
            }
            ListenSocket::Unix(listener) => {
                let listener = tokio::net::UnixListener::from_std(listener)?;
                tokio::task::spawn_local(transport::accept_unix(served(true), listener));
            }
        }
    }
    let watching = worker.clone();
    tokio::task::spawn_local(async move { watching.transport.idle_reaper.run().await });
    stop.await;
    worker.transport.drain.begin();
    worker.transport.drain.finished().await;
    Ok(())
}

/// What one listener serves.
#[derive(Debug)]
struct Served {
    worker: Rc<Worker>,
    role: Role,
    /// In the file system, where its permissions say who comes.
    is_local: bool,
}

impl Served {
    fn judge(&self, peer: IpAddr) -> Peer {
        if self.is_local {
            Peer::Trusted
        } else {
            self.worker.shared.options.trusted_proxies.judge(peer)
        }
    }
}

impl Service for Served {
    type Connection = ClientSide;
    type Body = ProxyBody;

    const OVER_LIMIT: &'static [u8] = respond::OVER_LIMIT;

    fn transport(&self) -> &Transport {
        &self.worker.transport
    }

    fn is_shared(&self, address: IpAddr) -> bool {
        self.judge(address) == Peer::Trusted
    }

    fn connect(&self, peer: IpAddr, scheme: &'static str, protocol: Protocol) -> ClientSide {
        let trust = self.judge(peer);
        let is_one_client = protocol == Protocol::Http1 && trust == Peer::Anyone;
        ClientSide {
            hop: Hop::new(peer, scheme, trust),
            // RFC 9113 knows no authentication of connections, and a proxy brings many people on one.
            pinned: is_one_client.then(Rc::default),
        }
    }

    async fn answer(
        self: &Rc<Self>,
        connection: &ClientConnection,
        request: Request<Incoming>,
        stream: Option<Rc<Stream>>,
    ) -> TimedResponse<ProxyBody> {
        super::handle(&self.worker, self.role, connection, request, stream).await
    }
}
