//! Redis replies (RESP2): where a reply ends, and what is in it.
//!
//! Replies are found however the bytes are split, and no byte is examined twice but those of a number
//! that was split. A reply that a request waits for is read in place; all others become a
//! [`redis::Value`].

use super::answer::UNEXPECTED;
use crate::store::StoreError;
use bytes::Bytes;
use memchr::memchr2;
use redis::{RedisError, Value};

/// Nested arrays; our commands are answered with two levels.
const MOST_DEPTH: usize = 8;
/// Bytes of a reply. The largest reply to our commands is the list of all users.
const LARGEST: usize = 256 << 20;
/// Digits of a number: as many as an `i64` can have, and too few to overflow a `u64`.
const MOST_DIGITS: usize = 19;

/// Why bytes from the server are not a RESP2 reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum MalformedReply {
    /// A line or a bulk string does not end in CRLF.
    #[error("a reply does not end where it should")]
    End,
    /// The first byte is none of the five types of RESP2.
    #[error("a reply of an unknown kind")]
    Kind,
    /// Not a number, or one that is not allowed here.
    #[error("a reply with a number that is none")]
    Number,
    /// Over [`MOST_DEPTH`] or [`LARGEST`].
    #[error("a reply larger than any we ask for")]
    Size,
    /// No command waits for a reply.
    #[error("a reply that nobody asked for")]
    Unrequested,
}

/// Finds the ends of replies.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// How many bytes of the reply are complete values.
    whole: usize,
    /// How many bytes of the line after that were searched for its end.
    searched: usize,
    /// How many values are missing from each array that has begun.
    open: Vec<usize>,
}

impl Frames {
    /// The length of the reply that `bytes` begin with; `None` if it is incomplete, and to be called
    /// again with the same bytes and more.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<Option<usize>, MalformedReply> {
        loop {
            let rest = bytes.get(self.whole..).unwrap_or_default();
            let Some((length, children)) = self.value(rest)? else {
                return Ok(None);
            };
            self.whole += length;
            self.searched = 0;
            if children > 0 {
                if self.open.len() == MOST_DEPTH {
                    return Err(MalformedReply::Size);
                }
                self.open.push(children);
            } else if self.close() {
                return Ok(Some(std::mem::take(&mut self.whole)));
            }
        }
    }

    /// The length of a value, or of an array's head, with how many values follow.
    fn value(&mut self, bytes: &[u8]) -> Result<Option<(usize, usize)>, MalformedReply> {
        let Some(kind) = bytes.first() else {
            return Ok(None);
        };
        match kind {
            b'+' | b'-' => Ok(self.line(bytes)?.map(|length| (length, 0))),
            b':' => Ok(number(bytes)?.map(|(_, length)| (length, 0))),
            b'$' => {
                let Some((count, head)) = counted(bytes)? else {
                    return Ok(None);
                };
                let Some(count) = count else {
                    return Ok(Some((head, 0)));
                };
                self.limit(count)?;
                let end = head + count;
                match bytes.get(end..end + 2) {
                    None => Ok(None),
                    Some(b"\r\n") => Ok(Some((end + 2, 0))),
                    Some(_) => Err(MalformedReply::End),
                }
            }
            b'*' => Ok(counted(bytes)?.map(|(count, head)| (head, count.unwrap_or(0)))),
            _ => Err(MalformedReply::Kind),
        }
    }

    /// The length of a line of text.
    fn line(&mut self, bytes: &[u8]) -> Result<Option<usize>, MalformedReply> {
        let unseen = bytes.get(self.searched..).unwrap_or_default();
        let Some(at) = memchr2(b'\r', b'\n', unseen) else {
            self.searched = bytes.len();
            self.limit(self.searched)?;
            return Ok(None);
        };
        self.searched += at;
        match bytes.get(self.searched..).unwrap_or_default() {
            [b'\r'] => Ok(None),
            [b'\r', b'\n', ..] => Ok(Some(self.searched + 2)),
            _ => Err(MalformedReply::End),
        }
    }

    fn limit(&self, length: usize) -> Result<(), MalformedReply> {
        if length > LARGEST - self.whole.min(LARGEST) {
            return Err(MalformedReply::Size);
        }
        Ok(())
    }

    /// Ends a value, and every array that it was the last of; returns whether the reply is complete.
    fn close(&mut self) -> bool {
        while let Some(missing) = self.open.last_mut() {
            *missing -= 1;
            if *missing > 0 {
                return false;
            }
            self.open.pop();
        }
        true
    }
}

/// The length of a bulk string or an array, `None` for a null one, and the length of its head.
#[allow(clippy::type_complexity)] // named, it would be looked up
fn counted(bytes: &[u8]) -> Result<Option<(Option<usize>, usize)>, MalformedReply> {
    match number(bytes)? {
        None => Ok(None),
        // RESP2: a length of -1 is a null.
        Some((-1, head)) => Ok(Some((None, head))),
        Some((count, head)) => {
            let count = usize::try_from(count).map_err(|_| MalformedReply::Number)?;
            Ok(Some((Some(count), head)))
        }
    }
}

