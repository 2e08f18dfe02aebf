//! Passwords of HTTP: their user is who must prove it, and nobody whose password the application does not take.

use crate::support::client::Client;
use crate::support::sidecar::{self, COOKIE, HOST, KEY_COOKIE, Sidecar, USER, fresh_cookie};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use data_encoding::{BASE64, BASE64_NOPAD};
use futures_util::future::{join, join_all};
use std::fs;
use std::process::Command;
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
    /// One that will be the user's as well.
    late: Arc<Mutex<Option<String>>>,
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
        let is_late = |late: &String| got.header("cookie").contains(late);
        if self.late.lock().unwrap().as_ref().is_some_and(is_late) {
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
            _ if got.target == "/become" => {
                let line = format!("{}; Path=/", got.header("cookie"));
                answer(200, &[("set-cookie", &line)], "you are another")
            }
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

/// Names the sidecar by the host of its site.
fn resolve(sidecar: &Sidecar) -> String {
    format!(
        "http.curloptResolve={HOST}:{}:127.0.0.1",
        sidecar.addr().port()
    )
}

/// Runs a program and returns what it says.
async fn ran(program: &'static str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).env("GIT_TERMINAL_PROMPT", "0");
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
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
    async fn a_session_that_becomes_somebodys_beside_a_password_is_noticed(store: Store) {
        let application = Htpasswd::new();
        let sidecar = run(store, &application);
        sidecar.add_user("mallory", "mallory@example.test", "Mallory-own-pass-2!");
        // By a form, and by a page that sets the cookie to the value that it has.
        for (method, path) in [(http::Method::POST, "/form"), (http::Method::GET, "/become")] {
            let thief = sidecar.script().header("authorization", &line("mallory:mallory:x"));
            let own = fresh_cookie();
            thief.set_cookie("sid", &own);
            let refused = thief.post("/keys").await;
            let passed = thief.verify(&refused.token(), ("password", "Mallory-own-pass-2!")).await;
            assert_eq!(passed.status, 200, "{}", passed.text());
            assert_eq!(thief.get("/secrets").await.status, 403);
            // He logs in to the session as her, without the password beside it.
            let login = sidecar.script();
            login.set_cookie("sid", &own);
            login.send(login.request(method, path, "")).await;
            *application.late.lock().unwrap() = Some(own);
            let refused = thief.post("/keys").await;
            assert_eq!(refused.status, 403, "{path}: {}", refused.text());
            assert_eq!(refused.reason(), "subject-mismatch", "{path}");
        }
    }

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
        let asked = sidecar.got("/private/");
        for _ in 0..3 {
            assert_eq!(elsewhere.get("/secrets").await.status, 403);
        }
        let asked = sidecar.got("/private/") - asked;
        // Other sidecars may hear of a login.
        let is_kept = store == Store::Embedded;
        assert!(if is_kept { asked <= 2 } else { asked == 6 }, "asked {asked} times");
    }

    async fn programs_bring_their_password_and_keep_it_when_they_are_challenged(store: Store) {
        let sidecar = run(store, &Htpasswd::new());
        let url = format!("http://{HOST}:{}/guarded/x", sidecar.addr().port());
        // git asks, is asked for a password, and erases from its store what is answered with 401 again.
        let kept = sidecar.path("git-credentials");
        let origin = url.strip_suffix("/guarded/x").unwrap().replacen("//", &format!("//{USER}:App-pass-1%21@"), 1);
        fs::write(&kept, format!("{origin}\n")).unwrap();
        let helper = format!("credential.helper=store --file {}", kept.display());
        let told = ran("git", &["-c", &helper, "-c", &resolve(&sidecar), "ls-remote", &url]).await;
        assert!(told.contains("The requested URL returned error: 403"), "{told}");
        assert_eq!(fs::read_to_string(&kept).unwrap(), format!("{origin}\n"), "{told}");
        // So does Python, which fails at a scheme that it does not know.
        let urllib = "import sys, urllib.request as u\n\
            m = u.HTTPPasswordMgrWithDefaultRealm()\n\
            m.add_password(None, sys.argv[1], 'alice', sys.argv[2])\n\
            r = u.Request(sys.argv[1], headers={'Host': sys.argv[3]})\n\
            try: u.build_opener(u.HTTPBasicAuthHandler(m)).open(r)\n\
            except u.HTTPError as e: print(e, e.read().decode())";
        let here = format!("http://{}/guarded/x", sidecar.addr());
        for (password, heard) in [(APP_PASSWORD, "step-up-required"), ("wrong", NOBODY)] {
            let told = ran("python3", &["-c", urllib, &here, password, HOST]).await;
            assert!(told.contains(heard), "{told}");
        }
        let address = sidecar.addr().to_string();
        let connect = format!("::{address}");
        let pair = format!("{USER}:{APP_PASSWORD}");
        let told = ran("curl", &["-s", "--anyauth", "-u", &pair, "--connect-to", &connect, "-w", " %{http_code}", &url]).await;
        assert!(told.contains("step-up-required") && told.ends_with(" 403"), "{told}");
    }

    async fn whoever_brings_no_password_or_a_wrong_one_is_asked_for_it(store: Store) {
        let sidecar = run(store, &Htpasswd::new());
        let basic = format!("Basic realm=\"{HOST}\", charset=\"UTF-8\"");
        for client in [sidecar.client(), sidecar.script(), sidecar.browser()] {
            let wrong = bearing(&client, &line("alice:wrong"));
            for client in [client, wrong] {
                let refused = client.post("/keys").await;
                assert_eq!((refused.status.as_u16(), refused.header("www-authenticate")), (401, &*basic));
            }
        }
        let token = bearing(&sidecar.client(), "Bearer abc").get("/secrets").await;
        assert!(token.header("www-authenticate").starts_with("Bearer "), "{}", token.text());
    }

    async fn a_logout_voids_what_was_proved_with_the_password(store: Store) {
        let known = Htpasswd::new();
        let setup = sidecar::on(store).application(move |got| known.answer(got));
        let sidecar = setup.with("session", "key: subject\nbasic: { url: /private/ }").run();
        let client = alice(&sidecar);
        client.pass(&client.post("/keys").await).await;
        assert_eq!(told(&client, "/keys").await, "done for alice");
        assert_eq!(told(&client, "/logout").await, "done for alice");
        assert_eq!(told(&client, "/keys").await, CHALLENGED);
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

    async fn a_right_password_helps_no_wrong_one_at_the_same_moment(store: Store) {
        let sidecar = run_with(store, &Htpasswd::new(), ", keep: 1s");
        let client = sidecar.script();
        let right = alice(&sidecar);
        let wrong: Vec<_> = (0..100).map(|number| bearing(&client, &line(&format!("alice:wrong-{}", number % 3)))).collect();
        let all = wrong.iter().map(|wrong| join(told(wrong, "/keys"), told(&right, "/keys")));
        for both in join_all(all).await {
            assert_eq!(both, (NOBODY.to_owned(), CHALLENGED.to_owned()));
        }
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
