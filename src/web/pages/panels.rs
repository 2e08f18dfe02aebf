//! What can be answered on the prompt page: one way that is open, and the names of the others.

use super::Texts;
use super::prompt_view::{Prompt, PromptError};
use crate::domain::{Factor, FactorSet};
use crate::verification::{Input, PasswordSource, input_of};

/// The ways to prove who one is.
pub(super) struct Ways<'t> {
    pub(super) open: Option<Panel<'t>>,
    /// Word and name of what may be chosen instead.
    pub(super) others: Vec<(&'static str, &'t str)>,
}

/// One way to prove who one is, with its form.
pub(super) struct Panel<'t> {
    pub(super) factor: &'static str,
    pub(super) label: &'t str,
    /// Where what is asked for comes from.
    pub(super) hint: Option<&'t str>,
    pub(super) input: Input,
    pub(super) step: Option<String>,
    pub(super) fault: AnswerFault,
    pub(super) intro: Option<String>,
    pub(super) send: Option<Send<'t>>,
    pub(super) answerable: bool,
    /// What the script of the page does with the form: `get` asks for a passkey when its button is pressed, `offer`
    /// has the browser offer passkeys at the field.
    pub(super) passkey: Option<&'static str>,
}

/// What is wrong with the last answer to a panel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerFault {
    Answer,
    Nothing,
    Phrase,
    Purpose,
}

/// The form that asks for a code.
pub(super) struct Send<'t> {
    pub(super) note: Option<String>,
    pub(super) button: &'t str,
    pub(super) again: bool,
}

/// What can be answered next.
#[derive(Debug, PartialEq, Eq)]
struct NextFactor {
    factor: Factor,
    step: usize,
    of: usize,
}

/// Whether a passkey is one of the ways, for which the page needs its script.
pub fn asks_for_passkey(prompt: &Prompt) -> bool {
    let choices = choices(prompt);
    choices
        .iter()
        .any(|choice| choice.factor == Factor::Passkey)
}

pub(super) fn ways<'t>(t: &'t Texts, prompt: &Prompt) -> Ways<'t> {
    let choices = choices(prompt);
    let chosen = choices
        .iter()
        .find(|choice| Some(choice.factor) == prompt.chosen);
    let open = chosen.or(choices.first());
    let is_other = |choice: &&NextFactor| open.is_some_and(|open| open.factor != choice.factor);
    Ways {
        open: open.and_then(|choice| panel(t, prompt, choice)),
        others: choices
            .iter()
            .filter(is_other)
            .map(|choice| (choice.factor.as_str(), t.factor(choice.factor).name))
            .collect(),
    }
}

fn panel<'t>(t: &'t Texts, prompt: &Prompt, choice: &NextFactor) -> Option<Panel<'t>> {
    let factor = choice.factor;
    let email = prompt
        .email
        .as_ref()
        .filter(|_| factor == Factor::EmailCode);
    Some(Panel {
        factor: factor.as_str(),
        label: label(t, prompt, factor),
        hint: (factor == Factor::BootstrapCode).then_some(&t.factor.bootstrap_hint),
        input: input_of(factor)?,
        step: (choice.of > 1).then(|| t.prompt.step(choice.step, choice.of)),
        fault: AnswerFault::of(prompt.error, factor),
        intro: intro(t, prompt, factor),
        send: email.map(|email| Send {
            note: (email.sent && !email.wait.is_zero())
                .then(|| t.prompt.email_wait(t.at_most(email.wait))),
            button: if email.sent {
                &t.prompt.email_again
            } else {
                &t.prompt.email_send
            },
            again: email.sent,
        }),
        answerable: email.is_none_or(|email| email.sent),
        passkey: match factor {
            Factor::Passkey => Some("get"),
            Factor::Password => asks_for_passkey(prompt).then_some("offer"),
            Factor::BootstrapCode
            | Factor::EmailCode
            | Factor::Oidc
            | Factor::RecoveryCode
            | Factor::Totp => None,
        },
    })
}

/// What a panel begins with: where a code goes, or where to sign in.
fn intro(t: &Texts, prompt: &Prompt, factor: Factor) -> Option<String> {
    match (factor, &prompt.email) {
        (Factor::EmailCode, Some(email)) if email.sent => Some(t.prompt.email_sent(&email.to)),
        (Factor::EmailCode, Some(email)) => Some(t.prompt.email_offer(&email.to)),
        (Factor::Oidc, _) => Some(t.oidc.intro(&prompt.provider)),
        (Factor::Passkey, _) => Some(t.passkey.offer.to_string()),
        _ => None,
    }
}

/// What stands above the field. Of a password it says which is meant.
fn label<'t>(t: &'t Texts, prompt: &Prompt, factor: Factor) -> &'t str {
    match (factor, prompt.passwords) {
        (Factor::Password, PasswordSource::Directory) => &t.factor.password_of_directory,
        _ => t.factor(factor).label,
    }
}

/// Lists what can be answered next: for each alternative that this person can complete, its first
/// factor that is still missing. What was begun comes first; otherwise the policy's order holds.
fn choices(prompt: &Prompt) -> Vec<NextFactor> {
    // No answer would be judged.
    if matches!(prompt.error, Some(PromptError::TooManyAttempts(_))) {
        return Vec::new();
    }
    let sets = prompt.alternatives.sets().iter().copied();
    let within_reach = |set: &FactorSet| {
        let missing = set.without(prompt.proven);
        !missing.is_empty() && missing.iter().all(|factor| is_usable(prompt, factor))
    };
    let mut sets: Vec<_> = sets.filter(within_reach).collect();
    sets.sort_by_key(|set| set.without(prompt.proven) == *set);
    let mut choices: Vec<NextFactor> = Vec::new();
    for set in sets {
        let missing = set.without(prompt.proven);
        let mut by_preference = Factor::BY_PREFERENCE.into_iter();
        let Some(factor) = by_preference.find(|factor| missing.contains(*factor)) else {
            continue;
        };
        if choices.iter().all(|choice| choice.factor != factor) {
            let of = set.iter().count();
            let step = of - missing.iter().count() + 1;
            choices.push(NextFactor { factor, step, of });
        }
    }
    choices
}

fn is_usable(prompt: &Prompt, factor: Factor) -> bool {
    prompt.usable.contains(factor)
        && prompt.error != Some(PromptError::FactorLocked(factor))
        && (factor != Factor::EmailCode || prompt.email.is_some())
}

impl Panel<'_> {
    /// Whether the cursor starts in the answer.
    pub(super) fn takes_focus(&self) -> bool {
        !matches!(self.fault, AnswerFault::Phrase | AnswerFault::Purpose)
    }
}

impl AnswerFault {
    fn of(error: Option<PromptError>, panel: Factor) -> Self {
        match error {
            Some(PromptError::NoPurpose(factor)) if factor == panel => Self::Purpose,
            Some(PromptError::WrongAnswer { factor, .. }) if factor == panel => Self::Answer,
            Some(PromptError::WrongPhrase(factor)) if factor == panel => Self::Phrase,
            _ => Self::Nothing,
        }
    }
}
