//! What every token must say, whatever it is for: how long it is good, who made it, and for whom.

use super::error::TokenError;
use crate::domain::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// What a claim must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimTest {
    /// It is not checked.
    Any,
    /// One of these.
    OneOf(Vec<String>),
}

/// Checks the time of a token: when it ends, leeway included.
pub(crate) fn end_of(
    claims: &Value,
    leeway: Duration,
    now: Timestamp,
) -> Result<Timestamp, TokenError> {
    let until = date(claims.get("exp")).ok_or(TokenError::Expired)?;
    let until = until.after(leeway);
    // RFC 7519 §4.1.4: on or after which it must not be accepted.
    if until <= now {
        return Err(TokenError::Expired);
    }
    // RFC 7519 §4.1.5. One that is there and is no date is not left out.
    match (claims.get("nbf"), date(claims.get("nbf"))) {
        (None, _) => Ok(until),
        (Some(_), Some(begin)) if begin <= now.after(leeway) => Ok(until),
        (Some(_), _) => Err(TokenError::NotYet),
    }
}

impl ClaimTest {
    pub(crate) fn holds(&self, claim: Option<&Value>) -> bool {
        let Self::OneOf(wanted) = self else {
            return true;
        };
        let is_wanted = |one: &Value| wanted.iter().any(|it| one.as_str() == Some(it));
        match claim {
            // RFC 7519 §4.1.3: one audience, or several.
            Some(Value::Array(several)) => several.iter().any(is_wanted),
            one => one.is_some_and(is_wanted),
        }
    }
}

/// A `NumericDate` (RFC 7519 §2): seconds, perhaps with a fraction.
pub(crate) fn date(claim: Option<&Value>) -> Option<Timestamp> {
    let seconds = Duration::try_from_secs_f64(claim?.as_f64()?).ok()?;
    Some(Timestamp::default().after(seconds))
}
