//! One file: read as far as it can be, with every mistake pointed at.

mod load;

use super::diagnostic::{Diagnostic, Diagnostics, Position, Severity};
use super::fault::Fault;
use super::locate::{self, Path};
use super::node::{Node, Value};
use super::tree;
use super::words::nearest;
use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::sync::Arc;

/// A file that is being read: knows where everything stands and collects what is wrong.
#[derive(Debug)]
pub struct File {
    name: Arc<str>,
    text: String,
    root: Option<Node>,
    /// Fields whose lines are not shown, since they may hold a secret.
    secret: &'static [&'static str],
    /// Nodes that were found faulty and are passed over.
    faulty: HashSet<u32>,
    mistakes: Collected,
    remarks: Collected,
}

/// Diagnostics in the making. Finding a position means reading the file again, so there is an end.
#[derive(Debug, Default)]
struct Collected {
    list: Vec<Diagnostic>,
    more: usize,
}

/// Reads a file as a `T`.
///
/// All that is unknown, doubled or of the wrong type is recorded in the [`File`] and passed over,
/// so that one reading finds all of it; the value holds what remains and is there unless nothing
/// could be made of the file. Whoever reads checks the meaning of the value, reports further
/// mistakes to the file, and uses the value only if [`File::finish`] finds none.
pub fn read<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> (Option<T>, File) {
    read_hiding(&[], name, bytes)
}

/// Reads a file as [`read`] does, but never shows a line that holds one of the names in `secret`.
pub fn read_hiding<T: DeserializeOwned>(
    secret: &'static [&'static str],
    name: &str,
    bytes: &[u8],
) -> (Option<T>, File) {
    let mut file = File {
        name: name.into(),
        text: String::new(),
        root: None,
        secret,
        faulty: HashSet::new(),
        mistakes: Collected::default(),
        remarks: Collected::default(),
    };
    let value = file.load(bytes).and_then(|root| {
        file.refuse_doubled_keys(&root);
        let value = file.read_all(&root);
        file.root = Some(root);
        value
    });
    (value, file)
}

impl File {
    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Finds where the value at `path` stands; if it is missing, the mapping that lacks it.
    pub fn at(&self, path: impl Into<Path>) -> Option<Position> {
        let node = locate::nearest(self.root.as_ref()?, &self.faulty, &path.into());
        tree::position(&self.text, node.id)
    }

    /// Says where the value at `path` stands, with the name of the file.
    pub fn place(&self, path: impl Into<Path>) -> String {
        match self.at(path) {
            Some(position) => format!("{}:{position}", self.name),
            None => self.name.as_ref().to_owned(),
        }
    }

    /// Whether `path` is written in the file, even if its value was faulty.
    pub fn mentions(&self, path: impl Into<Path>) -> bool {
        let path = path.into();
        let root = self.root.as_ref();
        root.is_some_and(|root| locate::exact(root, &self.faulty, &path).is_some())
    }

    /// Whether something at `path` or below it was faulty and passed over.
    pub fn has_mistakes_at(&self, path: impl Into<Path>) -> bool {
        let root = self.root.as_ref();
        let node = root.and_then(|root| locate::exact(root, &self.faulty, &path.into()));
        node.is_some_and(|node| self.has_mistakes_below(node))
    }

    /// Reports a mistake at `path`.
    pub fn report(&mut self, path: impl Into<Path>, message: impl Into<String>) {
        self.add(Severity::Error, &path.into(), message.into(), None);
    }

    /// Reports a mistake at `path`, and what would be right.
    pub fn report_with_hint(
        &mut self,
        path: impl Into<Path>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(
            Severity::Error,
            &path.into(),
            message.into(),
            Some(hint.into()),
        );
    }

    /// Reports that `path` lacks `field`, unless it is there and was reported already.
    pub fn report_missing(&mut self, path: impl Into<Path>, field: &str, hint: Option<&str>) {
        let path = path.into();
        if !self.mentions(path.key(field)) {
            let message = format!("`{field}` is missing");
            let hint = hint.map(str::to_owned);
            self.add(Severity::Error, &path, message, hint);
        }
    }

    /// Reports every field and item without a value: left over, or forgotten.
    pub fn refuse_empty_values(&mut self) {
        // Taken out and put back: reporting needs the file while the tree is walked.
        let Some(root) = self.root.take() else {
            return;
        };
        self.refuse_empty_below(&root);
        self.root = Some(root);
    }

    /// Remarks on something that is allowed and deserves a look.
    pub fn warn(&mut self, path: impl Into<Path>, message: impl Into<String>) {
        self.add(Severity::Warning, &path.into(), message.into(), None);
    }

    /// Remarks on something that is allowed and deserves a look, and says what would be better.
    pub fn warn_with_hint(
        &mut self,
        path: impl Into<Path>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(
            Severity::Warning,
            &path.into(),
            message.into(),
            Some(hint.into()),
        );
    }

    /// Remarks on something that is as it should be and worth knowing.
    pub fn note(&mut self, path: impl Into<Path>, message: impl Into<String>) {
        self.add(Severity::Note, &path.into(), message.into(), None);
    }

    /// Whether a mistake was found so far.
    pub fn has_mistakes(&self) -> bool {
        !self.mistakes.list.is_empty()
    }

