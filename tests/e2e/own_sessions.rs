//! One's own sessions: seen, ended after a fresh proof, and locked; never anybody else's.

use crate::support::accounts::Accounts;
use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::mail::MailSink;
use crate::support::sidecar::{
    self, COOKIE, KEY_COOKIE, PASSWORD, Sidecar, USER, application, fresh_cookie,
};
use crate::support::store::{Store, on_both_stores};
use crate::support::tokens::Issuer;
use crate::support::upstream::{Got, Reply, answer};
use crate::support::{becomes, run};
use futures_util::future::join;
use http::Method;
use serde_json::{Value, json};

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1";

async fn log_in_with(sidecar: &Sidecar, agent: &str, user: &str) -> Client {
    let client = sidecar.script().header("user-agent", agent);
    client.log_in(user).await;
    client
}

async fn sessions(client: &Client) -> Vec<Value> {
    let answer = client.get("/.stepup/sessions").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["sessions"].as_array().unwrap().clone()
}

async fn revoke(client: &Client, body: Value) -> Answer {
    client
        .call(Method::POST, "/.stepup/sessions/revoke", body)
        .await
}

/// The same, with the proof that it asks for.
async fn revoke_with_proof(client: &Client, body: Value) -> Answer {
    let refused = revoke(client, body.clone()).await;
    assert_eq!(
        (refused.status.as_u16(), refused.reason()),
        (403, "step-up-required".into())
    );
    client.pass(&refused).await;
    revoke(client, body).await
}

/// The handle of the only other session.
async fn other(client: &Client) -> String {
    let sessions = sessions(client).await;
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    sessions[1]["session"].as_str().unwrap().to_owned()
}

async fn is_alive(client: &Client) -> bool {
    client.clone().get("/anything").await.status == 200
}

