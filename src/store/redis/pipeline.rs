//! One connection's pipeline: the commands that wait for a reply.
//!
//! Callers append commands to one buffer and reserve a slot each; the [driver](super::driver) sends
//! the buffer, and completes slots in the order of their commands, since RESP replies come in that
//! order and carry no number. So a caller that goes away leaves its slot reserved, and the first
//! byte that is not as expected ends the pipeline: from there on a reply could reach another caller.

use super::reply::{MalformedReply, Reply};
use redis::{Cmd, RedisError};
use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Slots reserved at once, and bytes not yet sent: bounds on memory, not on traffic.
const MOST_WAITING: usize = 16_384;
const MOST_UNSENT: usize = 16 << 20;

/// Why a connection gives no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    /// The connection broke.
    #[error("the connection to redis broke")]
    Broken,
    /// More commands wait than [`MOST_WAITING`], or more bytes than [`MOST_UNSENT`].
    #[error("too many commands are waiting for redis already")]
    Busy,
    /// The server sent bytes that are no RESP reply, or a reply without a command.
    #[error("the connection to redis cannot be trusted any more: {0}")]
    MalformedReply(#[from] MalformedReply),
    /// The server stopped answering, and no connection was made since.
    #[error("redis stopped answering")]
    Stalled,
    /// An error reply, or an I/O error.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl From<std::io::Error> for ConnectionError {
    fn from(error: std::io::Error) -> Self {
        Self::Redis(error.into())
    }
}

/// Why a command has no reply.
#[derive(Clone, Debug)]
pub(super) enum CallError {
    /// Its connection was closed at the deadline.
    TimedOut,
    /// Its connection broke.
    ConnectionLost(ConnectionError),
    /// It was not sent.
    NotSent(ConnectionError),
}

impl From<CallError> for ConnectionError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::TimedOut => Self::Stalled,
            CallError::ConnectionLost(cause) | CallError::NotSent(cause) => cause,
        }
    }
}

/// A command that can be sent.
pub(super) trait RespCommand {
    /// Appends the whole command in RESP.
    fn write(&self, out: &mut Vec<u8>);
}

impl RespCommand for Cmd {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_packed_command(out);
    }
}

/// Shared by the callers and the driver of one connection.
#[derive(Default)]
pub(super) struct Pipeline(Mutex<PipelineState>);

#[derive(Default)]
struct PipelineState {
    /// Commands that the driver has not collected.
    unsent: Vec<u8>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// The slots without a reply, in the order of their commands.
    order: VecDeque<usize>,
    /// How many commands were sent so far.
    sent: u64,
    driver: Option<Waker>,
    /// Why the connection ended, for callers without a reply.
    end: Option<CallError>,
}

/// The place of one command among those that wait.
enum Slot {
    Answered(Reply),
    Free,
    /// The caller went away; the reply will be discarded.
    Abandoned,
    Waiting(Option<Waker>),
}

