//! Password hashes: argon2id (RFC 9106), and those that other programs made, checked on worker threads.
//!
//! One check takes a limited amount of memory and time, so the number of workers, the queue and the wait
//! are limited; beyond that the answer is [`Busy`]. A check for an account without a password takes the
//! same work as any other, so that timing does not tell which accounts have one. A hash from elsewhere
//! adds its own work to that, once: it is replaced when the right password is given.

mod argon2id;
mod checker;
mod crypt;
mod derived;
mod fault;
mod stored;

pub use argon2id::{MAX_MEMORY_KIB, MAX_PASSWORD, MAX_WORK_KIB, PasswordError, hash_password};
pub use checker::{Busy, Checked, PasswordChecker, StartError};
pub use fault::HashFault;
pub use stored::accept_hash;

use std::time::Duration;

/// What one hash costs. The default is the OWASP Password Storage Cheat Sheet's minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// How passwords are checked.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// What new hashes cost.
    pub cost: PasswordCost,
    /// How many are checked at once.
    pub threads: usize,
    /// How many may wait.
    pub queue: usize,
    /// How long one may take, waiting included.
    pub deadline: Duration,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            cost: PasswordCost::default(),
            threads: 2,
            queue: 32,
            deadline: Duration::from_secs(5),
        }
    }
}
