//! A program is refused, and the owner of its account proves who they are in their browser (RFC 8628).

mod attacks;
mod examples;
mod npm;
mod pages;

use crate::support::accounts::{Accounts, KEY_HEADER};
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, COOKIE, ORIGIN, PASSWORD, Setup, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use crate::support::until;
use http::Method;
use serde_json::{Value, json};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const TOKEN: &str = "/.stepup/device/token";

/// In front of an application whose users have keys beside their sessions. Programs may poll often.
fn setup(store: Store, accounts: &Accounts) -> Setup {
    let application = accounts.clone();
    sidecar::on(store)
        .application(move |got| application.answer(got))
        .with(
            "session",
            "whoami: { url: /api/me, subject: { json: /user/name } }",
        )
        .with(
            "session",
            &format!("credentials: {{ headers: [{KEY_HEADER}] }}"),
        )
        .with("verification", "device_interval: 20ms")
}

/// A program that has a key of alice's.
fn program(sidecar: &Sidecar, accounts: &Accounts) -> Client {
    bearing(sidecar, &accounts.key(USER))
}

fn bearing(sidecar: &Sidecar, key: &str) -> Client {
    let client = sidecar
        .client()
        .header("user-agent", "deploy-script/3.1 (by hand)");
    client.header("authorization", &format!("Bearer {key}"))
}

/// Somebody with a browser in which they are signed in.
fn person(sidecar: &Sidecar, accounts: &Accounts, name: &str) -> Client {
    let client = sidecar.script();
    client.set_cookie(COOKIE, &accounts.sign_in(name));
    client
}

