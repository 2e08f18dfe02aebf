//! Who somebody is, by the word of a trusted proxy in front of us.

use crate::domain::{DisplayName, Naming, Subject, Timestamp, only_line};
use http::{HeaderMap, HeaderName};
use serde_json::Value;
use std::iter;

/// The headers of an authenticating proxy. They count only from a peer in `trusted_proxies`; from
/// anybody else they are removed before anyone reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertedHeaders {
    /// Names the subject.
    pub subject: HeaderName,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
    /// The subject's e-mail address.
    pub email: Option<HeaderName>,
    /// The groups that the subject is in, and what stands between them.
    pub groups: Option<(HeaderName, String)>,
    /// The name by which a page calls the subject.
    pub display: Option<HeaderName>,
    /// When the subject authenticated: seconds since the Unix epoch (`OpenID` Connect `auth_time`).
    pub authenticated_at: Option<HeaderName>,
}

/// What a trusted proxy says of a request, or the application itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// Who it is.
    pub subject: Subject,
    /// The subject's e-mail address.
    pub email: Option<String>,
    /// The groups that the subject is in. They are believed as much as the subject is, and kept nowhere longer.
    pub groups: Vec<String>,
    /// The name by which a page calls the subject.
    pub display: Option<DisplayName>,
    /// When the subject authenticated. Never a time of last activity.
    pub authenticated_at: Option<Timestamp>,
}

impl Asserted {
    /// Of this subject, and nothing else.
    pub(in crate::session) const fn named(subject: Subject) -> Self {
        Self {
            subject,
            email: None,
            groups: Vec::new(),
            display: None,
            authenticated_at: None,
        }
    }
}

impl AssertedHeaders {
    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &HeaderName> {
        let others = [&self.email, &self.display, &self.authenticated_at];
        let groups = self.groups.iter().map(|(name, _)| name);
        let others = others.into_iter().flatten();
        others.chain(groups).chain([&self.subject])
    }

    /// Reads what is asserted. A header that is there twice, empty or unreadable says nothing.
    pub fn read(&self, headers: &HeaderMap) -> Option<Asserted> {
        let subject = self.naming.subject(only(headers, &self.subject)?)?;
        let email = self
            .email
            .as_ref()
            .and_then(|name| only(headers, name))
            .map(str::to_owned);
        let groups = self.groups.as_ref().and_then(|(name, separator)| {
            let line = only_line(headers, name)?;
            Some(groups_in(
                std::str::from_utf8(line.as_bytes()).ok()?,
                separator,
            ))
        });
        let display = self.display.as_ref();
        // No header but this one may be in letters beyond ASCII: it names nobody.
        let display = display
            .and_then(|name| only_line(headers, name))
            .and_then(|line| std::str::from_utf8(line.as_bytes()).ok())
            .and_then(DisplayName::of);
        let seconds = self
            .authenticated_at
            .as_ref()
            .and_then(|name| only(headers, name));
        let authenticated_at = seconds
            .and_then(|seconds| seconds.parse::<u64>().ok())
            .and_then(|seconds| seconds.checked_mul(1000))
            .map(Timestamp::from_millis);
        Some(Asserted {
            subject,
            email,
            groups: groups.unwrap_or_default(),
            display,
            authenticated_at,
        })
    }
}

/// The groups of a text, with `separator` between them.
pub(super) fn groups_in(text: &str, separator: &str) -> Vec<String> {
    let parts: Box<dyn Iterator<Item = &str>> = if separator.is_empty() {
        Box::new(iter::once(text))
    } else {
        Box::new(text.split(separator))
    };
    plain_groups(parts)
}

/// The groups that JSON holds: a list of texts, or one text, with `separator` between several.
pub(super) fn groups_of(value: Option<&Value>, separator: &str) -> Vec<String> {
    match value {
        Some(Value::String(text)) => groups_in(text, separator),
        Some(Value::Array(all)) => plain_groups(all.iter().filter_map(Value::as_str)),
        _ => Vec::new(),
    }
}

fn plain_groups<'a>(groups: impl Iterator<Item = &'a str>) -> Vec<String> {
    let groups = groups.map(str::trim);
    let groups = groups.filter(|group| (1..=LONGEST_GROUP).contains(&group.len()));
    groups.take(MOST_GROUPS).map(str::to_owned).collect()
}

/// Of somebody, at most: whoever is in more is in none of the others.
const MOST_GROUPS: usize = 1000;
/// Bytes of a group's name, at most.
const LONGEST_GROUP: usize = 256;

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = only_line(headers, name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(lines: &[(&'static str, &str)]) -> Option<Asserted> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let value = http::HeaderValue::from_bytes(value.as_bytes());
            headers.append(*name, value.unwrap());
        }
        let names = AssertedHeaders {
            subject: HeaderName::from_static("remote-user"),
            naming: Naming::default(),
            email: Some(HeaderName::from_static("remote-email")),
            groups: Some((HeaderName::from_static("remote-groups"), ",".to_owned())),
            display: Some(HeaderName::from_static("remote-name")),
            authenticated_at: Some(HeaderName::from_static("x-auth-time")),
        };
        names.read(&headers)
    }

    #[test]
    fn a_subject_and_a_time_are_read() {
        let told = read(&[("remote-user", " Alice"), ("x-auth-time", "1700000000")]).unwrap();
        assert_eq!(told.subject.as_str(), "alice");
        assert_eq!(
            told.authenticated_at,
            Some(Timestamp::from_millis(1_700_000_000_000))
        );
    }

    #[test]
    fn the_name_for_a_page_may_have_any_letters() {
        let called = |name: &str| {
            let told = read(&[("remote-user", "alice"), ("remote-name", name)]);
            told.unwrap().display.map(|name| name.to_string())
        };
        assert_eq!(called("Zoë Łuk").as_deref(), Some("Zoë Łuk"));
        assert_eq!(called(" "), None);
    }

    #[test]
    fn groups_are_read_between_separators_or_as_a_list() {
        let told = |lines: &[&str]| {
            let mut all = vec![("remote-user", "alice")];
            all.extend(lines.iter().map(|line| ("remote-groups", *line)));
            read(&all).unwrap().groups
        };
        assert_eq!(told(&["payroll, Büro ,,x y"]), ["payroll", "Büro", "x y"]);
        assert_eq!(told(&[" , "]), [""; 0]);
        assert_eq!(told(&["payroll", "board"]), [""; 0], "twice");
        assert_eq!(told(&[&"a,".repeat(2000)]).len(), MOST_GROUPS);
        assert_eq!(told(&[&"a".repeat(LONGEST_GROUP + 1)]), [""; 0]);
        let of = |value: Value, separator: &str| groups_of(Some(&value), separator);
        assert_eq!(
            of(json!(["a, b", 7, null, ["c"], " d "]), ","),
            ["a, b", "d"]
        );
        assert_eq!(of(json!("a, b"), ""), ["a, b"]);
        assert_eq!(of(json!("a b"), " "), ["a", "b"]);
        for value in [json!(null), json!({ "a": "a" }), json!(7), json!(true)] {
            assert_eq!(of(value.clone(), ","), [""; 0], "{value}");
        }
    }

    #[test]
    fn what_is_said_twice_is_not_said() {
        assert_eq!(
            read(&[("remote-user", "alice"), ("remote-user", "bob")]),
            None
        );
        let told = read(&[
            ("remote-user", "a"),
            ("x-auth-time", "1"),
            ("x-auth-time", "2"),
        ])
        .unwrap();
        assert_eq!(told.authenticated_at, None);
    }
}
