//! A connection to the application.

use super::link::Exchange;
use super::outgoing::Outgoing;
use hyper::client::conn::http1::SendRequest;
use std::sync::Arc;

/// A connection to the application, which takes one request at a time.
pub(super) struct UpstreamConnection {
    pub(super) sender: SendRequest<Outgoing>,
    pub(super) exchange: Arc<Exchange>,
}
