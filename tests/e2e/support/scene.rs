//! A whole scene: the real binary on one of the two stores, before an application that records what
//! it gets, with a mail server and a user who can prove herself in three ways.

use super::client::{Answer, Client};
use super::mail::MailSink;
use super::redis::Redis;
use super::stepgate::{Stepgate, add_user};
use super::temp::TempDir;
use super::upstream::{Got, Reply, Upstream, answer, text};
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};
use stepgate::clock::Clock;
use stepgate::domain::Timestamp;
use stepgate::entropy::Entropy;
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

/// The policy of most scenes: one route of every kind.
pub(crate) const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: low, action: note.add, title: Add a note, level: 1, match: { methods: [POST], path: /low } }
  - { id: medium, action: note.share, title: Share a note, level: 2, match: { methods: [POST], path: /medium } }
  - { id: proven, action: note.send, title: Send a note, level: 2, factors: [password, totp, email_code], match: { methods: [POST], path: /proven } }
  - { id: email, action: account.email, title: Change the address, level: 3, match: { methods: [POST], path: /email } }
  - { id: name, action: account.name, title: Change the name, level: 3, show: { name: form.name }, match: { methods: [POST], path: /name } }
  - { id: email-api, action: account.email, title: Change the address, level: 3, match: { methods: [PUT, PATCH], path: /api/email } }
  - { id: keys, action: keys.create, title: Create an API key, level: 3, match: { methods: [POST], path: /keys } }
  - { id: brief, action: keys.rotate, title: Rotate a key, level: 3, max_age: 1s, match: { methods: [POST], path: /brief } }
  - { id: settings, action: settings.change, title: Change the settings, level: 3, scope: session, match: { methods: [POST], path: /settings } }
  - { id: secrets, action: secrets.read, title: Read the secrets, level: 3, match: { methods: [GET], path: /secrets } }
  - { id: pay, action: pay, title: Pay, level: 4, show: { to: form.to, sum: form.sum }, match: { methods: [POST], path: /pay } }
  - { id: pay-api, action: pay.api, title: Pay, level: 4, match: { methods: [POST, PUT], path: "/api/pay/{id}" } }
  - { id: delete, action: account.delete, title: Delete an account, level: 4, confirm: DELETE, show: { user: path.id }, bind: [path.id], match: { methods: [POST], path: "/users/{id}/delete" } }
  - { id: both, action: both, title: Needs both, level: 3, factors: [password+totp], match: { methods: [POST], path: /both } }
  - { id: totp, action: totp.only, title: Needs a code, level: 3, factors: [totp], match: { methods: [POST], path: /totp } }
  - { id: watched, action: watched, title: Only watched, level: 3, enforcement: report, match: { methods: [POST], path: /watched } }
  - { id: passkey, action: passkey.only, title: Needs a passkey, level: 3, factors: [passkey], match: { methods: [POST], path: /passkey } }
"#;

/// What an application of the old kind answers: a login that gives a new cookie, a logout, a
/// rotation of the cookie, and `done` for everything else.
pub(crate) fn application(got: &Got) -> Reply {
    let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
    let fresh = format!("{COOKIE}={}; Path=/; HttpOnly", fresh_cookie());
    match path {
        "/login" if query == "wrong" => answer(200, &[("set-cookie", &fresh)], "Wrong password"),
        "/login" if query == "same" => answer(302, &[("location", "/home")], ""),
        "/login" => answer(302, &[("location", "/home"), ("set-cookie", &fresh)], ""),
        "/logout" => answer(302, &[("set-cookie", "sid=; Path=/; Max-Age=0")], ""),
        "/rotate" | "/revive" => answer(200, &[("set-cookie", &fresh)], "rotated"),
        _ => text(200, "done"),
    }
}

/// A session cookie that nobody can guess, and that tests can look for where it must not be.
pub(crate) fn fresh_cookie() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "cookie-value-{count}-{:032x}",
        u128::from_be_bytes(Entropy::system().bytes())
    )
}

/// A scene that is being set.
pub(crate) struct Stage {
    keeper: Keeper,
    policy: String,
    public_url: String,
    cookie: &'static str,
    login_at: &'static str,
    logins: &'static str,
    session: String,
    upstream_lines: String,
    limits: String,
    verification: String,
    mail_port: Option<u16>,
    audit: &'static str,
    more: String,
    upstream: Option<SocketAddr>,
    application: Box<dyn Fn(&Got) -> Reply + Send + Sync>,
}

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

impl Stage {
    /// A stage with the usual policy, application and mail server.
    pub(crate) fn on(keeper: Keeper) -> Self {
        Self {
            keeper,
            policy: POLICY.to_owned(),
            public_url: ORIGIN.to_owned(),
            cookie: COOKIE,
            login_at: "/home",
            logins: "",
            session: String::new(),
            upstream_lines: String::new(),
            limits: String::new(),
            verification: String::new(),
            mail_port: Some(MailSink::shared().port()),
            audit: "stdout",
            more: String::new(),
            upstream: None,
            application: Box::new(application),
        }
    }

