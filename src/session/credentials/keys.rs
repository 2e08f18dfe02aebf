//! Credentials that are neither cookies nor `Authorization`: keys in headers and in the query.

use crate::domain::{same_key, splits, undo_odd_escapes};
use http::header::{HeaderMap, HeaderName};
use memchr::memchr2_iter;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// Headers that hold the client's own key or token in applications and frameworks that many run.
///
/// Not those that prove where a request comes from (`X-CSRF-Token`), which change with each page.
pub const COMMON_HEADERS: &[&str] = &[
    "api-key",
    "apikey",
    "circle-token",
    "deploy-token",
    "dolapikey",
    "job-token",
    "private-token",
    "x-access-token",
    "x-api-key",
    "x-api-token",
    "x-apikey",
    "x-auth-key",
    "x-auth-token",
    "x-authorization",
    "x-consul-token",
    "x-emby-token",
    "x-figma-token",
    "x-jfrog-art-api",
    "x-nomad-token",
    "x-nuget-apikey",
    "x-octopus-apikey",
    "x-okapi-token",
    "x-parse-session-token",
    "x-plex-token",
    "x-redmine-api-key",
    "x-rundeck-auth-token",
    "x-session-token",
    "x-shopify-access-token",
    "x-user-token",
    "x-vault-token",
];

/// RFC 6750 §2.3.
const COMMON_PARAMETERS: &[&str] = &["access_token"];

/// Which headers and parameters of the query are credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyNames {
    headers: Vec<Box<[u8]>>,
    query: Vec<Cow<'static, str>>,
    common: bool,
}

/// One of them in a request.
#[derive(Clone)]
pub(super) struct Key {
    /// Its name, so that no key counts for another.
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    /// Whether it is there in its own spelling. In another, only some applications see it.
    pub(super) is_plain: bool,
}

impl Key {
    /// One that only some applications see.
    fn in_doubt(self) -> Self {
        Self {
            is_plain: false,
            ..self
        }
    }
}

impl KeyNames {
    /// These headers and parameters, and the common ones if `common` says so.
    pub fn new(headers: &[HeaderName], query: &[String], common: bool) -> Self {
        let common_parameters = if common { COMMON_PARAMETERS } else { &[] };
        let query = query.iter().cloned().map(Cow::Owned);
        Self {
            headers: headers.iter().map(|name| folded(name.as_str())).collect(),
            query: query
                .chain(common_parameters.iter().copied().map(Cow::Borrowed))
                .collect(),
            common,
        }
    }

    /// The parameters of the query that are credentials.
    pub(in crate::session) fn parameters(&self) -> &[Cow<'static, str>] {
        &self.query
    }

    /// The keys that a request carries, by name.
    pub(super) fn find<'q>(
        &self,
        headers: &HeaderMap,
        query: Option<&'q str>,
        hidden: impl Iterator<Item = &'q str>,
    ) -> Vec<Key> {
        let mut keys = Vec::new();
        for (name, value) in headers {
            let name = name.as_str();
            if self.is_header(name) {
                let known = folded(name);
                keys.push(Key {
                    is_plain: *known == *name.as_bytes(),
                    name: known.into_vec(),
                    value: value.as_bytes().to_vec(),
                });
            }
        }
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            keys.extend(self.query.iter().flat_map(|name| in_query(query, name)));
        }
        for query in hidden {
            let found = self.query.iter().flat_map(|name| in_query(query, name));
            keys.extend(found.map(Key::in_doubt));
        }
        // A request is the same however its headers are ordered.
        keys.sort_by(|one, other| one.name.cmp(&other.name));
        keys
    }

    /// Whether a header is a credential, to CGI as well.
    fn is_header(&self, name: &str) -> bool {
        let is = |known: &[u8]| {
            known.len() == name.len() && known.iter().copied().eq(name.bytes().map(fold))
        };
        // Nearly all headers end otherwise.
        let may_be_common = matches!(name.as_bytes().last(), Some(b'i' | b'n' | b'y'));
        (self.common && may_be_common && COMMON_HEADERS.iter().any(|known| is(known.as_bytes())))
            || self.headers.iter().any(|known| is(known))
    }
}

/// The places in a query where some application may find parameter `name`.
fn in_query(query: &str, name: &str) -> Vec<Key> {
    // A cheap test before names are decoded.
    if !(query.contains('%') || holds_word_of(query, name)) {
        return Vec::new();
    }
    let mut keys: Vec<Key> = keys_named(query, name).collect();
    if let Some(as_jetty) = undo_odd_escapes(query) {
        let others = keys_named(&as_jetty, name);
        let others = others.filter(|other| keys.iter().all(|key| key.value != other.value));
        let others: Vec<Key> = others.collect();
        keys.extend(others.into_iter().map(Key::in_doubt));
    }
    keys
}

/// Pairs are separated by `&`, `;` (old Python and Ruby), or a further `?`; the name in every spelling.
fn keys_named<'q>(query: &'q str, name: &'q str) -> impl Iterator<Item = Key> + 'q {
    let mut plainly = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    });
    let only = plainly.next().filter(|_| plainly.next().is_none());
    let pairs = query.split(['&', ';', '?']);
    let pairs = pairs.flat_map(|pair| splits(pair).map(move |both| (pair, both)));
    pairs.filter_map(move |(pair, (key, value))| {
        let once = percent_decode_str(key).decode_utf8_lossy();
        let twice = percent_decode_str(&once).decode_utf8_lossy();
        let is_named = |key: &str| same_key(&key.replace('+', " "), name);
        let found = key == name || is_named(&once) || is_named(&twice);
        found.then(|| Key {
            name: format!("?{name}").into_bytes(),
            value: value.as_bytes().to_vec(),
            is_plain: key == name && only == Some(value) && splits(pair).count() == 1,
        })
    })
}

/// Whether the longest word of `name` occurs in `query`, whatever the letter case.
fn holds_word_of(query: &str, name: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric();
    let words = name.as_bytes().split(|byte| !is_word(byte));
    let Some(longest) = words.max_by_key(|word| word.len()) else {
        return true;
    };
    let Some(first) = longest.first() else {
        return true;
    };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr2_iter(lower, upper, query.as_bytes()).any(|at| {
        let window = query.as_bytes().get(at..at + longest.len());
        window.is_some_and(|window| window.eq_ignore_ascii_case(longest))
    })
}

fn folded(name: &str) -> Box<[u8]> {
    name.bytes().map(fold).collect()
}

/// Every mark counts as `-`: CGI makes `_` of both, Apache up to 2.2 of all.
fn fold(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() {
        byte.to_ascii_lowercase()
    } else {
        b'-'
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_headers_are_in_the_docs_and_may_be_told_by_their_last_letter() {
        let docs = include_str!("../../../docs/operations.md");
        for name in COMMON_HEADERS.iter().chain(COMMON_PARAMETERS) {
            assert!(docs.contains(&format!("`{name}`")), "{name}");
        }
        let all = KeyNames::new(&[], &[], true);
        for name in COMMON_HEADERS {
            assert!(all.is_header(name), "{name}");
            for mark in ["_", ".", "~"] {
                assert!(
                    all.is_header(&name.replace('-', mark)),
                    "{name} with {mark}"
                );
            }
        }
        for other in [
            "x-csrf-token",
            "x-xsrf-token",
            "x-requested-with",
            "user-agent",
            "origin",
        ] {
            assert!(!all.is_header(other), "{other}");
        }
    }
}
