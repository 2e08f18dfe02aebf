//! What each reason means, who can act, and what to do: one table for pages and problem documents.

mod de;
mod en;

use super::texts::Texts;
use crate::domain::Reason;
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

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Client,
    Nobody,
    Operator,
    You,
}

/// Explains `reason` in `locale`.
pub(crate) const fn explain(reason: Reason, locale: Locale) -> Explanation {
    match locale {
        Locale::De => de::explain(reason),
        Locale::En => en::explain(reason),
    }
}

/// Tells who can do something about `reason`.
pub(crate) const fn actor(reason: Reason) -> Actor {
    match reason {
        Reason::AmbiguousRequest
        | Reason::BodyTooLarge
        | Reason::CrossSite
        | Reason::HeadTooLarge
        | Reason::RequestTimeout
        | Reason::TargetTooLong => Actor::Client,
        Reason::LimitReached | Reason::TooManyAttempts => Actor::Nobody,
        Reason::ConnectionAuthenticated
        | Reason::FactorLocked
        | Reason::InvalidUpstreamResponse
        | Reason::MailUnavailable
        | Reason::MethodNotEnrolled
        | Reason::PolicyDefaultDeny
        | Reason::StoreUnavailable
        | Reason::UpstreamTimeout
        | Reason::UpstreamUnreachable => Actor::Operator,
        Reason::ChallengeExpired
        | Reason::GrantExpired
        | Reason::GrantMismatch
        | Reason::GrantSpent
        | Reason::NotFound
        | Reason::SessionDisputed
        | Reason::SessionNotFresh
        | Reason::SessionRequired
        | Reason::SessionRevoked
        | Reason::SessionTimedOut
        | Reason::StepUpRequired
        | Reason::WrongAnswer => Actor::You,
    }
}

impl Actor {
    /// What the actor is called.
    pub(crate) const fn name(self, texts: &Texts) -> &'static str {
        match self {
            Self::Client => texts.actor_client,
            Self::Nobody => texts.actor_nobody,
            Self::Operator => texts.actor_operator,
            Self::You => texts.actor_you,
        }
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
                let told = explain(*reason, locale);
                assert!(
                    titles.insert(told.title),
                    "{reason} {locale}: {}",
                    told.title
                );
                for text in [told.meaning, told.todo] {
                    assert!(
                        text.ends_with('.') && text.len() > 20,
                        "{reason} {locale}: {text}"
                    );
                }
            }
        }
    }
}