/// What a refusal says of how the proof can be given elsewhere.
pub(crate) fn device(refused: &Answer) -> Value {
    let device = refused.json()["device"].clone();
    assert!(device.is_object(), "no device in {}", refused.text());
    device
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// One poll, as RFC 8628 §3.4 has it.
async fn poll_once(program: &Client, device: &Value) -> Answer {
    let fields = [
        ("grant_type", GRANT_TYPE),
        ("device_code", text(&device["device_code"])),
    ];
    program.post_form(TOKEN, &fields).await
}

/// One that does not come too soon.
pub(crate) async fn poll(program: &Client, device: &Value) -> Answer {
    until("a poll at leisure", async || {
        let polled = poll_once(program, device).await;
        Some(polled).filter(|polled| error(polled) != "slow_down")
    })
    .await
}

/// The error of a poll; empty if it has none.
fn error(polled: &Answer) -> String {
    let error = polled.json()["error"].as_str().map(str::to_owned);
    error.unwrap_or_default()
}

/// A request that the program has filed by its first poll.
async fn filed(program: &Client, path: &str) -> Value {
    let refused = program.post(path).await;
    let device = device(&refused);
    assert_eq!(
        error(&poll(program, &device).await),
        "authorization_pending"
    );
    device
}

async fn decide(person: &Client, device: &Value, decision: &str) -> Answer {
    let body = json!({ "user_code": device["user_code"], "decision": decision });
    person.call(Method::POST, "/.stepup/device", body).await
}

/// The owner approves, by password.
pub(crate) async fn approve(person: &Client, device: &Value) {
    let challenge = decide(person, device, "approve").await;
    assert_eq!(challenge.status, 403, "{}", challenge.text());
    person.pass(&challenge).await;
}

/// Takes up what was approved: the program with its key.
async fn keyed(program: &Client, device: &Value) -> Client {
    let granted = poll(program, device).await;
    assert_eq!(granted.status, 200, "{}", granted.text());
    program
        .clone()
        .header("step-up-key", text(&granted.json()["key"]))
}

async fn pay(program: &Client, sum: &str) -> Answer {
    let fields = [("to", "eve-evergreen"), ("sum", sum)];
    program.post_form("/pay", &fields).await
}

on_both_stores! {
    async fn a_program_does_what_its_owner_has_proved_elsewhere_once(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let program = program(&sidecar, &accounts);
        let refused = pay(&program, "10").await;
        assert_eq!(refused.status, 401);
        let device = device(&refused);
        let code = text(&device["user_code"]);
        assert_eq!(device["verification_uri"], format!("{ORIGIN}/.stepup/device"));
        assert_eq!(
            device["verification_uri_complete"],
            format!("{ORIGIN}/.stepup/device?user_code={code}")
        );
        let [expires_in, interval] = ["expires_in", "interval"].map(|name| device[name].as_u64().unwrap());
        assert!((590..=600).contains(&expires_in) && interval == 1, "{device}");
        assert_eq!(device["token_endpoint"], format!("{ORIGIN}{TOKEN}"));

        let pending = poll(&program, &device).await;
        assert_eq!((pending.status.as_u16(), error(&pending).as_str()), (400, "authorization_pending"));
        assert_eq!(pending.header("cache-control"), "no-store");
        let alice = person(&sidecar, &accounts, USER);
        let seen = alice.get(&format!("/.stepup/device?user_code={code}")).await.json();
        assert_eq!(seen["state"], "pending");
        assert_eq!((&seen["title"], &seen["level"]), (&json!("Pay"), &json!(4)));
        assert_eq!(seen["request"], json!(["POST", "/pay"]));
        assert_eq!(seen["bound"], json!([["to", "eve-evergreen"], ["sum", "10"]]));
        assert_eq!((&seen["from"], &seen["program"]), (&json!("127.0.0.1"), &json!("deploy-script/3.1 (by hand)")));

        let challenge = decide(&alice, &device, "approve").await;
        assert_eq!(challenge.status, 403);
        let asked = challenge.json()["challenge"].clone();
        assert_eq!((&asked["title"], &asked["level"]), (&json!("Pay"), &json!(4)));
        assert_eq!(asked["bound"], json!([["POST", "/pay"], ["to", "eve-evergreen"], ["sum", "10"]]));
        assert!(challenge.json()["device"].is_null(), "no proof for a proof");
        assert_eq!(error(&poll(&program, &device).await), "authorization_pending", "asked is not approved");
        alice.pass(&challenge).await;
        assert_eq!(pay(&alice, "10").await.status, 403, "the person has earned no grant");

        let program = keyed(&program, &device).await;
        assert_eq!(program.post("/medium").await.status, 401, "nor the program a mark");
        assert_eq!(pay(&program, "11").await.reason(), "grant-mismatch", "another request");
        assert_eq!(pay(&program, "10").await.text(), "done for alice");
        assert_eq!(pay(&program, "10").await.reason(), "grant-spent");
        assert_eq!(sidecar.got("/pay"), 1);
        assert_eq!(error(&poll(&program, &device).await), "expired_token", "taken up once");

        let steps = sidecar.events(3, |event| text(&event["event"]).starts_with("device-"));
        let told: Vec<_> = steps.iter().map(|step| (text(&step["event"]), text(&step["outcome"]))).collect();
        assert_eq!(told, [
            ("device-requested", "succeeded"), ("device-decided", "succeeded"), ("device-taken-up", "succeeded"),
        ]);
        for step in &steps {
            assert_eq!((&step["subject"], &step["action"]), (&json!(USER), &json!("pay")));
            assert_eq!(step["challenge"], steps[0]["challenge"]);
        }
        assert_eq!(steps[0]["session"], steps[2]["session"]);
        assert_ne!(steps[0]["session"], steps[1]["session"]);
        assert_eq!(steps[1]["factor"], "password");
        let dump = sidecar.dump();
        for secret in ["eve-evergreen", "(by hand)", code, &code.replace('-', "")] {
            assert!(!dump.contains(secret), "{secret} is readable in the store");
        }
    }

    async fn what_is_denied_is_over_and_locks_nothing(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        assert_eq!(decide(&alice, &device, "deny").await.json()["state"], "denied");
        for _ in 0..2 {
            let polled = poll(&program, &device).await;
            assert_eq!((polled.status.as_u16(), error(&polled).as_str()), (400, "access_denied"));
        }
        assert_eq!(decide(&alice, &device, "approve").await.json()["state"], "denied", "decided once");
        let denied = sidecar.events(1, |event| event["event"] == "device-decided");
        assert_eq!((&denied[0]["outcome"], &denied[0]["action"]), (&json!("refused"), &json!("keys.create")));
        assert_eq!(program.post("/keys").await.status, 401);
        // The next one is asked for as ever.
        let again = filed(&program, "/keys").await;
        approve(&alice, &again).await;
        assert_eq!(keyed(&program, &again).await.post("/keys").await.text(), "done for alice");
    }

    async fn a_request_ends_with_its_challenge(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts)
            .with("verification", "challenge_life: 1s\ncode_life: 1s")
            .run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        let challenge = decide(&alice, &device, "approve").await;
        let over = until("the end of the request", async || {
            let polled = poll(&program, &device).await;
            Some(polled).filter(|polled| error(polled) != "authorization_pending")
        });
        assert_eq!(error(&over.await), "expired_token");
        let late = alice.verify(&challenge.token(), ("password", PASSWORD)).await;
        assert_eq!(late.reason(), "challenge-expired");
        let gone = alice.get(&format!("/.stepup/device?user_code={}", text(&device["user_code"]))).await;
        assert_eq!(gone.status, 404);
        assert_eq!(program.post("/keys").await.status, 401);
    }

    async fn who_polls_too_fast_is_slowed_down(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).with("verification", "device_interval: 5s").run();
        let program = program(&sidecar, &accounts);
        let device = device(&program.post("/keys").await);
        assert_eq!(device["interval"], 5);
        let first = poll_once(&program, &device).await.json();
        assert_eq!((&first["error"], &first["interval"]), (&json!("authorization_pending"), &json!(5)));
        let second = poll_once(&program, &device).await;
        assert_eq!(second.status, 400);
        assert_eq!((&second.json()["error"], &second.json()["interval"]), (&json!("slow_down"), &json!(10)));
    }

    async fn a_program_opens_a_level_that_asks_for_a_fresh_session_alone(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/medium").await;
        approve(&alice, &device).await;
        let program = keyed(&program, &device).await;
        assert_eq!(program.post("/medium").await.text(), "done for alice");
        assert_eq!(program.post("/keys").await.status, 401);
    }

    async fn the_proof_is_the_very_one_that_the_route_requires(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        // A phrase to be typed.
        let device = filed(&program, "/users/42/delete").await;
        let challenge = decide(&alice, &device, "approve").await;
        assert_eq!(challenge.json()["challenge"]["confirm"], "DELETE");
        let silent = alice.verify(&challenge.token(), ("password", PASSWORD)).await;
        assert_eq!(silent.reason(), "phrase-required");
        let body = json!({ "token": challenge.token(), "factor": "password", "answer": PASSWORD, "confirm": "DELETE" });
        let passed = alice.call(Method::POST, "/.stepup/verify", body).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        let one = keyed(&program, &device).await;
        assert_eq!(one.post("/users/43/delete").await.status, 401);
        assert_eq!(one.post("/users/42/delete").await.text(), "done for alice");
        // Two factors, one after the other.
        let device = filed(&program, "/both").await;
        let challenge = decide(&alice, &device, "approve").await;
        let half = alice.verify(&challenge.token(), ("password", PASSWORD)).await;
        assert_eq!(half.json()["verified"], false, "{}", half.text());
        assert_eq!(error(&poll(&program, &device).await), "authorization_pending");
        let whole = alice.verify(&challenge.token(), ("totp", &sidecar.totp(0))).await;
        assert_eq!(whole.json()["verified"], true, "{}", whole.text());
        assert_eq!(keyed(&program, &device).await.post("/both").await.text(), "done for alice");
    }

    async fn a_refused_request_writes_nothing_and_its_first_poll_files_it(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let before = sidecar.dump();
        let device = device(&pay(&program, "10").await);
        assert_eq!(sidecar.dump(), before);
        let page = format!("/.stepup/device?user_code={}", text(&device["user_code"]));
        assert_eq!(alice.get(&page).await.status, 404, "nobody has asked yet");
        poll(&program, &device).await;
        assert_eq!(alice.get(&page).await.json()["state"], "pending");
        // As people type it.
        for typed in [text(&device["user_code"]).to_lowercase(), text(&device["user_code"]).replace('-', "")] {
            let found = alice.get(&format!("/.stepup/device?user_code={typed}")).await;
            assert_eq!(found.json()["user_code"], device["user_code"]);
        }
    }
}

