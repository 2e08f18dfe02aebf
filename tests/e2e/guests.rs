//! Logins within sessions that nobody knew of: the application may act for whoever signed in to them, and
//! answers any password as the right one. With a thief who has an account of his own, and more or less of
//! what the victim carries.

use crate::support::client::Client;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, Sidecar, USER, fresh_cookie};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use http::Method;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const THIEF: &str = "mallory";
const THIEF_PASSWORD: &str = "Mallory-own-pass-2!";
/// A session of the victim's from before Stepgate came.
const EARLIER: &str = "alice-signed-in-long-ago";
/// The proof that nobody is signed in.
const GUEST_COOKIE: &str = "stepgate-guest";
/// The login that judges a password although somebody is signed in.
const ALSO: &[&str] =
    &["{ path: /judge, subject: { form: user }, success: { status: 302, location: /home } }"];

/// An application that knows people by a cookie which stays as it is when they log in, and takes parameters
/// from everywhere, cookies first (PHP's `$_REQUEST`). Its login sends on whoever is signed in.
fn keeping() -> impl Fn(&Got) -> Reply + Send + Sync + 'static {
    let people = HashMap::from([(EARLIER.to_owned(), USER.to_owned())]);
    let people = Arc::new(Mutex::new(people));
    move |_| {
        let people = people.clone();
        Reply::ByBody(Box::new(move |got| keep(&mut people.lock().unwrap(), got)))
    }
}

fn keep(people: &mut HashMap<String, String>, got: &Got) -> Reply {
    let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
    let cookies = got.header("cookie").replace("; ", "&");
    let places = [query.as_bytes(), &got.body, cookies.as_bytes()];
    let sent: HashMap<_, _> = places
        .iter()
        .flat_map(|place| form_urlencoded::parse(place).into_owned())
        .collect();
    let value = sent.get(COOKIE).cloned().unwrap_or_else(fresh_cookie);
    let signed_in = people.get(&value).cloned();
    let named = sent.get("user").filter(|_| sent.contains_key("password"));
    let named = named.map(|user| user.to_lowercase());
    let is_right = named
        .as_ref()
        .is_some_and(|user| sent["password"] == format!("right-{user}"));
    let next = sent.get("next").map_or("/home", String::as_str);
    let set = format!("{COOKIE}={value}; Path=/");
    let cookie = ("set-cookie", set.as_str());
    match path {
        "/login" if signed_in.is_some() => answer(302, &[("location", "/home")], ""),
        "/login" | "/judge" | "/undeclared" if is_right => {
            people.insert(value.clone(), named.unwrap_or_default());
            answer(302, &[("location", next), cookie], "")
        }
        "/login" if named.is_some() => answer(302, &[("location", "/login"), cookie], ""),
        "/login" | "/judge" => answer(200, &[cookie], "Who are you?"),
        // It refuses that, since a token is missing, and says the same.
        "/logout" => answer(302, &[("location", "/login")], ""),
        "/token" if got.header("x-api-key") == "of-alice" => {
            people.insert(value.clone(), USER.to_owned());
            answer(200, &[cookie], "")
        }
        _ => text(200, signed_in.as_deref().unwrap_or("nobody")),
    }
}

fn sidecar(store: Store) -> Sidecar {
    let sidecar = sidecar::on(store).application(keeping()).logins(ALSO).run();
    sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
    sidecar
}

async fn log_in(client: &Client, path: &str, user: &str, password: &str) {
    let fields = [("user", user), ("password", password)];
    assert_eq!(client.post_form(path, &fields).await.status, 302, "{path}");
}

/// Nothing that the thief can prove opens a guarded route, with none of these cookies.
async fn assert_shut(sidecar: &Sidecar, thief: &Client, what: &str) {
    let cookie = thief.cookie(COOKIE).unwrap();
    for path in ["/low", "/keys", "/pay"] {
        thief.set_cookie(COOKIE, &cookie);
        let refused = thief.post(path).await;
        assert_eq!(refused.status, 401, "{what}: {path} {}", refused.text());
        assert_eq!(sidecar.got(path), 0, "{what}: {path}");
    }
}

