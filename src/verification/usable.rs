//! Who a claimant is in the directory, and what they can prove themselves by.

use super::directory::find_user;
use super::factors::{FactorSources, MailState, usable_factors};
use super::oidc::ProviderState;
use super::verifier::{Claimant, Verifier};
use crate::domain::{FactorSet, Subject, User};
use crate::store::StoreError;

impl Verifier {
    /// The user that the caller's subject is.
    pub(super) async fn user(&self, claimant: &Claimant<'_>) -> Result<Option<User>, StoreError> {
        let settings = &self.services.settings;
        find_user(
            &self.store,
            claimant.subject,
            claimant.email,
            settings.email_subjects,
            settings.password_source,
            self.provider_of(claimant.subject),
        )
        .await
    }

    /// The factors that a user can show who is this subject.
    pub(super) fn usable(&self, user: Option<&User>, subject: &Subject) -> FactorSet {
        let sources = FactorSources {
            mail: match self.services.mailer {
                Some(_) => MailState::Configured,
                None => MailState::Absent,
            },
            passkeys: self.services.passkeys.as_ref(),
            passwords: self.services.settings.password_source,
            provider: self.provider_of(subject),
        };
        usable_factors(user, sources)
    }

    fn provider_of(&self, subject: &Subject) -> ProviderState {
        match &self.services.oidc {
            Some(provider) if provider.knows(subject) => ProviderState::Knows,
            Some(_) | None => ProviderState::Absent,
        }
    }
}
