//! A question to the application: who is it that sent this request?
//!
//! It carries every end-to-end header of the request but those about its content and what is made of it, so
//! that the application finds whatever it knows people by, also credentials that the settings do not name.

use super::answers::{QuestionKey, QuestionParts, WhoamiAnswers};
use super::brought::{AskedWith, Brought};
use super::rules::WhoamiRule;
use crate::domain::Secret;
use crate::request::context::RequestContext;
use crate::request::headers::HeaderRules;
use crate::session::credentials::set_cookies;
use crate::session::exchange::OwnRequest;
use crate::session::onward::prepare_headers;
use crate::transport::upstream::Outgoing;
use bytes::{BufMut, Bytes, BytesMut};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Request, Uri, Version, header};
use std::net::IpAddr;
use std::sync::Arc;

/// A question about one request.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(super) rule: Arc<WhoamiRule>,
    pub(super) target: PathAndQuery,
    headers: HeaderMap,
}

impl Question {
    /// The question with what a request brings.
    pub(super) fn new(
        rule: &Arc<WhoamiRule>,
        target: &PathAndQuery,
        brought: &Brought<'_>,
        carried: AskedWith<'_>,
    ) -> Self {
        let mut kept = HeaderMap::with_capacity(brought.count() + 8);
        for (name, value) in brought.headers_of(carried) {
            kept.append(name, value.clone());
        }
        Self {
            rule: rule.clone(),
            target: with_credentials(target, brought.pairs_of(carried)),
            headers: kept,
        }
    }

    /// The key of the question that [`Self::new`] makes of the same, without making it.
    pub(super) fn key(
        answers: &WhoamiAnswers,
        rule: &WhoamiRule,
        target: &PathAndQuery,
        brought: &Brought<'_>,
        carried: AskedWith<'_>,
        context: &RequestContext<'_>,
    ) -> QuestionKey {
        let client = match context.client {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let peer = context.connection.data.hop.scheme();
        let mut parts = QuestionParts::new();
        parts.add(rule.paths.as_str().as_bytes());
        parts.add(target.as_str().as_bytes());
        parts.add(brought.pairs_of(carried).as_bytes());
        parts.add(&client.octets());
        parts.add(peer.as_bytes());
        for (name, value) in brought.headers_of(carried) {
            parts.add(name.as_str().as_bytes());
            parts.add(value.as_bytes());
        }
        answers.key(&parts)
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
    fn a_target_has_the_credentials_of_the_query_behind_its_own() {
        let target = PathAndQuery::from_static("/me?full=1");
        assert_eq!(with_credentials(&target, "key=1"), "/me?full=1&key=1");
    }
}
