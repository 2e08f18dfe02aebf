//! The words for why: the same in logs, audit, metrics and responses.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// Why a request was answered the way it was.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kebab-case word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

reasons! {
    /// The request can be read in several ways, or no honest client sends it.
    AmbiguousRequest = "ambiguous-request",
    /// A guarded route must read the body, and it is too large.
    BodyTooLarge = "body-too-large",
    /// The challenge is over: expired, answered, or not for this session and browser.
    ChallengeExpired = "challenge-expired",
    /// A guarded route on a connection that is logged in itself: whose request it is, nobody can tell.
    ConnectionAuthenticated = "connection-authenticated",
    /// A state-changing call to our endpoints did not come from our own pages.
    CrossSite = "cross-site",
    /// Too many consecutive failures; an operator must unlock the factor.
    FactorLocked = "factor-locked",
    /// There was a grant, and its time is over.
    GrantExpired = "grant-expired",
    /// There is a grant, for another request.
    GrantMismatch = "grant-mismatch",
    /// The single-use grant was taken before.
    GrantSpent = "grant-spent",
    /// The headers of the request are too long, or too many.
    HeadTooLarge = "head-too-large",
    /// The upstream answered with something that is not one HTTP message.
    InvalidUpstreamResponse = "invalid-upstream-response",
    /// A limit on connections or concurrent work was reached.
    LimitReached = "limit-reached",
    /// The mail could not be handed to the mail server.
    MailUnavailable = "mail-unavailable",
    /// Nobody enrolled a factor that this route accepts.
    MethodNotEnrolled = "method-not-enrolled",
    /// Nothing of ours lives at this address, or the method is not one we know.
    NotFound = "not-found",
    /// The policy forbids whatever it does not name.
    PolicyDefaultDeny = "policy-default-deny",
    /// The request did not come in time.
    RequestTimeout = "request-timeout",
    /// Somebody may have logged in within the session, or it was signed out here: whose it is cannot be told.
    SessionDisputed = "session-disputed",
    /// The session is not fresh enough for this route.
    SessionNotFresh = "session-not-fresh",
    /// A guarded route needs a session that we know.
    SessionRequired = "session-required",
    /// The session was ended by its owner or an operator.
    SessionRevoked = "session-revoked",
    /// The session is older, or was idle longer, than the settings allow.
    SessionTimedOut = "session-timed-out",
    /// A fresh proof of identity is needed.
    StepUpRequired = "step-up-required",
    /// The store does not answer; guarded routes stay shut.
    StoreUnavailable = "store-unavailable",
    /// The address of the request is too long.
    TargetTooLong = "target-too-long",
    /// Too many attempts for now.
    TooManyAttempts = "too-many-attempts",
    /// The upstream answered too late.
    UpstreamTimeout = "upstream-timeout",
    /// The upstream could not be reached, or hung up.
    UpstreamUnreachable = "upstream-unreachable",
    /// The answer to the challenge is wrong.
    WrongAnswer = "wrong-answer",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_kebab_case_word_of_its_own() {
        let mut words: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert!(
            words
                .iter()
                .all(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        );
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
