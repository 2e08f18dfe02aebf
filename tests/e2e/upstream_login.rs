//! The password that people have: the application's own, tried at its own login.

use crate::support::client::Client;
use crate::support::sidecar::{self, PASSWORD, Setup, Sidecar, USER, shows};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer};
use http::Method;
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Her password in the application.
const OWN_PASSWORD: &str = "Own & secret-pass ü1!";

/// How she may write her name there, but not otherwise.
const SPELLED: &str = "Al\u{131}ce.Öhman@Example.test";

/// An application whose forms have a token that must be that of the cookie, and that locks nobody out.
#[derive(Default)]
struct Forms {
    live: Mutex<HashMap<String, String>>,
    /// The status of its login page, if that is broken.
    broken: AtomicU32,
    count: AtomicU32,
}

impl Forms {
    fn number(&self) -> u32 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn answer(&self, got: &Got) -> Reply {
        let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
        let fields: HashMap<String, String> =
            form_urlencoded::parse(&got.body).into_owned().collect();
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        let cookie = |name: &str| {
            let pairs = got.header("cookie").split("; ");
            let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.to_owned())
        };
        let broken = self.broken.load(Ordering::Relaxed);
        let user = cookie("sid").and_then(|sid| self.live.lock().unwrap().get(&sid).cloned());
        match (got.method.as_str(), path) {
            (_, "/login") if broken > 1 => answer(broken.try_into().unwrap(), &[], "down"),
            ("GET", "/login") => {
                let token = format!("token{}", self.number());
                let page = format!(
                    "<form action=/search><input name=q></form><form method=post action='?step=2'>\
                     <input type=hidden name=csrf value='{token}'><input name=user>\
                     <input type=password name=password><button name=go value=in>In</button></form>"
                );
                answer(
                    200,
                    &[
                        ("content-type", "text/html"),
                        ("set-cookie", &format!("csrf={token}; Path=/")),
                    ],
                    &page,
                )
            }
            ("POST", "/login" | "/logout")
                if cookie("csrf").is_none_or(|token| token != field("csrf"))
                    || !got.header("origin").starts_with(sidecar::ORIGIN) =>
            {
                answer(403, &[], "CSRF")
            }
            ("POST", "/login") if (field("go"), query) != ("in", "step=2") => answer(400, &[], ""),
            // It tells letter case apart, as well as accents.
            ("POST", "/login")
                if field("password") == OWN_PASSWORD
                    && (field("user") == USER || field("user") == SPELLED) =>
            {
                let sid = sidecar::fresh_cookie();
                self.live
                    .lock()
                    .unwrap()
                    .insert(sid.clone(), field("user").to_owned());
                let csrf = format!("csrf=token{}; Path=/", self.number());
                let sid = format!("sid={sid}; Path=/; HttpOnly");
                answer(
                    302,
                    &[
                        ("location", "/home"),
                        ("set-cookie", &sid),
                        ("set-cookie", &csrf),
                    ],
                    "",
                )
            }
            ("POST", "/login") => answer(200, &[], "Wrong password"),
            ("GET", "/home") => {
                let csrf = cookie("csrf").unwrap_or_default();
                let page = format!(
                    "Hi {user:?}<form method=post action=/logout><input type=hidden name=csrf value={csrf}></form>"
                );
                answer(200, &[("content-type", "text/html")], &page)
            }
            ("POST", "/logout") => {
                self.live
                    .lock()
                    .unwrap()
                    .remove(&cookie("sid").unwrap_or_default());
                answer(
                    302,
                    &[("location", "/"), ("set-cookie", "sid=; Path=/; Max-Age=0")],
                    "",
                )
            }
            _ => answer(200, &[], "done"),
        }
    }
}

