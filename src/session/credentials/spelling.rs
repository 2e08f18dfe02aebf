//! The spellings of a value that applications undo, for telling that a session has ended.
//!
//! A credential counts by the bytes that came: what one application undoes is another value, or none,
//! to the next. But a session that was ended stays ended in all spellings, so each value is also
//! brought to one form that no longer depends on them.

use crate::domain::hex_byte;
use std::borrow::Cow;

/// A value with every escape undone, in the one form that all its spellings share.
///
/// Percent escapes (PHP, Rack, Express), `%u` (classic ASP), octal and other backslash escapes and quotes
/// (Python, RFC 2109), also several times over; blanks at the ends go, others are `+` (forms).
pub(super) fn reduced(value: &[u8]) -> Cow<'_, [u8]> {
    if value.iter().all(|byte| is_plain(*byte)) {
        return Cow::Borrowed(value);
    }
    let mut text = undone(value);
    for _ in 1..MOST_UNDONE {
        if !text.iter().any(|byte| is_escape(*byte)) {
            break;
        }
        text = undone(&text);
    }
    let is_blank = |byte: &u8| !byte.is_ascii_graphic();
    let begin = text.iter().position(|byte| !is_blank(byte));
    let end = text.iter().rposition(|byte| !is_blank(byte));
    let within = begin.zip(end).and_then(|(from, to)| text.get(from..=to));
    let within = within.unwrap_or_default();
    // To a parser of forms `+` is a blank, to one of cookies it is not: both spellings become one.
    let as_form = |byte: &u8| if *byte == b' ' { b'+' } else { *byte };
    Cow::Owned(within.iter().map(as_form).collect())
}

/// The one form of an `Authorization` line: the scheme as in `Bearer`, one blank, and what Basic means
/// (RFC 7617), since decoders of Base64 skip what does not belong to it and do without padding.
pub(super) fn reduced_authorization(line: &[u8]) -> Vec<u8> {
    let (scheme, rest) = split_scheme(line);
    let mut scheme = scheme.to_ascii_lowercase();
    if let Some(first) = scheme.first_mut() {
        first.make_ascii_uppercase();
    }
    let meant = match &*scheme {
        // RFC 9110 §11.1: the scheme is compared without case.
        b"Basic" => base64(rest),
        _ => reduced(rest).into_owned(),
    };
    [&*scheme, &*meant].join(&b' ')
}

/// The scheme of an `Authorization` line, and what follows it.
pub(super) fn split_scheme(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii();
    let end = line.iter().position(u8::is_ascii_whitespace);
    let (scheme, rest) = line.split_at(end.unwrap_or(line.len()));
    (scheme, rest.trim_ascii())
}

/// Decodes Base64 as the most forgiving decoders do, in either alphabet.
fn base64(text: &[u8]) -> Vec<u8> {
    // PHP, Python and Node pass over what is no digit (RFC 4648 §3.3 would have it refused).
    let six_bits = text.iter().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    });
    let mut out = Vec::with_capacity(text.len());
    let (mut held, mut count) = (0_u16, 0);
    for six in six_bits {
        held = held << 6 | u16::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [_, byte] = (held >> count).to_be_bytes();
            out.push(byte);
        }
    }
    out
}

/// Every value that some application may read where `value` came, reduced.
///
/// Parsers end a value at different bytes: Python's `http.cookies` at a blank, RFC 2965 readers at a
/// comma, Tomcat's old one at any separator of RFC 2616, C at NUL. Databases compare without case.
pub(super) fn readings(value: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut add = |reading: &[u8]| {
        let reading = reduced(reading);
        if !found.iter().any(|known| **known == *reading) {
            found.push(reading.into_owned());
        }
    };
    add(value);
    let quoted = value.strip_prefix(b"\"");
    for ends in ENDS {
        add(until(value, ends));
        if let Some(quoted) = quoted {
            add(until(quoted, ends));
        }
    }
    let decoded = reduced(value);
    add(until(&decoded, |byte| !byte.is_ascii_graphic()));
    // MySQL's and SQL Server's usual collations find a key in any case.
    if decoded.iter().any(u8::is_ascii_uppercase) {
        add(&decoded.to_ascii_lowercase());
    }
    found
}