    /// Hands over the mistakes and the remarks, each in the order of the lines.
    pub fn finish(self) -> (Diagnostics, Diagnostics) {
        let Self {
            name,
            mistakes,
            remarks,
            ..
        } = self;
        (mistakes.finish(&name), remarks.finish(&name))
    }

    fn has_mistakes_below(&self, node: &Node) -> bool {
        let mut entries = node.entries().iter();
        self.faulty.contains(&node.id)
            || entries
                .any(|(key, value)| self.faulty.contains(&key.id) || self.has_mistakes_below(value))
            || node
                .items()
                .iter()
                .any(|item| self.has_mistakes_below(item))
    }

    fn refuse_empty_below(&mut self, node: &Node) {
        for (key, value) in node.entries() {
            // A null written out (`~`, `null`) is no better: no setting means anything by it.
            if matches!(value.value, Value::Null) && !self.faulty.contains(&key.id) {
                let position = self.position(Severity::Error, key.id);
                self.refuse(position, format!("{key} is empty"), None);
            }
            self.refuse_empty_below(value);
        }
        for item in node.items() {
            if matches!(item.value, Value::Null) && !self.faulty.contains(&item.id) {
                let position = self.position(Severity::Error, item.id);
                self.refuse(position, "an item of this list is empty".to_owned(), None);
            }
            self.refuse_empty_below(item);
        }
    }

    fn record(&mut self, root: &Node, id: u32, fault: Fault) {
        // A field that is missing because it was passed over has been reported already.
        let known = fault.missing.is_some_and(|field| {
            find(root, id).is_some_and(|node| {
                let mut entries = node.entries().iter();
                entries.any(|(key, _)| key.as_text() == Some(field))
            })
        });
        if known || fault.is_echo {
            return;
        }
        let position = self.position(Severity::Error, id);
        // serde quotes the value that it did not expect: it must not show what `line` hides.
        let is_secret = position.is_some_and(|position| self.line(position).is_none());
        let message = if is_secret && fault.missing.is_none() {
            without_values(&fault.message)
        } else {
            fault.message
        };
        self.push(Severity::Error, position, message, fault.hint);
    }

    fn add(&mut self, severity: Severity, path: &Path, message: String, hint: Option<String>) {
        let root = self.root.as_ref();
        let id = root.map(|root| locate::nearest(root, &self.faulty, path).id);
        // Without a place it is said of the file: a mistake is never dropped for want of one.
        let position = id.and_then(|id| self.position(severity, id));
        self.push(severity, position, message, hint);
    }

    /// The position of a node, unless so many were looked for that this one will not be shown.
    fn position(&self, severity: Severity, id: u32) -> Option<Position> {
        if self.collected(severity).list.len() < MAX_SHOWN {
            tree::position(&self.text, id)
        } else {
            None
        }
    }

    fn refuse(&mut self, position: Option<Position>, message: String, hint: Option<String>) {
        self.push(Severity::Error, position, message, hint);
    }

    fn push(
        &mut self,
        severity: Severity,
        position: Option<Position>,
        message: String,
        hint: Option<String>,
    ) {
        let diagnostic = Diagnostic {
            severity,
            file: Arc::clone(&self.name),
            position,
            message,
            hint,
            line: position.and_then(|position| self.line(position)),
        };
        let collected = match severity {
            Severity::Error => &mut self.mistakes,
            Severity::Note | Severity::Warning => &mut self.remarks,
        };
        if collected.list.len() < MAX_SHOWN {
            collected.list.push(diagnostic);
        } else {
            collected.more += 1;
        }
    }

    const fn collected(&self, severity: Severity) -> &Collected {
        match severity {
            Severity::Error => &self.mistakes,
            Severity::Note | Severity::Warning => &self.remarks,
        }
    }

    /// The line of a position, unless it names something secret, or nearly so: a misspelled
    /// `passwrd: hunter2` must not be shown either.
    fn line(&self, position: Position) -> Option<String> {
        let index = position.line.saturating_sub(1);
        let line = self.text.split('\n').nth(index)?.trim_end_matches('\r');
        let mut words = line.split(|char: char| !char.is_alphanumeric() && char != '_');
        let is_secret = words.any(|word| nearest(word, self.secret).is_some());
        (!is_secret).then(|| line.to_owned())
    }
}

impl Collected {
    fn finish(self, name: &str) -> Diagnostics {
        let Self { mut list, more } = self;
        // Found in the order of the checks, read in the order of the file.
        list.sort_by_key(|diagnostic| diagnostic.position);
        if more > 0 {
            list.push(Diagnostic::whole_file(name, format!("and {more} more")));
        }
        list.into_iter().collect()
    }
}

fn find(node: &Node, id: u32) -> Option<&Node> {
    if node.id == id {
        return Some(node);
    }
    let pairs = node.entries().iter().flat_map(|(key, value)| [key, value]);
    node.items()
        .iter()
        .chain(pairs)
        .find_map(|child| find(child, id))
}

/// How large a file may be.
pub const MAX_BYTES: usize = 1024 * 1024;

/// How many mistakes of one file are shown; the rest is counted.
const MAX_SHOWN: usize = 64;

/// The message without what it quotes of the file.
fn without_values(message: &str) -> String {
    let mut parts = message.split('`');
    let mut bare = parts.next().unwrap_or_default().to_owned();
    while let (Some(_), Some(between)) = (parts.next(), parts.next()) {
        bare.push_str("`…`");
        bare.push_str(between);
    }
    bare
}

#[cfg(test)]
mod tests;
