//! Pages that tell something and ask for nothing: verified, framed, sign in, errors, problems.

use super::problems::{actor, explain};
use super::texts::visible;
use super::{PageLink, Site, Texts, fill, render, web_address};
use crate::domain::{LocalPath, Reason};
use askama::Template;
use std::time::Duration;

/// After a verification without a form.
///
/// Browsers go on to `back` by themselves, as a navigation of its own. A redirect of the verifying
/// form would be held against its page's `form-action`, and stop where the application sends people
/// on to another origin.
#[derive(Clone, Debug)]
pub enum VerifiedPage {
    /// Back to where the person was.
    Back(LocalPath),
    /// There is nowhere to go.
    Close,
    /// To the page of a form that has to be filled in again, once the person has read that.
    Refill(LocalPath),
}

/// Inside another page, where the prompt is never shown.
#[derive(Clone, Debug)]
pub struct Framed {
    /// What the verification is for.
    pub title: String,
    /// The prompt page, which opens in a window of its own.
    pub page_url: LocalPath,
}

/// A guarded route without a session that would do.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Why: required, revoked, timed out.
    pub reason: Reason,
    /// The application's sign-in page.
    pub login_url: Option<String>,
    /// Names the request in the log.
    pub request_id: Option<String>,
}

/// An answer of ours that is no challenge.
#[derive(Clone, Debug)]
pub struct ErrorView {
    /// Why.
    pub reason: Reason,
    /// The status it is sent with.
    pub status: u16,
    /// Names the request in the log.
    pub request_id: Option<String>,
    /// When it may be tried again.
    pub retry_after: Option<Duration>,
    /// Where the person was.
    pub back: Option<LocalPath>,
}

/// Renders the page after a verification without a form.
pub fn verified(site: &Site, view: &VerifiedPage) -> String {
    let t = Texts::of(site.locale);
    let mut page = MessagePage::new(site, t, t.verified_heading);
    let lede = match view {
        VerifiedPage::Back(_) | VerifiedPage::Close => t.verified_lede,
        VerifiedPage::Refill(_) => t.refill_after,
    };
    page.paragraphs.push(lede.to_owned());
    page.good = true;
    match view {
        VerifiedPage::Close => page.paragraphs.push(t.close_window.to_owned()),
        VerifiedPage::Refill(path) => page.button = Some(PageLink::to(path, t.refill_back)),
        VerifiedPage::Back(path) => {
            // By the page, and a button for those whose browser does not follow.
            page.onward = Some(path.to_string());
            page.button = Some(PageLink::to(path, t.verified_back));
        }
    }
    render(&page)
}

/// Renders the page that stands in a frame instead of the prompt.
pub fn framed(site: &Site, view: &Framed) -> String {
    let t = Texts::of(site.locale);
    let mut page = MessagePage::new(site, t, t.framed_heading);
    page.paragraphs
        .push(fill(t.framed_lede, &[("title", &view.title)]));
    // The frame does not learn of it: the person is told to come back and repeat the step.
    page.after = Some(t.framed_after);
    page.button = Some(PageLink {
        top: true,
        ..PageLink::to(&view.page_url, t.framed_open)
    });
    render(&page)
}

/// Renders the page for a guarded route without a session that would do.
pub fn session(site: &Site, view: &SessionView) -> String {
    let t = Texts::of(site.locale);
    let mut page = MessagePage::about(site, t, view.reason);
    page.button = view
        .login_url
        .as_deref()
        // From the settings, or from the application: only http and https make a link.
        .and_then(web_address)
        .map(|href| PageLink {
            href,
            text: t.sign_in,
            top: false,
        });
    page.facts = facts(t, view.reason, None, view.request_id.as_deref());
    render(&page)
}

/// Renders the page for an answer of ours that is no challenge.
pub fn error(site: &Site, view: &ErrorView) -> String {
    let t = Texts::of(site.locale);
    let mut page = MessagePage::about(site, t, view.reason);
    if let Some(wait) = view.retry_after {
        page.paragraphs
            .push(fill(t.retry_in, &[("time", &t.at_most(wait))]));
    }
    page.button = view.back.as_ref().map(|path| PageLink::to(path, t.go_back));
    page.facts = facts(
        t,
        view.reason,
        Some(view.status),
        view.request_id.as_deref(),
    );
    render(&page)
}

/// Renders the page that explains a reason; `None` if `word` is no reason.
pub fn problem(site: &Site, word: &str) -> Option<String> {
    let t = Texts::of(site.locale);
    // The word comes from the address line: only ours are ever written into the page.
    let reason = *Reason::ALL.iter().find(|reason| reason.as_str() == word)?;
    let explanation = explain(reason, site.locale);
    let mut page = MessagePage::new(site, t, explanation.title);
    page.sections = vec![
        (t.problem_meaning, explanation.meaning),
        (t.problem_todo, explanation.todo),
        (t.problem_who, actor(reason, t)),
    ];
    page.facts = facts(t, reason, None, None);
    page.leave = Some(PageLink {
        href: format!("{}/problems", site.prefix),
        text: t.go_to_problems,
        top: false,
    });
    Some(render(&page))
}

/// Renders the list of all reasons.
pub fn problem_index(site: &Site) -> String {
    let t = Texts::of(site.locale);
    let entry = |reason: &Reason| (reason.as_str(), explain(*reason, site.locale).title);
    render(&Problems {
        site,
        t,
        title: t.problems_heading,
        entries: Reason::ALL.iter().map(entry).collect(),
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/message.html", whitespace = "minimize")]
struct MessagePage<'a> {
    site: &'a Site,
    t: &'static Texts,
    title: &'static str,
    good: bool,
    paragraphs: Vec<String>,
    sections: Vec<(&'static str, &'static str)>,
    button: Option<PageLink>,
    after: Option<&'static str>,
    facts: Vec<(&'static str, String)>,
    leave: Option<PageLink>,
    onward: Option<String>,
}

impl<'a> MessagePage<'a> {
    fn new(site: &'a Site, t: &'static Texts, title: &'static str) -> Self {
        Self {
            site,
            t,
            title,
            good: false,
            paragraphs: Vec::new(),
            sections: Vec::new(),
            button: None,
            after: None,
            facts: Vec::new(),
            leave: None,
            onward: None,
        }
    }

    fn about(site: &'a Site, t: &'static Texts, reason: Reason) -> Self {
        let explanation = explain(reason, site.locale);
        let mut page = Self::new(site, t, explanation.title);
        page.paragraphs = vec![explanation.meaning.to_owned(), explanation.todo.to_owned()];
        page
    }
}

#[derive(Template)]
#[template(path = "web/pages/html/problems.html", whitespace = "minimize")]
struct Problems<'a> {
    site: &'a Site,
    t: &'static Texts,
    title: &'static str,
    entries: Vec<(&'static str, &'static str)>,
}

fn facts(
    t: &Texts,
    reason: Reason,
    status: Option<u16>,
    request_id: Option<&str>,
) -> Vec<(&'static str, String)> {
    let status = status.map(|status| (t.status_label, status.to_string()));
    // A proxy in front may have chosen it: invisible characters are shown as such.
    let request = request_id.map(|id| (t.fact_request, visible(id)));
    [Some((t.fact_reason, reason.to_string())), status, request]
        .into_iter()
        .flatten()
        .collect()
}
