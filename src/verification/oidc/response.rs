//! What the provider answers by way of the browser.

use super::attempt::SignInAttempt;
use serde::Deserialize;

/// What the provider answers by way of the browser (Core §3.1.2.5, §3.1.2.6).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AuthorizationResponse {
    /// Which sign-in it answers.
    pub state: String,
    /// What is exchanged for the ID token.
    #[serde(default)]
    pub code: Option<String>,
    /// Why there is no code.
    #[serde(default)]
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    #[serde(default)]
    pub iss: Option<String>,
}

/// An answer of the provider to a sign-in that was taken for it.
#[derive(Clone, Debug)]
pub struct SignIn {
    pub(super) attempt: SignInAttempt,
    pub(super) response: AuthorizationResponse,
}

impl SignIn {
    /// The sign-in that is answered.
    pub const fn attempt(&self) -> &SignInAttempt {
        &self.attempt
    }
}