    /// Another policy.
    pub(crate) fn policy(mut self, policy: &str) -> Self {
        policy.clone_into(&mut self.policy);
        self
    }

    /// Another origin that people see.
    pub(crate) fn public_url(mut self, url: &str) -> Self {
        url.clone_into(&mut self.public_url);
        self
    }

    /// Another session cookie.
    pub(crate) fn cookie(mut self, name: &'static str) -> Self {
        self.cookie = name;
        self
    }

    /// Where the application leads to after a login.
    pub(crate) fn login_at(mut self, location: &'static str) -> Self {
        self.login_at = location;
        self
    }

    /// Further entries of `session.learn.logins`, written as YAML.
    pub(crate) fn logins(mut self, entries: &'static str) -> Self {
        self.logins = entries;
        self
    }

    /// Further lines of `session`, such as `idle: 1s`.
    pub(crate) fn session(mut self, lines: &str) -> Self {
        self.session.push_str(&indented(lines));
        self
    }

    /// Further lines of `upstream`.
    pub(crate) fn upstream_lines(mut self, lines: &str) -> Self {
        self.upstream_lines = indented(lines);
        self
    }

    /// The lines of `verification.limits`.
    pub(crate) fn limits(mut self, lines: &str) -> Self {
        self.limits = format!("  limits:\n{}", indented(&indented(lines)));
        self
    }

    /// Further lines of `verification`.
    pub(crate) fn verification(mut self, lines: &str) -> Self {
        self.verification = indented(lines);
        self
    }

    /// Another mail server; `None` has none.
    pub(crate) fn mail(mut self, port: Option<u16>) -> Self {
        self.mail_port = port;
        self
    }

    /// Further settings of the audit log on standard output, such as `queue: 64`.
    pub(crate) fn audit_with(mut self, more: &'static str) -> Self {
        self.audit = more;
        self
    }

    /// Keeps the audit log in the file `audit.log`, for its own commands to read.
    pub(crate) fn audit_in_a_file(mut self) -> Self {
        self.audit = "audit.log";
        self
    }

    /// Further sections.
    pub(crate) fn more(mut self, lines: &str) -> Self {
        self.more.push_str(lines);
        self.more.push('\n');
        self
    }

    /// Another application.
    pub(crate) fn application(
        mut self,
        application: impl Fn(&Got) -> Reply + Send + Sync + 'static,
    ) -> Self {
        self.application = Box::new(application);
        self
    }

    /// An application that is not the recording one.
    pub(crate) fn before(mut self, upstream: SocketAddr) -> Self {
        self.upstream = Some(upstream);
        self
    }

    /// Starts everything.
    pub(crate) fn set(self) -> Scene {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let dir = TempDir::new("scene");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let address = format!("alice-{number}@example.test");
        let upstream = Upstream::start(self.application);
        let redis = (self.keeper == Keeper::Redis).then(Redis::start);
        private(&dir, "secret.key", SECRET);
        dir.write("policies/scene.yaml", &self.policy);
        let store = match &redis {
            Some(redis) => format!("redis: {{ url: '{}', deadline: 2s }}", redis.url()),
            None => "embedded: { path: state }".to_owned(),
        };
        let mail = self.mail_port.map_or_else(String::new, |port| {
            format!(
                "mail: {{ smtp: '127.0.0.1:{port}', security: plain, from: no-reply@example.test, site: Scene }}"
            )
        });
        let settings = format!(
            "version: 1
threads: 2
listen: 127.0.0.1:0
public_url: {public_url}
secret: {{ file: secret.key }}
upstream:
  url: http://{upstream}
{upstream_lines}policies: policies/
store: {{ {store} }}
session:
  cookies: [{cookie}]
  login_page: /login
  learn:
    logins:
      - {{ path: /login, subject: {{ form: user }}, success: {{ status: 302, location: {login_at} }} }}
{logins}    logouts:
      - path: /logout
{session}verification:
  argon2: {{ memory: 64KiB, passes: 1 }}
{verification}{limits}{mail}
audit: {{ target: {audit} }}
log: {{ format: json, level: debug }}
{more}",
            upstream = self.upstream.unwrap_or_else(|| upstream.addr()),
            upstream_lines = self.upstream_lines,
            public_url = self.public_url,
            cookie = self.cookie,
            login_at = self.login_at,
            logins = self.logins,
            session = self.session,
            verification = self.verification,
            limits = self.limits,
            audit = self.audit,
            more = self.more,
        );
        dir.write("stepgate.yaml", settings);
        let totp = enroll(&dir, USER, &address);
        Scene {
            stepgate: Stepgate::serve(&dir),
            upstream,
            dir,
            redis,
            address,
            totp,
        }
    }
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
    let output = super::stepgate::run(dir, arguments);
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
            super::becomes(401, async || (*client).clone().get("/anything").await).await;
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

fn indented(lines: &str) -> String {
    lines.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}
