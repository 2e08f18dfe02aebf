//! The texts of pages, mails and problem documents: a struct for each section of `locales/*.toml`, a field for each text.
//!
//! A text that holds values is a function of them. The build script makes all of it, and stops at a text that is missing.

use super::Locale;
use super::values::word;
use crate::domain::{Factor, Reason};
use icu_plurals::{PluralCategory, PluralRules};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// What a reason means to the person or program that meets it.
#[derive(Clone, Debug)]
pub(crate) struct Explanation {
    /// A few words, as a heading.
    pub(crate) title: Cow<'static, str>,
    /// What it means.
    pub(crate) meaning: Cow<'static, str>,
    /// What to do.
    pub(crate) todo: Cow<'static, str>,
}

/// A text that depends on a number: one for each plural of its language.
#[derive(Clone, Debug)]
struct Plural {
    locale: Locale,
    forms: Cow<'static, [(PluralCategory, Cow<'static, str>)]>,
}

/// The words about one factor.
pub(crate) struct FactorWords<'t> {
    pub(crate) name: &'t str,
    pub(crate) label: &'t str,
    pub(crate) wrong: &'t str,
}

/// One text that can be replaced.
pub(super) struct Leaf<'t> {
    pub(super) key: String,
    /// What it stands for: a plural, a part of an explanation, or nothing.
    pub(super) part: &'static str,
    pub(super) text: &'t mut Cow<'static, str>,
}

impl<'t> Leaf<'t> {
    fn new(key: &str, part: &'static str, text: &'t mut Cow<'static, str>) -> Self {
        let key = match part {
            "" => key.to_owned(),
            part => format!("{key}.{part}"),
        };
        Self { key, part, text }
    }
}

impl Plural {
    fn leaves(&mut self, key: &str) -> impl Iterator<Item = Leaf<'_>> {
        let forms = self.forms.to_mut().iter_mut();
        forms.map(move |(category, text)| Leaf::new(key, word(*category), text))
    }

    fn of(&self, n: u64) -> &str {
        let category = icu_locale_core::Locale::try_from_str(self.locale.as_str())
            .ok()
            .and_then(|locale| PluralRules::try_new_cardinal(locale.into()).ok())
            .map_or(PluralCategory::Other, |rules| rules.category_for(n));
        let mut forms = self.forms.iter();
        let form = forms.find(|(own, _)| *own == category);
        // The build script sees to it that each plural of the language is there.
        form.or(self.forms.last()).map_or("", |(_, text)| text)
    }
}

impl Texts {
    /// A span that must not be promised too long, such as the time left: rounded down.
    pub(crate) fn at_least(&self, span: Duration) -> String {
        self.span(span.as_secs(), u64::div_euclid)
    }

    /// A span that must not be promised too short, such as a wait: rounded up.
    pub(crate) fn at_most(&self, span: Duration) -> String {
        let seconds = span.as_millis().div_ceil(1000);
        self.span(seconds.try_into().unwrap_or(u64::MAX), u64::div_ceil)
    }

    fn span(&self, seconds: u64, divide: fn(u64, u64) -> u64) -> String {
        if seconds < 120 && seconds != 60 {
            self.time.seconds(seconds)
        } else if seconds < 7200 && seconds != 3600 {
            self.time.minutes(divide(seconds, 60))
        } else {
            self.time.hours(divide(seconds, 3600))
        }
    }

    /// What is set up for a factor, such as `Recovery codes`.
    pub(crate) fn enrolled_name(&self, factor: Factor) -> &str {
        match factor {
            Factor::EmailCode => &self.enrolled.email,
            Factor::BootstrapCode
            | Factor::Oidc
            | Factor::Passkey
            | Factor::Password
            | Factor::Totp => self.factor(factor).name,
            Factor::RecoveryCode => &self.enrolled.recovery,
        }
    }

    /// What a factor is called, its field is labelled, and a wrong answer is reported.
    pub(crate) fn factor(&self, factor: Factor) -> FactorWords<'_> {
        let (t, wrong_code) = (&self.factor, &self.prompt.wrong_code);
        let (name, label, wrong) = match factor {
            Factor::BootstrapCode => (&t.bootstrap_name, &t.bootstrap_label, wrong_code),
            Factor::EmailCode => (&t.email_name, &t.email_label, wrong_code),
            Factor::Oidc => (&t.oidc_name, &t.oidc_name, wrong_code),
            Factor::Passkey => (&t.passkey_name, &t.passkey_name, &self.passkey.wrong),
            Factor::Password => (
                &t.password_name,
                &t.password_label,
                &self.prompt.wrong_password,
            ),
            Factor::RecoveryCode => (&t.recovery_name, &t.recovery_label, wrong_code),
            Factor::Totp => (&t.totp_name, &t.totp_label, wrong_code),
        };
        FactorWords { name, label, wrong }
    }
}

