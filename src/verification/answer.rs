//! Answers: one factor of a challenge is answered, counted, judged, and perhaps earns a grant.

use super::answering::Answering;
use super::browser_key::{hash_of_new, new_browser_key};
use super::error::VerifyError;
use super::factors::{self, Check, CheckOutcome};
use super::oidc::ProviderProof;
use super::outcome::{AnswerOutcome, Refusal, Success};
use super::verifier::{Verifier, counted_as, describe};
use crate::audit::{EventKind, Outcome};
use crate::domain::{
    BrowserKeyHash, Challenge, CounterKey, Factor, FactorSet, Grant, GrantId, Mark, Reason,
    Requirement, RouteId, Session, Timestamp, User,
};
use crate::store::{Taken, VerifiedChallenge};
use crate::telemetry::chain;
use std::sync::Arc;
use std::time::Duration;

/// An answer whose token has been opened, with the user it is checked for.
pub(super) struct Case<'a> {
    pub(super) challenge: Challenge,
    pub(super) user: Option<User>,
    pub(super) answering: Answering<'a>,
    pub(super) now: Timestamp,
}

impl Verifier {
    /// Checks one answer. The attempt is counted before the check (NIST SP 800-63B-4 §3.2.2), so that
    /// parallel guesses cannot pass the limit. An unknown user, a factor that is not enrolled and a
    /// wrong answer take the same work and get the same response, so that accounts cannot be probed.
    pub async fn answer(
        &self,
        answering: Answering<'_>,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
    ) -> Result<AnswerOutcome, VerifyError> {
        // Before it is counted: an answer in the wrong form is no guess.
        if !factors::accepts(answering.factor, answering.answer) {
            return Ok(AnswerOutcome::Malformed);
        }
        // Before anything is counted or taken: what cannot be recorded must not happen.
        self.services.audit.ready()?;
        let caller = answering.caller;
        let Some(challenge) = self
            .read(answering.token, requirement, &caller.claimant)
            .await?
        else {
            return self.refuse(None, &answering, Reason::ChallengeExpired.into());
        };
        let requirement = &challenge.demand.requirement;
        if !requirement.factors.mentioned().contains(answering.factor) {
            let refusal = Reason::MethodNotEnrolled.into();
            return self.refuse(Some(&challenge), &answering, refusal);
        }
        // Before the factor is judged: a mistyped phrase costs no attempt.
        if !requirement.is_confirmed_by(answering.confirm) {
            let missing = answering.confirm.unwrap_or_default().trim().is_empty();
            return Ok(AnswerOutcome::Unconfirmed { missing });
        }
        let rule = requirement.approval.as_ref();
        if rule.is_some_and(|rule| !rule.is_explained_by(answering.purpose)) {
            return Ok(AnswerOutcome::Unexplained);
        }
        let user = self.user(&caller.claimant).await?;
        let case = Case {
            now: self.services.clock.now(),
            challenge,
            user,
            answering,
        };
        self.count_and_judge(case).await
    }

    async fn count_and_judge(&self, case: Case<'_>) -> Result<AnswerOutcome, VerifyError> {
        let (factor, now) = (case.answering.factor, case.now);
        let name = counted_as(case.user.as_ref(), &case.challenge.subject);
        let (challenge, answering) = (&case.challenge, &case.answering);
        let who = self.attempt(challenge, factor, &name, &answering.caller);
        let counters = self.throttle().of_answer(who, factor);
        // Counted before it is judged: of many guesses at once, no more are judged than may be.
        let remaining = match self.count(&counters, now).await? {
            // The store may have taken its time.
            Ok(_) if self.is_over(challenge) => {
                return self.refuse(Some(challenge), answering, Reason::ChallengeExpired.into());
            }
            Ok(remaining) => remaining,
            Err(refusal) => return self.refuse(Some(challenge), answering, refusal),
        };
        // Looked at after it was counted, too: to find what a code has earned is to know the code.
        if answering.is_repeated() {
            self.uncount(counters).await?;
            return Ok(AnswerOutcome::Repeated);
        }
        let unjudged = match self.judge(&case).await {
            Ok(CheckOutcome::Right) => Ok(None),
            Ok(CheckOutcome::RightAt(proof)) => Ok(Some(*proof)),
            Ok(CheckOutcome::Wrong(reason)) => {
                let refusal = Refusal {
                    attempts_left: Some(remaining),
                    ..reason.into()
                };
                return self.refuse(Some(challenge), answering, refusal);
            }
            Err(VerifyError::NotJudged(error)) => {
                let error = chain(&error);
                tracing::warn!(error, "a password was not judged");
                Err(Reason::PasswordUnavailable)
            }
            Err(VerifyError::SignIn(error)) => Err(error.reason()),
            Err(error) => return Err(error),
        };
        let proof = match unjudged {
            Ok(proof) => proof,
            Err(reason) => {
                // It was not judged, so it is no wrong answer.
                self.uncount(counters).await?;
                return self.refuse(Some(challenge), answering, reason.into());
            }
        };
        let (caller, locale) = (&answering.caller, answering.locale);
        self.note_use(caller, factor, locale).await;
        let refunds = self.throttle().refunded_by_answer(who);
        self.store.uncount_attempt(&refunds).await?;
        let Some((shown, proof)) = self.shown_by(&case, proof).await? else {
            return self.refuse(Some(challenge), answering, Reason::ChallengeExpired.into());
        };
        if challenge.demand.requirement.factors.satisfied_by(shown) {
            let clears = self.throttle().cleared_by_success(who, shown);
            return self.succeed(case, (shown, proof), clears).await;
        }
        let clears = self.throttle().cleared_by_answer(who, factor);
        self.store.clear_attempts(&clears).await?;
        self.ask_for_more(&case, shown, &proof)
    }

