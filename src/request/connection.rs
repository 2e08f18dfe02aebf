//! What is kept for a client's connection.

use crate::request::headers::Hop;
use crate::transport::service;
use crate::transport::upstream::{Client, Pinned};
use std::rc::Rc;

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
