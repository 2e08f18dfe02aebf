//! Tests on values: of query parameters, headers, form fields and JSON.

use super::ValueTest;

impl ValueTest {
    /// Tells whether the test holds for any way of reading: one value is enough.
    pub(super) fn holds_for_any<S: AsRef<str>>(&self, mut values: impl Iterator<Item = S>) -> bool {
        match self {
            Self::Absent => values.next().is_none(),
            Self::Equals(expected) => values.any(|value| value.as_ref() == expected),
            Self::Present => values.next().is_some(),
            Self::Regex(regex) => values.any(|value| regex.is_match(value.as_ref())),
        }
    }

    /// Tells whether the test holds for every way of reading: no value may fail it, and there must
    /// be one (none for `Absent`). Exceptions are judged so.
    pub(super) fn holds_for_all<S: AsRef<str>>(&self, values: impl Iterator<Item = S>) -> bool {
        let mut values = values.peekable();
        match self {
            Self::Absent => values.peek().is_none(),
            Self::Equals(expected) => {
                values.peek().is_some() && values.all(|value| value.as_ref() == expected)
            }
            Self::Present => values.peek().is_some(),
            Self::Regex(regex) => {
                values.peek().is_some() && values.all(|value| regex.is_match(value.as_ref()))
            }
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
    wanted.is_some() && values.iter().any(|value| number(value) == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WholeRegex;

    #[test]
    fn one_value_is_enough_for_a_route_and_all_are_needed_for_an_exception() {
        let regex = ValueTest::Regex(WholeRegex::new("a+").unwrap());
        let equals = ValueTest::Equals("a".to_owned());
        for test in [regex, equals] {
            assert!(test.holds_for_any(["b", "a"].iter()));
            assert!(!test.holds_for_all(["b", "a"].iter()));
            assert!(test.holds_for_all(["a", "a"].iter()));
            assert!(!test.holds_for_all(std::iter::empty::<&str>()));
        }
        assert!(ValueTest::Present.holds_for_any([""].iter()));
        assert!(ValueTest::Absent.holds_for_any(std::iter::empty::<&str>()));
        assert!(!ValueTest::Absent.holds_for_all([""].iter()));
    }
}
