//! Credentials that are neither cookies nor `Authorization`: keys in headers and in the query.

use super::subprotocol::{SUBPROTOCOL, is_token_of_websocket};
use crate::domain::{Body, BodyRefusal, same_key, splits, undo_odd_escapes};
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

/// Parameters of the query of the same kind: that of RFC 6750 §2.3, and those of `GitLab`, Emby, the *arr
/// family, Grafana, `CircleCI`, Dolibarr and Plex. Not `key` and `token`, which many applications have in links
/// and lists.
pub(super) const COMMON_PARAMETERS: &[&str] = &[
    ACCESS_TOKEN,
    "api_key",
    "api_token",
    "apikey",
    "auth_token",
    "circle-token",
    "dolapikey",
    "job_token",
    "private_token",
    "x-plex-token",
];

/// RFC 6750 §2.2 and §2.3: in a form as well.
const ACCESS_TOKEN: &str = "access_token";

/// Which headers, parameters of the query and fields of bodies are credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyNames {
    headers: Vec<Box<[u8]>>,
    common_headers: Vec<&'static str>,
    /// Whether a token in the subprotocol of a WebSocket counts.
    subprotocol: bool,
    query: Vec<Cow<'static, str>>,
    /// One of them is in each name of the query.
    words: Vec<String>,
    /// Fields of forms: the parameters that the settings name, since frameworks take one for the other.
    form: Vec<Cow<'static, str>>,
    /// JSON pointers.
    json: Vec<String>,
    /// Whether the settings name what bodies may hold, so that they must be read.
    reads_body: bool,
}

/// What settings say of them.
#[derive(Debug, Default)]
pub struct NamedKeys {
    /// Headers, besides the common ones.
    pub headers: Vec<HeaderName>,
    /// Parameters of the query and fields of forms.
    pub query: Vec<String>,
    /// JSON pointers into bodies.
    pub json: Vec<String>,
    /// Whether the common ones count.
    pub common: bool,
    /// Common ones that do not, since everybody sends the same.
    pub public: Vec<String>,
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
    /// Whether only the handshake of a WebSocket is read for it.
    pub(super) fn is_of_websocket(&self) -> bool {
        self.name == SUBPROTOCOL.as_bytes()
    }

    /// One that only some applications see.
    fn in_doubt(self) -> Self {
        Self {
            is_plain: false,
            ..self
        }
    }
}

impl KeyNames {
    /// Those that the settings name, and the common ones.
    pub fn new(named: NamedKeys) -> Self {
        let NamedKeys {
            headers,
            query,
            json,
            common,
            public,
        } = named;
        let counts = |name: &&&str| {
            let is_public = |public: &String| public.eq_ignore_ascii_case(name);
            common && !public.iter().any(is_public)
        };
        let common_query = COMMON_PARAMETERS.iter().filter(counts).copied();
        let form = common_query.clone().filter(|name| *name == ACCESS_TOKEN);
        // RFC 6750 §2.2 tokens in a form count where it is read anyway: no honest form gets too large by them.
        let reads_body = !(query.is_empty() && json.is_empty());
        let named: Vec<_> = query.into_iter().map(Cow::Owned).collect();
        let common_query = common_query.map(Cow::Borrowed);
        let query: Vec<_> = named.iter().cloned().chain(common_query).collect();
        // Two words stand for all common names: a query is searched twice, not ten times.
        let mut words: Vec<_> = query.iter().map(|name| word_of(name)).collect();
        words.sort_unstable();
        words.dedup();
        Self {
            headers: headers.iter().map(|name| folded(name.as_str())).collect(),
            common_headers: COMMON_HEADERS.iter().filter(counts).copied().collect(),
            subprotocol: counts(&&SUBPROTOCOL),
            query,
            words,
            form: named.into_iter().chain(form.map(Cow::Borrowed)).collect(),
            json,
            reads_body,
        }
    }

    /// The parameters of the query that are credentials.
    pub(in crate::session) fn parameters(&self) -> &[Cow<'static, str>] {
        &self.query
    }

    /// Whether a header of this name, in lower case, is a credential.
    pub fn reads_header(&self, name: &str) -> bool {
        let folded = folded(name);
        let named = self.headers.iter().any(|own| **own == *folded);
        named || self.common_headers.contains(&name)
    }

    /// Whether a name is one of the common ones.
    pub fn is_common(name: &str) -> bool {
        let all = COMMON_HEADERS.iter().chain(COMMON_PARAMETERS);
        let mut all = all.chain(&[SUBPROTOCOL]);
        all.any(|common| common.eq_ignore_ascii_case(name))
    }

    /// Whether the body of a guarded request must be read for them.
    pub fn reads_body(&self) -> bool {
        self.reads_body
    }

