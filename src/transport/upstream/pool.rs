//! The kept-alive connections of one thread.
//!
//! No lock, no task and no URI for a request: a queue of idle connections that belongs to the
//! thread, and one task for each connection that outlives the request (measured: a quarter fewer
//! instructions than a shared client).

use super::admitted::Admitted;
use super::body::UpstreamBody;
use super::connection::UpstreamConnection;
use super::idle::{AfterResponse, Lease, Shared};
use super::link::{Exchange, Link, LinkDeadlines, LinkPhase};
use super::options::UpstreamOptions;
use super::outgoing::Outgoing;
use super::pinned::Pinned;
use super::target::ConnectError;
use crate::metrics::Metrics;
use crate::transport::connection_auth::{self, AuthProgress};
use crate::transport::status_class::switches_protocols;
use http::header;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{Instant, timeout_at};

/// Why a request has no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// No connection could be opened; nothing was sent.
    #[error(transparent)]
    Connect(ConnectError),
    /// The application closed the connection, or sent something that is not a response.
    #[error("the upstream broke off")]
    Broken {
        /// Whether any byte of the request was sent.
        reached: bool,
        /// What happened.
        #[source]
        source: hyper::Error,
    },
    /// The framing of the response is ambiguous (RFC 9112 §6.3); no more of it is read.
    #[error("the upstream's answer is framed in more than one way")]
    Framing,
    /// The application did not answer in time.
    #[error("the upstream did not answer in time")]
    Late {
        /// Whether any byte of the request was sent.
        reached: bool,
    },
}

impl SendError {
    /// Whether the application may have seen any part of the request.
    fn reached_upstream(&self) -> bool {
        match self {
            Self::Connect(_) => false,
            Self::Framing => true,
            Self::Broken { reached, .. } | Self::Late { reached } => *reached,
        }
    }
}

/// The connections of one thread to the application.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Rc<Shared>,
}

/// Whether the client's connection may have a connection to the application pinned to it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Client<'c> {
    /// It carries requests of several clients: a connection that one of them has authenticated is closed
    /// after the response.
    Many,
    /// It belongs to one client.
    One(&'c Rc<Pinned>),
}

/// How far along the queue a ready connection is looked for. One that was just given back becomes ready
/// later in the same turn of the event loop.
const LOOK_AHEAD: usize = 8;
const LOOK_BACK: usize = 3;