/// The sidecar before that application.
fn before_forms(store: Store, forms: &Arc<Forms>, more: &str) -> Setup {
    let application = forms.clone();
    let trial = format!("upstream_login: {{ deadline: 2s, {more} }}");
    sidecar::on(store)
        .application(move |got| {
            let broken = application.broken.load(Ordering::Relaxed);
            if broken == 1 && got.target.starts_with("/login") {
                return Reply::Hang;
            }
            let application = application.clone();
            Reply::ByBody(Box::new(move |got| application.answer(got)))
        })
        .with("verification", &trial)
}

/// A script in a session of hers.
async fn signed_in(sidecar: &Sidecar) -> Client {
    signed_in_as(sidecar, USER).await
}

async fn signed_in_as(sidecar: &Sidecar, user: &str) -> Client {
    let client = sidecar.script().header("origin", sidecar::ORIGIN);
    client.get("/login").await;
    let csrf = client.cookie("csrf").unwrap();
    let fields = [
        ("csrf", &csrf[..]),
        ("user", user),
        ("password", OWN_PASSWORD),
        ("go", "in"),
    ];
    let answer = client.post_form("/login?step=2", &fields).await;
    assert_eq!(answer.status, 302, "{}", answer.text());
    client
}

/// How often the application was asked whether a password is right.
fn asked(sidecar: &Sidecar) -> Vec<Got> {
    let got = sidecar.upstream().got().into_iter();
    got.filter(|got| got.method == Method::POST && got.target.starts_with("/login"))
        .collect()
}

