//! What the store is told of a session: a login, and that its cookie got another value.

use crate::domain::{Session, SessionId};
use std::time::Duration;

/// A login that was observed.
#[derive(Clone, Debug)]
pub struct Login {
    /// The session that the client will carry from now on.
    pub id: SessionId,
    /// What the client carried before: forgotten with everything it held.
    pub replaces: Option<SessionId>,
    /// The new session.
    pub session: Session,
    /// How long it is remembered without being used.
    pub keep: Duration,
}

/// A session's cookie to which the application gave another value, without a login that we saw.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    /// The session that the client carried.
    pub from: SessionId,
    /// The session that it carries from now on.
    pub to: SessionId,
    /// What goes along.
    pub carry: Carry,
    /// How long `from` stays known with what it holds. Requests may be under way with it, each of
    /// which may be answered with a successor of its own.
    pub grace: Duration,
}

impl Rotation {
    /// How many values of one session's cookie are known at once; the oldest are forgotten.
    pub const MOST_VALUES: u32 = 64;

    /// How many of them are remembered by name, for ending what is open under an old one.
    pub const MOST_NAMES: u32 = 256;
}

/// What goes along to the successor of a session's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carry {
    /// The session with its mark, its grants and the freshness of its login.
    Everything,
    /// The session, whose subject must prove themselves anew; all, if all went along when its cookie got
    /// the value that it has. So a restart in between loses nothing.
    LikeBefore,
    /// The session, whose subject must prove themselves anew.
    SessionAlone,
}

/// What became of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session is known by both values.
    Followed,
    /// The successor was known already, and is left as it was.
    Known,
    /// Nothing is known of the session.
    Unknown,
}
