//! Logins that are none, or that nobody can tell: with a thief who has an account of his own, and part
//! of what the victim carries.

use crate::support::client::Client;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, Sidecar, USER, application, fresh_cookie};
use crate::support::store::on_both_stores;
use crate::support::upstream::{Got, Reply, answer};
use http::Method;
use serde_json::json;

/// The thief, who has a password and a mail address of his own.
const THIEF: &str = "mallory";
const THIEF_PASSWORD: &str = "Mallory-own-pass-2!";

/// Nothing that the thief can prove opens a guarded route in the victim's session.
async fn assert_shut(sidecar: &Sidecar, thief: &Client) {
    for path in ["/low", "/keys", "/pay"] {
        let refused = thief.post(path).await;
        assert_ne!(refused.status, 200, "{path}");
        if refused.json()["challenge"].is_object() {
            let answer = ("password", THIEF_PASSWORD);
            thief.verify(&refused.token(), answer).await;
            let again = thief.post(path).await;
            assert_ne!(again.status, 200, "{path}: his own password opens it");
        }
    }
    for path in ["/low", "/keys", "/pay"] {
        assert_eq!(sidecar.got(path), 0, "{path}");
    }
}

/// An application whose one script does everything, and which knows people by a second cookie as well:
/// whoever has that is signed in anew by any request.
fn one_script(got: &Got) -> Reply {
    let fresh = format!("{COOKIE}={}; Path=/", fresh_cookie());
    let remembered = ("set-cookie", "remember=alice-for-ever; Path=/; HttpOnly");
    let cookie = ("set-cookie", fresh.as_str());
    let is_login = got.target.starts_with("/index.php?title=Login");
    let is_known = got.header("cookie").contains("remember=alice-for-ever");
    match got.target.split('?').next() {
        Some("/index.php") if is_login => {
            answer(302, &[("location", "/home"), cookie, remembered], "")
        }
        Some("/index.php") if is_known => answer(302, &[("location", "/home"), cookie], ""),
        Some("/api.php") if is_known => {
            let echo = got.target.replace("%22", "\"");
            answer(200, &[cookie], &format!("{{\"error\":\"{echo}\"}}"))
        }
        _ => application(got),
    }
}

const ONE_SCRIPT: &[&str] = &[
    "{ match: { path: /index.php, query: { title: Login }, form: { wpLoginToken: present, wpPassword: present } }, \
       subject: { form: wpName }, success: { status: 302, location: /home, cookie: sid } }",
    "{ match: { path: /api.php, form: { action: clientlogin, password: present } }, \
       subject: { form: username }, success: { status: 200, body: '^\\{\"clientlogin\":\\{\"status\":\"PASS\"' } }",
];

/// An application that sends its cookie with every answer, takes every value that it sent until the
/// logout, and whose pages ask in the background whether somebody is signed in.
fn passive(got: &Got) -> Reply {
    let fresh = format!("{COOKIE}={}; Path=/", fresh_cookie());
    let cookie = ("set-cookie", fresh.as_str());
    let known = got.header("cookie").contains(COOKIE);
    let is_login = got.target.starts_with("/session") && got.method == "POST";
    if is_login && (known || got.target.ends_with("?right")) {
        answer(200, &[("content-type", "application/json"), cookie], "{}")
    } else if is_login {
        answer(401, &[], "{}")
    } else if known {
        answer(200, &[("content-type", "text/html"), cookie], "done")
    } else {
        answer(200, &[], "done")
    }
}

const PASSIVE: &[&str] =
    &["{ path: /session, subject: { json: /user }, success: { status: 200, cookie: sid } }"];

async fn post_session(client: &Client, body: serde_json::Value) {
    client.call(Method::POST, "/session", body).await;
}

