//! How applications read the names and values of parameters, in every way that is known.

use super::path::same_folded;
use super::percent::{decoded, escapes, undo_odd_escapes};
use std::borrow::Cow;

/// The query's parameters, in every way they may be split and decoded.
///
/// A plus is a blank and a plus; `;` separates and does not (old Python and Ruby parsers), and so does a
/// further `?` (applications that split the target there themselves). Some decode the whole query before they
/// split it, and then the values again. Broken escapes stay as they are, as in most parsers, and are what
/// they are to Jetty.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let decoded_first = hides_separators(query).then(|| decoded(query, '+'));
    let as_jetty = undo_odd_escapes(query);
    let owned = |(name, value): (Cow<'_, str>, Cow<'_, str>)| {
        (
            Cow::Owned(name.into_owned()),
            Cow::Owned(value.into_owned()),
        )
    };
    let hidden = |query: &str| pairs(query).map(owned).collect::<Vec<_>>();
    let hidden_first = decoded_first.as_deref().map(hidden).unwrap_or_default();
    let hidden_odd = as_jetty.as_deref().map(hidden).unwrap_or_default();
    pairs(query).chain(hidden_first).chain(hidden_odd)
}

fn pairs(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let semicolon = query.contains(';');
    let mark = query.contains('?');
    let if_any = |there: bool| if there { query } else { "" };
    let pairs = query
        .split('&')
        .chain(if_any(semicolon).split(['&', ';']))
        .chain(if_any(mark).split(['&', '?']))
        .chain(if_any(semicolon && mark).split(['&', ';', '?']));
    let pairs = pairs.filter(|pair| !pair.is_empty()).flat_map(splits);
    pairs.flat_map(|(name, value)| {
        let as_plus = (name.contains('+') || value.contains('+'))
            .then(|| (decoded(name, '+'), decoded(value, '+')));
        std::iter::once((decoded(name, ' '), decoded(value, ' '))).chain(as_plus)
    })
}

/// Name and value of a pair: at the first `=`, and at the first behind a bracket, where qs ends a name
/// (`a[b]=c]=d`), also one that is escaped.
pub(crate) fn splits(pair: &str) -> impl Iterator<Item = (&str, &str)> {
    let first = pair.split_once('=').unwrap_or((pair, ""));
    let behind = |bracket: &str| {
        let (name, value) = first.1.split_once(bracket)?;
        let name = pair.get(..first.0.len() + 1 + name.len() + bracket.len() - 1)?;
        Some((name, value))
    };
    let brackets = if first.1.contains('=') { BRACKETS } else { &[] };
    let others = brackets.iter().filter_map(move |bracket| behind(bracket));
    std::iter::once(first).chain(others)
}

/// What qs looks for before it looks for a `=` alone.
const BRACKETS: &[&str] = &["]=", "%5D=", "%5d="];

/// Whether decoding the whole query would make separators, or further escapes, of its values.
fn hides_separators(query: &str) -> bool {
    escapes(query.as_bytes()).any(|byte| matches!(byte, Some(b'%' | b'&' | b';' | b'=' | b'?')))
}

/// The query's parameters as forms and most applications read them: `&` separates, a plus is a
/// blank.
pub(super) fn plain_parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name, ' '), decoded(value, ' '))
        })
}

/// The values of every cookie that an application may take for parameter `name`: PHP's `$_REQUEST` holds the
/// cookies before all others where no php.ini says otherwise (`request_order`), as in its images.
pub(super) fn cookies_named(headers: &http::HeaderMap, name: &str) -> Vec<String> {
    let cookies = cookies_of(headers);
    cookies
        .filter(|(key, _)| same_key(key, name) || same_key(&decoded(key, ' '), name))
        .map(|(_, value)| value)
        .collect()
}

