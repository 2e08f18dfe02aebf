//! `stepgate learn`: settings from a recording, which pass `check` and guard the application that was recorded.

use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::django::{ADMIN, ADMIN_PASSWORD, Django};
use crate::support::port::HeldPort;
use crate::support::run as run_test;
use crate::support::soon;
use crate::support::stepgate::{Stepgate, add_user, run};
use crate::support::temp::TempDir;
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use crate::support::upstream::{Got, Reply, Upstream, answer, text};
use data_encoding::BASE64;
use futures_util::{SinkExt, StreamExt};
use http::Method;
use serde_json::json;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use stepgate::demo::{ALICE, COOKIE, Legacy};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

const PASSWORD: &str = "Step-up-pass-1!";
const APP_PASSWORD: &str = "Application-pass-1!";

/// A recording proxy in front of an application.
struct Recorder {
    dir: TempDir,
    running: Stepgate,
}

impl Recorder {
    fn before(upstream: SocketAddr) -> Self {
        let dir = TempDir::new("learn");
        let url = format!("http://{upstream}");
        let arguments = ["learn", "--upstream", &url, "--listen", "127.0.0.1:0"];
        let running = Stepgate::start(&dir, &arguments);
        Self { dir, running }
    }

    fn client(&self) -> Client {
        Client::new(self.running.addr())
    }

    /// Ends it as Ctrl-C does; the settings, and what was said beside them.
    fn learned(mut self) -> (TempDir, String, String) {
        self.running.process().signal("INT");
        let status = self.running.process_mut().wait_exit();
        let lines = self.running.process().lines();
        assert!(status.success(), "{}", lines.join("\n"));
        let is_yaml = |line: &&String| {
            let begins = ["#", "session:", "  "]
                .iter()
                .any(|begin| line.starts_with(begin));
            begins
                && !line.contains(" -> ")
                && !line.starts_with("  1.")
                && !line.starts_with("  2.")
                && !line.starts_with("  3.")
        };
        let (yaml, told): (Vec<_>, Vec<_>) = lines.iter().partition(is_yaml);
        let join = |lines: Vec<&String>| {
            let lines: Vec<_> = lines.into_iter().map(String::as_str).collect();
            lines.join("\n") + "\n"
        };
        (self.dir, join(yaml), join(told))
    }
}

/// A sidecar with what was learned, in front of the application, which guards `/guarded` and Django's page for new
/// users at level 3.
struct Guard {
    stepgate: Stepgate,
    _dir: TempDir,
    _port: HeldPort,
}

const POLICY: &str = "version: 1
default: forward
routes:
  - { id: guarded, level: 3, match: { path: /guarded } }
  - { id: new-user, level: 3, match: { path: /admin/auth/user/add/ } }
";

impl Guard {
    fn with(session: &str, upstream: SocketAddr, user: &str) -> Self {
        let (dir, port) = (TempDir::new("learned"), HeldPort::take());
        let at = port.addr();
        let settings = format!(
            "version: 1\nlisten: {at}\npublic_url: http://{at}\nupstream: {{ url: 'http://{upstream}' }}\npolicies: policies\n\
             audit: {{ target: audit.log }}\nlog: {{ level: debug }}\n{session}"
        );
        dir.write("stepgate.yaml", settings);
        dir.write("policies/p.yaml", POLICY);
        let checked = run(&dir, &["check"]);
        let told = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{told}\n{session}");
        add_user(&dir, user, &format!("{user}@example.test"), PASSWORD);
        Self {
            stepgate: Stepgate::serve(&dir),
            _dir: dir,
            _port: port,
        }
    }

    fn client(&self) -> Client {
        Client::new(self.stepgate.addr())
    }

    /// Somebody who is signed in is challenged, proves who they are, and is let through.
    async fn guards(&self, client: &Client) {
        let refused = client.post_form("/guarded", &[]).await;
        assert!(
            [401, 403].contains(&refused.status.as_u16()),
            "{}",
            refused.text()
        );
        assert!(
            refused.json()["challenge"].is_object(),
            "{}",
            refused.text()
        );
        let body = json!({ "token": refused.token(), "factor": "password", "answer": PASSWORD });
        let verified = client.call(Method::POST, "/.stepup/verify", body).await;
        assert_eq!(verified.json()["verified"], true, "{}", verified.text());
        let client = match verified.json()["key"].as_str() {
            Some(key) => client.clone().header("step-up-key", key),
            None => client.clone(),
        };
        let passed = client.post_form("/guarded", &[]).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        // Whoever has signed in nowhere is asked for that first.
        assert_eq!(
            self.client().post_form("/guarded", &[]).await.reason(),
            "session-required"
        );
    }
}

