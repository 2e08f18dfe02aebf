//! `session.cookies` and `session.credentials`: what the application knows people by.

use super::Draft;
use super::subject::pointer;
use crate::domain::{Authority, CookieName, CookieNameError, CookiePath, Origin};
use crate::session::{KeyNames, NamedKeys};
use crate::settings::raw_cookie::RawCookie;
use crate::settings::raw_session::{RawCredentials, RawSession};
use crate::yaml::{OneOrMore, Path, clip};
use http::HeaderName;
use std::net::IpAddr;

/// The cookies that make a session.
pub(super) fn cookies(raw: &RawSession, draft: &mut Draft<'_>) -> Vec<CookieName> {
    let at = Path::root().key("session").key("cookies");
    let mut cookies: Vec<CookieName> = Vec::new();
    for (at, raw) in raw.cookies.iter().flat_map(|list| list.with_paths(&at)) {
        let Some(cookie) = cookie(raw, &at, draft) else {
            continue;
        };
        if cookies.contains(&cookie) {
            draft.file.report(&at, format!("`{cookie}` is named twice"));
        }
        let others = cookies.iter().filter(|other| **other != cookie);
        if let Some((one, all)) = others.clone().find_map(|other| within(other, &cookie)) {
            let message = format!("`{one}` is one of `{all}` already");
            draft.file.warn(&at, message);
        }
        cookies.push(cookie);
    }
    cookies
}

/// Of two names that of which every cookie belongs to the other as well, on the same path, and that other.
/// Harmless, and a sign that a name means something else than its author thinks.
fn within<'c>(
    one: &'c CookieName,
    other: &'c CookieName,
) -> Option<(&'c CookieName, &'c CookieName)> {
    let is_within = |narrow: &CookieName, wide: &CookieName| {
        let is_covered = match narrow.only() {
            Some(only) => wide.covers(only.as_bytes()),
            None => wide.only().is_none() && wide.covers(narrow.begin().as_bytes()),
        };
        is_covered && (wide.path.is_none() || wide.path == narrow.path)
    };
    match (is_within(other, one), is_within(one, other)) {
        (true, _) => Some((other, one)),
        (false, true) => Some((one, other)),
        (false, false) => None,
    }
}

fn cookie(raw: &RawCookie, at: &Path, draft: &mut Draft<'_>) -> Option<CookieName> {
    let name_at = if raw.is_mapping {
        at.key("name")
    } else {
        at.clone()
    };
    let hint =
        "the name of a cookie, such as `sid`, or the beginning of several, such as `app_session_*`";
    let text = draft.needed(raw.name.as_ref(), at, "name", hint)?;
    let path = raw
        .path
        .as_deref()
        .and_then(|text| path(text, &at.key("path"), draft));
    Some(cookie_name(text, &name_at, draft)?.on_path(path))
}