/// Puts values where a text says `{name}`. Values are not read again, so they cannot name others.
fn fill(text: &str, values: &[(&str, &dyn fmt::Display)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            let value = visible(&value.to_string());
            // UAX #9: what is written in another direction is isolated, so that neither reorders the other.
            if value.bytes().all(|byte| byte.is_ascii_digit())
                || !(text.contains(is_rtl) || value.contains(is_rtl))
            {
                filled.push_str(&value);
            } else {
                filled.extend(["\u{2068}", &value, "\u{2069}"]);
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Shows what would hide: controls, and marks that turn the writing direction of what follows.
///
/// What a person confirms must read the way it is, and must not reorder our own words.
pub(crate) fn visible(value: &str) -> String {
    let hides = |c: char| {
        (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
            || matches!(
                c,
                '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}'
            )
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
    };
    value.replace(hides, "\u{fffd}")
}

/// Whether a letter is written from right to left: the blocks that Unicode sets aside for such scripts.
const fn is_rtl(char: char) -> bool {
    matches!(char, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
        || matches!(char, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_text_is_left_in_english() {
        // Words that are rightly the same.
        const SAME: &[(&str, &str)] = &[
            ("de", "factor.passkey_name"),
            ("de", "about.status_label"),
            ("es", "page.error_prefix"),
            ("fr", "time.minutes"),
        ];
        let english = Texts::of(Locale::En).all();
        for locale in Locale::ALL.into_iter().filter(|it| *it != Locale::En) {
            for ((key, own), (_, english)) in Texts::of(locale).all().into_iter().zip(&english) {
                assert!(
                    own != *english || SAME.contains(&(locale.as_str(), key)),
                    "{locale} {key}: {own}"
                );
            }
        }
    }

    #[test]
    fn every_reason_has_words_of_its_own_in_every_language() {
        for locale in Locale::ALL {
            let mut titles = BTreeSet::new();
            for reason in Reason::ALL {
                let explanation = Texts::of(locale).problem(*reason);
                assert!(titles.insert(&explanation.title), "{reason} {locale}");
                for text in [&explanation.meaning, &explanation.todo] {
                    assert!(text.ends_with(['.', '。']), "{reason} {locale}: {text}");
                }
            }
        }
    }

    #[test]
    fn a_value_cannot_name_another() {
        let both: [(&str, &dyn fmt::Display); 2] = [("a", &"{b}"), ("b", &2)];
        assert_eq!(fill("{a} and {b}", &both), "{b} and 2");
        assert_eq!(fill("open {a", &[("a", &1)]), "open a");
    }

    #[test]
    fn a_value_in_another_direction_is_isolated() {
        let name = |text, value: &str| fill(text, &[("name", &value)]);
        assert_eq!(name("to {name}.", "a@b.c"), "to a@b.c.");
        assert_eq!(name("to {name}.", "שרה"), "to \u{2068}שרה\u{2069}.");
        assert_eq!(name("إلى {name}.", "a@b.c"), "إلى \u{2068}a@b.c\u{2069}.");
        assert_eq!(name("إلى {name}.", "12"), "إلى 12.");
        assert_eq!(name("to {name}", "a\u{202e}b"), "to a\u{fffd}b");
    }

    #[test]
    fn time_left_rounds_down_and_waits_round_up() {
        let t = Texts::of(Locale::En);
        let cases = [
            (1, "1 second", "1 second"),
            (60, "1 minute", "1 minute"),
            (119, "119 seconds", "119 seconds"),
            (179, "2 minutes", "3 minutes"),
            (300, "5 minutes", "5 minutes"),
            (3600, "1 hour", "1 hour"),
            (8000, "2 hours", "3 hours"),
        ];
        for (seconds, left, wait) in cases {
            let span = Duration::from_secs(seconds);
            assert_eq!(
                (t.at_least(span), t.at_most(span)),
                (left.to_owned(), wait.to_owned())
            );
        }
        assert_eq!(t.at_most(Duration::from_millis(10)), "1 second");
    }
}
