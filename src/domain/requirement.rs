//! What a level means for one route.

use super::{
    Action, Alternatives, ApprovalRule, Approver, Factor, FactorSet, Inline, RiskLevel, Subject,
    Title,
};
use std::fmt;
use std::time::Duration;

/// What one route requires of a request that matches it. Built by `policy/`, valid by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What the route does in the user's eyes; grants are for actions.
    pub action: Action,
    /// Shown to the person, such as `Delete an account`.
    pub title: Title,
    /// How dangerous the route is.
    pub level: RiskLevel,
    /// The proof it accepts.
    pub factors: Alternatives,
    /// Whether the policy named the factors itself; then a fresh sign-in alone is not enough.
    pub factors_narrowed: bool,
    /// The authentication contexts (`acr`) of which a sign-in at the identity provider must have one, the
    /// preferred first; empty if any will do.
    pub acr: Vec<String>,
    /// How long a proof counts, from the moment it was given.
    pub max_age: Duration,
    /// What a verification opens.
    pub scope: Scope,
    /// Whether a grant is good for one request only.
    pub single_use: bool,
    /// What of the request a grant is bound to.
    pub bind: Binding,
    /// What the person is shown of the request: label and field.
    pub show: Vec<(String, Field)>,
    /// A phrase the person must type, such as `DELETE`.
    pub confirm: Option<String>,
    /// Whose approval is needed beside the person's own proof.
    pub approval: Option<ApprovalRule>,
    /// How a program may bring the proof with the request itself.
    pub inline: Option<Inline>,
    /// Whether a program may have the proof given elsewhere: by its owner, in their browser (RFC 8628).
    pub device: bool,
    /// The page that hosts the form, so that the prompt can come before typing.
    pub anchor: Option<String>,
    /// How long what a request opens may last, if that is limited.
    pub open_for: Option<Duration>,
    /// Whether the requirement holds, or is only reported.
    pub enforcement: Enforcement,
}

/// What a verification opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This action alone, by a grant.
    Action,
    /// Every route that asks for a verified session, for the window: sudo mode.
    Session,
}

/// What of a request a grant is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// The values of the named fields, with method and authority.
    Fields(Vec<Field>),
    /// Nothing: any request for the action.
    Nothing,
    /// Method, authority, path bytes, query and the whole body.
    Request,
}

/// One value of a request that a policy can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `form.NAME`: a field of an urlencoded or multipart form.
    Form(String),
    /// `header.NAME`.
    Header(http::HeaderName),
    /// `json.POINTER` (RFC 6901), such as `json./user/id`.
    Json(String),
    /// `path.NAME`: a `{NAME}` of the route's path, or a named group of its `path_regex`.
    Path(String),
    /// `query.NAME`.
    Query(String),
}

/// Whether a requirement holds, or is only reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Requests that do not meet it are challenged.
    Enforce,
    /// Requests are forwarded; what would have happened is audited.
    Report,
}

impl Enforcement {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Report => "report",
        }
    }
}

impl Requirement {
    /// Whether the phrase that it asks for was typed, if it asks for one. Blanks around it do not count; letter case
    /// does: typing it exactly is the confirmation.
    pub fn is_confirmed_by(&self, typed: Option<&str>) -> bool {
        let asked = self.confirm.as_deref();
        asked.is_none_or(|asked| typed.is_some_and(|typed| typed.trim() == asked.trim()))
    }

    /// Whether a sign-in of this authentication context counts.
    pub fn accepts_acr(&self, acr: Option<&str>) -> bool {
        self.acr.is_empty() || acr.is_some_and(|acr| self.acr.iter().any(|one| one == acr))
    }

    /// Whether `shown` is proof enough; a sign-in among it was of the authentication context `acr`.
    pub fn is_proven_by(&self, shown: FactorSet, acr: Option<&str>) -> bool {
        let sign_in = FactorSet::EMPTY.with(Factor::Oidc);
        let counts = if self.accepts_acr(acr) {
            shown
        } else {
            shown.without(sign_in)
        };
        self.factors.satisfied_by(counts)
    }

    /// Whether an approval by `approver` is enough for `requester`; none is where none is needed.
    pub fn is_approved_by(&self, approver: Option<&Approver>, requester: &Subject) -> bool {
        let rule = self.approval.as_ref();
        rule.is_none_or(|rule| approver.is_some_and(|one| rule.accepts(one, requester)))
    }

    /// Whether one answer by `factor` is all that it asks for, so that a request may bring that.
    pub fn takes_at_once(&self, factor: Factor) -> bool {
        let alone = FactorSet::EMPTY.with(factor);
        self.factors.satisfied_by(alone) && self.confirm.is_none() && self.approval.is_none()
    }

    /// Whether the route opens by a grant for its action, rather than by a fresh session.
    pub fn needs_grant(&self) -> bool {
        self.level >= RiskLevel::High && self.scope == Scope::Action
    }

    /// Whether being freshly signed in is enough, without any verification of ours.
    pub fn accepts_fresh_sign_in(&self) -> bool {
        self.level <= RiskLevel::Medium && !self.factors_narrowed
    }
}

impl fmt::Display for Field {
    /// As it is written in a policy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(name) => write!(f, "form.{name}"),
            Self::Header(name) => write!(f, "header.{name}"),
            Self::Json(pointer) => write!(f, "json.{pointer}"),
            Self::Path(name) => write!(f, "path.{name}"),
            Self::Query(name) => write!(f, "query.{name}"),
        }
    }
}
