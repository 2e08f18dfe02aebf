//! The grammar of RFC 8259, one function for each of its rules.

use super::Json;
use crate::domain::body::BodyRefusal;
use std::collections::HashSet;

/// How deep values may be nested.
pub(super) const MAX_DEPTH: usize = 64;

/// Reads one value and nothing after it.
pub(super) fn read(text: &str) -> Result<Json, BodyRefusal> {
    let mut reader = JsonReader {
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

struct JsonReader<'t> {
    rest: &'t str,
    length: usize,
}

impl JsonReader<'_> {
    fn value(&mut self, depth: usize) -> Result<Json, BodyRefusal> {
        // This recurses: nested deep enough, a body would overflow the stack.
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
        let mut keys = HashSet::new();
        self.expect("{")?;
        self.skip_blanks();
        if self.take("}") {
            return Ok(Json::Object(entries));
        }
        loop {
            self.skip_blanks();
            let key = self.string()?;
            // RFC 8259 §4: which of two members counts is "unpredictable".
            if !keys.insert(key.clone()) {
                return Err(BodyRefusal::AmbiguousKey(key));
            }
            // `Object.assign` makes what is in it entries of the object itself.
            if key == "__proto__" {
                return Err(BodyRefusal::unreadable("JSON with a key `__proto__`"));
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
                // RFC 8259 §7: control characters must be escaped.
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
        // RFC 8259 §2 knows no other blanks.
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
