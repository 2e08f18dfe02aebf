//! Risk levels.

use std::fmt;

/// How dangerous a route is, 1 (low) to 4 (critical).
///
/// Level 0 (open) needs no variant: a route that asks for nothing is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RiskLevel {
    /// 1: the session was authenticated or verified recently.
    Low = 1,
    /// 2: as 1; separate so that policies can tell the two apart.
    Medium = 2,
    /// 3: a live grant for the action.
    High = 3,
    /// 4: an unspent single-use grant for the action and this very request.
    Critical = 4,
}

/// A number that is not a risk level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("risk level {0} is outside 1..=4")]
pub struct LevelOutOfRange(pub i64);

impl TryFrom<i64> for RiskLevel {
    type Error = LevelOutOfRange;

    fn try_from(number: i64) -> Result<Self, LevelOutOfRange> {
        match number {
            1 => Ok(Self::Low),
            2 => Ok(Self::Medium),
            3 => Ok(Self::High),
            4 => Ok(Self::Critical),
            other => Err(LevelOutOfRange(other)),
        }
    }
}

impl RiskLevel {
    /// The number, 1 to 4.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for RiskLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}