on_both_stores! {
    async fn people_know_their_sessions_by_what_is_told_of_them(store: Store) {
        let sidecar = sidecar::on(store).run();
        let phone = log_in_with(&sidecar, SAFARI, USER).await;
        let desk = log_in_with(&sidecar, FIREFOX, USER).await;
        desk.earn("/keys").await;
        let seen = sessions(&desk).await;
        let told = |number: usize, field: &str| seen[number][field].clone();
        assert_eq!(seen.len(), 2);
        for (number, current, browser, system) in [(0, true, "Firefox", "Windows"), (1, false, "Safari", "iPhone")] {
            assert_eq!(told(number, "current"), current);
            assert_eq!(told(number, "session").is_null(), current, "this one signs out");
            assert_eq!((told(number, "browser"), told(number, "system")), (json!(browser), json!(system)));
            assert_eq!(told(number, "address"), "127.0.0.1");
            assert_eq!(told(number, "place"), "app.test/login");
            assert!(told(number, "verified_until").is_string(), "both have just signed in");
        }
        assert!(told(0, "verified_until").as_str() >= told(1, "verified_until").as_str());
        // Nothing by which a session could be found in the store, and nothing of the header but two names.
        let listed: Value = serde_json::from_str(&sidecar.command(&["session", "list", "--json"])).unwrap();
        let text = json!(seen).to_string();
        for one in listed.as_array().unwrap() {
            assert!(!text.contains(&one["session"].as_str().unwrap()[..16]));
            assert_eq!(one["address"], "127.0.0.1");
        }
        assert!(!sidecar.dump().contains("Gecko"));
        let table = sidecar.command(&["session", "list", "--user", USER]);
        assert!(table.contains("Firefox, Windows, 127.0.0.1"), "{table}");
        assert_eq!(sessions(&phone).await[0]["browser"], "Safari");
    }

    async fn another_session_ends_after_a_fresh_proof_and_everywhere(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let stolen = sidecar.elevated().await;
        let handle = other(&client).await;
        let body = json!({ "session": handle });
        // A fresh sign-in is no proof, and neither is one for something else.
        client.earn("/keys").await;
        let ended = revoke_with_proof(&client, body.clone()).await;
        assert_eq!(ended.json(), json!({ "ended": 1 }));
        let refused = stolen.clone().get("/anything").await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (401, "session-revoked".into()));
        let mut dropped = refused.headers.get_all("set-cookie").iter();
        assert!(dropped.any(|line| line.to_str().unwrap().starts_with(&format!("{COOKIE}=;"))));
        for path in ["/keys", "/low", "/.stepup/lock", "/.stepup/sessions/lock"] {
            assert_eq!(stolen.clone().call(Method::POST, path, json!({})).await.status, 401, "{path}");
        }
        if store == Store::Redis {
            let another = sidecar.another();
            let there = stolen.clone().at(another.addr());
            becomes(401, async || there.clone().get("/anything").await).await;
        }
        assert!(is_alive(&client).await);
        assert_eq!(sessions(&client).await.len(), 1);
        let event = sidecar.events(1, |event| event["event"] == "session-revoked").remove(0);
        assert_eq!((&event["subject"], &event["outcome"]), (&json!(USER), &json!("succeeded")));
        assert!(event["operator"].is_null());
        // Once more it ends nothing, and within the grant it asks for nothing.
        assert_eq!(revoke(&client, body).await.json(), json!({ "ended": 0 }));
    }

    async fn all_others_end_at_once_and_the_person_is_told(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let mut others = Vec::new();
        for _ in 0..3 {
            others.push(sidecar.logged_in().await);
        }
        let body = json!({ "others": true });
        let refused = revoke(&client, body.clone()).await;
        client.pass(&refused).await;
        // Two at once end nothing twice that matters, and neither fails.
        let both = join(revoke(&client, body.clone()), revoke(&client, body));
        let (one, two) = Box::pin(both).await;
        let ended = |answer: &Answer| answer.json()["ended"].as_u64().unwrap();
        assert_eq!((one.status, two.status), (200.try_into().unwrap(), 200.try_into().unwrap()));
        assert!(ended(&one).max(ended(&two)) == 3);
        for other in &others {
            assert!(!is_alive(other).await);
        }
        assert!(is_alive(&client).await);
        let mail = MailSink::shared().wait_for_mail(&sidecar.address, 1);
        assert!(mail.text.contains("Your other sessions were ended."), "{}", mail.text);
    }

    async fn nobody_sees_or_ends_the_sessions_of_somebody_else(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "subjects: { case: sensitive }")
            .run();
        sidecar.add_user("bob", "bob@example.test", PASSWORD);
        sidecar.add_user("Alice", "other@example.test", PASSWORD);
        let alice = sidecar.logged_in().await;
        let second = sidecar.logged_in().await;
        let handle = other(&alice).await;
        for name in ["bob", "Alice"] {
            let thief = sidecar.script();
            thief.log_in(name).await;
            assert_eq!(sessions(&thief).await.len(), 1);
            let body = json!({ "session": handle });
            assert_eq!(revoke_with_proof(&thief, body).await.json(), json!({ "ended": 0 }));
            assert_eq!(revoke(&thief, json!({ "others": true })).await.json(), json!({ "ended": 0 }));
            let locked = thief.call(Method::POST, "/.stepup/sessions/lock", json!({})).await;
            assert_eq!(locked.json(), json!({ "locked": 1 }));
        }
        for client in [&alice, &second] {
            assert!(is_alive(client).await);
            assert_eq!(client.post("/low").await.status, 200);
        }
    }

    async fn the_cookie_alone_shows_and_ends_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let alice = sidecar.logged_in().await;
        let second = sidecar.logged_in().await;
        let handle = other(&alice).await;
        for key in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), Some(&*second.cookie(KEY_COOKIE).unwrap())] {
            let thief = sidecar.thief_of(&alice);
            if let Some(key) = key {
                thief.set_cookie(KEY_COOKIE, key);
            }
            let seen = thief.get("/.stepup/sessions").await;
            assert_eq!((seen.status.as_u16(), seen.reason()), (403, "step-up-required".into()));
            assert!(!seen.text().contains("127.0.0.1"));
            for body in [json!({ "session": handle }), json!({ "others": true })] {
                assert_eq!(revoke(&thief, body).await.status, 403);
            }
            let locked = thief.call(Method::POST, "/.stepup/sessions/lock", json!({})).await;
            assert_eq!(locked.status, 403);
            assert_eq!(second.post("/low").await.status, 200);
            // What she has proved in her browser is not his.
            alice.pass(&revoke(&alice, json!({ "others": true })).await).await;
            assert_eq!(revoke(&thief, json!({ "others": true })).await.status, 403);
            alice.call(Method::POST, "/.stepup/lock", json!({})).await;
        }
        assert!(is_alive(&second).await);
    }

    async fn locking_takes_what_was_proved_in_all_sessions(store: Store) {
        let sidecar = sidecar::on(store).run();
        let (one, two) = (sidecar.elevated().await, sidecar.elevated().await);
        let locked = one.call(Method::POST, "/.stepup/sessions/lock", json!({})).await;
        assert_eq!(locked.json(), json!({ "locked": 2 }));
        for client in [&one, &two] {
            assert!(is_alive(client).await);
            for path in ["/keys", "/low"] {
                assert_eq!(client.post(path).await.status, 403, "{path}");
            }
        }
        assert!(sessions(&one).await.iter().all(|one| one["verified_until"].is_null()));
        let events = sidecar.events(2, |event| event["event"] == "locked");
        assert_eq!(events.len(), 2);
    }

    async fn an_operator_locks_and_ends_them_as_well(store: Store) {
        let sidecar = sidecar::on(store).run();
        let (one, two) = (sidecar.elevated().await, sidecar.elevated().await);
        let told = sidecar.command(&["session", "lock", "--user", USER]);
        assert!(told.ends_with("2 sessions locked\n"), "{told}");
        for client in [&one, &two] {
            becomes(403, async || client.post("/keys").await).await;
            assert!(is_alive(client).await);
        }
        let told = sidecar.command(&["session", "revoke", "--user", USER]);
        assert!(told.ends_with("2 sessions revoked\n"), "{told}");
        let told = sidecar.command(&["session", "lock", "--user", USER]);
        assert!(told.ends_with("0 sessions locked, 2 had been revoked before\n"), "{told}");
        sidecar.revocations_have_arrived(&[&one, &two]).await;
    }

    async fn sessions_that_the_application_names_are_told_apart_too(store: Store) {
        let accounts = Accounts::new();
        let application = accounts.clone();
        let sidecar = sidecar::on(store)
            .application(move |got| application.answer(got))
            .with("session", "whoami: { url: /api/me, subject: { json: /user/name } }")
            .run();
        let signed_in = |name: &str, agent: &str| {
            let client = sidecar.script().header("user-agent", agent);
            client.set_cookie(COOKIE, &accounts.sign_in(name));
            client
        };
        let (phone, desk) = (signed_in("Alice", SAFARI), signed_in("alice", FIREFOX));
        // What was never seen to begin is known once something was proved in it.
        phone.earn("/keys").await;
        desk.earn("/keys").await;
        let seen = sessions(&desk).await;
        assert_eq!((seen.len(), &seen[1]["system"]), (2, &json!("iPhone")));
        assert_eq!((&seen[1]["signed_in_at"], &seen[1]["place"]), (&Value::Null, &Value::Null));
        let body = json!({ "session": seen[1]["session"] });
        assert_eq!(revoke_with_proof(&desk, body).await.json(), json!({ "ended": 1 }));
        assert!(!is_alive(&phone).await && is_alive(&desk).await);
    }

    async fn a_session_from_before_a_rotation_of_the_secret_ends_as_well(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let (one, two) = (sidecar.logged_in().await, sidecar.logged_in().await);
        sidecar.rotate_the_secret();
        assert_eq!(one.post("/keys").await.status, 403);
        // The browser is not known any more, and says so by a proof.
        let refused = one.get("/.stepup/sessions").await;
        one.pass(&refused).await;
        let body = json!({ "session": other(&one).await });
        assert_eq!(revoke(&one, body).await.json(), json!({ "ended": 1 }));
        assert!(!is_alive(&two).await && is_alive(&one).await);
    }

    async fn nothing_changes_by_a_link_or_by_another_site(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let second = sidecar.logged_in().await;
        let handle = other(&client).await;
        client.pass(&revoke(&client, json!({ "others": true })).await).await;
        let browser = sidecar.browser_of(&client);
        for query in [format!("session={handle}"), "others=yes".to_owned()] {
            let page = browser.get(&format!("/.stepup/sessions/revoke?{query}")).await;
            assert_eq!(page.status, 200);
            assert!(page.text().contains("<form method=\"post\""));
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        }
        for query in ["", "session=", "session=%22%3E%3Cscript%3E", "session=//evil.test&others=yes"] {
            let page = browser.get(&format!("/.stepup/sessions/revoke?{query}")).await;
            assert_eq!(page.status, 400, "{query}");
            assert!(!page.text().contains("evil") && !page.text().contains("<script"));
        }
        // A form without what ties it to this browser, and one with what ties it to another.
        let others = sidecar.browser_of(&second).get("/.stepup/sessions").await.hidden("anti_forgery");
        for fields in [&[("others", "yes")][..], &[("others", "yes"), ("anti_forgery", &others)]] {
            for path in ["/.stepup/sessions/revoke", "/.stepup/sessions/lock"] {
                assert_eq!(browser.post_form(path, fields).await.status, 403, "{path}");
            }
        }
        assert!(is_alive(&second).await);
    }

    async fn what_a_client_says_of_itself_is_never_markup(store: Store) {
        let sidecar = sidecar::on(store).run();
        for agent in ["<script>alert(1)</script>/1", "\"><img/src=x>", "x\u{9}y/1", &"A".repeat(4000)] {
            log_in_with(&sidecar, agent, USER).await;
        }
        let client = sidecar.logged_in().await;
        let page = sidecar.browser_of(&client).get("/.stepup/sessions").await;
        assert_eq!(page.status, 200);
        for part in ["<script", "<img", "AAAA"] {
            assert!(!page.text().contains(part), "{part}");
        }
        assert!(page.text().contains("Unknown browser"));
    }

    async fn a_session_whose_cookie_rotates_is_one_and_ends_as_one(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let rolling = sidecar.logged_in().await;
        let handle = other(&client).await;
        let old = rolling.clone();
        let before = old.cookie(COOKIE).unwrap();
        rolling.get("/rotate").await;
        assert_ne!(rolling.cookie(COOKIE).unwrap(), before);
        // The handle stays, and so does which one is this.
        assert_eq!(other(&client).await, handle);
        assert_eq!(sessions(&rolling).await[0]["current"], true);
        let late = sidecar.script();
        late.set_cookie(COOKIE, &before);
        late.set_cookie(KEY_COOKIE, &rolling.cookie(KEY_COOKIE).unwrap());
        assert_eq!(sessions(&late).await.len(), 2, "an old value is the same session");
        assert_eq!(revoke_with_proof(&client, json!({ "session": handle })).await.json(), json!({ "ended": 1 }));
        assert!(!is_alive(&rolling).await && !is_alive(&late).await);
    }

    async fn where_the_subject_is_the_key_there_is_one_session(store: Store) {
        let issuer = Issuer::start();
        let jwt = format!("jwt: {{ keys: {}, issuer: https://id.test, audience: shop }}", issuer.keys());
        let sidecar = sidecar::on(store).with("session", &jwt).with("session", "key: subject").run();
        let bearer = format!("Bearer {}", issuer.token(json!({})));
        let client = sidecar.script().header("authorization", &bearer);
        // Nothing of it is remembered before something was proved.
        let refused = client.get("/.stepup/sessions").await;
        assert_eq!(refused.reason(), "step-up-required");
        client.pass(&refused).await;
        let seen = sessions(&client).await;
        assert_eq!((seen.len(), &seen[0]["current"]), (1, &json!(true)));
        assert_eq!(revoke(&client, json!({ "others": true })).await.json(), json!({ "ended": 0 }));
        assert!(is_alive(&client).await);
    }
}

