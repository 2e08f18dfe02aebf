//! A question to the application: who is it that sent this request?
//!
//! It carries every end-to-end header of the request but those about its content and what is made of it, so
//! that the application finds whatever it knows people by, also credentials that the settings do not name.

use super::answers::{QuestionKey, WhoamiAnswers};
use super::rules::WhoamiRule;
use crate::domain::{Secret, overrides_method, same_key, splits};
use crate::request::context::RequestContext;
use crate::request::headers::HeaderRules;
use crate::session::BrowserKeyCookie;
use crate::session::credentials::set_cookies;
use crate::session::exchange::OwnRequest;
use crate::session::onward::prepare_headers;
use crate::transport::upstream::Outgoing;
use bytes::{BufMut, Bytes, BytesMut};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, Version, header};
use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use std::sync::Arc;

const COOKIE: &str = "cookie";

/// A question about one request.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(super) rule: Arc<WhoamiRule>,
    pub(super) target: PathAndQuery,
    headers: HeaderMap,
}

impl Question {
    /// The question with the headers of a request, and the pairs of its query that are `credentials`.
    pub(super) fn new(
        rule: &Arc<WhoamiRule>,
        target: &PathAndQuery,
        headers: &HeaderMap,
        credentials: &str,
        carried: AskedWith,
    ) -> Self {
        let asked = headers
            .iter()
            .filter(|(name, _)| is_asked_with(name.as_str(), rule, carried));
        let mut kept = HeaderMap::with_capacity(headers.len() + 8);
        for (name, value) in asked {
            kept.append(name, value.clone());
        }
        Self {
            rule: rule.clone(),
            target: with_credentials(target, carried.of_query(credentials)),
            headers: kept,
        }
    }

    /// The key of the question that [`Self::new`] makes of the same, without making it.
    pub(super) fn key(
        answers: &WhoamiAnswers,
        rule: &WhoamiRule,
        target: &PathAndQuery,
        headers: &HeaderMap,
        credentials: &str,
        carried: AskedWith,
        context: &RequestContext<'_>,
    ) -> QuestionKey {
        let client = match context.client {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let peer = context.connection.data.hop.scheme();
        let head = [
            rule.paths.as_str().as_bytes(),
            target.as_str().as_bytes(),
            carried.of_query(credentials).as_bytes(),
            &client.octets(),
            peer.as_bytes(),
        ];
        let lines = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .filter(|(name, _)| is_asked_with(name, rule, carried))
            .flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        answers.key(head.into_iter().chain(lines))
    }

    /// The same question by whoever has got this answer: with the cookies that it sets, and the `Authorization`
    /// for the token in it.
    #[must_use]
    pub(crate) fn after(mut self, response: &HeaderMap, token: Option<&Secret<String>>) -> Self {
        if let Some(Ok(line)) = token.map(|line| HeaderValue::try_from(line.expose())) {
            self.headers.insert(header::AUTHORIZATION, line);
        }
        if let Some(line) = cookies_after(&self.headers, response) {
            self.headers.remove(header::COOKIE);
            if !line.is_empty() {
                self.headers.insert(header::COOKIE, line);
            }
        }
        self
    }

    /// As it is sent.
    pub(super) fn into_request(
        self,
        context: &RequestContext<'_>,
        rules: &HeaderRules,
    ) -> OwnRequest {
        let Self {
            rule,
            target,
            mut headers,
        } = self;
        for (name, value) in &rule.headers {
            headers.insert(name, value.clone());
        }
        let version = if context.is_http1() {
            Version::HTTP_11
        } else {
            Version::HTTP_2
        };
        prepare_headers(&mut headers, version, context, rules);
        let body = rule.body.clone();
        if let Some(body) = &body {
            headers.insert(header::CONTENT_LENGTH, body.len().into());
        }
        let mut request = Request::new(Outgoing::Read(body));
        *request.method_mut() = rule.method.clone();
        *request.uri_mut() = Uri::from(target);
        *request.headers_mut() = headers;
        OwnRequest(request)
    }
}

/// Which credentials of a request a question carries. An application may know somebody by its cookies on one
/// path and by a key on the next: where a request has both, it must name the same person for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AskedWith {
    /// All of them.
    All,
    /// The cookies, and what any browser sends.
    CookiesAlone,
    /// All but the cookies.
    NoCookies,
}

impl AskedWith {
    /// The questions about a request that follow that with all of them.
    pub(super) fn further(
        headers: &HeaderMap,
        credentials: &str,
        rule: &WhoamiRule,
    ) -> &'static [Self] {
        let is_other = |name: &HeaderName| {
            let name = name.as_str();
            name != COOKIE && !is_of_any_browser(name) && is_asked_with(name, rule, Self::All)
        };
        let has_others = !credentials.is_empty() || headers.keys().any(is_other);
        if has_others && headers.contains_key(header::COOKIE) {
            &[Self::CookiesAlone, Self::NoCookies]
        } else {
            &[]
        }
    }

    /// The credentials of the query that go along.
    fn of_query(self, credentials: &str) -> &str {
        match self {
            Self::All | Self::NoCookies => credentials,
            Self::CookiesAlone => "",
        }
    }
}

