//! Publishes the sessions that end, to those who hold streams open for them.

use crate::domain::SessionId;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Publishes to every thread of this process which sessions end; clones share the subscribers.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Mutex<Vec<UnboundedSender<Ending>>>>);

/// The end of a session, or of its elevation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The session.
    pub session: SessionId,
    /// How it ended.
    pub cause: EndingCause,
    /// Whether the store had a record of it. If not, its credentials are not known to be those of one
    /// person: an `Authorization` may be shared by all clients.
    pub known: bool,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndingCause {
    /// Its owner dropped all elevation.
    Locked,
    /// The application ended it.
    LoggedOut,
    /// Its owner or an operator ended it.
    Revoked,
}

impl Endings {
    /// Receives every ending from now on. The channel is unbounded, since a lost ending would leave a
    /// stream open: the receiver must always be read.
    pub fn subscribe(&self) -> UnboundedReceiver<Ending> {
        let (sender, receiver) = unbounded_channel();
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        senders.push(sender);
        receiver
    }

    pub(crate) fn publish(&self, ending: Ending) {
        let mut senders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those whose thread has ended leave the list.
        senders.retain(|sender| sender.send(ending).is_ok());
    }
}

impl EndingCause {
    /// The name in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::LoggedOut => "logged-out",
            Self::Revoked => "revoked",
        }
    }
}

/// How an ending is written in the store. Revocations are not: they have a set of their own, which
/// outlives the endings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndingCode {
    Locked,
    LoggedOut,
    /// Of a session without a record.
    LoggedOutUnknown,
}

impl EndingCode {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Locked => "l",
            Self::LoggedOut => "o",
            Self::LoggedOutUnknown => "u",
        }
    }

    pub(crate) fn ending(session: SessionId, code: &[u8]) -> Option<Ending> {
        let (cause, known) = match code {
            b"l" => (EndingCause::Locked, true),
            b"o" => (EndingCause::LoggedOut, true),
            b"u" => (EndingCause::LoggedOut, false),
            _ => return None,
        };
        Some(Ending {
            session,
            cause,
            known,
        })
    }
}
