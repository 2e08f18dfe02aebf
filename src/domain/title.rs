//! What an action is called, for people of several languages.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

/// What an action is called. It reads as the text for everybody of whose language there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title {
    general: String,
    /// By language tag.
    translated: BTreeMap<String, String>,
}

impl Title {
    /// With texts by language tag beside the general one.
    pub fn new(general: impl Into<String>, translated: BTreeMap<String, String>) -> Self {
        Self {
            general: general.into(),
            translated,
        }
    }

    /// The text for who reads the language of this tag.
    pub fn in_language(&self, tag: &str) -> &str {
        self.translated.get(tag).unwrap_or(&self.general)
    }
}

impl<T: Into<String>> From<T> for Title {
    fn from(general: T) -> Self {
        Self::new(general, BTreeMap::new())
    }
}

impl Deref for Title {
    type Target = str;

    fn deref(&self) -> &str {
        &self.general
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.general)
    }
}
