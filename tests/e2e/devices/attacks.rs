//! What somebody tries who has a part of it: the device code, the user code, the program's key, or a lost session.

use super::{
    GRANT_TYPE, TOKEN, approve, bearing, decide, device, error, filed, keyed, pay, person, poll,
    poll_once, program, setup, text,
};
use crate::support::accounts::Accounts;
use crate::support::client::Client;
use crate::support::run;
use crate::support::sidecar::{COOKIE, PASSWORD, USER};
use crate::support::store::{Store, on_both_stores};
use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use std::fs;

const OTHER: &str = "mallory";
const OTHER_PASSWORD: &str = "Mallory-own-pass-2!";

/// How the owner, or whoever has the token, ends a session.
async fn end(client: &Client, how: &str) {
    let ended = match how {
        "lock" => client.call(Method::POST, "/.stepup/lock", json!({})).await,
        _ => {
            client
                .call(Method::POST, "/.stepup/sign-out", json!({}))
                .await
        }
    };
    assert!(
        [200, 303].contains(&ended.status.as_u16()),
        "{how}: {}",
        ended.text()
    );
}

on_both_stores! {
    async fn a_code_of_somebody_else_is_no_code_at_all(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        sidecar.add_user(OTHER, "mallory@example.test", OTHER_PASSWORD);
        let program = program(&sidecar, &accounts);
        let device = filed(&program, "/keys").await;
        let mallory = person(&sidecar, &accounts, OTHER);
        let page = format!("/.stepup/device?user_code={}", text(&device["user_code"]));
        let unknown = "/.stepup/device?user_code=BCDF-GHJK";
        for path in [page.as_str(), unknown] {
            let nothing = mallory.get(path).await;
            assert_eq!((nothing.status.as_u16(), nothing.reason()), (404, "not-found".into()));
        }
        for decision in ["approve", "deny"] {
            assert_eq!(decide(&mallory, &device, decision).await.status, 404);
        }
        assert_eq!(error(&poll(&program, &device).await), "authorization_pending");
        // A thief with a key of the victim's approves it in a session of his own, where it is nobody's.
        approve(&person(&sidecar, &accounts, USER), &device).await;
        assert_eq!(keyed(&program, &device).await.post("/keys").await.text(), "done for alice");
    }

    async fn codes_are_counted_before_they_are_looked_for(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts)
            .with("verification", "limits: { session: { attempts: 3, window: 15m } }")
            .run();
        let device = filed(&program(&sidecar, &accounts), "/keys").await;
        let alice = person(&sidecar, &accounts, USER);
        let right = format!("/.stepup/device?user_code={}", text(&device["user_code"]));
        for wrong in ["BCDF-GHJK", "nonsense", "BCDF-GHJL"] {
            assert_eq!(alice.get(&right).await.json()["state"], "pending", "a right one costs nothing");
            assert_eq!(alice.get(&format!("/.stepup/device?user_code={wrong}")).await.status, 404);
        }
        let barred = alice.get(&right).await;
        assert_eq!((barred.status.as_u16(), barred.reason()), (429, "too-many-attempts".into()));
        assert!(barred.header("retry-after").parse::<u32>().unwrap() > 0);
        assert_eq!(decide(&alice, &device, "approve").await.status, 429);
        // In a session of theirs that guessed nothing they are not shut out.
        let elsewhere = person(&sidecar, &accounts, USER);
        assert_eq!(elsewhere.get(&right).await.json()["state"], "pending");
    }

    async fn a_device_code_is_of_no_use_without_the_session_that_it_was_given(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (owner, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&owner, "/keys").await;
        approve(&alice, &device).await;
        let strangers = [
            bearing(&sidecar, &accounts.key(OTHER)),
            // Another key of the same person.
            bearing(&sidecar, &accounts.key(USER)),
        ];
        for stranger in strangers {
            let polled = poll_once(&stranger, &device).await;
            assert_eq!((polled.status.as_u16(), error(&polled).as_str()), (400, "invalid_grant"));
        }
        let nobody = poll_once(&sidecar.client(), &device).await;
        assert_eq!((nobody.status.as_u16(), nobody.reason()), (401, "session-required".into()));
        // A page of the owner's own has nothing to do here.
        let script = owner.clone().header("sec-fetch-site", "same-origin");
        assert_eq!(poll_once(&script, &device).await.reason(), "cross-site");
        // The challenge's own token is no device code, nor the code of a form that was spoilt.
        let token = owner.post("/keys").await.token();
        let code = text(&device["device_code"]);
        let (head, tail) = code.split_at(code.len() / 2);
        let spoilt = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
        for wrong in [token.as_str(), &spoilt, "x", ""] {
            let polled = poll_once(&owner, &json!({ "device_code": wrong })).await;
            assert!(["invalid_grant", "invalid_request"].contains(&error(&polled).as_str()), "{wrong}");
        }
        for (fields, expected) in [
            (&[("grant_type", "authorization_code"), ("device_code", code)][..], "unsupported_grant_type"),
            (&[("device_code", code)], "invalid_request"),
            (&[("grant_type", GRANT_TYPE), ("device_code", code), ("device_code", "x")], "invalid_request"),
        ] {
            assert_eq!(error(&owner.post_form(TOKEN, fields).await), expected);
        }
        let body = json!({ "grant_type": GRANT_TYPE, "device_code": code, "client_id": "any" });
        let granted = owner.call(Method::POST, TOKEN, body).await;
        assert_eq!(granted.json()["verified"], true, "{}", granted.text());
        // The key belongs to the session that it was given.
        let stolen = text(&granted.json()["key"]).to_owned();
        let thief = bearing(&sidecar, &accounts.key(USER)).header("step-up-key", &stolen);
        assert_eq!(thief.post("/keys").await.status, 401);
        assert_eq!(owner.post("/keys").await.status, 401, "without the key");
        assert_eq!(owner.clone().header("step-up-key", &stolen).post("/keys").await.status, 200);
    }

    async fn of_many_polls_at_once_one_gets_the_key(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).with("verification", "device_interval: 1ms").run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        approve(&alice, &device).await;
        let polls = (0..20).map(|_| async { poll_once(&program.clone(), &device).await });
        let polled = join_all(polls).await;
        let keys: Vec<_> = polled.iter().filter(|polled| polled.status == 200).collect();
        let errors: Vec<_> = polled.iter().filter(|polled| polled.status != 200).map(error).collect();
        assert!(errors.iter().all(|error| ["expired_token", "slow_down"].contains(&error.as_str())), "{errors:?}");
        assert!(keys.len() <= 1, "{} keys", keys.len());
        let key = match keys.first() {
            Some(granted) => text(&granted.json()["key"]).to_owned(),
            None => panic!("nobody got it: {errors:?}"),
        };
        assert_eq!(program.header("step-up-key", &key).post("/keys").await.status, 200);
    }

    async fn a_request_outlasts_the_sidecar_that_filed_it(store: Store) {
        let accounts = Accounts::new();
        let mut sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        sidecar.restart();
        approve(&alice, &device).await;
        sidecar.restart();
        assert_eq!(keyed(&program, &device).await.post("/keys").await.status, 200);
        assert_eq!(error(&poll(&program, &device).await), "expired_token");
    }

    async fn what_is_approved_twice_is_approved_once(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        let [one, other] = [decide(&alice, &device, "approve").await, decide(&alice, &device, "approve").await];
        alice.pass(&one).await;
        let late = alice.verify(&other.token(), ("password", PASSWORD)).await;
        assert_eq!(late.reason(), "challenge-expired");
        assert_eq!(decide(&alice, &device, "deny").await.json()["state"], "approved", "decided once");
        assert_eq!(decide(&alice, &device, "approve").await.json()["state"], "approved");
        let decided = sidecar.events(1, |event| event["event"] == "device-decided");
        assert_eq!(decided.len(), 1);
        keyed(&program, &device).await;
        // A proof that was asked for before the request was denied.
        let device = filed(&program, "/keys").await;
        let asked = decide(&alice, &device, "approve").await;
        decide(&alice, &device, "deny").await;
        assert_eq!(alice.verify(&asked.token(), ("password", PASSWORD)).await.reason(), "challenge-expired");
        assert_eq!(error(&poll(&program, &device).await), "access_denied");
    }

    async fn a_request_ends_with_either_session(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        for how in ["lock", "sign-out"] {
            for is_program in [true, false] {
                for is_approved in [true, false] {
                    let program = program(&sidecar, &accounts);
                    let alice = person(&sidecar, &accounts, USER);
                    let device = filed(&program, "/keys").await;
                    let asked = decide(&alice, &device, "approve").await;
                    if is_approved {
                        alice.pass(&asked).await;
                    }
                    end(if is_program { &program } else { &alice }, how).await;
                    let case = format!("{how}, program: {is_program}, approved: {is_approved}");
                    if is_program || is_approved {
                        let polled = poll(&program, &device).await;
                        let refusals = ["expired_token", ""];
                        assert!(refusals.contains(&error(&polled).as_str()), "{case}: {}", polled.text());
                        assert_ne!(polled.status, 200, "{case}");
                    }
                    if is_program && !is_approved {
                        let late = alice.verify(&asked.token(), ("password", PASSWORD)).await;
                        assert_eq!(late.reason(), "challenge-expired", "{case}");
                    }
                    assert_ne!(program.post("/keys").await.status, 200, "{case}");
                }
            }
        }
    }

    async fn a_revoked_session_takes_nothing_up(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        approve(&alice, &device).await;
        // The owner ends all others, the program's among them, in a browser of theirs.
        let browser = person(&sidecar, &accounts, USER);
        let asked = browser.call(Method::POST, "/.stepup/sessions/revoke", json!({ "others": true })).await;
        browser.pass(&asked).await;
        let ended = browser.call(Method::POST, "/.stepup/sessions/revoke", json!({ "others": true })).await;
        assert_eq!(ended.status, 200, "{}", ended.text());
        let polled = poll(&program, &device).await;
        assert_eq!((polled.status.as_u16(), polled.reason()), (401, "session-revoked".into()));

        // The other way round: the session in which it was approved.
        let another = super::program(&sidecar, &accounts);
        let device = filed(&another, "/keys").await;
        let approver = person(&sidecar, &accounts, USER);
        approve(&approver, &device).await;
        let list = browser.get("/.stepup/sessions").await.json();
        let sessions = list["sessions"].as_array().unwrap();
        assert!(sessions.len() >= 3, "{list}");
        for session in sessions.iter().filter(|session| session["current"] == false) {
            // The program's own is known by what it says it is.
            if session["browser"] == "deploy-script" {
                continue;
            }
            let body = json!({ "session": session["session"] });
            let revoked = browser.call(Method::POST, "/.stepup/sessions/revoke", body).await;
            assert_eq!(revoked.status, 200, "{}", revoked.text());
        }
        assert_eq!(error(&poll(&another, &device).await), "expired_token");
    }

    async fn another_subject_in_either_session_voids_it(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        approve(&alice, &device).await;
        accounts.sign_in_to(&alice.cookie(COOKIE).unwrap(), OTHER);
        // The sidecar learns of it with the next request of that browser.
        alice.post("/keys").await;
        let polled = poll(&program, &device).await;
        assert_eq!(error(&polled), "expired_token", "{}", polled.text());
    }

    async fn the_policy_in_force_decides_what_a_proof_is_worth(store: Store) {
        let accounts = Accounts::new();
        let policy = |level: u8, factors: &str| format!(
            "version: 1\ndefault: forward\nroutes:\n  - {{ id: keys, level: {level}, factors: [{factors}], match: {{ path: /keys }} }}\n"
        );
        let sidecar = setup(store, &accounts).policy(&policy(3, "password")).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        let asked = decide(&alice, &device, "approve").await;
        approve(&alice, &device).await;
        let path = sidecar.path("policies").read_dir().unwrap().next().unwrap().unwrap().path();
        fs::write(path, policy(3, "totp")).unwrap();
        sidecar.process().signal("HUP");
        sidecar.events(2, |event| event["event"] == "policies-loaded" || event["event"] == "started");
        crate::support::until("the new policy", async || {
            let refused = program.post("/keys").await.json();
            (refused["challenge"]["factors"] == json!([["totp"]])).then_some(())
        })
        .await;
        assert_eq!(alice.verify(&asked.token(), ("password", PASSWORD)).await.status, 403);
        assert_eq!(error(&poll(&program, &device).await), "expired_token");
        assert_eq!(program.post("/keys").await.status, 401);
    }

    async fn a_program_asks_for_a_few_proofs_at_once_and_no_more(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts)
            .with("verification", "limits: { devices_in_session: { attempts: 2, window: 15m }, devices: { attempts: 3, window: 15m } }")
            .run();
        let alice = person(&sidecar, &accounts, USER);
        let first = program(&sidecar, &accounts);
        let kept = filed(&first, "/keys").await;
        filed(&first, "/keys").await;
        let barred = poll(&first, &device(&first.post("/keys").await)).await;
        assert_eq!((barred.status.as_u16(), barred.reason()), (429, "too-many-attempts".into()));
        let second = program(&sidecar, &accounts);
        filed(&second, "/keys").await;
        let barred = poll(&second, &device(&second.post("/keys").await)).await;
        assert_eq!(barred.status, 429, "of all sessions of one person");
        // What is taken up is no question any more.
        approve(&alice, &kept).await;
        let first = keyed(&first, &kept).await;
        assert_eq!(first.post("/keys").await.status, 200);
        filed(&first, "/medium").await;
    }

    async fn other_pages_decide_nothing(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let device = filed(&program, "/keys").await;
        let code = text(&device["user_code"]);
        let browser = sidecar.browser_of(&alice);
        let page = browser.get(&format!("/.stepup/device?user_code={code}")).await;
        let anti_forgery = page.hidden("anti_forgery");
        for decision in ["approve", "deny"] {
            let body = json!({ "user_code": code, "decision": decision });
            let evil = alice.clone().header("origin", "https://evil.test");
            assert_eq!(evil.call(Method::POST, "/.stepup/device", body).await.reason(), "cross-site");
            let fields = [("user_code", code), ("decision", decision)];
            assert_eq!(browser.post_form("/.stepup/device", &fields).await.status, 403, "without a token");
            let fields = [("user_code", code), ("decision", decision), ("anti_forgery", anti_forgery.as_str())];
            let other = person(&sidecar, &accounts, USER);
            let other = sidecar.browser_of(&other);
            assert_eq!(other.post_form("/.stepup/device", &fields).await.status, 403, "of another browser");
        }
        // A mail scanner, or a browser that fetches ahead, follows links.
        for query in ["&decision=approve", "&decision=deny", "&approve"] {
            browser.get(&format!("/.stepup/device?user_code={code}{query}")).await;
        }
        assert_eq!(error(&poll(&program, &device).await), "authorization_pending");
        assert_eq!(pay(&program, "1").await.status, 401);
    }
}

#[test]
fn of_polls_at_two_sidecars_one_gets_the_key() {
    run(async {
        let accounts = Accounts::new();
        let setup = setup(Store::Redis, &accounts);
        let sidecar = setup.with("verification", "device_interval: 1ms").run();
        let other = sidecar.another();
        let program = program(&sidecar, &accounts);
        let alice = person(&sidecar, &accounts, USER);
        let device = filed(&program, "/keys").await;
        approve(&alice.at(other.addr()), &device).await;
        let polls = (0..20).map(|number| {
            let program = program.clone();
            let there = if number % 2 == 0 {
                program
            } else {
                program.at(other.addr())
            };
            let device = &device;
            async move { poll_once(&there, device).await }
        });
        let polled = join_all(polls).await;
        let granted = polled.iter().filter(|polled| polled.status == 200);
        assert_eq!(granted.count(), 1);
    });
}