/// The names of all cookies as they came, and what their values are to PHP.
pub(super) fn cookies_of(
    headers: &http::HeaderMap,
) -> impl Iterator<Item = (Cow<'_, str>, String)> {
    let lines = headers.get_all(http::header::COOKIE).iter();
    lines.flat_map(|line| {
        // RFC 2109 §4.3.4 separated cookies by `,` as well.
        let pairs = line.as_bytes().split(|byte| matches!(byte, b';' | b','));
        pairs.map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (key, value) = pair.split_at(at.unwrap_or(pair.len()));
            let value = String::from_utf8_lossy(value.get(1..).unwrap_or_default()).into_owned();
            let value = decoded(value.trim(), ' ').into_owned();
            (String::from_utf8_lossy(key), value)
        })
    })
}

/// Whether applications may take key `sent` for key `known`.
///
/// Letter case is ignored (ASP.NET); a name ends at NUL, and `.` and blanks are `_` in it (PHP).
/// Brackets are cut off in many ways, so what stands between them counts: `[name]` and `name]` are
/// `name` (qs, Rack), and whatever follows in brackets is an item of it (`name[]`, `name[0]`). One that
/// is not closed is `_` (PHP). `?` before the first name of a form or a query is not part of it
/// (`URLSearchParams`, WHATWG URL §6.2), nor is a byte order mark.
pub(crate) fn same_key(sent: &str, known: &str) -> bool {
    if same_folded(sent, known) {
        return true;
    }
    if !has_spellings(sent) && !has_spellings(known) {
        return false;
    }
    let known = KeyParts::of(known.trim());
    let begun = sent.trim_start_matches(|c| c == '?' || is_trimmed(c));
    // Django and Java cut blanks off at both ends, PHP only before a name.
    [begun.trim_end_matches(is_trimmed), begun]
        .into_iter()
        .any(|sent| {
            let sent = KeyParts::of(sent);
            sent.begins_with(&known) || sent.joined() == known.joined()
        })
}

/// Whether applications may take key `sent` for key `known`, or for an item of it, by its dots: as
/// [`same_key`], and `.name`, `name.x` and `a.b.x` as with brackets (qs with `allowDots`, Spring, ASP.NET).
pub(crate) fn may_be_key(sent: &str, known: &str) -> bool {
    same_key(sent, known)
        || (sent.contains('.') && {
            let (sent, known) = (KeyParts::dotted(sent), KeyParts::dotted(known));
            sent.begins_with(&known)
        })
}

fn has_spellings(key: &str) -> bool {
    let is_read_otherwise =
        |byte: u8| matches!(byte, 0 | b'.' | b'[' | b']') || byte.is_ascii_whitespace();
    key.bytes().any(is_read_otherwise)
        || key.starts_with(|c| c == '?' || is_trimmed(c))
        || key.ends_with(is_trimmed)
}

/// Blanks of Unicode (Python, Rust), all that is not above one (Java), and byte order marks and
/// zero-width blanks (JavaScript, older .NET). NUL ends a name and is none of them.
pub(super) fn is_trimmed(c: char) -> bool {
    c.is_whitespace() || ('\u{1}'..=' ').contains(&c) || matches!(c, '\u{200B}' | '\u{FEFF}')
}

/// What stands between the brackets of a key.
struct KeyParts(Vec<String>);

impl KeyParts {
    fn of(key: &str) -> Self {
        Self::split(key, &['[', ']'])
    }

    /// As [`Self::of`], with a dot for a bracket.
    fn dotted(key: &str) -> Self {
        Self::split(key, &['[', ']', '.'])
    }

    fn split(key: &str, at: &[char]) -> Self {
        let key = key.split('\0').next().unwrap_or_default();
        let parts = key.split(at).filter(|part| !part.is_empty());
        let as_php = |part: &str| part.replace(|c: char| c == '.' || c.is_whitespace(), "_");
        Self(parts.map(as_php).collect())
    }

    fn begins_with(&self, other: &Self) -> bool {
        let both = self.0.iter().zip(&other.0);
        self.0.len() >= other.0.len()
            && !other.0.is_empty()
            && both.into_iter().all(|(one, other)| same_folded(one, other))
    }

    fn joined(&self) -> String {
        self.0.join("_").to_lowercase()
    }
}

#[cfg(test)]
mod tests;
