//! Codes that come with the request itself: in a header that the route names, and behind a password.

use crate::support::client::{Answer, Client};
use crate::support::raw;
use crate::support::sidecar::{self, HOST, PASSWORD, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use data_encoding::BASE64;
use futures_util::future::join_all;
use http::Method;
use serde_json::json;

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: publish, title: Publish a package, level: 3, match: { path: "/publish/{rest...}" }, inline: { header: npm-otp } }
  - { id: token, title: Create a token, level: 4, match: { methods: [POST], path: "/token" }, inline: { challenge: OTP, header: npm-otp, factor: totp } }
  - { id: printed, title: Read, level: 3, match: { path: "/printed" }, inline: { header: x-printed, factor: recovery_code } }
  - { id: form, title: Delete, level: 3, match: { path: /form, form: { delete: "1" } }, inline: { header: npm-otp } }
  - { id: other, title: Something else, level: 3, match: { path: "/other" } }
  - { id: two, title: Both, level: 3, factors: [password+totp, passkey], match: { path: "/two" } }
"#;

const APP_PASSWORD: &str = "App-pass-1!";
const OTP: &str = "npm-otp";

/// Takes one password of everybody, and says what it got.
fn application(got: &Got) -> Reply {
    let line = got.header("authorization");
    let decoded = line
        .strip_prefix("Basic ")
        .map(|it| BASE64.decode(it.as_bytes()));
    let pair = String::from_utf8(decoded.unwrap_or(Ok(Vec::new())).unwrap()).unwrap();
    match pair.split_once(':') {
        _ if got.target == "/open" => text(200, &format!("{pair} {}", got.header(OTP))),
        Some((name, APP_PASSWORD | "odd,123456")) => text(200, &format!("done for {name}")),
        _ => answer(401, &[("www-authenticate", "Basic realm=x")], "who?"),
    }
}

fn run(store: Store, more: &str) -> Sidecar {
    let basic = format!("basic: {{ url: /private/{more} }}");
    let setup = sidecar::on(store).without_logins().policy(POLICY);
    setup.application(application).with("session", &basic).run()
}

fn basic(client: Client, pair: &str) -> Client {
    let line = format!("Basic {}", BASE64.encode(pair.as_bytes()));
    client.header("authorization", &line)
}

/// Somebody's program, which has her password.
fn program(sidecar: &Sidecar) -> Client {
    basic(sidecar.client(), &format!("{USER}:{APP_PASSWORD}"))
}

fn with_code(sidecar: &Sidecar, code: &str) -> Client {
    program(sidecar).header(OTP, code)
}

fn other_than(code: &str) -> &'static str {
    if code == "000000" { "111111" } else { "000000" }
}

/// Nothing that the application ever got holds a code.
fn assert_unseen(sidecar: &Sidecar, codes: &[&str]) {
    for got in sidecar.upstream().got() {
        assert_eq!(got.header(OTP), "", "{got:?}");
        let line = got
            .header("authorization")
            .strip_prefix("Basic ")
            .unwrap_or_default();
        let pair = String::from_utf8(BASE64.decode(line.as_bytes()).unwrap()).unwrap();
        assert!(codes.iter().all(|code| !pair.contains(code)), "{pair}");
    }
    let log = sidecar.log();
    assert!(
        codes.iter().all(|code| !sidecar::shows(&log, code)),
        "{log}"
    );
}

async fn post(client: &Client, path: &str) -> Answer {
    client.send(client.request(Method::POST, path, "{}")).await
}

