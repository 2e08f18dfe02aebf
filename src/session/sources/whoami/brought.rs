//! What a request brings by which an application may know somebody, and which of it a question carries.

use super::rules::WhoamiRule;
use crate::domain::{overrides_method, same_key, splits};
use crate::session::{BrowserKeyCookie, KeyNames};
use crate::transport::connection_auth;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;

const COOKIE: &str = "cookie";

/// How many credentials a request may bring of which each is asked about: honest ones bring one or two.
const MOST_CREDENTIALS: usize = 4;

/// What a request brings by which an application may know somebody.
pub(super) struct Brought<'q> {
    /// The headers that go along with a question of all.
    lines: Vec<BroughtLine<'q>>,
    /// The pairs of the query that are credentials.
    credentials: String,
}

/// A line of one of them.
struct BroughtLine<'q> {
    name: &'q HeaderName,
    value: &'q HeaderValue,
    kind: LineKind,
}

/// What the application may know by it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LineKind {
    /// A person.
    Credential,
    /// Nobody: any browser sends it.
    OfAnyBrowser,
    /// Perhaps a person.
    Unknown,
}

/// One credential of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brings<'q> {
    Header(&'q str),
    /// A pair of the query.
    Pair(&'q str),
}

/// Which credentials of a request a question carries. An application may know somebody by its cookies on one
/// path and by a key on the next: where a request has several, it must name the same person for each, alone and with
/// what stands in headers of which nobody knows whether they are credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedWith<'q> {
    /// All of them.
    All,
    /// All but this header.
    AllBut(&'q str),
    /// This one, and what any browser sends.
    Only(Brings<'q>),
    /// None but this one.
    NoOther(Brings<'q>),
    /// None.
    None,
}

impl<'q> Brought<'q> {
    /// By a request, as far as it goes along with a question by `rule`.
    pub(super) fn by(
        headers: &'q HeaderMap,
        query: Option<&str>,
        names: &KeyNames,
        rule: &WhoamiRule,
    ) -> Self {
        let mut lines = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            if let Some(kind) = LineKind::of(name.as_str(), names, rule) {
                lines.push(BroughtLine { name, value, kind });
            }
        }
        Self {
            lines,
            credentials: credentials_in(query, names.parameters()),
        }
    }

    /// Whether the request authenticates its connection (RFC 4559 §4.1): the handshake is for the request itself, and a
    /// question would use it up.
    pub(super) fn authenticates_connection(&self) -> bool {
        let mut lines = self.lines.iter();
        let is_it = |line: &BroughtLine<'_>| {
            line.kind == LineKind::Credential && *line.name == AUTHORIZATION
        };
        lines.any(|line| is_it(line) && connection_auth::is_begun_in(line.value))
    }

    /// How many lines of headers there are.
    pub(super) const fn count(&self) -> usize {
        self.lines.len()
    }

    /// The headers that go along with a question.
    pub(super) fn headers_of(
        &self,
        asked: AskedWith<'_>,
    ) -> impl Iterator<Item = (&'q HeaderName, &'q HeaderValue)> {
        let lines = self.lines.iter().filter(move |line| line.is_in(asked));
        lines.map(|line| (line.name, line.value))
    }

    /// The pairs of the query that do.
    pub(super) fn pairs_of<'c>(&'c self, asked: AskedWith<'c>) -> &'c str {
        match asked {
            AskedWith::All | AskedWith::AllBut(_) => &self.credentials,
            AskedWith::Only(Brings::Pair(pair)) | AskedWith::NoOther(Brings::Pair(pair)) => pair,
            AskedWith::Only(Brings::Header(_))
            | AskedWith::NoOther(Brings::Header(_))
            | AskedWith::None => "",
        }
    }

    /// The questions that follow that with all of it; `None` if there would be too many.
    pub(super) fn further(&'q self) -> Option<Vec<AskedWith<'q>>> {
        let has_others = self.lines.iter().any(|line| line.kind == LineKind::Unknown);
        let is_credential = |line: &&BroughtLine<'_>| line.kind == LineKind::Credential;
        let lines = self.lines.iter().filter(is_credential);
        let pairs = (!self.credentials.is_empty()).then(|| self.credentials.split('&'));
        let pairs = pairs.into_iter().flatten();
        // Most requests bring one, or none.
        if lines.clone().count() + pairs.clone().count() + usize::from(has_others) < 2 {
            return Some(Vec::new());
        }
        let headers = lines.map(|line| Brings::Header(line.name.as_str()));
        let mut credentials: Vec<_> = headers.chain(pairs.map(Brings::Pair)).collect();
        // Lines of one name come one after the other.
        credentials.dedup();
        if credentials.len() > MOST_CREDENTIALS {
            return None;
        }
        if credentials.len() + usize::from(has_others) < 2 {
            return Some(Vec::new());
        }
        let each = credentials.iter().copied();
        let mut further: Vec<_> = each.clone().map(AskedWith::Only).collect();
        if has_others {
            // With one that is all there is.
            further.extend(
                each.filter(|_| credentials.len() > 1)
                    .map(AskedWith::NoOther),
            );
            further.push(AskedWith::None);
        }
        Some(further)
    }
}

impl BroughtLine<'_> {
    /// Whether it goes along with a question.
    fn is_in(&self, asked: AskedWith<'_>) -> bool {
        let is_it = |one| one == Brings::Header(self.name.as_str());
        match asked {
            AskedWith::All => true,
            AskedWith::AllBut(other) => self.name.as_str() != other,
            AskedWith::Only(one) => self.kind == LineKind::OfAnyBrowser || is_it(one),
            AskedWith::NoOther(one) => self.kind != LineKind::Credential || is_it(one),
            AskedWith::None => self.kind != LineKind::Credential,
        }
    }
}

impl LineKind {
    /// Of a header; `None` if it does not belong in a question by `rule`, as all do by which an application may know
    /// somebody.
    fn of(name: &str, names: &KeyNames, rule: &WhoamiRule) -> Option<Self> {
        // What nearly every request brings, told apart by one look.
        let is_usual = matches!(
            name,
            "accept-language"
                | "authorization"
                | COOKIE
                | "host"
                | "origin"
                | "referer"
                | "user-agent"
        );
        let is_left_out = || is_about_the_request(name) || overrides_method(name);
        let is_fixed = rule.headers.iter().any(|(fixed, _)| fixed == name);
        if is_fixed || (!is_usual && is_left_out()) {
            None
        } else if matches!(name, COOKIE | "authorization") || names.is_header(name) {
            Some(Self::Credential)
        } else if is_usual || is_of_any_browser(name) {
            Some(Self::OfAnyBrowser)
        } else {
            Some(Self::Unknown)
        }
    }
}

/// What else browsers send by themselves, and what proxies say of them: nothing by which an application knows a
/// person.
fn is_of_any_browser(name: &str) -> bool {
    matches!(
        name,
        "dnt" | "forwarded" | "sec-gpc" | "save-data" | "via" | "x-requested-with"
    ) || name.starts_with("x-forwarded-")
        || name.starts_with("sec-ch-")
}

/// Whether a header is of this one request, or of its body, and tells nothing of a person.
fn is_about_the_request(name: &str) -> bool {
    match name {
        // What is asked for, in which form, and whether it may come from a cache (RFC 9110 §12.5, §13.1, §14);
        // and names of this one request, which would make every question another one.
        "accept"
        | "accept-encoding"
        | "cache-control"
        | "expect"
        | "if-match"
        | "if-modified-since"
        | "if-none-match"
        | "if-range"
        | "if-unmodified-since"
        | "pragma"
        | "priority"
        | "range"
        | "traceparent"
        | "tracestate"
        | "upgrade-insecure-requests"
        | "x-amzn-trace-id"
        | "x-correlation-id"
        | "x-request-id"
        | BrowserKeyCookie::HEADER
        // What the request brings, or how its connection is upgraded.
        | "content-disposition"
        | "content-encoding"
        | "content-language"
        | "content-length"
        | "content-location"
        | "content-md5"
        | "content-range"
        | "content-type"
        | "sec-websocket-extensions"
        | "sec-websocket-key"
        | "sec-websocket-version" => true,
        name => ["sec-fetch-", "x-b3-"]
            .iter()
            .any(|family| name.starts_with(family)),
    }
}

/// The pairs of a query whose names are among these, byte for byte.
pub(super) fn credentials_in<'q>(query: Option<&'q str>, names: &[impl AsRef<str>]) -> String {
    let is_named = |pair: &&'q str| {
        splits(pair).any(|(key, _)| {
            let once = percent_decode_str(key).decode_utf8_lossy();
            let mut names = names.iter();
            names.any(|name| same_key(&once.replace('+', " "), name.as_ref()))
        })
    };
    let pairs = query.into_iter().flat_map(|query| query.split(['&', ';']));
    pairs.filter(is_named).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::NamedKeys;

    #[test]
    fn all_goes_along_by_which_somebody_may_be_known() {
        let rule = super::super::rules::tests::rule("/{rest...}", "/me");
        let names = common_names();
        let is_asked = |name, with| {
            let line = (HeaderName::from_static(name), HeaderValue::from_static("1"));
            let headers = HeaderMap::from_iter([line]);
            let brought = Brought::by(&headers, None, &names, &rule);
            brought.headers_of(with).count() == 1
        };
        let cookie = Brings::Header(COOKIE);
        for (name, is_credential) in [
            ("authorization", true),
            ("content-token", false),
            ("cookie", true),
            ("sec-websocket-protocol", false),
            ("sudo", false),
            ("x-api-key", true),
            ("x-unheard-of", false),
        ] {
            let asked = |with| is_asked(name, with);
            assert!(asked(AskedWith::All), "{name}");
            assert!(asked(AskedWith::Only(Brings::Header(name))), "{name}");
            assert!(!asked(AskedWith::AllBut(name)), "{name}");
            assert_eq!(asked(AskedWith::Only(cookie)), name == "cookie", "{name}");
            let is_other = !is_credential || name == "cookie";
            assert_eq!(asked(AskedWith::NoOther(cookie)), is_other, "{name}");
            assert_eq!(asked(AskedWith::None), !is_credential, "{name}");
        }
        for name in ["user-agent", "x-forwarded-for", "host"] {
            assert!(is_asked(name, AskedWith::Only(cookie)), "{name}");
        }
        for name in [
            "accept",
            "content-length",
            "if-none-match",
            "step-up-key",
            "x-http-method-override",
        ] {
            assert!(!is_asked(name, AskedWith::All), "{name}");
        }
    }

    #[test]
    fn each_of_several_credentials_is_asked_about() {
        use AskedWith::{NoOther, None as Nothing, Only};
        let rule = super::super::rules::tests::rule("/{rest...}", "/me");
        let names = common_names();
        let [cookie, token, key] = ["cookie", "authorization", "x-api-key"].map(Brings::Header);
        let pair = Brings::Pair("access_token=1");
        let token_in_query = Some("a=1&access_token=1");
        for (lines, query, expected) in [
            (&["cookie", "user-agent"][..], None, vec![]),
            (&["x-unheard-of"], None, vec![]),
            (&["authorization", "accept"], None, vec![]),
            (
                &["cookie", "x-unheard-of"],
                None,
                vec![Only(cookie), Nothing],
            ),
            (
                &["authorization", "sudo", "x-unheard-of"],
                None,
                vec![Only(token), Nothing],
            ),
            (
                &["cookie", "authorization"],
                None,
                vec![Only(cookie), Only(token)],
            ),
            (&["x-api-key"], token_in_query, vec![Only(key), Only(pair)]),
            (
                &["cookie", "x-api-key", "x-user-id"],
                None,
                vec![
                    Only(cookie),
                    Only(key),
                    NoOther(cookie),
                    NoOther(key),
                    Nothing,
                ],
            ),
        ] {
            let lines = lines.iter().map(|name| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static("1"))
            });
            let headers: HeaderMap = lines.collect();
            let brought = Brought::by(&headers, query, &names, &rule);
            assert_eq!(brought.further(), Some(expected));
        }
        let many = ["cookie", "authorization", "x-api-key", "apikey", "api-key"];
        let headers = many.map(|name| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static("1"))
        });
        let headers = HeaderMap::from_iter(headers);
        assert_eq!(Brought::by(&headers, None, &names, &rule).further(), None);
    }

    fn common_names() -> KeyNames {
        KeyNames::new(NamedKeys {
            common: true,
            ..NamedKeys::default()
        })
    }

    #[test]
    fn credentials_of_the_query_go_along_byte_for_byte() {
        let names = ["key", "access_token"];
        let found = |query| credentials_in(Some(query), &names);
        assert_eq!(found("a=1&key=x%2Fy&b=2"), "key=x%2Fy");
        assert_eq!(found("KEY=1&%61ccess_token=2"), "KEY=1&%61ccess_token=2");
        assert_eq!(found("monkey=1"), "");
    }
}
