//! Tests on values: of query parameters, headers, form fields and JSON.
//!
//! What guards holds under any way in which applications read a value, and they change values before they
//! look at them, with or without knowing it: Tornado's `get_argument`, Django's `CharField`, Laravel's
//! `TrimStrings`, Symfony's forms and Java's `String.trim` cut blanks off, each of another set; Tornado makes
//! blanks of control characters, others drop them or end at NUL; undici drops a byte order mark; Spring takes
//! `a,b` for two values; enumerations of .NET ignore letter case; and a flag has many words.

use super::ValueTest;
use super::path::{is_ignorable, same_folded};

impl ValueTest {
    /// Whether the test holds for any way of reading: one value is enough. An absence is no matter
    /// of values; see [`Occurrence`](super::occurrence::Occurrence).
    pub(super) fn holds_for_any<S: AsRef<str>>(&self, mut values: impl Iterator<Item = S>) -> bool {
        match self {
            Self::Absent => false,
            Self::Equals(expected) => {
                values.any(|value| any_reading(value.as_ref(), |read| may_equal(read, expected)))
            }
            Self::Present => values.next().is_some(),
            Self::Regex(regex) => {
                values.any(|value| any_reading(value.as_ref(), |read| regex.is_match(read)))
            }
        }
    }

    /// Whether the test holds in every way of reading a value, as an exception needs.
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

    /// Whether the test asks for the absence of a key.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

/// Whether an application may take one text for the other.
fn may_equal(sent: &str, expected: &str) -> bool {
    let (sent, expected) = (trimmed(sent), trimmed(expected));
    same_folded(sent, expected) || is_same_number(sent, expected) || is_same_flag(sent, expected)
}

/// `5.0`, `+5` and `05` are `5`, and so is `5x` to PHP's `intval` and JavaScript's `parseInt`.
fn is_same_number(sent: &str, expected: &str) -> bool {
    let Ok(wanted) = expected.parse::<f64>() else {
        return false;
    };
    let begun = sent.find(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | '-' | '.')));
    let begun = begun.and_then(|at| sent.get(..at));
    let texts = std::iter::once(sent).chain(begun);
    let mut numbers = texts.filter_map(|text| text.parse::<f64>().ok());
    numbers.any(|number| number.total_cmp(&wanted).is_eq())
}

/// Whether both words may set a flag in the same way. Rails takes everything for true that is no word for
/// false; Laravel's `boolean`, Java's `parseBoolean` and `ParseBool` of Go, where its error is ignored, take
/// everything for false that is no word for true. Where a policy writes `1` or `0`, only words count.
fn is_same_flag(sent: &str, expected: &str) -> bool {
    const TRUE: &[&str] = &["1", "on", "t", "true", "y", "yes"];
    const PLAINLY_TRUE: &[&str] = &["1", "on", "true", "yes"];
    let is_one_of =
        |text: &str, words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if is_one_of(expected, &["true"]) {
        !counts_as_none(sent)
    } else if is_one_of(expected, &["false"]) {
        !is_one_of(sent, PLAINLY_TRUE)
    } else if is_one_of(expected, PLAINLY_TRUE) {
        is_one_of(sent, TRUE)
    } else {
        is_one_of(expected, &["0", "no", "off"]) && counts_as_none(sent)
    }
}

/// Whether applications take a text for no value at all, or for one that is not set: Laravel and
/// ASP.NET read an empty field as none, PHP's `empty` also `0`, and a field of a static type is `false` or
/// 0 where nothing was sent.
pub(super) fn counts_as_none(text: &str) -> bool {
    const NONE: &[&str] = &[
        "",
        "f",
        "false",
        "n",
        "nil",
        "no",
        "none",
        "null",
        "off",
        "undefined",
    ];
    let text = trimmed(text);
    NONE.iter().any(|word| word.eq_ignore_ascii_case(text))
        || text.parse::<f64>().is_ok_and(|number| number == 0.0)
}

/// A value without what applications cut off at its ends.
pub(super) fn trimmed(value: &str) -> &str {
    value.trim_matches(is_unseen)
}

/// Whether `holds` does for a value, or for any item of it between commas, in any spelling.
///
/// Costs one pass and no allocation where the value holds nothing that is read in two ways.
fn any_reading(value: &str, mut holds: impl FnMut(&str) -> bool) -> bool {
    if any_spelling(value, &mut holds) {
        return true;
    }
    let mut items = value.split(',').map(trimmed);
    value.contains(',') && items.any(|item| any_spelling(item, &mut holds))
}

/// Whether `holds` does for a value as it is, or for what is left of it without blanks at its ends,
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
    }

    fn holds(expected: &str, sent: &str) -> bool {
        ValueTest::Equals(expected.to_owned()).holds_for_any([sent].iter())
    }

    #[test]
    fn what_an_application_takes_for_the_same_value_is_the_same() {
        for sent in [
            "delete",
            "Delete",
            " delete",
            "delete\n",
            "\u{a0}delete\u{200b}",
            "\u{feff}delete",
            "delete\0",
            "delete\0x",
            "DELETE \0",
        ] {
            assert!(holds("delete", sent), "{sent:?}");
        }
        for sent in ["deleted", "de lete", "undelete", "", "\0delete-not", "1"] {
            assert!(!holds("delete", sent), "{sent:?}");
        }
        let regex = ValueTest::Regex(WholeRegex::new("a+").unwrap());
        assert!(regex.holds_for_any([" aa\n"].iter()));
        assert!(!regex.holds_for_any(["a a"].iter()));
    }

    #[test]
    fn a_number_and_a_flag_have_many_spellings() {
        for sent in ["5", "5.0", "+5", "05", "5e0", " 5", "5x", "5,6"] {
            assert!(holds("5", sent), "{sent:?}");
        }
        for sent in ["50", "-5", "x5", "", "five"] {
            assert!(!holds("5", sent), "{sent:?}");
        }
        for (expected, same, other) in [
            (
                "false",
                &["0", "off", "", "null", "F", "no", "nonsense"][..],
                &["1", "true", " On", "YES"][..],
            ),
            (
                "true",
                &["1", "on", "x", "2", "[]"],
                &["0", "false", "", "null", "off", "n"],
            ),
            (
                "1",
                &["true", "on", "yes", "T", "01", "1.0"],
                &["2", "0", "", "x"],
            ),
            (
                "0",
                &["false", "", "off", "null", "00"],
                &["1", "true", "x"],
            ),
            ("on", &["1", "true", "ON"], &["off", "x"]),
            ("t", &["T"], &["true", "1"]),
        ] {
            for sent in same {
                assert!(holds(expected, sent), "{expected} {sent:?}");
            }
            for sent in other {
                assert!(!holds(expected, sent), "{expected} {sent:?}");
            }
        }
    }

    #[test]
    fn what_frameworks_take_for_unset_counts_as_none() {
        for text in [
            "", " ", "0", "0.0", "-0", "false", "False", "off", "NO", "null",
        ] {
            assert!(counts_as_none(text), "{text}");
        }
        for text in ["1", "true", "x", "00x", "nothing"] {
            assert!(!counts_as_none(text), "{text}");
        }
    }
}
