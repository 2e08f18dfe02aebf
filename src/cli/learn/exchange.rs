//! A recorded exchange, taken apart. It holds passwords and cookies: nothing of it is printed but names and paths.

use crate::domain::is_secret_name;
use crate::proxy::RecordedExchange;
use crate::session::set_cookies;
use http::header::{self, HeaderMap, HeaderName};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a value of a request stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FieldPlace {
    Form(String),
    /// At a JSON pointer.
    Json(String),
    Query(String),
}

impl FieldPlace {
    /// The name; of a pointer its last part.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Form(name) | Self::Query(name) => name,
            Self::Json(pointer) => pointer.rsplit('/').next().unwrap_or_default(),
        }
    }
}

/// A cookie that an answer sets, or deletes.
pub(super) struct SeenCookie {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) path: Option<String>,
    pub(super) http_only: bool,
}

/// What the body of an answer is.
pub(super) enum AnswerBody {
    Html(String),
    Json(Value),
    Other,
}

/// One request with its answer.
pub(super) struct SeenExchange {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    /// The values of the body, in their order.
    pub(super) fields: Vec<(FieldPlace, String)>,
    pub(super) cookies: BTreeMap<String, String>,
    pub(super) authorization: Option<String>,
    pub(super) referer: Option<String>,
    pub(super) status: u16,
    pub(super) location: Option<String>,
    pub(super) set: Vec<SeenCookie>,
    pub(super) answer: AnswerBody,
    /// As the sidecar will see it.
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl SeenExchange {
    pub(super) fn of(recorded: RecordedExchange) -> Self {
        let RecordedExchange {
            method,
            target,
            request,
            sent,
            status,
            response,
            answer: body,
        } = recorded;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let text = |headers: &HeaderMap, name: HeaderName| {
            let value = headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let lines = request.get_all(header::COOKIE).iter();
        let lines: Vec<_> = lines
            .map(|line| String::from_utf8_lossy(line.as_bytes()))
            .collect();
        let pairs = lines.iter().flat_map(|line| line.split(';'));
        let pairs = pairs.filter_map(|pair| pair.split_once('='));
        let cookies = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let kind = text(&request, header::CONTENT_TYPE).unwrap_or_default();
        let kind_of_answer = text(&response, header::CONTENT_TYPE).unwrap_or_default();
        let answer = match kind_of_answer.to_ascii_lowercase() {
            kind if kind.contains("html") => {
                AnswerBody::Html(String::from_utf8_lossy(&body).into())
            }
            kind if kind.contains("json") => {
                serde_json::from_slice(&body).map_or(AnswerBody::Other, AnswerBody::Json)
            }
            _ => AnswerBody::Other,
        };
        Self {
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            query: pairs_of(query.as_bytes()),
            fields: fields(&kind, &sent),
            cookies: cookies.collect(),
            authorization: text(&request, header::AUTHORIZATION),
            referer: text(&request, header::REFERER),
            status,
            location: text(&response, header::LOCATION),
            set: set(&response),
            answer,
            headers: response,
            body,
        }
    }

    /// A password that is sent, or what is named like one.
    pub(super) fn secret(&self) -> Option<&(FieldPlace, String)> {
        let mut fields = self.fields.iter();
        fields.find(|(place, value)| is_secret_name(place.name()) && !value.is_empty())
    }

    /// Whether the answer is a page that asks for a password.
    pub(super) fn asks_for_password(&self) -> bool {
        let AnswerBody::Html(page) = &self.answer else {
            return false;
        };
        let page = page.to_ascii_lowercase();
        ["type=\"password\"", "type='password'", "type=password"]
            .iter()
            .any(|field| page.contains(field))
    }

    /// The cookies that the answer gives another value.
    pub(super) fn renewed(&self) -> impl Iterator<Item = &SeenCookie> {
        self.set.iter().filter(|cookie| {
            cookie.value.is_some() && self.cookies.get(&cookie.name) != cookie.value.as_ref()
        })
    }

    /// The path of where the answer leads.
    pub(super) fn location_path(&self) -> Option<&str> {
        let location = self.location.as_deref()?;
        let local = match location.split_once("://") {
            None => location,
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        };
        local.split(['?', '#']).next()
    }
}

fn set(response: &HeaderMap) -> Vec<SeenCookie> {
    let lines = response.get_all(header::SET_COOKIE).iter();
    let http_only = lines.map(|line| {
        let line = line.as_bytes().to_ascii_lowercase();
        let mut attributes = line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        attributes.any(|attribute| attribute == b"httponly")
    });
    let http_only: Vec<_> = http_only.collect();
    let set = set_cookies(response).enumerate();
    set.map(|(index, cookie)| SeenCookie {
        name: cookie.name.to_owned(),
        value: cookie
            .value
            .map(|value| String::from_utf8_lossy(value).into_owned()),
        path: cookie.path.map(str::to_owned),
        http_only: http_only.get(index).copied().unwrap_or_default(),
    })
    .collect()
}

fn pairs_of(text: &[u8]) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(text).take(MOST_FIELDS);
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

fn fields(kind: &str, body: &[u8]) -> Vec<(FieldPlace, String)> {
    let lower = kind.to_ascii_lowercase();
    if lower.contains("json") {
        let mut fields = Vec::new();
        if let Ok(value) = serde_json::from_slice(body) {
            leaves(&value, String::new(), &mut fields);
        }
        let fields = fields.into_iter();
        fields
            .map(|(pointer, text)| (FieldPlace::Json(pointer), text))
            .collect()
    } else if lower.contains("urlencoded") {
        let pairs = pairs_of(body).into_iter();
        pairs
            .map(|(name, value)| (FieldPlace::Form(name), value))
            .collect()
    } else {
        let boundary = kind.split_once("boundary=").map(|(_, rest)| rest);
        let boundary = boundary.and_then(|rest| rest.split(';').next());
        boundary.map_or_else(Vec::new, |boundary| parts(boundary.trim_matches('"'), body))
    }
}

/// The fields of a form that is sent in parts (RFC 7578), but for files.
fn parts(boundary: &str, body: &[u8]) -> Vec<(FieldPlace, String)> {
    let text = String::from_utf8_lossy(body);
    let delimiter = format!("--{boundary}");
    let parts = text.split(&delimiter).take(MOST_FIELDS);
    let parts = parts.filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, rest) = head.split_once("name=\"")?;
        let name = rest
            .split('"')
            .next()
            .filter(|_| !head.contains("filename="))?;
        let value = value.strip_suffix("\r\n").unwrap_or(value);
        Some((FieldPlace::Form(name.to_owned()), value.to_owned()))
    });
    parts.collect()
}

/// The texts, numbers and truth values of a document, by their pointers (RFC 6901).
pub(super) fn leaves(value: &Value, at: String, found: &mut Vec<(String, String)>) {
    if found.len() >= MOST_FIELDS || at.len() > 1024 {
        return;
    }
    match value {
        Value::Null => {}
        Value::Bool(value) => found.push((at, value.to_string())),
        Value::Number(value) => found.push((at, value.to_string())),
        Value::String(value) => found.push((at, value.clone())),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, format!("{at}/{index}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(member, format!("{at}/{name}"), found);
            }
        }
    }
}

/// How many values of one message are looked at.
const MOST_FIELDS: usize = 2_000;
