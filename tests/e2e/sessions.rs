//! Sessions, learned from an application that knows nothing of us.

use crate::support::becomes;
use crate::support::client::Client;
use crate::support::sidecar::{
    self, COOKIE, KEY_COOKIE, PASSWORD, POLICY, USER, application, fresh_cookie, now_secs,
};
use crate::support::stepgate;
use crate::support::store::on_both_stores;
use crate::support::upstream::{Got, Reply, answer};
use serde_json::json;
use std::time::Duration;

/// Nothing of an elevation is left, though the session may be known.
async fn assert_bare(client: &Client) {
    for path in ["/keys", "/proven", "/settings", "/low"] {
        let answer = client.post(path).await;
        assert!(
            [401, 403].contains(&answer.status.as_u16()),
            "{path}: {}",
            answer.status
        );
    }
}

/// An application that remembers people with a second cookie.
fn two_cookies(got: &Got) -> Reply {
    let cookie = |name| format!("{name}={}; Path=/", fresh_cookie());
    let (session, remembered) = (cookie("sid"), cookie("remembered"));
    let (session, remembered) = (("set-cookie", &*session), ("set-cookie", &*remembered));
    match got.target.as_str() {
        "/login" if got.method == "POST" => {
            answer(302, &[("location", "/home"), session, remembered], "")
        }
        _ => application(got),
    }
}

/// An application with a login for every sign by which a success is told.
fn signs(got: &Got) -> Reply {
    let fresh = format!("sid={}; Path=/", fresh_cookie());
    let cookie = ("set-cookie", fresh.as_str());
    let worked = got.target.ends_with("?worked");
    match got.target.split('?').next().unwrap_or_default() {
        "/by-status" if worked => answer(204, &[cookie], ""),
        "/by-location" if worked => answer(302, &[cookie, ("location", "/inbox/7")], ""),
        "/by-location" => answer(302, &[cookie, ("location", "/login?failed")], ""),
        "/by-body" if worked => answer(200, &[cookie], "<h1>Welcome back</h1>"),
        "/by-no-body" if worked => answer(200, &[cookie], "fine"),
        "/by-header" if worked => answer(200, &[cookie, ("x-user", "Alice")], ""),
        "/by-cookie" if worked => {
            let name = ("set-cookie", "who=\"Alice\"; Path=/");
            answer(200, &[cookie, name], "")
        }
        "/by-json" if worked => answer(200, &[cookie], r#"{"user":{"name":"Alice"}}"#),
        path if path.starts_with("/by-") => {
            answer(200, &[("set-cookie", "sid=anonymous")], "Wrong password")
        }
        _ => application(got),
    }
}

/// An application that sets its session's cookie with every answer, and takes every value that it set.
fn rolling(got: &Got) -> Reply {
    let fresh = format!("{COOKIE}={}; Path=/; HttpOnly", fresh_cookie());
    match got.target.as_str() {
        "/login" if got.method == "POST" => {
            answer(302, &[("location", "/home"), ("set-cookie", &fresh)], "")
        }
        _ if got.header("cookie").contains(COOKIE) => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &fresh)],
            "done",
        ),
        _ => answer(200, &[], "done"),
    }
}

const SIGNS: &[&str] = &[
    "{ path: /by-status, subject: { form: user }, success: { status: [201, 204] } }",
    "{ path: /by-location, subject: { json: /who/name }, success: { status: 302, location: '/inbox/.*' } }",
    "{ path: /by-body, subject: { form: user }, success: { status: 200, body: 'Welcome' } }",
    "{ path: /by-no-body, subject: { form: user }, success: { status: 200, not_body: 'Wrong' } }",
    "{ path: /by-header, subject: { response_header: x-user }, success: { status: 200, cookie: sid } }",
    "{ path: /by-cookie, subject: { response_cookie: who }, success: { status: 200, cookie: sid } }",
    "{ path: /by-json, subject: { response_json: /user/name }, success: { status: 200, cookie: sid } }",
];

