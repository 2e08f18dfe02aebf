//! What a listener serves: any service, over what each thread keeps for its connections.

use super::connection_limit::{ConnectionLimit, ConnectionPermit};
use super::drain::Drain;
use super::idle_reaper::IdleReaper;
use super::limits::ClientLimits;
use super::log_limit::LogLimit;
use super::streams::Stream;
use super::wire::ConnectionState;
use crate::clock::Clock;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use std::error::Error;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// Answers the requests of a listener's connections. One for each thread.
pub(crate) trait Service: 'static {
    /// What the service keeps for each connection.
    type Connection: 'static;
    /// The body of an answer.
    type Body: Body<Data = Bytes, Error = Box<dyn Error + Send + Sync>> + Unpin + 'static;

    /// The whole response to a plain-text connection over the connection limit.
    const OVER_LIMIT: &'static [u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

    /// The thread's part of the transport.
    fn transport(&self) -> &Transport;

    /// Whether the connections of many clients come from `address`, so that it has no limit of its own.
    fn is_shared(&self, address: IpAddr) -> bool;

    /// Begins a connection.
    fn connect(&self, peer: IpAddr, scheme: &'static str, protocol: Protocol) -> Self::Connection;

    /// Answers one request.
    fn answer(
        self: &Rc<Self>,
        connection: &Connection<Self::Connection>,
        request: Request<Incoming>,
        stream: Option<Rc<Stream>>,
    ) -> impl Future<Output = TimedResponse<Self::Body>>;
}

/// The version of HTTP that a client uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.0 and 1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// The answer to one request.
#[derive(Debug)]
pub(crate) struct TimedResponse<B> {
    /// The response.
    pub(crate) response: Response<B>,
    /// When its body is broken off, if it has not ended by then.
    pub(crate) deadline: Option<Instant>,
}

/// One client connection.
#[derive(Debug)]
pub(crate) struct Connection<D> {
    /// The other end.
    pub(crate) peer: IpAddr,
    /// Its state, shared between the bytes and the requests.
    pub(crate) state: Arc<ConnectionState>,
    /// Counts it against the connection limit.
    pub(crate) permit: Rc<ConnectionPermit>,
    /// What the service keeps for it.
    pub(crate) data: D,
}

/// What a thread keeps for the connections of a service.
#[derive(Debug)]
pub(crate) struct Transport {
    /// What clients may take up.
    pub(crate) limits: ClientLimits,
    /// What heads may hold beyond the standard.
    pub(crate) heads: HeadOptions,
    /// The limit on open connections, shared by all threads.
    pub(crate) connection_limit: Arc<ConnectionLimit>,
    /// The end of the thread.
    pub(crate) drain: Rc<Drain>,
    /// Parks the thread's idle connections.
    pub(crate) idle_reaper: IdleReaper,
    /// How much is logged of refused connections.
    pub(crate) log_limit: LogLimit,
    /// The time.
    pub(crate) clock: Clock,
}

/// What the head of an HTTP/1 request may hold beyond RFC 9112.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadOptions {
    /// A fragment in the request target.
    pub(crate) fragments: bool,
    /// Bytes above 127 in the request target.
    pub(crate) raw_bytes: bool,
}
