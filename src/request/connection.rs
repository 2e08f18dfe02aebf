//! What the proxy keeps for each client connection.

use crate::request::headers::Hop;
use crate::transport::service;
use crate::transport::upstream::{Client, Pinned};
use std::rc::Rc;

/// A client connection of the proxy.
pub(crate) type ClientConnection = service::Connection<ClientSide>;

/// What the proxy keeps for each client connection.
#[derive(Debug)]
pub(crate) struct ClientSide {
    /// The address and scheme that forwarding headers tell the application.
    pub(crate) hop: Hop,
    /// Its pinned connection to the application; `None` if several clients may share the connection.
    pub(crate) pinned: Option<Rc<Pinned>>,
}

impl ClientSide {
    /// Whether a connection to the application may be pinned to it.
    pub(crate) fn client(&self) -> Client<'_> {
        self.pinned.as_ref().map_or(Client::Many, Client::One)
    }

    /// Whether the application may attribute its requests to a user by the connection alone.
    pub(crate) fn is_authenticated(&self) -> bool {
        let pinned = self.pinned.as_ref();
        pinned.is_some_and(|pinned| pinned.is_authenticated())
    }
}
