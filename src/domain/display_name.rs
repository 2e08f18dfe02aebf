//! The name by which a page calls a person.

use super::Subject;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use std::fmt;

/// A person's name as a source tells it, cleaned for a page. It proves nothing: people choose theirs, so that it
/// always stands beside the name of the subject.
///
/// One line of at most [`LONGEST`](Self::LONGEST) characters, without controls, without marks that turn the writing
/// direction or show nothing, and with no pile of accents on one letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    /// Characters, at most; a longer name is cut.
    pub const LONGEST: usize = 64;

    /// Cleans a name; `None` if nothing of it can be shown.
    pub fn of(text: &str) -> Option<Self> {
        one_line(text, Self::LONGEST).map(Self)
    }

    /// Whether it says no more than the subject's own name.
    pub fn is_name_of(&self, subject: &Subject) -> bool {
        [subject.as_str(), subject.spelling()].contains(&self.0.as_str())
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of at most `longest` characters of a text that somebody wrote, cleaned for a page; `None` if nothing of it
/// can be shown.
pub(super) fn one_line(text: &str, longest: usize) -> Option<String> {
    let marks = CanonicalCombiningClassMapBorrowed::new();
    let (mut line, mut length, mut accents) = (String::new(), 0, 0);
    let is_shown = |c: &char| c.is_whitespace() || !hides(*c);
    let shown = text.chars().filter(is_shown);
    for c in ComposingNormalizerBorrowed::new_nfc().normalize_iter(shown) {
        let is_accent = marks.get_u8(c) != 0;
        accents = if is_accent { accents + 1 } else { 0 };
        let is_blank_again = c.is_whitespace() && (line.is_empty() || line.ends_with(' '));
        if is_blank_again || accents > ACCENTS {
            continue;
        }
        if length == longest {
            line.pop();
            line.push('…');
            break;
        }
        length += 1;
        line.push(if c.is_whitespace() { ' ' } else { c });
    }
    let line = line.trim_end();
    let is_something = line.chars().any(|c| c != ' ' && !is_joiner(c));
    is_something.then(|| line.to_owned())
}

/// Persian and Hindi names need them between letters.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Controls, marks of the writing direction, and characters that show nothing or are for no text.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        )
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
        || matches!(c, '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}')
}

/// More than any language puts on one letter.
const ACCENTS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> Option<String> {
        DisplayName::of(text).map(|name| name.to_string())
    }

    #[test]
    fn a_name_is_left_as_people_write_it() {
        for name in [
            "Alice Example",
            "Ren\u{e9}e O’Neill-Brown, Jr.",
            "山田 太郎",
            "محمد بن سلمان",
            // With the joiner that Persian needs.
            "علی\u{200c}رضا",
            "Nguy\u{1ec5}n Th\u{1ecb} Minh",
            "<b>Bob</b> & {host}",
            "Bob 🙂",
        ] {
            assert_eq!(cleaned(name).as_deref(), Some(name));
        }
        assert_eq!(cleaned("Rene\u{301}e").as_deref(), Some("Ren\u{e9}e"));
    }

    #[test]
    fn what_hides_turns_or_breaks_lines_is_taken_out() {
        for (name, left) in [
            ("  Alice \r\n\t Example\u{2028}\u{a0}", "Alice Example"),
            ("Alice\u{202e})toor(\u{202c}", "Alice)toor("),
            ("\u{2066}Alice\u{2069}\u{200f}", "Alice"),
            ("A\u{200b}l\u{ad}i\u{feff}c\u{2060}e", "Alice"),
            ("Alice\u{0}\u{1b}[31m\u{7f}\u{85}", "Alice[31m"),
            ("A\u{e0041}l\u{fe0f}ice", "Alice"),
        ] {
            assert_eq!(cleaned(name).as_deref(), Some(left), "{name:?}");
        }
        for nothing in [
            "",
            " \n\t",
            "\u{202e}",
            "\u{3164}\u{115f}",
            "\u{2800} \u{200d}",
        ] {
            assert_eq!(cleaned(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn a_name_is_short_however_much_is_said() {
        assert_eq!(cleaned(&"x".repeat(64)), Some("x".repeat(64)));
        let cut = format!("{}…", "x".repeat(63));
        assert_eq!(cleaned(&"x".repeat(100_000)), Some(cut));
        let pile = format!("Z{}\u{301}oe", "\u{30d}".repeat(500));
        assert_eq!(cleaned(&pile).map(|name| name.chars().count()), Some(6));
        let once = cleaned(&"ä \u{5d0}".repeat(50)).unwrap();
        assert_eq!(cleaned(&once), Some(once), "cleaned is clean");
    }
}
