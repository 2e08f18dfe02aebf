//! The store: sessions, grants, counters and the directory of users.
//!
//! [`Store`] is one of two backends, which pass the same tests. Every operation is atomic, so that what
//! can be taken once is taken once.
//!
//! An operation has one name in all places. It is declared in `operations.rs`, and implemented in the file
//! of its topic by `redis/`, with the script of that name in `redis/lua/`, and by `embedded/`. Its tests
//! are in `tests/conformance/`.

mod approvals;
mod counted;
mod embedded;
mod endings;
mod error;
mod evidence;
mod feed;
mod keys;
mod open;
mod operations;
mod record;
mod redis;
mod revoked;
mod sessions;
mod verification;

pub use approvals::{Approval, ApprovalDecision, ApprovalOutcome, ApprovedGrant, DeviceRequest};
pub use counted::Store;
pub use embedded::{EmbeddedOptions, EmbeddedStore};
pub use endings::{Ending, EndingCause, Endings};
pub use error::{OpenError, StoreError};
pub use evidence::{Ask, Held};
pub use feed::EndingFeed;
pub use open::{StoreOptions, StoreSource, open};
#[cfg(any(test, fuzzing))]
pub(crate) use record::read_as_every_record;
#[cfg(any(test, fuzzing))]
pub(crate) use redis::read_as_replies;
pub use redis::{ReadOnlyRedis, RedisOptions, RedisRecords, RedisStore};
pub use revoked::Revoked;
pub use sessions::{Carry, Login, Over, Rotated, Rotation};
pub use verification::{CodeAnswer, RestsOn, SentCode, Taken, VerifiedChallenge};
