//! The running sidecar: built from its settings, served by worker threads, stopped in order.

mod admin;
mod error;
mod reload;
mod signals;
mod sockets;
mod watch;
mod workers;

pub use error::AppError;
pub use signals::Signals;

use crate::admin::Stage;
use crate::audit::{Audit, Event, EventKind, Outcome};
use crate::clock::Clock;
use crate::domain::RouteTable;
use crate::entropy::Entropy;
use crate::identity::Teller;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::policy::{Fingerprint, Sources};
use crate::proxy::{Role, SharedProxy};
use crate::seal::Keys;
use crate::session::{GuestCookie, LiveLimit, Rolling, SharedAsker, SharedSessions, UpstreamLogin};
use crate::settings::Settings;
use crate::store::{StoreOptions, StoreSource, open};
use crate::transport::ListenAddress;
use crate::verification::{PasswordChecker, Services};
use crate::web::SharedWeb;
use crate::yaml::Diagnostics;
use crate::yaml::Severity;
use admin::AdminListener;
use arc_swap::ArcSwap;
use reload::{ReadAtStart, Reloader};
use sockets::Sockets;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Everything that is needed to serve; the sockets are open, no connection is accepted yet.
#[derive(Debug)]
pub struct App {
    shared: Arc<SharedProxy>,
    store: StoreSource,
    admin: Option<AdminListener>,
    sockets: Sockets,
    policies: Vec<PathBuf>,
    fingerprint: Fingerprint,
    at_start: ReadAtStart,
    drain: Duration,
    store_name: String,
}

impl App {
    /// Builds everything, up to the first error. `stepgate check` finds those that need no start.
    pub fn build(settings: Settings) -> Result<Self, AppError> {
        let clock = Clock::System;
        let entropy = Entropy::system();
        let at_start = ReadAtStart::of(&settings);
        let sources = Sources::read(&settings.policies);
        let mut policies = sources
            .compile(&settings.groups)
            .map_err(AppError::Policies)?;
        let remarks = std::mem::take(&mut policies.remarks);
        let table = settings.proxy.table(policies)?;
        log_remarks(&settings, &table, &remarks);
        let fingerprint = sources.fingerprint();
        let metrics = Arc::new(Metrics::new(settings.threads, clock.now()));
        metrics.policies_in_force(fingerprint, &table, clock.now());
        let mut store = open(&settings.store, &clock)?;
        store.counted_by(metrics.clone());
        let keys = Arc::new(settings.secrets.keys(&entropy)?);
        let sockets = Sockets::open(&settings.listeners, settings.threads)?;
        let audit = Audit::start(&settings.audit, clock.clone())?;
        audit.set_observer(metrics.clone());
        let services = services(&settings, &keys, &clock, &entropy, &audit)?;
        let teller = settings
            .identity
            .map(|options| Teller::new(options, &keys, clock.clone(), entropy.clone()));
        let sessions = SharedSessions {
            options: settings.sessions,
            asker: Arc::new(SharedAsker::new(
                settings.proxy.headers.clone(),
                metrics.clone(),
            )),
            guest: GuestCookie::beside(settings.browser_key.name()),
            browser_key: settings.browser_key,
            rolling: Rolling::default(),
            live: LiveLimit::new(settings.proxy.limits.open_per_session),
            learned: Arc::default(),
            revoked: store.revoked(),
            endings: store.endings(),
            keys,
            clock,
            entropy,
            audit,
        };
        let web = SharedWeb {
            options: settings.web,
            table: ArcSwap::from_pointee(table),
            groups: settings.groups,
            upstream_login: settings.upstream_login.map(|options| {
                let forwarded = settings.proxy.headers.forwarded;
                Arc::new(UpstreamLogin::new(options, forwarded))
            }),
            teller,
            description: OnceLock::new(),
            services: Arc::new(services),
        };
        let shared = SharedProxy {
            options: settings.proxy,
            sessions: Arc::new(sessions),
            web: Arc::new(web),
            metrics,
            injection_notes: Arc::default(),
            connection_limit: Arc::default(),
            upstream_open: Arc::default(),
            upstream_pinned: Arc::default(),
        };
        let admin = settings
            .admin
            .map(|admin| AdminListener::open(&admin, &shared));
        Ok(Self {
            shared: Arc::new(shared),
            store,
            admin: admin.transpose()?,
            sockets,
            policies: settings.policies,
            fingerprint,
            at_start,
            drain: settings.drain,
            store_name: store_name(&settings.store),
        })
    }

