//! The real binary as it stands in production: it can be killed, restarted, and lose what it leans on.

use super::client::{Answer, Client};
use super::port::HeldPort;
use super::process::signal;
use super::redis::Redis;
use super::stepgate::{Stepgate, add_user};
use super::temp::TempDir;
use super::upstream::{Got, Reply, answer, text};
use http::Method;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Her password in our directory.
const PASSWORD: &str = "Directory-pass-1!";
/// The host under which people see the application.
const HOST: &str = "app.test";

/// The store's deadline where stores fail: short, since it is waited for, and yet enough for a busy
/// machine wherever the store must answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);
/// The embedded store, as a section of that name.
pub(crate) const EMBEDDED: &str = "embedded: { path: state, deadline: 1s }";

/// The same on a Redis.
pub(crate) fn on(redis: &Redis) -> String {
    let url = redis.url();
    format!("redis: {{ url: '{url}', deadline: 1s, connect: 1s }}")
}

/// One route for each kind of evidence, and some on which the application misbehaves.
pub(crate) const POLICY: &str = "version: 1
default: forward
routes:
  - { id: keys, action: keys.create, title: Create a key, level: 3, match: { methods: [POST], path: /keys } }
  - { id: pay, action: pay, title: Pay, level: 4, match: { methods: [POST], path: /pay } }
  - { id: hang, action: hang, title: Hang, level: 4, match: { methods: [POST], path: /hang } }
  - { id: cut, action: cut, title: Cut, level: 4, match: { methods: [POST], path: /cut } }
";

/// A sidecar in front of an application, at an address that outlives it.
pub(crate) struct Sidecar {
    pub(crate) dir: TempDir,
    port: HeldPort,
    running: Option<Stepgate>,
}

impl Sidecar {
    /// Sets one up, without starting it; `store` is the section of that name.
    pub(crate) fn prepare(upstream: SocketAddr, store: &str, more: &str) -> Self {
        let dir = TempDir::new("sidecar");
        let port = HeldPort::take();
        let secret = dir.write("secret.key", "5d7c1f1e2a9b48c3".repeat(4));
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
        dir.write("policies/routes.yaml", POLICY);
        let settings = format!(
            "version: 1
threads: 1
listen: {listen}
public_url: http://{HOST}
secret: {{ file: secret.key }}
upstream: {{ url: 'http://{upstream}', connect: 1s }}
policies: policies/
store: {{ {store} }}
session:
  cookies: [sid]
  learn:
    logins: [{{ path: /login, subject: {{ form: user }}, success: {{ status: 302 }} }}]
verification:
  argon2: {{ memory: 64KiB, passes: 1 }}
log: {{ format: json }}
{more}
",
            listen = port.addr()
        );
        dir.write("stepgate.yaml", settings);
        Self {
            dir,
            port,
            running: None,
        }
    }

    /// Starts one whose user is in the directory.
    pub(crate) fn start(upstream: SocketAddr, store: &str, more: &str) -> Self {
        let mut sidecar = Self::prepare(upstream, store, more);
        sidecar.enroll();
        sidecar.run();
        sidecar
    }

    /// Puts the user into the directory.
    pub(crate) fn enroll(&self) {
        add_user(&self.dir, "alice", "alice@example.test", PASSWORD);
    }

    /// Starts the program, once more if need be.
    pub(crate) fn run(&mut self) {
        self.running = Some(Stepgate::serve(&self.dir));
    }

    /// Starts the program so that it hears of files that may not grow by an error, not by a signal.
    pub(crate) fn run_under_file_limits(&mut self) {
        self.running = Some(Stepgate::serve_ignoring(&self.dir, "XFSZ"));
    }

    /// Ends it without asking (SIGKILL).
    pub(crate) fn kill(&mut self) {
        signal(self.process().process().pid(), "KILL");
        self.running = None;
    }

    /// The program.
    pub(crate) fn process(&self) -> &Stepgate {
        self.running.as_ref().expect("it was killed")
    }

    /// A page's script, not logged in.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.port.addr()).host(HOST).fetching()
    }

    /// The same after a login.
    pub(crate) async fn logged_in(&self) -> Client {
        let client = self.client();
        let answer = client
            .post_form("/login", &[("user", "alice"), ("password", "App-pass-1!")])
            .await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        assert!(client.cookie("stepgate").is_some(), "no browser key");
        client
    }

    /// Is refused at `path`, proves who it is, and holds what that earns.
    pub(crate) async fn earn(&self, client: &Client, path: &str) {
        let refused = client.post_form(path, &[]).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let passed = verify(client, &challenge(&refused)).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
    }

    /// Calls `path` until the answer has this status, no matter how often.
    pub(crate) async fn becomes(&self, client: &Client, path: &str, status: u16) -> Answer {
        super::becomes(status, async || client.post_form(path, &[]).await).await
    }
}

/// The token of the challenge that a refusal offers.
pub(crate) fn challenge(refused: &Answer) -> String {
    let document = refused.json();
    let token = document["challenge"]["token"].as_str();
    token
        .unwrap_or_else(|| panic!("no challenge in {document}"))
        .to_owned()
}

/// Answers a challenge by the right password.
pub(crate) async fn verify(client: &Client, token: &str) -> Answer {
    let body = json!({ "token": token, "factor": "password", "answer": PASSWORD });
    client.call(Method::POST, "/.stepup/verify", body).await
}

/// Asserts that we said the store is out, and when to come again.
pub(crate) fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["reason"], "store-unavailable");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// An application of the old kind: a login gives a new cookie, the rest is `done`, but for the
/// paths on which it misbehaves.
pub(crate) fn application(got: &Got) -> Reply {
    static LOGINS: AtomicU32 = AtomicU32::new(0);
    match got.target.as_str() {
        "/login" => {
            let number = LOGINS.fetch_add(1, Ordering::Relaxed);
            let cookie = format!("sid=session-{number}; Path=/; HttpOnly");
            answer(302, &[("location", "/"), ("set-cookie", &cookie)], "")
        }
        "/hang" => Reply::Hang,
        "/cut" => Reply::CutBody("half"),
        "/events" => Reply::Events,
        _ => text(200, "done"),
    }
}
