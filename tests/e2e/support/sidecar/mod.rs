//! The one harness: a real `stepgate` in front of an application, and what is around it.
//!
//! `sidecar::on(store).run()` has a user who can prove herself in three ways, a mail server and a
//! store; `sidecar::in_front_of(address).with("limits", "headers: 10").run()` has what is shipped.

mod application;
mod setup;
mod steps;

pub(crate) use application::{POLICY, application, fresh_cookie};
pub(crate) use setup::{Setup, in_front_of, on};

use super::client::Client;
use super::mail::MailSink;
use super::port::HeldPort;
use super::process::Process;
use super::redis::Redis;
use super::stepgate::{self, Stepgate};
use super::store::tables;
use super::temp::TempDir;
use super::upstream::Upstream;
use ::stepgate::clock::Clock;
use ::stepgate::domain::Timestamp;
use ::stepgate::verification::TotpSecret;
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// The name of the user, in the application and in the directory.
pub(crate) const USER: &str = "alice";
/// Her password in the directory.
pub(crate) const PASSWORD: &str = "Directory-pass-1!";
/// The application's session cookie.
pub(crate) const COOKIE: &str = "sid";
/// The name of our own cookie on plain http.
pub(crate) const KEY_COOKIE: &str = "stepgate";
/// The host under which people see the application.
pub(crate) const HOST: &str = "app.test";
/// The origin of its pages.
pub(crate) const ORIGIN: &str = "http://app.test";

/// Random, and the same for every test.
const SECRET: &str = "8c0697109b52ad9fbf3b98e1b911cddd5f80bbd4b42a191a386740d5aaaca41b";
/// Another one.
const OTHER_SECRET: &str = "f3a566c02913f0740c62e8327de1185242216d345e0b63264dfb8bc013add540";

/// A Stepgate at an address that outlives it, with all that belongs to it.
pub(crate) struct Sidecar {
    pub(crate) dir: TempDir,
    /// Where the user gets her mail.
    pub(crate) address: String,
    redis: Option<Redis>,
    upstream: Option<Upstream>,
    port: HeldPort,
    running: Option<Stepgate>,
    totp: Option<TotpSecret>,
}

impl Sidecar {
    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// The program, to read its log and to signal it.
    pub(crate) fn process(&self) -> &Process {
        self.running.as_ref().expect("it does not run").process()
    }

    /// The application that the harness started.
    pub(crate) fn upstream(&self) -> &Upstream {
        let own = self.upstream.as_ref();
        own.expect("the test has an application of its own")
    }

    /// The Redis on which it runs.
    pub(crate) fn redis(&self) -> &Redis {
        self.redis.as_ref().expect("it is not on Redis")
    }

    /// The same, to kill it.
    pub(crate) fn redis_mut(&mut self) -> &mut Redis {
        self.redis.as_mut().expect("it is not on Redis")
    }

    /// A file of its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the program.
    pub(crate) fn start(&mut self) {
        self.running = Some(Stepgate::serve(&self.dir));
    }

    /// Starts the program with a signal ignored.
    pub(crate) fn start_ignoring(&mut self, signal: &str) {
        self.running = Some(Stepgate::serve_ignoring(&self.dir, signal));
    }

    /// A second one with the same settings, at an address of its own.
    pub(crate) fn another(&self) -> Stepgate {
        let settings = fs::read_to_string(self.path("stepgate.yaml")).unwrap();
        let settings = settings.replace(&self.addr().to_string(), "127.0.0.1:0");
        self.dir.write("another.yaml", settings);
        Stepgate::start(&self.dir, &["serve", "--config", "another.yaml"])
    }

