//! The program's side: it polls until its owner has decided, and takes up what was approved.

use super::code::DeviceCode;
use crate::audit::{EventKind, Outcome};
use crate::domain::{
    BrowserKeyHash, Challenge, ChallengeId, FactorSet, Grant, GrantId, Mark, Requirement, RouteId,
    Secret, Session, Timestamp,
};
use crate::store::{
    Approval, ApprovalDecision, ApprovalOutcome, DeviceRequest, RestsOn, Taken, VerifiedChallenge,
};
use crate::verification::browser_key::{hash_of_new, new_browser_key};
use crate::verification::error::VerifyError;
use crate::verification::outcome::Refusal;
use crate::verification::verifier::{EndpointCaller, Verifier, counted_as, describe};
use std::sync::Arc;

/// What comes of a poll (RFC 8628 §3.5).
#[derive(Debug)]
pub enum DevicePoll {
    /// There are too many requests already: nothing was filed.
    Barred(Refusal),
    /// Its owner said no.
    Denied,
    /// It is over: too late, taken up, or void.
    Expired,
    /// Its owner said yes, and this is what that has earned.
    Granted(Box<DeviceGrant>),
    /// Nobody has decided yet.
    Pending,
    /// It came too soon after the one before.
    SlowDown,
    /// It is no device code of this session.
    Unknown,
}

/// What a program takes up.
#[derive(Debug)]
pub struct DeviceGrant {
    /// The key that goes with what was earned. It is told once.
    pub browser_key: Secret<String>,
    /// Until when that counts.
    pub expires_at: Timestamp,
}

/// A poll whose device code has been opened.
struct Poll<'a> {
    code: DeviceCode,
    id: ChallengeId,
    caller: &'a EndpointCaller<'a>,
    now: Timestamp,
}

