//! The one question that matters: may this request pass?

use super::{
    Enforcement, Evidence, FactorSet, Grant, GrantKey, Mark, Reason, RequestDigest, Requirement,
    RiskLevel, Session, SessionState, StoredSession, Timestamp,
};
use std::sync::Arc;

/// One requirement, applied to one request.
#[derive(Clone, Debug)]
pub struct Demand {
    /// What is required.
    pub requirement: Arc<Requirement>,
    /// The digest of this request, where the requirement binds to it.
    pub binding: Option<RequestDigest>,
}

/// The answer to a request: with what comes of it if it may pass, and what is lacking if not. Every case must
/// be answered; a challenge is not an error.
#[derive(Debug)]
pub enum Verdict<P = Option<Met>, C = Unmet, D = C> {
    /// A requirement is not met, and a verification would meet it.
    Challenge(C),
    /// No verification of ours would help.
    Deny(D),
    /// The request may pass.
    Pass(P),
}

/// The strictest requirement that is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// Its place among the demands; `None` where the request is denied whatever it demands.
    pub index: Option<usize>,
    /// Why it is not met.
    pub reason: Reason,
}

/// The strictest requirement that is met, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Met {
    /// Its place among the demands.
    pub index: usize,
    /// By what.
    pub proof: Proof,
}

/// What meets a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What was shown to us; nothing for a fresh sign-in to the application.
    pub factors: FactorSet,
    /// When.
    pub at: Timestamp,
}

/// Decides whether a request that makes `demands` may pass on `evidence`. Pure and total.
///
/// All enforced demands must be met; the answer names the strictest one that is not, or else the strictest one,
/// if there is any. Demands that are only reported never hold a request up, and prove nothing.
pub fn decide(demands: &[Demand], evidence: &Evidence, now: Timestamp) -> Verdict {
    let enforced = demands
        .iter()
        .enumerate()
        .filter(|(_, demand)| demand.requirement.enforcement == Enforcement::Enforce);
    // Among equals the first in the list, so that the answer does not depend on chance.
    let (mut refused, mut strictest) = (None, None);
    for (index, demand) in enforced {
        let level = demand.requirement.level;
        match met(demand, evidence, now) {
            // Denials first: no verification should be asked for that cannot help.
            Err(reason) if refused.is_none_or(|(most, _)| most < (denies(reason), level)) => {
                let index = Some(index);
                refused = Some(((denies(reason), level), Unmet { index, reason }));
            }
            Ok(proof) if strictest.is_none_or(|(most, _)| most < level) => {
                strictest = Some((level, Met { index, proof }));
            }
            Err(_) | Ok(_) => {}
        }
    }
    match refused {
        None => Verdict::Pass(strictest.map(|(_, met)| met)),
        Some(((true, _), unmet)) => Verdict::Deny(unmet),
        Some(((false, _), unmet)) => Verdict::Challenge(unmet),
    }
}

/// Why `demand` is not met by `evidence`; `None` if it is met.
pub fn unmet(demand: &Demand, evidence: &Evidence, now: Timestamp) -> Option<Reason> {
    met(demand, evidence, now).err()
}

/// What of `evidence` meets `demand`, or why nothing does.
fn met(demand: &Demand, evidence: &Evidence, now: Timestamp) -> Result<Proof, Reason> {
    let session = match &evidence.session {
        SessionState::Absent | SessionState::Unknown => return Err(Reason::SessionRequired),
        SessionState::Disputed(StoredSession { revoked: true, .. })
        | SessionState::Known(Session { revoked: true, .. }) => {
            return Err(Reason::SessionRevoked);
        }
        SessionState::Disputed(_) => return Err(Reason::SessionDisputed),
        SessionState::Known(session) => session,
    };
    let requirement = &*demand.requirement;
    if requirement.needs_grant() {
        return granted(demand, session, evidence, now);
    }
    let proof = verified(requirement, session, evidence, now)
        .or_else(|| freshly_signed_in(requirement, session, evidence, now));
    proof.ok_or(if requirement.level >= RiskLevel::High {
        Reason::StepUpRequired
    } else {
        Reason::SessionNotFresh
    })
}

/// Reasons that no verification of ours would change.
fn denies(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::SessionDisputed | Reason::SessionRequired | Reason::SessionRevoked
    )
}