    /// Where it listens: the addresses of the settings, with the ports that were free.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        let listeners = self.sockets.listeners.iter();
        listeners.filter_map(|listener| listener.address.tcp())
    }

    /// Serves until `signals` ask to stop and what was under way has ended.
    pub fn run(self, signals: Signals) -> Result<(), AppError> {
        let shared = self.shared;
        record(&shared, EventKind::Started);
        let reloader = Reloader::start(
            shared.clone(),
            self.policies,
            self.fingerprint,
            self.at_start,
        )?;
        let admin = self
            .admin
            .map(|admin| admin.serve(&self.store))
            .transpose()?;
        let Sockets {
            listeners,
            of_threads,
            in_files: _in_files,
        } = self.sockets;
        let workers = workers::Workers::start(&shared, &self.store, &listeners, of_threads)?;
        let count = workers.count();
        let announce = || {
            for listener in &listeners {
                let scheme = match (&listener.address, &listener.tls) {
                    (ListenAddress::Unix(_), _) => "",
                    (ListenAddress::Tcp(_), None) => "http://",
                    (ListenAddress::Tcp(_), Some(_)) => "https://",
                };
                let whom = match listener.role {
                    Role::Asked => "asked by proxies",
                    Role::Public => "listening",
                };
                tracing::info!("{whom} on {scheme}{}", listener.address);
            }
            if let Some(admin) = &admin {
                admin.enter(Stage::Serving);
                tracing::info!(address = %admin.address(), "admin endpoints");
            }
            let routes = shared.web.table.load().count();
            let upstream = &shared.options.upstream.target;
            let (store, threads) = (&self.store_name, count);
            tracing::info!(routes, %upstream, store, threads, "ready");
        };
        let ended = watch::until_stopped(
            &self.store,
            workers,
            signals,
            &reloader,
            admin.as_ref(),
            self.drain,
            announce,
        );
        record(&shared, EventKind::Stopped);
        // After the stop was recorded, which is one of these lines.
        if !shared.sessions.audit.flush(AUDIT_FLUSH) {
            tracing::error!("the audit log could not be written to its end");
        }
        tracing::info!("stopped");
        ended
    }
}

/// Starts what verifications need.
fn services(
    settings: &Settings,
    keys: &Arc<Keys>,
    clock: &Clock,
    entropy: &Entropy,
    audit: &Audit,
) -> Result<Services, AppError> {
    let mailer = settings.mail.as_ref();
    let mailer = mailer.map(|mail| Mailer::start(mail, clock.clone(), entropy.clone()));
    Ok(Services {
        keys: keys.clone(),
        clock: clock.clone(),
        entropy: entropy.clone(),
        audit: audit.clone(),
        mailer: mailer.transpose()?,
        oidc: settings.oidc.clone(),
        passwords: PasswordChecker::start(&settings.passwords, entropy)?,
        passkeys: settings.passkeys.clone().ok(),
        settings: settings.verification,
    })
}

/// Records the start or stop of the sidecar; an audit log that fails must not prevent the stop.
fn record(shared: &SharedProxy, kind: EventKind) {
    let event = Event::new(shared.sessions.clock.now(), kind, Outcome::Succeeded);
    if shared.sessions.audit.record(&event).is_err() {
        tracing::error!(event = kind.as_str(), "cannot be recorded in the audit log");
    }
}

fn log_remarks(settings: &Settings, table: &RouteTable, policies: &Diagnostics) {
    let own = settings.remarks_on(table);
    for remark in settings.remarks.iter().chain(&own).chain(policies) {
        let place = remark.position.map(|position| format!(":{position}"));
        let place = format!("{}{}", remark.file, place.unwrap_or_default());
        match remark.severity {
            Severity::Note => tracing::info!(place, "{}", remark.message),
            Severity::Error | Severity::Warning => tracing::warn!(place, "{}", remark.message),
        }
    }
}

fn store_name(options: &StoreOptions) -> String {
    match options {
        StoreOptions::Embedded(options) => options.path.display().to_string(),
        StoreOptions::Redis(options) => options.url.clone(),
    }
}

/// How long the writing of the last audit lines may take.
const AUDIT_FLUSH: Duration = Duration::from_secs(5);
