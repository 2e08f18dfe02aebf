//! Why a request was refused: one table of the words for it, and of all that follows from each.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $status:literal, $kind:ident, $actor:ident;)*) => {
        /// Why a request was answered the way it was. The word is the same in logs, audit and responses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// All reasons.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kebab-case word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The HTTP status of the answer.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// What kind of refusal it is.
            pub const fn kind(self) -> ReasonKind {
                match self { $(Self::$variant => ReasonKind::$kind,)* }
            }

            /// Who can do something about it.
            pub const fn actor(self) -> Actor {
                match self { $(Self::$variant => Actor::$actor,)* }
            }
        }
    };
}

/// What kind of refusal a reason is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonKind {
    /// An answer to a challenge is not taken, or a code not sent; the challenge stays open.
    Answer,
    /// No proof of identity would open the route.
    Denial,
    /// Something that the request needs fails; the log warns of it.
    Fault,
    /// The request itself is at fault, or what it brings.
    Request,
    /// Whose session it is, is not known.
    Session,
    /// A fresh proof of identity would open the route.
    StepUp,
}

/// Who can do something about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Who wrote the client.
    Client,
    /// Nobody: it passes.
    Nobody,
    /// Who runs the site.
    Operator,
    /// The person in front of the client.
    You,
}

// The word, the status, the kind, and who can do something about it.
reasons! {
    /// The request can be read in several ways, or no honest client sends it.
    AmbiguousRequest = "ambiguous-request", 400, Request, Client;
    /// A guarded route must read the body, and it is too large.
    BodyTooLarge = "body-too-large", 413, Request, Client;
    /// The challenge is over: expired, answered, or not for this session and browser.
    ChallengeExpired = "challenge-expired", 403, Request, You;
    /// A guarded route on a connection that is logged in itself: whose request it is, nobody can tell.
    // RFC 9110 §15.5.20: the client may come again on another connection.
    ConnectionAuthenticated = "connection-authenticated", 421, Denial, Operator;
    /// A state-changing call to our endpoints did not come from our own pages.
    CrossSite = "cross-site", 403, Request, Client;
    /// Too many consecutive failures; an operator must unlock the factor.
    FactorLocked = "factor-locked", 403, Answer, Operator;
    /// There was a grant, and its time is over.
    GrantExpired = "grant-expired", 403, StepUp, You;
    /// There is a grant, for another request.
    GrantMismatch = "grant-mismatch", 403, StepUp, You;
    /// The single-use grant was taken before.
    GrantSpent = "grant-spent", 403, StepUp, You;
    /// The headers of the request are too long, or too many.
    HeadTooLarge = "head-too-large", 431, Request, Client;
    /// The upstream answered with something that is not one HTTP message.
    InvalidUpstreamResponse = "invalid-upstream-response", 502, Fault, Operator;
    /// A limit on connections or concurrent work was reached.
    LimitReached = "limit-reached", 503, Fault, Nobody;
    /// The mail could not be handed to the mail server.
    MailUnavailable = "mail-unavailable", 503, Answer, Operator;
    /// Nobody enrolled a factor that this route accepts.
    MethodNotEnrolled = "method-not-enrolled", 403, Denial, You;
    /// There is nothing of ours at this address, or the method is not one we know.
    NotFound = "not-found", 404, Request, You;
    /// The application's login did not say whether a password is right.
    PasswordUnavailable = "password-unavailable", 503, Fault, Nobody;
    /// The phrase that a challenge asks for was not sent along.
    PhraseRequired = "phrase-required", 400, Answer, Client;
    /// The policy forbids whatever it does not name.
    PolicyDefaultDeny = "policy-default-deny", 403, Denial, Operator;
    /// The identity provider does not answer as it must, or does not take our request.
    ProviderUnavailable = "provider-unavailable", 503, Answer, Operator;
    /// The request did not come in time.
    RequestTimeout = "request-timeout", 408, Request, Client;
    /// Somebody may have logged in within the session, or it was signed out here: whose it is cannot be told.
    SessionDisputed = "session-disputed", 401, Session, You;
    /// The session is not fresh enough for this route.
    SessionNotFresh = "session-not-fresh", 403, StepUp, You;
    /// A guarded route needs a session that we know.
    SessionRequired = "session-required", 401, Session, You;
    /// The session was ended by its owner or an operator.
    SessionRevoked = "session-revoked", 401, Session, You;
    /// The session is older, or was idle longer, than the settings allow.
    SessionTimedOut = "session-timed-out", 401, Session, You;
    /// The person left the identity provider without signing in.
    SignInCancelled = "sign-in-cancelled", 403, Answer, You;
    /// The identity provider's answer does not prove that the person has just signed in, as the route requires.
    SignInNotAccepted = "sign-in-not-accepted", 403, Answer, You;
    /// Somebody else signed in at the identity provider.
    SignInOtherAccount = "sign-in-other-account", 403, Answer, You;
    /// A fresh proof of identity is needed.
    StepUpRequired = "step-up-required", 403, StepUp, You;
    /// The store does not answer; guarded routes stay shut.
    StoreUnavailable = "store-unavailable", 503, Fault, Operator;
    /// The proofs are another subject's: the application acts for somebody else now.
    SubjectMismatch = "subject-mismatch", 403, StepUp, You;
    /// The application does not say whose request it is; guarded routes stay shut.
    SubjectUnavailable = "subject-unavailable", 503, Fault, Operator;
    /// The address of the request is too long.
    TargetTooLong = "target-too-long", 414, Request, Client;
    /// Too many attempts for now.
    TooManyAttempts = "too-many-attempts", 429, Answer, Nobody;
    /// The upstream answered too late.
    UpstreamTimeout = "upstream-timeout", 504, Fault, Operator;
    /// The upstream could not be reached, or hung up.
    UpstreamUnreachable = "upstream-unreachable", 502, Fault, Operator;
    /// The answer to the challenge is wrong.
    WrongAnswer = "wrong-answer", 403, Answer, You;
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

    #[test]
    fn a_refusal_is_an_error_of_the_client_or_of_ours() {
        for reason in Reason::ALL {
            assert!((400..600).contains(&reason.status()), "{reason}");
        }
    }
}