/// The name of a cookie, or what several begin with.
pub(super) fn cookie_name(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<CookieName> {
    let error = match CookieName::parse(text) {
        Ok(name) => return Some(name),
        Err(error) => error,
    };
    let message = format!("`{}` {error}", clip(text));
    match error {
        CookieNameError::NoToken => draft.file.report(at, message),
        CookieNameError::StarWithin | CookieNameError::TooShort => {
            let hint =
                "what varies stands at the end, behind three letters or more: `ASPSESSIONID*`";
            draft.file.report_with_hint(at, message, hint);
        }
    }
    None
}

fn path(text: &str, at: &Path, draft: &mut Draft<'_>) -> Option<CookiePath> {
    let path = CookiePath::parse(text);
    if path.is_none() {
        let message = format!("`{}` is not the path of a cookie", clip(text));
        let hint = "the `Path` that the application sets it with, such as `/api/`; `{name}` stands for any \
                    segment, as in `/user/{name}/`";
        draft.file.report_with_hint(at, message, hint);
    }
    path
}

/// The domain of our own cookie.
pub(super) fn cookie_domain<'r>(
    written: &'r str,
    public: Option<&Origin>,
    draft: &mut Draft<'_>,
) -> Option<&'r str> {
    let at = Path::root().key("session").key("cookie_domain");
    let bare = written.strip_prefix('.').unwrap_or(written);
    let is_name = Authority::parse(bare).is_some_and(|named| named.bare_host() == bare);
    // Browsers keep no cookie for a whole top-level domain, and none for the hosts beside an address.
    if !is_name || !bare.contains('.') || bare.parse::<IpAddr>().is_ok() {
        let message = format!("`{}` is not a domain with several hosts", clip(written));
        let hint = "what the names of all hosts end in, such as `example.com`";
        draft.file.report_with_hint(at, message, hint);
        return None;
    }
    let is_below = |host: &str| {
        let rest = host.strip_suffix(bare);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    // RFC 6265 §5.3, step 6: a browser on another host drops the cookie without a word.
    match public {
        Some(public) if !is_below(public.host()) => {
            let message = format!("`public_url` names a host that is not below `{bare}`");
            draft.file.report(at, message);
        }
        Some(public) => {
            let message = format!(
                "pages of other hosts than `{}` cannot verify anybody while `public_url` names that one",
                public.host()
            );
            let hint = "leave `public_url` out: each request then names its own host";
            draft.file.warn_with_hint(at, message, hint);
        }
        None => {}
    }
    Some(bare)
}

/// The headers, parameters and fields that are credentials as well; `own` is one that another setting names.
pub(super) fn keys(
    raw: Option<&RawCredentials>,
    own: Option<&HeaderName>,
    draft: &mut Draft<'_>,
) -> KeyNames {
    let default = RawCredentials::default();
    let raw = raw.unwrap_or(&default);
    let section = Path::root().key("session").key("credentials");
    let mut named = NamedKeys {
        headers: own.into_iter().cloned().collect(),
        common: raw.common.unwrap_or(true),
        ..NamedKeys::default()
    };
    for (at, text) in listed(raw.headers.as_ref(), &section.key("headers")) {
        let Some(name) = draft.header(text, &at) else {
            continue;
        };
        // Both are read already, each in its own way.
        if let Some(how) = match name.as_str() {
            "authorization" => Some("`Authorization` always counts"),
            "cookie" => Some("name the cookies in `session.cookies`"),
            _ => None,
        } {
            draft.file.report(&at, how);
        }
        refuse_second(named.headers.contains(&name), name.as_str(), &at, draft);
        named.headers.push(name);
    }
    for (at, name) in listed(raw.query.as_ref(), &section.key("query")) {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!("`{}` is not the name of a parameter", clip(name));
            draft.file.report(&at, message);
        }
        refuse_second(named.query.contains(name), name, &at, draft);
        named.query.push(name.clone());
    }
    for (at, text) in listed(raw.json.as_ref(), &section.key("json")) {
        refuse_second(named.json.contains(text), text, &at, draft);
        named.json.push(pointer(text, &at, draft));
    }
    for (at, name) in listed(raw.public.as_ref(), &section.key("public")) {
        if !KeyNames::is_common(name) {
            let message = format!("`{}` is none of the common keys", clip(name));
            let hint =
                "it counts only if `headers` or `query` name it; the list is in docs/operations.md";
            draft.file.report_with_hint(&at, message, hint);
        }
        refuse_second(named.public.contains(name), name, &at, draft);
        named.public.push(name.clone());
    }
    KeyNames::new(named)
}

fn refuse_second(is_second: bool, name: &str, at: &Path, draft: &mut Draft<'_>) {
    if is_second {
        let message = format!("`{}` is named twice", clip(name));
        draft.file.report(at, message);
    }
}

fn listed<'r>(
    list: Option<&'r OneOrMore<String>>,
    at: &Path,
) -> impl Iterator<Item = (Path, &'r String)> {
    list.into_iter().flat_map(|list| list.with_paths(at))
}