/// The number on a line after its first byte, and the length of the line.
fn number(bytes: &[u8]) -> Result<Option<(i64, usize)>, MalformedReply> {
    let digits = bytes.get(1..).unwrap_or_default();
    let (negative, digits) = match digits {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mut number = 0_u64;
    for (at, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' if at < MOST_DIGITS => number = number * 10 + u64::from(byte - b'0'),
            b'\r' if at > 0 => {
                let signed = if negative {
                    0_i64.checked_sub_unsigned(number)
                } else {
                    i64::try_from(number).ok()
                };
                let number = signed.ok_or(MalformedReply::Number)?;
                let length = 1 + usize::from(negative) + at + 2;
                return match digits.get(at + 1) {
                    None => Ok(None),
                    Some(b'\n') => Ok(Some((number, length))),
                    Some(_) => Err(MalformedReply::Number),
                };
            }
            _ => return Err(MalformedReply::Number),
        }
    }
    Ok(None)
}

/// One complete reply, undecoded.
#[derive(Clone)]
pub(super) struct Reply(Bytes);

impl Reply {
    /// Takes the bytes that [`Frames`] found to be one reply.
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Whether it is an error reply with this code.
    pub(super) fn is_refused_with(&self, code: &str) -> bool {
        let text = self.0.strip_prefix(b"-");
        let rest = text.and_then(|text| text.strip_prefix(code.as_bytes()));
        matches!(rest, Some([b' ' | b'\r', ..]))
    }

    /// The error, if it is an error reply.
    pub(super) fn refusal(&self) -> Option<RedisError> {
        if !self.0.starts_with(b"-") {
            return None;
        }
        self.value().and_then(Value::extract_error).err()
    }

    /// Decodes it.
    pub(super) fn value(&self) -> Result<Value, RedisError> {
        redis::parse_redis_value(&self.0)
    }

    /// Reads it as an array of exactly `count` bulk strings.
    pub(super) fn bulk_strings(&self, count: usize) -> Result<BulkStrings<'_>, StoreError> {
        match counted(&self.0) {
            Ok(Some((Some(found), head))) if found == count && self.0.starts_with(b"*") => {
                Ok(BulkStrings(self.0.get(head..).unwrap_or_default()))
            }
            Ok(_) | Err(_) => Err(UNEXPECTED),
        }
    }
}

/// The bulk strings of an array, in order.
#[derive(Debug)]
pub(super) struct BulkStrings<'a>(&'a [u8]);

impl<'a> BulkStrings<'a> {
    /// The next bulk string; `None` if it is null.
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
        let Ok(Some((length, head))) = counted(self.0) else {
            return Err(UNEXPECTED);
        };
        if !self.0.starts_with(b"$") {
            return Err(UNEXPECTED);
        }
        let rest = self.0.get(head..).unwrap_or_default();
        let Some(length) = length else {
            self.0 = rest;
            return Ok(None);
        };
        let (text, rest) = rest.split_at_checked(length).ok_or(UNEXPECTED)?;
        self.0 = rest.strip_prefix(b"\r\n").ok_or(UNEXPECTED)?;
        Ok(Some(text))
    }
}

/// Reads bytes as replies, for the fuzzer: the same ones however the bytes are split, and with the
/// same content as redis-rs reads. The first byte is the length of the pieces.
#[cfg(any(test, fuzzing))]
#[allow(clippy::expect_used, clippy::indexing_slicing)] // the fuzzer waits for a panic
pub(crate) fn read_as_replies(bytes: &[u8]) {
    let Some((step, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = ends(bytes, []);
    let cuts = (0..bytes.len()).step_by(usize::from(*step).max(1));
    assert_eq!(whole, ends(bytes, cuts.skip(1)));
    let mut start = 0;
    for end in whole.0 {
        let reply = Reply::new(Bytes::copy_from_slice(&bytes[start..end]));
        start = end;
        let _ = reply.refusal();
        let Ok(value) = reply.value() else {
            continue; // a line that is not text
        };
        let Value::Array(list) = value else {
            assert!(reply.bulk_strings(1).is_err());
            continue;
        };
        let mut values = reply.bulk_strings(list.len()).expect("it is that long");
        for value in list {
            let Ok(text) = values.next() else {
                assert!(!matches!(value, Value::BulkString(_)));
                break;
            };
            assert_eq!(
                value,
                text.map_or(Value::Nil, |text| Value::BulkString(text.to_vec()))
            );
        }
    }
}

/// The ends of all complete replies in `bytes`, read in pieces that end at `cuts`.
#[cfg(any(test, fuzzing))]
fn ends(
    bytes: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> (Vec<usize>, Option<MalformedReply>) {
    let (mut frames, mut start, mut ends) = (Frames::default(), 0, Vec::new());
    for cut in cuts.into_iter().chain([bytes.len()]) {
        loop {
            match frames.next(bytes.get(start..cut).unwrap_or_default()) {
                Ok(None) => break,
                Ok(Some(length)) => {
                    start += length;
                    ends.push(start);
                }
                Err(malformed) => return (ends, Some(malformed)),
            }
        }
    }
    (ends, None)
}

#[cfg(test)]
mod tests;
