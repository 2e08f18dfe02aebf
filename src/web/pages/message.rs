//! Pages that tell something and ask for nothing: verified, framed, sign in, errors, problems.

use super::{PageLink, Site, Texts, render, web_address};
use crate::domain::{Actor, LocalPath, Reason, Secret};
use crate::locale::visible;
use askama::Template;
use std::borrow::Cow;
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
    /// Whoever was refused repeats its call, and is told so if it listens.
    Caller {
        /// The challenge, by which it knows that it is meant.
        token: Secret<String>,
        /// Where the person was, for whom the prompt took the place of that page.
        back: Option<LocalPath>,
    },
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
pub fn verified<'a>(site: &'a Site, view: &'a VerifiedPage) -> String {
    let t = site.texts();
    let mut page = MessagePage::new(site, t, &t.verified.heading);
    let lede = match view {
        VerifiedPage::Back(_) | VerifiedPage::Caller { .. } => &t.verified.lede,
        VerifiedPage::Refill(_) => &t.verified.refill_after,
    };
    page.paragraphs.push(lede.to_string());
    page.good = true;
    match view {
        VerifiedPage::Caller { token, back } => {
            page.paragraphs.push(t.page.close_window.to_string());
            page.verified = Some(token);
            let back = back.as_ref().filter(|_| !site.dialog);
            page.leave = back.map(|path| PageLink::to(path, &t.page.go_back));
        }
        VerifiedPage::Refill(path) => {
            page.button = Some(PageLink::to(path, &t.verified.refill_back));
        }
        VerifiedPage::Back(path) => {
            // By the page, and a button for those whose browser does not follow.
            page.onward = Some(path.to_string());
            page.button = Some(PageLink::to(path, &t.verified.back));
        }
    }
    render(&page)
}

/// Renders what leads on to `url` wherever it is put.
pub fn refresh(url: &str) -> String {
    render(&Refresh { url })
}

/// Renders the page that leads on to `url`, by itself: to the identity provider, or from there to a page of ours.
pub fn onward(site: &Site, url: &str) -> String {
    let t = site.texts();
    let mut page = MessagePage::new(site, t, &t.oidc.onward);
    page.onward = web_address(url);
    page.button = page.onward.clone().map(|href| PageLink {
        href,
        text: &t.oidc.onward_link,
        top: false,
    });
    render(&page)
}

/// Renders the page that stands in a frame instead of the prompt.
pub fn framed(site: &Site, view: &Framed) -> String {
    // Its policy lets no form go anywhere.
    let site = Site {
        here: None,
        ..site.clone()
    };
    let t = site.texts();
    let mut page = MessagePage::new(&site, t, &t.framed.heading);
    page.paragraphs.push(t.framed.lede(&view.title));
    // The frame does not learn of it: the person is told to come back and repeat the step.
    page.after = Some(&t.framed.after);
    page.button = Some(PageLink {
        top: true,
        ..PageLink::to(&view.page_url, &t.framed.open)
    });
    render(&page)
}

/// Renders the page for a guarded route without a session that would do.
pub fn session(site: &Site, view: &SessionView) -> String {
    let t = site.texts();
    let mut page = MessagePage::about(site, t, view.reason);
    page.button = view
        .login_url
        .as_deref()
        // From the settings, or from the application: only http and https make a link.
        .and_then(web_address)
        .map(|href| PageLink {
            href,
            text: &t.page.sign_in,
            top: false,
        });
    page.facts = facts(t, view.reason, None, view.request_id.as_deref());
    render(&page)
}

/// Renders the page for an answer of ours that is no challenge.
pub fn error(site: &Site, view: &ErrorView) -> String {
    let t = site.texts();
    let mut page = MessagePage::about(site, t, view.reason);
    if let Some(wait) = view.retry_after {
        page.paragraphs.push(t.about.retry_in(t.at_most(wait)));
    }
    page.button = view
        .back
        .as_ref()
        .map(|path| PageLink::to(path, &t.page.go_back));
    page.leaves = true;
    page.facts = facts(
        t,
        view.reason,
        Some(view.status),
        view.request_id.as_deref(),
    );
    render(&page)
}