/// Runs `learn` on a HAR file: exit code, settings, and what is said beside them.
fn from_har(har: &Path) -> (i32, String, String) {
    let dir = TempDir::new("har");
    let output = run(&dir, &["learn", har.to_str().unwrap()]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn django_har() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/har/django-admin.har")
}

/// The recording is of Chromium at the site of examples/django-admin; of its files only pages are kept.
#[test]
fn a_har_file_of_djangos_admin_is_learned_and_no_secret_is_told() {
    let (code, session, told) = from_har(&django_har());
    assert_eq!(code, 0, "{told}");
    for line in [
        "    - sessionid  # gets a new value with the login, taken away later\n",
        "    url: /admin/\n",
        "    subject: { css: '#user-tools strong' }\n",
        "      - match: { methods: [POST], path: /admin/login/ }\n",
        "        subject: { form: username }  # what people type\n",
        "        success: { status: 302, location: '/.*', cookie: sessionid }",
        "      - match: { methods: [POST], path: /admin/logout/ }",
    ] {
        assert!(session.contains(line), "`{line}` is missing in\n{session}");
    }
    assert!(
        told.contains("1 of 1 that worked recognized, 1 of 1 wrong ones refused"),
        "{told}"
    );
    let har: serde_json::Value = serde_json::from_slice(&fs::read(django_har()).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let cookies = entries
        .iter()
        .flat_map(|entry| entry["request"]["cookies"].as_array().unwrap());
    let mut secrets: Vec<_> = cookies
        .map(|cookie| cookie["value"].as_str().unwrap())
        .collect();
    assert!(secrets.len() >= 8);
    secrets.extend([ADMIN_PASSWORD, "not it"]);
    for secret in secrets {
        assert!(
            !session.contains(secret) && !told.contains(secret),
            "{secret}"
        );
    }
}

#[test]
fn a_browser_at_djangos_admin_is_learned_and_guarded() {
    run_test(async {
        let django = Django::start();
        let recorder = Recorder::before(django.addr());
        let url = |at: SocketAddr, path: &str| format!("http://{at}{path}");
        let browser = Browser::open().await;
        let at = recorder.running.addr();
        browser.goto(&url(at, "/admin/")).await.unwrap();
        for password in ["not it", ADMIN_PASSWORD] {
            browser.fill("#id_username", ADMIN).await;
            browser.fill("#id_password", password).await;
            browser.click("input[type=submit]").await;
            let css = if password == ADMIN_PASSWORD {
                "#logout-form"
            } else {
                ".errornote"
            };
            browser.see(css).await;
        }
        browser.click("#logout-form button").await;
        browser.read("Logged out").await;
        let (_dir, session, told) = recorder.learned();
        assert!(
            told.contains("1 of 1 that worked recognized, 1 of 1 wrong ones refused"),
            "{told}"
        );
        assert!(!session.contains(ADMIN_PASSWORD) && !told.contains(ADMIN_PASSWORD));

        let guard = Guard::with(&session, django.addr(), ADMIN);
        let at = guard.stepgate.addr();
        browser
            .goto(&url(at, "/admin/login/?next=/admin/"))
            .await
            .unwrap();
        browser.fill("#id_username", ADMIN).await;
        browser.fill("#id_password", ADMIN_PASSWORD).await;
        browser.click("input[type=submit]").await;
        browser.see("#logout-form").await;
        browser
            .goto(&url(at, "/admin/auth/user/add/"))
            .await
            .unwrap();
        browser.fill("#password", PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.see("#id_usable_password, #id_password1").await;
    });
}

#[test]
fn the_demos_application_is_learned_and_guarded() {
    run_test(async {
        let legacy = Legacy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let recorder = Recorder::before(legacy.addr());
        let client = recorder.client();
        for password in ["not it", ALICE.password] {
            client.get("/login").await;
            client
                .post_form("/login", &[("user", ALICE.name), ("password", password)])
                .await;
        }
        let csrf = client.get("/notes").await.hidden("csrf");
        client.post_form("/logout", &[("csrf", &csrf)]).await;
        let (_dir, session, told) = recorder.learned();
        assert!(session.contains(&format!("    - {COOKIE}  #")), "{session}");
        assert!(session.contains("path: /logout }"), "{session}");
        assert!(told.contains("1 of 1 wrong ones refused"), "{told}");
        let guard = Guard::with(&session, legacy.addr(), ALICE.name);
        let client = guard.client();
        let fields = [("user", ALICE.name), ("password", ALICE.password)];
        assert_eq!(client.post_form("/login", &fields).await.status, 302);
        let refused = client.post_form("/guarded", &[]).await;
        assert!(
            refused.json()["challenge"].is_object(),
            "{}",
            refused.text()
        );
    });
}

/// A single-page application: JSON, a cookie or a token, and an answer that says who is signed in.
fn spa(got: &Got) -> Reply {
    let json = ("content-type", "application/json");
    let body: serde_json::Value = serde_json::from_slice(&got.body).unwrap_or_default();
    let right = body["password"] == APP_PASSWORD;
    let cookie = got
        .header("cookie")
        .contains("app_session=s3cret-session-value");
    let bearer = got.header("authorization") == "Bearer t0ken-of-alice-1234567890";
    match (got.method.as_str(), got.target.as_str()) {
        ("POST", "/api/login") if right => {
            let set = "app_session=s3cret-session-value; Path=/; HttpOnly";
            answer(
                200,
                &[json, ("set-cookie", set), ("set-cookie", "theme=dark")],
                "{\"ok\":true,\"user\":{\"name\":\"alice\"}}",
            )
        }
        ("POST", "/api/token") if right => answer(
            200,
            &[json],
            "{\"access_token\":\"t0ken-of-alice-1234567890\",\"token_type\":\"bearer\"}",
        ),
        ("POST", "/api/login" | "/api/token") => {
            answer(200, &[json], "{\"ok\":false,\"error\":\"wrong\"}")
        }
        ("GET", "/api/me") if cookie || bearer => answer(
            200,
            &[json],
            "{\"id\":7,\"username\":\"alice\",\"email\":\"alice@example.test\"}",
        ),
        ("GET", "/api/me") => answer(401, &[json], "{}"),
        ("DELETE", "/api/session") => answer(
            204,
            &[("set-cookie", "app_session=; Path=/; Max-Age=0")],
            "",
        ),
        _ => text(200, "done"),
    }
}

/// The application decides by the body of a login.
fn by_body(got: &Got) -> Reply {
    match got.method.as_str() {
        "POST" => Reply::ByBody(Box::new(spa)),
        _ => spa(got),
    }
}

fn credentials(password: &str) -> serde_json::Value {
    json!({ "username": "alice", "password": password, "remember": true })
}

#[test]
fn a_json_login_is_learned_and_guarded() {
    run_test(async {
        let upstream = Upstream::start(by_body);
        let recorder = Recorder::before(upstream.addr());
        let client = recorder.client();
        client.get("/api/me").await;
        for password in ["not it", APP_PASSWORD] {
            client
                .call(Method::POST, "/api/login", credentials(password))
                .await;
        }
        assert_eq!(client.get("/api/me").await.status, 200);
        client.delete("/api/session").await;
        let (_dir, session, told) = recorder.learned();
        for line in [
            "    - app_session  # gets a new value with the login, taken away later\n",
            "  whoami:  # names the user, and nobody where nobody is signed in\n",
            "    url: /api/me\n    subject: { json: /username }\n    email: { json: /email }\n",
            "subject: { response_json: /user/name }",
            r#"success: { status: 200, cookie: app_session, body: '^\s*\{\s*"ok"\s*:\s*true' }"#,
            "- match: { methods: [DELETE], path: /api/session }",
        ] {
            assert!(session.contains(line), "`{line}` is missing in\n{session}");
        }
        assert!(
            !session.contains("theme\n") && told.contains("theme"),
            "{told}"
        );
        assert!(told.contains("1 of 1 wrong ones refused"), "{told}");
        let guard = Guard::with(&session, upstream.addr(), "alice");
        let client = guard.client();
        client
            .call(Method::POST, "/api/login", credentials(APP_PASSWORD))
            .await;
        guard.guards(&client).await;
    });
}

#[test]
fn a_login_that_answers_a_token_is_known_by_what_the_application_says() {
    run_test(async {
        let upstream = Upstream::start(by_body);
        let recorder = Recorder::before(upstream.addr());
        let client = recorder.client();
        for password in ["not it", APP_PASSWORD] {
            client
                .call(Method::POST, "/api/token", credentials(password))
                .await;
        }
        let bearer = "Bearer t0ken-of-alice-1234567890";
        assert_eq!(
            client
                .clone()
                .header("authorization", bearer)
                .get("/api/me")
                .await
                .status,
            200
        );
        let (_dir, session, told) = recorder.learned();
        assert!(session.contains("  key: subject"), "{session}");
        assert!(
            !session.contains("learn:") && told.contains("a login cannot be learned from it"),
            "{session}{told}"
        );
        assert!(!format!("{session}{told}").contains("t0ken-of-alice"));
        let guard = Guard::with(&session, upstream.addr(), "alice");
        guard
            .guards(&guard.client().header("authorization", bearer))
            .await;
    });
}

/// Two logins, one of them by one script that does all, and none that leads elsewhere.
#[test]
fn several_logins_are_learned_and_a_wrong_one_that_looks_alike_is_told() {
    run_test(async {
        let upstream = Upstream::start(|got: &Got| match got.method.as_str() {
            "POST" => Reply::ByBody(Box::new(|got: &Got| {
                let body = String::from_utf8_lossy(&got.body).into_owned();
                let fresh = format!(
                    "PHPSESSID={}; Path=/",
                    crate::support::sidecar::fresh_cookie()
                );
                let is_right = body.contains("right");
                match got.target.as_str() {
                    "/index.php" if body.contains("task=login") && is_right => {
                        answer(302, &[("location", "/home"), ("set-cookie", &fresh)], "")
                    }
                    "/index.php" if body.contains("task=login") => {
                        answer(302, &[("location", "/index.php?failed=1")], "")
                    }
                    "/staff/login" if is_right => {
                        answer(302, &[("location", "/home"), ("set-cookie", &fresh)], "")
                    }
                    "/staff/login" => {
                        answer(302, &[("location", "/home"), ("set-cookie", &fresh)], "")
                    }
                    "/index.php" if body.contains("task=logout") => answer(
                        302,
                        &[
                            ("location", "/"),
                            ("set-cookie", "PHPSESSID=; Max-Age=0; Path=/"),
                        ],
                        "",
                    ),
                    _ => text(200, "done"),
                }
            })),
            _ => text(200, "done"),
        });
        let recorder = Recorder::before(upstream.addr());
        let client = recorder.client();
        let login = async |path: &str, password: &str| {
            let fields = [("task", "login"), ("user", "alice"), ("password", password)];
            client.post_form(path, &fields).await;
        };
        client
            .post_form("/index.php", &[("task", "save"), ("text", "x")])
            .await;
        login("/index.php", "not it").await;
        login("/index.php", "right").await;
        client.get("/home").await;
        client.post_form("/index.php", &[("task", "logout")]).await;
        login("/staff/login", "not it").await;
        login("/staff/login", "right").await;
        client.get("/home").await;
        let (_dir, session, told) = recorder.learned();
        assert!(
            session.contains("path: /index.php, form: { task: \"login\", password: present } }"),
            "{session}"
        );
        assert!(session.contains("path: /staff/login }"), "{session}");
        assert!(
            told.contains(
                "login POST /index.php: 1 of 1 that worked recognized, 1 of 1 wrong ones refused"
            ),
            "{told}"
        );
        assert!(told.contains("1 of 1 WRONG ones look alike"), "{told}");
        let guard = Guard::with(&session, upstream.addr(), "alice");
        let client = guard.client();
        let fields = [("task", "login"), ("user", "alice"), ("password", "right")];
        client.post_form("/index.php", &fields).await;
        guard.guards(&client).await;
    });
}

#[test]
fn a_recording_without_a_login_says_what_is_missing() {
    let dir = TempDir::new("har");
    let entry = |method: &str, cookies: bool| {
        let headers = if cookies {
            json!([{ "name": "Set-Cookie", "value": "lang=en\nsid=of-everybody-0123456789; HttpOnly" }])
        } else {
            json!([])
        };
        json!({
            "request": { "method": method, "url": "https://app.example/login?x=1", "headers": [], "cookies": [] },
            "response": { "status": 200, "headers": headers, "cookies": [], "content": {} },
        })
    };
    let har = |entries: serde_json::Value| json!({ "log": { "version": "1.2", "creator": {}, "entries": entries } });
    let path = dir.path().join("x.har");
    for (content, words) in [
        (
            har(json!([entry("GET", true)])).to_string(),
            "no login is in it: 1 request, of which 0 by POST",
        ),
        (
            har(json!([entry("POST", false)])).to_string(),
            "Allow to generate HAR with sensitive data",
        ),
        (har(json!([])).to_string(), "no request is there"),
        // No request of such a method passes, and YAML would read it as something else.
        (
            har(json!([entry("#x", true), entry("*x", true)])).to_string(),
            "no request is there",
        ),
        ("{\"log\":{}}".to_owned(), "is no HAR file"),
        ("not JSON".to_owned(), "“Save all as HAR”"),
    ] {
        fs::write(&path, content).unwrap();
        let (code, session, told) = from_har(&path);
        assert_eq!((code, session.as_str()), (1, ""), "{told}");
        assert!(told.contains(words), "{told}");
        assert!(!told.contains("of-everybody"), "{told}");
    }
    let (_, _, told) = from_har(Path::new("/nowhere.har"));
    assert!(told.contains("cannot read"), "{told}");
    let usage = run(&dir, &["learn"]);
    assert_eq!(usage.status.code(), Some(64));
}

#[test]
fn a_web_socket_passes_the_recorder() {
    run_test(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/ws" => Reply::WebSocket,
            _ => by_body(got),
        });
        let recorder = Recorder::before(upstream.addr());
        let client = recorder.client();
        let right = credentials(APP_PASSWORD);
        client.call(Method::POST, "/api/login", right).await;
        let stream = TcpStream::connect(recorder.running.addr()).await.unwrap();
        let url = format!("ws://{}/ws", recorder.running.addr());
        let (mut socket, _) = client_async(url, stream).await.unwrap();
        for size in [1, 100_000] {
            let message = Message::binary(vec![7; size]);
            socket.send(message.clone()).await.unwrap();
            let echo = soon("an echo", socket.next()).await.unwrap().unwrap();
            assert_eq!(echo, message);
        }
        client.get("/api/me").await;
        client.delete("/api/session").await;
        // It does not wait for what is still open.
        let (_dir, session, told) = recorder.learned();
        assert!(session.contains("    url: /api/me\n"), "{session}{told}");
        drop(socket);
    });
}