on_both_stores! {
    async fn a_login_is_told_by_each_declared_sign(store: Store) {
        let sidecar = sidecar::on(store).application(signs).logins(SIGNS).run();
        for path in ["/by-status", "/by-location", "/by-body", "/by-no-body", "/by-header", "/by-cookie", "/by-json"] {
            let client = sidecar.script();
            let log_in = async |how: &str| match path {
                "/by-location" => {
                    let body = json!({ "who": { "name": USER }, "password": "App-pass-1!" });
                    client.call(http::Method::POST, &format!("{path}{how}"), body).await
                }
                _ => client.post_form(&format!("{path}{how}"), &[("user", USER), ("password", "App-pass-1!")]).await,
            };
            log_in("").await;
            assert_eq!(client.cookie(KEY_COOKIE), None, "{path}: a failed login is none");
            let answer = client.post("/low").await;
            assert!(["session-required", "session-disputed"].contains(&answer.reason().as_str()), "{path}");
            // Whoever is sent back to the form is shown it.
            client.get("/login?failed").await;
            let worked = log_in("?worked").await;
            if path == "/by-body" {
                assert_eq!(worked.text(), "<h1>Welcome back</h1>", "the page is not cut");
            }
            let answer = client.post("/low").await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        }
        let events = sidecar.events(7, |event| event["event"] == "login-observed");
        assert!(events.iter().all(|event| event["subject"] == USER), "{events:#?}");
    }

    async fn a_failed_login_is_often_a_200_and_is_no_login(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.script();
        let wrong = client.post_form("/login?wrong", &[("user", USER), ("password", "App-pass-1!")]).await;
        assert_eq!(wrong.status, 200);
        assert!(client.cookie(COOKIE).is_some() && client.cookie(KEY_COOKIE).is_none());
        let refused = client.post("/low").await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (401, "session-required".into()));
    }

    async fn the_log_tells_what_kept_a_login_from_being_one(store: Store) {
        let sidecar = sidecar::on(store).application(signs).logins(SIGNS).run();
        let client = sidecar.script();
        client.post_form("/by-location", &[("user", USER), ("password", "App-pass-1!")]).await;
        client.post_form("/by-status", &[("user", USER), ("password", "App-pass-1!")]).await;
        client.post_form("/by-some-other-path?token=hidden", &[("user", USER), ("password", "App-pass-1!")]).await;
        let process = sidecar.process();
        process.wait_for_line("\"status\":302,\"missing\":\"location\"");
        process.wait_for_line("\"status\":200,\"missing\":\"status\"");
        let elsewhere = process.wait_for_line("a session cookie was set, and this is no declared login");
        assert!(elsewhere.contains("\"path\":\"/by-some-other-path\""), "{elsewhere}");
        assert!(!sidecar.log().contains("token=hidden"));
    }

    async fn a_failed_login_on_a_living_session_carries_nothing_over(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        client.post_form("/login?wrong", &[("user", "bob"), ("password", "App-pass-1!")]).await;
        assert_bare(&client).await;
    }

    async fn an_undeclared_login_carries_no_proof_along(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let before = client.cookie(COOKIE);
        // As after a callback, a second form, a link in a mail, or remember-me.
        client.get("/rotate").await;
        assert_ne!(client.cookie(COOKIE), before);
        for path in ["/keys", "/proven", "/settings", "/low"] {
            let refused = client.post(path).await;
            assert_eq!(refused.status, 403, "{path}");
        }
        // The session is known still, and its subject may prove themselves anew.
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn what_was_proved_goes_along_where_the_settings_say_so(store: Store) {
        let sidecar = sidecar::on(store).with("session", "rotation: { proofs: keep }").run();
        let client = sidecar.elevated().await;
        let (old, key) = (client.cookie(COOKIE).unwrap(), client.cookie(KEY_COOKIE).unwrap());
        client.get("/rotate").await;
        for path in ["/keys", "/proven", "/low"] {
            assert_eq!(client.post(path).await.status, 200, "{path}");
        }
        // Requests that are under way with the old cookie pass for a while, and with what it had alone.
        client.earn("/email").await;
        assert_eq!(client.post("/email").await.status, 200);
        let late = sidecar.script();
        late.set_cookie(COOKIE, &old);
        late.set_cookie(KEY_COOKIE, &key);
        assert_eq!(late.post("/keys").await.status, 200);
        assert_eq!(late.post("/email").await.status, 403);
        // A logout ends them all.
        client.post("/logout").await;
        assert_eq!(late.post("/keys").await.reason(), "session-required");
    }

    async fn where_every_answer_sets_the_cookie_proofs_and_parallel_requests_go_on(store: Store) {
        let sidecar = sidecar::on(store).application(rolling).run();
        let client = sidecar.logged_in().await;
        for _ in 0..4 {
            client.get("/page").await;
        }
        let refused = client.post("/keys").await;
        // As browsers ask for an icon, and other tabs for news, while somebody reads the prompt.
        for path in ["/favicon.ico", "/news"] {
            client.get(path).await;
        }
        client.pass(&refused).await;
        assert_eq!(client.post("/keys").await.status, 200);
        let answered = client.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!(answered.reason(), "challenge-expired", "taken once, under every value");
        // Six requests with one cookie, each answered with a successor of its own.
        let browsers: Vec<_> = (0..6).map(|_| client.clone()).collect();
        let pages = browsers.iter().map(|browser| browser.get("/page"));
        futures_util::future::join_all(pages).await;
        for browser in &browsers {
            assert_eq!(browser.post("/keys").await.status, 200);
        }
        // And the old one, in a frame that was slow.
        assert_eq!(client.post("/keys").await.status, 200);
        let listed = sidecar.command(&["session", "list", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
        // Whichever is revoked, all are.
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.revocations_have_arrived(&browsers.iter().chain([&client]).collect::<Vec<_>>()).await;
    }

    async fn one_grant_is_spent_once_by_all_values_of_a_cookie(store: Store) {
        let sidecar = sidecar::on(store).application(rolling).with("session", "rotation: { proofs: keep }").run();
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        let browsers: Vec<_> = (0..5).map(|_| client.clone()).collect();
        for browser in &browsers {
            browser.get("/page").await;
        }
        let paying = browsers.iter().chain([&client]).map(|browser| browser.post("/pay"));
        let paid = futures_util::future::join_all(paying).await;
        assert_eq!(paid.iter().filter(|answer| answer.status == 200).count(), 1);
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn where_every_answer_sets_the_cookie_it_is_no_sign_of_a_login(store: Store) {
        let sidecar = sidecar::on(store).application(rolling).run();
        let owner = sidecar.logged_in().await;
        let first = owner.cookie(COOKIE).unwrap();
        for _ in 0..80 {
            owner.get("/page").await;
        }
        // A value that is long forgotten here, and taken by the application.
        let thief = sidecar.script();
        thief.set_cookie(COOKIE, &first);
        let mallory = [("user", "mallory"), ("password", "refused")];
        assert_eq!(thief.post_form("/login", &mallory).await.status, 302);
        assert_eq!(thief.cookie(KEY_COOKIE), None);
        assert_eq!(thief.post("/keys").await.reason(), "session-disputed");
        sidecar.process().wait_for_line("somebody may have been signed in to the session");
    }

    async fn another_user_on_the_same_cookie_voids_everything(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let cookie = client.cookie(COOKIE);
        client.post_form("/login?same", &[("user", "bob"), ("password", "App-pass-1!")]).await;
        assert_eq!(client.cookie(COOKIE), cookie);
        // The application may have let him in, or sent on whoever was signed in: it is nobody's.
        for path in ["/keys", "/proven", "/settings", "/pay", "/low"] {
            client.set_cookie(COOKIE, cookie.as_ref().unwrap());
            let refused = client.post(path).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (401, "session-disputed".into()), "{path}");
            assert_eq!(client.cookie(COOKIE), None, "the person can sign in anew");
        }
        // However often it is tried.
        client.set_cookie(COOKIE, cookie.as_ref().unwrap());
        for user in [USER, "bob", "bob"] {
            client.post_form("/login?same", &[("user", user), ("password", "any")]).await;
        }
        assert_eq!(client.post("/low").await.reason(), "session-disputed");
        // Without the cookie the application must have looked at the password.
        client.log_in("bob").await;
        assert_eq!(client.post("/low").await.status, 200);
        let events = sidecar.events(1, |event| event["path"] == "/low" && event["outcome"] == "forwarded");
        assert_eq!(events[0]["subject"], "bob");
    }

    async fn the_same_user_again_on_the_same_cookie_drops_what_was_earned(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        client.post_form("/login?same", &[("user", USER), ("password", "App-pass-1!")]).await;
        assert_eq!(client.post("/keys").await.status, 403);
    }

    async fn a_challenge_does_not_outlive_its_subject(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        client.post_form("/login?same", &[("user", "bob"), ("password", "App-pass-1!")]).await;
        let password = PASSWORD;
        let answer = client.verify(&refused.token(), ("password", password)).await;
        assert_eq!(answer.reason(), "session-disputed");
    }

    async fn a_new_cookie_without_a_declared_login_is_not_fresh(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.script();
        client.get("/revive").await;
        assert!(client.cookie(COOKIE).is_some());
        assert_eq!(client.post("/low").await.reason(), "session-required");
        let stranger = sidecar.script();
        stranger.set_cookie(COOKIE, "made-up");
        assert_eq!(stranger.post("/keys").await.reason(), "session-required");
        assert_eq!(sidecar.got("/low") + sidecar.got("/keys"), 0);
    }

    async fn a_logout_drops_everything(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let cookie = client.cookie(COOKIE).unwrap();
        client.post("/logout").await;
        assert_eq!(client.cookie(COOKIE), None);
        // An application that forgets nothing at logout would still take the old cookie.
        client.set_cookie(COOKIE, &cookie);
        assert_bare(&client).await;
        let event = &sidecar.events(1, |event| event["event"] == "logout-observed")[0];
        assert_eq!(event["outcome"], "succeeded");
    }

    async fn a_doubled_session_cookie_is_refused(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let (cookie, key) = (client.cookie(COOKIE).unwrap(), client.cookie(KEY_COOKIE).unwrap());
        for line in [
            format!("sid={cookie}; stepgate={key}; sid=other"),
            format!("sid=other; sid={cookie}; stepgate={key}"),
            format!("sid={cookie}; stepgate={key}; SID=other"),
            format!("sid={cookie}; stepgate={key}; s%69d=other"),
        ] {
            let mut request = client.request(http::Method::POST, "/keys", "");
            request.headers_mut().insert("cookie", line.parse().unwrap());
            let answer = client.send(request).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (400, "ambiguous-request".into()), "{line}");
        }
        assert_eq!(sidecar.got("/keys"), 1);
    }

    async fn a_cookie_with_another_credential_is_another_session(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let mixed = client.clone().header("authorization", "Bearer somebody-else");
        let answer = mixed.post("/keys").await;
        assert_eq!((answer.status.as_u16(), answer.reason()), (401, "session-required".into()));
        assert!(answer.header("www-authenticate").starts_with("Bearer error=\"invalid_token\""));
        assert_eq!(sidecar.got("/keys"), 1);
    }

    async fn without_a_session_programs_hear_401_and_people_get_the_login_page(store: Store) {
        let sidecar = sidecar::on(store).run();
        let script = sidecar.script().post("/keys").await;
        assert_eq!((script.status.as_u16(), script.reason()), (401, "session-required".into()));
        assert_eq!(script.header("www-authenticate"), "Bearer");
        assert_eq!(script.header("step-up"), "deny");
        assert_eq!(script.json()["code"], "SESSION_REQUIRED");
        assert_eq!(script.json()["login_url"], "/login");
        assert!(script.json().get("challenge").is_none());
        let person = sidecar.browser().get("/secrets").await;
        assert_eq!((person.status.as_u16(), person.header("location")), (303, "/login"));
        let posted = sidecar.browser().post("/keys").await;
        assert_eq!(posted.status, 401);
        assert!(posted.text().contains("href=\"/login\""), "{}", posted.text());
        assert_eq!(sidecar.upstream().got().len(), 0);
    }

    async fn a_session_ends_after_its_lifetime(store: Store) {
        let sidecar = sidecar::on(store).with("session", "lifetime: 4s").run();
        let client = sidecar.elevated().await;
        let thief = sidecar.thief_of(&client);
        let over = becomes(401, async || client.get("/anything").await).await;
        assert_eq!(over.reason(), "session-timed-out");
        let guarded = thief.post("/keys").await;
        assert_eq!((guarded.status.as_u16(), guarded.reason()), (401, "session-timed-out".into()));
    }

    async fn an_idle_session_ends_and_a_busy_one_does_not(store: Store) {
        let sidecar = sidecar::on(store).with("session", "idle: 2s").run();
        let client = sidecar.logged_in().await;
        // Silence is the thing itself, and asking whether it was long enough would end it.
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            assert_eq!(client.get("/anything").await.status, 200, "it is busy");
        }
        tokio::time::sleep(Duration::from_millis(2100)).await;
        let over = client.get("/anything").await;
        assert_eq!((over.status.as_u16(), over.reason()), (401, "session-timed-out".into()));
        // The person can log in again: the dead cookie is taken from the browser.
        assert_eq!(client.cookie(COOKIE), None, "{:?}", over.headers);
        client.log_in(USER).await;
        assert_eq!(client.post("/low").await.status, 200);
    }

    async fn a_revoked_session_is_refused_everywhere_at_once(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let other = sidecar.elevated().await;
        let listed: serde_json::Value =
            serde_json::from_str(&sidecar.command(&["session", "list", "--json"])).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 2);
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.revocations_have_arrived(&[&client, &other]).await;
        let again = sidecar.command(&["session", "revoke", "--user", USER]);
        assert_eq!(again, "0 sessions revoked, 2 had been before\n");
        let of_nobody = stepgate::run(&sidecar.dir, &["session", "revoke", "--user", "alicf"]);
        assert_eq!(of_nobody.status.code(), Some(1));
        let before = sidecar.upstream().got().len();
        for client in [&client, &other] {
            for path in ["/keys", "/low", "/anything", "/"] {
                let answer = client.clone().get(path).await;
                assert_eq!((answer.status.as_u16(), answer.reason()), (401, "session-revoked".into()), "{path}");
                let answer = client.clone().post(path).await;
                assert_eq!(answer.reason(), "session-revoked", "{path}");
            }
        }
        assert_eq!(sidecar.upstream().got().len(), before);
        // An added header makes no new session of it, and a rotation does not bring it back.
        let mixed = client.clone().header("authorization", "Bearer x").get("/anything").await;
        assert_eq!(mixed.status, 401);
        // The person loses the cookie with the answer, and can log in again.
        let browser = sidecar.browser_of(&client);
        let away = browser.get("/notes").await;
        assert_eq!((away.status.as_u16(), away.header("location")), (303, "/login"));
        assert_eq!(browser.cookie(COOKIE), None);
        assert_eq!(browser.get("/home").await.status, 200);
        browser.log_in(USER).await;
        assert_eq!(browser.post("/low").await.status, 200);
    }

    async fn a_revoked_session_stays_refused_while_the_secret_is_rotated(store: Store) {
        let mut sidecar = sidecar::on(store).with("session", "cookies: [sid, remembered]").application(two_cookies).run();
        let client = sidecar.logged_in().await;
        let alone = sidecar.thief_of(&client);
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.rotate_the_secret();
        sidecar.revocations_have_arrived(&[&client, &alone]).await;
        let doubled = client.header("cookie", "sid=other");
        assert_eq!(doubled.get("/anything").await.status, 401);
    }

    async fn a_login_is_believed_of_its_own_browser_alone_while_the_secret_is_rotated(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let (client, robbed) = (sidecar.elevated().await, sidecar.elevated().await);
        let thief = sidecar.thief_of(&robbed);
        sidecar.rotate_the_secret();
        // As an application answers whoever is logged in already.
        let same = [("user", USER), ("password", "any")];
        assert_eq!(thief.post_form("/login?same", &same).await.status, 302);
        assert_bare(&thief).await;
        let refused = client.post("/low").await;
        assert_eq!(refused.reason(), "session-not-fresh");
        // Nor does its own browser make it fresh by a login that nobody may have looked at.
        assert_eq!(client.post_form("/login?same", &same).await.status, 302);
        let refused = client.post("/low").await;
        assert_eq!(refused.reason(), "session-not-fresh");
    }

    async fn a_revoked_session_is_refused_to_each_of_its_cookies_alone(store: Store) {
        let sidecar = sidecar::on(store).with("session", "cookies: [sid, remembered]").application(two_cookies).run();
        let (client, rotated) = (sidecar.logged_in().await, sidecar.logged_in().await);
        assert_eq!(rotated.get("/rotate").await.status, 200);
        let mut alone = Vec::new();
        for client in [&client, &rotated] {
            for other in ["sid", "remembered"] {
                let thief = sidecar.thief_of(client);
                let remembered = client.cookie("remembered").unwrap();
                thief.set_cookie("remembered", &remembered);
                thief.drop_cookie(other);
                assert_eq!(thief.clone().get("/anything").await.status, 200);
                alone.push(thief);
            }
        }
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.revocations_have_arrived(&[&client, &rotated]).await;
        sidecar.revocations_have_arrived(&alone.iter().collect::<Vec<_>>()).await;
        // The person loses both with the answer, and can log in again.
        let browser = sidecar.browser_of(&client);
        assert_eq!(browser.get("/notes").await.status, 303);
        browser.log_in(USER).await;
        assert_eq!(browser.post("/low").await.status, 200);
    }

    async fn a_revocation_leaves_those_alone_who_send_the_same_authorization(store: Store) {
        let sidecar = sidecar::on(store).run();
        // As of a site behind one name and password for everybody.
        let shared = ("authorization", "Basic c3RhZ2U6c3RhZ2U=");
        let browser = || sidecar.script().header(shared.0, shared.1);
        let (revoked, other) = (browser(), browser());
        for browser in [&revoked, &other] {
            browser.get("/login").await;
        }
        revoked.log_in(USER).await;
        other.log_in("bob").await;
        sidecar.command(&["session", "revoke", "--user", USER]);
        sidecar.revocations_have_arrived(&[&revoked]).await;
        assert_eq!(other.get("/anything").await.status, 200);
        assert_eq!(browser().get("/anything").await.status, 200);
    }

    async fn a_trusted_proxy_says_who_it_is_and_when_they_signed_in(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "headers: { subject: remote-user, authenticated_at: x-auth-time }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let now = now_secs();
        let says = |user: &str, at: u64| {
            sidecar.script().header("remote-user", user).header("x-auth-time", &at.to_string())
        };
        assert_eq!(says(USER, now).post("/low").await.status, 200);
        assert_eq!(sidecar.upstream().last().header("remote-user"), USER);
        let stale = says(USER, now - 3600).post("/low").await;
        assert_eq!(stale.reason(), "session-not-fresh");
        let high = says(USER, now).post("/keys").await;
        assert_eq!(high.reason(), "step-up-required");
        // Verified as one subject, worth nothing as another.
        let client = says(USER, now - 3600);
        client.earn("/proven").await;
        assert_eq!(client.post("/proven").await.status, 200);
        let other = says("bob", now - 3600);
        other.set_cookie(KEY_COOKIE, &client.cookie(KEY_COOKIE).unwrap());
        assert_eq!(other.post("/proven").await.status, 403);
    }

    async fn a_proxy_that_names_another_subject_for_a_known_cookie_voids_everything(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "headers: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let alice = sidecar.script().header("remote-user", USER);
        alice.set_cookie(COOKIE, "the-same");
        alice.earn("/keys").await;
        assert_eq!(alice.post("/keys").await.status, 200);
        let bob = sidecar.script().header("remote-user", "bob");
        for name in [COOKIE, KEY_COOKIE] {
            bob.set_cookie(name, &alice.cookie(name).unwrap());
        }
        assert_eq!(bob.post("/keys").await.status, 403);
        assert_eq!(bob.post("/proven").await.status, 403);
    }

    async fn session_key_subject_follows_a_cookie_that_changes_with_every_answer(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "key: subject\nheaders: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .application(|_| answer(200, &[("set-cookie", &format!("sid={:?}", std::time::Instant::now()).replace([' ', '{', '}', ',', ':'], ""))], "done"))
            .run();
        let client = sidecar.script().header("remote-user", USER);
        client.earn("/keys").await;
        for _ in 0..3 {
            assert_eq!(client.post("/keys").await.status, 200);
        }
        // Another browser of the same subject has earned nothing.
        let elsewhere = sidecar.script().header("remote-user", USER);
        assert_eq!(elsewhere.post("/keys").await.status, 403);
    }

    async fn a_logout_voids_what_the_subject_has_proved_in_its_browser(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "key: subject\nheaders: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let client = sidecar.script().header("remote-user", USER);
        client.earn("/keys").await;
        // In another browser, or of another subject, it is no logout of this one.
        let elsewhere = sidecar.script().header("remote-user", USER);
        elsewhere.post("/logout").await;
        let other = sidecar.script().header("remote-user", "bob");
        other.set_cookie(KEY_COOKIE, &client.cookie(KEY_COOKIE).unwrap());
        other.post("/logout").await;
        for path in ["/keys", "/proven", "/settings"] {
            assert_eq!(client.post(path).await.status, 200, "{path}");
        }
        client.post("/logout").await;
        for path in ["/keys", "/proven", "/settings"] {
            assert_eq!(client.post(path).await.status, 403, "{path}");
        }
        assert_eq!(sidecar.events(3, |event| event["event"] == "logout-observed").len(), 3);
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn rule_6_identity_headers_and_ours_do_not_survive_from_the_client(store: Store) {
        let sidecar = sidecar::on(store)
            .line("identity_headers: [x-secret-user]")
            .run();
        let client = sidecar.script();
        for name in [
            "remote-user", "x-remote-user", "x-forwarded-user", "x-secret-user", "x_secret_user",
            "x.secret-user", "step-up-level", "step_up_level", "x-stepgate-user",
        ] {
            let mut request = client.request(http::Method::GET, "/plain", "");
            request.headers_mut().insert(name, "alice".parse().unwrap());
            client.send(request).await;
            let got = sidecar.upstream().last();
            assert!(got.headers.values().all(|value| value != "alice"), "{name} survives");
        }
        // Nobody is trusted by default: no word of a stranger makes a session.
        let stranger = sidecar.script().header("remote-user", USER);
        assert_eq!(stranger.post("/low").await.reason(), "session-required");
    }

    async fn set_cookie_lines_keep_their_order_and_the_host_is_kept(store: Store) {
        let sidecar = sidecar::on(store)
            .application(|_| answer(200, &[("set-cookie", "b=1"), ("set-cookie", "a=2"), ("set-cookie", "b=3")], ""))
            .policy(POLICY)
            .run();
        let client = sidecar.script();
        let answer = client.get("/").await;
        let lines: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
        assert_eq!(lines, ["b=1", "a=2", "b=3"]);
        let got = sidecar.upstream().last();
        assert_eq!((got.header("host"), got.header("x-forwarded-proto")), ("app.test", "http"));
    }
}
