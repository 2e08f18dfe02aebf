//! `stepgate check --online`: what answers and what does not, each within its time.

use crate::oidc::ForgedProvider;
use crate::support::mail::{self, MailSink, Mode};
use crate::support::port::HeldPort;
use crate::support::redis::Redis;
use crate::support::stepgate::run;
use crate::support::temp::TempDir;
use crate::support::tls::TestCa;
use crate::support::tokens::Issuer;
use crate::support::upstream::{Got, Reply, Upstream, answer, text};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const SECRET: &str = "8c0697109b52ad9fbf3b98e1b911cddd5f80bbd4b42a191a386740d5aaaca41b";
const JSON: (&str, &str) = ("content-type", "application/json");

/// Exit code and what is told, with how long it took.
fn check(upstream: &str, more: &str) -> (i32, String, Duration) {
    let dir = TempDir::new("online");
    for (name, content) in [("secret.key", SECRET), ("mail", mail::PASSWORD)] {
        let path = dir.write(name, content);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir.write(
        "policies/p.yaml",
        "version: 1\ndefault: forward\nroutes: []\n",
    );
    let settings = format!(
        "version: 1\nlisten: 127.0.0.1:0\npublic_url: http://app.test\nupstream: {{ url: '{upstream}' }}\npolicies: policies\n\
         secret: {{ file: secret.key }}\naudit: {{ target: audit.log }}\n{more}"
    );
    dir.write("stepgate.yaml", settings);
    let begun = Instant::now();
    let output = run(&dir, &["check", "--online"]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let told = text(output.stdout) + &text(output.stderr);
    assert!(!dir.path().join(".stepgate").exists(), "a store was made");
    (output.status.code().unwrap(), told, begun.elapsed())
}

fn has(told: &str, lines: &[&str]) {
    for line in lines {
        assert!(told.contains(line), "`{line}` is missing in\n{told}");
    }
}

/// An application that says who is signed in; nobody is.
fn application(got: &Got) -> Reply {
    match got.target.as_str() {
        "/api/me" => answer(401, &[JSON], "{}"),
        "/api/everybody" => answer(200, &[JSON], "{\"user\":\"alice\"}"),
        "/api/broken" => answer(500, &[JSON], "{}"),
        "/login" if got.header("host") == "app.test" => text(200, "Who are you?"),
        "/" => text(200, "home"),
        "/slow" => Reply::Hang,
        _ => text(404, "?"),
    }
}

fn session(whoami: &str, page: &str) -> String {
    format!(
        "session: {{ cookies: [sid], login_page: {page}, whoami: {{ url: {whoami}, subject: {{ json: /user }}, deadline: 1s }} }}\n"
    )
}

#[test]
fn what_answers_as_it_should_is_said_and_nothing_is_changed() {
    let upstream = Upstream::start(application);
    let (redis, sink) = (Redis::start(), MailSink::start(Mode::StartTls, &[]));
    let ca = TestCa::shared().ca();
    let more = format!(
        "{}store: {{ redis: {{ url: '{}' }} }}\n\
         mail: {{ smtp: 'localhost:{}', from: a@example.test, user: {}, password: {{ file: mail }}, ca: '{}' }}\n",
        session("/api/me", "/login"),
        redis.url(),
        sink.port(),
        mail::USER,
        ca.display(),
    );
    let upstream_url = format!("http://{}", upstream.addr());
    let (code, told, _) = check(&upstream_url, &more);
    assert_eq!(code, 0, "{told}");
    has(
        &told,
        &[
            &format!("ok      upstream {upstream_url}: `/` is answered 200\n"),
            "ok      session.login_page /login: answered 200\n",
            "ok      session.whoami /api/me: answered 401, and names nobody",
            "ok      store.redis: answers\n",
            &format!(
                "ok      mail.smtp localhost:{}: greets, and takes the password; no mail was sent\n",
                sink.port()
            ),
        ],
    );
    assert!(
        !told.contains(mail::PASSWORD) && !told.contains("FAILED"),
        "{told}"
    );
    // The store's own sign of life, and nothing else.
    let keys: u64 = redis::cmd("DBSIZE").query(&mut redis.connect()).unwrap();
    assert_eq!(keys, 1, "{}", redis.dump());
}

#[test]
fn what_does_not_answer_is_told_with_what_to_do_and_in_time() {
    let closed = HeldPort::take();
    let at = closed.addr();
    let more = format!(
        "session: {{ cookies: [sid] }}\nstore: {{ redis: {{ url: 'redis://{at}' }} }}\n\
         mail: {{ smtp: '{at}', security: plain, from: a@example.test }}\n"
    );
    let (code, told, took) = check(&format!("http://{at}"), &more);
    assert_eq!(code, 1, "{told}");
    has(
        &told,
        &[
            &format!("FAILED  upstream http://{at}: it could not be reached"),
            "hint: start it, or correct `upstream.url`",
            "FAILED  store.redis: the store is unavailable",
            &format!("FAILED  mail.smtp {at}: Connection error"),
            "error: 3 of 3 that were asked do not answer as they should",
        ],
    );
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn a_mail_server_that_does_not_take_the_password_is_told() {
    let upstream = Upstream::start(application);
    let sink = MailSink::start(Mode::Auth, &[]);
    let more = format!(
        "session: {{ cookies: [sid] }}\n\
         mail: {{ smtp: '127.0.0.1:{}', security: plain, from: a@example.test, user: somebody, password: {{ file: mail }} }}\n",
        sink.port()
    );
    let (code, told, _) = check(&format!("http://{}", upstream.addr()), &more);
    assert_eq!(code, 1, "{told}");
    has(
        &told,
        &["FAILED  mail.smtp 127.0.0.1:", "535", "hint: `mail.smtp`"],
    );
    assert!(!told.contains(mail::PASSWORD), "{told}");
}

#[test]
fn an_answer_that_means_something_else_is_told() {
    let upstream = Upstream::start(application);
    let url = format!("http://{}", upstream.addr());
    for (whoami, page, lines) in [
        (
            "/api/everybody",
            "/login",
            [
                "session.whoami /api/everybody: answered 200: it names somebody although",
                "ok      session.login_page",
            ],
        ),
        (
            "/api/nowhere",
            "/nowhere",
            [
                "session.whoami /api/nowhere: answered 404: nothing is there",
                "session.login_page /nowhere: answered 404",
            ],
        ),
        (
            "/api/broken",
            "/login",
            [
                "session.whoami /api/broken: answered 500",
                "neither a success nor a sign of `nobody`",
            ],
        ),
        (
            "/slow",
            "/login",
            [
                "FAILED  session.whoami /slow: it did not answer in time",
                "`deadline` is how long it may take",
            ],
        ),
    ] {
        let (code, told, took) = check(&url, &session(whoami, page));
        assert_eq!(code, 1, "{told}");
        has(&told, &lines);
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[test]
fn the_keys_of_an_issuer_are_asked_for() {
    let upstream = Upstream::start(application);
    let issuer = Issuer::start();
    let url = format!("http://{}", upstream.addr());
    let settings = format!(
        "session: {{ jwt: {{ keys: {}, issuer: 'https://id.test', audience: shop, subject: /sub }} }}\n",
        issuer.keys()
    );
    let (code, told, _) = check(&url, &settings);
    assert_eq!(code, 0, "{told}");
    has(&told, &["ok      session.jwt.keys ", "keys are there"]);
    issuer.set_down(true);
    let (code, told, took) = check(&url, &settings);
    assert_eq!(code, 1, "{told}");
    has(&told, &["FAILED  session.jwt.keys ", "often `jwks_uri`"]);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn the_identity_provider_is_asked_what_it_says_of_itself() {
    let upstream = Upstream::start(application);
    let url = format!("http://{}", upstream.addr());
    let provider = ForgedProvider::start();
    let at = provider.addr();
    let settings =
        format!("verification: {{ oidc: {{ issuer: 'http://{at}', client_id: stepgate }} }}\n");
    let (code, told, _) = check(&url, &settings);
    assert_eq!(code, 0, "{told}");
    let line = format!("ok      verification.oidc http://{at}: describes itself");
    has(&told, &[&line, "`http://app.test/.stepup/oidc/callback`"]);
    for (metadata, line) in [
        (
            json!({ "code_challenge_methods_supported": ["plain"] }),
            "it does not list PKCE by S256",
        ),
        (
            json!({ "id_token_signing_alg_values_supported": ["HS256"] }),
            "by no algorithm that `algorithms` allows",
        ),
        (
            json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }),
            "our way to authenticate",
        ),
        (
            json!({ "issuer": format!("http://{at}/") }),
            "of another issuer",
        ),
        (
            json!({ "token_endpoint": "nowhere" }),
            "`token_endpoint` of its document is of no use",
        ),
        (
            json!({ "jwks_uri": format!("http://{at}/nothing") }),
            "the answer is 404",
        ),
    ] {
        provider.set(|state| state.metadata = metadata.clone());
        let (code, told, _) = check(&url, &settings);
        assert_eq!(code, 1, "{told}");
        has(&told, &["FAILED  verification.oidc", line]);
    }
}
