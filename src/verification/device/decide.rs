//! The owner's side: they see what a program asks for, and prove who they are for it, or say no.

use super::said::{SaidOfApproval, SaidOfDevice};
use super::view::{DeviceState, DeviceView};
use crate::audit::{EventKind, Outcome};
use crate::domain::{
    Approver, Challenge, ChallengeId, CounterKey, Demand, FactorSet, Reason, Requirement,
    ReturnTarget, RouteId, Timestamp, UserCode,
};
use crate::store::{Approval, ApprovalDecision, ApprovalOutcome, StoreError, Taken};
use crate::verification::answer::Case;
use crate::verification::browser_key::{hash_of_new, new_browser_key};
use crate::verification::error::VerifyError;
use crate::verification::oidc::ProviderProof;
use crate::verification::outcome::{AnswerOutcome, Refusal, Success};
use crate::verification::verifier::{EndpointCaller, NewChallenge, Verifier, describe};
use std::sync::Arc;

/// What comes of looking for a request by its code.
#[derive(Debug)]
pub enum DeviceFound {
    /// Too many codes were tried.
    Barred(Refusal),
    /// There is one of the caller's own.
    Found(Box<DeviceView>),
    /// There is none, or only somebody else's.
    Nothing,
}

/// A challenge that was opened to approve a request.
#[derive(Debug)]
pub struct OpenedForDevice {
    /// Its token.
    pub token: String,
    /// The challenge.
    pub challenge: Challenge,
}

