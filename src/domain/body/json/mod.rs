//! JSON (RFC 8259), read strictly: no key twice, bounded depth, numbers as they are written.
//!
//! Our own reader, because numbers must not be rounded (a grant may be bound to one) and because
//! the key that occurs twice must be seen.

mod reader;

use super::BodyRefusal;
use crate::domain::path::same_folded;
use std::borrow::Cow;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Array(Vec<Self>),
    Bool(bool),
    Null,
    /// As it is written.
    Number(String),
    Object(Vec<(String, Self)>),
    String(String),
}

impl Json {
    /// Reads one value and nothing after it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BodyRefusal> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| BodyRefusal::unreadable("JSON that is not UTF-8"))?;
        reader::read(text)
    }

    /// Every value at an RFC 6901 pointer. Letter case of keys is ignored, as Go does.
    pub(super) fn at<'j>(&'j self, pointer: &str) -> Vec<&'j Self> {
        let mut found = vec![self];
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            found = found
                .into_iter()
                .flat_map(|value| value.children(&token))
                .collect();
        }
        found
    }

    /// The entries of an object; nothing of anything else.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            Self::Array(_) | Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => &[],
        }
    }

    /// Every key with the text of its value, at any depth.
    pub(super) fn named_texts(&self) -> Vec<(&str, Cow<'_, str>)> {
        match self {
            Self::Array(items) => items.iter().flat_map(Self::named_texts).collect(),
            Self::Object(entries) => entries
                .iter()
                .flat_map(|(key, value)| {
                    let text = value
                        .as_text()
                        .map_or_else(|| Cow::Owned(value.to_text()), Cow::Borrowed);
                    let below = value.named_texts();
                    std::iter::once((key.as_str(), text)).chain(below)
                })
                .collect(),
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => Vec::new(),
        }
    }

    /// The text of a string.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Array(_) | Self::Bool(_) | Self::Null | Self::Number(_) | Self::Object(_) => None,
        }
    }

    /// What people and tests see: text without quotes. The items of an array count each.
    pub(super) fn texts(&self) -> Vec<String> {
        match self {
            Self::Array(items) => items.iter().flat_map(Self::texts).collect(),
            Self::String(text) => vec![text.clone()],
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::Object(_) => vec![self.to_text()],
        }
    }

    /// The value as compact JSON; two values have the same text only if they are the same.
    pub(super) fn to_text(&self) -> String {
        let join = |items: Vec<String>| items.join(",");
        match self {
            Self::Array(items) => format!("[{}]", join(items.iter().map(Self::to_text).collect())),
            Self::Bool(value) => value.to_string(),
            Self::Null => "null".to_owned(),
            Self::Number(text) => text.clone(),
            Self::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| format!("{}:{}", quoted(key), value.to_text()));
                format!("{{{}}}", join(entries.collect()))
            }
            Self::String(text) => quoted(text),
        }
    }

    fn children<'j>(&'j self, token: &str) -> Vec<&'j Self> {
        match self {
            Self::Object(entries) => entries
                .iter()
                .filter(|(key, _)| same_folded(key, token))
                .map(|(_, value)| value)
                .collect(),
            Self::Array(items) => token
                .parse::<usize>()
                .ok()
                .and_then(|at| items.get(at))
                .into_iter()
                .collect(),
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => Vec::new(),
        }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => out.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::reader::MAX_DEPTH;
    use super::*;

    fn parse(text: &str) -> Result<Json, BodyRefusal> {
        Json::parse(text.as_bytes())
    }

    #[test]
    fn what_is_json_is_read_and_the_rest_is_not() {
        // The well-known reader is the judge of both lists.
        for text in [
            "{}",
            "[]",
            " [1 , -0.5e+3, 10E2] ",
            r#"{"a":{"b":[true,false,null]}}"#,
            r#""\u00e9\ud83d\ude00\/""#,
            "0",
            "\"é\"",
            "",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "'a'",
            "\"a",
            "\"\t\"",
            r#""\x""#,
            r#""\ud800""#,
            r#""\ud800\u0041""#,
            "[] []",
            "{\"a\" 1}",
            "\u{feff}{}",
            "NaN",
            "[1 2]",
            "\"\u{7f}\"",
        ] {
            let judge = serde_json::from_str::<serde_json::Value>(text);
            assert_eq!(parse(text).is_ok(), judge.is_ok(), "{text}");
            if let (Ok(ours), Ok(theirs)) = (parse(text), judge) {
                let back: serde_json::Value = serde_json::from_str(&ours.to_text()).unwrap();
                assert_eq!(back, theirs, "{text}");
            }
        }
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"\u0061":2}}]"#] {
            assert_eq!(
                parse(text),
                Err(BodyRefusal::AmbiguousKey("a".to_owned())),
                "{text}"
            );
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(parse(&nested(MAX_DEPTH + 2)).is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn pointers_find_every_value_an_application_may_take() {
        let json =
            parse(r#"{"Action":"a","action":"b","list":[{"n":12345678901234567890123}],"x/y":1}"#)
                .unwrap();
        let texts = |pointer| {
            json.at(pointer)
                .into_iter()
                .flat_map(Json::texts)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts("/action"), ["a", "b"]);
        assert_eq!(texts("/list/0/n"), ["12345678901234567890123"]);
        assert_eq!(texts("/x~1y"), ["1"]);
        assert!(texts("/list/1").is_empty() && texts("/action/x").is_empty());
    }
}
