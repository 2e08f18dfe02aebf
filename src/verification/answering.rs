//! An answer to a challenge, as it was sent.

use super::factors::AnswerValue;
use super::trial::PasswordTrial;
use super::verifier::EndpointCaller;
use crate::domain::{BrowserKeyHash, Factor, StatedPurpose};
use crate::locale::Locale;

/// An answer to a challenge by one factor.
#[derive(Clone, Copy, Debug)]
pub struct Answering<'a> {
    /// The challenge's token.
    pub token: &'a str,
    /// The factor.
    pub factor: Factor,
    /// What was sent for it.
    pub answer: &'a AnswerValue,
    /// The phrase that was typed, if the challenge asks for one.
    pub confirm: Option<&'a str>,
    /// Why it is wanted, where the route asks for approval.
    pub purpose: Option<&'a StatedPurpose>,
    /// How the application is asked about a password, where it is.
    pub trial: Option<&'a dyn PasswordTrial>,
    /// The browser key that what it earns belongs to, if it is to be another than a new one.
    pub key: Option<BrowserKeyHash>,
    /// Who answers.
    pub caller: EndpointCaller<'a>,
    /// The language of a mail about it.
    pub locale: Locale,
}

impl Answering<'_> {
    /// Whether the session belongs to the key that this answer would earn for, and the caller does not have it by itself.
    pub(super) fn is_repeated(&self) -> bool {
        let claimant = &self.caller.claimant;
        self.key.is_some() && self.key == claimant.session_key && self.key != claimant.browser_key
    }
}
