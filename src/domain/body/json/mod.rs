//! JSON (RFC 8259), read strictly: no key twice, bounded depth, numbers as they are written.
//!
//! Our own reader, because numbers must not be rounded (a grant may be bound to one) and because
//! the key that occurs twice must be seen.

mod reader;

use super::BodyRefusal;
use crate::domain::path::same_folded;
use std::borrow::Cow;
use std::collections::HashSet;

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

    /// Every value that an application may find at an RFC 6901 pointer.
    ///
    /// A list counts with every item: one that stands where an object is asked for is a batch (JSON-RPC 2.0
    /// section 6), and a number names all items, not one.
    pub(super) fn at<'j>(&'j self, pointer: &str) -> Vec<&'j Self> {
        let mut found = vec![self];
        for token in Self::tokens(pointer) {
            let mut next = Vec::new();
            for value in found {
                value.children(&token, &mut next);
            }
            if Self::index(&token).is_some() {
                // A value and what is in it may be reached in several ways.
                let mut seen = HashSet::new();
                next.retain(|value| seen.insert(std::ptr::from_ref(*value)));
            }
            found = next;
        }
        found
    }

    /// What the pointer leaves of the value, so exactly that two values have the same text only if all that
    /// [`Self::at`] finds is the same, in the same items of the same lists.
    pub(super) fn exactly_at(&self, pointer: &str) -> String {
        let tokens: Vec<String> = Self::tokens(pointer).collect();
        self.projected(&tokens)
    }

    /// The names that a pointer consists of.
    pub(super) fn tokens(pointer: &str) -> impl Iterator<Item = String> {
        let tokens = pointer.split('/').skip(1);
        tokens.map(|token| token.replace("~1", "/").replace("~0", "~"))
    }

    /// The number that a token is, if it names an item of a list (RFC 6901 section 4).
    pub(super) fn index(token: &str) -> Option<usize> {
        token.parse().ok()
    }

    /// Whether applications may take member `sent` for member `known`: Go ignores letter case, and
    /// protobuf reads `user_id` and `userId` alike.
    pub(super) fn same_member(sent: &str, known: &str) -> bool {
        let is_kept = |c: &char| !matches!(c, '_' | '-');
        let bare = |text: &str| text.chars().filter(is_kept).collect::<String>();
        let is_joined = |text: &str| text.contains(['_', '-']);
        same_folded(sent, known)
            || ((is_joined(sent) || is_joined(known)) && {
                let known = bare(known);
                !known.is_empty() && same_folded(&bare(sent), &known)
            })
    }

    /// The entries of the object, or of every object in a list.
    pub(super) fn entries(&self) -> Vec<&(String, Self)> {
        match self {
            Self::Object(entries) => entries.iter().collect(),
            Self::Array(items) => items.iter().flat_map(Self::entries).collect(),
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => Vec::new(),
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

    fn children<'j>(&'j self, token: &str, into: &mut Vec<&'j Self>) {
        let is_index = Self::index(token).is_some();
        match self {
            Self::Array(items) if is_index => into.extend(items),
            Self::Array(items) => items.iter().for_each(|item| item.children(token, into)),
            // PHP reads `{"0": …}` as a list; Jackson can be told to read one value as a list of one.
            Self::Object(entries) if is_index => {
                into.push(self);
                into.extend(entries.iter().map(|(_, value)| value));
            }
            Self::Object(entries) => {
                let named = entries
                    .iter()
                    .filter(|(key, _)| Self::same_member(key, token));
                into.extend(named.map(|(_, value)| value));
            }
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => {
                into.extend(is_index.then_some(self));
            }
        }
    }

    fn projected(&self, tokens: &[String]) -> String {
        let Some((token, rest)) = tokens.split_first() else {
            return self.to_text();
        };
        let is_index = Self::index(token).is_some();
        let list = |parts: Vec<String>, open: char, close: char| {
            format!("{open}{}{close}", parts.join(","))
        };
        match self {
            Self::Array(items) => {
                let below = if is_index { rest } else { tokens };
                let parts = items.iter().map(|item| item.projected(below));
                list(parts.collect(), '[', ']')
            }
            // Whatever a number may mean in it.
            Self::Object(_) if is_index => self.to_text(),
            Self::Object(entries) => {
                let named = entries
                    .iter()
                    .filter(|(key, _)| Self::same_member(key, token));
                let parts = named.map(|(_, value)| value.projected(rest));
                list(parts.collect(), '(', ')')
            }
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) if is_index => {
                self.to_text()
            }
            Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => "()".to_owned(),
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
    fn a_prototype_is_refused_at_any_depth() {
        for text in [
            r#"{"__proto__":{"a":1}}"#,
            r#"[{"x":{"__\u0070roto__":{}}}]"#,
        ] {
            assert!(
                matches!(parse(text), Err(BodyRefusal::Unreadable(_))),
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
        assert!(texts("/list/1/m").is_empty() && texts("/action/x").is_empty());
    }

    #[test]
    fn every_item_of_a_list_counts() {
        let texts = |text: &str, pointer: &str| {
            let json = parse(text).unwrap();
            let found = json.at(pointer).into_iter();
            found.flat_map(Json::texts).collect::<Vec<_>>().join(" ")
        };
        for (text, pointer, found) in [
            (r#"[{"m":1},{"m":2}]"#, "/m", "1 2"),
            (r#"[[{"m":1}],[[{"m":2}]]]"#, "/m", "1 2"),
            (r#"[{"M":1},5,{"n":2},null]"#, "/m", "1"),
            (r#"{"r":[{"p":1},{"p":2}]}"#, "/r/0/p", "1 2"),
            (r#"{"r":[[{"p":1}],{"p":2}]}"#, "/r/7/p", "1 2"),
            (r#"{"r":{"0":{"p":1},"9":{"p":2}}}"#, "/r/0/p", "1 2"),
            (r#"{"r":{"p":1}}"#, "/r/0/p", "1"),
            (r#"[{"r":[{"p":1}]},{"r":[{"p":2}]}]"#, "/r/0/p", "1 2"),
            (r#"{"r":[{"p":1},{"p":2}]}"#, "/r/p", "1 2"),
            (r#"{"params":[5,6]}"#, "/params/0", "5 6"),
            (r#"{"params":5}"#, "/params/0", "5"),
            (
                r#"{"user_id":1,"userId":2,"USER-ID":3,"user":4}"#,
                "/userId",
                "1 2 3",
            ),
            (r#"{"_":1}"#, "/", ""),
        ] {
            assert_eq!(texts(text, pointer), found, "{text} {pointer}");
        }
    }

    #[test]
    fn many_ways_to_one_value_are_not_walked_one_by_one() {
        let deep = format!("{}1{}", r#"{"a":["#.repeat(30), "]}".repeat(30));
        let json = parse(&deep).unwrap();
        assert!(json.at(&"/0".repeat(200)).len() <= 61);
    }

    #[test]
    fn what_is_bound_tells_one_list_from_another() {
        let bound = |text: &str, pointer: &str| parse(text).unwrap().exactly_at(pointer);
        let pointer = "/id";
        let all = [
            r#"{"id":5}"#,
            r#"{"id":"5"}"#,
            r#"{"x":5}"#,
            r#"[{"id":5}]"#,
            r#"[{"id":5},{"x":1}]"#,
            r#"[{"x":1},{"id":5}]"#,
            r#"[[{"id":5}]]"#,
            r#"{"id":5,"ID":5}"#,
            r#"{"id":[5]}"#,
            "5",
        ];
        for (index, one) in all.iter().enumerate() {
            for other in all.iter().skip(index + 1) {
                // Neither holds anything of that name.
                let none = [r#"{"x":5}"#, "5"];
                let is_same = none.contains(one) && none.contains(other);
                let same = bound(one, pointer) == bound(other, pointer);
                assert_eq!(same, is_same, "{one} {other}");
            }
        }
        assert_eq!(
            bound(r#"{"id":5,"x":1}"#, pointer),
            bound(r#"{"id":5}"#, pointer)
        );
        let indexed = |text| bound(text, "/r/0/id");
        assert_ne!(
            indexed(r#"{"r":[{"id":5}]}"#),
            indexed(r#"{"r":[{"id":5},{"id":6}]}"#)
        );
        assert_ne!(
            indexed(r#"{"r":{"0":{"id":5}}}"#),
            indexed(r#"{"r":{"0":{"id":6}}}"#)
        );
    }
}
