//! Reloads the policies: when their files change, or on SIGHUP. A table with a mistake changes nothing.

use super::error::AppError;
use crate::audit::{Event, EventKind, Outcome};
use crate::domain::RouteTable;
use crate::policy::{Fingerprint, Policies, PolicyWatch, Sources};
use crate::proxy::SharedProxy;
use crate::settings::Settings;
use crate::yaml::Diagnostics;
use std::path::PathBuf;
use std::slice;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// The thread that reloads; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Reloader {
    orders: Sender<()>,
}

impl Reloader {
    /// Watches `paths` from the state in `seen`.
    pub(super) fn start(
        shared: Arc<SharedProxy>,
        paths: Vec<PathBuf>,
        seen: Fingerprint,
        at_start: ReadAtStart,
    ) -> Result<Self, AppError> {
        let (orders, inbox) = channel();
        let watch = PolicyWatch::new(paths.clone(), seen);
        let run = move || follow(&shared, &paths, watch, &at_start, &inbox);
        let thread = thread::Builder::new().name("policies".to_owned());
        thread.spawn(run).map_err(AppError::Thread)?;
        Ok(Self { orders })
    }

    /// Reads the policies again, changed or not, and opens the audit log anew.
    pub(super) fn reload(&self) {
        if self.orders.send(()).is_err() {
            tracing::error!("the thread that reloads policies is gone");
        }
    }
}

fn follow(
    shared: &SharedProxy,
    paths: &[PathBuf],
    mut watch: PolicyWatch,
    at_start: &ReadAtStart,
    orders: &Receiver<()>,
) {
    loop {
        match orders.recv_timeout(INTERVAL) {
            Ok(()) => {
                // logrotate renames the file, then sends this signal.
                shared.sessions.audit.reopen();
                let sources = Sources::read(paths);
                // What is applied here must not be applied again when the watch looks next.
                watch = PolicyWatch::new(paths.to_owned(), sources.fingerprint());
                let read = sources.compile(&shared.web.groups);
                apply(shared, read, watch.reported());
                at_start.warn_of_changes();
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(changed) = watch.look(&shared.web.groups) {
                    apply(shared, changed, watch.reported());
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Puts new policies in force, or keeps the old ones; either is logged and recorded.
fn apply(shared: &SharedProxy, read: Result<Policies, Diagnostics>, fingerprint: Fingerprint) {
    let files = read.as_ref().map_or(0, |policies| policies.files.len());
    let ready = read.map_err(|mistakes| tell_mistakes(&mistakes));
    let ready = ready.and_then(|policies| prepared(shared, policies));
    let outcome = match ready {
        Ok(table) => {
            let now = shared.sessions.clock.now();
            (shared.metrics).policies_in_force(fingerprint, &table, now);
            shared.web.table.store(Arc::new(table));
            Outcome::Succeeded
        }
        Err(Refused) => Outcome::Failed,
    };
    shared.metrics.reloaded(outcome);
    let routes = shared.web.table.load().count();
    record(shared, routes, outcome);
    // Whoever reads this and ends the sidecar has the record.
    if outcome == Outcome::Succeeded {
        tracing::info!(routes, files, "the policies were reloaded");
    }
}

/// Why the old policies stay was told.
struct Refused;

fn tell_mistakes(mistakes: &Diagnostics) -> Refused {
    for mistake in mistakes {
        tracing::error!("{}", mistake.to_string().trim_end());
    }
    let mistakes = mistakes.len();
    tracing::error!(mistakes, "the new policies are refused; the old ones stay");
    Refused
}

fn prepared(shared: &SharedProxy, policies: Policies) -> Result<RouteTable, Refused> {
    for warning in policies.warnings() {
        tracing::warn!("{}", warning.to_string().trim_end());
    }
    shared.options.table(policies).map_err(|error| {
        let error = crate::telemetry::chain(&error);
        tracing::error!(error, "the new policies are refused; the old ones stay");
        Refused
    })
}

fn record(shared: &SharedProxy, routes: usize, outcome: Outcome) {
    let now = shared.sessions.clock.now();
    let mut event = Event::new(now, EventKind::PoliciesLoaded, outcome);
    event.count = u64::try_from(routes).ok();
    if shared.sessions.audit.record(&event).is_err() {
        tracing::error!("the reload could not be recorded in the audit log");
    }
}

/// The files that a reload does not read again, as they were at the start.
#[derive(Debug)]
pub(super) struct ReadAtStart(Vec<(PathBuf, Fingerprint)>);

impl ReadAtStart {
    /// Remembers the settings, and what they name for TLS and for our pages.
    pub(super) fn of(settings: &Settings) -> Self {
        let tls = settings.listeners.iter().filter_map(|one| one.tls.as_ref());
        let tls = tls.flat_map(|tls| [&tls.certificate, &tls.key]);
        let brand = &settings.web.site.brand.files;
        let files = std::iter::once(&settings.file).chain(tls).chain(brand);
        Self(
            files
                .map(|file| (file.clone(), fingerprint(file)))
                .collect(),
        )
    }

    /// Says which of them are not in force as they are now.
    fn warn_of_changes(&self) {
        for (file, seen) in &self.0 {
            if fingerprint(file) != *seen {
                let file = file.display();
                tracing::warn!(%file, "has changed since the start and is read at start only: restart to apply it");
            }
        }
    }
}

fn fingerprint(file: &PathBuf) -> Fingerprint {
    Sources::read(slice::from_ref(file)).fingerprint()
}

/// How often the files are looked at; a change is in force after two looks.
const INTERVAL: Duration = Duration::from_millis(500);