/// A name or value with each escape undone once, and without quotes.
pub(super) fn undone(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let (meant, after) = match byte {
            b'%' => percent(after).unwrap_or((b'%', after)),
            b'\\' => backslash(after).unwrap_or((b'\\', after)),
            b'"' => {
                rest = after;
                continue;
            }
            other => (*other, after),
        };
        out.push(meant);
        rest = after;
    }
    out
}

/// The bytes at which [`undone`] changes something.
pub(super) const fn is_escape(byte: u8) -> bool {
    matches!(byte, b'%' | b'"' | b'\\')
}

/// The value of `;jsessionid=` and of a cookie, compared as the applications do that undo escapes.
pub(super) fn same_value(one: &[u8], other: &[u8]) -> bool {
    one == other || reduced(one) == reduced(other)
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !is_escape(byte)
}

fn percent(after: &[u8]) -> Option<(u8, &[u8])> {
    // Of `%u` only what is one byte: session keys hold nothing else.
    if let [b'u' | b'U', b'0', b'0', high, low, after @ ..] = after {
        return Some((hex_byte(&[*high, *low])?, after));
    }
    Some((hex_byte(after.get(..2)?)?, after.get(2..)?))
}

fn backslash(after: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |at: usize, most: u8| {
        let digit = after.get(at)?.checked_sub(b'0')?;
        (digit <= most).then_some(digit)
    };
    // Python's `http.cookies` reads three octal digits as a byte.
    if let (Some(high), Some(middle), Some(low)) = (digit(0, 3), digit(1, 7), digit(2, 7)) {
        return Some((high << 6 | middle << 3 | low, after.get(3..)?));
    }
    let (byte, after) = after.split_first()?;
    Some((*byte, after))
}

fn until(value: &[u8], ends: fn(u8) -> bool) -> &[u8] {
    let end = value.iter().position(|byte| ends(*byte));
    value.split_at(end.unwrap_or(value.len())).0
}

/// Where values end, one line a family of parsers.
const ENDS: [fn(u8) -> bool; 5] = [
    |byte| !byte.is_ascii_graphic(),
    |byte| byte == b',',
    |byte| byte == b'"',
    |byte| byte == b'&',
    |byte| b"()<>@:\\/[]?={}".contains(&byte),
];

/// How many layers of escapes are undone.
const MOST_UNDONE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_value_share_one_form() {
        for spelling in [
            "token:1",
            "%74oken%3a1",
            "%2574oken:1",
            "\"token:1\"",
            "\"\\164\\157ken\\:1\"",
            "%22token:1%22",
            " token:1\t",
            "%u0074oken%3A1",
            "\u{a0}token:1",
            "%00token:1%20",
        ] {
            let read = reduced(spelling.as_bytes());
            assert_eq!(read, &b"token:1"[..], "{spelling}");
        }
        assert_eq!(reduced(b"a%20b"), reduced(b"a+b"));
        assert_eq!(reduced(b"a%2Bb"), reduced(b"a+b"));
        for other in ["%zz", "100%", "%u01", "\\"] {
            assert_eq!(&*reduced(other.as_bytes()), other.as_bytes(), "{other}");
        }
    }

    #[test]
    fn a_value_may_end_earlier() {
        for longer in [
            "token x",
            "token,x",
            "token\"x",
            "\"token\"x",
            "token&x",
            "token(x",
            "token=x",
            "token:x",
            "token%00x",
            "\"token\" x",
            "TOKEN",
            "token\u{e9}",
        ] {
            let read = readings(longer.as_bytes());
            assert!(read.contains(&b"token".to_vec()), "{longer}: {read:?}");
        }
        assert_eq!(readings(b"k3v9-_.~"), [b"k3v9-_.~"]);
    }
}
