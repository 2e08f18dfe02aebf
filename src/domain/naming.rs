//! Which spellings of a user's name are one user: as the application compares them.

use super::{Subject, UserId};
use icu_normalizer::ComposingNormalizerBorrowed;
use std::borrow::Cow;

/// How the application tells its users' names apart.
///
/// Taken for finer than it is, one person has two names, of which one proves nothing. Taken for coarser,
/// two people are one: one is shown the other's mail address, and proves by the other's factors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// Whether letter case tells names apart.
    pub case: LetterCase,
    /// Which sequences of Unicode characters are one.
    pub form: NormalForm,
}

/// Whether letter case tells names apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LetterCase {
    /// No: `Admin` is `admin`.
    #[default]
    Insensitive,
    /// Yes.
    Sensitive,
}

/// Which sequences of Unicode characters are one (UAX #15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NormalForm {
    /// None but the same.
    AsIs,
    /// Those that look the same: a letter with an accent, and a letter and an accent.
    #[default]
    Nfc,
    /// Those that mean the same as well: full-width letters, ligatures, superscripts.
    Nfkc,
}

impl Naming {
    /// The one spelling of a name that the application, a form or an operator said, with the one that it had.
    ///
    /// Trimmed. `None` for an empty name, one over 254 bytes (the longest e-mail address, RFC 5321
    /// §4.5.3.1.3), or one with control characters.
    pub fn subject(&self, name: &str) -> Option<Subject> {
        let is_sound = |name: &str| {
            !name.is_empty() && name.len() <= 254 && !name.chars().any(char::is_control)
        };
        let name = name.trim();
        if !is_sound(name) {
            return None;
        }
        let composed = self.form.of(name);
        let cased = match self.case {
            LetterCase::Sensitive => composed,
            // Lower case may take a letter apart again.
            LetterCase::Insensitive => {
                let lower = composed.to_lowercase();
                Cow::Owned(self.form.of(&lower).into_owned())
            }
        };
        // NFKC makes blanks of other characters, and longer names.
        let cased = cased.trim();
        is_sound(cased).then(|| Subject::new(cased).said_as(name))
    }

    /// The same for a user of the directory.
    pub fn user(&self, name: &str) -> Option<UserId> {
        let subject = self.subject(name)?;
        Some(UserId::new(subject.as_str()))
    }
}

impl NormalForm {
    fn of(self, text: &str) -> Cow<'_, str> {
        match self {
            _ if text.is_ascii() => Cow::Borrowed(text),
            Self::AsIs => Cow::Borrowed(text),
            Self::Nfc => ComposingNormalizerBorrowed::new_nfc().normalize(text),
            Self::Nfkc => ComposingNormalizerBorrowed::new_nfkc().normalize(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [NormalForm; 3] = [NormalForm::AsIs, NormalForm::Nfc, NormalForm::Nfkc];

    fn same(one: &str, other: &str, case: LetterCase) -> [bool; 3] {
        FORMS.map(|form| {
            let naming = Naming { case, form };
            naming.subject(one).unwrap() == naming.subject(other).unwrap()
        })
    }

    #[test]
    fn a_spelling_is_not_a_new_user() {
        let usual = Naming::default();
        assert_eq!(usual.subject(" Alice "), usual.subject("alice"));
        assert_eq!(usual.subject("  "), None);
        assert_eq!(usual.subject("a\nb"), None);
        assert_eq!(usual.subject("Alice"), Some(Subject::new("alice")));
        assert_eq!(usual.subject(" Alice ").unwrap().spelling(), "Alice");
        assert_eq!(usual.user("Alice"), Some(UserId::new("alice")));
    }

    #[test]
    fn two_users_whose_names_differ_in_letter_case_are_two_if_told_so() {
        let (folded, kept) = (LetterCase::Insensitive, LetterCase::Sensitive);
        assert_eq!(same("ADMIN", "Admin", folded), [true; 3]);
        assert_eq!(same("ADMIN", "Admin", kept), [false; 3]);
        assert_eq!(same(" Admin", "Admin ", kept), [true; 3]);
        assert_eq!(same("ÉVA", "éva", folded), [true; 3]);
        assert_eq!(same("ÉVA", "éva", kept), [false; 3]);
    }

    #[test]
    fn names_that_look_alike_are_one_in_the_form_that_says_so() {
        for case in [LetterCase::Insensitive, LetterCase::Sensitive] {
            assert_eq!(same("e\u{301}va", "\u{e9}va", case), [false, true, true]);
            assert_eq!(same("\u{ff41}lice", "alice", case), [false, false, true]);
            assert_eq!(same("\u{fb01}n", "fin", case), [false, false, true]);
            assert_eq!(same("alice\u{2003}", "alice", case), [true; 3]);
            assert_eq!(same("\u{430}lice", "alice", case), [false; 3]);
        }
        assert_eq!(
            same("E\u{301}VA", "\u{e9}va", LetterCase::Insensitive),
            [false, true, true]
        );
        // What is composed is lower-cased, and composed again.
        assert_eq!(
            same("\u{130}", "i\u{307}", LetterCase::Insensitive),
            [true; 3]
        );
    }

    #[test]
    fn one_spelling_is_its_own() {
        let names = [
            "\u{130}stanbul",
            "E\u{301}va",
            "\u{fdfa}",
            "ΟΔΟΣ",
            "\u{212b}",
            "\u{a8}x",
            "ẞ",
        ];
        for case in [LetterCase::Insensitive, LetterCase::Sensitive] {
            for form in FORMS {
                let naming = Naming { case, form };
                for name in names {
                    let once = naming.subject(name).unwrap();
                    assert_eq!(naming.subject(once.as_str()), Some(once), "{name}");
                }
            }
        }
    }
}
