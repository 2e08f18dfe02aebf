//! Sizes as people write them: `4096`, `64KiB`, `10MiB`, `2GiB`.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A size in bytes: a whole number, alone or with `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(pub(super) u64);

/// A text that is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a size such as `4096`, `64KiB` or `10MiB`")]
pub(super) struct NotASize;

impl std::str::FromStr for Size {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits).ok_or(NotASize)?;
        let number: u64 = number.parse().map_err(|_| NotASize)?;
        let bytes: u64 = match unit {
            "" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(NotASize),
        };
        number.checked_mul(bytes).map(Self).ok_or(NotASize)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as `4096`, `64KiB` or `10MiB`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Size, E> {
        let clipped = crate::yaml::clip(text);
        text.parse()
            .map_err(|NotASize| E::custom(format_args!("{NotASize}, found `{clipped}`")))
    }

    fn visit_u64<E: Error>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size(bytes))
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<Size, E> {
        let bytes = u64::try_from(bytes);
        bytes.map(Size).map_err(|_| E::custom(NotASize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_write_them() {
        let bytes = |text: &str| text.parse::<Size>().map(|size| size.0);
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("64KiB"), Ok(65536));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
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
            assert_eq!(bytes(wrong), Err(NotASize), "{wrong}");
        }
    }
}
