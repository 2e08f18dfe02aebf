//! The application names its user: whoever it acts for must have proved it, whatever the settings say of
//! logins and whatever else a thief carries.

use crate::support::accounts::{Accounts, KEY_HEADER, Mood, REMEMBER};
use crate::support::client::{Answer, Client};
use crate::support::mail::MailSink;
use crate::support::raw::RawConnection;
use crate::support::sidecar::{self, COOKIE, HOST, KEY_COOKIE, PASSWORD, Setup, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, text};
use futures_util::future::join_all;
use http::Method;
use std::time::{Duration, Instant};

/// The thief, who has a password of his own, and a session.
const THIEF: &str = "mallory";
const THIEF_PASSWORD: &str = "Mallory-own-pass-2!";

const WHOAMI: &str =
    "whoami: { url: /api/me, subject: { json: /user/name }, email: { json: /user/mail } }";

/// In front of an application that can be asked; `whoami` says how.
fn asking(store: Store, accounts: &Accounts, whoami: &str) -> Setup {
    let application = accounts.clone();
    sidecar::on(store)
        .application(move |got| application.answer(got))
        .with("session", whoami)
}

fn run(store: Store, accounts: &Accounts, whoami: &str) -> Sidecar {
    let sidecar = asking(store, accounts, whoami).run();
    sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
    sidecar
}

/// Somebody with a session that the application knows and we do not.
fn with_session(sidecar: &Sidecar, accounts: &Accounts, name: &str) -> Client {
    let client = sidecar.script();
    client.set_cookie(COOKIE, &accounts.sign_in(name));
    client
}

/// Logs in by the form.
async fn log_in(client: &Client, name: &str, password: &str) -> Answer {
    client
        .post_form("/login", &[("user", name), ("password", password)])
        .await
}

/// A thief who is signed in as himself, and has proved it for `/keys` and `/settings`.
async fn proven_thief(sidecar: &Sidecar) -> Client {
    let thief = sidecar.script();
    assert_eq!(log_in(&thief, THIEF, "right").await.status, 302);
    let refused = thief.post("/keys").await;
    let own = ("password", THIEF_PASSWORD);
    let passed = thief.verify(&refused.token(), own).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    // The second is open to whoever has proved anything in the session.
    for path in ["/keys", "/settings"] {
        assert_eq!(thief.post(path).await.text(), "done for mallory");
    }
    thief
}

/// What the thief holds and can prove opens nothing that the application would do for the victim.
async fn assert_shut(thief: &Client) {
    for path in ["/keys", "/settings", "/pay"] {
        let refused = thief.post(path).await;
        assert_ne!(refused.status, 200, "{path}: {}", refused.text());
        if refused.json()["challenge"].is_object() {
            let own = ("password", THIEF_PASSWORD);
            let wrong = thief.verify(&refused.token(), own).await;
            assert_ne!(wrong.status, 200, "{path}: his own password counts");
            assert_ne!(thief.post(path).await.status, 200, "{path}");
        }
    }
}

/// An application that takes a key in a body for the one in the header.
fn taking_keys_in_bodies(accounts: &Accounts, got: &Got) -> Reply {
    if !["/keys", "/settings", "/pay"].contains(&got.target.as_str()) {
        return accounts.answer(got);
    }
    let accounts = accounts.clone();
    Reply::ByBody(Box::new(move |got| {
        let mut got = got.clone();
        let body = String::from_utf8_lossy(&got.body).into_owned();
        let mut parts = body.split(['"', '=']);
        if let Some(key) = parts.find(|part| accounts.knows_key(part)) {
            got.headers.insert(KEY_HEADER, key.parse().unwrap());
        }
        accounts.answer(&got)
    }))
}