fn granted(
    demand: &Demand,
    session: &Session,
    evidence: &Evidence,
    now: Timestamp,
) -> Result<Proof, Reason> {
    let wanted = demand.grant_key();
    let held = evidence.grants.iter().filter(|grant| !grant.key.single_use);
    let taken = evidence
        .claims
        .iter()
        .map(|claim| &claim.grant)
        .filter(|g| g.key.single_use);
    let mut reason = Reason::StepUpRequired;
    for grant in held
        .chain(taken)
        .filter(|grant| grant.key.action == wanted.action)
    {
        match refusal(grant, &wanted, demand, session, evidence, now) {
            None => {
                return Ok(Proof {
                    factors: grant.factors,
                    at: grant.granted_at,
                });
            }
            Some(why) => reason = why,
        }
    }
    if reason == Reason::StepUpRequired {
        let of_action = |grant: &&Grant| grant.key.action == wanted.action;
        let latest = evidence.latest.iter().find(of_action);
        reason = latest.map_or(reason, |grant| {
            // Nothing is wrong with it but that it is no longer there.
            refusal(grant, &wanted, demand, session, evidence, now).unwrap_or(Reason::GrantSpent)
        });
    }
    Err(reason)
}

/// Why `grant` does not meet `demand`; `None` if it does.
fn refusal(
    grant: &Grant,
    wanted: &GrantKey,
    demand: &Demand,
    session: &Session,
    evidence: &Evidence,
    now: Timestamp,
) -> Option<Reason> {
    let requirement = &*demand.requirement;
    let owned = is_this_browser(Some(grant.browser_key), session, evidence);
    // First whose it is: nobody else is told anything of the grant.
    if grant.subject != session.owner {
        Some(Reason::SubjectMismatch)
    } else if !owned || grant.level < requirement.level {
        Some(Reason::StepUpRequired)
    } else if grant.key != *wanted || !requirement.is_proven_by(grant.factors, grant.acr.as_deref())
    {
        Some(Reason::GrantMismatch)
    } else if !requirement.is_approved_by(grant.approved_by.as_ref(), &session.owner) {
        // By the rule in force now: an approver who was struck off has approved nothing.
        Some(Reason::GrantMismatch)
    } else if now >= grant.expires_at || !now.is_within(requirement.max_age, grant.granted_at) {
        Some(Reason::GrantExpired)
    } else {
        None
    }
}

fn verified(
    requirement: &Requirement,
    session: &Session,
    evidence: &Evidence,
    now: Timestamp,
) -> Option<Proof> {
    let Mark {
        subject,
        browser_key,
        factors,
        acr,
        verified_at,
    } = evidence.mark.as_ref()?;
    let counts = *subject == session.owner
        && is_this_browser(Some(*browser_key), session, evidence)
        && requirement.is_proven_by(*factors, acr.as_deref())
        && now.is_within(requirement.max_age, *verified_at);
    counts.then_some(Proof {
        factors: *factors,
        at: *verified_at,
    })
}

fn freshly_signed_in(
    requirement: &Requirement,
    session: &Session,
    evidence: &Evidence,
    now: Timestamp,
) -> Option<Proof> {
    if !requirement.accepts_fresh_sign_in() {
        return None;
    }
    // What a trusted proxy asserts comes with this request and needs no second key; what we
    // remember of a login does, or a copied cookie would be as fresh as its owner's.
    let remembered = session
        .authenticated_at
        .filter(|_| is_this_browser(session.browser_key, session, evidence));
    let is_recent = |at: &Timestamp| now.is_within(requirement.max_age, *at);
    let factors = FactorSet::EMPTY;
    let recent = remembered
        .filter(is_recent)
        .max(evidence.asserted_at.filter(is_recent));
    recent.map(|at| Proof { factors, at })
}

/// Two keys: the evidence, the session and the request must name the same browser.
fn is_this_browser(
    of_evidence: Option<super::BrowserKeyHash>,
    session: &Session,
    evidence: &Evidence,
) -> bool {
    of_evidence.is_some()
        && of_evidence == session.browser_key
        && of_evidence == evidence.browser_key
}

impl Demand {
    /// Under what a grant that meets this demand is filed.
    pub fn grant_key(&self) -> GrantKey {
        GrantKey {
            action: self.requirement.action.clone(),
            binding: self.binding,
            single_use: self.requirement.single_use,
        }
    }
}
