//! The prompt page: what it is for, and one form for each way to prove who one is.

use super::panels::{Fault, Panel, panels};
use super::texts::{shown, visible};
use super::{Site, Texts, fill, render, web_address};
use crate::domain::{
    Alternatives, Challenge, Factor, FactorSet, LocalPath, Requirement, RiskLevel, Scope, Secret,
    Timestamp,
};
use crate::verification::Input;
use askama::Template;
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
    /// Whose proof is asked for.
    pub user: String,
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
    /// The phrase to be typed.
    pub confirm: Option<String>,
    /// What went wrong with the last step.
    pub error: Option<PromptError>,
    /// The application's sign-in page, where signing in afresh would do; offered first.
    pub sign_in: Option<String>,
    /// Where to go instead of answering.
    pub cancel: Option<LocalPath>,
    /// The sealed challenge.
    pub token: Secret<String>,
    /// What ties the forms to this browser.
    pub anti_forgery: Secret<String>,
    /// The sealed fields of a form that is carried through the page.
    pub carried: Option<Secret<String>>,
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
    /// A code was asked for too soon after the last.
    SentTooSoon,
    /// No further answer is accepted for now; `None` if nobody knows for how long.
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
        token: Secret<String>,
        anti_forgery: Secret<String>,
        now: Timestamp,
    ) -> Self {
        let requirement = &*challenge.demand.requirement;
        Self {
            title: requirement.title.clone(),
            level: requirement.level,
            shown: challenge.shown.clone(),
            user: challenge.subject.to_string(),
            time_left: challenge.expires_at.since(now),
            earns: Earns::of(requirement),
            max_age: requirement.max_age,
            alternatives: requirement.factors.clone(),
            proven: FactorSet::EMPTY,
            usable: FactorSet::EMPTY,
            chosen: None,
            email: None,
            confirm: requirement.confirm.clone(),
            error: None,
            sign_in: None,
            cancel: None,
            token,
            anti_forgery,
            carried: None,
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

/// Renders the prompt page.
pub fn prompt(site: &Site, prompt: &Prompt) -> String {
    let t = Texts::of(site.locale);
    let sign_in = prompt
        .sign_in
        .as_deref()
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
    if error {
        format!("{}: {title}", t.error_prefix)
    } else {
        title
    }
}

fn facts(t: &Texts, prompt: &Prompt) -> Vec<(String, String)> {
    let ours = [
        (t.fact_account, visible(&prompt.user)),
        (t.fact_level, t.level(prompt.level).to_owned()),
        (t.fact_time, t.at_least(prompt.time_left)),
    ];
    let ours = ours.map(|(label, value)| (label.to_owned(), value));
    shown(t, &prompt.shown).into_iter().chain(ours).collect()
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
