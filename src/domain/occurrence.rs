//! How plainly a name occurs in a request, for what takes a guard away.
//!
//! Parsers disagree about names: `DRY`, `dry[]` and `dry%00` are `dry` to some and another name to others.
//! A route applies if any reading says so, so there the loosest spelling counts. An exception, and an
//! absence that a match asks for, may rest only on what every application reads alike.

use super::parameters::{may_be_key, parameters, same_key, splits};
use super::percent::{decoded, escapes};
use super::request::{header_values, lines_like};
use super::value::counts_as_none;
use super::{RequestHead, ValueTest};
use std::borrow::Cow;

/// How many parameters or fields are read by every application. PHP drops what stands behind the 1,000th
/// (`max_input_vars`), so do Tomcat (`maxParameterCount`) and qs (`parameterLimit`); PHP with Suhosin behind
/// the 100th of a query.
pub(super) const MAX_COUNTED: usize = 100;

/// How a name occurs in one place of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Occurrence<'r> {
    /// Under no reading.
    Missing,
    /// Once, in a spelling that every parser reads alike; holds the value, in every way it may be read.
    Plain(Vec<Cow<'r, str>>),
    /// In a spelling, in a number or at a place that parsers read differently.
    Loose,
}

impl Occurrence<'_> {
    /// Whether every application sees the name, and takes its value for one.
    pub(super) fn is_certain(&self) -> bool {
        match self {
            Self::Plain(values) => !values.iter().any(|value| counts_as_none(value)),
            Self::Missing | Self::Loose => false,
        }
    }

    /// Whether the name occurs under some reading.
    pub(super) fn is_possible(&self) -> bool {
        *self != Self::Missing
    }

    /// Whether `test` holds under every reading, as an exception needs.
    pub(super) fn passes(&self, test: &ValueTest) -> bool {
        match (test, self) {
            (ValueTest::Absent, found) => !found.is_possible(),
            (ValueTest::Present, found) => found.is_certain(),
            (ValueTest::Equals(_) | ValueTest::Regex(_), Self::Plain(values)) => {
                values.iter().all(|value| test.holds_in_each_reading(value))
            }
            (ValueTest::Equals(_) | ValueTest::Regex(_), Self::Missing | Self::Loose) => false,
        }
    }
}

impl<'r> RequestHead<'r> {
    /// How parameter `name` occurs, to whom the path may hold a query, too.
    pub(super) fn parameter(&self, name: &str) -> Occurrence<'r> {
        let found = in_query(self.query, name);
        let mut hidden = self.hidden_queries().peekable();
        let is_certain = hidden.peek().is_none()
            || (!found.is_possible()
                && !hidden
                    .flat_map(parameters)
                    .any(|(key, _)| same_key(&key, name)));
        if is_certain { found } else { Occurrence::Loose }
    }
}

/// How `name` occurs in a query.
pub(super) fn in_query<'q>(query: Option<&'q str>, name: &str) -> Occurrence<'q> {
    let Some(query) = query.filter(|query| !query.is_empty()) else {
        return Occurrence::Missing;
    };
    let mut named = query
        .split('&')
        .enumerate()
        .filter(|(_, pair)| names(pair, name));
    let (first, second) = (named.next(), named.next());
    // Some decode the whole query before they split it.
    let again = if query.contains('%') {
        let whole = decoded(query, '+');
        whole.split('&').filter(|pair| names(pair, name)).count()
    } else {
        usize::from(first.is_some())
    };
    match (first, second, again) {
        (None, _, 0) => Occurrence::Missing,
        (Some((at, pair)), None, 1) if at < MAX_COUNTED => {
            plain_pair(pair, name).map_or(Occurrence::Loose, Occurrence::Plain)
        }
        _ => Occurrence::Loose,
    }
}

/// How header `name` occurs: plainly if one line has exactly this name. `_` and the like for `-`, and a
/// second line, are read by some; the items of a list count each, and the whole line as well.
pub(super) fn in_headers<'h>(
    headers: &'h http::HeaderMap,
    name: &http::HeaderName,
) -> Occurrence<'h> {
    let mut lines = lines_like(headers, name);
    match (lines.next(), lines.next()) {
        (None, _) => Occurrence::Missing,
        (Some((sent, value)), None) if sent == name && value.to_str().is_ok() => {
            Occurrence::Plain(header_values(headers, name).collect())
        }
        (Some(_), _) => Occurrence::Loose,
    }
}

fn names(pair: &str, name: &str) -> bool {
    // `URLSearchParams` drops a `?` at the beginning.
    let pair = pair.trim_start_matches('?');
    // IIS drops a `%` that begins no escape.
    parameters(pair).any(|(key, _)| {
        may_be_key(&key, name) || (key.contains('%') && may_be_key(&key.replace('%', ""), name))
    })
}

