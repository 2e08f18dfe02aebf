//! What Redis sends: the same replies in whatever pieces they come, or none.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| stepgate::store::read_as_replies(bytes));
