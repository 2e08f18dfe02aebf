//! The languages that people read us in, and how a request names the one it wants.

mod texts;
mod values;
mod wording;

pub(crate) use texts::{Texts, visible};
pub use wording::{Wording, WordingError};

use std::fmt;
use std::str::FromStr;

// `Locale` itself: made of the files in `locales/` by the build script.
include!(concat!(env!("OUT_DIR"), "/locale.rs"));

impl Locale {
    /// Chooses by `Accept-Language` (RFC 9110 §12.5.4): the highest weight wins, among equals the
    /// first. What is malformed is passed over, and what we do not have falls back to English.
    pub fn from_accept_language(header: &str) -> Self {
        let mut best = (Self::default(), 0);
        // A header may hold thousands of them.
        for range in header.split(',').take(MAX_RANGES) {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or_default();
            let Some(weight) = parts.next().map_or(Some(1000), weight) else {
                continue;
            };
            if let Some(locale) = Self::of_range(tag)
                && weight > best.1
            {
                best = (locale, weight);
            }
        }
        best.0
    }

    /// Reads a tag, as mails and settings name it: the language that has the most of it in common (RFC 4647 §3.4).
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.replace('_', "-");
        let mut rest = Some(&*tag);
        while let Some(range) = rest {
            let mut all = Self::ALL.into_iter();
            if let Some(found) = all.find(|own| own.as_str().eq_ignore_ascii_case(range)) {
                return Some(found);
            }
            rest = range.rsplit_once('-').map(|(front, _)| front);
        }
        None
    }

    fn of_range(range: &str) -> Option<Self> {
        if range == "*" {
            Some(Self::default())
        } else {
            Self::from_tag(range)
        }
    }
}

/// Reads what [`Locale::as_str`] writes, and nothing else.
impl FromStr for Locale {
    type Err = ();

    fn from_str(tag: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.into_iter();
        all.find(|locale| locale.as_str() == tag).ok_or(())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads `q=0.8` as thousandths (RFC 9110 §12.4.2: at most three digits after the point).
pub(crate) fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    // RFC 9110 §12.4.2: three digits at most.
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// Browsers send a handful.
const MAX_RANGES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_with_the_highest_weight_wins() {
        let cases = [
            ("de", Locale::De),
            ("de-AT,en;q=0.5", Locale::De),
            ("en-US,en;q=0.9,de;q=0.8", Locale::En),
            ("nl,de;q=0.7,en;q=0.3", Locale::De),
            ("ar-EG;q=0.9,nl", Locale::Ar),
            ("en;q=0.2, DE-ch ;q=0.4", Locale::De),
            ("de;q=0, en;q=0.1", Locale::En),
            ("de;q=0", Locale::En),
            ("*;q=0.1,de;q=0.2", Locale::De),
            ("de;q=0.5,*;q=0.8", Locale::En),
            ("de;q=1.000,en", Locale::De),
        ];
        for (header, expected) in cases {
            assert_eq!(Locale::from_accept_language(header), expected, "{header}");
        }
    }

    #[test]
    fn what_is_malformed_or_unknown_reads_as_english() {
        for header in [
            "",
            ",,;",
            "nl",
            "de;q=x",
            "de;q=2",
            "de;q=0.12345",
            "de;q",
            "de;x=1",
            "deutsch",
            "é;q=1",
        ] {
            assert_eq!(Locale::from_accept_language(header), Locale::En, "{header}");
        }
    }

    #[test]
    fn every_language_reads_back_from_its_tag() {
        for locale in Locale::ALL {
            assert_eq!(Locale::from_tag(locale.as_str()), Some(locale));
        }
        assert_eq!(Locale::from_tag("de_DE"), Some(Locale::De));
        assert_eq!(Locale::from_tag("nl"), None);
    }
}
