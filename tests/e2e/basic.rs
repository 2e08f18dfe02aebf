//! Passwords of HTTP: their user is who must prove it, and nobody whose password the application does not take.

use crate::support::client::Client;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, Sidecar, USER, fresh_cookie};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use data_encoding::{BASE64, BASE64_NOPAD};
use std::sync::{Arc, Mutex};

const APP_PASSWORD: &str = "App-pass-1!";
const KEY_HEADER: &str = "x-unheard-of";
/// What the application knows people by beside their passwords.
const VICTIMS_KEY: &str = "key-of-alice";

/// An application with an htpasswd file.
#[derive(Clone, Default)]
struct Htpasswd {
    /// A session that it knows as well.
    session: String,
    /// How it answers at `/private/`, if not as it should.
    mood: Arc<Mutex<Option<u16>>>,
}

impl Htpasswd {
    fn new() -> Self {
        Self {
            session: fresh_cookie(),
            ..Self::default()
        }
    }

    /// For whom it acts: it decodes as the most forgiving do.
    fn user(&self, got: &Got) -> Option<String> {
        if got.header("cookie").contains(&self.session) || got.header(KEY_HEADER) == VICTIMS_KEY {
            return Some(USER.to_owned());
        }
        let line = got.headers.get("authorization")?.as_bytes();
        let (_, encoded) = line.split_at_checked(6)?;
        let mut encoded = encoded.to_vec();
        encoded.retain(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte));
        let decoded = BASE64_NOPAD.decode(&encoded).ok()?;
        let pair = String::from_utf8(decoded).ok()?;
        let (name, password) = pair.split_once(':')?;
        (password == APP_PASSWORD || password == format!("{name}:x")).then(|| name.to_owned())
    }

    fn answer(&self, got: &Got) -> Reply {
        let mood = *self.mood.lock().unwrap();
        match (mood, self.user(got)) {
            (Some(0), _) if got.target == "/private/" => Reply::Hang,
            (Some(status), _) if got.target == "/private/" => text(status, "odd"),
            (_, Some(user)) => text(200, &format!("done for {user}")),
            _ if got.target == "/open" => text(200, "done for anybody"),
            (_, None) => answer(401, &[("www-authenticate", "Basic realm=x")], "who?"),
        }
    }
}

fn run_with(store: Store, application: &Htpasswd, more: &str) -> Sidecar {
    let known = application.clone();
    let basic = format!("basic: {{ url: /private/{more} }}");
    let setup = sidecar::on(store).without_logins();
    let setup = setup.application(move |got| known.answer(got));
    setup.with("session", &basic).run()
}

fn run(store: Store, application: &Htpasswd) -> Sidecar {
    run_with(store, application, "")
}

fn line(pair: &str) -> String {
    format!("Basic {}", BASE64.encode(pair.as_bytes()))
}

/// One who sends this line, with all that was kept of earlier answers.
fn bearing(client: &Client, line: &str) -> Client {
    client.clone().header("authorization", line)
}

fn alice(sidecar: &Sidecar) -> Client {
    bearing(&sidecar.script(), &line(&format!("{USER}:{APP_PASSWORD}")))
}

/// What became of a request: that it was done, or why it was not.
async fn told(client: &Client, path: &str) -> String {
    let answer = client.post(path).await;
    match answer.status.as_u16() {
        200 => answer.text().to_owned(),
        _ => answer.reason(),
    }
}

const CHALLENGED: &str = "step-up-required";
const NOBODY: &str = "session-required";

