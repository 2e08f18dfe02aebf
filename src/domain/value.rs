//! Tests on values: of query parameters, headers, form fields and JSON.
//!
//! Applications change values before they look at them, with or without knowing it: Tornado's
//! `get_argument`, Django's `CharField`, Laravel's `TrimStrings`, Symfony's forms and Java's
//! `String.trim` cut blanks off, each of another set; Tornado makes blanks of control characters,
//! others drop them or end at NUL; undici drops a byte order mark; and Spring takes `a,b` for two values.

use super::ValueTest;
use super::path::is_ignorable;

impl ValueTest {
    /// Tells whether the test holds for any way of reading: one value is enough. An absence is no matter
    /// of values; see [`Occurrence`](super::occurrence::Occurrence).
    pub(super) fn holds_for_any<S: AsRef<str>>(&self, mut values: impl Iterator<Item = S>) -> bool {
        match self {
            Self::Absent => false,
            Self::Equals(expected) => {
                values.any(|value| any_reading(value.as_ref(), |read| read == expected))
            }
            Self::Present => values.next().is_some(),
            Self::Regex(regex) => {
                values.any(|value| any_reading(value.as_ref(), |read| regex.is_match(read)))
            }
        }
    }

    /// Tells whether the test holds in every way of reading a value, as an exception needs.
    pub(super) fn holds_in_each_reading(&self, value: &str) -> bool {
        match self {
            Self::Absent => false,
            Self::Equals(expected) => {
                // The items between commas are what the policy says, if the whole is.
                value == expected && !any_spelling(value, |read| read != expected)
            }
            Self::Present => true,
            Self::Regex(regex) => !any_reading(value, |read| !regex.is_match(read)),
        }
    }

    /// Tells whether the test asks for the absence of a key.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Tells whether a test for a number holds for one that is written differently: `5.0` is `5`.
pub(super) fn holds_for_number(test: &ValueTest, values: &[String]) -> bool {
    let ValueTest::Equals(expected) = test else {
        return false;
    };
    let number = |text: &str| text.parse::<f64>().ok();
    let wanted = number(expected);
    let is_wanted = |value: &String| any_reading(value, |read| number(read) == wanted);
    wanted.is_some() && values.iter().any(is_wanted)
}

/// A value without what applications cut off at its ends.
pub(super) fn trimmed(value: &str) -> &str {
    value.trim_matches(is_unseen)
}

/// Tells whether `holds` does for a value, or for any item of it between commas, in any spelling.
///
/// Costs one pass and no allocation where the value holds nothing that is read in two ways.
fn any_reading(value: &str, mut holds: impl FnMut(&str) -> bool) -> bool {
    if any_spelling(value, &mut holds) {
        return true;
    }
    let mut items = value.split(',').map(trimmed);
    value.contains(',') && items.any(|item| any_spelling(item, &mut holds))
}

/// Tells whether `holds` does for a value as it is, or for what is left of it without blanks at its ends,
/// with its unseen characters as blanks, without them, or up to NUL.
fn any_spelling(value: &str, mut holds: impl FnMut(&str) -> bool) -> bool {
    if holds(value) {
        return true;
    }
    let is_plain = value.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain {
        return false;
    }
    let mut changed = |read: &str| trimmed(read) != value && holds(trimmed(read));
    if changed(value) {
        return true;
    }
    let within = trimmed(value);
    if !within.contains(|c: char| c != ' ' && is_unseen(c)) {
        return false;
    }
    changed(&within.replace(char::is_control, " "))
        || changed(&within.replace(|c: char| c != ' ' && is_unseen(c), ""))
        || changed(within.split('\0').next().unwrap_or_default())
}

/// Blanks, controls, marks without width, and what stands for bytes that are no text.
fn is_unseen(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_ignorable(c) || c == char::REPLACEMENT_CHARACTER
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WholeRegex;

    #[test]
    fn one_value_is_enough_for_a_route() {
        let regex = ValueTest::Regex(WholeRegex::new("a+").unwrap());
        let equals = ValueTest::Equals("a".to_owned());
        for test in [regex, equals] {
            assert!(test.holds_for_any(["b", "a"].iter()));
            assert!(!test.holds_for_any(["b", "ba"].iter()));
            assert!(!test.holds_for_any(std::iter::empty::<&str>()));
        }
        assert!(ValueTest::Present.holds_for_any([""].iter()));
        assert!(!ValueTest::Absent.holds_for_any(std::iter::empty::<&str>()));
    }

    /// What some framework makes `delete all` of before the application looks at it.
    const CHANGED: &[&str] = &[
        "delete all ",
        " delete all",
        "delete all\n",
        "\r\n\tdelete all\u{b}",
        "delete all\0",
        "delete all\0.png",
        "\u{1}delete all\u{1f}",
        "delete\u{1}all",
        "de\u{7f}lete all",
        "\u{a0}delete all",
        "\u{3000}delete all\u{2028}",
        "delete all\u{85}",
        "\u{feff}delete all",
        "\u{200b}delete\u{ad} all\u{200e}",
        "delete all\u{fffd}",
        "delete all,",
        "x,delete all",
        "x, delete all ,y",
        "x,\u{feff}delete all",
    ];

    #[test]
    fn a_value_is_what_an_application_makes_of_it() {
        let regex = ValueTest::Regex(WholeRegex::new("delete [a-z]+").unwrap());
        for test in [ValueTest::Equals("delete all".to_owned()), regex] {
            for value in CHANGED {
                assert!(test.holds_for_any([value].iter()), "{value:?}");
                assert!(!test.holds_in_each_reading(value), "{value:?}");
            }
            assert!(test.holds_in_each_reading("delete all"));
            for other in [
                "undelete all",
                "delete  ",
                "delete-all",
                "delete;all",
                "",
                ",",
            ] {
                assert!(!test.holds_for_any([other].iter()), "{other:?}");
            }
        }
        let list = ValueTest::Equals("a, b".to_owned());
        assert!(list.holds_in_each_reading("a, b"));
        assert!(!list.holds_in_each_reading("a, b "));
        assert!(!ValueTest::Equals("a ".to_owned()).holds_in_each_reading("a "));
        let two = ValueTest::Regex(WholeRegex::new("[a-z]+(, [a-z]+)?").unwrap());
        assert!(two.holds_in_each_reading("a, b") && !two.holds_in_each_reading("a, 1"));
        let five = ValueTest::Equals("5".to_owned());
        assert!(holds_for_number(&five, &[" 5.0 ".to_owned()]));
    }
}
