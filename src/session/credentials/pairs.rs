//! Where in `Cookie` lines some application may find a cookie of a name.
//!
//! There is no one way to take a line apart. `;` separates in all parsers; a blank after a value in
//! Python's `http.cookies`, a comma in RFC 2965 readers, nginx, ASP.NET Core and Perl's `CGI::Cookie`,
//! a closing quote in Undertow, any byte that is no token in `WebOb` and in Tomcat's old parser; and
//! names are trimmed of more than ASCII blanks (`str.strip()`, `String.trim()`), unescaped (Rack 2, PHP
//! before 7.4.23, Perl, actix) and compared without case (ASP.NET, nginx). So a name counts wherever it
//! stands as a whole word before a `=`, and whoever sends it twice is refused.

use super::family::{Head, find_name};
use super::spelling::{is_escape, undone};
use crate::domain::CookieName;
use http::HeaderValue;
use memchr::{memchr, memchr2};

/// One place at which a cookie of the name may be read.
#[derive(Clone, Debug)]
pub(super) struct Place<'l> {
    /// The name in the spelling by which it counts.
    pub(super) name: Vec<u8>,
    /// What follows the `=`, to the next `;`: the bytes that came, with all blanks and quotes.
    pub(super) value: &'l [u8],
    /// Whether every parser finds the cookie here: the name as it is, first in a line or after `;` and
    /// nothing but spaces, outside of quotes, and not beyond [`MOST_COOKIES`].
    pub(super) is_plain: bool,
}

/// Every place at which some application may read a cookie of this name.
pub(super) fn places<'l>(
    lines: &'l [HeaderValue],
    name: &'l CookieName,
) -> impl Iterator<Item = Place<'l>> {
    lines.iter().enumerate().flat_map(move |(number, line)| {
        Keys::of(line.as_bytes()).filter_map(move |key| {
            Some(Place {
                name: key.name(name)?,
                value: key.value(),
                is_plain: key.is_plainly(name)
                    && number + key.pair < MOST_COOKIES
                    && !is_quoted(lines, number, key.before),
            })
        })
    })
}

/// The name that some application takes a parameter of a path called `key` for.
pub(super) fn called(key: &[u8], name: &CookieName) -> Option<Vec<u8>> {
    name_in(key, name, Head::Any)
}

/// Chrome keeps at most 180 cookies of a site. Tomcat drops those beyond 200, PHP those beyond 1,000:
/// what stands there may be no cookie to the application.
const MOST_COOKIES: usize = 180;

/// The text before each `=` of a line, and each pair without one.
struct Keys<'l> {
    line: &'l [u8],
    at: usize,
    pair: usize,
    begins_pair: bool,
}

struct Key<'l> {
    text: &'l [u8],
    /// What follows the `=`, to the end of the line; `None` if there is none.
    after: Option<&'l [u8]>,
    /// How many bytes of the line come before.
    before: usize,
    /// The number of the pair in the line.
    pair: usize,
    /// Whether the text begins a pair; otherwise a `=` of the same pair stands before it.
    begins_pair: bool,
}

impl<'l> Keys<'l> {
    const fn of(line: &'l [u8]) -> Self {
        Self {
            line,
            at: 0,
            pair: 0,
            begins_pair: true,
        }
    }
}

impl<'l> Iterator for Keys<'l> {
    type Item = Key<'l>;

    fn next(&mut self) -> Option<Key<'l>> {
        loop {
            let rest = self.line.get(self.at..)?;
            let end = memchr2(b'=', b';', rest);
            let (text, tail) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            let after = tail.split_first();
            let key = Key {
                text,
                after: after.and_then(|(end, after)| (*end == b'=').then_some(after)),
                before: self.at,
                pair: self.pair,
                begins_pair: self.begins_pair,
            };
            // Beyond the end where nothing follows, which ends the iteration.
            self.at += text.len() + 1;
            self.begins_pair = key.after.is_none();
            self.pair += usize::from(self.begins_pair);
            if key.after.is_some() || key.begins_pair {
                return Some(key);
            }
        }
    }
}

impl<'l> Key<'l> {
    fn value(&self) -> &'l [u8] {
        let after = self.after.unwrap_or_default();
        let end = memchr(b';', after).unwrap_or(after.len());
        after.split_at(end).0
    }

    fn name(&self, name: &CookieName) -> Option<Vec<u8>> {
        // Without a value it is a cookie only if nothing stands before it (PHP).
        let head = self.after.map_or(Head::NoWord, |_| Head::Any);
        name_in(self.text, name, head)
    }

    fn is_plainly(&self, name: &CookieName) -> bool {
        let spaces = self.text.iter().take_while(|byte| **byte == b' ').count();
        let text = self.text.get(spaces..);
        self.after.is_some() && self.begins_pair && text.is_some_and(|text| name.covers(text))
    }
}

/// The name that `key` holds in some spelling, as a whole word behind any bytes that are none.
fn name_in(key: &[u8], name: &CookieName, head: Head) -> Option<Vec<u8>> {
    if let Some(found) = find_name(key, name, head) {
        return Some(found);
    }
    if !key.iter().any(|byte| is_escape(*byte) || !byte.is_ascii()) {
        return None;
    }
    let once = undone(key);
    let twice = undone(&once);
    let ascii: Vec<u8> = (twice.iter().copied()).filter(u8::is_ascii).collect();
    [once, twice, ascii]
        .iter()
        .find_map(|key| find_name(key, name, head))
}

/// Whether the byte at `at` of a line stands within a quoted value to some parser: what begins with `"`
/// ends at the next one (Undertow), or the next without `\` before it (Python, RFC 2109), whatever is
/// between. Lines are one to the application.
fn is_quoted(lines: &[HeaderValue], line: usize, at: usize) -> bool {
    let whole = lines.iter().take(line).map(HeaderValue::as_bytes);
    let last = lines.get(line).and_then(|line| line.as_bytes().get(..at));
    let before = || whole.clone().chain(last).flatten().copied();
    let quotes = whole.clone().chain(last);
    if !quotes.into_iter().any(|part| memchr(b'"', part).is_some()) {
        return false;
    }
    ends_quoted(before(), true) || ends_quoted(before(), false)
}

fn ends_quoted(bytes: impl Iterator<Item = u8>, escapes: bool) -> bool {
    enum At {
        Elsewhere,
        Value,
        Quoted,
        Escape,
    }
    let last = bytes.fold(At::Elsewhere, |at, byte| match (at, byte) {
        (At::Quoted, b'\\') if escapes => At::Escape,
        (At::Quoted, b'"') => At::Elsewhere,
        (At::Quoted | At::Escape, _) | (At::Value, b'"') => At::Quoted,
        (At::Value, b' ' | b'\t') | (At::Elsewhere | At::Value, b'=') => At::Value,
        (At::Elsewhere | At::Value, _) => At::Elsewhere,
    });
    matches!(last, At::Quoted | At::Escape)
}
