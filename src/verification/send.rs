//! Sending a code: how often is counted first, and whoever asked hears whether it was sent.

use super::answer::{Refusal, barred};
use super::error::VerifyError;
use super::factors::{MAX_CODE_LIFE, hash_code, mask, new_code};
use super::throttle::Try;
use super::verifier::{Caller, Verifier, attempt, counted_as, tell_of};
use crate::audit::{EventKind, Outcome};
use crate::domain::{Attempt, Challenge, Factor, Reason, Requirement, RouteId, Timestamp, User};
use crate::locale::Locale;
use crate::mail::{CodeMail, Mailer};
use crate::store::SentCode;
use crate::telemetry::chain;
use std::sync::Arc;
use std::time::Duration;

/// What comes of asking for a code.
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
        caller: &Caller<'_>,
        locale: Locale,
    ) -> Result<Sending, VerifyError> {
        self.equipment.audit.ready()?;
        let Some(challenge) = self.read(token, requirement, caller).await? else {
            return self.not_sent(None, caller, Reason::ChallengeExpired.into());
        };
        let accepted = challenge.demand.requirement.factors.mentioned();
        let user = self.user(caller).await?;
        let Some(user) =
            user.filter(|user| accepted.contains(Factor::EmailCode) && user.email.is_some())
        else {
            let refusal = Reason::MethodNotEnrolled.into();
            return self.not_sent(Some(&challenge), caller, refusal);
        };
        let Some(mailer) = &self.equipment.mailer else {
            let refusal = Reason::MailUnavailable.into();
            return self.not_sent(Some(&challenge), caller, refusal);
        };
        let name = counted_as(Some(&user), &challenge.subject);
        let who = attempt(&challenge, &name, caller);
        if let Some(refusal) = self.count_code(who).await? {
            return self.not_sent(Some(&challenge), caller, refusal);
        }
        let sending = self.mail_code(mailer, &challenge, &user, caller, locale);
        let Some(sent) = sending.await? else {
            // Nobody should wait half a minute because our mail server hiccuped.
            let interval = self.throttle().resend_key(who);
            self.store.clear_attempts(&[interval]).await?;
            let refusal = Reason::MailUnavailable.into();
            return self.not_sent(Some(&challenge), caller, refusal);
        };
        let mut event = self.event(EventKind::CodeSent, Outcome::Succeeded, caller);
        tell_of(&mut event, &challenge, Some(Factor::EmailCode));
        self.equipment.audit.record(&event)?;
        Ok(sent)
    }

    /// Counts a code. The first of a challenge is free; each further one is an attempt less.
    async fn count_code(&self, who: Try<'_>) -> Result<Option<Refusal>, VerifyError> {
        let throttle = self.throttle();
        let now = self.equipment.clock.now();
        let mut counters = throttle.of_code(who);
        let first = throttle.of_first_code(who);
        counters.insert(0, first.clone());
        let refused = match self.store.count_attempt(&counters, now).await? {
            Attempt::Counted { .. } => return Ok(None),
            Attempt::Refused { key, until } => (key, until),
        };
        if refused.0 != first.key {
            return Ok(Some(barred(&refused.0, refused.1, now)));
        }
        if let Some(counter) = counters.first_mut() {
            *counter = throttle.of_challenge(who);
        }
        match self.store.count_attempt(&counters, now).await? {
            Attempt::Counted { .. } => Ok(None),
            Attempt::Refused { key, until } => Ok(Some(barred(&key, until, now))),
        }
    }

    /// Keeps a new code and mails it; `None` if the mail was not taken.
    async fn mail_code(
        &self,
        mailer: &Mailer,
        challenge: &Challenge,
        user: &User,
        caller: &Caller<'_>,
        locale: Locale,
    ) -> Result<Option<Sending>, VerifyError> {
        let settings = &self.equipment.settings;
        let Some(email) = user.email.as_deref() else {
            return Ok(None);
        };
        let now = self.equipment.clock.now();
        let life = settings.code_life.min(MAX_CODE_LIFE);
        let expires_at = now.after(life).min(challenge.expires_at);
        let code = new_code(&self.equipment.entropy);
        let kept = SentCode {
            hash: hash_code(challenge.id, code.expose(), &self.equipment.keys),
            expires_at,
        };
        self.store.put_code(challenge.id, &kept, now).await?;
        let mail = CodeMail {
            to: email,
            locale,
            code: &code,
            title: &challenge.demand.requirement.title,
            client: caller.address,
            asked_at: now,
            expires_at,
        };
        if let Err(error) = mailer.send(&mail).await {
            let error = chain(&error);
            tracing::warn!(error, request_id = caller.request_id, "no code sent");
            return Ok(None);
        }
        Ok(Some(Sending::Sent {
            hint: mask(email),
            expires_at,
            resend_after: settings.limits.resend_after,
        }))
    }

    fn not_sent(
        &self,
        challenge: Option<&Challenge>,
        caller: &Caller<'_>,
        refusal: Refusal,
    ) -> Result<Sending, VerifyError> {
        let mut event = self.event(EventKind::CodeSent, Outcome::Refused, caller);
        if refusal.reason == Reason::MailUnavailable {
            event.outcome = Outcome::Failed;
        }
        event.factor = Some(Factor::EmailCode);
        if let Some(challenge) = challenge {
            tell_of(&mut event, challenge, Some(Factor::EmailCode));
        }
        event.reason = Some(refusal.reason);
        self.equipment.audit.record(&event)?;
        Ok(Sending::Refused(refusal))
    }
}
