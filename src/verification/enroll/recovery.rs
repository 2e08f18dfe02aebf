//! Recovery codes: ten at a time, in place of all earlier ones.

use super::{ChangeKind, CredentialChange};
use crate::domain::{Factor, Secret, User};
use crate::locale::Locale;
use crate::mail::Notice;
use crate::verification::error::VerifyError;
use crate::verification::factors::recovery_codes;
use crate::verification::verifier::{EndpointCaller, Verifier};

/// How many codes there are at first.
const COUNT: usize = 10;

impl Verifier {
    /// Enrolls new recovery codes and returns them, which nobody can a second time. Earlier ones are void.
    pub async fn renew_recovery_codes(
        &self,
        caller: &EndpointCaller<'_>,
        locale: Locale,
    ) -> Result<Vec<Secret<String>>, VerifyError> {
        let services = &self.services;
        let now = services.clock.now();
        let (entry, codes) = recovery_codes(COUNT, &services.keys, &services.entropy, now);
        let change = CredentialChange {
            factor: Factor::RecoveryCode,
            kind: ChangeKind::Added,
            notice: Notice::Added(Factor::RecoveryCode),
            locale,
        };
        // All in one edit: there is no moment with both lists, nor with none.
        let edit = |user: &mut User| {
            user.remove_entries(Factor::RecoveryCode);
            user.put_entry(Factor::RecoveryCode, &entry);
            Some(())
        };
        self.change_credentials(caller, &change, edit).await?;
        Ok(codes)
    }
}
