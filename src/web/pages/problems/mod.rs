//! What each reason means, who can act, and what to do, for pages and problem documents.

/// A language's table of explanations: the heading, what it means, what to do. A `match` comes of it, so a
/// language that lacks a reason does not compile.
macro_rules! explanations {
    ($($reason:ident => $title:literal, $meaning:literal, $todo:literal;)*) => {
        pub(super) const fn explain(reason: crate::domain::Reason) -> super::Explanation {
            let (title, meaning, todo) = match reason {
                $(crate::domain::Reason::$reason => ($title, $meaning, $todo),)*
            };
            super::Explanation { title, meaning, todo }
        }
    };
}
use explanations;

mod de;
mod en;

use super::texts::Texts;
use crate::domain::{Actor, Reason};
use crate::locale::Locale;

/// What a reason means to the person or program that meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// A few words, as a heading.
    pub(crate) title: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What to do.
    pub(crate) todo: &'static str,
}

/// Explains `reason` in `locale`.
pub(crate) const fn explain(reason: Reason, locale: Locale) -> Explanation {
    match locale {
        Locale::De => de::explain(reason),
        Locale::En => en::explain(reason),
    }
}

/// What whoever can do something about `reason` is called.
pub(crate) const fn actor(reason: Reason, texts: &Texts) -> &'static str {
    match reason.actor() {
        Actor::Client => texts.actor_client,
        Actor::Nobody => texts.actor_nobody,
        Actor::Operator => texts.actor_operator,
        Actor::You => texts.actor_you,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_words_of_its_own_in_every_language() {
        let mut titles = BTreeSet::new();
        for locale in Locale::ALL {
            for reason in Reason::ALL {
                let explanation = explain(*reason, locale);
                assert!(
                    titles.insert(explanation.title),
                    "{reason} {locale}: {}",
                    explanation.title
                );
                for text in [explanation.meaning, explanation.todo] {
                    assert!(
                        text.ends_with('.') && text.len() > 20,
                        "{reason} {locale}: {text}"
                    );
                }
            }
        }
    }
}
