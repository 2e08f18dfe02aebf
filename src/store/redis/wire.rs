//! One connection while it lasts, and the callers that wait on it.
//!
//! Callers write their commands into one buffer and take a seat each; the [driver](super::driver)
//! sends what the buffer holds and hands every reply to the seat whose turn it is. Redis answers in
//! the order of the commands, so the order is all that says whose a reply is: a caller who goes
//! away leaves the seat in its place, and the first byte that is not as expected ends the wire.

use super::reply::{Garbled, Reply};
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
pub(super) enum LinkError {
    /// The connection broke.
    #[error("the connection to redis broke")]
    Broken,
    /// More commands wait than we keep.
    #[error("too many commands are waiting for redis already")]
    Busy,
    /// The server sent what is no reply, or a reply that nobody waits for.
    #[error("the connection to redis cannot be trusted any more: {0}")]
    Garbled(#[from] Garbled),
    /// The server stopped answering, and has not come back yet.
    #[error("redis stopped answering")]
    Stalled,
    /// The server, or the way to it.
    #[error(transparent)]
    Redis(#[from] RedisError),
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> Self {
        Self::Redis(error.into())
    }
}

/// What became of a command.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Its connection was cut at the deadline.
    Overdue,
    /// Its connection broke.
    Dropped(LinkError),
    /// It was not sent.
    Refused(LinkError),
}

impl From<Fault> for LinkError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Overdue => Self::Stalled,
            Fault::Dropped(cause) | Fault::Refused(cause) => cause,
        }
    }
}

/// What can be sent.
pub(super) trait Command {
    /// Appends the command, whole, as RESP has it.
    fn write(&self, out: &mut Vec<u8>);
}

impl Command for Cmd {
    fn write(&self, out: &mut Vec<u8>) {
        self.write_packed_command(out);
    }
}

/// One connection, as its callers and its driver share it.
#[derive(Default)]
pub(super) struct Wire(Mutex<Desk>);

#[derive(Default)]
struct Desk {
    unsent: Vec<u8>,
    seats: Vec<Seat>,
    free: Vec<usize>,
    /// The seats that wait for their replies, in the order of their commands.
    turns: VecDeque<usize>,
    /// Commands so far.
    sent: u64,
    driver: Option<Waker>,
    /// How it ended, for whoever has had no reply.
    end: Option<Fault>,
}

/// A place among those who wait.
enum Seat {
    Answered(Reply),
    Free,
    /// Its caller went away; the reply will be thrown away.
    Left,
    Waiting(Option<Waker>),
}

