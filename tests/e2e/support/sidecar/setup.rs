//! How a sidecar is set up: on which store, in front of what, with which policy and settings.

use super::{COOKIE, ORIGIN, POLICY, SECRET, Sidecar, USER, application};
use crate::support::mail::MailSink;
use crate::support::port::HeldPort;
use crate::support::redis::Redis;
use crate::support::store::Store;
use crate::support::temp::TempDir;
use crate::support::tls::TestCa;
use crate::support::upstream::{Application, Got, Reply, Upstream};
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::atomic::{AtomicU32, Ordering};

/// A sidecar with a user, a mail server and this store, in front of the usual application.
pub(crate) fn on(store: Store) -> Setup {
    let setup = Setup::new(Some(store))
        .line("threads: 2")
        .line("secret: { file: secret.key }")
        .line("audit: { target: stdout }")
        .line("log: { format: json, level: debug }")
        .with("verification", "argon2: { memory: 64KiB, passes: 1 }");
    setup.logins(&[]).mail(MailSink::shared().port())
}

/// A sidecar with the settings as they are shipped, in front of an address or a URL. It has one
/// thread, so that connections meet again.
pub(crate) fn in_front_of(upstream: impl Display) -> Setup {
    let setup = Setup::new(None)
        .line("threads: 1")
        .line("audit: { target: audit.log }");
    setup.in_front_of(upstream)
}

/// A sidecar to be run.
pub(crate) struct Setup {
    store: Option<Store>,
    store_deadline: &'static str,
    application: Option<Application>,
    policy: String,
    tls: bool,
    /// By section and key; those of no section stand at the top.
    settings: BTreeMap<&'static str, BTreeMap<String, String>>,
}

impl Setup {
    fn new(store: Option<Store>) -> Self {
        let setup = Self {
            store,
            store_deadline: "2s",
            application: Some(Box::new(application)),
            policy: POLICY.to_owned(),
            tls: false,
            settings: BTreeMap::new(),
        };
        setup
            .line("version: 1")
            .line("policies: policies/")
            .line(&format!("public_url: {ORIGIN}"))
            .with("session", &format!("cookies: [{COOKIE}]"))
            .with("session", "login_page: /login")
    }

    /// Lines of a section, each in the place of an earlier one with the same key.
    pub(crate) fn with(mut self, section: &'static str, lines: &str) -> Self {
        let section = self.settings.entry(section).or_default();
        for line in lines.lines() {
            let (key, _) = line.split_once(':').unwrap();
            section.insert(key.to_owned(), line.to_owned());
        }
        self
    }

    /// A line outside of all sections.
    pub(crate) fn line(self, line: &str) -> Self {
        self.with("", line)
    }

    /// In front of an address or a URL, in place of an application that the harness starts.
    pub(crate) fn in_front_of(mut self, upstream: impl Display) -> Self {
        self.application = None;
        let upstream = upstream.to_string();
        let is_url = upstream.contains("://") || upstream.starts_with("unix:");
        let scheme = if is_url { "" } else { "http://" };
        self.with("upstream", &format!("url: {scheme}{upstream}"))
    }

    /// Another application.
    pub(crate) fn application(
        mut self,
        application: impl Fn(&Got) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.application = Some(Box::new(application));
        self
    }

    /// Another policy.
    pub(crate) fn policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.policy);
        self
    }

    /// Another deadline for the store.
    pub(crate) fn store_deadline(mut self, deadline: &'static str) -> Self {
        self.store_deadline = deadline;
        self
    }

    /// Further ways to log in, as entries of `session.learn.logins`.
    pub(crate) fn logins(self, more: &[&str]) -> Self {
        let logins = [&[LOGIN], more].concat().join(", ");
        let learn = format!("learn: {{ logins: [{logins}], logouts: [{{ path: /logout }}] }}");
        self.with("session", &learn)
    }

    /// Without any login to watch.
    pub(crate) fn without_logins(mut self) -> Self {
        self.settings.entry("session").or_default().remove("learn");
        self
    }

    /// Another mail server, at a port of this machine.
    pub(crate) fn mail(self, port: u16) -> Self {
        self.line(&format!(
            "mail: {{ smtp: '127.0.0.1:{port}', security: plain, from: no-reply@example.test, site: Test }}"
        ))
    }

    /// At an address that a browser on this machine takes for a secure one, with a name.
    pub(crate) fn at_localhost(self) -> Self {
        self.line("public_url: http://localhost:{port}")
    }

    /// Without a line that is outside of all sections.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.settings.entry("").or_default().remove(key);
        self
    }

    /// Clients come over TLS.
    pub(crate) fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts everything; on a store, with the user in the directory.
    pub(crate) fn run(self) -> Sidecar {
        let has_user = self.store.is_some();
        let mut sidecar = self.prepare();
        if has_user {
            sidecar.enroll();
        }
        sidecar.start();
        sidecar
    }

    /// Starts everything but the program itself, with nobody in the directory.
    pub(crate) fn prepare(mut self) -> Sidecar {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (dir, port) = (TempDir::new("sidecar"), HeldPort::take());
        dir.write("policies/routes.yaml", &self.policy);

        let mut listen = port.addr().to_string();
        if self.tls {
            let (cert, key) = (TestCa::shared().cert(), TestCa::shared().key());
            let (cert, key) = (cert.display(), key.display());
            listen = format!("{{ address: {listen}, tls: {{ certificate: {cert}, key: {key} }} }}");
        }
        self = self.line(&format!("listen: {listen}"));
        let upstream = self.application.take().map(Upstream::start);
        if let Some(upstream) = &upstream {
            self = self.in_front_of(upstream.addr());
        }
        let redis = (self.store == Some(Store::Redis)).then(Redis::start);
        let deadline = self.store_deadline;
        self = match (self.store, &redis) {
            (None, _) => self,
            (_, Some(redis)) => {
                let url = redis.url();
                let kept =
                    format!("redis: {{ url: '{url}', deadline: {deadline}, connect: {deadline} }}");
                self.with("store", &kept)
            }
            (_, None) => self.with(
                "store",
                &format!("embedded: {{ path: state, deadline: {deadline} }}"),
            ),
        };
        let port_number = port.addr().port().to_string();
        dir.write("stepgate.yaml", self.text().replace("{port}", &port_number));

        let sidecar = Sidecar {
            dir,
            address: format!("{USER}-{number}@example.test"),
            redis,
            upstream,
            port,
            running: None,
            totp: None,
        };
        sidecar.write_private("secret.key", SECRET);
        sidecar
    }

    /// The settings as a file has them.
    fn text(&self) -> String {
        let mut text = String::new();
        for (section, lines) in &self.settings {
            let mut indent = "";
            if !section.is_empty() {
                writeln!(text, "{section}:").unwrap();
                indent = "  ";
            }
            for line in lines.values() {
                writeln!(text, "{indent}{line}").unwrap();
            }
        }
        text
    }
}

/// The usual way to log in.
const LOGIN: &str =
    "{ path: /login, subject: { form: user }, success: { status: 302, location: /home } }";
