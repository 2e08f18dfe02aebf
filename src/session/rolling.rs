//! Whether the application sets its session's cookie with every answer (rolling sessions: the cookie
//! stores of Rails, Laravel and others).
//!
//! Where it does, a new value says nothing. Elsewhere a new value is an event, such as a login that the
//! settings do not declare, and what was proved before does not go along with it.

use std::sync::atomic::{AtomicU32, Ordering};

/// What goes along when the session's cookie gets another value without a declared login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RotatedProofs {
    /// What was proved, if the application gives the cookie another value with every answer.
    #[default]
    Auto,
    /// Nothing but the session.
    Drop,
    /// What was proved.
    Keep,
}

/// How many answers are looked at before it is settled.
const ENOUGH: u32 = 32;
/// How many new values are more than chance, before that.
const SOME: u32 = 3;

/// Counts how the application answers, until it is settled whether its sessions roll. Settled once for
/// a process: nobody can change it afterwards by answers that they ask for.
#[derive(Debug, Default)]
pub struct Rolling {
    kept: AtomicU32,
    renewed: AtomicU32,
}

impl Rolling {
    /// Whether enough was seen; more is not counted.
    pub fn is_settled(&self) -> bool {
        self.total() >= ENOUGH
    }

    /// Whether a new value comes with every answer, as far as was seen.
    pub fn is_rolling(&self) -> bool {
        let (kept, renewed) = (self.kept(), self.renewed());
        if self.is_settled() {
            renewed >= 3 * kept
        } else {
            renewed >= SOME && kept == 0
        }
    }

    /// An answer within a session left its cookie as it was.
    pub fn note_kept(&self) {
        self.note(&self.kept);
    }

    /// An answer gave the cookie of a known session another value, and no login was declared for it.
    /// Tells whether this settled the question.
    pub fn note_renewed(&self) -> bool {
        self.note(&self.renewed)
    }

    fn note(&self, counter: &AtomicU32) -> bool {
        if self.is_settled() {
            return false;
        }
        counter.fetch_add(1, Ordering::Relaxed);
        self.is_settled()
    }

    fn kept(&self) -> u32 {
        self.kept.load(Ordering::Relaxed)
    }

    fn renewed(&self) -> u32 {
        self.renewed.load(Ordering::Relaxed)
    }

    fn total(&self) -> u32 {
        self.kept() + self.renewed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: &str) -> Rolling {
        let rolling = Rolling::default();
        for answer in answers.chars() {
            match answer {
                'k' => rolling.note_kept(),
                _ => drop(rolling.note_renewed()),
            }
        }
        rolling
    }

    #[test]
    fn a_new_value_with_every_answer_is_rolling() {
        assert!(!after("").is_rolling());
        assert!(!after("rr").is_rolling(), "two may be chance");
        assert!(after("rrr").is_rolling());
        assert!(!after("rrrk").is_rolling());
        assert!(after(&"r".repeat(40)).is_rolling());
        assert!(after(&"rrrrrrrk".repeat(5)).is_rolling());
    }

    #[test]
    fn what_is_settled_stays_so() {
        let rolling = after(&"k".repeat(32));
        for _ in 0..1000 {
            rolling.note_renewed();
        }
        assert!(rolling.is_settled() && !rolling.is_rolling());
    }
}
