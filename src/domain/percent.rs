//! Percent escapes: where they stand, and what they decode to.

use percent_encoding::{percent_decode, percent_decode_str};
use std::borrow::Cow;

/// The byte that two hexadecimal digits mean.
pub(crate) fn hex_byte(digits: &[u8]) -> Option<u8> {
    let &[high, low] = digits else { return None };
    let value = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(value(high)? * 16 + value(low)?).ok()
}

/// What each `%` of a text begins: the byte that is escaped, or `None` if it begins no escape.
pub(super) fn escapes(text: &[u8]) -> impl Iterator<Item = Option<u8>> {
    let after = text.split(|byte| *byte == b'%').skip(1);
    after.map(|after| after.get(..2).and_then(hex_byte))
}

/// Decodes escapes once, as most parsers of queries do: broken ones stay as they are, and what is no UTF-8
/// becomes U+FFFD. A plus becomes `plus`.
pub(super) fn decoded(text: &str, plus: char) -> Cow<'_, str> {
    // Before the escapes: `%2B` is a plus to every parser of forms (WHATWG URL §5.1).
    if plus == ' ' && text.contains('+') {
        let blank = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&blank).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// Decodes escapes once; a plus becomes a blank. `None` if one is broken.
pub(super) fn decoded_strictly(text: &[u8]) -> Option<Vec<u8>> {
    let is_sound = escapes(text).all(|byte| byte.is_some());
    let blank = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    let text: Vec<u8> = text.iter().map(blank).collect();
    is_sound.then(|| percent_decode(&text).collect())
}

/// One piece of a text with escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PercentPiece<'t> {
    /// A byte as it stands.
    Byte(u8),
    /// `%41`: the byte it means, and how it is spelled.
    Escape(u8, &'t str),
    /// `%u0041`: the character it means, and how it is spelled.
    Unicode(char, &'t str),
    /// A `%` that begins no escape.
    Stray,
}

/// Takes a text apart. A `%` that begins no escape is a piece of its own.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = PercentPiece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *text.as_bytes().get(at)?;
        if byte != b'%' {
            at += 1;
            return Some(PercentPiece::Byte(byte));
        }
        let digits = |from: usize| text.as_bytes().get(from..from + 2).and_then(hex_byte);
        if let Some(value) = digits(at + 1) {
            let spelling = text.get(at..at + 3).unwrap_or_default();
            at += 3;
            return Some(PercentPiece::Escape(value, spelling));
        }
        // Never standardized; IIS and classic ASP decode it (RFC 3986 knows no such escape).
        let marked = matches!(text.as_bytes().get(at + 1), Some(b'u' | b'U'));
        // Half of a surrogate pair means no character alone, and stays as it stands.
        let four = digits(at + 2).zip(digits(at + 4)).filter(|_| marked);
        let meant =
            four.and_then(|(high, low)| char::from_u32(u32::from(u16::from_be_bytes([high, low]))));
        if let Some(meant) = meant {
            let spelling = text.get(at..at + 6).unwrap_or_default();
            at += 6;
            return Some(PercentPiece::Unicode(meant, spelling));
        }
        at += 1;
        Some(PercentPiece::Stray)
    })
}

/// Escapes of a slash are kept: an application that splits first sees no slash there.
pub(super) const KEPT: u8 = b'/';

/// Decodes every escape once, except those of a slash. Stray `%` stay as they are.
///
/// `Err` holds the bytes if they are not UTF-8 (overlong forms are not).
pub(super) fn decode(text: &str) -> Result<String, Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            PercentPiece::Escape(KEPT, spelling) | PercentPiece::Unicode(_, spelling) => {
                bytes.extend_from_slice(spelling.as_bytes());
            }
            PercentPiece::Byte(byte) | PercentPiece::Escape(byte, _) => bytes.push(byte),
            PercentPiece::Stray => bytes.push(b'%'),
        }
    }
    String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
}

/// Replaces those escapes that mean something to `meaning`; `None` if there are none.
pub(super) fn replace(
    text: &str,
    meaning: impl Fn(PercentPiece<'_>) -> Option<char>,
) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let mut changed = false;
    let mut bytes = Vec::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            PercentPiece::Byte(byte) => bytes.push(byte),
            PercentPiece::Stray => bytes.push(b'%'),
            PercentPiece::Escape(_, spelling) | PercentPiece::Unicode(_, spelling) => {
                match meaning(piece) {
                    None => bytes.extend_from_slice(spelling.as_bytes()),
                    Some(meant) => {
                        changed = true;
                        bytes.extend_from_slice(meant.encode_utf8(&mut [0; 4]).as_bytes());
                    }
                }
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|_| changed)
}