    /// Ends it without asking (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// Asks it to end (SIGTERM) and waits until it has, keeping what it wrote.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.running.as_mut().expect("it does not run").end()
    }

    /// Waits until it has ended, as it was asked to before.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        let running = self.running.take();
        running.expect("it does not run").wait_exit()
    }

    /// Ends it in order and starts it again.
    pub(crate) fn restart(&mut self) {
        self.end();
        self.start();
    }

    /// Starts again with another line in the settings.
    pub(crate) fn restart_with(&mut self, line: &str, other: &str) {
        let file = self.path("stepgate.yaml");
        let settings = fs::read_to_string(&file).unwrap();
        assert!(settings.contains(line), "{settings}");
        fs::write(file, settings.replace(line, other)).unwrap();
        self.restart();
    }

    /// Puts a new secret in the place of the old one, which is still there to be read.
    pub(crate) fn rotate_the_secret(&mut self) {
        self.write_private("old.key", SECRET);
        self.write_private("secret.key", OTHER_SECRET);
        self.restart_with(
            "secret: { file: secret.key }",
            "secret: { file: secret.key }\nprevious_secret: { file: old.key }",
        );
    }

    /// Ends a rotation.
    pub(crate) fn forget_the_old_secret(&mut self) {
        self.restart_with("previous_secret: { file: old.key }\n", "");
    }

    /// Writes a file that nobody else may read.
    pub(crate) fn write_private(&self, name: &str, content: &str) {
        let path = self.dir.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs `stepgate` with `arguments` to a good end and tells what it said.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let output = stepgate::run(&self.dir, arguments);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}{errors}");
        told
    }

    /// Puts another user with a password into the directory.
    pub(crate) fn add_user(&self, name: &str, address: &str, password: &str) {
        stepgate::add_user(&self.dir, name, address, password);
    }

    /// Puts the user into the directory, with password, mail address and authenticator.
    pub(crate) fn enroll(&mut self) {
        self.totp = Some(self.enroll_as(USER, &self.address));
    }

    /// The same for somebody else; tells the authenticator's secret.
    pub(crate) fn enroll_as(&self, name: &str, address: &str) -> TotpSecret {
        self.add_user(name, address, PASSWORD);
        let told = self.command(&["user", "totp", name]);
        let secret = told.split_whitespace().find_map(|word| {
            let base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
            (word.len() >= 26 && word.chars().all(base32))
                .then(|| TotpSecret::from_base32(word).unwrap())
        });
        secret.unwrap_or_else(|| panic!("no secret in {told}"))
    }

    /// A client that tells nothing of itself.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.addr()).host(HOST)
    }

    /// A page's script, not logged in.
    pub(crate) fn script(&self) -> Client {
        self.client().fetching()
    }

    /// A person's browser, not logged in.
    pub(crate) fn browser(&self) -> Client {
        self.client().navigating()
    }

    /// A page's script in the session of the user.
    pub(crate) async fn logged_in(&self) -> Client {
        let client = self.script();
        client.log_in(USER).await;
        client
    }

    /// The same, having earned what `/keys` needs.
    pub(crate) async fn elevated(&self) -> Client {
        let client = self.logged_in().await;
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
        client
    }

    /// The browser in which a page's script runs: the same cookies, navigating.
    pub(crate) fn browser_of(&self, script: &Client) -> Client {
        let browser = self.browser();
        for name in [COOKIE, KEY_COOKIE] {
            if let Some(value) = script.cookie(name) {
                browser.set_cookie(name, &value);
            }
        }
        browser
    }

    /// What a thief of the application's cookie alone has.
    pub(crate) fn thief_of(&self, owner: &Client) -> Client {
        let thief = self.script();
        thief.set_cookie(COOKIE, &owner.cookie(COOKIE).unwrap());
        thief
    }

    /// Waits until unguarded requests of all of these are refused as well.
    pub(crate) async fn revocations_have_arrived(&self, clients: &[&Client]) {
        let begun = Instant::now();
        for client in clients {
            // A copy asks: the refusal takes its cookie away.
            super::becomes(401, async || (*client).clone().get("/anything").await).await;
        }
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(5), "at once means at once");
    }

    /// A code of the authenticator: of the step before, the present one or the next.
    pub(crate) fn totp(&self, step: i64) -> String {
        let at = now_secs().checked_add_signed(30 * step).unwrap();
        let secret = self.totp.as_ref().unwrap();
        let code = secret.code_at(Timestamp::from_millis(at * 1000));
        code.expose().clone()
    }

    /// The authenticator's secret, as a person types it.
    pub(crate) fn totp_secret(&self) -> String {
        let secret = self.totp.as_ref().unwrap();
        secret.to_base32().expose().clone()
    }

    /// The latest code in the user's mail, once `number` of them have come.
    pub(crate) fn code(&self, number: usize) -> String {
        MailSink::shared().wait_for_code(&self.address, number)
    }

    /// How often the application got a request for `path`.
    pub(crate) fn got(&self, path: &str) -> usize {
        let got = self.upstream().got().into_iter();
        got.filter(|got| got.target.split('?').next() == Some(path))
            .count()
    }

    /// The events of the audit log that `wanted` picks, once there are `count` of them.
    pub(crate) fn events(&self, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.process().wait_until("so many events", |lines| {
            let found: Vec<_> = events(lines).filter(&wanted).collect();
            (found.len() >= count).then_some(found)
        })
    }

    /// The decisions about requests for `path`, once there are `count` of them.
    pub(crate) fn decisions(&self, path: &str, count: usize) -> Vec<Value> {
        self.events(count, |event| {
            event["event"] == "decision" && event["path"] == path
        })
    }

    /// All events of the audit log so far.
    pub(crate) fn audit(&self) -> Vec<Value> {
        events(&self.process().lines()).collect()
    }

    /// All that the store holds, as text.
    pub(crate) fn dump(&self) -> String {
        match &self.redis {
            Some(redis) => redis.dump(),
            None => tables(&self.path("state")),
        }
    }

    /// What the program has logged.
    pub(crate) fn log(&self) -> String {
        self.process().lines().join("\n")
    }
}

/// The time of day.
pub(crate) fn now_secs() -> u64 {
    Clock::System.now().as_secs()
}

/// Whether a secret can be read in `text`.
pub(crate) fn shows(text: &str, secret: &str) -> bool {
    if secret.len() == 6 {
        // Six digits may stand in any hash: as a word of its own they may not.
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| word == secret)
    } else {
        text.contains(secret)
    }
}

/// The lines of the audit log among what a program wrote.
fn events(lines: &[String]) -> impl Iterator<Item = Value> {
    lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["prev"].is_string() && line["event"].is_string())
}
