//! One suite for both stores: a real `redis-server` for each test, and a file on disk.
//!
//! A test is written once and runs on either store; what only one of them can do has its own module.

// The helpers of a test fail like the test itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod approvals;
mod devices;
mod directory;
mod embedded;
mod endings;
mod faults;
mod grants;
mod kept;
mod outage;
mod redis_only;
mod revocations;
mod sessions;
mod support;
mod verification;

/// Makes each function a test on both stores.
macro_rules! on_both_stores {
    ($($test:ident,)*) => {
        mod on_redis {
            $(#[test] fn $test() { crate::support::on_redis(super::$test); })*
        }
        mod on_embedded {
            $(#[test] fn $test() { crate::support::on_embedded(super::$test); })*
        }
    };
}
use on_both_stores;
