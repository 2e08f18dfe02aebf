//! One suite for both stores: a real `redis-server` for each test, and a file on disk.
//!
//! A story is told once and runs on either store; what only one of them can do has its own module.

// The helpers of a test fail like the test itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod directory;
mod embedded;
mod endings;
mod faults;
mod grants;
mod outage;
mod redis_only;
mod revocations;
mod sessions;
mod support;
mod verification;

/// Makes each story a test on both stores.
macro_rules! on_both_stores {
    ($($story:ident,)*) => {
        mod on_redis {
            $(#[test] fn $story() { crate::support::on_redis(super::$story); })*
        }
        mod on_embedded {
            $(#[test] fn $story() { crate::support::on_embedded(super::$story); })*
        }
    };
}
use on_both_stores;