/// What browsers send by themselves, and what proxies say of them: nothing by which an application knows a
/// person.
pub(in crate::session::sources) fn is_of_any_browser(name: &str) -> bool {
    matches!(
        name,
        "accept-language"
            | "dnt"
            | "forwarded"
            | "host"
            | "origin"
            | "referer"
            | "sec-gpc"
            | "save-data"
            | "user-agent"
            | "via"
            | "x-requested-with"
    ) || name.starts_with("x-forwarded-")
        || name.starts_with("sec-ch-")
}

/// Whether a header of the request goes along: all do by which an application may know somebody.
fn is_asked_with(name: &str, rule: &WhoamiRule, asked: AskedWith) -> bool {
    let is_cookie = name == COOKIE;
    match asked {
        AskedWith::CookiesAlone if !(is_cookie || is_of_any_browser(name)) => return false,
        AskedWith::NoCookies if is_cookie => return false,
        AskedWith::All | AskedWith::CookiesAlone | AskedWith::NoCookies => {}
    }
    let is_fixed = || rule.headers.iter().any(|(fixed, _)| fixed == name);
    let is_about_the_request = match name {
        // What nearly every request brings, told apart by one look.
        "accept-language" | "authorization" | "cookie" | "host" | "origin" | "referer"
        | "user-agent" => return !is_fixed(),
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
    };
    !is_about_the_request && !overrides_method(name) && !is_fixed()
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
    let pairs = query.unwrap_or_default().split(['&', ';']);
    pairs.filter(is_named).collect::<Vec<_>>().join("&")
}

fn with_credentials(target: &PathAndQuery, credentials: &str) -> PathAndQuery {
    if credentials.is_empty() {
        return target.clone();
    }
    let mark = if target.query().is_some() { '&' } else { '?' };
    // It stood in a target before.
    PathAndQuery::try_from(format!("{target}{mark}{credentials}")).unwrap_or(target.clone())
}

/// The cookies of a browser that got this answer; `None` if it sets none.
fn cookies_after(headers: &HeaderMap, response: &HeaderMap) -> Option<HeaderValue> {
    let set: Vec<_> = set_cookies(response).collect();
    if set.is_empty() {
        return None;
    }
    let is_set = |pair: &[u8]| {
        let name = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        let name = name.trim_ascii();
        set.iter().any(|cookie| cookie.name.as_bytes() == name)
    };
    let lines = headers.get_all(header::COOKIE);
    let before = lines
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty() && !is_set(pair));
    let mut line = BytesMut::new();
    let mut push = |parts: &[&[u8]]| {
        if !line.is_empty() {
            line.put_slice(b"; ");
        }
        for part in parts {
            line.put_slice(part);
        }
    };
    for pair in before {
        push(&[pair]);
    }
    for (at, cookie) in set.iter().enumerate() {
        // The last of one name counts (RFC 6265 §5.3).
        let is_last = set
            .iter()
            .skip(at + 1)
            .all(|later| later.name != cookie.name);
        if let Some(value) = cookie.value.filter(|_| is_last) {
            push(&[cookie.name.as_bytes(), b"=", value]);
        }
    }
    HeaderValue::from_maybe_shared(Bytes::from(line)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookies_after_an_answer_are_those_that_a_browser_sends() {
        let mut headers = HeaderMap::new();
        headers.append("cookie", "a=1; sid=old".parse().unwrap());
        headers.append("cookie", "gone=2".parse().unwrap());
        let mut response = HeaderMap::new();
        assert_eq!(cookies_after(&headers, &response), None);
        for line in [
            "sid=mid; Path=/",
            "gone=; Max-Age=0",
            "new=\"x y\"; HttpOnly",
            "sid=new",
        ] {
            response.append("set-cookie", line.parse().unwrap());
        }
        let after = cookies_after(&headers, &response).unwrap();
        assert_eq!(after, "a=1; new=\"x y\"; sid=new");
    }

    #[test]
    fn all_goes_along_by_which_somebody_may_be_known() {
        let rule = super::super::rules::tests::rule("/{rest...}", "/me");
        let asked = |name: &'static str, with| is_asked_with(name, &rule, with);
        for name in [
            "authorization",
            "content-token",
            "cookie",
            "sec-websocket-protocol",
            "sudo",
            "x-unheard-of",
        ] {
            assert!(asked(name, AskedWith::All), "{name}");
            assert_eq!(
                asked(name, AskedWith::CookiesAlone),
                name == "cookie",
                "{name}"
            );
            assert_eq!(
                asked(name, AskedWith::NoCookies),
                name != "cookie",
                "{name}"
            );
        }
        for name in ["user-agent", "x-forwarded-for", "host"] {
            assert!(asked(name, AskedWith::CookiesAlone), "{name}");
        }
        for name in [
            "accept",
            "content-length",
            "if-none-match",
            "step-up-key",
            "x-http-method-override",
        ] {
            assert!(!asked(name, AskedWith::All), "{name}");
        }
    }

    #[test]
    fn credentials_of_the_query_go_along_byte_for_byte() {
        let names = ["key", "access_token"];
        let found = |query| credentials_in(Some(query), &names);
        assert_eq!(found("a=1&key=x%2Fy&b=2"), "key=x%2Fy");
        assert_eq!(found("KEY=1&%61ccess_token=2"), "KEY=1&%61ccess_token=2");
        assert_eq!(found("monkey=1"), "");
        let target = PathAndQuery::from_static("/me?full=1");
        assert_eq!(with_credentials(&target, "key=1"), "/me?full=1&key=1");
    }
}