on_both_stores! {
    async fn a_program_is_asked_for_a_code_and_sends_it_with_its_request(store: Store) {
        let sidecar = run(store, "");
        let refused = post(&program(&sidecar), "/token").await;
        assert_eq!((refused.status.as_u16(), refused.header("www-authenticate")), (401, "OTP"));
        assert_eq!(refused.reason(), "step-up-required");
        let inline = &refused.json()["challenge"]["inline"];
        assert_eq!((&inline["header"], &inline["factor"]), (&OTP.into(), &"totp".into()));

        let code = sidecar.totp(0);
        let wrong = post(&with_code(&sidecar, other_than(&code)), "/token").await;
        assert_eq!((wrong.status.as_u16(), wrong.header("www-authenticate")), (401, "OTP"));
        assert_eq!((wrong.reason(), wrong.json()["attempts_left"].as_u64()), ("wrong-answer".into(), Some(4)));
        let done = post(&with_code(&sidecar, &code), "/token").await;
        assert_eq!(done.text(), "done for alice");
        // One request, one code: neither the same nor another request passes with it, nor one without.
        for client in [with_code(&sidecar, &code), program(&sidecar)] {
            assert_eq!(post(&client, "/token").await.status, 401);
        }
        assert_eq!(sidecar.got("/token"), 1);
        assert_unseen(&sidecar, &[&code]);
        let verified = sidecar.events(1, |event| event["event"] == "verified");
        assert_eq!((&verified[0]["factor"], &verified[0]["action"]), (&"totp".into(), &"token".into()));
        assert_eq!(sidecar.decisions("/token", 5).len(), 5);
    }

    async fn what_a_code_has_earned_is_of_whoever_repeats_it(store: Store) {
        let sidecar = run(store, "");
        let code = sidecar.totp(0);
        // Two requests of one command, as of `npm unpublish`: the route lets a proof open more than one.
        for path in ["/publish/a", "/publish/b"] {
            assert_eq!(post(&with_code(&sidecar, &code), path).await.text(), "done for alice");
        }
        let mut others = vec![program(&sidecar), with_code(&sidecar, other_than(&code))];
        others.push(basic(sidecar.client(), &format!("bob:{APP_PASSWORD}")).header(OTP, &code));
        for other in &others {
            assert_ne!(post(other, "/publish/c").await.status, 200);
        }
        assert_eq!(sidecar.got("/publish/c"), 0);
        // For this action, and for nothing else.
        assert_eq!(post(&with_code(&sidecar, &code), "/token").await.reason(), "wrong-answer");
        assert_eq!(post(&with_code(&sidecar, &code), "/other").await.status, 403);
    }

    async fn rule_4_of_many_requests_with_one_code_one_passes(store: Store) {
        let sidecar = run(store, "");
        let code = sidecar.totp(0);
        let client = with_code(&sidecar, &code);
        let all = join_all((0..8).map(|_| post(&client, "/token"))).await;
        let passed = all.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((passed, sidecar.got("/token")), (1, 1));
    }

    async fn rule_5_guesses_are_counted_before_they_are_judged(store: Store) {
        let sidecar = run(store, "");
        let code = sidecar.totp(0);
        let wrong = with_code(&sidecar, other_than(&code));
        let all = join_all((0..30).map(|number| {
            let (wrong, path) = (wrong.clone(), ["/token", "/publish/x"][number % 2]);
            async move { post(&wrong, path).await }
        }));
        let all = all.await;
        let judged = all.iter().filter(|answer| answer.reason() == "wrong-answer").count();
        assert!(judged <= 10, "{judged} guesses were judged");
        let barred = post(&with_code(&sidecar, &code), "/token").await;
        assert_eq!((barred.status.as_u16(), barred.reason()), (429, "too-many-attempts".into()));
        assert!(barred.header("retry-after").parse::<u64>().unwrap() > 0);
        assert_eq!(sidecar.got("/token"), 0);
        // The pages of the prompt count with them.
        let refused = post(&program(&sidecar), "/token").await;
        let verified = program(&sidecar).verify(&refused.token(), ("totp", &code)).await;
        assert_eq!(verified.reason(), "too-many-attempts");
    }

    async fn rule_5_guesses_at_what_a_code_has_earned_are_counted(store: Store) {
        let sidecar = run(store, ", one_time_code: appended");
        let code = sidecar.totp(0);
        assert_eq!(post(&with_code(&sidecar, &code), "/publish/a").await.status, 200);
        // What is not judged opens nothing: whoever tried all codes in such a way would find the one that was accepted.
        let client = with_code(&sidecar, &code);
        assert_eq!(client.send(client.request(Method::HEAD, "/publish/b", "")).await.status, 401);
        for (name, value) in [("sec-purpose", "prefetch"), ("origin", "http://evil.test"), ("sec-fetch-site", "cross-site")] {
            let refused = post(&client.clone().header(name, value), "/publish/b").await;
            assert_eq!(refused.reason(), "step-up-required", "{name}");
        }
        let pair = format!("{USER}:{APP_PASSWORD},{code}");
        assert_eq!(basic(sidecar.browser(), &pair).get("/publish/b").await.status, 303);
        // And what is judged is counted: who guessed too often is not told by the right one either.
        let wrong = with_code(&sidecar, other_than(&code));
        for _ in 0..10 {
            assert_eq!(post(&wrong, "/publish/b").await.reason(), "wrong-answer");
        }
        assert_eq!(post(&client, "/publish/b").await.reason(), "too-many-attempts");
        assert_eq!(sidecar.got("/publish/b"), 0);
    }

    async fn a_code_is_judged_only_where_a_route_asks_for_it(store: Store) {
        let sidecar = run(store, "");
        let code = sidecar.totp(0);
        let client = with_code(&sidecar, &code);
        // Where no route names the header, it is the application's own.
        assert_eq!(client.get("/open").await.text(), format!("{USER}:{APP_PASSWORD} {code}"));
        // What shows nothing, or is fetched ahead, must not use it up.
        assert_eq!(client.send(client.request(Method::HEAD, "/publish/x", "")).await.status, 401);
        assert_eq!(client.clone().header("sec-purpose", "prefetch").get("/publish/x").await.status, 403);
        // The page of another site sends nothing that counts, whatever the application allows it.
        for (name, value) in [("origin", "http://evil.test"), ("sec-fetch-site", "cross-site")] {
            let refused = post(&client.clone().header(name, value), "/token").await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, "step-up-required".into()), "{name}");
        }
        let twice = post(&client.clone().header(OTP, &code), "/token").await;
        assert_eq!((twice.status.as_u16(), twice.reason()), (400, "ambiguous-request".into()));
        let joined = post(&with_code(&sidecar, &format!("{code}, {code}")), "/token").await;
        assert_eq!(joined.reason(), "wrong-answer");
        let attempts = sidecar.events(1, |event| event["event"] == "factor-answered");
        assert_eq!(attempts.len(), 1, "one of all these was an answer");
        // The code is still good.
        assert_eq!(post(&client, "/token").await.status, 200);
        assert!(sidecar.upstream().got().iter().all(|got| got.target == "/open" || got.header(OTP).is_empty()));
        assert_eq!(post(&client, "/other").await.status, 403);
    }

    async fn a_code_comes_over_http_2_as_well_and_under_no_other_name(store: Store) {
        let sidecar = run(store, "");
        let code = sidecar.totp(0);
        let lines = |name: &str, more: &str| {
            let pair = BASE64.encode(format!("{USER}:{APP_PASSWORD}").as_bytes());
            format!("POST /token HTTP/1.1\r\nhost: {HOST}\r\nauthorization: Basic {pair}\r\n{name}: {code}\r\n{more}content-length: 0\r\nconnection: close\r\n\r\n")
        };
        for sent in [lines("npm_otp", ""), lines("x-npm-otp", ""), lines(OTP, "connection: npm-otp\r\n")] {
            let told = raw::send(sidecar.addr(), sent.as_bytes()).await;
            assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
        }
        let done = post(&with_code(&sidecar, &code).http2(), "/token").await;
        assert_eq!(done.text(), "done for alice");
    }

    async fn a_body_decides_whether_a_route_asks_for_it(store: Store) {
        let sidecar = run(store, "");
        let code = sidecar.totp(0);
        let client = with_code(&sidecar, &code);
        let form = async |value| client.post_form("/form", &[("delete", value)]).await;
        assert_eq!(form("0").await.status, 200);
        assert_eq!(form("1").await.status, 200);
        let answered = sidecar.events(1, |event| event["event"] == "verified");
        assert_eq!(answered.len(), 1);
        assert_unseen(&sidecar, &[&code]);
    }

    async fn a_recovery_code_is_taken_from_its_header(store: Store) {
        let sidecar = run(store, "");
        let client = program(&sidecar);
        let refused = client.call(Method::POST, "/.stepup/enroll/recovery", json!({})).await;
        let proved = client.verify(&refused.token(), ("password", PASSWORD)).await;
        let client = client.header("step-up-key", proved.json()["key"].as_str().unwrap());
        let made = client.call(Method::POST, "/.stepup/enroll/recovery", json!({})).await;
        let made = made.json();
        let code = made["codes"][0].as_str().unwrap();
        let client = program(&sidecar).header("x-printed", code);
        assert_eq!(client.get("/printed").await.text(), "done for alice");
        assert_eq!(sidecar.upstream().got().iter().filter(|got| !got.header("x-printed").is_empty()).count(), 0);
    }

    async fn a_script_of_a_page_goes_to_the_prompt_as_ever(store: Store) {
        let sidecar = run(store, "");
        let script = basic(sidecar.script(), &format!("{USER}:{APP_PASSWORD}"));
        let refused = post(&script, "/token").await;
        assert_eq!((refused.status.as_u16(), refused.header("www-authenticate")), (403, ""));
    }

    async fn a_code_behind_the_password_is_judged_where_it_is_asked_for(store: Store) {
        let sidecar = run(store, ", one_time_code: appended");
        let code = sidecar.totp(0);
        let appended = |code: &str| basic(sidecar.client(), &format!("{USER}:{APP_PASSWORD},{code}"));
        // The session is that of the plain password, and nothing is judged where nothing is asked for.
        for client in [program(&sidecar), appended("999999"), appended(&code)] {
            assert_eq!(client.get("/open").await.text(), format!("{USER}:{APP_PASSWORD} "));
        }
        let refused = program(&sidecar).get("/other").await;
        assert_eq!(refused.json()["challenge"]["inline"]["after_password"], true, "{}", refused.text());
        let wrong = appended(other_than(&code)).get("/other").await;
        assert_eq!((wrong.status.as_u16(), wrong.reason()), (403, "wrong-answer".into()));
        assert_eq!(appended(&code).get("/other").await.text(), "done for alice");
        assert_eq!(appended(&code).get("/other").await.status, 200, "its grant is for more than one request");
        assert_eq!(program(&sidecar).get("/other").await.reason(), "step-up-required");
        assert_eq!(post(&appended(&code), "/token").await.reason(), "wrong-answer");
        // Where a code is not all that is asked for, it is none.
        assert_eq!(appended(&sidecar.totp(1)).get("/two").await.reason(), "step-up-required");
        assert_eq!(post(&appended(&sidecar.totp(1)), "/token").await.status, 200);
        // A proof that was given otherwise counts for it as well: one session.
        let refused = program(&sidecar).get("/publish/x").await;
        let key = appended("000000").verify(&refused.token(), ("password", PASSWORD)).await;
        let key = key.json()["key"].as_str().unwrap().to_owned();
        assert_eq!(appended("000000").header("step-up-key", &key).get("/publish/x").await.status, 200);
        assert_unseen(&sidecar, &[&code]);
    }

    async fn a_password_that_ends_like_a_code_needs_one_behind_it(store: Store) {
        let sidecar = run(store, ", one_time_code: appended");
        let odd = |more: &str| basic(sidecar.client(), &format!("{USER}:odd,123456{more}"));
        // The application is told a shorter password, which it does not take.
        assert_eq!(odd("").get("/page").await.status, 401);
        assert_eq!(odd("").get("/other").await.reason(), "session-required");
        assert_eq!(odd(",000000").get("/page").await.text(), "done for alice");
        let code = sidecar.totp(0);
        assert_eq!(odd(&format!(",{code}")).get("/other").await.text(), "done for alice");
    }

    async fn a_browser_that_repeats_a_password_repeats_no_guess(store: Store) {
        let sidecar = run(store, ", one_time_code: appended");
        let pair = format!("{USER}:{APP_PASSWORD},{}", sidecar.totp(0));
        let browser = basic(sidecar.browser(), &pair);
        for _ in 0..12 {
            assert_eq!(browser.get("/other").await.status, 303);
        }
        assert_eq!(basic(sidecar.client(), &pair).get("/other").await.status, 200);
        sidecar.events(1, |event| event["event"] == "verified");
        assert!(sidecar.audit().iter().all(|event| event["event"] != "factor-answered"));
    }

    async fn without_the_setting_a_password_is_what_it_is(store: Store) {
        let sidecar = run(store, "");
        let odd = basic(sidecar.client(), &format!("{USER}:odd,123456"));
        assert_eq!(odd.get("/page").await.text(), "done for alice");
        assert_eq!(odd.get("/open").await.text(), format!("{USER}:odd,123456 "));
    }
}