#[test]
fn a_password_of_http_is_learned_and_guarded() {
    let line = |password: &str| {
        let pair = format!("alice:{password}");
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    };
    let right = line(APP_PASSWORD);
    run_test(async {
        let known = right.clone();
        let upstream = Upstream::start(move |got| match got.target.as_str() {
            "/" => text(200, "welcome"),
            _ if got.header("authorization") == known => text(200, "done"),
            _ => answer(401, &[("www-authenticate", "Basic realm=\"x\"")], "who?"),
        });
        let recorder = Recorder::before(upstream.addr());
        for path in ["/", "/reports/all", "/reports"] {
            recorder.client().get(path).await;
            for password in ["not it", APP_PASSWORD] {
                let client = recorder.client().header("authorization", &line(password));
                client.get(path).await;
            }
        }
        let (_dir, session, told) = recorder.learned();
        assert!(session.contains("  basic: { url: /reports }"), "{session}");
        let tried = "password at /reports: 1 of 1 that was taken recognized, 2 of 2 without or with a wrong one refused";
        assert!(told.contains(tried), "{told}");
        let encoded = right.split(' ').next_back().unwrap();
        assert!(!format!("{session}{told}").contains(encoded));
        let guard = Guard::with(&session, upstream.addr(), "alice");
        let client = guard.client().header("authorization", &right);
        guard.guards(&client).await;
    });
}

