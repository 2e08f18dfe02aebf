//! The user whom a session belongs to.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The user whom a session belongs to, as the application names them: in the one spelling that stands for all.
///
/// Beside it is the spelling in which the name was said, which only counts where the application is told it
/// again. Two subjects are equal if their one spelling is.
#[derive(Clone)]
pub struct Subject {
    name: Arc<str>,
    spelling: Option<Arc<str>>,
}

impl Subject {
    /// Takes the one spelling as it is; the caller has checked it.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            spelling: None,
        }
    }

    /// The same, with how the name was said.
    #[must_use]
    pub fn said_as(self, spelling: &str) -> Self {
        let spelling = Some(spelling).filter(|said| **said != *self.name);
        Self {
            name: self.name,
            spelling: spelling.map(Into::into),
        }
    }

    /// Shows the name.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Shows the name as it was said.
    pub fn spelling(&self) -> &str {
        self.spelling.as_ref().unwrap_or(&self.name)
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Subject {}

impl Hash for Subject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_name_was_said_makes_no_other_subject() {
        let said = Subject::new("alice").said_as("Alice");
        assert_eq!(said, Subject::new("alice"));
        assert_ne!(said, Subject::new("Alice"));
        assert_eq!((said.as_str(), said.spelling()), ("alice", "Alice"));
        assert_eq!(said.said_as("alice").spelling(), "alice");
    }
}