impl Verifier {
    /// Finds a request of the caller's subject by the code that a person has typed or followed. Decides nothing.
    pub async fn device_request(
        &self,
        code: Option<UserCode>,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<DeviceFound, VerifyError> {
        let now = self.services.clock.now();
        // Counted before it is looked for (RFC 8628 §5.1); a code that is right costs nothing.
        let counters = (self.throttle()).of_user_code(caller);
        if let Err(refusal) = self.count(&counters, now).await? {
            return Ok(DeviceFound::Barred(Refusal {
                attempts_left: None,
                ..refusal
            }));
        }
        let found = match code {
            Some(code) => self.find_device(code, requirement, caller).await?,
            None => None,
        };
        let Some((request, said, requirement)) = found else {
            return Ok(DeviceFound::Nothing);
        };
        self.uncount(counters).await?;
        let view = self.device_view(&request, said, &requirement, now);
        Ok(DeviceFound::Found(Box::new(view.await?)))
    }

    /// Opens the ordinary challenge by whose answer the caller approves a request: what its route requires, by the
    /// policy in force. `None` if there is nothing to approve.
    pub async fn open_for_device(
        &self,
        code: UserCode,
        return_to: ReturnTarget,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<OpenedForDevice>, VerifyError> {
        let found = self.find_device(code, requirement, caller).await?;
        let Some((request, said, requirement)) = found else {
            return Ok(None);
        };
        let now = self.services.clock.now();
        if self.state(&request, &requirement, now).await? != DeviceState::Pending {
            return Ok(None);
        }
        let mut shown = vec![said.asker.request];
        shown.extend(said.shown);
        let (token, challenge) = self.open(NewChallenge {
            claimant: caller.claimant,
            route: request.route,
            demand: Demand {
                requirement,
                binding: request.binding,
            },
            shown,
            return_to,
            device: Some((request.id, request.expires_at)),
            back: None,
        });
        Ok(Some(OpenedForDevice { token, challenge }))
    }

    /// Says no, for which no proof is needed: nothing comes of it.
    pub async fn deny_device(
        &self,
        code: UserCode,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<DeviceView>, VerifyError> {
        self.services.audit.ready()?;
        let found = self.find_device(code, requirement, caller).await?;
        let Some((mut request, said, requirement)) = found else {
            return Ok(None);
        };
        let now = self.services.clock.now();
        let decision = decision(ApprovalOutcome::Refused, &request, Vec::new(), now);
        let denied = self.store.decide_approval(request.id, &decision, now);
        if denied.await? == Taken::Now {
            let kind = EventKind::DeviceDecided;
            let mut event = self.event(kind, Outcome::Refused, caller);
            event.routes = vec![&request.route];
            event.action = Some(&requirement.action);
            event.level = Some(requirement.level);
            event.challenge = Some(request.id);
            self.services.audit.record(&event)?;
            request.decision = Some(decision);
        } else if let Some(decided) = self.store.approval(request.id, now).await? {
            request = decided;
        }
        let view = self.device_view(&request, said, &requirement, now);
        Ok(Some(view.await?))
    }

    /// What comes of the right answer to a challenge that approves a request: the program may take it up, and the
    /// session of its owner holds what that rests on.
    pub(in crate::verification) async fn approve_device(
        &self,
        case: Case<'_>,
        (shown, proof): (FactorSet, ProviderProof),
        clears: Vec<CounterKey>,
        id: ChallengeId,
    ) -> Result<AnswerOutcome, VerifyError> {
        let (answering, now) = (case.answering, case.now);
        let (challenge, caller) = (&case.challenge, &case.answering.caller);
        let over = || Refusal::from(Reason::ChallengeExpired);
        let request = self.store.approval(id, now).await?;
        let request = request.filter(|request| {
            request.requester == challenge.subject
                && request.route == challenge.route
                && request.binding == challenge.demand.binding
                && self.said_of_device(request).is_some()
        });
        let requirement = &challenge.demand.requirement;
        let state = match &request {
            Some(request) => self.state(request, requirement, now).await?,
            None => DeviceState::Void,
        };
        let (DeviceState::Pending, Some(request)) = (state, request) else {
            return self.refuse(Some(challenge), &answering, over());
        };
        let browser_key = new_browser_key(&self.services.entropy);
        let renewed = hash_of_new(&browser_key, &self.services.keys);
        let verified = self.earned(&case, (shown, &proof), clears, renewed);
        if self.store.put_verified(&verified, now).await? == Taken::Before {
            return self.refuse(Some(challenge), &answering, over());
        }
        let said = SaidOfApproval {
            session: caller.claimant.session,
            proof: proof.clone(),
        };
        let sealed = self.seal_device_approval(id, &said);
        let decision = decision(ApprovalOutcome::Approved, &request, sealed, now);
        // Of a denial and an approval at once, one counts.
        if self.store.decide_approval(id, &decision, now).await? == Taken::Before {
            return self.refuse(Some(challenge), &answering, over());
        }
        let mut event = self.event(EventKind::DeviceDecided, Outcome::Succeeded, caller);
        describe(&mut event, challenge, Some(answering.factor));
        event.challenge = Some(id);
        (event.acr, event.amr) = (proof.acr.as_deref(), &proof.amr);
        self.services.audit.record(&event)?;
        Ok(AnswerOutcome::Verified(Box::new(Success {
            browser_key,
            mark: verified.mark,
            // It waits for the program, and opens nothing here.
            grant: None,
            expires_at: request.expires_at,
            challenge: case.challenge,
        })))
    }

    /// A request of the caller's own subject, with what its route requires by the policy in force.
    async fn find_device(
        &self,
        code: UserCode,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<(Approval, SaidOfDevice, Arc<Requirement>)>, StoreError> {
        let subject = caller.claimant.subject;
        let id = self.request_id(subject, code);
        let request = self.store.approval(id, self.services.clock.now()).await?;
        let request = request.filter(|request| request.requester == *subject);
        Ok(request.and_then(|request| {
            let said = self.said_of_device(&request)?;
            let requirement = requirement(&request.route)?;
            (said.user_code == code).then_some((request, said, requirement))
        }))
    }

    async fn state(
        &self,
        request: &Approval,
        requirement: &Requirement,
        now: Timestamp,
    ) -> Result<DeviceState, StoreError> {
        let decided = request.decision.as_ref().map(|decision| decision.outcome);
        Ok(match decided {
            Some(ApprovalOutcome::Approved) => DeviceState::Approved,
            Some(ApprovalOutcome::Refused | ApprovalOutcome::Withdrawn) => DeviceState::Denied,
            None if !self.takes_devices(requirement) => DeviceState::Void,
            None => {
                let waiting = self.store.waiting_grant(request.session, request.id, now);
                match waiting.await? {
                    Some(_) => DeviceState::Pending,
                    None => DeviceState::Void,
                }
            }
        })
    }

    async fn device_view(
        &self,
        request: &Approval,
        said: SaidOfDevice,
        requirement: &Requirement,
        now: Timestamp,
    ) -> Result<DeviceView, StoreError> {
        Ok(DeviceView {
            user_code: said.user_code,
            state: self.state(request, requirement, now).await?,
            action: requirement.action.clone(),
            title: requirement.title.clone(),
            level: requirement.level,
            asker: said.asker,
            shown: said.shown,
            asked_at: request.asked_at,
            expires_at: request.expires_at,
        })
    }
}

fn decision(
    outcome: ApprovalOutcome,
    request: &Approval,
    sealed: Vec<u8>,
    at: Timestamp,
) -> ApprovalDecision {
    ApprovalDecision {
        outcome,
        by: Approver {
            subject: request.requester.clone(),
            group: None,
        },
        at,
        sealed,
    }
}