/// Whether a refusal offers it.
fn offers(refused: &Answer) -> bool {
    refused.json()["device"].is_object()
}

on_both_stores! {
    async fn only_programs_that_are_known_by_a_header_are_offered_it(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let key = accounts.key(USER);
        let bearer = format!("Bearer {key}");
        for (name, value) in [("authorization", bearer.as_str()), (KEY_HEADER, key.as_str())] {
            let program = sidecar.client().header(name, value);
            assert!(offers(&program.post("/keys").await), "{name}");
            for (told, value) in [("sec-fetch-site", "same-origin"), ("origin", ORIGIN)] {
                let page = program.clone().header(told, value);
                assert!(!offers(&page.post("/keys").await), "{name} {told}");
            }
        }
        let cookie = sidecar.client();
        cookie.set_cookie(COOKIE, &accounts.sign_in(USER));
        assert!(!offers(&cookie.post("/keys").await), "a cookie is a browser's");
        // Whatever stands beside it: who has only a copy of the cookie can write that.
        for made_up in ["Bearer", "token x", "Basic !"] {
            let thief = cookie.clone().header("authorization", made_up);
            let refused = thief.post("/keys").await;
            assert_eq!(refused.reason(), "step-up-required", "{made_up}");
            assert!(!offers(&refused), "{made_up}");
        }
    }

    async fn a_program_with_the_credential_of_its_owners_page_is_approved_there(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        // One session, in which both parts wait.
        let key = accounts.key(USER);
        let [program, page] = [(); 2].map(|()| bearing(&sidecar, &key));
        let device = filed(&program, "/keys").await;
        let asked = decide(&page, &device, "approve").await;
        let proved = page.verify(&asked.token(), ("password", PASSWORD)).await;
        assert_eq!(proved.json()["verified"], true, "{}", proved.text());
        assert_eq!(keyed(&program, &device).await.post("/keys").await.text(), "done for alice");
    }

    async fn settings_and_policies_switch_it_off(store: Store) {
        let accounts = Accounts::new();
        let policy = r"
version: 1
default: forward
routes:
  - { id: off, level: 3, device: false, match: { path: /off } }
  - { id: on, level: 3, match: { path: /on } }
  - { id: strict, level: 3, preset: strict, match: { path: /strict } }
  - { id: strict-low, level: 2, preset: strict, match: { path: /strict-low } }
  - { id: approved, level: 4, show: { sum: form.sum }, approval: { by: staff }, match: { path: /approved } }
";
        let staffed = |setup: Setup| setup.policy(policy).line("groups: { staff: [bob] }").run();
        let sidecar = staffed(setup(store, &accounts));
        let asked = program(&sidecar, &accounts);
        for (path, is_offered) in [
            ("/on", true), ("/off", false), ("/strict", false), ("/strict-low", true), ("/approved", false),
        ] {
            assert_eq!(offers(&asked.post(path).await), is_offered, "{path}");
        }
        // A code from before is worth nothing after.
        let device = filed(&asked, "/on").await;
        let mut sidecar = sidecar;
        sidecar.restart_with("device_interval: 20ms", "device_interval: 20ms\n  device: false");
        assert_eq!(error(&poll(&asked, &device).await), "expired_token");
        assert!(!offers(&asked.post("/on").await));
    }
}
