//! What is written of sessions: a login, and another value of the cookie.

use crate::domain::{SessionId, StoredSession};
use std::time::Duration;

/// A login that was observed.
#[derive(Clone, Debug)]
pub struct Login {
    /// The session that the client will carry from now on.
    pub id: SessionId,
    /// The session that the client carried before; deleted with everything it held.
    pub replaces: Option<SessionId>,
    /// The new session.
    pub session: StoredSession,
    /// How long it is kept without being used.
    pub keep: Duration,
    /// What it may take the place of.
    pub over: Over,
}

/// What a login may take the place of, under the id that it is recorded under.
#[derive(Clone, Debug)]
pub enum Over {
    /// Whatever there is.
    Anything,
    /// Nothing, or what was read when the login was judged, whatever it has earned or lost since. Anything
    /// else is another login at the same time.
    Known(Option<StoredSession>),
}

/// A session whose cookie the application gave another value, without an observed login.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The session that the client carried.
    pub from: SessionId,
    /// The session that it carries from now on.
    pub to: SessionId,
    /// What the successor keeps.
    pub carry: Carry,
    /// How long `from` is kept with what it holds: concurrent requests may carry it, and each may be
    /// answered with a successor of its own.
    pub grace: Duration,
}

impl Rotation {
    /// How many values of one session's cookie are valid at once; the oldest are ended.
    pub const MOST_VALUES: u32 = 64;

    /// How many ids are kept, so that streams opened under an old value can be ended.
    pub const MOST_NAMES: u32 = 256;
}

/// What the session keeps under the new value of its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// The session with its mark, its grants and the freshness of its login.
    Everything,
    /// The same as at the last rotation: everything if that kept everything, else the session alone. So a
    /// restart in between loses nothing.
    LikeBefore,
    /// The session, whose subject must verify again.
    SessionAlone,
}

/// The result of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session is stored under both values.
    Followed,
    /// The successor existed already, and is unchanged.
    Known,
    /// There is no record of the session.
    Unknown,
}
