//! Proof that a challenge was satisfied; it is kept in the store.

use super::{
    Action, Approver, BrowserKeyHash, FactorSet, GrantId, RequestDigest, RiskLevel, SessionId,
    Subject, Timestamp,
};

/// Proof that a challenge for an action was satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names it in the audit log.
    pub id: GrantId,
    /// What it is for, and how it may be used.
    pub key: GrantKey,
    /// The level it was earned at; it opens nothing above.
    pub level: RiskLevel,
    /// Whose it is.
    pub subject: Subject,
    /// In which browser it was earned.
    pub browser_key: BrowserKeyHash,
    /// What was shown for it.
    pub factors: FactorSet,
    /// The authentication context (`acr`) of a sign-in among them, if the provider named one.
    pub acr: Option<String>,
    /// Who approved it beside whoever earned it.
    pub approved_by: Option<Approver>,
    /// When it was earned.
    pub granted_at: Timestamp,
    /// When the store deletes it, whatever the policy says by then.
    pub expires_at: Timestamp,
}

/// Under what a grant is filed: a request asks for exactly this.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GrantKey {
    /// The action.
    pub action: Action,
    /// The request it is bound to, if any.
    pub binding: Option<RequestDigest>,
    /// Whether it is good for one request only.
    pub single_use: bool,
}

impl GrantKey {
    /// Whether an action may have several grants of this kind, at once or one after the other.
    pub const fn is_one_of_many(&self) -> bool {
        self.single_use || self.binding.is_some()
    }
}

/// A single-use grant that this request has taken out of the store.
///
/// Not `Clone`: two holders could spend it twice. It is either spent with the request, or handed
/// back to the store when not one byte of the request reached the upstream.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    /// The session it was filed under.
    pub session: SessionId,
    /// What was taken.
    pub grant: Grant,
}