on_both_stores! {
    async fn who_was_signed_in_before_we_came_is_challenged_and_passes(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let client = with_session(&sidecar, &accounts, USER);
        assert_eq!(client.get("/page").await.text(), "done for alice");
        assert_eq!(sidecar.got("/api/me"), 0, "an unguarded request costs no question");
        for path in ["/low", "/keys"] {
            let refused = client.post(path).await;
            assert_eq!(refused.status, 403, "{path}: {}", refused.text());
            client.pass(&refused).await;
            assert_eq!(client.post(path).await.text(), "done for alice");
        }
        let pay = client.post("/pay").await;
        client.pass(&pay).await;
        assert_eq!(client.post("/pay").await.text(), "done for alice");
        assert_eq!(client.post("/pay").await.reason(), "grant-spent");
    }

    async fn a_question_carries_all_that_the_application_may_know_somebody_by(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let client = sidecar.script()
            .header("user-agent", "Mine/1.0")
            .header("accept-language", "de")
            .header("x-unheard-of", "kept")
            .header("x-http-method-override", "DELETE")
            .header("if-none-match", "\"1\"")
            .header("accept-encoding", "gzip")
            .header("x-request-id", "mine");
        client.set_cookie(COOKIE, &accounts.sign_in(USER));
        client.set_cookie("odd", "\"a b\\054\"");
        let body = serde_json::json!({ "x": 1 });
        let refused = client.call(Method::POST, "/keys?a=1&access_token=t%2F1", body).await;
        // The token is a credential of its own, of which the application knows nothing here.
        assert_eq!(refused.status, 403, "{}", refused.text());
        let got = sidecar.upstream().got();
        let asked = got.iter().find(|got| got.target.starts_with("/api/me")).unwrap();
        assert_eq!(asked.target, "/api/me?access_token=t%2F1");
        assert_eq!((asked.method.as_str(), asked.body.len()), ("GET", 0));
        assert!(asked.header("cookie").contains("odd=\"a b\\054\""));
        assert!(!asked.header("cookie").contains(KEY_COOKIE));
        assert_eq!(asked.header("user-agent"), "Mine/1.0");
        assert_eq!(asked.header("accept-language"), "de");
        assert_eq!(asked.header("x-unheard-of"), "kept");
        assert_eq!(asked.header("x-forwarded-for"), "127.0.0.1");
        assert!(asked.header("accept").starts_with("application/json"));
        for gone in ["x-http-method-override", "if-none-match", "accept-encoding", "content-type", "content-length"] {
            assert_eq!(asked.header(gone), "", "{gone}");
        }
    }

    async fn a_stolen_credential_beside_the_thiefs_own_opens_nothing(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        // A key of the victim's, in a header that the settings do not name.
        let thief = proven_thief(&sidecar).await;
        assert_shut(&thief.clone().header(KEY_HEADER, &accounts.key(USER))).await;
        // With it gone, he is himself again.
        assert_eq!(thief.post("/keys").await.text(), "done for mallory");
        // Her remember-me cookie, once his own session is over for the application.
        let thief = proven_thief(&sidecar).await;
        accounts.sign_out(&thief.cookie(COOKIE).unwrap());
        thief.set_cookie(REMEMBER, &accounts.remember(USER));
        assert_shut(&thief).await;
        let victims = sidecar.upstream().got().into_iter();
        let mut guarded = victims.filter(|got| ["/keys", "/settings", "/pay"].contains(&got.target.as_str()));
        assert!(guarded.all(|got| !got.headers.contains_key(KEY_HEADER) && !got.header("cookie").contains(REMEMBER)));
    }

    async fn a_request_must_name_one_person_by_each_of_its_credentials(store: Store) {
        // Its answer knows people by the key first, its pages by the cookie alone; and the other way round.
        for prefers_key in [true, false] {
            let accounts = Accounts::new();
            let application = accounts.clone();
            let sidecar = sidecar::on(store)
                .application(move |got| {
                    let mut got = got.clone();
                    let is_question = got.target.starts_with("/api/me");
                    if is_question == prefers_key {
                        if got.headers.contains_key(KEY_HEADER) {
                            got.headers.remove("cookie");
                        }
                    } else if got.headers.contains_key("cookie") {
                        got.headers.remove(KEY_HEADER);
                    }
                    application.answer(&got)
                })
                .with("session", WHOAMI)
                .run();
            sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
            let (hers, his) = (accounts.sign_in(USER), accounts.sign_in(THIEF));
            for (cookie, key) in [(&hers, accounts.key(THIEF)), (&his, accounts.key(USER))] {
                let thief = sidecar.script().header(KEY_HEADER, &key);
                thief.set_cookie(COOKIE, cookie);
                assert_shut(&thief).await;
                assert_eq!(thief.post("/keys").await.reason(), "subject-mismatch");
            }
            // One person by both is that person.
            let client = sidecar.script().header(KEY_HEADER, &accounts.key(USER));
            client.set_cookie(COOKIE, &hers);
            let refused = client.post("/keys").await;
            client.pass(&refused).await;
            assert_eq!(client.post("/keys").await.text(), "done for alice");
        }
    }

    async fn a_request_without_cookies_must_name_one_person_by_each_of_its_credentials(store: Store) {
        // Tokens and keys of accounts, where one of them comes first: to what it answers, and to what it does.
        for (first, second) in [("authorization", KEY_HEADER), (KEY_HEADER, "authorization"), ("x-api-key", KEY_HEADER), (KEY_HEADER, "x-api-key"), ("x-api-key", "authorization")] {
            let accounts = Accounts::new();
            let application = accounts.clone();
            let sidecar = sidecar::on(store)
                .application(move |got| {
                    let mut got = got.clone();
                    let order = if got.target.starts_with("/api/me") { [first, second] } else { [second, first] };
                    let key = order.iter().find_map(|name| got.headers.get(*name).cloned());
                    if let Some(key) = key {
                        got.headers.insert(KEY_HEADER, key);
                    }
                    application.answer(&got)
                })
                .with("session", WHOAMI)
                .run();
            sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
            let thief = sidecar.script().header(first, &accounts.key(THIEF)).header(second, &accounts.key(USER));
            assert_shut(&thief).await;
            assert_eq!(thief.post("/keys").await.reason(), "subject-mismatch");
            let client = sidecar.script().header(first, &accounts.key(USER)).header(second, &accounts.key(USER));
            let refused = client.post("/keys").await;
            client.pass(&refused).await;
            assert_eq!(client.post("/keys").await.text(), "done for alice");
        }
    }

    async fn a_key_of_which_no_question_tells_opens_nothing(store: Store) {
        for named in [true, false] {
            let accounts = Accounts::new();
            let application = accounts.clone();
            let mut setup = sidecar::on(store)
                .application(move |got| taking_keys_in_bodies(&application, got))
                .with("session", WHOAMI);
            if named {
                setup = setup.with("session", "credentials: { query: [key], json: [/auth] }");
            }
            let sidecar = setup.run();
            sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
            let thief = proven_thief(&sidecar).await;
            let hers = accounts.key(USER);
            for path in ["/keys", "/settings", "/pay"] {
                // RFC 6750 §2.2: counts without being named.
                let mut refused = vec![thief.post_form(path, &[("access_token", &hers)]).await];
                if named {
                    refused.push(thief.post_form(path, &[("key", &hers)]).await);
                    let json = serde_json::json!({ "auth": hers });
                    refused.push(thief.call(Method::POST, path, json).await);
                }
                for refused in refused {
                    assert_eq!(refused.status, 403, "{named} {path}: {}", refused.text());
                    assert!(!refused.json()["challenge"].is_object(), "{named} {path}: {}", refused.text());
                }
            }
            // Nor is a question a handshake, in which many take a token as the subprotocol.
            let socket = thief.clone().header("sec-websocket-protocol", &format!("bearer, {hers}"));
            let refused = socket.post("/keys").await;
            assert_eq!(refused.status, 403, "{named}: {}", refused.text());
            assert!(!refused.json()["challenge"].is_object(), "{named}: {}", refused.text());
            // Without it he is himself.
            assert_eq!(thief.post_form("/keys", &[("other", "1")]).await.text(), "done for mallory");
        }
    }

    async fn who_is_asked_about_by_each_credential_meets_no_dead_end(store: Store) {
        // It wants to know of which shop each request is.
        let accounts = Accounts::new();
        let application = accounts.clone();
        let sidecar = sidecar::on(store)
            .application(move |got| match got.header("x-shop") {
                "" => text(400, "of which shop?"),
                _ => application.answer(got),
            })
            .with("session", WHOAMI)
            .run();
        let client = with_session(&sidecar, &accounts, USER).header("x-shop", "one");
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(client.post("/keys").await.text(), "done for alice");
    }

    async fn a_stolen_cookie_that_signs_in_again_makes_no_login(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        for name in [THIEF, USER] {
            let thief = sidecar.script();
            thief.set_cookie(REMEMBER, &accounts.remember(USER));
            // The application revives her, whatever he types.
            assert_eq!(log_in(&thief, name, "wrong").await.status, 302);
            assert_eq!(thief.post("/low").await.status, 403, "he is not signed in afresh as {name}");
            assert_shut(&thief).await;
        }
        assert_eq!(sidecar.got("/low"), 0);
    }

    async fn a_login_is_fresh_if_nobody_was_signed_in_before(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let client = sidecar.script();
        assert_eq!(log_in(&client, USER, "wrong").await.status, 200);
        assert_eq!(client.post("/low").await.status, 401);
        assert_eq!(log_in(&client, USER, "right").await.status, 302);
        assert_eq!(client.post("/low").await.text(), "done for alice");
        // Typed as the application takes it, and as it names itself elsewhere.
        let client = sidecar.script();
        assert_eq!(log_in(&client, "alice@shop.test", "right").await.status, 302);
        assert_eq!(client.post("/low").await.text(), "done for alice");
        // Again within the session: no fresher, and what was earned is gone.
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(log_in(&client, USER, "right").await.status, 302);
        assert_eq!(client.post("/low").await.status, 403);
        assert_eq!(client.post("/keys").await.status, 403);
        // Signed in before we came, and logging in as somebody else: it is whoever the application says.
        let client = with_session(&sidecar, &accounts, USER);
        assert_eq!(log_in(&client, THIEF, "right").await.status, 302);
        assert_eq!(client.post("/low").await.status, 403);
        assert_shut(&client).await;
    }

    async fn whoever_signs_in_is_fresh_where_every_answer_sets_the_cookie(store: Store) {
        let accounts = Accounts::new();
        accounts.set(Mood::Rolling);
        let sidecar = asking(store, &accounts, WHOAMI).with("session", "rotation: { proofs: keep }").run();
        let client = sidecar.script();
        client.get("/login").await;
        // What the login page does by itself, a wrong password, and the right one.
        client.post("/visits").await;
        client.get("/news").await;
        assert_eq!(log_in(&client, USER, "wrong").await.status, 200);
        client.post("/visits").await;
        // Refused, and asked about: the answer to the question sets the cookie too.
        assert_eq!(client.post("/keys").await.reason(), "session-required");
        assert_eq!(log_in(&client, USER, "right").await.status, 302);
        assert_eq!(client.post("/low").await.text(), "done for alice");
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        for _ in 0..5 {
            client.get("/page").await;
            assert_eq!(client.post("/keys").await.text(), "done for alice");
        }
    }

    async fn a_callback_is_a_login_of_whom_the_application_names(store: Store) {
        let accounts = Accounts::new();
        let callback = "{ match: { methods: [GET], path: /callback, query: { code: present } }, \
                          subject: whoami, success: { status: 302, cookie: sid } }";
        let sidecar = asking(store, &accounts, WHOAMI).logins(&[callback]).run();
        let client = sidecar.script();
        // Many give guests a cookie before they send them to the provider.
        client.set_cookie(COOKIE, "of-a-guest");
        assert_eq!(client.get("/callback?code=alice").await.status, 302);
        assert_eq!(client.post("/low").await.text(), "done for alice");
        let keys = client.post("/keys").await;
        client.pass(&keys).await;
        assert_eq!(client.post("/keys").await.text(), "done for alice");
        let events = sidecar.events(1, |event| event["event"] == "login-observed");
        assert_eq!(events[0]["subject"], USER, "the code is nobody");
    }

    async fn a_subject_that_changes_under_one_cookie_voids_everything(store: Store) {
        let accounts = Accounts::new();
        let whoami = WHOAMI.replace("subject: {", "keep: 0s, subject: {");
        let sidecar = run(store, &accounts, &whoami);
        let client = sidecar.script();
        log_in(&client, USER, "right").await;
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        for path in ["/keys", "/settings"] {
            assert_eq!(client.post(path).await.text(), "done for alice");
        }
        // "Log in as", of which no setting knows; and back.
        assert_eq!(client.post("/become?mallory").await.status, 200);
        let refused = client.post("/keys").await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (403, "subject-mismatch"));
        assert_ne!(client.verify(&refused.token(), ("password", PASSWORD)).await.status, 200);
        assert_eq!(client.post("/become?alice").await.status, 200);
        assert_eq!(client.post("/settings").await.status, 403, "the proofs came back");
    }

    async fn no_answer_is_kept_over_a_request_that_may_change_the_subject(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let client = sidecar.script();
        log_in(&client, USER, "right").await;
        let refused = client.post("/pay").await;
        client.pass(&refused).await;
        // Asked a moment ago, with the very same headers.
        assert_eq!(client.get("/secrets").await.status, 403);
        let pay = || client.post("/pay");
        client.post("/become?mallory").await;
        let refused = pay().await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (403, "subject-mismatch"));
        assert_eq!(sidecar.got("/pay"), 0);
    }

    async fn no_spelling_of_a_request_that_changes_the_subject_keeps_the_former_answer(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        for (header, cookies) in [
            ("x-api-key", "sid={}"),
            ("authorization", "sid={}"),
            ("x-plain", "sid={}; back=/login?sid=5"),
            ("x-plain", "back=sid=5; sid={}"),
        ] {
            let thief = proven_thief(&sidecar).await;
            let cookies = cookies.replace("{}", &thief.cookie(COOKIE).unwrap());
            // Asked a moment ago, with the very same headers.
            assert_eq!(thief.get("/secrets").await.status, 403);
            let mut other = RawConnection::open(sidecar.addr()).await;
            let become_her = format!(
                "POST /become?alice HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n{header}: x\r\nContent-Length: 0\r\n\r\n"
            );
            other.write(become_her).await;
            assert!(other.read_head().await.starts_with("HTTP/1.1 200 "), "{header}: {cookies}");
            let refused = thief.post("/keys").await;
            assert_eq!(refused.status, 403, "{header}: {cookies}: {}", refused.text());
            assert_eq!(refused.reason(), "subject-mismatch");
        }
    }

    async fn no_answer_of_before_counts_at_another_sidecar(store: Store) {
        if store == Store::Embedded {
            return;
        }
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let other = sidecar.another();
        let thief = proven_thief(&sidecar).await;
        // Asked a moment ago, here.
        assert_eq!(thief.get("/secrets").await.status, 403);
        let sid = thief.cookie(COOKIE).unwrap();
        let mut there = RawConnection::open(other.addr()).await;
        there.write(format!("POST /become?alice HTTP/1.1\r\nHost: {HOST}\r\nCookie: sid={sid}\r\nContent-Length: 0\r\n\r\n")).await;
        assert!(there.read_head().await.starts_with("HTTP/1.1 200 "));
        let refused = thief.post("/keys").await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert_eq!(refused.reason(), "subject-mismatch");
    }

    async fn no_answer_is_kept_while_a_request_may_change_the_subject(store: Store) {
        let accounts = Accounts::new();
        let application = accounts.clone();
        let sidecar = sidecar::on(store)
            .application(move |got| match got.target.as_str() {
                "/late" => Reply::Hang,
                _ => application.answer(got),
            })
            .with("session", WHOAMI)
            .run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let thief = proven_thief(&sidecar).await;
        let sid = thief.cookie(COOKIE).unwrap();
        let mut late = RawConnection::open(sidecar.addr()).await;
        late.write(format!("POST /late HTTP/1.1\r\nHost: {HOST}\r\nCookie: sid={sid}\r\nContent-Length: 0\r\n\r\n")).await;
        while sidecar.got("/late") == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(thief.get("/secrets").await.status, 403);
        // He goes away, and the application does what he asked for all the same.
        drop(late);
        assert_eq!(thief.get("/secrets").await.status, 403);
        accounts.sign_in_to(&sid, USER);
        let refused = thief.post("/keys").await;
        assert_eq!((refused.status.as_u16(), refused.reason().as_str()), (403, "subject-mismatch"));
    }

    async fn nobody_signs_in_while_the_body_of_a_confirmed_request_is_still_to_come(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let thief = proven_thief(&sidecar).await;
        let cookies = [COOKIE, KEY_COOKIE].map(|name| format!("{name}={}", thief.cookie(name).unwrap()));
        let head = |length: usize| {
            format!(
                "POST /keys HTTP/1.1\r\nHost: {HOST}\r\nCookie: {}\r\nContent-Length: {length}\r\n\r\n",
                cookies.join("; ")
            )
        };
        let before = sidecar.got("/keys");
        let mut slow = RawConnection::open(sidecar.addr()).await;
        slow.write(head(4)).await;
        slow.write("a=").await;
        // He signs in to the same session as somebody else, in a way of which no setting knows.
        thief.post("/become?alice").await;
        slow.write("12").await;
        let answer = slow.read_head().await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        // Nor does a body help that is too long to be waited for.
        let mut long = RawConnection::open(sidecar.addr()).await;
        long.write(head(1 << 20)).await;
        let answer = long.read_head().await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert_eq!(sidecar.got("/keys"), before);
    }

    async fn a_session_that_changes_hands_in_the_middle_of_a_challenge_earns_nothing(store: Store) {
        let accounts = Accounts::new();
        let whoami = WHOAMI.replace("subject: {", "keep: 0s, subject: {");
        let sidecar = run(store, &accounts, &whoami);
        let client = with_session(&sidecar, &accounts, USER);
        let refused = client.post("/keys").await;
        client.post("/become?mallory").await;
        for (_, password) in [("alice", PASSWORD), (THIEF, THIEF_PASSWORD)] {
            let answered = client.verify(&refused.token(), ("password", password)).await;
            assert_eq!(answered.reason(), "challenge-expired");
        }
        assert_eq!(client.post("/keys").await.status, 403);
        assert_eq!(sidecar.got("/keys"), 0);
    }

    async fn an_answer_that_cannot_be_had_shuts_guarded_routes_and_no_others(store: Store) {
        let accounts = Accounts::new();
        let whoami = WHOAMI.replace("subject: {", "deadline: 300ms, keep: 0s, nobody: { location: '/login.*' }, subject: {");
        let sidecar = run(store, &accounts, &whoami);
        let client = with_session(&sidecar, &accounts, USER);
        let refused = client.post("/pay").await;
        client.pass(&refused).await;
        for mood in [
            Mood::Silent,
            Mood::Stubborn(500, "{}"),
            Mood::Stubborn(404, "{}"),
            Mood::Redirecting("/maintenance"),
        ] {
            accounts.set(mood);
            for path in ["/pay", "/keys"] {
                let shut = client.post(path).await;
                assert_eq!((shut.status.as_u16(), shut.reason().as_str()), (503, "subject-unavailable"), "{mood:?}");
                assert!(!shut.header("retry-after").is_empty());
            }
            assert_eq!(client.get("/page").await.text(), "done for alice");
        }
        // The log says where it was asked.
        let line = sidecar.process().wait_for_line("it answered 404");
        assert!(line.contains("asked at `/api/me`") && line.contains("is its `url` in the settings right?"), "{line}");
        for mood in [Mood::Stubborn(200, "<html>"), Mood::Stubborn(401, "{}"), Mood::Redirecting("/login?next=/")] {
            accounts.set(mood);
            assert_eq!(client.post("/pay").await.reason(), "session-required", "{mood:?}");
        }
        accounts.set(Mood::Honest);
        assert_eq!(client.post("/pay").await.text(), "done for alice", "nothing was spent");
    }

    async fn a_dangerous_path_that_no_question_is_for_is_shut(store: Store) {
        let accounts = Accounts::new();
        let whoami = WHOAMI.replace("url:", "for: /low, url:");
        let sidecar = run(store, &accounts, &whoami);
        let client = sidecar.script();
        log_in(&client, USER, "right").await;
        for path in ["/keys", "/pay"] {
            let shut = client.post(path).await;
            assert_eq!((shut.status.as_u16(), shut.reason().as_str()), (503, "subject-unavailable"), "{path}");
        }
        assert_eq!(client.get("/page").await.text(), "done for alice");
    }

    async fn the_cookies_of_an_answer_are_for_whoever_asked_alone(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        accounts.set(Mood::Renewing);
        let cookie = accounts.sign_in(USER);
        // Many with the very same headers, and one question.
        let clients: Vec<_> = (0..20).map(|_| sidecar.script()).collect();
        let all = join_all(clients.iter().map(|client| {
            client.set_cookie(COOKIE, &cookie);
            client.get("/secrets")
        }));
        for answer in all.await {
            assert_eq!(answer.status, 403, "{}", answer.text());
        }
        let renewed: Vec<_> = clients.iter().filter_map(|client| client.cookie(COOKIE)).collect();
        let mut fresh: Vec<_> = renewed.iter().filter(|value| **value != cookie).collect();
        let count = fresh.len();
        fresh.sort_unstable();
        fresh.dedup();
        assert!(count >= 1 && fresh.len() == count, "{count} clients got {} cookies", fresh.len());
    }

    async fn nobody_is_sent_to_the_login_page(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let client = sidecar.script();
        client.set_cookie(COOKIE, "of-nobody");
        assert_eq!(client.post("/keys").await.reason(), "session-required");
        let browser = sidecar.browser();
        browser.set_cookie(COOKIE, "of-nobody");
        let sent = browser.get("/secrets").await;
        assert_eq!((sent.status.as_u16(), sent.header("location")), (303, "/login"));
        assert_eq!(sidecar.script().post("/keys").await.reason(), "session-required");
    }

    async fn a_cookie_that_the_question_renews_reaches_the_client_with_its_session(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        accounts.set(Mood::Renewing);
        let client = with_session(&sidecar, &accounts, USER);
        let before = client.cookie(COOKIE);
        let refused = client.post("/keys").await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        assert_ne!(client.cookie(COOKIE), before);
        client.pass(&refused).await;
        let before = client.cookie(COOKIE);
        assert_eq!(client.post("/keys").await.text(), "done for alice");
        assert_ne!(client.cookie(COOKIE), before);
        assert_eq!(client.post("/keys").await.text(), "done for alice");
    }

    async fn many_at_once_are_asked_for_once(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, &WHOAMI.replace("subject: {", "keep: 5s, subject: {"));
        let client = with_session(&sidecar, &accounts, USER);
        let refused = client.get("/secrets").await;
        client.pass(&refused).await;
        let before = sidecar.got("/api/me");
        let all = join_all((0..50).map(|_| client.get("/secrets"))).await;
        assert!(all.iter().all(|answer| answer.text() == "done for alice"));
        assert!(sidecar.got("/api/me") <= before + 1, "{before} before");
    }

    async fn a_client_with_many_slow_questions_keeps_nobody_else_from_theirs(store: Store) {
        let accounts = Accounts::new();
        let application = accounts.clone();
        let sidecar = sidecar::on(store)
            .application(move |got| {
                let is_slow = got.target == "/api/me" && got.header("cookie").contains("sid=slow");
                if is_slow { Reply::Hang } else { application.answer(got) }
            })
            .with("session", &WHOAMI.replace("url:", "deadline: 4s, url:"))
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let from = |address: &str, cookie: &str| {
            let client = sidecar.script().header("x-forwarded-for", address);
            client.set_cookie(COOKIE, cookie);
            client
        };
        let slow: Vec<_> = (0..80).map(|number| from("192.0.2.1", &format!("slow{number}"))).collect();
        let slow = join_all(slow.iter().map(|client| client.get("/secrets")));
        let other = from("192.0.2.2", &accounts.sign_in(USER));
        let others = async {
            sidecar.upstream().wait_for(16).await;
            let begun = Instant::now();
            let refused = other.get("/secrets").await;
            let got = sidecar.upstream().got().into_iter();
            let theirs = got.filter(|got| got.header("cookie").contains("sid=slow"));
            assert_eq!(theirs.count(), 16);
            (refused.status.as_u16(), begun.elapsed())
        };
        let (slow, (status, took)) = tokio::join!(slow, others);
        assert_eq!(status, 403);
        assert!(took < Duration::from_secs(2), "{took:?}");
        assert!(slow.iter().all(|answer| answer.reason() == "subject-unavailable"));
    }

    async fn limits_reach_unguarded_requests_of_whom_the_application_names(store: Store) {
        let accounts = Accounts::new();
        let sidecar = asking(store, &accounts, WHOAMI)
            .with("session", "key: subject\nidle: 2s")
            .run();
        let client = with_session(&sidecar, &accounts, USER);
        client.earn("/keys").await;
        assert_eq!(client.get("/page").await.text(), "done for alice");
        tokio::time::sleep(Duration::from_millis(2500)).await;
        // Also by another cookie of the same person, as the application sets one with every answer.
        for cookie in [client.cookie(COOKIE).unwrap(), accounts.sign_in(USER)] {
            client.set_cookie(COOKIE, &cookie);
            let over = client.get("/page").await;
            assert_eq!((over.status.as_u16(), over.reason().as_str()), (401, "session-timed-out"));
        }
        let other = with_session(&sidecar, &accounts, "bob");
        assert_eq!(other.get("/page").await.text(), "done for bob");
        // Without an answer it cannot be told whose it is.
        accounts.set(Mood::Stubborn(500, ""));
        let other = with_session(&sidecar, &accounts, "bob");
        assert_eq!(other.get("/page").await.reason(), "subject-unavailable");
    }

    async fn a_logout_voids_what_was_proved_where_the_subject_is_the_key(store: Store) {
        let accounts = Accounts::new();
        let sidecar = asking(store, &accounts, WHOAMI).with("session", "key: subject").run();
        let client = with_session(&sidecar, &accounts, USER);
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.text(), "done for alice");
        client.post("/logout").await;
        // As after a silent sign-on, or by remember-me.
        client.set_cookie(COOKIE, &accounts.sign_in(USER));
        assert_eq!(client.post("/keys").await.reason(), "step-up-required");
        client.earn("/keys").await;
        // Nobody is told of a logout that nobody can be named for; it goes its way.
        accounts.set(Mood::Stubborn(500, ""));
        assert_eq!(client.post("/logout").await.text(), "bye");
    }

    async fn a_prompt_calls_people_by_the_name_that_the_application_shows_beside_their_own(store: Store) {
        let accounts = Accounts::new();
        let whoami = WHOAMI.strip_suffix(" }").unwrap();
        let whoami = format!("{whoami}, display: {{ json: /user/called }} }}");
        let sidecar = run(store, &accounts, &whoami);
        let script = with_session(&sidecar, &accounts, "Alice");
        let browser = sidecar.browser_of(&script);
        let shown = "\u{2068}Dr. Alice &#60;b&#62;O’Neill\u{2069} (\u{2068}Alice\u{2069})";
        let refused = browser.post_form("/keys", &[("name", "ci")]).await;
        assert!(refused.text().contains(shown), "{}", refused.text());
        // It is for people to read, and no part of the wire contract.
        let document = script.post("/keys").await;
        assert!(!document.text().contains("Neill"), "{}", document.text());
        let page = browser.get(document.json()["challenge"]["page_url"].as_str().unwrap()).await;
        assert!(page.text().contains(shown), "{}", page.text());
    }

    async fn a_code_goes_to_the_address_that_the_application_names(store: Store) {
        let accounts = Accounts::new();
        let sidecar = run(store, &accounts, WHOAMI);
        let guest = format!("guest-{}", sidecar.address.split('@').next().unwrap());
        let client = with_session(&sidecar, &accounts, &guest);
        let refused = client.post("/keys").await;
        assert_eq!(refused.json()["challenge"]["factors"], serde_json::json!([["email_code"]]));
        client.send_code(&refused.token()).await;
        let mail = MailSink::shared().wait_for_mail(&format!("{guest}@shop.test"), 1);
        let passed = client.verify(&refused.token(), ("email_code", &mail.codes[0])).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(client.post("/keys").await.text(), format!("done for {guest}"));
    }
}