impl Verifier {
    /// Looks what became of a request; the first poll files it, and one after the approval takes that up, once.
    pub async fn poll_device(
        &self,
        code: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<DevicePoll, VerifyError> {
        // What cannot be recorded must not happen.
        self.services.audit.ready()?;
        let keys = &self.services.keys;
        let Some(mut code) = DeviceCode::open(code, requirement, keys) else {
            return Ok(DevicePoll::Unknown);
        };
        // The same word for one of another session: nobody learns that it exists.
        let owned = self.of_claimant(Some(code.challenge), &caller.claimant);
        let Some(challenge) = owned.await? else {
            return Ok(DevicePoll::Unknown);
        };
        code.challenge = challenge;
        let now = self.services.clock.now();
        if code.is_over(now) || !self.takes_devices(&code.challenge.demand.requirement) {
            return Ok(DevicePoll::Expired);
        }
        let id = self.request_id(&code.challenge.subject, code.user_code);
        let pace = (self.throttle()).of_poll(id, self.services.settings.device_interval);
        if self.count(&[pace], now).await?.is_err() {
            return Ok(DevicePoll::SlowDown);
        }
        let poll = Poll {
            code,
            id,
            caller,
            now,
        };
        match self.store.approval(id, now).await? {
            None => self.file(&poll).await,
            Some(request) => self.look_at(&poll, &request).await,
        }
    }

    /// Files the request, so that its owner finds it.
    async fn file(&self, poll: &Poll<'_>) -> Result<DevicePoll, VerifyError> {
        let user = self.user(&poll.caller.claimant).await?;
        let name = counted_as(user.as_ref(), &poll.code.challenge.subject);
        let counters = (self.throttle()).of_device_request(&name, poll.caller.claimant.session);
        if let Err(refusal) = self.count(&counters, poll.now).await? {
            return Ok(DevicePoll::Barred(Refusal {
                // No answer was wrong: there are no tries to be told of.
                attempts_left: None,
                ..refusal
            }));
        }
        let filed = self.request_of(poll);
        let put = self.store.put_device_request(&filed, poll.now).await?;
        if put == Taken::Now {
            let kind = EventKind::DeviceRequested;
            let mut event = self.event(kind, Outcome::Succeeded, poll.caller);
            describe(&mut event, &poll.code.challenge, None);
            event.text = Some(&poll.code.asker.agent);
            event.challenge = Some(poll.id);
            self.services.audit.record(&event)?;
        }
        Ok(DevicePoll::Pending)
    }

    fn request_of(&self, poll: &Poll<'_>) -> DeviceRequest {
        let (challenge, claimant) = (&poll.code.challenge, &poll.caller.claimant);
        // A program may have no key yet: then what waits is bound to none that there is.
        let browser_key = claimant.browser_key.unwrap_or(NO_KEY);
        DeviceRequest {
            request: Approval {
                id: poll.id,
                session: claimant.session,
                browser_key,
                requester: challenge.subject.clone(),
                route: challenge.route.clone(),
                binding: challenge.demand.binding,
                asked_at: challenge.opened_at,
                expires_at: challenge.expires_at,
                sealed: self.seal_device_request(poll.id, &poll.code),
                decision: None,
            },
            waiting: Grant {
                id: GrantId::new(self.services.entropy.bytes()),
                key: challenge.demand.grant_key(),
                level: challenge.demand.requirement.level,
                subject: challenge.subject.clone(),
                browser_key,
                factors: FactorSet::EMPTY,
                acr: None,
                approved_by: None,
                granted_at: poll.now,
                expires_at: challenge.expires_at,
            },
            unrecorded: Session {
                browser_key: None,
                ..unrecorded(challenge, poll)
            },
            keep: self.services.settings.session_keep,
        }
    }

    async fn look_at(
        &self,
        poll: &Poll<'_>,
        request: &Approval,
    ) -> Result<DevicePoll, VerifyError> {
        let challenge = &poll.code.challenge;
        let said = self.said_of_device(request);
        // Two challenges with one user code are as good as impossible; then the second begins anew.
        let is_same = said.is_some_and(|said| said.challenge == challenge.id)
            && request.requester == challenge.subject
            && request.route == challenge.route
            && request.binding == challenge.demand.binding;
        if !is_same {
            return Ok(DevicePoll::Expired);
        }
        match &request.decision {
            None => {
                let waiting = (self.store).waiting_grant(request.session, poll.id, poll.now);
                Ok(match waiting.await? {
                    Some(_) => DevicePoll::Pending,
                    // Locked, signed out, or verified otherwise since.
                    None => DevicePoll::Expired,
                })
            }
            Some(decision) => match decision.outcome {
                ApprovalOutcome::Approved => self.take_up_device(poll, request, decision).await,
                ApprovalOutcome::Refused | ApprovalOutcome::Withdrawn => Ok(DevicePoll::Denied),
            },
        }
    }

    /// Takes up what was approved, by the policy in force, if both sessions still have their part of it.
    async fn take_up_device(
        &self,
        poll: &Poll<'_>,
        request: &Approval,
        decision: &ApprovalDecision,
    ) -> Result<DevicePoll, VerifyError> {
        let (challenge, caller, now) = (&poll.code.challenge, poll.caller, poll.now);
        let requirement = &*challenge.demand.requirement;
        let Some(said) = self.said_of_approval(poll.id, decision) else {
            return Ok(DevicePoll::Expired);
        };
        let proven = (self.store).waiting_grant(said.session, poll.id, now);
        let Some(proven) = proven.await?.filter(|proven| {
            proven.subject == challenge.subject
                && proven.key == challenge.demand.grant_key()
                && proven.level >= requirement.level
                && requirement.is_proven_by(proven.factors, proven.acr.as_deref())
        }) else {
            return Ok(DevicePoll::Expired);
        };
        // Counted from the proof: the wait of a program must not make that any fresher.
        let expires_at = proven.granted_at.after(self.grant_life(requirement));
        if expires_at <= now {
            return Ok(DevicePoll::Expired);
        }
        // Before it counts: so a logout at the provider finds this session as well.
        let about = (&challenge.subject, caller.claimant.session);
        self.link(&said.proof, about, now).await?;
        let rests_on = RestsOn {
            waiting: vec![(request.session, poll.id), (said.session, poll.id)],
            ..said.proof.rests_on(&self.services.keys)
        };
        let browser_key = new_browser_key(&self.services.entropy);
        let renewed = hash_of_new(&browser_key, &self.services.keys);
        let earned = (proven, expires_at, renewed);
        let verified = self.taken_up(poll, earned, rests_on);
        // Of two polls at once, one gets the key.
        if self.store.put_verified(&verified, now).await? == Taken::Before {
            return Ok(DevicePoll::Expired);
        }
        let mut event = self.event(EventKind::DeviceTakenUp, Outcome::Succeeded, caller);
        describe(&mut event, challenge, None);
        event.challenge = Some(poll.id);
        event.grant = verified.grant.as_ref().map(|grant| grant.id);
        // If this fails the program never gets its key, so the grant opens nothing.
        self.services.audit.record(&event)?;
        let user = self.user(&caller.claimant).await?;
        let name = counted_as(user.as_ref(), &challenge.subject);
        let counters = (self.throttle()).of_device_request(&name, caller.claimant.session);
        self.uncount(counters).await?;
        Ok(DevicePoll::Granted(Box::new(DeviceGrant {
            browser_key,
            expires_at,
        })))
    }

    /// What the session of the program earns: the grant alone, where the route needs one. The mark would open more than
    /// its owner was shown.
    fn taken_up(
        &self,
        poll: &Poll<'_>,
        (proven, expires_at, renewed): (Grant, Timestamp, BrowserKeyHash),
        rests_on: RestsOn,
    ) -> VerifiedChallenge {
        let (challenge, claimant) = (&poll.code.challenge, &poll.caller.claimant);
        let needs_grant = challenge.demand.requirement.needs_grant();
        let mark = Mark {
            subject: challenge.subject.clone(),
            browser_key: renewed,
            factors: proven.factors,
            acr: proven.acr.clone(),
            verified_at: proven.granted_at,
        };
        VerifiedChallenge {
            challenge: challenge.id,
            challenge_keep: challenge.expires_at.since(poll.now),
            rests_on,
            opened_in: challenge.session,
            session: claimant.session,
            unrecorded: Session {
                browser_key: Some(renewed),
                ..unrecorded(challenge, poll)
            },
            presented: claimant.browser_key,
            renewed,
            mark: (!needs_grant).then_some(mark),
            grant: needs_grant.then_some(Grant {
                browser_key: renewed,
                expires_at,
                ..proven
            }),
            waits_for: None,
            approval: None,
            clears: Vec::new(),
            keep: self.services.settings.session_keep,
        }
    }
}

/// The session of a program of which the store has no record yet.
fn unrecorded(challenge: &Challenge, poll: &Poll<'_>) -> Session {
    Session {
        owner: challenge.subject.clone(),
        authenticated_at: None,
        browser_key: None,
        created_at: poll.now,
        seen_at: poll.now,
        revoked: false,
        provenance: poll.caller.provenance.cloned(),
    }
}

/// The hash of no key.
const NO_KEY: BrowserKeyHash = BrowserKeyHash::new([0; 32]);
