//! The client of one thread: all its callers share one connection and one deadline.
//!
//! While there is no connection, callers are refused at once; [`reconnect`](super::reconnect) makes the next one.

use super::answer::UNEXPECTED;
use super::connection::{SharedConnection, Timeouts};
use super::dial::Dialer;
use super::pipeline::{CallError, RespCommand};
use super::reconnect::Reconnector;
use super::reply::Reply;
use super::scripts::{LuaScript, ScriptRef};
use crate::store::StoreError;
use redis::{Cmd, Value};
use std::sync::Arc;
use tokio::time::{Instant, timeout};

/// Whether a command may be sent again when the connection broke before the reply arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It reads, or writes the same when run twice.
    Harmless,
    /// It may have run already, and would run twice.
    Never,
}

/// A handle on the connection; clones share it. The reconnect task ends with the last one.
#[derive(Clone, Debug)]
pub(super) struct RedisClient {
    shared: Arc<SharedConnection>,
    _reconnector: Arc<Reconnector>,
}

impl RedisClient {
    /// Starts to connect, as a task of the runtime that calls.
    pub(super) fn open(dialer: Arc<Dialer>, timeouts: Timeouts) -> Self {
        let shared = Arc::new(SharedConnection::new(dialer, timeouts));
        let reconnector = Reconnector::start(Arc::clone(&shared));
        Self {
            shared,
            _reconnector: Arc::new(reconnector),
        }
    }

    /// Sends a command that is not a script. An error reply is an error.
    pub(super) async fn ask(&self, command: &Cmd, repeat: Repeat) -> Result<Value, StoreError> {
        value(&self.fetch(command, repeat).await?)
    }

    /// Runs a script; `fill` writes its keys and arguments.
    pub(super) async fn run(
        &self,
        script: &LuaScript,
        keys: usize,
        repeat: Repeat,
        fill: impl Fn(&mut Cmd),
    ) -> Result<Value, StoreError> {
        let command = |by| {
            let [verb, text] = script.command(by);
            let mut command = Cmd::with_capacity(16, 640);
            command.arg(verb).arg(text).arg(keys);
            fill(&mut command);
            command
        };
        value(&self.fetch_by_script(command, repeat).await?)
    }

    /// Sends a command that is not a script, and returns the reply undecoded.
    pub(super) async fn fetch(
        &self,
        command: &impl RespCommand,
        repeat: Repeat,
    ) -> Result<Reply, StoreError> {
        self.shared.accept(self.call(command, repeat).await?)
    }

    /// Runs a script, and returns the reply undecoded.
    pub(super) async fn fetch_by_script<C: RespCommand>(
        &self,
        command: impl Fn(ScriptRef) -> C,
        repeat: Repeat,
    ) -> Result<Reply, StoreError> {
        let reply = self.call(&command(ScriptRef::Hash), repeat).await?;
        if !reply.is_refused_with("NOSCRIPT") {
            return self.shared.accept(reply);
        }
        // A restarted server has no scripts. `NOSCRIPT` says that nothing ran, so this cannot run it twice.
        let reply = self.call(&command(ScriptRef::Source), repeat).await?;
        self.shared.accept(reply)
    }

    /// Sends a command and waits for the reply, up to the deadline.
    async fn call(&self, command: &impl RespCommand, repeat: Repeat) -> Result<Reply, StoreError> {
        let started = Instant::now();
        match self.shared.call(command).await {
            // The server may have closed an idle connection, which is no reason to fail a request.
            Err(CallError::ConnectionLost(_)) if repeat == Repeat::Harmless => {
                // Both attempts share one deadline.
                let left = self.shared.timeouts.reply.saturating_sub(started.elapsed());
                let again = timeout(left, self.shared.call(command)).await;
                again.unwrap_or(Err(CallError::TimedOut))
            }
            answer => answer,
        }
        .map_err(|error| self.shared.error(error))
    }
}

fn value(reply: &Reply) -> Result<Value, StoreError> {
    reply.value().map_err(|_| UNEXPECTED)
}
