//! The prompt page: what it is for, and one form for each way to prove who one is.

use super::panels::{AnswerFault, Panel, panels};
use super::prompt_view::{Earns, Prompt, PromptError};
use super::texts::{shown, visible};
use super::{Site, Texts, fill, render, web_address};
use crate::domain::{Alternatives, FactorSet, RiskLevel};
use crate::verification::{Input, PasswordSource};
use askama::Template;
use std::time::Duration;

/// Renders the prompt page.
pub fn prompt(site: &Site, prompt: &Prompt) -> String {
    let t = Texts::of(site.locale);
    let sign_in = prompt
        .sign_in
        .as_deref()
        // Above level 2, to have signed in afresh opens nothing.
        .filter(|_| prompt.level <= RiskLevel::Medium)
        .and_then(web_address);
    let panels = panels(t, prompt, sign_in.is_some());
    let notice = notice(t, prompt, panels.is_empty() && sign_in.is_none());
    render(&PromptPage {
        site,
        t,
        title: page_title(t, prompt, notice.is_some()),
        heading: visible(&prompt.title),
        lede: fill(t.prompt_lede, &[("host", &site.host)]),
        facts: facts(t, prompt),
        ways_heading: if sign_in.is_some() {
            t.ways_heading_or
        } else {
            t.ways_heading
        },
        sign_in_note: fill(t.sign_in_note, &[("host", &site.host)]),
        sign_in,
        done: done(t, prompt),
        confirm_label: prompt
            .confirm
            .as_ref()
            .map(|phrase| fill(t.confirm_label, &[("phrase", phrase)])),
        earns: earns(t, prompt),
        panels,
        notice,
        prompt,
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/prompt.html", whitespace = "minimize")]
struct PromptPage<'a> {
    site: &'a Site,
    t: &'static Texts,
    title: String,
    heading: String,
    prompt: &'a Prompt,
    lede: String,
    facts: Vec<(String, String)>,
    notice: Option<String>,
    sign_in: Option<String>,
    sign_in_note: String,
    ways_heading: &'static str,
    done: Option<String>,
    panels: Vec<Panel>,
    confirm_label: Option<String>,
    earns: String,
}

fn notice(t: &Texts, prompt: &Prompt, nothing_to_answer: bool) -> Option<String> {
    let Some(error) = prompt.error else {
        return nothing_to_answer.then(|| {
            fill(
                t.not_enrolled,
                &[("factors", &accepted(t, &prompt.alternatives))],
            )
        });
    };
    Some(match error {
        PromptError::FactorLocked(factor) => {
            let locked = fill(t.locked, &[("factor", t.factor(factor).name)]);
            if nothing_to_answer {
                locked
            } else {
                format!("{locked} {}", t.locked_others)
            }
        }
        PromptError::MailUnavailable => {
            let to = prompt.email.as_ref().map_or("", |email| &email.to);
            fill(t.email_failed, &[("to", to)])
        }
        PromptError::SentTooSoon => {
            let wait = prompt
                .email
                .as_ref()
                .map_or(Duration::ZERO, |email| email.wait);
            fill(t.email_too_soon, &[("time", &t.at_most(wait))])
        }
        PromptError::TooManyAttempts(Some(wait)) => fill(t.too_many, &[("time", &t.at_most(wait))]),
        PromptError::TooManyAttempts(None) => t.too_many_open.to_owned(),
        PromptError::Unavailable => t.unavailable.to_owned(),
        PromptError::WrongAnswer { factor, remaining } => {
            let wrong = t.factor(factor).wrong;
            let left = fill(t.attempts_left, &[("n", &remaining.to_string())]);
            format!("{wrong} {left}")
        }
        PromptError::WrongPhrase(_) => {
            let phrase = prompt.confirm.as_deref().unwrap_or_default();
            fill(t.wrong_phrase, &[("phrase", phrase)])
        }
    })
}

fn page_title(t: &Texts, prompt: &Prompt, error: bool) -> String {
    let title = format!("{}: {}", t.prompt_heading, visible(&prompt.title));
    // A screen reader says the title first (WCAG 2.2, 2.4.2): there the error is noticed.
    if error {
        format!("{}: {title}", t.error_prefix)
    } else {
        title
    }
}

fn facts(t: &Texts, prompt: &Prompt) -> Vec<(String, String)> {
    let ours = [
        (t.fact_account, account(prompt)),
        (t.fact_level, t.level(prompt.level).to_owned()),
        (t.fact_time, t.at_least(prompt.time_left)),
    ];
    let ours = ours.map(|(label, value)| (label.to_owned(), value));
    shown(t, &prompt.shown).into_iter().chain(ours).collect()
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
    (!names.is_empty()).then(|| fill(t.step_done, &[("factors", &names.join(", "))]))
}

fn earns(t: &Texts, prompt: &Prompt) -> String {
    let text = match prompt.earns {
        Earns::Action if prompt.shown.is_empty() => t.earns_action,
        Earns::Action => t.earns_shown,
        Earns::Once => t.earns_once,
        Earns::Session => t.earns_session,
    };
    fill(text, &[("time", &t.at_least(prompt.max_age))])
}

fn accepted(t: &Texts, alternatives: &Alternatives) -> String {
    let names = |set: &FactorSet| {
        let names: Vec<_> = set.iter().map(|factor| t.factor(factor).name).collect();
        names.join(" + ")
    };
    let sets: Vec<_> = alternatives.sets().iter().map(names).collect();
    sets.join(", ")
}
