//! What the handlers of a client connection and its bytes know of each other.

use super::Violation;
use super::interim::Interims;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// What the handlers of a connection and its bytes know of each other.
#[derive(Debug, Default)]
pub(crate) struct Line {
    violation: OnceLock<Violation>,
    in_flight: AtomicUsize,
    tunnel: AtomicBool,
    heard: AtomicU8,
    dozing: AtomicBool,
    pub(super) interims: Interims,
}

/// How far the client came with what it is saying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Heard {
    /// It has not said a word yet.
    Nothing = 0,
    /// It has begun a request, and we wait for the rest of its head.
    Half = 1,
    /// It waits for us, or has nothing to say.
    Enough = 2,
}

impl Line {
    /// How far the client came with what it is saying.
    pub(crate) fn heard(&self) -> Heard {
        const NOTHING: u8 = Heard::Nothing as u8;
        const HALF: u8 = Heard::Half as u8;
        match self.heard.load(Ordering::Relaxed) {
            NOTHING => Heard::Nothing,
            HALF => Heard::Half,
            _ => Heard::Enough,
        }
    }

    /// Notes it.
    pub(super) fn hear(&self, heard: Heard) {
        self.heard.store(heard as u8, Ordering::Relaxed);
    }

    /// What the client was caught doing on this connection, if anything.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.get().copied()
    }

    /// Notes what the client was caught doing; nothing more of it is heard.
    pub(super) fn catch(&self, violation: Violation) {
        // The first is told.
        let _ = self.violation.set(violation);
        self.hear(Heard::Enough);
    }

    /// Tells the connection that a request is being answered, until the guard is dropped.
    pub(crate) fn occupy(self: &Arc<Self>) -> Occupied {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        Occupied(self.clone())
    }

    /// Notes that only the stream is needed until the client speaks again.
    pub(super) fn doze(&self) {
        self.dozing.store(true, Ordering::Relaxed);
    }

    /// Whether nothing is under way, and the client has been silent for a while.
    pub(crate) fn is_dozing(&self) -> bool {
        self.dozing.load(Ordering::Relaxed)
    }

    /// Begins anew, after a doze.
    pub(crate) fn wake(&self) {
        self.dozing.store(false, Ordering::Relaxed);
    }

    /// From here on the bytes are not HTTP any more; the tunnel has deadlines of its own.
    pub(crate) fn become_tunnel(&self) {
        self.tunnel.store(true, Ordering::Relaxed);
    }

    /// Whether the bytes are not HTTP any more.
    pub(super) fn is_tunnel(&self) -> bool {
        self.tunnel.load(Ordering::Relaxed)
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }
}

/// A request is being answered while this lives.
#[derive(Debug)]
pub(crate) struct Occupied(Arc<Line>);

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
