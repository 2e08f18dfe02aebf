//! Somebody else's Redis, which is only read: `PING` and `GETRANGE` are all that it is asked.

use super::answer::bytes;
use super::client::{RedisClient, Repeat};
use super::connection::Timeouts;
use super::dial::FirstCommand;
use super::{RedisOptions, RedisServer};
use crate::store::{OpenError, StoreError};
use redis::Cmd;
use std::sync::Arc;

/// A server that is only read.
#[derive(Debug)]
pub struct ReadOnlyRedis(RedisServer);

/// One thread's connection to it; clones share it.
#[derive(Clone, Debug)]
pub struct RedisRecords(RedisClient);

impl ReadOnlyRedis {
    /// Reads the address and the certificates; nothing is connected yet.
    pub fn new(options: RedisOptions) -> Result<Self, OpenError> {
        RedisServer::open(options, FirstCommand::Ping).map(Self)
    }

    /// Starts to connect, as a task of the calling runtime, which reconnects from then on.
    pub fn connect(&self) -> RedisRecords {
        let RedisServer {
            dialer, options, ..
        } = &self.0;
        let timeouts = Timeouts {
            reply: options.deadline,
            connect: options.connect_timeout,
        };
        RedisRecords(RedisClient::open(Arc::clone(dialer), timeouts))
    }
}

impl RedisRecords {
    /// The text under a key: `most` bytes of it and one more, if it is longer. Empty if there is none.
    pub async fn read(&self, key: &str, most: usize) -> Result<Vec<u8>, StoreError> {
        let mut command = Cmd::new();
        command.arg("GETRANGE").arg(key).arg(0).arg(most);
        bytes(self.0.ask(&command, Repeat::Harmless).await?)
    }
}
