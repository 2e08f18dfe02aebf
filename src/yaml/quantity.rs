//! Times and sizes as people write them: `90s`, `10m`, `1d`; `4096`, `64KiB`, `10MiB`.

use super::words::clip;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;

/// A span of time in a file: a whole number and a unit (`ms`, `s`, `m`, `h`, `d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A size in bytes: a whole number, alone or with `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A whole number with one of the units behind it, in the smallest of them.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl Span {
    /// Reads one, such as `15m`.
    pub fn read(text: &str) -> Option<Self> {
        let units = [
            ("ms", 1),
            ("s", 1_000),
            ("m", 60_000),
            ("h", 3_600_000),
            ("d", 86_400_000),
        ];
        quantity(text, &units).map(|millis| Self(Duration::from_millis(millis)))
    }
}

impl Size {
    fn parse(text: &str) -> Option<Self> {
        let units = [
            ("", 1),
            ("KiB", 1 << 10),
            ("MiB", 1 << 20),
            ("GiB", 1 << 30),
        ];
        quantity(text, &units).map(Self)
    }
}

impl fmt::Display for Span {
    /// Writes it in the largest unit that leaves a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let units = [
            (86_400_000, "d"),
            (3_600_000, "h"),
            (60_000, "m"),
            (1_000, "s"),
        ];
        let whole = units
            .into_iter()
            .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
        match whole {
            Some((unit, name)) => write!(f, "{}{name}", millis / unit),
            None if millis == 0 => f.write_str("0s"),
            None => write!(f, "{millis}ms"),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SpanVisitor)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SpanVisitor;

impl Visitor<'_> for SpanVisitor {
    type Value = Span;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_SPAN)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
        let wrong = || E::custom(format_args!("expected {A_SPAN}, found `{}`", clip(text)));
        Span::read(text).ok_or_else(wrong)
    }

    // `5` could be seconds or minutes: no unit is assumed.
    fn visit_i64<E: Error>(self, number: i64) -> Result<Span, E> {
        Err(E::custom(format_args!(
            "`{number}` has no unit; expected `{number}s` or `{number}m`"
        )))
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_SIZE)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
        let wrong = || E::custom(format_args!("expected {A_SIZE}, found `{}`", clip(text)));
        Size::parse(text).ok_or_else(wrong)
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size(bytes))
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
        let bytes = u64::try_from(bytes);
        bytes
            .map(Size)
            .map_err(|_| E::custom(format_args!("expected {A_SIZE}")))
    }
}

const A_SPAN: &str = "a span of time such as `90s`, `10m`, `2h` or `1d`";
const A_SIZE: &str = "a size such as `4096`, `64KiB` or `10MiB`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_people_write_them() {
        let secs = |text: &str| Span::read(text).map(|span| span.0.as_secs());
        assert_eq!(secs("90s"), Some(90));
        assert_eq!(secs("10m"), Some(600));
        assert_eq!(secs("2h"), Some(7_200));
        assert_eq!(secs("1d"), Some(86_400));
        for wrong in [
            "",
            "10",
            "m",
            "-1m",
            "1.5h",
            "10 m",
            "1w",
            "99999999999999999d",
            "é",
        ] {
            assert_eq!(secs(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn spans_are_shown_in_their_largest_unit() {
        for text in ["1d", "36h", "90s", "2m", "250ms", "0s"] {
            assert_eq!(Span::read(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        let bytes = |text: &str| Size::parse(text).map(|size| size.0);
        assert_eq!(bytes("4096"), Some(4096));
        assert_eq!(bytes("64KiB"), Some(65536));
        assert_eq!(bytes("2GiB"), Some(2 << 30));
        for wrong in [
            "",
            "KiB",
            "-1",
            "1.5MiB",
            "64 KiB",
            "64kb",
            "99999999999GiB",
            "é",
        ] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
