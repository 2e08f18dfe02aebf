//! The configured store, for commands that work on it beside running sidecars.

use super::arguments::Acting;
use super::error::CliError;
use super::operator;
use crate::audit::{AuditTarget, DirectAudit, Event, EventKind, Outcome};
use crate::clock::Clock;
use crate::domain::{Factor, FactorSet, Subject, User, UserId};
use crate::settings::{self, Settings};
use crate::store::{Store, StoreError, open};
use crate::verification::{
    FactorSources, MailState, PasswordSource, ProviderState, usable_factors,
};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::Builder;

/// What commands on the store need.
pub(super) struct Context {
    pub(super) settings: Settings,
    pub(super) store: Store,
    pub(super) clock: Clock,
    /// Who acts, for the audit log.
    operator: String,
}

/// Runs `work` on the store that the settings name.
pub(super) fn on_store<T>(
    config: &Path,
    work: impl AsyncFnOnce(Context) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let settings = settings::load(config).map_err(CliError::Configuration)?;
    on_store_of(settings, None, work)
}

/// The same for a command that changes something: the audit log names who ran it.
pub(super) fn act_on_store<T>(
    acting: &Acting,
    work: impl AsyncFnOnce(Context) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let settings = settings::load(&acting.config.config).map_err(CliError::Configuration)?;
    on_store_of(settings, acting.by.as_deref(), work)
}

/// The same with settings that were read before.
pub(super) fn on_store_of<T>(
    settings: Settings,
    by: Option<&str>,
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
            operator: operator::named(by),
        })
        .await
    })
}

/// Waits up to two seconds for the connection to Redis, which is made in the background.
pub(super) async fn reach(store: &Store) -> Result<(), StoreError> {
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

    /// What there is to prove oneself with.
    fn factor_sources(&self, id: &UserId) -> FactorSources<'_> {
        let provider = self.settings.oidc.as_ref();
        FactorSources {
            mail: match self.settings.mail {
                Some(_) => MailState::Configured,
                None => MailState::Absent,
            },
            passkeys: self.settings.passkeys.as_ref().ok(),
            passwords: self.settings.verification.password_source,
            provider: match provider {
                Some(provider) if provider.knows(&Subject::new(id.as_str())) => {
                    ProviderState::Knows
                }
                Some(_) | None => ProviderState::Absent,
            },
        }
    }

    /// By what somebody can prove themselves; `user` is what the directory has of them.
    pub(super) fn factors(&self, id: &UserId, user: Option<&User>) -> FactorSet {
        let sources = self.factor_sources(id);
        // Whoever has a session has a password of the application, or an account of the provider.
        let stranger = || User::new(id.clone(), self.clock.now());
        match user {
            None if sources.passwords == PasswordSource::UpstreamLogin
                || sources.provider == ProviderState::Knows =>
            {
                usable_factors(Some(&stranger()), sources)
            }
            user => usable_factors(user, sources),
        }
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

    /// Does something to a user, or to one factor of theirs, and records it.
    pub(super) async fn act_on_user<T>(
        &self,
        kind: EventKind,
        factor: Option<Factor>,
        user: &UserId,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, CliError> {
        let subject = Subject::new(user.as_str());
        let mut event = self.event(kind, Outcome::Succeeded);
        event.subject = Some(&subject);
        event.factor = factor;
        self.act(event, work).await
    }

    /// Does what an operator asked for, and records it. The line is written before: what cannot be
    /// recorded is not done. If it fails, a second line says so.
    pub(super) async fn act<T>(
        &self,
        event: Event<'_>,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, CliError> {
        self.record([event.clone()])?;
        let done = work.await;
        if done.is_err() {
            let outcome = Outcome::Failed;
            self.record([Event { outcome, ..event }])?;
        }
        Ok(done?)
    }

    /// An event by this operator, of which nothing else is known yet.
    pub(super) fn event(&self, kind: EventKind, outcome: Outcome) -> Event<'_> {
        let mut event = Event::new(self.clock.now(), kind, outcome);
        event.operator = Some(&self.operator);
        event
    }

    /// Writes events to the audit log, beside the sidecars that write to it.
    pub(super) fn record<'e>(
        &self,
        events: impl IntoIterator<Item = Event<'e>>,
    ) -> Result<(), CliError> {
        let target = match &self.settings.audit.target {
            AuditTarget::File(path) => AuditTarget::File(path.clone()),
            // Our stdout is the answer of a command.
            AuditTarget::Stderr | AuditTarget::Stdout => AuditTarget::Stderr,
        };
        let mut audit =
            DirectAudit::open(target, self.clock.clone()).map_err(CliError::NotRecorded)?;
        audit.record(events).map_err(CliError::NotRecorded)
    }
}

const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