    async fn judge(&self, case: &Case<'_>) -> Result<CheckOutcome, VerifyError> {
        let check = Check {
            factor: case.answering.factor,
            challenge: &case.challenge,
            user: case.user.as_ref(),
            answer: case.answering.answer,
            trial: case.answering.trial,
            now: case.now,
            services: &self.services,
            store: &self.store,
        };
        factors::check(&check).await
    }

    /// The factors shown for the challenge so far, this one included, and what a sign-in among them has proved. `None`
    /// if that is not known any more.
    async fn shown_by(
        &self,
        case: &Case<'_>,
        proof: Option<ProviderProof>,
    ) -> Result<Option<(FactorSet, ProviderProof)>, VerifyError> {
        let (factor, challenge, now) = (case.answering.factor, &case.challenge, case.now);
        if let Some(proof) = &proof {
            let about = (challenge, case.answering.caller.claimant.session);
            self.note_proof(about, proof, now).await?;
        }
        let this = FactorSet::EMPTY.with(factor);
        // One is enough, as mostly: spares a round trip.
        if challenge.demand.requirement.factors.satisfied_by(this) {
            return Ok(Some((this, proof.unwrap_or_default())));
        }
        let keep = challenge.expires_at.since(now);
        let shown = self.store.note_factor(challenge.id, factor, keep).await?;
        let proof = match proof {
            None if shown.contains(Factor::Oidc) => self.earlier_proof(challenge, now).await?,
            proof => Some(proof.unwrap_or_default()),
        };
        Ok(proof.map(|proof| (shown.with(factor), proof)))
    }

    async fn succeed(
        &self,
        case: Case<'_>,
        (shown, proof): (FactorSet, ProviderProof),
        clears: Vec<CounterKey>,
    ) -> Result<AnswerOutcome, VerifyError> {
        if let Some(id) = case.challenge.device {
            return self.approve_device(case, (shown, proof), clears, id).await;
        }
        let (answering, now) = (case.answering, case.now);
        let needs_approval = case.challenge.demand.requirement.approval.is_some();
        if needs_approval && let Some(refusal) = self.count_request(&case).await? {
            return self.refuse(Some(&case.challenge), &answering, refusal);
        }
        // New with each verification (against fixation): a key that somebody knew before opens
        // nothing of what is earned now.
        let browser_key = new_browser_key(&self.services.entropy);
        let of_new = || hash_of_new(&browser_key, &self.services.keys);
        let renewed = answering.key.unwrap_or_else(of_new);
        let verified = self.earned(&case, (shown, &proof), clears, renewed);
        let challenge = case.challenge;
        // Of two right answers at once, one earns what there is to earn.
        if self.store.put_verified(&verified, now).await? == Taken::Before {
            let refusal = Reason::ChallengeExpired.into();
            return self.refuse(Some(&challenge), &answering, refusal);
        }
        if let Some(approval) = &verified.approval {
            return self.requested(approval, browser_key, challenge, &answering);
        }
        let mut event = self.event(EventKind::Verified, Outcome::Succeeded, &answering.caller);
        describe(&mut event, &challenge, Some(answering.factor));
        event.grant = verified.grant.as_ref().map(|grant| grant.id);
        (event.acr, event.amr) = (proof.acr.as_deref(), &proof.amr);
        // If this fails the client never gets the new browser key, so the grant opens nothing.
        self.services.audit.record(&event)?;
        Ok(AnswerOutcome::Verified(Box::new(Success {
            browser_key,
            mark: verified.mark,
            grant: verified.grant,
            expires_at: now.after(self.grant_life(&challenge.demand.requirement)),
            challenge,
        })))
    }

