//! The prompt page: what it is for, and one form for each way to prove who one is.

use super::panels::{AnswerFault, Ways, asks_for_passkey, ways};
use super::prompt_view::{Earns, Prompt, PromptError};
use super::{Site, Texts, render, shown, web_address};
use crate::domain::{FactorSet, Reason, RiskLevel};
use crate::locale::visible;
use crate::verification::{Input, PasswordSource};
use askama::Template;
use std::time::Duration;

/// Renders the prompt page.
pub fn prompt(site: &Site, prompt: &Prompt) -> String {
    let t = site.texts();
    let sign_in = prompt
        .sign_in
        .as_deref()
        // Above level 2, to have signed in afresh opens nothing.
        .filter(|_| prompt.level <= RiskLevel::Medium)
        .and_then(web_address);
    let ways = ways(t, prompt);
    let notice = notice(t, prompt, ways.open.is_none() && sign_in.is_none());
    render(&PromptPage {
        site,
        t,
        title: page_title(t, prompt),
        heading: visible(&prompt.title),
        lede: t.prompt.lede(site.name()),
        is_error: prompt.error.is_some(),
        facts: shown(t, &prompt.shown),
        account: account(prompt),
        whose: match prompt.passwords {
            PasswordSource::Directory => &t.prompt.password_of_directory,
            PasswordSource::UpstreamLogin => &t.prompt.password_of_application,
        },
        sign_in,
        done: done(t, prompt),
        confirm_label: prompt
            .confirm
            .as_ref()
            .map(|phrase| t.prompt.confirm_label(phrase)),
        asks_for_passkey: asks_for_passkey(prompt),
        earns: earns(t, prompt),
        until: t.prompt.until(t.at_least(prompt.time_left)),
        ways,
        notice,
        prompt,
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/prompt.html", whitespace = "minimize")]
struct PromptPage<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    heading: String,
    prompt: &'a Prompt,
    lede: String,
    facts: Vec<(String, String)>,
    account: String,
    whose: &'a str,
    notice: Option<String>,
    is_error: bool,
    sign_in: Option<String>,
    done: Option<String>,
    ways: Ways<'a>,
    until: String,
    confirm_label: Option<String>,
    asks_for_passkey: bool,
    earns: String,
}

fn notice(t: &Texts, prompt: &Prompt, nothing_to_answer: bool) -> Option<String> {
    let Some(error) = prompt.error else {
        return nothing_to_answer.then(|| match prompt.enroll {
            Some(_) => t.prompt.not_enrolled(accepted(t, prompt)),
            None => t.prompt.nothing_enrolled.to_string(),
        });
    };
    Some(match error {
        PromptError::FactorLocked(factor) => {
            let locked = t.prompt.locked(t.factor(factor).name);
            if nothing_to_answer {
                locked
            } else {
                format!("{locked} {}", t.prompt.locked_others)
            }
        }
        PromptError::MailUnavailable => {
            let to = prompt.email.as_ref().map_or("", |email| &email.to);
            t.prompt.email_failed(to)
        }
        PromptError::SignIn(reason) => sign_in_failed(t, prompt, reason),
        PromptError::NoPurpose(_) => t.approval.purpose_missing.to_string(),
        PromptError::SentTooSoon => {
            let wait = prompt
                .email
                .as_ref()
                .map_or(Duration::ZERO, |email| email.wait);
            t.prompt.email_too_soon(t.at_most(wait))
        }
        PromptError::TooManyAttempts(Some(wait)) => t.prompt.too_many(t.at_most(wait)),
        PromptError::TooManyAttempts(None) => t.prompt.too_many_open.to_string(),
        PromptError::Unavailable => t.prompt.unavailable.to_string(),
        PromptError::WrongAnswer { factor, remaining } => {
            let wrong = t.factor(factor).wrong;
            let left = t.prompt.attempts_left(u64::from(remaining));
            format!("{wrong} {left}")
        }
        PromptError::WrongPhrase(_) => {
            let phrase = prompt.confirm.as_deref().unwrap_or_default();
            t.prompt.wrong_phrase(phrase)
        }
    })
}

fn sign_in_failed(t: &Texts, prompt: &Prompt, reason: Reason) -> String {
    let (t, provider) = (&t.oidc, &prompt.provider);
    #[allow(clippy::wildcard_enum_match_arm)] // no other reason ends a sign-in
    match reason {
        Reason::SignInCancelled => t.cancelled(provider),
        Reason::SignInOtherAccount => t.other_account(provider, &prompt.user),
        Reason::SignInNotAccepted => t.not_accepted(provider),
        _ => t.unavailable(provider),
    }
}

fn page_title(t: &Texts, prompt: &Prompt) -> String {
    let title = format!("{}: {}", t.prompt.heading, visible(&prompt.title));
    // A screen reader says the title first (WCAG 2.2, 2.4.2): there the error is noticed. To have nothing set up is none.
    if prompt.error.is_some() {
        format!("{}: {title}", t.page.error_prefix)
    } else {
        title
    }
}

/// The account, with the name of its person. Each is isolated (UAX #9), so that neither reorders the other, and a
/// mark in front keeps the line in the direction of our own words.
fn account(prompt: &Prompt) -> String {
    let user = visible(&prompt.user);
    match &prompt.display {
        Some(name) => format!("\u{200e}\u{2068}{name}\u{2069} (\u{2068}{user}\u{2069})"),
        None => user,
    }
}

fn done(t: &Texts, prompt: &Prompt) -> Option<String> {
    let names: Vec<_> = prompt
        .proven
        .iter()
        .map(|factor| t.factor(factor).name)
        .collect();
    (!names.is_empty()).then(|| t.prompt.step_done(names.join(", ")))
}

fn earns(t: &Texts, prompt: &Prompt) -> String {
    let time = t.at_least(prompt.max_age);
    match prompt.earns {
        Earns::Action if prompt.shown.is_empty() => t.prompt.earns_action(time),
        Earns::Action => t.prompt.earns_shown(time),
        Earns::Once => t.prompt.earns_once(time),
        Earns::Session => t.prompt.earns_session(time),
    }
}

/// What the action accepts, of that what people can set up themselves, if there is any.
fn accepted(t: &Texts, prompt: &Prompt) -> String {
    let offered = |set: &&FactorSet| set.iter().all(|factor| prompt.offers.contains(&factor));
    let all = prompt.alternatives.sets();
    let mut sets: Vec<_> = all.iter().filter(offered).collect();
    if sets.is_empty() {
        sets.extend(all);
    }
    let names = |set: &FactorSet| {
        let names: Vec<_> = set.iter().map(|factor| t.factor(factor).name).collect();
        names.join(" + ")
    };
    let sets: Vec<_> = sets.into_iter().map(names).collect();
    sets.join(", ")
}
