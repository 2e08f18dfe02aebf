//! An authenticator app: its secret counts once a code of it has been shown to us.

use super::unproven::{LIFE, Unproven};
use super::{ChangeKind, CredentialChange, Enrollment};
use crate::domain::{AttemptCount, ChallengeId, CredentialEntry, Factor, Reason, Secret, User};
use crate::locale::Locale;
use crate::mail::Notice;
use crate::verification::error::VerifyError;
use crate::verification::factors::{AnswerValue, TotpSecret, digits};
use crate::verification::outcome::Refusal;
use crate::verification::throttle::Try;
use crate::verification::verifier::{Claimant, EndpointCaller, Verifier};

/// A secret that an app may scan.
#[derive(Clone, Debug)]
pub struct NewTotp {
    /// The secret, for a person to type.
    pub secret: Secret<String>,
    /// What the QR code holds.
    pub uri: Option<Secret<String>>,
    /// The same, sealed; it comes back with a code.
    pub sealed: Secret<String>,
}

impl Verifier {
    /// Makes a secret for the claimant. Nothing is stored.
    pub fn new_totp(&self, claimant: &Claimant<'_>, issuer: &str) -> NewTotp {
        let entropy = &self.services.entropy;
        let secret = TotpSecret::generate(entropy);
        let unproven = Unproven {
            id: ChallengeId::new(entropy.bytes()),
            value: secret.to_base32(),
        };
        let account = claimant.subject.spelling();
        NewTotp {
            uri: secret.to_uri(issuer, account).ok(),
            sealed: self.seal_unproven(KIND, claimant, &unproven),
            secret: unproven.value,
        }
    }

    /// The same secret again, after a wrong code.
    pub fn same_totp(
        &self,
        claimant: &Claimant<'_>,
        issuer: &str,
        sealed: &Secret<String>,
    ) -> Option<NewTotp> {
        let unproven = self.open_unproven(KIND, claimant, sealed.expose())?;
        let secret = TotpSecret::from_base32(unproven.value.expose()).ok()?;
        Some(NewTotp {
            uri: secret.to_uri(issuer, claimant.subject.spelling()).ok(),
            sealed: sealed.clone(),
            secret: unproven.value,
        })
    }

    /// Enrolls a secret, in place of an earlier one, if `code` is of it. Each secret only once.
    pub async fn enroll_totp(
        &self,
        caller: &EndpointCaller<'_>,
        sealed: &str,
        code: &AnswerValue,
        locale: Locale,
    ) -> Result<Enrollment, VerifyError> {
        self.services.audit.ready()?;
        let unproven = self.open_unproven(KIND, &caller.claimant, sealed);
        let secret = unproven.and_then(|unproven| {
            let secret = TotpSecret::from_base32(unproven.value.expose()).ok()?;
            Some((unproven.id, secret))
        });
        let Some((id, secret)) = secret else {
            return Ok(Enrollment::Refused(Reason::ChallengeExpired.into()));
        };
        let account = self.account(&caller.claimant).await?;
        let who = Try {
            challenge: id,
            life: LIFE,
            counted_by: caller.counted_by,
            user: &account.id,
            address: caller.address,
        };
        let now = self.services.clock.now();
        let attempt = [self.throttle().of_challenge(who)];
        let remaining = match self.count(&attempt, now).await? {
            Ok(remaining) => remaining,
            Err(refusal) => return Ok(Enrollment::Refused(refusal)),
        };
        let skew = self.services.settings.totp_skew;
        let Some(step) = secret.matching_step(digits(code).expose(), skew, now) else {
            return Ok(Enrollment::Refused(Refusal {
                attempts_left: Some(remaining),
                ..Reason::WrongAnswer.into()
            }));
        };
        // Taken once: a copy of the form must not bring back a secret that was removed since.
        let once = [self.throttle().of_first_code(who)];
        if let AttemptCount::Refused { .. } = self.store.count_attempt(&once, now).await? {
            return Ok(Enrollment::Refused(Reason::ChallengeExpired.into()));
        }
        // RFC 6238 §5.2: the code is used up by this. That of an earlier secret may have used up the step already.
        self.store.take_totp_step(&account.id, step).await?;
        let change = CredentialChange {
            factor: Factor::Totp,
            kind: ChangeKind::Added,
            notice: Notice::Added(Factor::Totp),
            locale,
        };
        let entry = CredentialEntry::new(self.services.entropy.bytes(), now);
        // Sealed anew for the name in the record: an alias may have signed in.
        let edit = |user: &mut User| {
            user.totp = Some(secret.seal(&user.id, &self.services.keys, &self.services.entropy));
            user.remove_entries(Factor::Totp);
            user.put_entry(Factor::Totp, &entry);
            Some(())
        };
        self.change_credentials(caller, &change, edit).await?;
        Ok(Enrollment::Done)
    }
}

const KIND: &str = "totp";
