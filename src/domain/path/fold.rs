//! Letter case, folded the way the most forgiving application does it.

use std::borrow::Cow;

/// Folds letter case: texts that any application takes for the same become the same.
///
/// Lower, upper and lower again, because some applications compare in upper case: the Kelvin sign
/// becomes `k` and the long s becomes `s` in them.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(fold_char).collect())
}

/// Folds ASCII into `buffer` where it fits, so that the common case needs no allocation.
pub(crate) fn fold_into<'b>(text: &'b str, buffer: &'b mut [u8; 64]) -> Cow<'b, str> {
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) || !text.is_ascii() {
        return fold(text);
    }
    let Some(room) = buffer.get_mut(..text.len()) else {
        return fold(text);
    };
    room.copy_from_slice(text.as_bytes());
    room.make_ascii_lowercase();
    std::str::from_utf8(room).map_or_else(|_| fold(text), Cow::Borrowed)
}

/// Whether two texts are the same but for letter case.
pub(crate) fn same_folded(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || (!(one.is_ascii() && other.is_ascii()) && fold(one) == fold(other))
}

fn fold_char(c: char) -> impl Iterator<Item = char> {
    c.to_lowercase()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_twice_changes_nothing() {
        for c in '\0'..=char::MAX {
            let once: String = fold_char(c).collect();
            assert_eq!(fold(&once), once, "{c:?}");
        }
    }

    #[test]
    fn what_an_application_takes_for_the_same_is_the_same() {
        for (one, other) in [
            ("KEYS", "keys"),
            ("\u{212A}eys", "keys"),
            ("u\u{17F}ers", "users"),
            ("ÄÖ", "äö"),
        ] {
            assert!(same_folded(one, other), "{one}");
        }
        assert!(!same_folded("keys", "key"));
        let mut buffer = [0; 64];
        assert_eq!(fold_into("Users", &mut buffer), "users");
        assert_eq!(fold_into(&"A".repeat(80), &mut buffer), "a".repeat(80));
    }
}
