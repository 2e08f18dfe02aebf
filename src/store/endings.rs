//! The sessions that end, told to whoever holds something open for them.

use crate::domain::SessionId;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Tells every thread of this process of the sessions that end; clones share the listeners.
#[derive(Clone, Debug, Default)]
pub struct Endings(Arc<Mutex<Vec<UnboundedSender<Ending>>>>);

/// The end of a session, or of all it was let do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The session.
    pub session: SessionId,
    /// How it ended.
    pub cause: EndingCause,
    /// Whether it was on record. Of one that was not, nobody knows that its credentials are one person's:
    /// an `Authorization` may be everybody's.
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
    /// Hears of every ending from now on. Without bound, since one that is lost leaves something open;
    /// whoever listens must always read.
    pub fn listen(&self) -> UnboundedReceiver<Ending> {
        let (teller, heard) = unbounded_channel();
        let mut tellers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tellers.push(teller);
        heard
    }

    pub(crate) fn tell(&self, ending: Ending) {
        let mut tellers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tellers.retain(|teller| teller.send(ending).is_ok());
    }
}

impl EndingCause {
    /// The word in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::LoggedOut => "logged-out",
            Self::Revoked => "revoked",
        }
    }
}

/// How an ending is noted in the store; revocations are kept apart, for they last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Locked,
    LoggedOut,
    /// Of a session that was not on record.
    LoggedOutUnknown,
}

impl Note {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Locked => "l",
            Self::LoggedOut => "o",
            Self::LoggedOutUnknown => "u",
        }
    }

    pub(crate) fn of(session: SessionId, noted: &[u8]) -> Option<Ending> {
        let (cause, known) = match noted {
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