on_both_stores! {
    async fn a1_a_request_that_revives_a_session_is_no_login(store: Store) {
        let sidecar = sidecar::on(store).application(one_script).logins(ONE_SCRIPT).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let log_in = [("wpName", USER), ("wpLoginToken", "t"), ("wpPassword", "App-pass-1!")];
        let owner = sidecar.script();
        assert_eq!(owner.post_form("/index.php?title=Login", &log_in).await.status, 302);
        assert!(owner.cookie(KEY_COOKIE).is_some());
        // He has the remember-me cookie alone, and writes his own name into every field there is.
        for target in ["/index.php?title=Search", "/index.php?title=Search&do=Login", "/index.php"] {
            for name in [THIEF, USER] {
                let thief = sidecar.script();
                thief.set_cookie("remember", "alice-for-ever");
                let fields = [("wpName", name), ("wpLoginToken", "t"), ("wpPassword", "x"), ("title", "Search")];
                assert_eq!(thief.post_form(target, &fields).await.status, 302, "{target}");
                assert!(thief.cookie(COOKIE).is_some() && thief.cookie(KEY_COOKIE).is_none(), "{target}");
                assert_shut(&sidecar, &thief).await;
            }
        }
        // Nor does a sign count that he wrote himself, and the application repeats.
        let thief = sidecar.script();
        thief.set_cookie("remember", "alice-for-ever");
        let target = "/api.php?text=%22clientlogin%22:%22status%22:%22PASS%22";
        let fields = [("action", "clientlogin"), ("username", THIEF), ("password", "x")];
        let echo = thief.post_form(target, &fields).await;
        assert!(echo.text().contains("\"clientlogin\""), "{}", echo.text());
        assert_eq!(thief.cookie(KEY_COOKIE), None);
        assert_shut(&sidecar, &thief).await;
    }

    async fn a2_a_passive_login_is_none_and_disputes_nothing(store: Store) {
        let sidecar = sidecar::on(store).application(passive).logins(PASSIVE).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let owner = sidecar.script();
        let right = json!({ "user": USER, "password": "App-pass-1!" });
        let entered = owner.call(Method::POST, "/session?right", right).await;
        assert_eq!(entered.status, 200);
        let first = owner.cookie(COOKIE).unwrap();
        for _ in 0..5 {
            owner.get("/page").await;
            post_session(&owner, json!({ "user": USER, "passive": true })).await;
        }
        // Her own page's question changes nothing: she can prove who she is.
        owner.earn("/keys").await;
        assert_eq!(owner.post("/keys").await.status, 200);
        let done = sidecar.got("/keys");
        // He has an old value of her cookie, which the application takes.
        for body in [
            json!({ "user": THIEF, "passive": true }),
            json!({ "user": THIEF, "password": "x", "passive": true }),
            json!({ "user": THIEF, "password": "x" }),
            json!({ "user": USER, "password": "x" }),
        ] {
            let thief = sidecar.script();
            thief.set_cookie(COOKIE, &first);
            post_session(&thief, body.clone()).await;
            assert_eq!(thief.cookie(KEY_COOKIE), None, "{body}");
            for path in ["/low", "/keys"] {
                let refused = thief.post(path).await;
                assert_ne!(refused.status, 200, "{body} {path}");
                if refused.json()["challenge"].is_object() {
                    let answer = thief.verify(&refused.token(), ("password", THIEF_PASSWORD)).await;
                    assert_ne!(answer.status, 200, "{body}: whose password is that?");
                }
            }
        }
        assert_eq!(sidecar.got("/keys"), done);
    }

    async fn where_every_answer_sets_the_cookie_guests_log_in_and_others_prove_nothing(store: Store) {
        // It sets its cookie for everybody, and takes every value that it set.
        let for_everybody = |got: &Got| {
            let fresh = format!("{COOKIE}={}; Path=/", fresh_cookie());
            let cookie = ("set-cookie", fresh.as_str());
            match (got.method.as_str(), got.target.as_str()) {
                ("POST", "/login") => answer(302, &[("location", "/home"), cookie], ""),
                ("GET", "/login") if got.header("cookie").contains("signed-in") => {
                    answer(302, &[("location", "/home"), cookie], "")
                }
                _ => answer(200, &[("content-type", "text/html"), cookie], "done"),
            }
        };
        let sidecar = sidecar::on(store).application(for_everybody).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let owner = sidecar.logged_in().await;
        for _ in 0..40 {
            owner.get("/page").await;
        }
        // A visitor has a cookie long before they log in, and a few of them by then.
        let visitor = sidecar.script();
        for path in ["/", "/about", "/login"] {
            visitor.get(path).await;
        }
        visitor.log_in(USER).await;
        assert_eq!(visitor.post("/low").await.status, 200);
        assert!(!sidecar.upstream().last().header("cookie").contains("stepgate"));
        // Who brings a value that is not known, and to whom no login form is shown, is somebody's.
        let known = sidecar.got("/low");
        let thief = sidecar.script();
        thief.set_cookie(COOKIE, "signed-in-long-ago");
        thief.get("/page").await;
        thief.set_cookie(COOKIE, "signed-in-long-ago");
        thief.get("/login").await;
        thief.set_cookie(COOKIE, "signed-in-long-ago");
        thief.post_form("/login", &[("user", THIEF), ("password", "x")]).await;
        assert_eq!(thief.cookie(KEY_COOKIE), None);
        assert_eq!(thief.post("/low").await.reason(), "session-disputed");
        assert_eq!(sidecar.got("/low"), known);
        // The proof is of one value: with another it is worth nothing.
        let guest = sidecar.script();
        guest.get("/login").await;
        guest.set_cookie(COOKIE, "signed-in-long-ago");
        guest.post_form("/login", &[("user", THIEF), ("password", "x")]).await;
        assert_eq!(guest.cookie(KEY_COOKIE), None);
    }

    async fn a16_what_stands_beyond_the_limits_of_parsers_names_nobody(store: Store) {
        // PHP drops what stands behind the first thousand fields, sees no login, and goes by the cookie.
        let php = |got: &Got| {
            let fresh = format!("{COOKIE}={}; Path=/", fresh_cookie());
            if got.target == "/login" && got.header("cookie").contains("remember") {
                answer(302, &[("location", "/home"), ("set-cookie", &fresh)], "")
            } else {
                application(got)
            }
        };
        let sidecar = sidecar::on(store).application(php).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let thief = sidecar.script();
        thief.set_cookie("remember", "alice");
        let mut fields = vec![("a", "1"); 1100];
        fields.extend([("user", THIEF), ("password", "x")]);
        assert_eq!(thief.post_form("/login", &fields).await.status, 302);
        assert_eq!(thief.cookie(KEY_COOKIE), None);
        assert_shut(&sidecar, &thief).await;
    }

    async fn h7_a_login_that_leads_to_somebodys_session_is_not_believed(store: Store) {
        // It undoes what we do not, and sends the cookie again in its plain spelling, as rolling sessions do.
        let unquoting = |got: &Got| {
            let cookie = got.header("cookie").replace("\"\\141", "a").replace('"', "");
            let value = cookie.split("; ").find_map(|pair| pair.strip_prefix("sid=").map(str::to_owned));
            match value {
                Some(value) if got.target == "/login" && got.method == "POST" => {
                    let same = format!("{COOKIE}={value}; Path=/; Max-Age=900");
                    answer(302, &[("location", "/home"), ("set-cookie", &same)], "")
                }
                _ => application(got),
            }
        };
        let sidecar = sidecar::on(store).application(unquoting).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let owner = sidecar.script();
        owner.set_cookie(COOKIE, "abc123");
        owner.get("/login").await;
        owner.log_in(USER).await;
        assert_eq!(owner.cookie(COOKIE).as_deref(), Some("abc123"));
        assert_eq!(owner.post("/low").await.status, 200);
        let done = sidecar.got("/low");
        for spelling in ["\"abc123\"", "\"\\141bc123\"", "abc123"] {
            let thief = sidecar.script();
            thief.set_cookie(COOKIE, spelling);
            thief.post_form("/login", &[("user", THIEF), ("password", "x")]).await;
            assert_eq!(thief.cookie(KEY_COOKIE), None, "{spelling}");
            let refused = thief.post("/low").await;
            assert_eq!(refused.status, 401, "{spelling}");
        }
        assert_eq!(sidecar.got("/low"), done);
    }

    async fn a_login_that_breaks_down_may_have_been_one(store: Store) {
        // It makes the session that there is hers, and fails at what it does next.
        let sidecar = sidecar::on(store)
            .application(|got| match got.target.as_str() {
                "/login" if got.header("cookie").contains(COOKIE) => answer(500, &[], "out of order"),
                _ => application(got),
            })
            .run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let thief = sidecar.script();
        thief.log_in(THIEF).await;
        assert_eq!(thief.post("/low").await.status, 200);
        let hers = [("user", USER), ("password", "hers")];
        assert_eq!(thief.post_form("/login", &hers).await.status, 500);
        assert_eq!(thief.post("/low").await.reason(), "session-disputed");
    }

    async fn s1_nobody_at_her_desk_makes_her_session_fresh_or_theirs(store: Store) {
        // Whoever is signed in is sent on, whatever the password; nobody looks at it.
        let guest = |got: &Got| {
            let is_known = got.header("cookie").contains(COOKIE);
            let fresh = format!("{COOKIE}={}; Path=/", fresh_cookie());
            match got.target.as_str() {
                "/login" if is_known => answer(302, &[("location", "/home"), ("set-cookie", &fresh)], ""),
                _ => application(got),
            }
        };
        let sidecar = sidecar::on(store).application(guest).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        let desk = sidecar.logged_in().await;
        let before = sidecar.upstream().got().len();
        desk.post_form("/login", &[("user", USER), ("password", "wrong")]).await;
        assert_eq!(desk.post("/low").await.reason(), "session-not-fresh");
        for _ in 0..2 {
            let cookie = desk.cookie(COOKIE).unwrap();
            desk.post_form("/login", &[("user", THIEF), ("password", "any")]).await;
            for path in ["/low", "/keys", "/pay"] {
                let refused = desk.post(path).await;
                assert!(["session-disputed", "session-required"].contains(&refused.reason().as_str()), "{path}");
            }
            desk.set_cookie(COOKIE, &cookie);
        }
        let reached = sidecar.upstream().got().split_off(before);
        assert!(reached.iter().all(|got| got.target == "/login"), "{reached:?}");
    }

    async fn somebody_signs_out_and_in_again_where_that_is_enough(store: Store) {
        let sidecar = sidecar::on(store).with("session", "rotation: { proofs: drop }").run();
        let client = sidecar.logged_in().await;
        client.get("/rotate").await;
        let page = sidecar.browser_of(&client);
        let refused = page.post("/low").await;
        assert_eq!(refused.status, 403);
        assert!(refused.text().contains("Sign out and in again"), "{}", refused.text());
        let fields = [
            ("anti_forgery", refused.hidden("anti_forgery")),
            ("to", refused.hidden("to")),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let cookie = page.cookie(COOKIE).unwrap();
        // Another site cannot do that.
        let forged = sidecar.client().header("sec-fetch-site", "cross-site");
        for name in [COOKIE, KEY_COOKIE] {
            forged.set_cookie(name, &page.cookie(name).unwrap());
        }
        assert_eq!(forged.post_form("/.stepup/sign-out", &fields).await.status, 403);
        let away = page.clone().post("/.stepup/sign-out").await;
        assert_eq!(away.status, 403, "without the token of our own page");
        let away = page.post_form("/.stepup/sign-out", &fields).await;
        assert_eq!((away.status.as_u16(), away.header("location")), (303, "/login"));
        assert_eq!(page.cookie(COOKIE), None);
        // The application was not told: with its cookie a login proves nothing, without it does.
        let desk = page.clone();
        desk.set_cookie(COOKIE, &cookie);
        desk.post_form("/login?same", &[("user", THIEF), ("password", "any")]).await;
        assert_eq!(desk.post("/low").await.status, 401);
        page.log_in(USER).await;
        assert_eq!(page.post("/low").await.status, 200);
        let events = sidecar.events(1, |event| event["event"] == "signed-out");
        assert_eq!(events[0]["subject"], USER);
    }

    async fn the_browser_that_a_copied_cookie_belongs_to_signs_in_anew(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        let thief = sidecar.thief_of(&owner);
        thief.post_form("/login?same", &[("user", THIEF), ("password", "any")]).await;
        // The owner hears why, loses the cookie, and is back after one login.
        let told = owner.post("/low").await;
        assert_eq!((told.status.as_u16(), told.reason()), (401, "session-disputed".into()));
        assert_eq!(owner.cookie(COOKIE), None);
        owner.log_in(USER).await;
        assert_eq!(owner.post("/low").await.status, 200);
    }
}
