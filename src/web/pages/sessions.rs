//! The page of one's own sessions.

use super::{Site, Texts, render, web_address};
use crate::domain::Secret;
use crate::locale::visible;
use crate::web::api::OwnSessionView;
use askama::Template;

/// The page of one's own sessions.
#[derive(Debug)]
pub struct SessionsPage {
    /// The sessions, this one first.
    pub sessions: Vec<OwnSessionView>,
    /// What the page is for.
    pub state: SessionsState,
    /// Ties its forms to the browser.
    pub anti_forgery: Secret<String>,
    /// Where signing out leads to, if there is a page for signing in.
    pub sign_out_to: Option<String>,
    /// The application's session cookies.
    pub cookies: Vec<String>,
    /// The name of our own cookie.
    pub own_cookie: &'static str,
}

/// What the page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionsState {
    /// It names what one press of a button would end.
    Asked {
        /// All other sessions, or one of them.
        others: bool,
    },
    /// So many sessions have ended.
    Ended(usize),
    /// What was proved is dropped everywhere.
    Locked,
    /// All sessions.
    Shown,
}

/// Renders the page.
pub fn sessions(site: &Site, page: &SessionsPage) -> String {
    let t = site.texts();
    let asked = match page.state {
        SessionsState::Asked { others } => Some(others),
        SessionsState::Ended(_) | SessionsState::Locked | SessionsState::Shown => None,
    };
    let title = match asked {
        Some(true) => &t.sessions.end_others,
        Some(false) => &t.sessions.end,
        None => &t.sessions.heading,
    };
    let notice = match page.state {
        SessionsState::Ended(ended) => Some(t.sessions.ended(ended as u64)),
        SessionsState::Locked => Some(t.sessions.locked.to_string()),
        SessionsState::Asked { .. } | SessionsState::Shown => None,
    };
    render(&SessionsTemplate {
        site,
        t,
        title,
        anti_forgery: page.anti_forgery.expose(),
        sign_out_to: page.sign_out_to.as_deref().and_then(web_address),
        asked,
        notice,
        rows: page.sessions.iter().map(|one| Row::of(t, one)).collect(),
        others: page.sessions.iter().any(|one| !one.current),
        cookies: t
            .sessions
            .cookies(page.cookies.join(", "), &site.host, page.own_cookie),
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/sessions.html", whitespace = "minimize")]
struct SessionsTemplate<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: &'a str,
    anti_forgery: &'a str,
    sign_out_to: Option<String>,
    /// Whether a button of the page ends all others, if it is there to ask.
    asked: Option<bool>,
    notice: Option<String>,
    rows: Vec<Row<'a>>,
    /// Whether there are others.
    others: bool,
    cookies: String,
}

struct Row<'a> {
    name: String,
    current: bool,
    handle: Option<&'a str>,
    facts: Vec<(&'a str, String)>,
}

impl<'a> Row<'a> {
    fn of(t: &'a Texts, one: &'a OwnSessionView) -> Self {
        let t = &t.sessions;
        let name = match (&one.browser, &one.system) {
            (Some(browser), Some(system)) => t.on(browser, system),
            (Some(known), None) | (None, Some(known)) => visible(known),
            (None, None) => t.unknown.to_string(),
        };
        let first_seen = one.signed_in_at.is_none().then_some(&one.first_seen_at);
        let facts = [
            (&*t.address, one.address.as_deref().map(visible)),
            (&*t.place, one.place.as_deref().map(visible)),
            (&*t.signed_in, one.signed_in_at.as_deref().map(minute)),
            (&*t.first_seen, first_seen.map(|at| minute(at))),
            (&*t.last_used, one.last_used_at.as_deref().map(minute)),
            (
                &*t.verified_until,
                one.verified_until.as_deref().map(minute),
            ),
        ];
        let facts = facts.into_iter();
        Self {
            name,
            current: one.current,
            handle: one.session.as_deref(),
            facts: facts
                .filter_map(|(label, value)| Some((label, value?)))
                .collect(),
        }
    }
}

/// To the minute, in UTC: the reader's time zone is not known.
fn minute(rfc3339: &str) -> String {
    let minute = rfc3339.get(..16).unwrap_or(rfc3339);
    format!("{} UTC", minute.replace('T', " "))
}
