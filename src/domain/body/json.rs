//! JSON (RFC 8259), read strictly: no key twice, bounded depth, numbers as they are written.
//!
//! Our own reader, because numbers must not be rounded (a grant may be bound to one) and because
//! the key that occurs twice must be seen.

use super::BodyRefusal;
use crate::domain::path::same_folded;

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;

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
        let mut reader = Reader {
            rest: text,
            length: text.len(),
        };
        let value = reader.value(0)?;
        reader.skip_blanks();
        if reader.rest.is_empty() {
            Ok(value)
        } else {
            Err(reader.broken())
        }
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

    /// The value of one key, spelled exactly.
    pub(super) fn key(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value),
            Self::Array(_) | Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => None,
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

struct Reader<'t> {
    rest: &'t str,
    length: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, BodyRefusal> {
        if depth > MAX_DEPTH {
            return Err(BodyRefusal::unreadable(format!(
                "JSON nested deeper than {MAX_DEPTH}"
            )));
        }
        self.skip_blanks();
        match self.rest.bytes().next() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ if self.take("true") => Ok(Json::Bool(true)),
            _ if self.take("false") => Ok(Json::Bool(false)),
            _ if self.take("null") => Ok(Json::Null),
            _ => Err(self.broken()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, BodyRefusal> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        let mut keys = std::collections::HashSet::new();
        self.expect("{")?;
        self.skip_blanks();
        if self.take("}") {
            return Ok(Json::Object(entries));
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            if !keys.insert(key.clone()) {
                return Err(BodyRefusal::AmbiguousKey(key));
            }
            self.skip_blanks();
            self.expect(":")?;
            entries.push((key, self.value(depth + 1)?));
            self.skip_blanks();
            if self.take("}") {
                return Ok(Json::Object(entries));
            }
            self.expect(",")?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, BodyRefusal> {
        let mut items = Vec::new();
        self.expect("[")?;
        self.skip_blanks();
        if self.take("]") {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_blanks();
            if self.take("]") {
                return Ok(Json::Array(items));
            }
            self.expect(",")?;
        }
    }

    fn string(&mut self) -> Result<String, BodyRefusal> {
        self.expect("\"")?;
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) if c >= ' ' => text.push(c),
                Some(_) | None => return Err(self.broken()),
            }
        }
    }

    fn escape(&mut self) -> Result<char, BodyRefusal> {
        match self.next() {
            Some(c @ ('"' | '\\' | '/')) => Ok(c),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode_escape(),
            Some(_) | None => Err(self.broken()),
        }
    }

    /// Halves of surrogate pairs alone are refused: applications replace them in their own ways.
    fn unicode_escape(&mut self) -> Result<char, BodyRefusal> {
        let high = self.hex4()?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(|| self.broken());
        }
        self.expect("\\u")?;
        let low = self.hex4()?;
        let low = low.checked_sub(0xDC00).filter(|low| *low < 0x400);
        low.and_then(|low| char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + low))
            .ok_or_else(|| self.broken())
    }

    fn hex4(&mut self) -> Result<u32, BodyRefusal> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self
                .next()
                .and_then(|c| c.to_digit(16))
                .ok_or_else(|| self.broken())?;
            value = value * 16 + digit;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, BodyRefusal> {
        let start = self.rest;
        self.take("-");
        if !self.take("0") && self.digits() == 0 {
            return Err(self.broken());
        }
        if self.take(".") && self.digits() == 0 {
            return Err(self.broken());
        }
        if self.take("e") || self.take("E") {
            let _sign = self.take("+") || self.take("-");
            if self.digits() == 0 {
                return Err(self.broken());
            }
        }
        let length = start.len() - self.rest.len();
        Ok(Json::Number(
            start.get(..length).unwrap_or_default().to_owned(),
        ))
    }

    fn digits(&mut self) -> usize {
        let after = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let count = self.rest.len() - after.len();
        self.rest = after;
        count
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, word: &str) -> Result<(), BodyRefusal> {
        if self.take(word) {
            Ok(())
        } else {
            Err(self.broken())
        }
    }

    fn broken(&self) -> BodyRefusal {
        BodyRefusal::unreadable(format!(
            "JSON broken at byte {}",
            self.length - self.rest.len()
        ))
    }
}

#[cfg(test)]
mod tests {
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