#[test]
fn a_signed_token_is_learned_and_guarded() {
    run_test(async {
        let issuer = Issuer::start();
        let upstream = Upstream::start(|_| text(200, "done"));
        let recorder = Recorder::before(upstream.addr());
        let claims = json!({ "sub": "7", "preferred_username": "alice", "aud": [AUDIENCE, "blog"], "exp": 1_000 });
        let token = issuer.token(claims);
        let bearer = format!("Bearer {token}");
        let client = recorder.client().header("authorization", &bearer);
        assert_eq!(client.get("/orders").await.status, 200);
        let (_dir, session, told) = recorder.learned();
        let keys = format!("keys: {{ url: '{ISSUER}/.well-known/jwks.json' }}");
        for line in [
            &keys,
            &format!("# fill in: `jwks_uri` of {ISSUER}/.well-known/openid-configuration"),
            &format!(
                "    issuer: '{ISSUER}'\n    audience: {AUDIENCE}\n    subject: /preferred_username\n"
            ),
            "  key: subject",
        ] {
            assert!(session.contains(line), "`{line}` is missing in\n{session}");
        }
        assert!(told.contains("token: its claims are right"), "{told}");
        assert!(!format!("{session}{told}").contains(token.split('.').nth(1).unwrap()));
        let session = session.replace(&keys, &format!("keys: {}", issuer.keys()));
        let guard = Guard::with(&session, upstream.addr(), "alice");
        let next = issuer.token(json!({ "sub": "7", "preferred_username": "alice" }));
        let client = guard
            .client()
            .header("authorization", &format!("Bearer {next}"));
        guard.guards(&client).await;
    });
}
