//! The state of a client connection, shared by its bytes, its request handlers and the idle reaper.

use super::Violation;
use super::interim::Interims;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

/// The state of a client connection.
#[derive(Debug, Default)]
pub(crate) struct ConnectionState {
    violation: OnceLock<Violation>,
    in_flight: AtomicUsize,
    tunnel: AtomicBool,
    ended: AtomicBool,
    head: AtomicU8,
    parking: Parking,
    pub(super) interims: Interims,
}

/// The parking state of a connection, and the task that is woken to park it.
#[derive(Debug, Default)]
struct Parking {
    tracked: AtomicBool,
    activity: AtomicU32,
    requested: AtomicBool,
    parked: AtomicBool,
    task: OnceLock<Waker>,
}

/// How much of a request head has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum HeadProgress {
    /// No byte on this connection yet.
    NotStarted = 0,
    /// A head has begun, and its end has not come.
    Partial = 1,
    /// No head is under way: a body is, or a response, or the connection is idle.
    Complete = 2,
}

impl ConnectionState {
    /// How much of a request head has been read.
    pub(crate) fn head_progress(&self) -> HeadProgress {
        const NOT_STARTED: u8 = HeadProgress::NotStarted as u8;
        const PARTIAL: u8 = HeadProgress::Partial as u8;
        match self.head.load(Ordering::Relaxed) {
            NOT_STARTED => HeadProgress::NotStarted,
            PARTIAL => HeadProgress::Partial,
            _ => HeadProgress::Complete,
        }
    }

    /// Records that bytes arrived, and withdraws a request to park.
    pub(super) fn record_read(&self, head: HeadProgress) {
        self.head.store(head as u8, Ordering::Relaxed);
        self.parking.activity.fetch_add(1, Ordering::Relaxed);
        self.parking.requested.store(false, Ordering::Relaxed);
    }

    /// The client's protocol violation on this connection, if any.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.violation.get().copied()
    }

    /// Records a protocol violation; no byte behind it is parsed.
    pub(super) fn record_violation(&self, violation: Violation) {
        // The response is for the first.
        let _ = self.violation.set(violation);
        self.record_read(HeadProgress::Complete);
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(self.clone())
    }

    /// A counter of reads from the client and of ended responses; it wraps.
    pub(crate) fn activity(&self) -> u32 {
        self.parking.activity.load(Ordering::Relaxed)
    }

    /// Sets the task that serves the connection; it stays the same.
    pub(crate) fn set_task(&self, task: &Waker) {
        let _ = self.parking.task.get_or_init(|| task.clone());
    }

    /// Ends the connection and the requests in flight on it.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(task) = self.parking.task.get() {
            task.wake_by_ref();
        }
    }

    /// Whether the connection is to end at once.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Marks the connection as tracked by the idle reaper; `false` if it was already.
    pub(crate) fn begin_tracking(&self) -> bool {
        !self.parking.tracked.swap(true, Ordering::Relaxed)
    }

    /// Clears the mark.
    pub(crate) fn end_tracking(&self) {
        self.parking.tracked.store(false, Ordering::Relaxed);
    }

    /// Asks the connection to park as soon as it can; the next read clears that.
    pub(crate) fn request_park(&self) {
        if !self.parking.requested.swap(true, Ordering::Relaxed)
            && let Some(task) = self.parking.task.get()
        {
            task.wake_by_ref();
        }
    }

    /// Whether the connection is to park as soon as it can.
    pub(super) fn is_park_requested(&self) -> bool {
        self.parking.requested.load(Ordering::Relaxed)
    }

    /// Marks the connection as parked: only its stream is needed until the client sends again.
    pub(super) fn park(&self) {
        self.parking.parked.store(true, Ordering::Relaxed);
    }

    /// Whether the connection is parked.
    pub(crate) fn is_parked(&self) -> bool {
        self.parking.parked.load(Ordering::Relaxed)
    }

    /// Clears the parking state once the client has sent again.
    pub(crate) fn unpark(&self) {
        self.parking.requested.store(false, Ordering::Relaxed);
        self.parking.parked.store(false, Ordering::Relaxed);
    }

    /// Marks the connection as upgraded: its bytes are not HTTP, and the tunnel has deadlines of its own.
    pub(crate) fn become_tunnel(&self) {
        self.tunnel.store(true, Ordering::Relaxed);
    }

    /// Whether the connection was upgraded.
    pub(super) fn is_tunnel(&self) -> bool {
        self.tunnel.load(Ordering::Relaxed)
    }

    /// Whether a request is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) > 0
    }
}

/// Counts one request as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<ConnectionState>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        // The idle time begins at the end of the response.
        self.0.parking.activity.fetch_add(1, Ordering::Relaxed);
    }
}