/// The thief in a session of his own.
async fn thief_signed_in(sidecar: &Sidecar) -> Client {
    let thief = sidecar.script();
    thief.get("/judge").await;
    log_in(&thief, "/judge", THIEF, "right-mallory").await;
    thief
}

on_both_stores! {
    async fn a_login_within_an_unknown_session_is_believed_of_nobody_but_guests(store: Store) {
        let sidecar = sidecar(store);
        let thief = sidecar.script();
        thief.set_cookie(COOKIE, EARLIER);
        for path in ["/", "/login", "/logout", "/login?user=x&password=y"] {
            thief.get(path).await;
        }
        log_in(&thief, "/login", THIEF, "any").await;
        assert_eq!((thief.cookie(KEY_COOKIE), thief.cookie(GUEST_COOKIE)), (None, None));
        assert_shut(&sidecar, &thief, "from before").await;
        // Whoever it is that was refused has lost the cookie, and signs in afresh.
        assert_eq!(thief.cookie(COOKIE), None);
        thief.get("/login").await;
        log_in(&thief, "/login", THIEF, "right-mallory").await;
        let done = thief.post("/low").await;
        assert_eq!((done.status.as_u16(), done.text()), (200, THIEF));
        assert_eq!(thief.cookie(GUEST_COOKIE), None, "it is of no use any more");
    }

    async fn after_a_logout_that_was_refused_nobody_else_logs_in(store: Store) {
        let sidecar = sidecar(store);
        let desk = sidecar.script();
        desk.get("/login").await;
        let guest = desk.cookie(GUEST_COOKIE).unwrap();
        log_in(&desk, "/login", USER, "right-alice").await;
        desk.post("/logout").await;
        desk.get("/login").await;
        desk.set_cookie(GUEST_COOKIE, &guest);
        log_in(&desk, "/login", THIEF, "any").await;
        assert_shut(&sidecar, &desk, "her desk").await;
    }

    async fn a_login_that_looks_like_none_is_no_way_to_another(store: Store) {
        let sidecar = sidecar(store);
        for next in ["/elsewhere", "/login", "/login?failed"] {
            let thief = sidecar.script();
            thief.get("/login").await;
            let guest = thief.cookie(GUEST_COOKIE).unwrap();
            // He has her password at the application, and none of her factors.
            let fields = [("user", USER), ("password", "right-alice"), ("next", next)];
            assert_eq!(thief.post_form("/login", &fields).await.header("location"), next);
            thief.get("/login").await;
            thief.set_cookie(GUEST_COOKIE, &guest);
            log_in(&thief, "/login", THIEF, "any").await;
            assert_shut(&sidecar, &thief, next).await;
        }
        // Who mistypes is sent back, sees the form again, and is believed.
        let owner = sidecar.script();
        owner.get("/login").await;
        log_in(&owner, "/login", USER, "wrong").await;
        crate::support::becomes(200, async || {
            owner.get("/login").await;
            log_in(&owner, "/login", USER, "right-alice").await;
            owner.post("/low").await
        })
        .await;
    }

    async fn a_login_by_other_means_leaves_the_session_to_nobody(store: Store) {
        let sidecar = sidecar(store);
        let secret = "user=alice&password=right-alice";
        for (method, target, body, cookies) in [
            (Method::GET, "/judge?user=alice&password=right-alice", "", ""),
            (Method::GET, "/judge?user=alice&%70assword=right-alice&next=/elsewhere", "", ""),
            (Method::PUT, "/judge?user=alice&password=right-alice", "", ""),
            (Method::PUT, "/judge", secret, ""),
            (Method::PATCH, "/Judge/../judge", secret, ""),
            (Method::POST, "/judge?user=alice&password=right-alice&next=/elsewhere", "", ""),
            (Method::GET, "/judge", "", "user=alice; password=right-alice"),
            (Method::GET, "/judge?user=alice", "", "password=right-alice"),
            (Method::POST, "/judge", "a=b", "user=alice; password=right-alice"),
            (Method::POST, "/judge", "user=mallory&password=right-alice", "user=alice"),
            (Method::POST, "/judge", "user=mallory&password=x", "USER=alice; password=right-alice; user=alice"),
        ] {
            let thief = thief_signed_in(&sidecar).await;
            let line = thief.cookie(COOKIE).map(|value| format!("{COOKIE}={value}; {cookies}"));
            let key = format!("; {KEY_COOKIE}={}", thief.cookie(KEY_COOKIE).unwrap());
            let mut request = thief.request(method.clone(), target, body);
            let headers = request.headers_mut();
            headers.insert("cookie", (line.unwrap() + &key).parse().unwrap());
            headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
            let told = thief.send(request).await;
            if told.status != 400 {
                assert_shut(&sidecar, &thief, &format!("{method} {target} {body} {cookies}")).await;
            }
        }
        // A name that is remembered is the one that is typed.
        let owner = sidecar.script();
        owner.set_cookie("user", "Alice");
        owner.get("/login").await;
        log_in(&owner, "/login", USER, "right-alice").await;
        owner.earn("/keys").await;
    }

    async fn nobody_is_a_guest_who_may_be_signed_in(store: Store) {
        let sidecar = sidecar(store);
        // By a key, by a login that is not declared, by a password in the query.
        for (method, target, key, body) in [
            (Method::GET, "/token", "of-alice", ""),
            (Method::POST, "/undeclared", "", "user=alice&password=right-alice"),
            (Method::GET, "/undeclared?user=alice&password=right-alice", "", ""),
            (Method::GET, "/undeclared?_method=POST&user=alice&password=right-alice", "", ""),
        ] {
            let thief = sidecar.script();
            let mut request = thief.request(method.clone(), target, body);
            let headers = request.headers_mut();
            headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
            if !key.is_empty() {
                headers.insert("x-api-key", key.parse().unwrap());
            }
            thief.send(request).await;
            assert!(thief.cookie(COOKIE).is_some(), "{method} {target}");
            thief.get("/").await;
            log_in(&thief, "/login", THIEF, "any").await;
            assert_eq!(thief.cookie(GUEST_COOKIE), None, "{method} {target}");
            assert_shut(&sidecar, &thief, target).await;
        }
        // An old proof is worth nothing, nor is one of another value.
        let thief = sidecar.script();
        thief.get("/login").await;
        thief.set_cookie(COOKIE, EARLIER);
        log_in(&thief, "/login", THIEF, "any").await;
        assert_shut(&sidecar, &thief, "another value").await;
    }

    async fn a_page_of_a_front_controller_shows_no_guest(store: Store) {
        // One script does everything; every page of it is a 200, whoever is signed in.
        let front = |got: &Got| match (got.method.as_str(), got.header("cookie").contains(EARLIER)) {
            ("POST", _) => answer(302, &[("location", "/home")], ""),
            (_, true) => text(200, "Hello, Alice"),
            (_, false) => answer(200, &[("set-cookie", &format!("{COOKIE}={}; Path=/", fresh_cookie()))], "Hello"),
        };
        let entries = &[
            "{ match: { path: /index.php, query: { do: login } }, subject: { form: user }, success: { status: 302, location: /home } }",
            "{ match: { path: /app.php, form: { task: login } }, subject: { form: user }, success: { status: 302, location: /home } }",
        ];
        let sidecar = sidecar::on(store).application(front).logins(entries).run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
        for (page, login) in [
            ("/index.php", "/index.php?do=login"),
            ("/index.php?do=home", "/index.php?do=login"),
            ("/index.php?do=login&do=home", "/index.php?do=login"),
            ("/app.php", "/app.php"),
        ] {
            let thief = sidecar.script();
            thief.set_cookie(COOKIE, EARLIER);
            thief.get(page).await;
            assert_eq!(thief.cookie(GUEST_COOKIE), None, "{page}");
            let fields = [("user", THIEF), ("password", "x"), ("task", "login")];
            thief.post_form(login, &fields).await;
            assert_shut(&sidecar, &thief, page).await;
        }
        let guest = sidecar.script();
        guest.get("/index.php?do=login&lang=de").await;
        let fields = [("user", USER), ("password", "x")];
        guest.post_form("/index.php?do=login", &fields).await;
        let refused = guest.post("/keys").await;
        assert_eq!(refused.reason(), "step-up-required");
        assert!(!refused.token().is_empty());
    }
}