impl Pipeline {
    /// Queues a command; the future completes with its reply.
    pub(super) fn send(&self, command: &impl RespCommand) -> Result<PendingReply<'_>, CallError> {
        let mut state = self.state();
        let slot = state.reserve()?;
        command.write(&mut state.unsent);
        let driver = state.driver.take();
        // Unlocked first: the driver begins by taking the lock.
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(PendingReply {
            pipeline: self,
            slot: Some(slot),
        })
    }

    /// Ends the driver, and fails every caller without a reply; no reply is delivered from here on.
    pub(super) fn end(&self, error: CallError) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        state.end = Some(error);
        // Nothing may be sent any more: its replies would be nobody's. This frees the memory too.
        state.unsent = Vec::new();
        let driver = state.driver.take();
        let slots = state.slots.iter_mut();
        let callers: Vec<Waker> = slots
            .filter_map(|slot| match slot {
                Slot::Waiting(waker) => waker.take(),
                Slot::Answered(_) | Slot::Free | Slot::Abandoned => None,
            })
            .collect();
        drop(state);
        callers.into_iter().chain(driver).for_each(Waker::wake);
    }

    /// How many commands were sent.
    pub(super) fn sent(&self) -> u64 {
        self.state().sent
    }

    /// How many commands were answered.
    pub(super) fn answered(&self) -> u64 {
        let state = self.state();
        state.sent - state.order.len() as u64
    }

    /// For the driver: moves the commands to send into `sending` if that is empty, and registers the
    /// driver to be woken by the next command.
    pub(super) fn collect(
        &self,
        sending: &mut Vec<u8>,
        context: &Context<'_>,
    ) -> Result<(), ConnectionError> {
        let mut state = self.state();
        if let Some(error) = &state.end {
            return Err(error.clone().into());
        }
        // Both buffers keep their memory: in a steady state nothing is allocated.
        if sending.is_empty() {
            mem::swap(sending, &mut state.unsent);
        }
        if state.driver.is_none() {
            state.driver = Some(context.waker().clone());
        }
        Ok(())
    }

    /// For the driver: delivers replies as long as `next` finds any and the pipeline has not ended.
    pub(super) fn deliver(
        &self,
        mut next: impl FnMut() -> Result<Option<Reply>, MalformedReply>,
        woken: &mut Vec<Waker>,
    ) -> Result<(), MalformedReply> {
        let mut state = self.state();
        while state.end.is_none()
            && let Some(reply) = next()?
        {
            state.answer(reply, woken)?;
        }
        Ok(())
    }

    /// Whether any command has no reply yet.
    pub(super) fn is_waiting(&self) -> bool {
        !self.state().order.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, PipelineState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PipelineState {
    fn reserve(&mut self) -> Result<usize, CallError> {
        match &self.end {
            None => {}
            Some(CallError::ConnectionLost(cause)) => {
                return Err(CallError::ConnectionLost(cause.clone()));
            }
            Some(CallError::TimedOut | CallError::NotSent(_)) => {
                return Err(CallError::NotSent(ConnectionError::Stalled));
            }
        }
        if self.unsent.len() >= MOST_UNSENT {
            return Err(CallError::NotSent(ConnectionError::Busy));
        }
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None if self.slots.len() >= MOST_WAITING => {
                return Err(CallError::NotSent(ConnectionError::Busy));
            }
            None => {
                self.slots.push(Slot::Free);
                self.slots.len() - 1
            }
        };
        self.put(slot, Slot::Waiting(None));
        self.order.push_back(slot);
        self.sent += 1;
        Ok(slot)
    }

    fn answer(&mut self, reply: Reply, woken: &mut Vec<Waker>) -> Result<(), MalformedReply> {
        let slot = self.order.pop_front().ok_or(MalformedReply::Unrequested)?;
        match self.put(slot, Slot::Answered(reply)) {
            Slot::Waiting(waker) => woken.extend(waker),
            Slot::Abandoned => self.release(slot),
            Slot::Answered(_) | Slot::Free => return Err(MalformedReply::Unrequested),
        }
        Ok(())
    }

    /// Replaces what is in a slot; returns what was there.
    fn put(&mut self, slot: usize, now: Slot) -> Slot {
        let slot = self.slots.get_mut(slot);
        slot.map_or(Slot::Free, |slot| mem::replace(slot, now))
    }

    fn release(&mut self, slot: usize) {
        self.put(slot, Slot::Free);
        self.free.push(slot);
    }
}

/// The reply to one command.
#[must_use]
pub(super) struct PendingReply<'a> {
    pipeline: &'a Pipeline,
    /// `None` once the reply was taken.
    slot: Option<usize>,
}

impl Future for PendingReply<'_> {
    type Output = Result<Reply, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.pipeline.state();
        let Some(slot) = self.slot else {
            return Poll::Ready(Err(CallError::NotSent(ConnectionError::Broken)));
        };
        if let Slot::Answered(reply) = state.put(slot, Slot::Waiting(None)) {
            state.release(slot);
            drop(state);
            self.slot = None;
            return Poll::Ready(Ok(reply));
        }
        if let Some(error) = &state.end {
            return Poll::Ready(Err(error.clone()));
        }
        state.put(slot, Slot::Waiting(Some(context.waker().clone())));
        Poll::Pending
    }
}

impl Drop for PendingReply<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.slot else { return };
        let mut state = self.pipeline.state();
        if let Slot::Answered(_) = state.put(slot, Slot::Abandoned) {
            state.release(slot);
        }
    }
}