impl Wire {
    /// Queues a command; the reply comes to its ticket.
    pub(super) fn send(&self, command: &impl Command) -> Result<Ticket<'_>, Fault> {
        let mut desk = self.desk();
        let seat = desk.take_seat()?;
        command.write(&mut desk.unsent);
        let driver = desk.driver.take();
        drop(desk);
        if let Some(driver) = driver {
            driver.wake();
        }
        Ok(Ticket {
            wire: self,
            seat: Some(seat),
        })
    }

    /// Lets the driver go, and everybody who has no reply yet; nobody will get one from here on.
    pub(super) fn end(&self, fault: Fault) {
        let mut desk = self.desk();
        if desk.end.is_some() {
            return;
        }
        desk.end = Some(fault);
        desk.unsent = Vec::new();
        let driver = desk.driver.take();
        let seats = desk.seats.iter_mut();
        let callers: Vec<Waker> = seats
            .filter_map(|seat| match seat {
                Seat::Waiting(waker) => waker.take(),
                Seat::Answered(_) | Seat::Free | Seat::Left => None,
            })
            .collect();
        drop(desk);
        callers.into_iter().chain(driver).for_each(Waker::wake);
    }

    /// How many commands were sent.
    pub(super) fn sent(&self) -> u64 {
        self.desk().sent
    }

    /// How many commands were answered.
    pub(super) fn answered(&self) -> u64 {
        let desk = self.desk();
        desk.sent - desk.turns.len() as u64
    }

    /// For the driver: moves what is to be sent into `sending` if that is empty, and wakes the
    /// driver when there is more.
    pub(super) fn collect(
        &self,
        sending: &mut Vec<u8>,
        context: &Context<'_>,
    ) -> Result<(), LinkError> {
        let mut desk = self.desk();
        if let Some(fault) = &desk.end {
            return Err(fault.clone().into());
        }
        if sending.is_empty() {
            mem::swap(sending, &mut desk.unsent);
        }
        if desk.driver.is_none() {
            desk.driver = Some(context.waker().clone());
        }
        Ok(())
    }

    /// For the driver: hands out replies as long as `next` finds any and the wire lasts.
    pub(super) fn hand_out(
        &self,
        mut next: impl FnMut() -> Result<Option<Reply>, Garbled>,
        woken: &mut Vec<Waker>,
    ) -> Result<(), Garbled> {
        let mut desk = self.desk();
        while desk.end.is_none()
            && let Some(reply) = next()?
        {
            desk.answer(reply, woken)?;
        }
        Ok(())
    }

    /// Tells whether any command still has no reply.
    pub(super) fn is_waiting(&self) -> bool {
        !self.desk().turns.is_empty()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    fn take_seat(&mut self) -> Result<usize, Fault> {
        match &self.end {
            None => {}
            Some(Fault::Dropped(cause)) => return Err(Fault::Dropped(cause.clone())),
            Some(Fault::Overdue | Fault::Refused(_)) => {
                return Err(Fault::Refused(LinkError::Stalled));
            }
        }
        if self.unsent.len() >= MOST_UNSENT {
            return Err(Fault::Refused(LinkError::Busy));
        }
        let seat = match self.free.pop() {
            Some(seat) => seat,
            None if self.seats.len() >= MOST_WAITING => {
                return Err(Fault::Refused(LinkError::Busy));
            }
            None => {
                self.seats.push(Seat::Free);
                self.seats.len() - 1
            }
        };
        self.put(seat, Seat::Waiting(None));
        self.turns.push_back(seat);
        self.sent += 1;
        Ok(seat)
    }

    fn answer(&mut self, reply: Reply, woken: &mut Vec<Waker>) -> Result<(), Garbled> {
        let seat = self.turns.pop_front().ok_or(Garbled::Unasked)?;
        match self.put(seat, Seat::Answered(reply)) {
            Seat::Waiting(waker) => woken.extend(waker),
            Seat::Left => self.vacate(seat),
            Seat::Answered(_) | Seat::Free => return Err(Garbled::Unasked),
        }
        Ok(())
    }

    /// Puts something into a seat, and takes what was there.
    fn put(&mut self, seat: usize, now: Seat) -> Seat {
        let place = self.seats.get_mut(seat);
        place.map_or(Seat::Free, |place| mem::replace(place, now))
    }

    fn vacate(&mut self, seat: usize) {
        self.put(seat, Seat::Free);
        self.free.push(seat);
    }
}

/// The right to one reply.
#[must_use]
pub(super) struct Ticket<'a> {
    wire: &'a Wire,
    /// None once the reply was taken.
    seat: Option<usize>,
}

impl Future for Ticket<'_> {
    type Output = Result<Reply, Fault>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut desk = self.wire.desk();
        let Some(seat) = self.seat else {
            return Poll::Ready(Err(Fault::Refused(LinkError::Broken)));
        };
        if let Seat::Answered(reply) = desk.put(seat, Seat::Waiting(None)) {
            desk.vacate(seat);
            drop(desk);
            self.seat = None;
            return Poll::Ready(Ok(reply));
        }
        if let Some(fault) = &desk.end {
            return Poll::Ready(Err(fault.clone()));
        }
        desk.put(seat, Seat::Waiting(Some(context.waker().clone())));
        Poll::Pending
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let Some(seat) = self.seat else { return };
        let mut desk = self.wire.desk();
        if let Seat::Answered(_) = desk.put(seat, Seat::Left) {
            desk.vacate(seat);
        }
    }
}
