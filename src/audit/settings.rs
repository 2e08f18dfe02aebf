//! How the log is kept: where it goes, and what happens when it cannot be written.

use std::path::PathBuf;

/// How the log is kept.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// Where it goes.
    pub target: AuditTarget,
    /// How many events may wait to be written.
    pub queue: usize,
    /// What happens when the log cannot be written, or not fast enough.
    pub on_trouble: OnTrouble,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            target: AuditTarget::Stdout,
            queue: 8192,
            on_trouble: OnTrouble::Refuse,
        }
    }
}

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditTarget {
    /// A file, made with mode 0600 and continued where it ended.
    File(PathBuf),
    /// Standard error, each process a chain of its own: for commands, whose standard output is an answer.
    Stderr,
    /// Standard output; each start begins a new chain.
    Stdout,
}

/// What happens when the log cannot be written, or not fast enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTrouble {
    /// Events are lost; how many is written as soon as the log can be written again.
    Drop,
    /// What cannot be recorded is refused: guarded requests fail closed (ASVS 16.5.3). Unguarded
    /// ones record nothing and pass as ever.
    Refuse,
}
