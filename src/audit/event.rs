//! What is recorded: one event per guarded decision and per step of a verification.

use crate::domain::{
    Action, ChallengeId, Enforcement, Factor, GrantId, Method, Reason, RiskLevel, RouteId,
    SessionId, Subject, Timestamp,
};
use std::net::IpAddr;
use std::time::Duration;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$item])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The kebab-case word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

words! {
    /// What happened.
    EventKind {
        /// A request for approval was approved or refused.
        ApprovalDecided = "approval-decided",
        /// A challenge was answered that somebody else must approve.
        ApprovalRequested = "approval-requested",
        /// Whoever asked for approval does not want it any more.
        ApprovalWithdrawn = "approval-withdrawn",
        /// A code was asked for and sent, or not.
        CodeSent = "code-sent",
        /// A guarded request was decided.
        Decision = "decision",
        /// The owner of an account approved or denied what a program asks for.
        DeviceDecided = "device-decided",
        /// A program asks the owner of its account for a proof.
        DeviceRequested = "device-requested",
        /// A program has taken up what its owner approved.
        DeviceTakenUp = "device-taken-up",
        /// Events were lost before this one; how many is its count.
        EventsLost = "events-lost",
        /// One factor of a challenge was answered, and the challenge is not met by it.
        FactorAnswered = "factor-answered",
        /// A factor was taken from a user, by an operator or by themselves.
        FactorRemoved = "factor-removed",
        /// A user was given a factor, or another in its place, by an operator or by themselves.
        FactorSet = "factor-set",
        /// An operator unlocked the factors of a user.
        FactorUnlocked = "factor-unlocked",
        /// The elevation of a session was dropped by its owner or an operator.
        Locked = "locked",
        /// The log goes on after a crash in the middle of a line.
        LogResumed = "log-resumed",
        /// A login of the application was observed.
        LoginObserved = "login-observed",
        /// A logout of the application was observed.
        LogoutObserved = "logout-observed",
        /// New policies are in force, or were refused.
        PoliciesLoaded = "policies-loaded",
        /// The elevation of a session ended with the session of the identity provider that proved it.
        ProviderLogout = "provider-logout",
        /// The application gave a session another credential.
        SessionMoved = "session-moved",
        /// A session was ended by its owner or an operator.
        SessionRevoked = "session-revoked",
        /// A sign-in at the identity provider was begun, or not.
        SignInBegun = "sign-in-begun",
        /// Somebody signed out by our own page.
        SignedOut = "signed-out",
        /// The sidecar started.
        Started = "started",
        /// What was open for a session ended with it; how many is its count.
        StreamsEnded = "streams-ended",
        /// The sidecar stopped.
        Stopped = "stopped",
        /// An operator added a user to the directory.
        UserAdded = "user-added",
        /// An operator changed names, address or, by an import, the password of a user.
        UserChanged = "user-changed",
        /// An operator removed a user.
        UserRemoved = "user-removed",
        /// A challenge was met.
        Verified = "verified",
    }
}

words! {
    /// How it ended.
    Outcome {
        /// The request was challenged.
        Challenged = "challenged",
        /// The request was refused, and no verification would help.
        Denied = "denied",
        /// It did not work, for a reason that is not the person's.
        Failed = "failed",
        /// The request was forwarded.
        Forwarded = "forwarded",
        /// The answer was not accepted.
        Refused = "refused",
        /// The request was forwarded although it would have been challenged: report mode.
        Reported = "reported",
        /// It worked.
        Succeeded = "succeeded",
    }
}

/// Is called with every event that is recorded, on the thread that records it.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// An event was recorded.
    fn recorded(&self, event: &Event<'_>);
}

/// One event. There is no field that could hold a secret.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it ended so.
    pub reason: Option<Reason>,
    /// The request.
    pub request_id: Option<&'a str>,
    /// The routes that matched.
    pub routes: Vec<&'a RouteId>,
    /// The action of the route that decided.
    pub action: Option<&'a Action>,
    /// Its level.
    pub level: Option<RiskLevel>,
    /// Whether it is enforced.
    pub enforcement: Option<Enforcement>,
    /// The user whom the session belongs to.
    pub subject: Option<&'a Subject>,
    /// The session; its head is written.
    pub session: Option<SessionId>,
    /// Where the request came from.
    pub client: Option<IpAddr>,
    /// Its method.
    pub method: Option<Method>,
    /// Its path; what follows a `?` is not written, since queries hold tokens.
    pub path: Option<&'a str>,
    /// The factor.
    pub factor: Option<Factor>,
    /// The authentication context (`acr`) of a sign-in at the identity provider.
    pub acr: Option<&'a str>,
    /// Its methods (`amr`, RFC 8176).
    pub amr: &'a [String],
    /// The challenge.
    pub challenge: Option<ChallengeId>,
    /// The grant that was earned or used.
    pub grant: Option<GrantId>,
    /// Whose request for approval it is, where that is somebody else than the subject.
    pub requester: Option<&'a Subject>,
    /// Who approved.
    pub approver: Option<&'a Subject>,
    /// As one of which group of the source they did.
    pub group: Option<&'a str>,
    /// What a person gave as the reason: cleaned, and cut.
    pub text: Option<&'a str>,
    /// Who acted on the command line.
    pub operator: Option<&'a str>,
    /// How many, for events that count.
    pub count: Option<u64>,
    /// How long it took.
    pub latency: Option<Duration>,
}

impl Event<'_> {
    /// An event of which nothing else is known yet.
    pub const fn new(at: Timestamp, kind: EventKind, outcome: Outcome) -> Self {
        Self {
            at,
            kind,
            outcome,
            reason: None,
            request_id: None,
            routes: Vec::new(),
            action: None,
            level: None,
            enforcement: None,
            subject: None,
            session: None,
            client: None,
            method: None,
            path: None,
            factor: None,
            acr: None,
            amr: &[],
            challenge: None,
            grant: None,
            requester: None,
            approver: None,
            group: None,
            text: None,
            operator: None,
            count: None,
            latency: None,
        }
    }
}
