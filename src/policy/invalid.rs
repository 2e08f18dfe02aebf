//! What is wrong with a value, before it is known where the value stands.

use crate::yaml::{File, Path};

/// A message, and what would be right.
#[derive(Debug)]
pub(super) struct Invalid {
    message: String,
    hint: Option<String>,
}

impl Invalid {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Points at it.
    pub(super) fn report(self, file: &mut File, path: &Path) {
        match self.hint {
            Some(hint) => file.report_with_hint(path, self.message, hint),
            None => file.report(path, self.message),
        }
    }
}

/// The value, or `None` and the flaw reported.
pub(super) fn valid<T>(result: Result<T, Invalid>, file: &mut File, path: &Path) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(invalid) => {
            invalid.report(file, path);
            None
        }
    }
}
