//! What was answered, before the factor has read it.

use crate::domain::Secret;
use crate::verification::oidc::SignIn;
use serde::de::DeserializeOwned;

/// An answer as it was sent.
#[derive(Clone, Debug)]
pub enum AnswerValue {
    /// A JSON object, as its text.
    Json(Secret<String>),
    /// The identity provider's answer to a sign-in that began here.
    SignIn(Box<SignIn>),
    /// A password or code, or what a form holds.
    Text(Secret<String>),
}

impl AnswerValue {
    /// The answer of a factor that is a text.
    pub fn text(&self) -> Option<&Secret<String>> {
        match self {
            Self::Json(_) | Self::SignIn(_) => None,
            Self::Text(text) => Some(text),
        }
    }

    /// Whether it is one.
    pub const fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    /// The answer of a factor that has several values; a form holds them as JSON in one field.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        let (Self::Json(text) | Self::Text(text)) = self else {
            return None;
        };
        serde_json::from_str(text.expose()).ok()
    }
}
