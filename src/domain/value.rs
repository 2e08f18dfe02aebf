//! Tests on values: of query parameters, headers, form fields and JSON.

use super::ValueTest;

impl ValueTest {
    /// Tells whether the test holds for any way of reading: one value is enough. An absence is no matter
    /// of values; see [`Occurrence`](super::occurrence::Occurrence).
    pub(super) fn holds_for_any<S: AsRef<str>>(&self, mut values: impl Iterator<Item = S>) -> bool {
        match self {
            Self::Absent => false,
            Self::Equals(expected) => values.any(|value| value.as_ref() == expected),
            Self::Present => values.next().is_some(),
            Self::Regex(regex) => values.any(|value| regex.is_match(value.as_ref())),
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
}
