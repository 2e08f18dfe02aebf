//! Where answers are written.

use crate::yaml::is_unseen;
use std::fmt;
use std::io::{self, IsTerminal, Write};

/// A stream that people or programs read; `writeln!` writes to it.
pub(super) struct Output {
    stream: Box<dyn Write>,
    terminal: bool,
}

impl Output {
    /// Standard output, for answers.
    pub(super) fn stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            stream: Box::new(io::stdout()),
            terminal,
        }
    }

    /// Standard error, for errors, warnings and notes.
    pub(super) fn stderr() -> Self {
        let terminal = io::stderr().is_terminal();
        Self {
            stream: Box::new(io::stderr()),
            terminal,
        }
    }

    /// Whether it is a terminal.
    pub(super) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes bytes as they are.
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// What `writeln!` calls.
    pub(super) fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.stream.write_fmt(text)?;
        self.stream.flush()
    }
}

/// Text of somebody else's: nothing of it may move the cursor of a terminal, or turn what stands beside it around.
pub(super) fn printable(text: &str) -> String {
    let shown = |char| if is_unseen(char) { '\u{fffd}' } else { char };
    text.chars().map(shown).collect()
}

/// `1 route`, `2 routes`.
pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 {
        word.to_owned()
    } else {
        format!("{word}s")
    }
}
