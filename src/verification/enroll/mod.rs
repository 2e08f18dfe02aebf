//! What a subject has enrolled: read, added and removed by themselves. Each change is one event of the audit log
//! and one mail to the person.

use crate::audit::{EventKind, Outcome};
use crate::domain::{Factor, Timestamp, User, UserId};
use crate::locale::Locale;
use crate::mail::{Notice, NoticeMail};
use crate::store::{Store, StoreError};
use crate::telemetry::chain;
use crate::verification::factors::codes_left;
mod address;
mod password;
mod recovery;
mod totp;
mod unproven;

pub use address::NewAddress;
pub use password::WeakPassword;
pub use totp::NewTotp;

use crate::verification::directory::account_or_empty;
use crate::verification::error::VerifyError;
use crate::verification::outcome::Refusal;
use crate::verification::verifier::{Claimant, EndpointCaller, Verifier};

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

/// What became of something that a person wanted to set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrollment {
    /// It counts from now on.
    Done,
    /// It was not proved.
    Refused(Refusal),
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
        let name = UserId::new(claimant.subject.as_str());
        let stored = self.store.user(&name).await?;
        Ok(account_or_empty(stored, &name, self.services.clock.now()))
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
        let name = UserId::new(caller.claimant.subject.as_str());
        let Some(edited) = edit_user(&self.store, &name, self.services.clock.now(), edit).await?
        else {
            return Ok(None);
        };
        let kind = match change.kind {
            ChangeKind::Added => EventKind::FactorSet,
            ChangeKind::Removed => EventKind::FactorRemoved,
        };
        let mut event = self.event(kind, Outcome::Succeeded, caller);
        event.factor = Some(change.factor);
        self.services.audit.record(&event)?;
        // A thief who changes the address must not be the only one who is told of it.
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

    /// After a right answer: notes when what the person enrolled was last used, and tells them of a recovery code.
    pub(super) async fn note_use(
        &self,
        caller: &EndpointCaller<'_>,
        factor: Factor,
        locale: Locale,
    ) {
        if let Err(error) = self.try_note_use(caller, factor, locale).await {
            tracing::warn!(%error, "the use of what somebody enrolled was not noted");
        }
    }

    async fn try_note_use(
        &self,
        caller: &EndpointCaller<'_>,
        factor: Factor,
        locale: Locale,
    ) -> Result<(), StoreError> {
        let account = self.account(&caller.claimant).await?;
        if factor == Factor::RecoveryCode {
            let left = codes_left(&account);
            return (self.notify(caller, &Notice::RecoveryCodeUsed { left }, locale)).await;
        }
        let now = self.services.clock.now();
        // A passkey notes its own use, with its counter.
        let entry = match factor {
            Factor::EmailCode | Factor::Password | Factor::Totp => account.entries(factor).next(),
            Factor::BootstrapCode | Factor::Oidc | Factor::Passkey | Factor::RecoveryCode => None,
        };
        let Some(entry) = entry else {
            return Ok(());
        };
        let edit = |user: &mut User| {
            let mut entry = user.entries(factor).find(|it| it.id == entry.id)?;
            entry.used_at = Some(now);
            user.put_entry(factor, &entry);
            Some(())
        };
        edit_user(&self.store, &account.id, now, edit)
            .await
            .map(drop)
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

/// Edits the stored record of a user and writes it, or makes one; `None` if there is nothing to change. Records and
/// tells nothing.
pub async fn edit_user<T>(
    store: &Store,
    name: &UserId,
    now: Timestamp,
    edit: impl Fn(&mut User) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    for _ in 0..TRIES {
        let stored = store.user(name).await?;
        let is_stored = stored.is_some();
        let before = account_or_empty(stored, name, now);
        let mut after = before.clone();
        let Some(edited) = edit(&mut after) else {
            return Ok(None);
        };
        let is_written = match is_stored {
            _ if after == before => true,
            // Never added: whoever an operator has removed meanwhile would be back, with what is edited.
            true => store.swap_user(&before, &after).await?,
            false => store.add_user(&after).await?,
        };
        if is_written {
            return Ok(Some(edited));
        }
    }
    let busy = "the record of a user was changed by others, time and again";
    Err(StoreError::Unavailable(busy.into()))
}

/// How often an edit is tried while others change the same record.
const TRIES: u32 = 8;