on_both_stores! {
    async fn the_application_judges_the_password_of_the_sessions_subject(store: Store) {
        let forms = Arc::<Forms>::default();
        let sidecar = before_forms(store, &forms, "").run();
        let client = signed_in(&sidecar).await;
        let sid = client.cookie("sid").unwrap();
        let refused = client.post("/keys").await;
        // Neither a wrong one, nor the one that the directory has of her.
        for wrong in ["not it", PASSWORD, ""] {
            let answer = client.verify(&refused.token(), ("password", wrong)).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (403, "wrong-answer".into()));
        }
        let body = json!({ "token": refused.token(), "factor": "password", "answer": OWN_PASSWORD,
            "user": "mallory", "subject": "mallory" });
        let passed = client.call(Method::POST, "/.stepup/verify", body).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post("/keys").await.status, 200);

        // One login of hers, and three trials: an empty password is none.
        let asked = asked(&sidecar);
        assert_eq!(asked.len(), 4);
        for trial in &asked[1..] {
            let fields: HashMap<String, String> = form_urlencoded::parse(&trial.body).into_owned().collect();
            assert_eq!((&fields["user"][..], &fields["go"][..]), (USER, "in"));
            assert!(!trial.header("cookie").contains(&sid), "her session goes along: {trial:?}");
            assert_eq!(trial.header("x-forwarded-for"), "127.0.0.1");
        }
        // The session of the trial is gone, hers is there, and she never saw the other's cookie.
        assert_eq!(forms.live.lock().unwrap().keys().collect::<Vec<_>>(), [&sid]);
        assert_eq!(client.cookie("sid").as_deref(), Some(&sid[..]));
        assert!(passed.headers.get_all("set-cookie").iter().all(|line| !line.to_str().unwrap().starts_with("sid")));
        let trials = asked.iter().map(|got| String::from_utf8_lossy(&got.body).into_owned());
        let told = format!("{}{}", sidecar.log(), sidecar.dump());
        for secret in trials.chain([OWN_PASSWORD.to_owned(), "Own+%26".to_owned()]) {
            assert!(!shows(&told, &secret), "{secret}");
        }
    }

    async fn a_trial_is_no_login_that_is_believed(store: Store) {
        let forms = Arc::<Forms>::default();
        let sidecar = before_forms(store, &forms, "").run();
        let client = signed_in(&sidecar).await;
        client.set_cookie("csrf", "x");
        let refused = client.post("/keys").await;
        let passed = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
        assert_eq!(passed.status, 200);
        // Of all the sessions that the application ever made, one was logged in here.
        let listed = sidecar.command(&["session", "list", "--json"]);
        let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    }

    async fn a_name_is_tried_as_it_was_typed(store: Store) {
        let forms = Arc::<Forms>::default();
        let mut sidecar = before_forms(store, &forms, "").run();
        let client = signed_in_as(&sidecar, SPELLED).await;
        for restart in [false, true] {
            if restart {
                sidecar.restart();
            }
            let refused = client.post("/pay").await;
            let passed = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
            assert_eq!(passed.json()["verified"], true, "{}", passed.text());
            assert_eq!(client.post("/pay").await.status, 200);
        }
        let verified = sidecar.events(1, |event| event["event"] == "verified");
        assert_eq!(verified[0]["subject"], SPELLED.to_lowercase(), "one person has one name");
    }

    async fn a_name_that_is_another_ones_at_the_login_proves_nothing(store: Store) {
        // She is number 7 to the application, which has an account of that name as well: the thief's.
        let application = |got: &Got| {
            let her_session = got.header("cookie").contains("sid=hers");
            let his_session = got.header("cookie").contains("sid=his");
            match (got.method.as_str(), got.target.as_str()) {
                ("GET", "/me") if her_session => answer(200, &[], r#"{"id":7}"#),
                ("GET", "/me") if his_session => answer(200, &[], r#"{"id":8}"#),
                ("GET", "/me") => answer(401, &[], ""),
                ("GET", "/login") => {
                    let page = "<form method=post><input name=user><input type=password name=password></form>";
                    answer(200, &[("content-type", "text/html")], page)
                }
                ("POST", "/login") => Reply::ByBody(Box::new(|got| {
                    let fields: HashMap<String, String> = form_urlencoded::parse(&got.body).into_owned().collect();
                    let session = match (&fields["user"][..], &fields["password"][..]) {
                        ("7", "his") => "sid=his",
                        ("alice", OWN_PASSWORD) => "sid=hers",
                        _ => return answer(200, &[], "Wrong password"),
                    };
                    answer(302, &[("location", "/home"), ("set-cookie", session)], "")
                })),
                _ => answer(200, &[], "done"),
            }
        };
        let sidecar = sidecar::on(store)
            .application(application)
            .with("session", "whoami: { url: /me, subject: { json: /id } }")
            .with("verification", "upstream_login: {}")
            .run();
        let thief = sidecar.script();
        thief.set_cookie("sid", "hers");
        let refused = thief.post("/keys").await;
        let answer = thief.verify(&refused.token(), ("password", "his")).await;
        assert_eq!((answer.status.as_u16(), answer.reason()), (403, "wrong-answer".into()), "{}", answer.text());
        assert_eq!(thief.post("/keys").await.status, 403);
        // He was logged out again, and it is told why.
        assert_eq!(sidecar.got("/logout"), 1);
        sidecar.process().wait_for_line("by other names than `session` does");
        // Her own password is tried under her own name, once she has typed it.
        let client = sidecar.script();
        let login = [("user", USER), ("password", OWN_PASSWORD)];
        assert_eq!(client.post_form("/login", &login).await.status, 302);
        let refused = client.post("/keys").await;
        let passed = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn whoever_is_in_no_directory_has_the_applications_password(store: Store) {
        let forms = Arc::<Forms>::default();
        let sidecar = before_forms(store, &forms, "").run();
        sidecar.command(&["user", "remove", USER]);
        let client = signed_in(&sidecar).await;
        let refused = client.post("/keys").await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["password"]]));
        let passed = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    async fn answers_are_counted_before_the_application_is_asked(store: Store) {
        let forms = Arc::<Forms>::default();
        let sidecar = before_forms(store, &forms, "").run();
        let client = signed_in(&sidecar).await;
        let refused = client.post("/keys").await;
        let token = refused.token();
        let guesses = (0..20).map(|_| client.verify(&token, ("password", "a guess")));
        let answers = futures_util::future::join_all(guesses).await;
        let judged = answers.iter().filter(|answer| answer.reason() == "wrong-answer");
        assert_eq!(judged.count(), 5);
        assert_eq!(asked(&sidecar).len(), 1 + 5, "her login, and five guesses");
    }

    async fn what_the_application_does_not_say_is_no_wrong_answer(store: Store) {
        let forms = Arc::<Forms>::default();
        let sidecar = before_forms(store, &forms, "").run();
        let client = signed_in(&sidecar).await;
        let refused = client.post("/keys").await;
        for broken in [500, 503, 429, 404, 1, 500] {
            forms.broken.store(broken, Ordering::Relaxed);
            let answer = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (503, "password-unavailable".into()), "{broken}");
        }
        forms.broken.store(0, Ordering::Relaxed);
        let passed = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        sidecar.process().wait_for_line("it answered 503");
        sidecar.process().wait_for_line("did not answer in time");
    }

    async fn the_page_says_whose_password_is_meant(store: Store) {
        let forms = Arc::<Forms>::default();
        let mut sidecar = before_forms(store, &forms, "").run();
        for (settings, texts) in [
            ("upstream_login: { deadline: 2s,  }", ["The one with which you sign in here.", "Das, mit dem Sie sich hier anmelden."]),
            ("fresh", ["It was set up for confirmations", "Es wurde für Bestätigungen eingerichtet"]),
        ] {
            if settings == "fresh" {
                sidecar.restart_with("  upstream_login: { deadline: 2s,  }\n", "");
            }
            let client = signed_in(&sidecar).await;
            for (language, text) in ["en", "de"].into_iter().zip(texts) {
                let browser = sidecar.browser_of(&client).header("accept-language", language);
                let page = browser.get("/secrets").await;
                let page = browser.get(page.header("location")).await;
                assert!(page.text().contains(text), "{}", page.text());
            }
        }
    }

    async fn a_json_login_is_tried_with_the_token_of_its_cookie(store: Store) {
        let tried = Arc::<Mutex<Vec<serde_json::Value>>>::default();
        let seen = tried.clone();
        let login = "{ match: { path: /api/login, json: { /method: user.login } }, \
                     subject: { json: /params/user }, success: { status: 200, cookie: sid } }";
        let sidecar = sidecar::on(store)
            .logins(&[login])
            .application(move |_| {
                let seen = seen.clone();
                Reply::ByBody(Box::new(move |got| match &got.target[..] {
                    "/start" => answer(200, &[("set-cookie", "XSRF-TOKEN=a%3D%3D; Path=/")], "app"),
                    "/api/login" if got.header("x-xsrf-token") != "a==" => answer(419, &[], "{}"),
                    "/api/login" => {
                        let sent: serde_json::Value = serde_json::from_slice(&got.body).unwrap();
                        let is_right = sent["params"]["password"] == OWN_PASSWORD;
                        seen.lock().unwrap().push(sent);
                        let cookie = format!("sid={}", sidecar::fresh_cookie());
                        if is_right {
                            answer(200, &[("set-cookie", &cookie)], "{\"ok\":true}")
                        } else {
                            answer(200, &[], "{\"ok\":false}")
                        }
                    }
                    _ => sidecar::application(got),
                }))
            })
            .with(
                "verification",
                "upstream_login: { login: /api/login, page: /start, password_field: /params/password, \
                 csrf: { cookie: XSRF-TOKEN, header: x-xsrf-token } }",
            )
            .run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let wrong = client.verify(&refused.token(), ("password", "not it")).await;
        assert_eq!(wrong.reason(), "wrong-answer");
        let passed = client.verify(&refused.token(), ("password", OWN_PASSWORD)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        let right = json!({ "method": "user.login", "params": { "user": USER, "password": OWN_PASSWORD } });
        assert_eq!(tried.lock().unwrap().last(), Some(&right));
        assert_eq!(sidecar.got("/logout"), 1);
    }
}