    /// The keys that a request carries in its head, by name.
    pub(super) fn find<'q>(
        &self,
        headers: &HeaderMap,
        query: Option<&'q str>,
        hidden: impl Iterator<Item = &'q str>,
    ) -> Vec<Key> {
        let mut keys = Vec::new();
        for (name, value) in headers {
            let name = name.as_str();
            if self.is_header(name) || (self.subprotocol && is_token_of_websocket(name, value)) {
                let known = folded(name);
                keys.push(Key {
                    is_plain: *known == *name.as_bytes(),
                    name: known.into_vec(),
                    value: value.as_bytes().to_vec(),
                });
            }
        }
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            keys.extend(self.in_query(query));
        }
        for query in hidden {
            keys.extend(self.in_query(query).into_iter().map(Key::in_doubt));
        }
        keys
    }

    /// The keys that a body holds. Refuses one that may hold some and cannot be read.
    ///
    /// In whatever spelling: a login with a key is not believed, so nobody has a session with one in another.
    pub(super) fn find_in_body(&self, body: &Body<'_>) -> Result<Vec<Key>, BodyRefusal> {
        if !self.json.is_empty() {
            body.refuse_hidden_json()?;
        }
        let key = |mark: &str, name: &str, value: &[u8]| Key {
            name: format!("{mark}{name}").into_bytes(),
            value: value.to_vec(),
            is_plain: true,
        };
        let fields = self.form.iter().flat_map(|name| {
            let values = body.form_values(name);
            values.map(move |value| key("=", name, value))
        });
        let members = self.json.iter().flat_map(|pointer| {
            let texts = body.json_texts(pointer).into_iter();
            texts.map(move |text| key("", pointer, text.as_bytes()))
        });
        Ok(fields.chain(members).collect())
    }

    /// Whether a header is a credential, to CGI as well.
    pub(in crate::session) fn is_header(&self, name: &str) -> bool {
        let is = |known: &[u8]| {
            known.len() == name.len() && known.iter().copied().eq(name.bytes().map(fold))
        };
        // Nearly all headers end otherwise.
        let may_be_common = matches!(name.as_bytes().last(), Some(b'i' | b'n' | b'y'));
        let mut common = self.common_headers.iter();
        (may_be_common && common.any(|known| is(known.as_bytes())))
            || self.headers.iter().any(|known| is(known))
    }

    /// The places in a query where some application may find a parameter that is a key.
    fn in_query(&self, query: &str) -> Vec<Key> {
        // A cheap test before names are decoded.
        let may_hold = query.contains('%') || self.words.iter().any(|word| holds(query, word));
        if !may_hold {
            return Vec::new();
        }
        let mut keys: Vec<Key> = self.named_in(query).collect();
        if let Some(as_jetty) = undo_odd_escapes(query) {
            let others = self.named_in(&as_jetty);
            let others = others.filter(|other| keys.iter().all(|key| key.value != other.value));
            let others: Vec<Key> = others.collect();
            keys.extend(others.into_iter().map(Key::in_doubt));
        }
        keys
    }

    /// Pairs are separated by `&`, `;` (old Python and Ruby), or a further `?`; the name in every spelling.
    fn named_in<'q>(&'q self, query: &'q str) -> impl Iterator<Item = Key> + 'q {
        let pairs = query.split(['&', ';', '?']);
        let pairs = pairs.flat_map(|pair| splits(pair).map(move |both| (pair, both)));
        pairs.filter_map(move |(pair, (key, value))| {
            let once = percent_decode_str(key).decode_utf8_lossy();
            let twice = percent_decode_str(&once).decode_utf8_lossy();
            let [spaced, spaced_twice] = [&once, &twice].map(|key| with_blanks(key));
            let is_named = |name: &&Cow<'static, str>| {
                *key == ***name || same_key(&spaced, name) || same_key(&spaced_twice, name)
            };
            let name = self.query.iter().find(is_named)?;
            Some(Key {
                name: format!("?{name}").into_bytes(),
                value: value.as_bytes().to_vec(),
                is_plain: *key == **name
                    && is_only(query, name, value)
                    && splits(pair).count() == 1,
            })
        })
    }
}

fn with_blanks(key: &str) -> Cow<'_, str> {
    if key.contains('+') {
        Cow::Owned(key.replace('+', " "))
    } else {
        Cow::Borrowed(key)
    }
}

/// Whether this is the one value of `name` where only `&` separates.
fn is_only(query: &str, name: &str, value: &str) -> bool {
    let mut plainly = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value)
    });
    plainly.next() == Some(value) && plainly.next().is_none()
}

/// A word that is in every spelling of `name` without escapes, the same for many names.
fn word_of(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let common = ["token", "key"].into_iter();
    let word = common.into_iter().find(|word| name.contains(word));
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let words = name.split(|c| !is_word(c));
    let longest = || words.max_by_key(|word| word.len()).unwrap_or_default();
    word.map_or_else(|| longest().to_owned(), str::to_owned)
}

/// Whether a word occurs in `query`, whatever the letter case.
fn holds(query: &str, word: &str) -> bool {
    let Some(first) = word.bytes().next() else {
        return true;
    };
    memchr2_iter(first, first.to_ascii_uppercase(), query.as_bytes()).any(|at| {
        let window = query.as_bytes().get(at..at + word.len());
        window.is_some_and(|window| window.eq_ignore_ascii_case(word.as_bytes()))
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
        let all = KeyNames::new(NamedKeys {
            common: true,
            ..NamedKeys::default()
        });
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
