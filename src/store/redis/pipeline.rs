//! One connection while it lasts, and the callers that wait on it.
//!
//! Callers write their commands into one buffer and take a slot each; the [driver](super::driver)
//! sends what the buffer holds and hands every reply to the slot whose turn it is. Redis answers in
//! the order of the commands, so the order is all that says whose a reply is: a caller who goes
//! away leaves the slot in its place, and the first byte that is not as expected ends the pipeline.

use super::reply::{MalformedReply, Reply};
use redis::{Cmd, RedisError};
use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Seats that may be taken at once, and bytes that may lie unsent; bounds on memory, not on traffic.
const MOST_WAITING: usize = 16_384;
const MOST_UNSENT: usize = 16 << 20;

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum ConnectionError {
    /// The connection broke.
    #[error("the connection to redis broke")]
    Broken,
    /// More commands wait than we keep.
    #[error("too many commands are waiting for redis already")]
    Busy,
    /// The server sent what is no reply, or a reply that nobody waits for.
    #[error("the connection to redis cannot be trusted any more: {0}")]
    MalformedReply(#[from] MalformedReply),
    /// The server stopped answering, and has not come back yet.
    #[error("redis stopped answering")]
    Stalled,
    /// The server, or the way to it.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl From<std::io::Error> for ConnectionError {
    fn from(error: std::io::Error) -> Self {
        Self::Redis(error.into())
    }
}

/// What became of a command.
#[derive(Clone, Debug)]
pub(super) enum CallError {
    /// Its connection was cut at the deadline.
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

/// What can be sent.
pub(super) trait RespCommand {
    /// Appends the command, whole, as RESP has it.
    fn write(&self, out: &mut Vec<u8>);
}

impl RespCommand for Cmd {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_packed_command(out);
    }
}

/// One connection, as its callers and its driver share it.
#[derive(Default)]
pub(super) struct Pipeline(Mutex<PipelineState>);

#[derive(Default)]
struct PipelineState {
    unsent: Vec<u8>,
    slots: Vec<Slot>,
    free: Vec<usize>,
    /// The slots that wait for their replies, in the order of their commands.
    order: VecDeque<usize>,
    /// Commands so far.
    sent: u64,
    driver: Option<Waker>,
    /// How it ended, for whoever has had no reply.
    end: Option<CallError>,
}

/// A place among those who wait.
enum Slot {
    Answered(Reply),
    Free,
    /// Its caller went away; the reply will be thrown away.
    Abandoned,
    Waiting(Option<Waker>),
}

impl Pipeline {
    /// Queues a command; the reply completes what is returned.
    pub(super) fn send(&self, command: &impl RespCommand) -> Result<PendingReply<'_>, CallError> {
        let mut state = self.state();
        let slot = state.reserve()?;
        command.write(&mut state.unsent);
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(PendingReply {
            pipeline: self,
            slot: Some(slot),
        })
    }

    /// Lets the driver go, and everybody who has no reply yet; nobody will get one from here on.
    pub(super) fn end(&self, error: CallError) {
        let mut state = self.state();
        if state.end.is_some() {
            return;
        }
        state.end = Some(error);
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

    /// For the driver: moves what is to be sent into `sending` if that is empty, and wakes the
    /// driver when there is more.
    pub(super) fn collect(
        &self,
        sending: &mut Vec<u8>,
        context: &Context<'_>,
    ) -> Result<(), ConnectionError> {
        let mut state = self.state();
        if let Some(error) = &state.end {
            return Err(error.clone().into());
        }
        if sending.is_empty() {
            mem::swap(sending, &mut state.unsent);
        }
        if state.driver.is_none() {
            state.driver = Some(context.waker().clone());
        }
        Ok(())
    }

    /// For the driver: hands out replies as long as `next` finds any and the pipeline lasts.
    pub(super) fn hand_out(
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

    /// Tells whether any command still has no reply.
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
        let slot = self.order.pop_front().ok_or(MalformedReply::Unasked)?;
        match self.put(slot, Slot::Answered(reply)) {
            Slot::Waiting(waker) => woken.extend(waker),
            Slot::Abandoned => self.release(slot),
            Slot::Answered(_) | Slot::Free => return Err(MalformedReply::Unasked),
        }
        Ok(())
    }

    /// Puts something into a slot, and takes what was there.
    fn put(&mut self, slot: usize, now: Slot) -> Slot {
        let place = self.slots.get_mut(slot);
        place.map_or(Slot::Free, |place| mem::replace(place, now))
    }

    fn release(&mut self, slot: usize) {
        self.put(slot, Slot::Free);
        self.free.push(slot);
    }
}

/// The right to one reply.
#[must_use]
pub(super) struct PendingReply<'a> {
    pipeline: &'a Pipeline,
    /// None once the reply was taken.
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