/// Undoes the escapes that only Jetty knows: with digits that are not hexadecimal, such as `%6?` for `o`;
/// `None` if there are none.
pub(crate) fn undo_odd_escapes(text: &str) -> Option<String> {
    let meant = |text: &[u8]| match text {
        [b'%', high, low, ..] => odd_escape(*high, *low),
        _ => None,
    };
    if !(text.contains('%')
        && text
            .as_bytes()
            .windows(3)
            .any(|three| meant(three).is_some()))
    {
        return None;
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, tail)) = rest.split_first() {
        let (read, used) = meant(rest).map_or((byte, 1), |read| (read, 3));
        bytes.push(read);
        rest = rest.get(used..).unwrap_or(tail);
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The byte that two digits mean to Jetty (`TypeUtil.convertHexDigit`), of which at least one is not
/// hexadecimal.
pub(super) fn odd_escape(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| match digit {
        b'0'..=b'?' => Some(digit - b'0'),
        b'@'..=b'F' => Some(digit - b'@' + 9),
        b'`'..=b'f' => Some(digit - b'`' + 9),
        _ => None,
    };
    // Every other escape is decoded where all applications decode it.
    let is_odd = !(high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
    is_odd.then_some(value(high)? << 4 | value(low)?)
}

/// Reads bytes that are not UTF-8 as decoders do: overlong forms as what they spell, or what is no text
/// with U+FFFD in its place (WHATWG Encoding §4.1), or without it.
pub(super) fn decode_in_all_ways(bytes: &[u8]) -> Vec<String> {
    let replaced = String::from_utf8_lossy(bytes).into_owned();
    let dropped = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
    vec![decode_carelessly(bytes), replaced, dropped]
}

/// Reads bytes as a careless decoder does: overlong forms as what they spell, the rest as Latin-1.
fn decode_carelessly(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let (value, length) = match first {
            // The lengths that RFC 3629 §3 gives, without its check that the shortest form was used.
            0xC0..=0xDF => (u32::from(first & 0x1F), 1),
            0xE0..=0xEF => (u32::from(first & 0x0F), 2),
            0xF0..=0xF7 => (u32::from(first & 0x07), 3),
            _ => (u32::from(first), 0),
        };
        let more = tail
            .get(..length)
            .filter(|more| more.iter().all(|byte| byte & 0xC0 == 0x80));
        let meant = more.and_then(|more| {
            char::from_u32(
                more.iter()
                    .fold(value, |v, byte| v << 6 | u32::from(byte & 0x3F)),
            )
        });
        text.push(meant.unwrap_or(char::from(first)));
        rest = if meant.is_some() {
            tail.get(length..).unwrap_or_default()
        } else {
            tail
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_decode_once_and_slashes_stay_escaped() {
        assert_eq!(decode("/a%2Fb%41%2541"), Ok("/a%2FbA%41".to_owned()));
        assert_eq!(decode("/100%"), Ok("/100%".to_owned()));
        assert_eq!(decode("/%u0041"), Ok("/%u0041".to_owned()));
    }

    #[test]
    fn jetty_has_more_digits_than_others() {
        for (text, read) in [
            ("d%6?", "do"),
            ("%6=%6@%5;%5=%2?", "mi[]/"),
            ("%8?/%?3", "\u{fffd}/\u{fffd}"),
            ("%%6?%", "%o%"),
            ("%6`", "i"),
        ] {
            assert_eq!(undo_odd_escapes(text).as_deref(), Some(read), "{text}");
        }
        for text in ["", "%", "%6", "%6f", "%zz", "%6g", "%6/", "%u0041", "100%"] {
            assert_eq!(undo_odd_escapes(text), None, "{text}");
        }
    }

    #[test]
    fn overlong_utf8_is_not_utf8() {
        let bytes = decode("/%c0%ae").unwrap_err();
        assert_eq!(decode_carelessly(&bytes), "/.");
        assert_eq!(decode_carelessly(&[0xE9, b'/', 0xC3]), "é/Ã");
        assert_eq!(decode_in_all_ways(&bytes), ["/.", "/\u{fffd}\u{fffd}", "/"]);
    }
}