impl Pool {
    /// An empty pool; `open` counts the connections of all threads, `pinned` those of them that are idle and
    /// pinned.
    pub(crate) fn new(
        options: UpstreamOptions,
        open: Arc<AtomicUsize>,
        pinned: Arc<AtomicUsize>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            shared: Rc::new(Shared {
                options,
                idle: RefCell::new(VecDeque::new()),
                open,
                pinned,
                metrics,
            }),
        }
    }

    /// Sends one request, at most once: it is tried again only while not one byte of it is sent, and
    /// its response must have begun by `deadline`. On a pinned connection it is tried once: the
    /// application has authenticated only that one.
    ///
    /// An error comes with what was taken for the request, if not one byte of it was sent.
    pub(crate) async fn send<A: Admitted>(
        &self,
        admitted: A,
        client: Client<'_>,
        deadline: Option<Instant>,
    ) -> Result<Response<UpstreamBody>, (SendError, Option<A::Taken>)> {
        let (request, taken) = admitted.release();
        let sent = self.exchange(request, client, deadline).await;
        sent.map_err(|error| {
            let unspent = (!error.reached_upstream()).then_some(taken);
            (error, unspent)
        })
    }

    async fn exchange(
        &self,
        mut request: Request<Outgoing>,
        client: Client<'_>,
        deadline: Option<Instant>,
    ) -> Result<Response<UpstreamBody>, SendError> {
        let begins = connection_auth::is_begun_by(request.headers());
        let pinned = match client {
            Client::One(pinned) => {
                if begins {
                    pinned.begin();
                }
                Some(pinned).filter(|pinned| pinned.is_private())
            }
            Client::Many => None,
        };
        let begun = Instant::now();
        loop {
            let kept = match pinned {
                None => self.checkout(),
                Some(pinned) => ready(pinned.take(), deadline).await?,
            };
            let (mut connection, fresh) = if let Some(kept) = kept {
                (kept, false)
            } else {
                let connected = by(deadline, self.connect()).await;
                let connected = connected.ok_or(SendError::Late { reached: false })?;
                (connected.map_err(SendError::Connect)?, true)
            };
            let before = connection.exchange.written();
            connection.exchange.enter(LinkPhase::Response);
            let sending = pin!(connection.sender.try_send_request(request));
            let Some(sent) = by(deadline, sending).await else {
                let reached = connection.exchange.give_up(before);
                return Err(SendError::Late { reached });
            };
            let error = match sent {
                Ok(response) => {
                    self.shared.metrics.upstream_answered(begun.elapsed());
                    // On an error the connection is dropped, and so closed: where the next response
                    // on it would begin is not known.
                    let progress = read(&response).ok_or(SendError::Framing)?;
                    let after_response = match client {
                        Client::Many if begins || progress > AuthProgress::Nothing => {
                            AfterResponse::Close
                        }
                        Client::One(own)
                            if pinned.is_some() || progress > AuthProgress::Nothing =>
                        {
                            own.record_response(progress);
                            AfterResponse::Pinned(own.clone())
                        }
                        Client::Many | Client::One(_) => AfterResponse::Pool,
                    };
                    return Ok(self.receive(response, connection, after_response));
                }
                Err(error) => error,
            };
            let (exchange, mut error) = (connection.exchange, error);
            // hyper gives the request back only if it has written none of it. In all other cases it
            // may have had an effect, and is not repeated (RFC 9110 §9.2.2).
            match error.take_message() {
                // A kept connection had died in the meantime.
                Some(unsent) if !fresh && pinned.is_none() => request = unsent,
                Some(_) | None => {
                    let reached = exchange.written() != before;
                    return Err(if exchange.was_late() {
                        SendError::Late { reached }
                    } else {
                        SendError::Broken {
                            reached,
                            source: error.into_error(),
                        }
                    });
                }
            }
        }
    }

    fn receive(
        &self,
        response: Response<Incoming>,
        connection: UpstreamConnection,
        after_response: AfterResponse,
    ) -> Response<UpstreamBody> {
        if switches_protocols(&response) {
            // RFC 9110 §7.8: the connection is no longer HTTP, so it never returns to the pool.
            connection.exchange.enter(LinkPhase::Tunnel);
            return response.map(|body| UpstreamBody::new(body, None));
        }
        connection.exchange.enter(LinkPhase::Body);
        let lease = Lease {
            connection,
            pool: self.shared.clone(),
            after_response,
        };
        response.map(|body| UpstreamBody::new(body, Some(lease)))
    }

    fn checkout(&self) -> Option<UpstreamConnection> {
        let mut idle = self.shared.idle.borrow_mut();
        while idle
            .pop_front_if(|oldest| oldest.sender.is_closed())
            .is_some()
        {}
        // The newest first, so that surplus ones reach their idle deadline. A connection is not ready in the
        // turn in which it is given back: then the oldest is.
        let mut newest = idle.iter().rev().take(LOOK_BACK);
        if let Some(back) = newest.position(|connection| connection.sender.is_ready()) {
            let place = idle.len() - 1 - back;
            self.shared.metrics.upstream_idle(idle.len() - 1);
            return idle.remove(place);
        }
        let mut ready = None;
        for _ in 0..idle.len().min(LOOK_AHEAD) {
            let connection = idle.pop_front()?;
            if connection.sender.is_ready() {
                ready = Some(connection);
                break;
            }
            if !connection.sender.is_closed() {
                idle.push_back(connection);
            }
        }
        self.shared.metrics.upstream_idle(idle.len());
        ready
    }

    async fn connect(&self) -> Result<UpstreamConnection, ConnectError> {
        let options = &self.shared.options;
        // Other threads may pass the same test at once: the limit is exceeded by one for each of
        // them at most.
        if self.shared.open.load(Ordering::Relaxed) >= options.max_connections {
            return Err(ConnectError::Exhausted(options.max_connections));
        }
        let exchange = Exchange::counted(self.shared.open.clone());
        let stream = options
            .target
            .connect(options.tls.as_ref(), options.connect)
            .await?;
        let deadlines = LinkDeadlines {
            response: options.response,
            progress: options.progress,
            keep_alive: options.keep_alive,
        };
        let link = Link::new(stream, exchange.clone(), deadlines);
        let (sender, connection) = http1::Builder::new()
            .max_headers(options.max_headers)
            .handshake(TokioIo::new(link))
            .await
            .map_err(|error| ConnectError::Connect(std::io::Error::other(error)))?;
        tokio::task::spawn_local(async move {
            // The request in flight, if any, fails with the same error.
            let _ = connection.with_upgrades().await;
        });
        Ok(UpstreamConnection { sender, exchange })
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("target", &self.shared.options.target)
            .finish_non_exhaustive()
    }
}

/// The output of `work`; `None` if `deadline` passes before.
async fn by<F: Future>(deadline: Option<Instant>, work: F) -> Option<F::Output> {
    match deadline {
        None => Some(work.await),
        Some(deadline) => timeout_at(deadline, work).await.ok(),
    }
}

/// The pinned connection once it is ready for another request; `None` if it was closed.
async fn ready(
    kept: Option<UpstreamConnection>,
    deadline: Option<Instant>,
) -> Result<Option<UpstreamConnection>, SendError> {
    let Some(mut connection) = kept else {
        return Ok(None);
    };
    let ready = by(deadline, connection.sender.ready()).await;
    let ready = ready.ok_or(SendError::Late { reached: false })?;
    Ok(ready.is_ok().then_some(connection))
}

/// Reads what the head of an answer says of its connection, in one pass; `None` if it is framed twice.
///
/// RFC 9112 §6.3: such an answer "ought to be handled as an error". hyper takes the chunks, and takes a
/// coding it does not know for a body up to the end of the connection.
fn read<B>(response: &Response<B>) -> Option<AuthProgress> {
    let mut framed = false;
    let mut progress = AuthProgress::Nothing;
    for (name, value) in response.headers() {
        if name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING {
            let is_known =
                name == header::CONTENT_LENGTH || value.as_bytes().eq_ignore_ascii_case(b"chunked");
            if framed || !is_known {
                return None;
            }
            framed = true;
        } else {
            let succeeded = response.status().is_success();
            progress = progress.max(connection_auth::auth_progress(name, value, succeeded));
        }
    }
    Some(progress)
}