on_both_stores! {
    async fn the_user_whose_password_is_taken_must_prove_it_and_passes(store: Store) {
        let application = Htpasswd::new();
        let sidecar = run(store, &application);
        let client = alice(&sidecar);
        assert_eq!(told(&client, "/page").await, "done for alice");
        assert_eq!(sidecar.got("/private/"), 0, "an unguarded request costs no question");
        for path in ["/low", "/medium", "/keys"] {
            let refused = client.post(path).await;
            let reason = if path == "/keys" { CHALLENGED } else { "session-not-fresh" };
            if path != "/medium" {
                assert_eq!(refused.reason(), reason, "{path}: the header is no login");
                client.pass(&refused).await;
            }
            assert_eq!(told(&client, path).await, "done for alice");
        }
        // The proof is of one user in one browser.
        let bob = bearing(&sidecar.script(), &line(&format!("bob:{APP_PASSWORD}")));
        bob.set_cookie(KEY_COOKIE, &client.cookie(KEY_COOKIE).unwrap());
        assert_eq!(told(&bob, "/keys").await, "method-not-enrolled");
        let elsewhere = client.clone();
        elsewhere.drop_cookie(KEY_COOKIE);
        assert_eq!(told(&elsewhere, "/keys").await, CHALLENGED);
        assert!(sidecar.got("/private/") <= 6, "answers are kept");
    }

    async fn a_password_that_is_not_taken_names_nobody(store: Store) {
        let application = Htpasswd::new();
        let sidecar = run(store, &application);
        let client = sidecar.script();
        for pair in ["alice:wrong", "alice:", "alice", ":", "", "alice:App-pass-1! "] {
            let client = bearing(&client, &line(pair));
            assert_eq!(told(&client, "/keys").await, NOBODY, "{pair}");
            assert_eq!(told(&client, "/open").await, "done for anybody", "{pair}: not guarded");
            assert_eq!(client.get("/.stepup/status").await.status, 401, "{pair}");
        }
        assert_eq!(told(&client, "/keys").await, NOBODY, "without any");
        assert_eq!(told(&bearing(&client, "Bearer YWxpY2U6eA=="), "/keys").await, NOBODY);
    }

    async fn a_line_that_decoders_read_in_different_ways_names_nobody(store: Store) {
        let sidecar = run(store, &Htpasswd::new());
        let right = line("alice:App-pass-1!");
        let encoded = right.strip_prefix("Basic ").unwrap();
        assert_eq!(told(&bearing(&sidecar.script(), &right), "/keys").await, CHALLENGED);
        assert_eq!(told(&bearing(&sidecar.script(), &format!("bASIC  {encoded}")), "/keys").await, CHALLENGED);
        for wrong in [
            format!("Basic {}", encoded.trim_end_matches('=')),
            format!("Basic {encoded}="),
            format!("Basic {} {}", &encoded[..4], &encoded[4..]),
            format!("Basic {}-{}", &encoded[..4], &encoded[4..]),
            format!("Basic {encoded}, Basic {encoded}"),
            format!("Basic\t{encoded}"),
            line("alice\0x:App-pass-1!"),
            line(" alice:App-pass-1!"),
            line("alice\u{a0}:App-pass-1!"),
        ] {
            let client = bearing(&sidecar.script(), &wrong);
            assert_eq!(told(&client, "/keys").await, NOBODY, "{wrong}");
        }
        let twice = bearing(&sidecar.script(), &right).header("authorization", &line("bob:App-pass-1!"));
        assert_eq!(told(&twice, "/keys").await, "ambiguous-request");
    }

    async fn names_count_as_the_settings_say(store: Store) {
        let sidecar = run(store, &Htpasswd::new());
        sidecar.add_user("ren\u{e9}", "rene@example.test", "Rene-own-pass-3!");
        for name in ["ren\u{e9}", "rene\u{301}", "REN\u{c9}"] {
            let client = bearing(&sidecar.script(), &line(&format!("{name}:{APP_PASSWORD}")));
            let refused = client.post("/keys").await;
            let passed = client.verify(&refused.token(), ("password", "Rene-own-pass-3!")).await;
            assert_eq!(passed.status, 200, "{name}: {}", passed.text());
            assert_eq!(told(&client, "/keys").await, format!("done for {name}"));
        }
        // A password with a colon is one, and its user ends at the first.
        let client = bearing(&sidecar.script(), &line("alice:alice:x"));
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(told(&client, "/keys").await, "done for alice");
    }

    async fn what_else_is_somebodys_opens_nothing(store: Store) {
        let application = Htpasswd::new();
        let sidecar = run(store, &application);
        sidecar.add_user("mallory", "mallory@example.test", "Mallory-own-pass-2!");
        let thief = bearing(&sidecar.script(), &line(&format!("mallory:{APP_PASSWORD}")));
        let refused = thief.post("/keys").await;
        let passed = thief.verify(&refused.token(), ("password", "Mallory-own-pass-2!")).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(told(&thief, "/keys").await, "done for mallory");
        // A key of the victim's in a header that nobody has heard of; her cookie, named in the settings or not.
        let with_key = thief.clone().header(KEY_HEADER, VICTIMS_KEY);
        assert_eq!(told(&with_key, "/keys").await, "subject-mismatch");
        for name in [COOKIE, "remember"] {
            let with_cookie = thief.clone();
            with_cookie.set_cookie(name, &application.session);
            assert_eq!(told(&with_cookie, "/keys").await, "subject-mismatch", "{name}");
            with_cookie.drop_cookie(name);
            with_cookie.set_cookie(name, "nobodys");
            assert_ne!(told(&with_cookie, "/keys").await, "done for alice");
            with_cookie.drop_cookie(name);
        }
        // Her cookie, and her name with a wrong password.
        let forged = bearing(&sidecar.script(), &line("alice:wrong"));
        forged.set_cookie("remember", &application.session);
        assert_eq!(told(&forged, "/keys").await, NOBODY);
        assert_eq!(told(&thief, "/keys").await, "done for mallory");
        sidecar.process().wait_for_line("also without its `Authorization`");
    }

    async fn a_challenge_is_answered_by_whom_it_was_opened_for(store: Store) {
        let sidecar = run(store, &Htpasswd::new());
        sidecar.add_user("mallory", "mallory@example.test", "Mallory-own-pass-2!");
        let client = sidecar.script();
        let owner = bearing(&client, &line(&format!("alice:{APP_PASSWORD}")));
        let token = owner.post("/keys").await.token();
        let thief = bearing(&client, &line(&format!("mallory:{APP_PASSWORD}")));
        for answer in ["Mallory-own-pass-2!", sidecar::PASSWORD] {
            assert_ne!(thief.verify(&token, ("password", answer)).await.status, 200);
        }
        // The application takes the password no more, or another one.
        let changed = bearing(&client, &line("alice:wrong"));
        assert_eq!(changed.verify(&token, ("password", sidecar::PASSWORD)).await.reason(), NOBODY);
        assert_eq!(told(&owner, "/keys").await, CHALLENGED);
    }

    async fn a_place_that_is_open_or_out_names_nobody(store: Store) {
        let application = Htpasswd::new();
        let sidecar = run_with(store, &application, ", keep: 0s, deadline: 500ms");
        let client = alice(&sidecar);
        for (mood, expected) in [
            (200, "subject-mismatch"),
            (204, "subject-mismatch"),
            (302, NOBODY),
            (403, NOBODY),
            (404, "subject-unavailable"),
            (500, "subject-unavailable"),
            (0, "subject-unavailable"),
        ] {
            *application.mood.lock().unwrap() = Some(mood);
            assert_eq!(told(&client, "/keys").await, expected, "{mood}");
        }
        *application.mood.lock().unwrap() = None;
        assert_eq!(told(&client, "/keys").await, CHALLENGED);
    }
}
