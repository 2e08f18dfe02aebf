//! Decodes replies: one of another type than the command returns is an error.

use crate::domain::{SessionId, Timestamp};
use crate::store::StoreError;
use redis::Value;

pub(super) const UNEXPECTED: StoreError = StoreError::Corrupt { what: "reply" };

/// A bulk string that may be null.
pub(super) fn optional_bytes(answer: Value) -> Result<Option<Vec<u8>>, StoreError> {
    #[allow(clippy::wildcard_enum_match_arm)] // every other type is unexpected
    match answer {
        Value::Nil => Ok(None),
        Value::BulkString(bytes) => Ok(Some(bytes)),
        _ => Err(UNEXPECTED),
    }
}

/// A bulk string that must not be null.
pub(super) fn bytes(answer: Value) -> Result<Vec<u8>, StoreError> {
    optional_bytes(answer)?.ok_or(UNEXPECTED)
}

/// A bulk string in UTF-8 that must not be null.
pub(super) fn text(answer: Value) -> Result<String, StoreError> {
    String::from_utf8(bytes(answer)?).map_err(|_| UNEXPECTED)
}

/// A whole number.
pub(super) fn number(answer: &Value) -> Result<i64, StoreError> {
    if let Value::Int(number) = answer {
        Ok(*number)
    } else {
        Err(UNEXPECTED)
    }
}

/// An array.
pub(super) fn list(answer: Value) -> Result<std::vec::IntoIter<Value>, StoreError> {
    if let Value::Array(values) = answer {
        Ok(values.into_iter())
    } else {
        Err(UNEXPECTED)
    }
}

/// The next element of an array.
pub(super) fn next(values: &mut impl Iterator<Item = Value>) -> Result<Value, StoreError> {
    values.next().ok_or(UNEXPECTED)
}

/// The end of a revocation.
pub(super) fn until(bytes: &[u8]) -> Result<Timestamp, StoreError> {
    let millis = bytes.try_into().map(u64::from_be_bytes);
    millis
        .map(Timestamp::from_millis)
        .map_err(|_| StoreError::Corrupt { what: "revocation" })
}

/// The id of a session.
pub(super) fn session_id(bytes: &[u8]) -> Option<SessionId> {
    bytes.try_into().ok().map(SessionId::new)
}
