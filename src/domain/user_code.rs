//! The code that a person compares, or types, to tell which program they approve (RFC 8628 §6.1).

use std::fmt;
use std::str::FromStr;

/// RFC 8628 §6.1: without vowels, so that no words come about, and without digits.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Eight of twenty letters are 34 bits, the entropy that §6.1 recommends.
const LENGTH: usize = 8;

/// The code that a person compares, or types.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserCode([u8; LENGTH]);

/// What was typed is no such code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected eight letters, such as WDJB-MJHT")]
pub struct NoUserCode;

impl UserCode {
    /// The code of a keyed hash.
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        let (head, _) = hash.split_at(16);
        let mut rest = u128::from_be_bytes(head.try_into().unwrap_or_default());
        let base = LETTERS.len() as u128;
        let mut letters = [0; LENGTH];
        for letter in &mut letters {
            let digit = usize::try_from(rest % base).unwrap_or_default();
            *letter = LETTERS.get(digit).copied().unwrap_or_default();
            rest /= base;
        }
        Self(letters)
    }

    /// Its letters, without the hyphen.
    pub const fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl FromStr for UserCode {
    type Err = NoUserCode;

    /// Reads what a person typed: in any case, with or without the hyphen, or blanks (RFC 8628 §6.1).
    fn from_str(typed: &str) -> Result<Self, NoUserCode> {
        let letters = typed
            .bytes()
            .map(|byte| byte.to_ascii_uppercase())
            .filter(|byte| !byte.is_ascii_punctuation() && *byte != b' ');
        let letters: Vec<u8> = letters.take(LENGTH + 1).collect();
        let is_code = letters.iter().all(|letter| LETTERS.contains(letter));
        let letters = letters.try_into().map_err(|_| NoUserCode)?;
        is_code.then_some(Self(letters)).ok_or(NoUserCode)
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, letter) in self.0.iter().enumerate() {
            let hyphen = if place == LENGTH / 2 { "-" } else { "" };
            write!(f, "{hyphen}{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code: UserCode = "WDJB-MJHT".parse().unwrap();
        assert_eq!(code.to_string(), "WDJB-MJHT");
        for typed in ["wdjbmjht", " wdjb mjht ", "WDJB_MJHT", "W.D.J.B.M.J.H.T"] {
            assert_eq!(typed.parse(), Ok(code), "{typed}");
        }
        for typed in [
            "",
            "WDJB-MJH",
            "WDJB-MJHTT",
            "ADJB-MJHT",
            "WDJB-MJH1",
            "WDJB-MJHÄ",
        ] {
            assert_eq!(typed.parse::<UserCode>(), Err(NoUserCode), "{typed}");
        }
        assert!(!format!("{code:?}").contains("WDJB"));
    }

    proptest::proptest! {
        #[test]
        fn every_hash_has_a_code_that_reads_back(hash in any::<[u8; 32]>()) {
            let code = UserCode::of_hash(&hash);
            assert_eq!(code.to_string().parse(), Ok(code));
            assert_eq!(code.to_string().len(), LENGTH + 1);
        }

        #[test]
        fn reading_is_total(typed in ".{0,40}") {
            let _ = typed.parse::<UserCode>();
        }
    }
}
