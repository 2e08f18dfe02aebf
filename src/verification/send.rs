//! Requests for a code by mail: counted first, then sent, and the client gets the outcome.

use super::count::barred;
use super::error::VerifyError;
use super::factors::{CodeRequest, mask, send};
use super::outcome::Refusal;
use super::throttle::Try;
use super::verifier::{EndpointCaller, Verifier, counted_as, describe};
use crate::audit::{EventKind, Outcome};
use crate::domain::{AttemptCount, Challenge, Factor, Reason, Requirement, RouteId, Timestamp};
use crate::locale::Locale;
use std::sync::Arc;
use std::time::Duration;

/// The outcome of a request for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sending {
    /// No code was sent.
    Refused(Refusal),
    /// The mail server took the mail.
    Sent {
        /// Where it went, masked.
        hint: String,
        /// When the code stops working.
        expires_at: Timestamp,
        /// How long to wait before asking for another.
        resend_after: Duration,
    },
}

impl Verifier {
    /// Sends a code for a challenge, in place of any earlier one.
    pub async fn send_code(
        &self,
        token: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
        locale: Locale,
    ) -> Result<Sending, VerifyError> {
        self.services.audit.ready()?;
        let Some(challenge) = self.read(token, requirement, &caller.claimant).await? else {
            return self.not_sent(None, caller, Reason::ChallengeExpired.into());
        };
        let accepted = challenge.demand.requirement.factors.mentioned();
        let user = self.user(&caller.claimant).await?;
        let email = user
            .as_ref()
            .filter(|_| accepted.contains(Factor::EmailCode))
            .and_then(|user| user.email.as_deref());
        let Some(email) = email else {
            let refusal = Reason::MethodNotEnrolled.into();
            return self.not_sent(Some(&challenge), caller, refusal);
        };
        let Some(mailer) = &self.services.mailer else {
            let refusal = Reason::MailUnavailable.into();
            return self.not_sent(Some(&challenge), caller, refusal);
        };
        let name = counted_as(user.as_ref(), &challenge.subject);
        let who = self.attempt(&challenge, Factor::EmailCode, &name, caller);
        // Counted before it is sent: many requests at once must not flood a mailbox.
        if let Some(refusal) = self.count_code(who).await? {
            return self.not_sent(Some(&challenge), caller, refusal);
        }
        let request = CodeRequest {
            challenge: &challenge,
            email,
            locale,
            address: caller.address,
            request_id: caller.request_id,
        };
        let sent = send(&request, mailer, &self.services, &self.store);
        let Some(expires_at) = sent.await? else {
            // Nothing was sent, so the interval until the next code does not apply.
            let interval = self.throttle().resend_key(who);
            self.store.clear_attempts(&[interval]).await?;
            let refusal = Reason::MailUnavailable.into();
            return self.not_sent(Some(&challenge), caller, refusal);
        };
        let mut event = self.event(EventKind::CodeSent, Outcome::Succeeded, caller);
        describe(&mut event, &challenge, Some(Factor::EmailCode));
        self.services.audit.record(&event)?;
        Ok(Sending::Sent {
            hint: mask(email),
            expires_at,
            resend_after: self.services.settings.limits.resend_after,
        })
    }

    /// Counts a code. The first of a challenge is free; each further one uses up one of its attempts.
    pub(super) async fn count_code(&self, who: Try<'_>) -> Result<Option<Refusal>, VerifyError> {
        let throttle = self.throttle();
        let now = self.services.clock.now();
        let mut counters = throttle.of_code(who);
        let first = throttle.of_first_code(who);
        counters.insert(0, first.clone());
        let refused = match self.store.count_attempt(&counters, now).await? {
            AttemptCount::Counted { .. } => return Ok(None),
            AttemptCount::Refused { key, until } => (key, until),
        };
        if refused.0 != first.key {
            return Ok(Some(barred(&refused.0, refused.1, now)));
        }
        if let Some(counter) = counters.first_mut() {
            *counter = throttle.of_challenge(who);
        }
        Ok(self.count(&counters, now).await?.err())
    }

    fn not_sent(
        &self,
        challenge: Option<&Challenge>,
        caller: &EndpointCaller<'_>,
        refusal: Refusal,
    ) -> Result<Sending, VerifyError> {
        let mut event = self.event(EventKind::CodeSent, Outcome::Refused, caller);
        if refusal.reason == Reason::MailUnavailable {
            event.outcome = Outcome::Failed;
        }
        event.factor = Some(Factor::EmailCode);
        if let Some(challenge) = challenge {
            describe(&mut event, challenge, Some(Factor::EmailCode));
        }
        event.reason = Some(refusal.reason);
        self.services.audit.record(&event)?;
        Ok(Sending::Refused(refusal))
    }
}
