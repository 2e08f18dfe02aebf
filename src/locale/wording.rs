//! The texts with those that the settings put in place of ours.

use super::values::{differing, malformed};
use super::{Locale, Texts};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The texts of all languages, some of them replaced.
#[derive(Clone, Debug, Default)]
pub struct Wording(BTreeMap<Locale, Texts>);

/// Why a text cannot be put in place of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordingError {
    /// There is none of that key in that language. These are there.
    Key(Vec<String>),
    /// What is wrong with the new one, and what stands there now.
    Text {
        /// What is wrong.
        what: String,
        /// Our own text.
        ours: String,
    },
}

impl Wording {
    /// The texts in `locale`.
    pub(crate) fn of(&self, locale: Locale) -> &Texts {
        self.0.get(&locale).unwrap_or_else(|| Texts::of(locale))
    }

    /// Puts `text` in place of ours, which `key` names as the file of the language does: `page.cancel`,
    /// `time.minutes.one`. It must hold the same `{values}`.
    pub fn replace(&mut self, locale: Locale, key: &str, text: &str) -> Result<(), WordingError> {
        let texts = self.0.entry(locale);
        let texts = texts.or_insert_with(|| Texts::of(locale).clone());
        let mut leaves = texts.leaves();
        let Some(leaf) = leaves.iter_mut().find(|leaf| leaf.key == key) else {
            let known = leaves.into_iter().map(|leaf| leaf.key);
            return Err(WordingError::Key(known.collect()));
        };
        // The same checks as when it is built, and that it is a text of a page.
        let what = malformed(text).map(str::to_owned);
        let what = what.or_else(|| {
            let is_sound = !text.chars().any(char::is_control) && text.chars().count() <= LONGEST;
            (!is_sound).then(|| format!("expected one line of at most {LONGEST} characters"))
        });
        if let Some(what) = what.or_else(|| differing(text, leaf.text, leaf.part)) {
            let ours = leaf.text.to_string();
            return Err(WordingError::Text { what, ours });
        }
        *leaf.text = Cow::Owned(text.to_owned());
        Ok(())
    }
}

/// More is no text of a page.
const LONGEST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_text_takes_the_place_of_ours_in_its_language_alone() {
        let mut wording = Wording::default();
        for (locale, key, text) in [
            (Locale::De, "page.cancel", "Lieber nicht"),
            (Locale::De, "time.minutes.one", "eine Minute"),
            (Locale::De, "time.minutes.other", "{n} Min."),
            (Locale::De, "problems.not-found.title", "Nichts da"),
        ] {
            assert_eq!(wording.replace(locale, key, text), Ok(()), "{key}");
        }
        let german = wording.of(Locale::De);
        assert_eq!(german.page.cancel, "Lieber nicht");
        assert_eq!(german.at_least(Duration::from_mins(5)), "5 Min.");
        assert_eq!(
            german.problem(crate::domain::Reason::NotFound).title,
            "Nichts da"
        );
        let ours = Texts::of(Locale::De);
        assert_eq!(german.page.go_back, ours.page.go_back);
        assert_ne!(ours.page.cancel, german.page.cancel);
        let english = wording.of(Locale::En);
        assert_eq!(english.page.cancel, Texts::of(Locale::En).page.cancel);
    }

    #[test]
    fn a_text_that_says_less_or_more_than_ours_is_refused() {
        let mut wording = Wording::default();
        for (key, text, wrong) in [
            ("page.cancel", " ", "is empty"),
            (
                "page.cancel",
                "No {thanks}",
                "holds the values {thanks}, expected none",
            ),
            ("page.cancel", "a\nb", "expected one line"),
            ("page.cancel", "{", "expected values as `{name}`"),
            (
                "mail.subject",
                "Your code",
                "holds the values none, expected {site}",
            ),
            ("time.minutes.other", "some minutes", "expected {n}"),
        ] {
            match wording.replace(Locale::En, key, text) {
                Err(WordingError::Text { what, .. }) if what.contains(wrong) => {}
                other => panic!("{key} {text:?}: {other:?}"),
            }
        }
        for (locale, key) in [
            (Locale::En, "page.cancle"),
            // Japanese has one plural.
            (Locale::Ja, "time.minutes.one"),
            (Locale::En, "problems.not_found.title"),
            (Locale::En, "language.name"),
        ] {
            let refused = wording.replace(locale, key, "x");
            assert!(matches!(refused, Err(WordingError::Key(_))), "{key}");
        }
    }

    #[test]
    fn every_text_of_every_language_can_be_replaced_by_itself() {
        for locale in Locale::ALL {
            let mut texts = Texts::of(locale).clone();
            let mut keys = Vec::new();
            for leaf in texts.leaves() {
                let mut wording = Wording::default();
                let replaced = wording.replace(locale, &leaf.key, leaf.text);
                assert_eq!(replaced, Ok(()), "{locale} {}", leaf.key);
                keys.push(leaf.key);
            }
            assert!(keys.len() >= Texts::of(locale).all().len(), "{locale}");
            keys.sort_unstable();
            assert!(keys.windows(2).all(|two| two[0] != two[1]), "{locale}");
        }
    }
}
