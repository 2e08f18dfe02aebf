//! What can be answered on the prompt page, and the form for each of it.

use super::Texts;
use super::prompt_view::{Prompt, PromptError};
use crate::domain::{Factor, FactorSet};
use crate::verification::{Input, PasswordSource, input_of};

/// One way to prove who one is, with its form.
pub(super) struct Panel<'t> {
    pub(super) factor: &'static str,
    pub(super) name: &'t str,
    pub(super) label: &'t str,
    pub(super) input: Input,
    pub(super) step: Option<String>,
    pub(super) open: bool,
    pub(super) fault: AnswerFault,
    pub(super) intro: Option<String>,
    pub(super) send: Option<Send<'t>>,
    pub(super) answerable: bool,
}

/// What is wrong with the last answer to a panel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerFault {
    Answer,
    Nothing,
    Phrase,
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

pub(super) fn panels<'t>(t: &'t Texts, prompt: &Prompt, sign_in_first: bool) -> Vec<Panel<'t>> {
    // No answer would be judged.
    if matches!(prompt.error, Some(PromptError::TooManyAttempts(_))) {
        return Vec::new();
    }
    let choices = choices(prompt);
    let first = choices
        .first()
        .filter(|_| !sign_in_first)
        .map(|choice| choice.factor);
    let chosen = prompt
        .chosen
        .filter(|chosen| choices.iter().any(|choice| choice.factor == *chosen));
    let open = chosen.or(first);
    choices
        .iter()
        .filter_map(|choice| panel(t, prompt, choice, open == Some(choice.factor)))
        .collect()
}

fn panel<'t>(t: &'t Texts, prompt: &Prompt, choice: &NextFactor, open: bool) -> Option<Panel<'t>> {
    let factor = choice.factor;
    let texts = t.factor(factor);
    let email = prompt
        .email
        .as_ref()
        .filter(|_| factor == Factor::EmailCode);
    Some(Panel {
        factor: factor.as_str(),
        name: texts.name,
        label: texts.label,
        input: input_of(factor)?,
        step: (choice.of > 1).then(|| t.prompt.step(choice.step, choice.of)),
        open,
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
    })
}

/// What a panel begins with: where a code goes, or whose password is meant.
fn intro(t: &Texts, prompt: &Prompt, factor: Factor) -> Option<String> {
    match factor {
        Factor::EmailCode => prompt.email.as_ref().map(|email| {
            if email.sent {
                t.prompt.email_sent(&email.to)
            } else {
                t.prompt.email_offer(&email.to)
            }
        }),
        Factor::Password => Some(match prompt.passwords {
            PasswordSource::Directory => t.prompt.password_of_directory.to_string(),
            PasswordSource::UpstreamLogin => t.prompt.password_of_application.to_string(),
        }),
        Factor::Passkey | Factor::RecoveryCode | Factor::Totp => None,
    }
}

/// Lists what can be answered next: for each alternative that this person can complete, its first
/// factor that is still missing. What was begun comes first; otherwise the policy's order holds.
fn choices(prompt: &Prompt) -> Vec<NextFactor> {
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
        let mut by_preference = Factor::implemented();
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
    factor.is_implemented()
        && prompt.usable.contains(factor)
        && prompt.error != Some(PromptError::FactorLocked(factor))
        && (factor != Factor::EmailCode || prompt.email.is_some())
}

impl Panel<'_> {
    /// Whether the cursor starts in the answer.
    pub(super) fn takes_focus(&self) -> bool {
        self.open && self.fault != AnswerFault::Phrase
    }
}

impl AnswerFault {
    fn of(error: Option<PromptError>, panel: Factor) -> Self {
        match error {
            Some(PromptError::WrongAnswer { factor, .. }) if factor == panel => Self::Answer,
            Some(PromptError::WrongPhrase(factor)) if factor == panel => Self::Phrase,
            _ => Self::Nothing,
        }
    }
}
