//! Approval by a second person, for whoever asks: the request, what became of it, and the grant that it earns.
//!
//! A challenge whose route asks for approval earns a grant that waits in the session, where nothing reads it. It ends
//! with the session's elevation, as every grant does: by a lock, a logout, another subject or another browser. Once it
//! is approved, the browser that asked takes it up.

use super::answer::Case;
use super::answering::Answering;
use super::approval_said::SaidOfRequest;
use super::approval_view::{ApprovalState, ApprovalView, DecidedBy};
use super::error::VerifyError;
use super::outcome::{AnswerOutcome, AwaitingApproval, Refusal};
use super::verifier::{Claimant, EndpointCaller, Verifier, counted_as, describe};
use crate::audit::{EventKind, Outcome};
use crate::domain::{
    Approver, BrowserKeyHash, Challenge, Grant, Requirement, RouteId, Secret, StatedPurpose,
};
use crate::store::{Approval, ApprovalDecision, ApprovalOutcome, ApprovedGrant, Taken};
use std::sync::Arc;

/// What comes of asking for an approved grant.
#[derive(Debug)]
pub enum TakeUp {
    /// There is a grant.
    Granted {
        /// The challenge that earned it.
        challenge: Challenge,
        /// The grant.
        grant: Grant,
    },
    /// There is none.
    Not {
        /// The challenge that asked for it.
        challenge: Challenge,
        /// Its request, which says why.
        view: ApprovalView,
    },
    /// The challenge is over, not this claimant's, or was not answered yet.
    Over,
}

impl Verifier {
    /// The request that the answer to a challenge has made, if it was answered and is for approval.
    pub async fn approval_of(
        &self,
        challenge: &Challenge,
        claimant: &Claimant<'_>,
    ) -> Result<Option<ApprovalView>, VerifyError> {
        let requirement = &challenge.demand.requirement;
        if requirement.approval.is_none() {
            return Ok(None);
        }
        let now = self.services.clock.now();
        let Some(approval) = self.store.approval(challenge.id, now).await? else {
            return Ok(None);
        };
        let mut view = self.view(&approval, requirement);
        let is_lost = self
            .waiting(challenge, &approval, claimant)
            .await?
            .is_none();
        if is_lost && view.state.is_open() {
            view.state = ApprovalState::Void;
        }
        Ok(Some(view))
    }

