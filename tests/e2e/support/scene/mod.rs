//! A whole scene: the real binary on one of the two stores, before an application that records what
//! it gets, with a mail server and a user who can prove herself in three ways.

mod stage;

pub(crate) use stage::{POLICY, Stage, application, fresh_cookie};

use crate::support::client::{Answer, Client};
use crate::support::mail::MailSink;
use crate::support::redis::Redis;
use crate::support::stepgate::{Stepgate, add_user};
use crate::support::temp::TempDir;
use crate::support::upstream::Upstream;
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use stepgate::clock::Clock;
use stepgate::domain::Timestamp;
use stepgate::verification::TotpSecret;

/// Where the sidecar keeps what it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeper {
    Embedded,
    Redis,
}

/// Tells each story on both stores.
macro_rules! on_both_stores {
    ($($(#[$note:meta])* async fn $name:ident($keeper:ident: Keeper) $story:block)*) => {$(
        $(#[$note])*
        mod $name {
            #[allow(unused_imports)] // not every story needs everything that its neighbors do
            use super::*;

            async fn story($keeper: $crate::support::scene::Keeper) $story

            #[test]
            fn on_the_embedded_store() {
                $crate::support::run(story($crate::support::scene::Keeper::Embedded));
            }

            #[test]
            fn on_redis() {
                $crate::support::run(story($crate::support::scene::Keeper::Redis));
            }
        }
    )*};
}
pub(crate) use on_both_stores;

/// The name of the user, in the application and in the directory.
pub(crate) const USER: &str = "alice";
/// Her password in the directory.
pub(crate) const PASSWORD: &str = "Directory-pass-1!";
/// The application's session cookie.
pub(crate) const COOKIE: &str = "sid";
/// The name of our own cookie on plain http.
pub(crate) const KEY_COOKIE: &str = "stepgate";
/// The host under which people see the scene.
pub(crate) const HOST: &str = "app.test";
/// The origin of its pages.
pub(crate) const ORIGIN: &str = "http://app.test";

/// Random, and the same for every scene: nothing but scenes is sealed with it.
const SECRET: &str = "8c0697109b52ad9fbf3b98e1b911cddd5f80bbd4b42a191a386740d5aaaca41b";

/// Another one.
const OTHER_SECRET: &str = "f3a566c02913f0740c62e8327de1185242216d345e0b63264dfb8bc013add540";

/// A scene on which a story is told.
pub(crate) struct Scene {
    pub(crate) stepgate: Stepgate,
    pub(crate) upstream: Upstream,
    pub(crate) dir: TempDir,
    pub(crate) redis: Option<Redis>,
    /// Where the user gets her mail.
    pub(crate) address: String,
    totp: TotpSecret,
}

/// Adds a user with password, mail address and authenticator; tells the authenticator's secret.
pub(crate) fn enroll(dir: &TempDir, name: &str, address: &str) -> TotpSecret {
    add_user(dir, name, address, PASSWORD);
    let told = stepgate(dir, &["user", "totp", name]);
    let secret = told.split_whitespace().find_map(|word| {
        let base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
        (word.len() >= 26 && word.chars().all(base32))
            .then(|| TotpSecret::from_base32(word).unwrap())
    });
    secret.unwrap_or_else(|| panic!("no secret in {told}"))
}

/// Runs `stepgate` with `arguments` to a good end and tells what it said.
pub(crate) fn stepgate(dir: &TempDir, arguments: &[&str]) -> String {
    let output = crate::support::stepgate::run(dir, arguments);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}{complaint}");
    told
}

impl Scene {
    /// The usual scene.
    pub(crate) fn on(keeper: Keeper) -> Self {
        Stage::on(keeper).set()
    }

    /// Ends the sidecar in order and starts it again.
    pub(crate) fn restart(&mut self) {
        let next = || Stepgate::serve(&self.dir);
        self.stepgate.end();
        self.stepgate = next();
    }

    /// Puts a new secret in the place of the old one, which is still there to be read.
    pub(crate) fn rotate_the_secret(&mut self) {
        private(&self.dir, "old.key", SECRET);
        private(&self.dir, "secret.key", OTHER_SECRET);
        self.restart_with(
            "secret: { file: secret.key }",
            "secret: { file: secret.key }\nprevious_secret: { file: old.key }",
        );
    }

    /// Ends a rotation.
    pub(crate) fn forget_the_old_secret(&mut self) {
        self.restart_with("previous_secret: { file: old.key }\n", "");
    }

    /// Starts again with another line in the settings.
    pub(crate) fn restart_with(&mut self, line: &str, other: &str) {
        let file = self.dir.path().join("stepgate.yaml");
        let settings = fs::read_to_string(&file).unwrap();
        assert!(settings.contains(line), "{settings}");
        fs::write(file, settings.replace(line, other)).unwrap();
        self.restart();
    }

    /// A client that tells nothing of itself.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.stepgate.addr()).host(HOST)
    }

    /// A page's script, not logged in.
    pub(crate) fn script(&self) -> Client {
        self.client().fetching()
    }

    /// A person's browser, not logged in.
    pub(crate) fn browser(&self) -> Client {
        self.client().navigating()
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

    /// A page's script in the session of the user.
    pub(crate) async fn logged_in(&self) -> Client {
        let client = self.script();
        self.log_in(&client, USER).await;
        client
    }

    /// Logs in.
    pub(crate) async fn log_in(&self, client: &Client, user: &str) {
        let answer = client
            .post_form("/login", &[("user", user), ("password", "App-pass-1!")])
            .await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        assert!(client.cookie(KEY_COOKIE).is_some(), "no browser key");
    }

    /// Answers a challenge with one factor.
    pub(crate) async fn verify(
        &self,
        client: &Client,
        token: &str,
        answer: (&str, &str),
    ) -> Answer {
        let (factor, answer) = answer;
        let body = json!({ "token": token, "factor": factor, "answer": answer });
        client.call(Method::POST, "/.stepup/verify", body).await
    }

    /// Asks for a code by mail.
    pub(crate) async fn send_code(&self, client: &Client, token: &str) -> Answer {
        let body = json!({ "token": token });
        client
            .call(Method::POST, "/.stepup/verify/send", body)
            .await
    }

    /// Passes a challenge by password.
    pub(crate) async fn pass(&self, client: &Client, refused: &Answer) {
        let passed = self
            .verify(client, &token(refused), ("password", PASSWORD))
            .await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    /// Waits until unguarded requests of all of these are refused as well.
    pub(crate) async fn revocations_have_arrived(&self, clients: &[&Client]) {
        let begun = std::time::Instant::now();
        for client in clients {
            crate::support::becomes(401, async || (*client).clone().get("/anything").await).await;
        }
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(5),
            "at once means at once"
        );
    }

    /// A code of the authenticator: of the step before, the present one or the next.
    pub(crate) fn totp(&self, step: i64) -> String {
        let now = now_secs();
        let at = now.checked_add_signed(30 * step).unwrap();
        let code = self.totp.code_at(Timestamp::from_millis(at * 1000));
        code.expose().clone()
    }

    /// The authenticator's secret, as a person types it.
    pub(crate) fn totp_secret(&self) -> String {
        self.totp.to_base32().expose().clone()
    }

    /// The latest code in the user's mail, once `number` of them have come.
    pub(crate) fn code(&self, number: usize) -> String {
        MailSink::shared().wait_for_code(&self.address, number)
    }

    /// How often the application got a request for `path`.
    pub(crate) fn got(&self, path: &str) -> usize {
        let got = self.upstream.got().into_iter();
        got.filter(|got| got.target.split('?').next() == Some(path))
            .count()
    }

    /// The events of the audit log that `wanted` picks, once there are `count` of them.
    pub(crate) fn events(&self, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.stepgate
            .process()
            .wait_until("so many events", |lines| {
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
        events(&self.stepgate.process().lines()).collect()
    }

    /// All that the store holds, as text.
    pub(crate) fn dump(&self) -> String {
        match &self.redis {
            Some(redis) => redis.dump(),
            None => tables(&self.dir.path().join("state")),
        }
    }

    /// What the program has logged.
    pub(crate) fn log(&self) -> String {
        self.stepgate.process().lines().join("\n")
    }
}

/// The time of day.
pub(crate) fn now_secs() -> u64 {
    Clock::System.now().as_secs()
}

/// Writes a file that nobody else may read.
fn private(dir: &TempDir, name: &str, content: &str) {
    let path = dir.write(name, content);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The token of the challenge that a refusal offers.
pub(crate) fn token(refused: &Answer) -> String {
    let document = refused.json();
    let token = document["challenge"]["token"].as_str();
    token
        .unwrap_or_else(|| panic!("no challenge in {document}"))
        .to_owned()
}

/// The reason of a problem document.
pub(crate) fn reason(answer: &Answer) -> String {
    let document = answer.json();
    let reason = document["reason"].as_str();
    reason
        .unwrap_or_else(|| panic!("no reason in {document}"))
        .to_owned()
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

/// A Cookie jar's copy: what a thief of the application's cookie alone has.
pub(crate) fn thief_of(scene: &Scene, owner: &Client) -> Client {
    let thief = scene.script();
    thief.set_cookie(COOKIE, &owner.cookie(COOKIE).unwrap());
    thief
}

/// The lines of the audit log among what a program wrote.
fn events(lines: &[String]) -> impl Iterator<Item = Value> {
    lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| line["prev"].is_string() && line["event"].is_string())
}

/// The tables of the embedded store, row by row.
fn tables(folder: &std::path::Path) -> String {
    use std::fmt::Write as _;
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let file = entries
        .map(|entry| entry.path())
        .find(|path| fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3")))
        .expect("no database");
    let database = rusqlite::Connection::open(file).unwrap();
    let names = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut names = database.prepare(names).unwrap();
    let names: Vec<String> = names
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .filter(|name| name != "pings")
        .collect();
    let mut dump = String::new();
    for name in names {
        let mut rows = database.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                let value = row.get_ref(column).unwrap();
                let value = match value.as_bytes_or_null() {
                    Ok(Some(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
                    Ok(None) | Err(_) => format!("{value:?}"),
                };
                write!(dump, "{value} | ").unwrap();
            }
            writeln!(dump, "in {name}").unwrap();
        }
    }
    dump
}
