//! The pages of approval by a second person: for whoever asks, and for whoever approves.

use super::{PageLink, Site, Texts, render, shown};
use crate::domain::{LocalPath, Secret, StatedPurpose, Timestamp};
use crate::locale::visible;
use crate::verification::{ApprovalState, ApprovalView};
use askama::Template;

/// What whoever asks for approval sees.
#[derive(Clone, Debug)]
pub struct WaitingPage {
    /// The request.
    pub view: ApprovalView,
    /// The sealed challenge.
    pub token: Secret<String>,
    /// What ties the forms to this browser.
    pub anti_forgery: Secret<String>,
    /// The sealed fields of a form that is carried through the page.
    pub carried: Option<Secret<String>>,
    /// Where to go instead of waiting.
    pub cancel: Option<LocalPath>,
}

/// What an approver sees of one request.
#[derive(Clone, Debug)]
pub struct ApprovalPage {
    /// The request.
    pub view: ApprovalView,
    /// What ties the form to this browser.
    pub anti_forgery: Secret<String>,
}

/// Renders the page of a challenge that waits for approval. It never reloads itself: whoever waits looks again when they
/// want to (WCAG 2.2, 2.2.1 and 3.2.5).
pub fn waiting(site: &Site, page: &WaitingPage) -> String {
    let t = site.texts();
    let (a, view) = (&t.approval, &page.view);
    let by = view
        .decided
        .as_ref()
        .map(|decided| visible(decided.by.as_str()));
    let by = by.unwrap_or_default();
    let (heading, lede) = match view.state {
        ApprovalState::Approved => (&a.approved_heading, a.approved_lede(by)),
        ApprovalState::Pending => (&a.waiting_heading, a.waiting_lede.to_string()),
        ApprovalState::Refused => (&a.refused_heading, a.refused_lede(by)),
        ApprovalState::Void => (&a.void_heading, a.void_lede.to_string()),
        ApprovalState::Withdrawn => (&a.withdrawn_heading, a.withdrawn_lede.to_string()),
    };
    let is_open = view.state.is_open();
    // What the person has asked for stays in sight, as the approver sees it.
    let mut facts = shown(t, &view.shown);
    facts.extend(fact(&a.fact_purpose, view.purpose.as_ref()));
    let word = view
        .decided
        .as_ref()
        .and_then(|decided| decided.word.as_ref());
    facts.extend(fact(&a.fact_word, word));
    if is_open {
        facts.push((a.fact_until.to_string(), minute(view.expires_at)));
    }
    let title = visible(view.title.in_language(site.locale.as_str()));
    render(&WaitingTemplate {
        site,
        t,
        title: format!("{heading}: {title}"),
        heading,
        about: title,
        lede,
        facts,
        page,
        is_open,
        state: view.state,
    })
}

/// Renders the list of requests that an approver may decide.
pub fn approvals(site: &Site, open: &[ApprovalView]) -> String {
    let t = site.texts();
    let entry = |view: &ApprovalView| OpenRequest {
        href: format!("{}/approvals/{}", site.prefix, view.id.to_hex()),
        title: visible(view.title.in_language(site.locale.as_str())),
        requester: visible(view.requester.as_str()),
        asked: minute(view.asked_at),
    };
    render(&ApprovalsTemplate {
        site,
        t,
        title: t.approval.list_heading.to_string(),
        entries: open.iter().map(entry).collect(),
    })
}

/// Renders one request for an approver.
pub fn approval(site: &Site, page: &ApprovalPage) -> String {
    let t = site.texts();
    let (a, view) = (&t.approval, &page.view);
    let by = view
        .decided
        .as_ref()
        .map(|decided| visible(decided.by.as_str()));
    let by = by.unwrap_or_default();
    let (heading, decided) = match view.state {
        ApprovalState::Approved => (&a.approved_heading, Some(a.decided_approved(by))),
        ApprovalState::Pending => (&a.decide_heading, None),
        ApprovalState::Refused => (&a.refused_heading, Some(a.decided_refused(by))),
        ApprovalState::Void => (&a.void_heading, Some(a.decided_void.to_string())),
        ApprovalState::Withdrawn => (&a.withdrawn_heading, Some(a.decided_withdrawn.to_string())),
    };
    let purpose = view.purpose.as_ref();
    let from = view.from.map(|address| address.to_string());
    // First whom to ask and why, then what: an approver who does not know the person reads no further.
    let mut facts = vec![
        (
            a.fact_requester.to_string(),
            visible(view.requester.as_str()),
        ),
        (
            a.fact_purpose.to_string(),
            purpose.map_or_else(|| t.page.empty.to_string(), StatedPurpose::to_string),
        ),
    ];
    facts.extend(shown(t, &view.shown));
    facts.extend(from.map(|from| (a.fact_from.to_string(), from)));
    facts.push((a.fact_asked.to_string(), minute(view.asked_at)));
    let word = view
        .decided
        .as_ref()
        .and_then(|decided| decided.word.as_ref());
    facts.extend(fact(&a.fact_word, word));
    if decided.is_none() {
        facts.push((a.fact_until.to_string(), minute(view.expires_at)));
    }
    let about = visible(view.title.in_language(site.locale.as_str()));
    render(&ApprovalTemplate {
        site,
        t,
        title: format!("{heading}: {about}"),
        heading,
        about,
        facts,
        decided,
        action: format!("{}/approvals/{}", site.prefix, view.id.to_hex()),
        page,
        list: PageLink {
            href: format!("{}/approvals", site.prefix),
            text: &a.to_list,
            top: false,
        },
    })
}

#[derive(Template)]
#[template(path = "web/pages/html/waiting.html", whitespace = "minimize")]
struct WaitingTemplate<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    heading: &'a str,
    about: String,
    lede: String,
    facts: Vec<(String, String)>,
    page: &'a WaitingPage,
    is_open: bool,
    state: ApprovalState,
}

#[derive(Template)]
#[template(path = "web/pages/html/approvals.html", whitespace = "minimize")]
struct ApprovalsTemplate<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    entries: Vec<OpenRequest>,
}

struct OpenRequest {
    href: String,
    title: String,
    requester: String,
    asked: String,
}

#[derive(Template)]
#[template(path = "web/pages/html/approval.html", whitespace = "minimize")]
struct ApprovalTemplate<'a> {
    site: &'a Site,
    t: &'a Texts,
    title: String,
    heading: &'a str,
    about: String,
    facts: Vec<(String, String)>,
    decided: Option<String>,
    action: String,
    page: &'a ApprovalPage,
    list: PageLink<'a>,
}

fn fact(label: &str, text: Option<&StatedPurpose>) -> Option<(String, String)> {
    Some((label.to_owned(), text?.to_string()))
}

/// To the minute, in UTC: the reader's time zone is not known.
pub(super) fn minute(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis)
        .map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}
