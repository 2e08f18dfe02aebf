//! Cookies on their way to the application.

use bytes::Bytes;
use http::header::{self, Entry, HeaderMap, HeaderValue};
use memchr::{memchr_iter, memmem};
use std::iter;

/// RFC 9113 §8.2.3: cookies that came in crumbs are one line again for HTTP/1.1. So are those of several
/// lines, which RFC 6265 §5.4 does not allow: servers join them by a comma (WSGI) or take one.
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let crumbs = headers.get_all(header::COOKIE);
    if crumbs.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = crumbs.iter().map(HeaderValue::as_bytes).collect();
    if let Ok(line) = HeaderValue::from_bytes(&crumbs.join(SEPARATOR)) {
        headers.insert(header::COOKIE, line);
    }
}

/// What the name of the cookie that proves a guest has behind that of the browser key's cookie.
pub(crate) const GUEST_SUFFIX: &str = "-guest";

/// The same for the cookie of the language that a person chose.
pub(crate) const LANGUAGE_SUFFIX: &str = "-language";

/// The same for the cookie of the way by which they proved themselves last.
pub(crate) const WAY_SUFFIX: &str = "-way";

/// Takes our cookies out of the `Cookie` headers, the one of this name and those beside it; the others
/// stay byte for byte.
pub(crate) fn remove_cookie(headers: &mut HeaderMap, name: &str) {
    let Entry::Occupied(mut lines) = headers.entry(header::COOKIE) else {
        return;
    };
    let mut emptied = false;
    for line in lines.iter_mut() {
        if let Some(others) = without_cookie(line.as_bytes(), name) {
            // What is left of a header's value is one.
            *line = HeaderValue::from_maybe_shared(others).unwrap_or(HeaderValue::from_static(""));
            emptied |= line.is_empty();
        }
    }
    if emptied {
        let (name, lines) = lines.remove_entry_mult();
        let kept: Vec<HeaderValue> = lines.filter(|line| !line.is_empty()).collect();
        for line in kept {
            headers.append(&name, line);
        }
    }
}

const SEPARATOR: &[u8] = b"; ";

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut start = 0;
    let ends = memchr_iter(b';', line).chain(iter::once(line.len()));
    ends.map(move |end| {
        let pair = line.get(start..end).unwrap_or_default();
        start = end + 1;
        pair.trim_ascii()
    })
}

/// The other cookies of a line; `None` if this one is not among them.
fn without_cookie(line: &[u8], name: &str) -> Option<Bytes> {
    memmem::find(line, name.as_bytes())?;
    let (mut carries, mut length) = (false, 0);
    for pair in pairs(line) {
        if is_cookie(pair, name) {
            carries = true;
        } else if !pair.is_empty() {
            length += pair.len() + SEPARATOR.len();
        }
    }
    if !carries {
        return None;
    }
    // What is exactly full becomes `Bytes` as it is.
    let mut others = Vec::with_capacity(length.saturating_sub(SEPARATOR.len()));
    for pair in pairs(line) {
        if !pair.is_empty() && !is_cookie(pair, name) {
            if !others.is_empty() {
                others.extend_from_slice(SEPARATOR);
            }
            others.extend_from_slice(pair);
        }
    }
    Some(others.into())
}

fn is_cookie(pair: &[u8], name: &str) -> bool {
    let Some(rest) = pair.strip_prefix(name.as_bytes()) else {
        return false;
    };
    let key = rest.split(|byte| *byte == b'=').next().unwrap_or_default();
    let key = key.trim_ascii_end();
    let beside = [GUEST_SUFFIX, LANGUAGE_SUFFIX, WAY_SUFFIX];
    key.is_empty() || beside.iter().any(|suffix| key == suffix.as_bytes())
}
