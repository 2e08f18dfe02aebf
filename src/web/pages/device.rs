//! The page on which the owner of an account approves what a program asks for, or denies it.

use super::approvals::minute;
use super::{Site, Texts, render, shown};
use crate::domain::Secret;
use crate::locale::visible;
use crate::verification::{DeviceState, DeviceView};
use askama::Template;

/// What the owner of an account sees of a program's request.
#[derive(Clone, Debug)]
pub struct DevicePage {
    /// What ties the forms to this browser.
    pub anti_forgery: Secret<String>,
    /// Whose account it is.
    pub account: String,
    about: About,
}

#[derive(Clone, Debug)]
enum About {
    /// A request, and whether it comes from the network of this browser.
    Found(Box<DeviceView>, bool),
    /// Nothing yet: the code is asked for.
    Nothing,
    /// A code that names nothing.
    Unknown(String),
}

impl DevicePage {
    /// The page that asks for a code.
    pub const fn ask() -> Self {
        Self::of(About::Nothing)
    }

    /// The same, after a code that names nothing.
    pub const fn unknown(typed: String) -> Self {
        Self::of(About::Unknown(typed))
    }

    /// A request; `is_near` if it comes from the network of this browser.
    pub fn found(view: DeviceView, is_near: bool) -> Self {
        Self::of(About::Found(Box::new(view), is_near))
    }

    const fn of(about: About) -> Self {
        Self {
            anti_forgery: Secret::new(String::new()),
            account: String::new(),
            about,
        }
    }
}

/// Renders it. It never reloads itself, and a link to it decides nothing.
pub fn device(site: &Site, page: &DevicePage) -> String {
    let t = site.texts();
    let (view, is_near) = match &page.about {
        About::Found(view, is_near) => (view, *is_near),
        About::Nothing => return ask(site, t, None),
        About::Unknown(typed) => return ask(site, t, Some(typed)),
    };
    let (a, d, asker) = (&t.approval, &t.device, &view.asker);
    // What it would do first; then from where, which a thief can hide least.
    let mut facts = shown(t, std::slice::from_ref(&asker.request));
    facts.extend(shown(t, &view.shown));
    facts.push((a.fact_from.to_string(), asker.address.to_string()));
    let agent = (d.fact_program.to_string(), asker.agent.clone());
    facts.extend(shown(t, &[agent]));
    facts.push((a.fact_asked.to_string(), minute(view.asked_at)));
    let is_open = view.state == DeviceState::Pending;
    if is_open {
        facts.push((a.fact_until.to_string(), minute(view.expires_at)));
    }
    let about = visible(view.title.in_language(site.locale.as_str()));
    render(&DeviceTemplate {
        site,
        t,
        title: format!("{}: {about}", d.heading),
        about,
        account: visible(&page.account),
        code: view.user_code.to_string(),
        facts,
        over: match view.state {
            DeviceState::Approved => Some(&d.approved),
            DeviceState::Denied => Some(&d.denied),
            DeviceState::Pending => None,
            DeviceState::Void => Some(&d.void),
        },
        is_denied: view.state == DeviceState::Denied,
        is_near,
        page,
    })
}

fn ask(site: &Site, t: &Texts, typed: Option<&String>) -> String {
    render(&AskTemplate {
        site,
        t,
        title: t.device.ask_heading.to_string(),
        typed: typed.map(|typed| visible(typed)),
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/device.html", whitespace = "minimize")]
struct DeviceTemplate<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    about: String,
    account: String,
    code: String,
    facts: Vec<(String, String)>,
    over: Option<&'a str>,
    is_denied: bool,
    is_near: bool,
    page: &'a DevicePage,
}

#[derive(Template)]
#[template(path = "web/pages/html/device_code.html", whitespace = "minimize")]
struct AskTemplate<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    typed: Option<String>,
}