/// The value of the one pair with `name`, in every way in which it may be read; `None` if not every parser
/// reads the pair as one with this very name.
fn plain_pair<'q>(pair: &'q str, name: &str) -> Option<Vec<Cow<'q, str>>> {
    // A name without `=` has no value for Rack, an empty one for PHP, and is dropped by Python.
    let (key, value) = pair.split_once('=').filter(|_| !pair.contains(';'))?;
    if splits(pair).nth(1).is_some() {
        return None;
    }
    let is_plain = is_plain(key) && !key.contains('+') && decoded(key, ' ') == name;
    let mut values = vec![decoded(value, ' ')];
    if value.contains('+') {
        values.push(decoded(value, '+'));
    }
    let is_text = |value: &Cow<'_, str>| !value.contains('\u{fffd}');
    (is_plain && self::is_plain(value) && values.iter().all(is_text)).then_some(values)
}

/// Whether a text is escaped as honest clients escape, so that all parsers agree on it: no broken
/// escape (dropped, kept or refused), no control character (NUL ends a text in C), and no letter or digit
/// that is escaped (RFC 3986 §2.3; nginx' `$arg_name` finds a name in its raw bytes only).
fn is_plain(text: &str) -> bool {
    let is_kept = |byte: u8| !byte.is_ascii_alphanumeric() && !byte.is_ascii_control();
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && escapes(text.as_bytes()).all(|byte| byte.is_some_and(is_kept))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn dry(query: &str) -> Occurrence<'_> {
        in_query(Some(query), "dry")
    }

    #[test]
    fn a_name_is_plain_in_one_spelling() {
        for query in [
            "dry=1",
            "a=b&dry=1",
            "dry=1&a",
            "&&dry=1",
            "a;b&dry=1",
            "a=%26&dry=1",
        ] {
            assert_eq!(dry(query), Occurrence::Plain(vec!["1".into()]), "{query}");
        }
        let both = Occurrence::Plain(vec!["1 ".into(), "1+".into()]);
        assert_eq!(dry("dry=1+"), both);
        let name = in_query(Some("user%5Bid%5D=1"), "user[id]");
        assert_eq!(name, Occurrence::Plain(vec!["1".into()]));
        for query in ["", "dr=1", "dryer=1", "a=dry", "a[dry]=1", "xdry=1"] {
            assert_eq!(dry(query), Occurrence::Missing, "{query}");
        }
    }

    #[test]
    fn every_other_spelling_is_loose() {
        for query in [
            "DRY=1",
            "dry[]=1",
            "[dry]=1",
            ".dry=1",
            "dry.x=1",
            "dry=1&dry.x=0",
            "dry%00=1",
            "dry%00x=1",
            "+dry=1",
            "dry+=1",
            "%20dry=1",
            "d%72y=1",
            "%64ry=1",
            "dry=1;x",
            "x;dry=1",
            "a;dry=1&dry=1",
            "dry=1&dry=1",
            "?dry=1",
            "??dry=1",
            "d%ry=1",
            "dry=1&DRY=1",
            "dry=1&dry[x]=2",
            "dry=1&d%72y=0",
            "dry",
            "dry=%31",
            "dry=1%00",
            "dry=1%0a",
            "dry=%ff",
            "dry=%zz",
            "dry=1%",
            "dry=1]=2",
            "dry=1%5D=2",
            "dry%=1",
            "d%2572y=1",
            "x=%26dry%3D0",
            "x=%26dry%3D0&dry=1",
            "dry%3D1",
            "dry=\u{e9}",
            "dry%EF%BC%9D1=1&dry[=1",
        ] {
            assert_eq!(dry(query), Occurrence::Loose, "{query}");
        }
        for query in [
            "dry=1%20",
            "dry=+1",
            "dry=%E3%80%801",
            "dry=1%E2%80%8B",
            "dry=1%C2%85",
        ] {
            let is_one = dry(query).passes(&ValueTest::Equals("1".to_owned()));
            assert!(!is_one, "{query}");
        }
        for query in ["dry=%E2%80%8B", "dry=+0+", "dry=%C2%A0false"] {
            assert!(!dry(query).is_certain(), "{query}");
        }
        let late = format!("{}dry=1", "a=1&".repeat(1100));
        assert_eq!(dry(&late), Occurrence::Loose);
    }

    #[test]
    fn a_header_is_plain_in_one_line() {
        let name = HeaderName::from_static("x-dry-run");
        let of = |lines: &[(&'static str, &'static [u8])]| {
            let lines = lines.iter().map(|(name, value)| {
                let value = HeaderValue::from_bytes(value).unwrap();
                (HeaderName::from_static(name), value)
            });
            let mut headers = HeaderMap::new();
            lines.for_each(|(name, value)| {
                headers.append(name, value);
            });
            in_headers(&headers, &name).passes(&ValueTest::Equals("1".to_owned()))
        };
        assert!(of(&[("x-dry-run", b"1"), ("x-dry", b"0")]));
        for lines in [
            &[("x_dry_run", &b"1"[..])][..],
            &[("x-dry.run", b"1")],
            &[("x-dry!run", b"1")],
            &[("x-dry-run", b"1"), ("x-dry-run", b"1")],
            &[("x-dry-run", b"1"), ("x_dry-run", b"1")],
            &[("x-dry-run", b"1,1")],
            &[("x-dry-run", b"1, 0")],
            &[("x-dry-run", b"1\xff")],
            &[("x-dry-run", b"")],
            &[],
        ] {
            assert!(!of(lines), "{lines:?}");
        }
    }
}