/// Renders the page of `lock`: one button, or with `None` what came of it.
pub fn lock(site: &Site, anti_forgery: Option<&str>, back: &LocalPath) -> String {
    let t = site.texts();
    let heading = match anti_forgery {
        Some(_) => &t.sessions.lock_here,
        None => &t.sessions.locked_here,
    };
    let mut page = MessagePage::new(site, t, heading);
    if let Some(anti_forgery) = anti_forgery {
        page.paragraphs.push(t.sessions.lock_here_note.to_string());
        page.form = Some(OneButton {
            action: format!("{}/lock", site.prefix),
            anti_forgery,
            text: &t.sessions.lock_here,
        });
        page.leave = Some(PageLink::to(back, &t.page.cancel));
    } else {
        page.good = true;
        page.button = Some(PageLink::to(back, &t.page.go_back));
    }
    render(&page)
}

/// Renders the page that explains a reason; `None` if `word` is no reason.
pub fn problem(site: &Site, word: &str) -> Option<String> {
    let t = site.texts();
    // The word comes from the address line: only ours are ever written into the page.
    let reason = *Reason::ALL.iter().find(|reason| reason.as_str() == word)?;
    let explanation = t.problem(reason);
    let mut page = MessagePage::new(site, t, &explanation.title);
    page.sections = vec![
        (&*t.about.problem_meaning, &*explanation.meaning),
        (&*t.about.problem_todo, &*explanation.todo),
        (&*t.about.problem_who, actor(reason, t)),
    ];
    page.facts = facts(t, reason, None, None);
    page.leave = Some(PageLink {
        href: format!("{}/problems", site.prefix),
        text: &t.about.go_to_problems,
        top: false,
    });
    Some(render(&page))
}

/// Renders the list of all reasons.
pub fn problem_index(site: &Site) -> String {
    let t = site.texts();
    let entry = |reason: &Reason| (reason.as_str(), &*t.problem(*reason).title);
    render(&Problems {
        site,
        t,
        title: &t.about.problems_heading,
        entries: Reason::ALL.iter().map(entry).collect(),
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/message.html", whitespace = "minimize")]
struct MessagePage<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: &'a str,
    good: bool,
    paragraphs: Vec<String>,
    sections: Vec<(&'a str, &'a str)>,
    button: Option<PageLink<'a>>,
    form: Option<OneButton<'a>>,
    after: Option<&'a str>,
    facts: Vec<(&'a str, String)>,
    leave: Option<PageLink<'a>>,
    onward: Option<String>,
    /// Whether the button leads back to where the person was.
    leaves: bool,
    /// The challenge that is answered.
    verified: Option<&'a Secret<String>>,
}

impl<'a> MessagePage<'a> {
    fn new(site: &'a Site, t: &'a Texts, title: &'a str) -> Self {
        Self {
            site,
            t,
            title,
            good: false,
            paragraphs: Vec::new(),
            sections: Vec::new(),
            button: None,
            form: None,
            after: None,
            facts: Vec::new(),
            leave: None,
            onward: None,
            leaves: false,
            verified: None,
        }
    }

    fn about(site: &'a Site, t: &'a Texts, reason: Reason) -> Self {
        let explanation = t.problem(reason);
        let mut page = Self::new(site, t, &explanation.title);
        page.paragraphs = vec![
            explanation.meaning.to_string(),
            explanation.todo.to_string(),
        ];
        page
    }
}

/// A form of one button.
struct OneButton<'a> {
    action: String,
    anti_forgery: &'a str,
    text: &'a str,
}

#[derive(Template)]
#[template(path = "web/pages/html/refresh.html")]
struct Refresh<'a> {
    url: &'a str,
}

#[derive(Template)]
#[template(path = "web/pages/html/problems.html", whitespace = "minimize")]
struct Problems<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: &'a str,
    entries: Vec<(&'a str, &'a str)>,
}

/// What whoever can do something about `reason` is called.
const fn actor(reason: Reason, t: &Texts) -> &Cow<'static, str> {
    match reason.actor() {
        Actor::Client => &t.about.actor_client,
        Actor::Nobody => &t.about.actor_nobody,
        Actor::Operator => &t.about.actor_operator,
        Actor::You => &t.about.actor_you,
    }
}

fn facts<'a>(
    t: &'a Texts,
    reason: Reason,
    status: Option<u16>,
    request_id: Option<&str>,
) -> Vec<(&'a str, String)> {
    let status = status.map(|status| (&*t.about.status_label, status.to_string()));
    // A proxy in front may have chosen it: invisible characters are shown as such.
    let request = request_id.map(|id| (&*t.about.fact_request, visible(id)));
    [
        Some((&*t.about.fact_reason, reason.to_string())),
        status,
        request,
    ]
    .into_iter()
    .flatten()
    .collect()
}
