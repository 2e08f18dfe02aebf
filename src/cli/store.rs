//! The configured store, for commands that work on it beside running sidecars.

use super::error::CliError;
use super::output::Output;
use crate::audit::{Audit, AuditSetupError, AuditTarget, Event, EventKind, Outcome};
use crate::clock::Clock;
use crate::domain::{Subject, User, UserId};
use crate::settings::{self, Settings};
use crate::store::{Store, StoreError, open};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Builder;

/// What commands on the store need.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) store: Store,
    pub(super) clock: Clock,
}

/// Runs `work` on the store that the settings name.
pub(super) fn on_store<T>(
    config: &Path,
    work: impl AsyncFnOnce(Context) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let settings = settings::load(config).map_err(CliError::Configuration)?;
    on_store_of(settings, work)
}

/// The same with settings that were read before.
pub(super) fn on_store_of<T>(
    settings: Settings,
    work: impl AsyncFnOnce(Context) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let clock = Clock::System;
    let source = open(&settings.store, &clock)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(<_>::default());
    let runtime = runtime.map_err(CliError::io("cannot start"))?;
    runtime.block_on(async {
        let store = source.handle();
        reach(&store).await?;
        work(Context {
            settings,
            store,
            clock,
        })
        .await
    })
}

/// Waits up to two seconds for the connection to Redis, which is made in the background.
async fn reach(store: &Store) -> Result<(), StoreError> {
    let mut left = TRIES;
    loop {
        match store.ping().await {
            Ok(()) => return Ok(()),
            Err(error) if left == 0 => return Err(error),
            Err(_) => left -= 1,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Context {
    /// The canonical spelling of a name, by `session.subjects`.
    pub(super) fn user_id(&self, name: &str) -> Result<UserId, CliError> {
        let wrong =
            || CliError::Usage(format!("`{}` cannot be a user's name", name.escape_debug()));
        let naming = self.settings.sessions.naming;
        naming.user(name).ok_or_else(wrong)
    }

    /// Finds a user by name or alias.
    pub(super) async fn known_user(&self, name: &str) -> Result<User, CliError> {
        let id = self.user_id(name)?;
        let unknown = || {
            let message = format!("there is no user `{id}`; `stepgate user add` adds one");
            CliError::Impossible(message)
        };
        self.store.user(&id).await?.ok_or_else(unknown)
    }

    /// Records what was done to a user.
    pub(super) fn record_user(&self, kind: EventKind, user: &UserId) -> Result<(), CliError> {
        let subject = Subject::new(user.as_str());
        self.record(kind, |event| event.subject = Some(&subject))
    }

    /// Records what an operator did, where the audit log is a file that no sidecar holds.
    pub(super) fn record<'e>(
        &self,
        kind: EventKind,
        describe: impl FnOnce(&mut Event<'e>),
    ) -> Result<(), CliError> {
        let Some(audit) = self.audit()? else {
            return Ok(());
        };
        let mut event = Event::new(self.clock.now(), kind, Outcome::Succeeded);
        describe(&mut event);
        written(audit.record(&event).is_ok() && audit.flush(FLUSH))
    }

    /// Records what was done to many users, in a log that [`Context::audit`] opened.
    pub(super) fn record_users(
        &self,
        audit: Option<&Audit>,
        kind: EventKind,
        users: &[UserId],
    ) -> Result<(), CliError> {
        let Some(audit) = audit else { return Ok(()) };
        // The queue takes no more before it is flushed.
        for some in users.chunks(self.settings.audit.queue.max(1)) {
            for user in some {
                let subject = Subject::new(user.as_str());
                let mut event = Event::new(self.clock.now(), kind, Outcome::Succeeded);
                event.subject = Some(&subject);
                written(audit.record(&event).is_ok())?;
            }
            written(audit.flush(FLUSH))?;
        }
        Ok(())
    }

    /// The audit log, where it is a file that no sidecar holds.
    pub(super) fn audit(&self) -> Result<Option<Audit>, CliError> {
        // Our stdout is the output of a command, not the log of a sidecar.
        if self.settings.audit.target == AuditTarget::Stdout {
            return Ok(None);
        }
        match Audit::start(&self.settings.audit, self.clock.clone()) {
            Ok(audit) => Ok(Some(audit)),
            // Two that write would break the chain of hashes.
            Err(AuditSetupError::InUse { path }) => {
                let note = "a running sidecar holds it";
                writeln!(Output::stderr(), "note: not recorded in `{path}`: {note}")?;
                Ok(None)
            }
            Err(error) => Err(CliError::App(error.into())),
        }
    }
}

fn written(is_written: bool) -> Result<(), CliError> {
    if is_written {
        return Ok(());
    }
    let message = "done, but it could not be recorded in the audit log";
    Err(CliError::Impossible(message.to_owned()))
}

/// How long the audit log may take.
const FLUSH: Duration = Duration::from_secs(5);
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
