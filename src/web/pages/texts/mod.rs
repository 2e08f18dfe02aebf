//! The words on our pages: one struct of texts, one file for each language.
//!
//! A language that lacks a text does not compile. Texts hold `{name}` where a value belongs.

mod de;
mod en;

use crate::domain::{Factor, RiskLevel};
use crate::locale::Locale;
use std::time::Duration;

macro_rules! texts {
    ($($name:ident,)*) => {
        /// Every text of our pages, in one language.
        #[derive(Debug)]
        pub(crate) struct Texts { $(pub(crate) $name: &'static str,)* }

        #[cfg(test)]
        impl Texts {
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

texts! {
    actor_client,
    actor_nobody,
    actor_operator,
    actor_you,
    attempts_left,
    cancel,
    close_window,
    code_hint,
    confirm_deadline,
    confirm_heading,
    confirm_label,
    confirm_lede,
    confirm_title,
    detail_of_action,
    earns_action,
    earns_once,
    earns_session,
    earns_shown,
    email_again,
    email_failed,
    email_label,
    email_name,
    email_offer,
    email_send,
    email_sent,
    email_too_soon,
    email_wait,
    empty,
    error_prefix,
    fact_account,
    fact_level,
    fact_reason,
    fact_request,
    fact_time,
    file_label,
    footer,
    framed_after,
    framed_heading,
    framed_lede,
    framed_open,
    go_back,
    go_to_problems,
    hour,
    hours,
    level_critical,
    level_high,
    level_low,
    level_medium,
    locked,
    locked_others,
    minute,
    minutes,
    not_enrolled,
    passkey_name,
    password_label,
    password_name,
    password_of_application,
    password_of_directory,
    problem_meaning,
    problem_todo,
    problem_who,
    problems_heading,
    problems_lede,
    prompt_heading,
    prompt_lede,
    recovery_name,
    refill_after,
    refill_back,
    refill_before,
    retry_in,
    retype_label,
    retype_lede,
    second,
    seconds,
    sign_in,
    sign_in_again,
    sign_in_heading,
    sign_in_note,
    status_label,
    step,
    step_done,
    submit,
    too_many,
    too_many_open,
    totp_label,
    totp_name,
    unavailable,
    verified_back,
    verified_heading,
    verified_lede,
    ways_heading,
    ways_heading_or,
    wrong_code,
    wrong_password,
    wrong_phrase,
}

/// The words about one factor.
pub(crate) struct FactorTexts {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) wrong: &'static str,
}

impl Texts {
    /// The texts in `locale`.
    pub(crate) const fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::De => &de::TEXTS,
            Locale::En => &en::TEXTS,
        }
    }

    /// A span that must not be promised too long, such as the time left: rounded down.
    pub(crate) fn at_least(&self, span: Duration) -> String {
        self.span(span.as_secs(), u64::div_euclid)
    }

    /// A span that must not be promised too short, such as a wait: rounded up.
    pub(crate) fn at_most(&self, span: Duration) -> String {
        self.span(
            span.as_millis()
                .div_ceil(1000)
                .try_into()
                .unwrap_or(u64::MAX),
            u64::div_ceil,
        )
    }

    fn span(&self, seconds: u64, divide: fn(u64, u64) -> u64) -> String {
        let (count, one, many) = if seconds < 120 && seconds != 60 {
            (seconds, self.second, self.seconds)
        } else if seconds < 7200 && seconds != 3600 {
            (divide(seconds, 60), self.minute, self.minutes)
        } else {
            (divide(seconds, 3600), self.hour, self.hours)
        };
        fill(
            if count == 1 { one } else { many },
            &[("n", &count.to_string())],
        )
    }

    /// What a factor is called, its field is labelled, and a wrong answer is reported.
    pub(crate) const fn factor(&self, factor: Factor) -> FactorTexts {
        let (name, label, wrong) = match factor {
            Factor::EmailCode => (self.email_name, self.email_label, self.wrong_code),
            Factor::Passkey => (self.passkey_name, self.passkey_name, self.wrong_code),
            Factor::Password => (self.password_name, self.password_label, self.wrong_password),
            Factor::RecoveryCode => (self.recovery_name, self.recovery_name, self.wrong_code),
            Factor::Totp => (self.totp_name, self.totp_label, self.wrong_code),
        };
        FactorTexts { name, label, wrong }
    }

    /// What a level is called.
    pub(crate) const fn level(&self, level: RiskLevel) -> &'static str {
        match level {
            RiskLevel::Low => self.level_low,
            RiskLevel::Medium => self.level_medium,
            RiskLevel::High => self.level_high,
            RiskLevel::Critical => self.level_critical,
        }
    }
}

/// Puts values where a text says `{name}`. Values are not read again, so they cannot name others.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            rest = after;
            break;
        };
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            // Not searched again: a value may hold braces itself.
            filled.push_str(&visible(value));
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

/// Labels and values, made visible, also values that were left empty.
pub(crate) fn shown(t: &Texts, pairs: &[(String, String)]) -> Vec<(String, String)> {
    let shown = |value: &str| match value.trim() {
        "" => t.empty.to_owned(),
        _ => visible(value),
    };
    let pair = |(label, value): &(String, String)| (visible(label), shown(value));
    pairs.iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let mut names: Vec<_> = text
            .split('{')
            .skip(1)
            .map(|rest| rest.split_once('}').expect("closed").0)
            .collect();
        names.sort_unstable();
        names
    }

    // Words that are rightly the same in both languages.
    const SAME: &[&str] = &["passkey_name", "status_label"];

    #[test]
    fn no_text_is_missing_or_left_in_the_other_language() {
        let (de, en) = (Texts::of(Locale::De).all(), Texts::of(Locale::En).all());
        for ((name, de), (_, en)) in de.into_iter().zip(en) {
            assert!(!de.trim().is_empty() && !en.trim().is_empty(), "{name}");
            assert_eq!(de == en, SAME.contains(&name), "{name}: {de} / {en}");
        }
    }

    #[test]
    fn every_language_fills_in_the_same_values() {
        let (de, en) = (Texts::of(Locale::De).all(), Texts::of(Locale::En).all());
        for ((name, de), (_, en)) in de.into_iter().zip(en) {
            assert_eq!(names(de), names(en), "{name}");
        }
    }

    #[test]
    fn a_value_cannot_name_another() {
        assert_eq!(
            fill("{a} and {b}", &[("a", "{b}"), ("b", "2")]),
            "{b} and 2"
        );
        assert_eq!(fill("open {a", &[("a", "1")]), "open a");
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
