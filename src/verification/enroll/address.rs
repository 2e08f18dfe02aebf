//! A mail address: it counts once a code that was sent to it has come back. The old one is told.

use super::unproven::{LIFE, Unproven};
use super::{ChangeKind, CredentialChange, Enrollment};
use crate::audit::{EventKind, Outcome};
use crate::domain::{ChallengeId, CredentialEntry, Factor, Reason, Secret, User};
use crate::locale::Locale;
use crate::mail::{CodeMail, Notice};
use crate::store::{CodeAnswer, SentCode};
use crate::telemetry::chain;
use crate::verification::directory::is_plain_email;
use crate::verification::error::VerifyError;
use crate::verification::factors::{AnswerValue, digits, hash_code, new_code};
use crate::verification::outcome::Refusal;
use crate::verification::throttle::Try;
use crate::verification::verifier::{EndpointCaller, Verifier};

/// What became of a new address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewAddress {
    /// It cannot be one.
    NotAnAddress,
    /// No code was sent.
    Refused(Refusal),
    /// A code is on its way; this comes back with it.
    Sent(Secret<String>),
}

impl Verifier {
    /// Sends a code to a new address. Nothing of it is stored but the hash of the code.
    pub async fn new_address(
        &self,
        caller: &EndpointCaller<'_>,
        address: &str,
        title: &str,
        locale: Locale,
    ) -> Result<NewAddress, VerifyError> {
        self.services.audit.ready()?;
        let address = address.trim();
        if !is_plain_email(address) {
            return Ok(NewAddress::NotAnAddress);
        }
        let Some(mailer) = &self.services.mailer else {
            return Ok(NewAddress::Refused(Reason::MailUnavailable.into()));
        };
        let account = self.account(&caller.claimant).await?;
        let id = ChallengeId::new(self.services.entropy.bytes());
        let who = Try {
            challenge: id,
            life: LIFE,
            counted_by: caller.counted_by,
            user: &account.id,
            address: caller.address,
        };
        // Under the same counters as all codes: nobody's mailbox is flooded from here either.
        if let Some(refusal) = self.count_code(who).await? {
            return Ok(NewAddress::Refused(refusal));
        }
        let (now, keys) = (self.services.clock.now(), &self.services.keys);
        let code = new_code(&self.services.entropy);
        let sent = SentCode {
            hash: hash_code(id, code.expose(), keys),
            expires_at: now.after(LIFE),
        };
        // Stored first: the mail may be read before `send` returns.
        self.store.put_code(id, &sent, now).await?;
        let mail = CodeMail {
            to: address,
            locale,
            code: &code,
            title,
            client: caller.address,
            asked_at: now,
            expires_at: sent.expires_at,
        };
        if let Err(error) = mailer.send(&mail).await {
            let error = chain(&error);
            tracing::warn!(error, request_id = caller.request_id, "no code sent");
            return Ok(NewAddress::Refused(Reason::MailUnavailable.into()));
        }
        let mut event = self.event(EventKind::CodeSent, Outcome::Succeeded, caller);
        event.factor = Some(Factor::EmailCode);
        self.services.audit.record(&event)?;
        let unproven = Unproven {
            id,
            value: Secret::new(address.to_owned()),
        };
        let sealed = self.seal_unproven(KIND, &caller.claimant, &unproven);
        Ok(NewAddress::Sent(sealed))
    }

    /// Takes the address of [`Verifier::new_address`] in place of an earlier one, if the code is right.
    pub async fn enroll_address(
        &self,
        caller: &EndpointCaller<'_>,
        sealed: &str,
        code: &AnswerValue,
        locale: Locale,
    ) -> Result<Enrollment, VerifyError> {
        self.services.audit.ready()?;
        let Some(unproven) = self.open_unproven(KIND, &caller.claimant, sealed) else {
            return Ok(Enrollment::Refused(Reason::ChallengeExpired.into()));
        };
        let account = self.account(&caller.claimant).await?;
        let now = self.services.clock.now();
        let attempt = [self.throttle().of_challenge(Try {
            challenge: unproven.id,
            life: LIFE,
            counted_by: caller.counted_by,
            user: &account.id,
            address: caller.address,
        })];
        let remaining = match self.count(&attempt, now).await? {
            Ok(remaining) => remaining,
            Err(refusal) => return Ok(Enrollment::Refused(refusal)),
        };
        let hash = hash_code(unproven.id, digits(code).expose(), &self.services.keys);
        if self.store.take_code(unproven.id, &hash, now).await? != CodeAnswer::Matched {
            return Ok(Enrollment::Refused(Refusal {
                attempts_left: Some(remaining),
                ..Reason::WrongAnswer.into()
            }));
        }
        let change = CredentialChange {
            factor: Factor::EmailCode,
            kind: ChangeKind::Added,
            notice: Notice::Added(Factor::EmailCode),
            locale,
        };
        let entry = CredentialEntry::new(self.services.entropy.bytes(), now);
        // From here on the address of the record goes before that of a source.
        let edit = |user: &mut User| {
            user.email = Some(unproven.value.expose().clone());
            user.remove_entries(Factor::EmailCode);
            user.put_entry(Factor::EmailCode, &entry);
            Some(())
        };
        self.change_credentials(caller, &change, edit).await?;
        Ok(Enrollment::Done)
    }
}

const KIND: &str = "address";