    /// What a satisfied challenge earns in the browser whose key is `renewed`.
    pub(super) fn earned(
        &self,
        case: &Case<'_>,
        (shown, proof): (FactorSet, &ProviderProof),
        clears: Vec<CounterKey>,
        renewed: BrowserKeyHash,
    ) -> VerifiedChallenge {
        let (challenge, claimant, now) =
            (&case.challenge, case.answering.caller.claimant, case.now);
        let requirement = &*challenge.demand.requirement;
        let approval = requirement
            .approval
            .is_some()
            .then(|| self.request_for(case, renewed));
        let life = self.grant_life(requirement);
        let waits_for = challenge.device.or(approval.as_ref().map(|one| one.id));
        let grant = (requirement.needs_grant() || waits_for.is_some()).then(|| Grant {
            id: GrantId::new(self.services.entropy.bytes()),
            key: challenge.demand.grant_key(),
            level: requirement.level,
            subject: challenge.subject.clone(),
            browser_key: renewed,
            factors: shown,
            acr: proof.acr.clone(),
            approved_by: None,
            granted_at: now,
            // One that waits opens nothing, and waits as long as its challenge is open.
            expires_at: waits_for.map_or_else(|| now.after(life), |_| challenge.expires_at),
        });
        VerifiedChallenge {
            challenge: challenge.id,
            challenge_keep: challenge.expires_at.since(now),
            rests_on: proof.rests_on(&self.services.keys),
            opened_in: challenge.session,
            session: claimant.session,
            unrecorded: Session {
                owner: challenge.subject.clone(),
                authenticated_at: None,
                browser_key: Some(renewed),
                created_at: now,
                seen_at: now,
                revoked: false,
                provenance: case.answering.caller.provenance.cloned(),
            },
            presented: claimant.browser_key,
            renewed,
            mark: Some(Mark {
                subject: challenge.subject.clone(),
                browser_key: renewed,
                factors: shown,
                acr: proof.acr.clone(),
                verified_at: now,
            }),
            grant,
            waits_for,
            approval,
            clears,
            keep: self.services.settings.session_keep,
        }
    }

    /// How long a grant lasts.
    pub(super) fn grant_life(&self, requirement: &Requirement) -> Duration {
        requirement.max_age.min(self.services.settings.grant_life)
    }

    fn ask_for_more(
        &self,
        case: &Case<'_>,
        shown: FactorSet,
        proof: &ProviderProof,
    ) -> Result<AnswerOutcome, VerifyError> {
        let (challenge, answering) = (&case.challenge, &case.answering);
        let caller = &answering.caller;
        let mut event = self.event(EventKind::FactorAnswered, Outcome::Succeeded, caller);
        describe(&mut event, challenge, Some(answering.factor));
        (event.acr, event.amr) = (proof.acr.as_deref(), &proof.amr);
        self.services.audit.record(&event)?;
        let available = self.available_to(case.user.as_ref(), challenge);
        Ok(AnswerOutcome::MoreNeeded {
            alternatives: available.alternatives,
            shown,
            expires_at: challenge.expires_at,
        })
    }

    pub(super) fn refuse(
        &self,
        challenge: Option<&Challenge>,
        answering: &Answering<'_>,
        refusal: Refusal,
    ) -> Result<AnswerOutcome, VerifyError> {
        let caller = &answering.caller;
        let mut event = self.event(EventKind::FactorAnswered, Outcome::Refused, caller);
        event.factor = Some(answering.factor);
        if let Some(challenge) = challenge {
            describe(&mut event, challenge, Some(answering.factor));
        }
        event.reason = Some(refusal.reason);
        self.services.audit.record(&event)?;
        Ok(AnswerOutcome::Refused(refusal))
    }

    /// Whether the challenge has expired since its token was opened: counting may have waited for the
    /// store.
    fn is_over(&self, challenge: &Challenge) -> bool {
        self.services.clock.now() >= challenge.expires_at
    }
}