/// The usual application, with a page to sign in at.
fn with_login_page(got: &Got) -> Reply {
    match (got.method.as_str(), got.target.as_str()) {
        ("GET", "/login") => {
            let page = "<form method=post><input name=user id=user><input name=password id=password><button>In</button></form>";
            answer(200, &[("content-type", "text/html")], page)
        }
        ("POST", "/login") => {
            let cookie = format!("{COOKIE}={}; Path=/; HttpOnly", fresh_cookie());
            answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
        }
        _ => application(got),
    }
}

#[test]
fn a_person_ends_another_session_in_a_browser() {
    run(async {
        let sidecar = sidecar::on(Store::Redis)
            .without("public_url")
            .application(with_login_page)
            .run();
        let thief = sidecar.script().host(&sidecar.addr().to_string());
        let phone = thief.header("user-agent", SAFARI);
        phone.log_in(USER).await;
        let browser = Browser::open().await;
        let url = |path: &str| format!("http://{}{path}", sidecar.addr());
        browser.goto(&url("/login")).await.unwrap();
        browser.fill("#user", USER).await;
        browser.fill("#password", "App-pass-1!").await;
        browser.click("button").await;
        browser.read("done").await;

        browser.goto(&url("/.stepup/sessions")).await.unwrap();
        let page = browser.read("Safari on iPhone").await;
        for told in [
            "Your sessions",
            "Chrome on Linux",
            "this one",
            "“sid” is from",
            "“stepgate” is for confirmations",
        ] {
            assert!(page.contains(told), "{told} is missing in {page}");
        }
        assert_eq!(browser.pictures("sessions").await[0], 0);
        browser.click("form[action$='/revoke'] button").await;
        browser.read("Confirm that it’s you").await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        // What will end is named once more, and one button ends it.
        let page = browser.read("Safari on iPhone").await;
        assert!(!page.contains("Chrome on Linux"), "{page}");
        browser.pictures("sessions-end").await;
        assert_eq!(phone.clone().get("/anything").await.status, 200);
        browser.click("form[action$='/revoke'] button").await;
        let page = browser.read("1 session has ended").await;
        assert!(!page.contains("Safari on iPhone"), "{page}");
        assert_eq!(phone.clone().get("/anything").await.status, 401);
        // Within the same proof the rest takes one press.
        browser.click("form[action$='/lock'] button").await;
        browser.read("All confirmations are forgotten").await;
    });
}
