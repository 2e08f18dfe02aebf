//! Logins and logouts that no request can ever be, and those that another entry makes needless.

mod request;
mod success;

pub(super) use request::check_request;
pub(super) use success::check_success;

use super::Draft;
use crate::domain::{ValueTest, Watched};
use crate::session::{Learn, LoginRoute, SessionOptions};
use crate::settings::raw::RawLearn;
use crate::settings::raw_session::RawSession;
use crate::yaml::Path;
use std::fmt::Debug;

/// Looks at all entries together, once each of them is right.
pub(super) fn check_entries(
    raw: Option<&RawSession>,
    sessions: &SessionOptions,
    prefix: &str,
    draft: &mut Draft<'_>,
) {
    let (Some(raw), false) = (raw, draft.file.has_mistakes()) else {
        return;
    };
    refuse_own_urls(raw, prefix, draft);
    let (Some(raw), Some(learn)) = (&raw.learn, &sessions.learn) else {
        return;
    };
    refuse_own_paths(raw, learn, prefix, draft);
    for (later, login) in learn.logins.iter().enumerate() {
        for (earlier, other) in learn.logins.iter().enumerate().take(later) {
            compare_logins((earlier, other), (later, login), sessions, draft);
        }
    }
    for (index, logout) in learn.logouts.iter().enumerate() {
        let at = entry("logouts", index);
        // Each on its own forgets the session, so the second changes nothing.
        let mut before = learn.logouts.iter().take(index);
        if before.any(|other| is_within(logout, other) && is_within(other, logout)) {
            draft.file.warn(&at, "says what an entry before it says");
        }
        for (place, login) in learn.logins.iter().enumerate() {
            warn_of_login_before(logout, (place, login), &at, draft);
        }
    }
}

fn entry(list: &str, index: usize) -> Path {
    let learn = Path::root().key("session").key("learn");
    learn.key(list).item(index)
}

/// Requests below our own prefix never reach the application.
fn refuse_own_paths(raw: &RawLearn, learn: &Learn, prefix: &str, draft: &mut Draft<'_>) {
    let logins = raw.logins.iter().flatten().map(|raw| raw.r#match.is_some());
    let logouts = raw
        .logouts
        .iter()
        .flatten()
        .map(|raw| raw.r#match.is_some());
    let paths = learn.logins.iter().map(|login| login.request.path());
    let logins = logins.zip(paths).enumerate();
    let paths = learn.logouts.iter().map(|logout| logout.path());
    let logouts = logouts.zip(paths).enumerate();
    let logins = logins.map(|(index, found)| (entry("logins", index), found));
    let logouts = logouts.map(|(index, found)| (entry("logouts", index), found));
    for (at, (has_match, path)) in logins.chain(logouts) {
        let at = if has_match { at.key("match") } else { at };
        refuse_own(path, prefix, &at.key("path"), draft);
    }
}

/// Nor does anybody answer there who somebody is, or show them a login.
fn refuse_own_urls(raw: &RawSession, prefix: &str, draft: &mut Draft<'_>) {
    let session = Path::root().key("session");
    let (whoami, basic) = (session.key("whoami"), session.key("basic"));
    let questions = raw.whoami.iter().flat_map(|list| list.with_paths(&whoami));
    let questions = questions.map(|(at, raw)| (at, raw.url.as_deref()));
    let tries = raw.basic.iter().flat_map(|list| list.with_paths(&basic));
    let tries = tries.map(|(at, raw)| (at, raw.url.as_deref()));
    for (at, url) in questions.chain(tries) {
        refuse_own(url.unwrap_or_default(), prefix, &at.key("url"), draft);
    }
    let page = raw.login_page.as_deref().unwrap_or_default();
    refuse_own(page, prefix, &session.key("login_page"), draft);
}

fn refuse_own(path: &str, prefix: &str, at: &Path, draft: &mut Draft<'_>) {
    let path = path.to_ascii_lowercase();
    if path.starts_with(&prefix.to_ascii_lowercase()) {
        let message = format!(
            "lies below `{prefix}`, which is Stepgate's own: the application never gets it"
        );
        let hint = "the application's own path; another `prefix` makes room for it";
        draft.file.report_with_hint(at, message, hint);
    }
}

/// Where every request of one login is another one as well, both must name the same subject.
fn compare_logins(
    (earlier, other): (usize, &LoginRoute),
    (later, login): (usize, &LoginRoute),
    sessions: &SessionOptions,
    draft: &mut Draft<'_>,
) {
    let is_same =
        is_within(&login.request, &other.request) && is_within(&other.request, &login.request);
    if !is_same || !is_alike(&login.success, &other.success) {
        return;
    }
    let at = entry("logins", later);
    let number = earlier + 1;
    if login.subject == other.subject {
        let message = format!("says what entry {number} of the list says");
        draft
            .file
            .warn_with_hint(&at, message, "leave one of the two out");
    // Where the application names the user, what was typed need not agree.
    } else if sessions.whoami().is_none() {
        let message = format!(
            "every request that is this login is that of entry {number} as well, and they look for the name in \
             different places: where they do not agree, nobody has logged in"
        );
        let hint =
            "tell them apart by a field that only one has, such as `form: { email: present }`";
        draft
            .file
            .report_with_hint(at.key("subject"), message, hint);
    }
}

/// A request that is a login and a logout counts as a login.
fn warn_of_login_before(
    logout: &Watched,
    (place, login): (usize, &LoginRoute),
    at: &Path,
    draft: &mut Draft<'_>,
) {
    if !is_within(logout, &login.request) {
        return;
    }
    let number = place + 1;
    let hint = "say what tells the logout apart, such as `query: { action: logout }`";
    // Without a password such a login is none, so the logout is left.
    if login.needs_secret() {
        let message = format!(
            "each such request with a password is login {number}: it is a logout only without one"
        );
        draft.file.warn_with_hint(at, message, hint);
    } else {
        let message = format!("never reached: each such request is login {number}");
        draft.file.report_with_hint(at, message, hint);
    }
}

/// Whether every request that is the one for certain is the other as well.
fn is_within(narrow: &Watched, wide: &Watched) -> bool {
    // As requests are matched: without regard to letter case and to a slash at the end.
    let path = |request: &Watched| request.path().trim_end_matches('/').to_ascii_lowercase();
    let runs = |operation| wide.operations().contains(operation);
    let has = |test| narrow.tests().iter().any(|other| is_alike(other, test));
    path(narrow) == path(wide)
        && narrow.methods().is_within(wide.methods())
        && wide.tests().iter().all(has)
        && (wide.operations().is_empty()
            || (!narrow.operations().is_empty() && narrow.operations().iter().all(runs)))
}

/// Whether both were written alike: regexes have no other equality.
fn is_alike(one: &impl Debug, other: &impl Debug) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

fn is_absence(test: &ValueTest) -> bool {
    matches!(test, ValueTest::Absent)
}
