//! Mistakes in files, reported together, so that an operator can correct all of them in one go.

use std::fmt;
use std::sync::Arc;

/// A place in a file; both numbers begin at 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used; somebody may want to know.
    Note,
    /// The file is used; it probably does not do what was meant, or is weaker than it looks.
    Warning,
}

/// One mistake: where, what, the line with a caret, and a hint where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Where in the file, unless it is about the file as a whole.
    pub position: Option<Position>,
    /// What is wrong and what was expected.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
    /// The line it stands on, unless that line may hold a secret.
    pub line: Option<String>,
}

/// Mistakes of any number of files, shown in file order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Position {
    /// Points at a line and a column.
    pub const fn new(line: usize, column: usize) -> Self {
        Self { line, column }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Diagnostic {
    /// A mistake that concerns a file as a whole, such as that it cannot be read.
    pub fn whole_file(file: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: file.into(),
            position: None,
            message: message.into(),
            hint: None,
            line: None,
        }
    }

    /// Adds what would be right.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Plain(&self.file))?;
        if let Some(position) = self.position {
            write!(f, ":{position}")?;
        }
        let severity = match self.severity {
            Severity::Error => "",
            Severity::Note => "note: ",
            Severity::Warning => "warning: ",
        };
        writeln!(f, ": {severity}{}", Plain(&self.message))?;
        let line = self.line.as_ref().filter(|line| !line.trim().is_empty());
        if let (Some(line), Some(position)) = (line, self.position) {
            let (excerpt, indent) = window(line, position.column);
            writeln!(f, "{:>5} | {excerpt}", position.line)?;
            writeln!(f, "      | {indent}^")?;
        }
        match &self.hint {
            Some(hint) => writeln!(f, "      hint: {}", Plain(hint)),
            None => Ok(()),
        }
    }
}

impl Diagnostics {
    /// Adds one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another list, after these.
    pub fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Goes through them, as they were added.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Answers `value` if there is no mistake, and the mistakes otherwise.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(diagnostics: I) -> Self {
        Self(diagnostics.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Text of a file on its way to a terminal or a log: one line, nothing that moves the cursor or
/// turns the reading direction.
struct Plain<'a>(&'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        for char in self.0.chars() {
            if is_unseen(char) {
                write!(f, "{}", char.escape_unicode())?;
            } else {
                f.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// Control characters, and those that hide or reorder what stands beside them.
pub(crate) fn is_unseen(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The part of a line around a column that fits on a screen, and the blanks before the caret.
fn window(line: &str, column: usize) -> (String, String) {
    let caret = column.saturating_sub(1);
    let start = if caret > WINDOW * 3 / 4 {
        caret - WINDOW / 2
    } else {
        0
    };
    let shown = |char| match char {
        // As wide as it is counted.
        '\t' => ' ',
        char if is_unseen(char) => '\u{fffd}',
        char => char,
    };
    let excerpt: String = line.chars().skip(start).take(WINDOW).map(shown).collect();
    (
        excerpt.trim_end().to_owned(),
        " ".repeat((caret - start).min(WINDOW)),
    )
}

/// How many characters of a long line are shown.
const WINDOW: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: &str, column: usize) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: "a.yaml".into(),
            position: Some(Position::new(9, column)),
            message: "risk level 9 is outside 1..=4".to_owned(),
            hint: None,
            line: Some(line.to_owned()),
        }
    }

    #[test]
    fn the_caret_stands_under_the_value() {
        assert_eq!(
            at("    level: 9", 12).hint("write 4").to_string(),
            "a.yaml:9:12: risk level 9 is outside 1..=4\n    9 |     level: 9\n      |            ^\n      hint: write 4\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let line = format!("{}X{}", "a".repeat(5_000), "b".repeat(5_000));
        let shown = at(&line, 5_001).to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert!(shown.len() < 400);
        assert_eq!(lines[1].find('X'), lines[2].find('^'));
    }

    #[test]
    fn a_file_cannot_write_to_the_terminal() {
        let mut evil = at("x: \u{1b}[2J", 4);
        evil.message = "`\u{1b}]0;`\n\u{202e}".to_owned();
        assert!(!evil.to_string().contains(['\u{1b}', '\u{202e}']));
    }
}