    /// Takes up what was approved. Nothing is proven by it: the grant counts from now on, for the browser, session and
    /// subject that asked, and for the request that was approved.
    pub async fn take_up(
        &self,
        token: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<TakeUp, VerifyError> {
        // What cannot be recorded must not happen.
        self.services.audit.ready()?;
        let claimant = &caller.claimant;
        let Some(challenge) = self.read(token, requirement, claimant).await? else {
            return Ok(TakeUp::Over);
        };
        let now = self.services.clock.now();
        let Some(approval) = self.store.approval(challenge.id, now).await? else {
            return Ok(TakeUp::Over);
        };
        let mut view = self.view(&approval, &challenge.demand.requirement);
        let waiting = self.waiting(&challenge, &approval, claimant).await?;
        let (ApprovalState::Approved, Some(waiting), Some(decision)) =
            (view.state, waiting.clone(), &approval.decision)
        else {
            if waiting.is_none() && view.state.is_open() {
                view.state = ApprovalState::Void;
            }
            return Ok(TakeUp::Not { challenge, view });
        };
        let life = self.grant_life(&challenge.demand.requirement);
        // From now on, not from the proof: whoever waits does not know when the answer comes. `within` bounds the wait.
        let grant = Grant {
            approved_by: Some(decision.by.clone()),
            granted_at: now,
            expires_at: now.after(life),
            ..waiting.clone()
        };
        let granted = ApprovedGrant {
            session: claimant.session,
            approval: challenge.id,
            waiting,
            grant,
        };
        if self.store.put_approved(&granted, now).await? == Taken::Before {
            view.state = ApprovalState::Void;
            return Ok(TakeUp::Not { challenge, view });
        }
        let mut event = self.event(EventKind::Verified, Outcome::Succeeded, caller);
        describe(&mut event, &challenge, None);
        event.grant = Some(granted.grant.id);
        event.approver = Some(&decision.by.subject);
        event.group = decision.by.group.as_deref();
        self.services.audit.record(&event)?;
        Ok(TakeUp::Granted {
            challenge,
            grant: granted.grant,
        })
    }

    /// Takes a request back. One that is decided stays as it is.
    pub async fn withdraw(
        &self,
        token: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<TakeUp, VerifyError> {
        self.services.audit.ready()?;
        let Some(challenge) = self.read(token, requirement, &caller.claimant).await? else {
            return Ok(TakeUp::Over);
        };
        let now = self.services.clock.now();
        // A decision as any other, so that of a withdrawal and an approval at once one counts.
        let withdrawal = ApprovalDecision {
            outcome: ApprovalOutcome::Withdrawn,
            by: Approver {
                subject: challenge.subject.clone(),
                group: None,
            },
            at: now,
            sealed: Vec::new(),
        };
        let id = challenge.id;
        if self.store.decide_approval(id, &withdrawal, now).await? == Taken::Now {
            let kind = EventKind::ApprovalWithdrawn;
            let mut event = self.event(kind, Outcome::Succeeded, caller);
            describe(&mut event, &challenge, None);
            self.services.audit.record(&event)?;
        }
        let approval = self.store.approval(id, now).await?;
        Ok(approval.map_or(TakeUp::Over, |approval| {
            let view = self.view(&approval, &challenge.demand.requirement);
            TakeUp::Not { challenge, view }
        }))
    }

    /// Counts a request before it is made: each one goes to several people.
    pub(super) async fn count_request(
        &self,
        case: &Case<'_>,
    ) -> Result<Option<Refusal>, VerifyError> {
        let now = case.now;
        let name = counted_as(case.user.as_ref(), &case.challenge.subject);
        let counter = self.throttle().of_request(&name);
        let refusal = self.count(&[counter], now).await?.err();
        // No answer was wrong: there are no tries to be told of.
        Ok(refusal.map(|refusal| Refusal {
            attempts_left: None,
            ..refusal
        }))
    }

    /// The request that an answer makes.
    pub(super) fn request_for(&self, case: &Case<'_>, browser_key: BrowserKeyHash) -> Approval {
        let challenge = &case.challenge;
        let Answering {
            purpose,
            caller,
            token,
            locale,
            ..
        } = case.answering;
        let said = SaidOfRequest {
            purpose: purpose.cloned(),
            shown: challenge.shown.clone(),
            from: Some(caller.address),
            token: Secret::new(token.to_owned()),
            mail_to: case.user.as_ref().and_then(|user| user.email.clone()),
            locale,
        };
        Approval {
            id: challenge.id,
            session: caller.claimant.session,
            browser_key,
            requester: challenge.subject.clone(),
            route: challenge.route.clone(),
            binding: challenge.demand.binding,
            asked_at: case.now,
            expires_at: challenge.expires_at,
            sealed: self.seal_request(challenge.id, &said),
            decision: None,
        }
    }

    /// What comes of an answer that has made a request.
    pub(super) fn requested(
        &self,
        approval: &Approval,
        browser_key: Secret<String>,
        challenge: Challenge,
        answering: &Answering<'_>,
    ) -> Result<AnswerOutcome, VerifyError> {
        let kind = EventKind::ApprovalRequested;
        let mut event = self.event(kind, Outcome::Succeeded, &answering.caller);
        describe(&mut event, &challenge, Some(answering.factor));
        event.text = answering.purpose.map(StatedPurpose::as_str);
        self.services.audit.record(&event)?;
        Ok(AnswerOutcome::Waiting(Box::new(AwaitingApproval {
            browser_key,
            approval: self.view(approval, &challenge.demand.requirement),
            challenge,
        })))
    }

    /// The grant that waits for this claimant, if what was asked is still what the challenge is for.
    async fn waiting(
        &self,
        challenge: &Challenge,
        approval: &Approval,
        claimant: &Claimant<'_>,
    ) -> Result<Option<Grant>, VerifyError> {
        let now = self.services.clock.now();
        let waiting = self
            .store
            .waiting_grant(claimant.session, challenge.id, now)
            .await?;
        let requirement = &*challenge.demand.requirement;
        // What the policy asks for by now counts as well: it may have changed since the answer.
        Ok(waiting.filter(|grant| {
            approval.route == challenge.route
                && approval.binding == challenge.demand.binding
                && approval.requester == *claimant.subject
                && grant.subject == *claimant.subject
                && Some(grant.browser_key) == claimant.browser_key
                && claimant.is_in_own_session()
                && grant.key == challenge.demand.grant_key()
                && grant.level >= requirement.level
                && requirement.is_proven_by(grant.factors, grant.acr.as_deref())
        }))
    }

    /// A request as people are shown it, by the policy in force.
    pub(super) fn view(&self, approval: &Approval, requirement: &Requirement) -> ApprovalView {
        let id = approval.id;
        let said = self.said_of(approval);
        // What cannot be read must not be approved unseen: the secret was changed since.
        let is_readable = said.is_some();
        let (purpose, shown, from) = said.map_or_else(Default::default, |said| {
            (said.purpose, said.shown, said.from)
        });
        let state = match &approval.decision {
            _ if !is_readable => ApprovalState::Void,
            None => ApprovalState::Pending,
            Some(decision) => match decision.outcome {
                ApprovalOutcome::Refused => ApprovalState::Refused,
                ApprovalOutcome::Withdrawn => ApprovalState::Withdrawn,
                ApprovalOutcome::Approved
                    if requirement.is_approved_by(Some(&decision.by), &approval.requester) =>
                {
                    ApprovalState::Approved
                }
                ApprovalOutcome::Approved => ApprovalState::Void,
            },
        };
        ApprovalView {
            id,
            state,
            requester: approval.requester.clone(),
            from,
            action: requirement.action.clone(),
            title: requirement.title.clone(),
            level: requirement.level,
            shown,
            purpose,
            asked_at: approval.asked_at,
            expires_at: approval.expires_at,
            decided: approval.decision.as_ref().map(|decision| DecidedBy {
                by: decision.by.subject.clone(),
                at: decision.at,
                word: self.word_of(id, &decision.sealed),
            }),
        }
    }
}
