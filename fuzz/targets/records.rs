//! Stored records: any bytes read as a record of each kind, or as corrupt.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| stepgate::store::read_as_every_record(bytes));
