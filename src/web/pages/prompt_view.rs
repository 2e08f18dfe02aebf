//! What the prompt page shows, before it is words.

use crate::domain::{
    Alternatives, Challenge, DisplayName, Factor, FactorSet, LocalPath, PurposeRule, Reason,
    Requirement, ReturnTarget, RiskLevel, Scope, Secret, StatedPurpose, Timestamp,
};
use crate::verification::{Claimant, PasswordSource};
use std::time::Duration;

/// What the prompt page shows. [`Prompt::of`] fills in what a challenge knows.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What it is for, such as `Delete an account`.
    pub title: String,
    /// How dangerous that is.
    pub level: RiskLevel,
    /// What of the request the person confirms: label and value.
    pub shown: Vec<(String, String)>,
    /// Whose proof is asked for, as the application names them.
    pub user: String,
    /// How a page calls them, if that is something else.
    pub display: Option<DisplayName>,
    /// How long the challenge can still be answered.
    pub time_left: Duration,
    /// What the proof will be good for.
    pub earns: Earns,
    /// How long the proof will count.
    pub max_age: Duration,
    /// What is accepted, in order of preference.
    pub alternatives: Alternatives,
    /// What has been shown so far.
    pub proven: FactorSet,
    /// What this person can use: enrolled, and not locked.
    pub usable: FactorSet,
    /// The factor whose form is open, as in `?factor=`, or the one just answered.
    pub chosen: Option<Factor>,
    /// Where codes go, if they can be sent.
    pub email: Option<EmailCode>,
    /// What people call the identity provider.
    pub provider: String,
    /// Whose password is asked for.
    pub passwords: PasswordSource,
    /// The phrase to be typed.
    pub confirm: Option<String>,
    /// What was typed as the phrase, on the page before this one.
    pub typed: String,
    /// Where the person says why, if somebody else must approve.
    pub purpose: Option<PurposeField>,
    /// What went wrong with the last step.
    pub error: Option<PromptError>,
    /// The application's sign-in page, where signing in afresh would do; offered first.
    pub sign_in: Option<String>,
    /// Where to set something up, for who has nothing that is accepted.
    pub enroll: Option<LocalPath>,
    /// What people can set up there.
    pub offers: Vec<Factor>,
    /// Where to go instead of answering.
    pub cancel: Option<LocalPath>,
    /// The sealed challenge.
    pub token: Secret<String>,
    /// What ties the forms to this browser.
    pub anti_forgery: Secret<String>,
    /// The sealed fields of a form that is carried through the page.
    pub carried: Option<Secret<String>>,
    /// Whether a form was filled in that cannot be carried.
    pub refill: bool,
}

/// The field in which a person says why they want something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurposeField {
    /// Whether it must be filled in.
    pub required: bool,
    /// What was typed before.
    pub typed: Option<StatedPurpose>,
}

/// What a proof will be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earns {
    /// Every request for this action, for a while.
    Action,
    /// This one request.
    Once,
    /// Whatever asks for a verified session, for a while.
    Session,
}

/// The state of codes by e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailCode {
    /// The masked address, such as `a•••@example.com`.
    pub to: String,
    /// Whether a code has been sent for this challenge.
    pub sent: bool,
    /// How long until another may be sent.
    pub wait: Duration,
}

/// What went wrong with the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptError {
    /// The factor was locked after too many failures in a row.
    FactorLocked(Factor),
    /// The mail server did not take the mail.
    MailUnavailable,
    /// A sign-in at the identity provider proved nothing, for this reason.
    SignIn(Reason),
    /// Why it is wanted was not said.
    NoPurpose(Factor),
    /// A code was asked for too soon after the last.
    SentTooSoon,
    /// No further answer is accepted for now; `None` if for an unknown time.
    TooManyAttempts(Option<Duration>),
    /// The answer could not be judged: store, hashing or directory did not answer.
    Unavailable,
    /// The answer was wrong.
    WrongAnswer {
        /// What was answered.
        factor: Factor,
        /// How many more answers will be judged.
        remaining: u32,
    },
    /// The phrase to be typed was not.
    WrongPhrase(Factor),
}

impl Prompt {
    /// Fills in what the challenge knows. Everything else is empty, and nothing is usable yet.
    pub fn of(
        challenge: &Challenge,
        claimant: &Claimant<'_>,
        token: Secret<String>,
        anti_forgery: Secret<String>,
        (tag, now): (&str, Timestamp),
    ) -> Self {
        let requirement = &*challenge.demand.requirement;
        let subject = claimant.subject;
        let display = claimant.display.filter(|name| !name.is_name_of(subject));
        Self {
            title: requirement.title.in_language(tag).to_owned(),
            level: requirement.level,
            shown: challenge.shown.clone(),
            user: subject.spelling().to_owned(),
            display: display.cloned(),
            time_left: challenge.expires_at.since(now),
            earns: Earns::of(requirement),
            max_age: requirement.max_age,
            alternatives: requirement.factors.clone(),
            proven: FactorSet::EMPTY,
            usable: FactorSet::EMPTY,
            chosen: None,
            email: None,
            provider: String::new(),
            passwords: PasswordSource::default(),
            confirm: requirement.confirm.clone(),
            typed: String::new(),
            purpose: requirement.approval.as_ref().map(|rule| PurposeField {
                required: rule.purpose == PurposeRule::Required,
                typed: None,
            }),
            error: None,
            sign_in: None,
            enroll: None,
            offers: Vec::new(),
            cancel: None,
            token,
            anti_forgery,
            carried: None,
            refill: matches!(challenge.return_to, ReturnTarget::Refill(_)),
        }
    }
}

impl Earns {
    /// What a proof for `requirement` is good for.
    pub fn of(requirement: &Requirement) -> Self {
        if requirement.single_use {
            Self::Once
        } else if requirement.level >= RiskLevel::High && requirement.scope == Scope::Action {
            Self::Action
        } else {
            Self::Session
        }
    }
}
