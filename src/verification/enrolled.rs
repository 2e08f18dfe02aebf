//! What a subject has enrolled: read, added and removed by themselves. Each change is one event of the audit log
//! and one mail to the person.

use super::directory::account_of;
use super::error::VerifyError;
use super::verifier::{Claimant, EndpointCaller, Verifier};
use crate::audit::{EventKind, Outcome};
use crate::domain::{Factor, User};
use crate::locale::Locale;
use crate::mail::{Notice, NoticeMail};
use crate::store::StoreError;
use crate::telemetry::chain;

/// A change of what somebody has enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialChange {
    /// Of which kind it is.
    pub factor: Factor,
    /// Whether something is set up or taken away.
    pub kind: ChangeKind,
    /// What the person is told by mail.
    pub notice: Notice,
    /// The language of that mail.
    pub locale: Locale,
}

/// Whether something is set up or taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is there now, perhaps in place of another.
    Added,
    /// It is gone.
    Removed,
}

impl Verifier {
    /// The record of the claimant's subject as it is stored; an empty one where nobody has stored any.
    pub async fn account(&self, claimant: &Claimant<'_>) -> Result<User, StoreError> {
        account_of(&self.store, claimant.subject, self.services.clock.now()).await
    }

    /// Changes what the caller has enrolled, atomically: `edit` is run again if the record has changed since it
    /// was read. What it returns is returned; `None` changes and tells nothing.
    ///
    /// A subject whom no directory knows gets a record by their first enrollment. The mail goes to the addresses
    /// that the person had before and has now, and is not waited for.
    pub async fn change_credentials<T>(
        &self,
        caller: &EndpointCaller<'_>,
        change: &CredentialChange,
        edit: impl Fn(&mut User) -> Option<T>,
    ) -> Result<Option<T>, VerifyError> {
        // What cannot be recorded must not happen.
        self.services.audit.ready()?;
        let before = self.user(&caller.claimant).await?;
        let Some((edited, _)) = self.edit_account(&caller.claimant, edit).await? else {
            return Ok(None);
        };
        let kind = match change.kind {
            ChangeKind::Added => EventKind::FactorSet,
            ChangeKind::Removed => EventKind::FactorRemoved,
        };
        let mut event = self.event(kind, Outcome::Succeeded, caller);
        event.factor = Some(change.factor);
        self.services.audit.record(&event)?;
        let after = self.user(&caller.claimant).await?;
        let mut addresses: Vec<_> = { [before, after].into_iter() }
            .filter_map(|user| user?.email)
            .collect();
        addresses.dedup();
        for address in addresses {
            self.send_notice(address, &change.notice, caller, change.locale);
        }
        Ok(Some(edited))
    }

    /// Tells the caller by mail what happened to their account, if an address is known. It is not waited for: what
    /// happened has happened.
    pub async fn notify(
        &self,
        caller: &EndpointCaller<'_>,
        notice: &Notice,
        locale: Locale,
    ) -> Result<(), StoreError> {
        let user = self.user(&caller.claimant).await?;
        if let Some(address) = user.and_then(|user| user.email) {
            self.send_notice(address, notice, caller, locale);
        }
        Ok(())
    }

    /// Edits the stored record and writes it, or makes one; returns it as it is now. Records and tells nothing.
    pub(super) async fn edit_account<T>(
        &self,
        claimant: &Claimant<'_>,
        edit: impl Fn(&mut User) -> Option<T>,
    ) -> Result<Option<(T, User)>, StoreError> {
        for _ in 0..TRIES {
            let before = self.account(claimant).await?;
            let mut after = before.clone();
            let Some(edited) = edit(&mut after) else {
                return Ok(None);
            };
            let is_written = after == before
                || self.store.swap_user(&before, &after).await?
                || self.store.add_user(&after).await?;
            if is_written {
                return Ok(Some((edited, after)));
            }
        }
        let busy = "the record of a user was changed by others, time and again";
        Err(StoreError::Unavailable(busy.into()))
    }

    fn send_notice(
        &self,
        address: String,
        notice: &Notice,
        caller: &EndpointCaller<'_>,
        locale: Locale,
    ) {
        let Some(mailer) = self.services.mailer.clone() else {
            return;
        };
        let mail = NoticeMail {
            to: address,
            locale,
            notice: notice.clone(),
            client: caller.address,
            at: self.services.clock.now(),
        };
        // The queue of mails is bounded, and so is the wait in it.
        tokio::task::spawn_local(async move {
            if let Err(error) = mailer.notify(&mail).await {
                let error = chain(&error);
                tracing::warn!(error, "a person was not told by mail what was changed");
            }
        });
    }
}

/// How often an edit is tried while others change the same record.
const TRIES: u32 = 8;
