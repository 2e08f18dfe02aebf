//! Request ids: how a request is named in logs, in the audit log and upstream.

use std::cell::Cell;

/// A request's name: unique within this process, and unlikely to meet another's. 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 16]);

/// Makes request ids without asking the system for each.
#[derive(Debug)]
pub(crate) struct RequestIds(Cell<u64>);

impl RequestIds {
    /// Begins anywhere.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// The next id: a counter, spread out so that neighbors look nothing alike (`SplitMix64`).
    pub(crate) fn next(&self) -> RequestId {
        let count = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(count);
        let mixed = (count ^ (count >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let mixed = mixed ^ (mixed >> 31);
        let mut hex = [0; 16];
        data_encoding::HEXLOWER.encode_mut(&mixed.to_be_bytes(), &mut hex);
        RequestId(hex)
    }
}

impl RequestId {
    /// The id as it is written for every request, hence not by `format!`.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
