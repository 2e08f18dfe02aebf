//! What a scene is set with: an application, policies, settings and a store.

use super::{COOKIE, Keeper, ORIGIN, SECRET, Scene, USER, enroll, private};
use crate::support::mail::MailSink;
use crate::support::redis::Redis;
use crate::support::stepgate::Stepgate;
use crate::support::temp::TempDir;
use crate::support::upstream::{Got, Reply, Upstream, answer, text};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use stepgate::entropy::Entropy;

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
  - { id: brief, action: keys.rotate, title: Rotate a key, level: 3, max_age: 3s, match: { methods: [POST], path: /brief } }
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
        "/login" if got.method == "GET" && ["", "failed"].contains(&query) => {
            text(200, "Who are you?")
        }
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

fn indented(lines: &str) -> String {
    lines.lines().flat_map(|line| ["  ", line, "\n"]).collect()
}
