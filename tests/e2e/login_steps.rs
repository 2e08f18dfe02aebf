//! Logins in two steps, and "log in as": with a thief who has an account of his own, and the victim's password,
//! half of a login of hers, or her cookie.

use crate::support::client::{Answer, Client};
use crate::support::raw::RawConnection;
use crate::support::sidecar::{
    self, COOKIE, HOST, KEY_COOKIE, PASSWORD, Sidecar, USER, fresh_cookie,
};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use futures_util::future::join;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The thief, who has a password of his own.
const THIEF: &str = "mallory";
const THIEF_PASSWORD: &str = "Mallory-own-pass-2!";

const WHOAMI: &str = "whoami: { url: /api/me, subject: { json: /name } }";
/// An answer is asked for anew each time.
const UNKEPT: &str = "whoami: { url: /api/me, keep: 0s, subject: { json: /name } }";

/// The ways to declare the last step, of which each is as good against a name that is not true.
const WAYS: [(&str, &str); 3] = [
    ("subject: whoami", WHOAMI),
    ("subject: { form: user }, form: { code: present }", WHOAMI),
    ("subject: { response_header: x-user }", ""),
];

/// Whether the application gives out another cookie when somebody is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtTheEnd {
    NewCookie,
    SameCookie,
}

/// An application that asks for a name, and for a code on the next page. Its session knows who was named last:
/// what the second page sends of it does not count. Whoever is signed in may log in as anybody.
struct Steps(Mutex<HashMap<String, Visitor>>, AtTheEnd);

#[derive(Clone, Default)]
struct Visitor {
    pending: Option<String>,
    user: Option<String>,
}

impl Steps {
    fn answer(self: &Arc<Self>, got: &Got) -> Reply {
        let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
        let mut cookies = got.header("cookie").split("; ");
        let sid = cookies
            .find_map(|pair| pair.strip_prefix("sid="))
            .map(str::to_owned);
        let visitor = |sid: &str| self.0.lock().unwrap().get(sid).cloned().unwrap_or_default();
        let user = sid.as_deref().and_then(|sid| visitor(sid).user);
        match (got.method.as_str(), path) {
            ("GET", "/login") if sid.is_none() => {
                let cookie = set(&fresh_cookie());
                answer(200, &[("set-cookie", &cookie)], "Who are you?")
            }
            ("POST", "/login" | "/login/code") => {
                let (steps, is_last) = (Arc::clone(self), path == "/login/code");
                Reply::ByBody(Box::new(move |got| {
                    let form: HashMap<_, _> =
                        form_urlencoded::parse(&got.body).into_owned().collect();
                    steps.step(sid.unwrap_or_else(fresh_cookie), &form, is_last)
                }))
            }
            (_, "/as" | "/as/slowly" | "/as/same") if user.is_some() => {
                let sid = sid.unwrap();
                self.0.lock().unwrap().get_mut(&sid).unwrap().user = Some(query.to_owned());
                match path {
                    "/as/slowly" => Reply::Events,
                    "/as/same" => answer(200, &[("set-cookie", &set(&sid))], "as you like"),
                    _ => text(200, "as you like"),
                }
            }
            (_, "/events") => Reply::Events,
            (_, "/api/me") => match user {
                Some(name) => text(200, &format!("{{\"name\":\"{name}\"}}")),
                None => text(401, "{}"),
            },
            (_, "/login" | "/login/code") => text(200, "Your code?"),
            _ => text(
                200,
                &format!("done for {}", user.unwrap_or_else(|| "nobody".to_owned())),
            ),
        }
    }

    fn step(&self, sid: String, form: &HashMap<String, String>, is_last: bool) -> Reply {
        let mut visitors = self.0.lock().unwrap();
        let visitor = visitors.entry(sid.clone()).or_default();
        if !is_last {
            visitor.pending = form.get("user").cloned();
            return answer(
                302,
                &[("location", "/login/code"), ("set-cookie", &set(&sid))],
                "",
            );
        }
        let right = visitor
            .pending
            .as_ref()
            .map(|name| format!("code-of-{name}"));
        if right.is_none() || form.get("code") != right.as_ref() {
            return text(200, "That is not right");
        }
        let name = visitor.pending.take().unwrap();
        visitor.user = Some(name.clone());
        let signed_in = std::mem::take(visitor);
        let now = if self.1 == AtTheEnd::NewCookie {
            fresh_cookie()
        } else {
            sid
        };
        visitors.insert(now.clone(), signed_in);
        answer(
            302,
            &[
                ("location", "/home"),
                ("set-cookie", &set(&now)),
                ("x-user", &name),
            ],
            "",
        )
    }
}

fn set(sid: &str) -> String {
    format!("{COOKIE}={sid}; Path=/; HttpOnly")
}

/// In front of that application; `login` says how the last step is declared, `more` what else is.
fn run(
    store: Store,
    at_the_end: AtTheEnd,
    (login, whoami): (&str, &str),
    more: &[&str],
) -> Sidecar {
    let steps = Arc::new(Steps(Mutex::default(), at_the_end));
    let last =
        format!("{{ path: /login/code, {login}, success: {{ status: 302, location: /home }} }}");
    let logins = [&[last.as_str()], more].concat().join(", ");
    let mut setup = sidecar::on(store)
        .application(move |got| steps.answer(got))
        .with("session", &format!("learn: {{ logins: [{logins}] }}"));
    if !whoami.is_empty() {
        setup = setup.with("session", whoami);
    }
    let sidecar = setup.run();
    sidecar.add_user(THIEF, "mallory@example.test", THIEF_PASSWORD);
    sidecar
}

async fn first(client: &Client, name: &str) {
    assert_eq!(
        client.post_form("/login", &[("user", name)]).await.status,
        302
    );
}

/// The last step, with the code of one person and the name of another in its hidden field.
async fn last(client: &Client, code_of: &str, hidden: &str) -> Answer {
    let code = format!("code-of-{code_of}");
    client
        .post_form("/login/code", &[("user", hidden), ("code", &code)])
        .await
}

async fn log_in(client: &Client, name: &str) {
    client.get("/login").await;
    first(client, name).await;
    client.get("/login/code").await;
    assert_eq!(last(client, name, name).await.header("location"), "/home");
}

async fn prove(client: &Client, refused: &Answer, password: &str) -> bool {
    client
        .verify(&refused.token(), ("password", password))
        .await
        .status
        == 200
}

/// Whatever he proves with his own password, nothing is done for her.
async fn assert_not_for_her(thief: &Client) {
    for path in ["/low", "/keys", "/settings", "/pay"] {
        let mut answer = thief.post(path).await;
        if answer.status != 200 && answer.json()["challenge"].is_object() {
            prove(thief, &answer, THIEF_PASSWORD).await;
            answer = thief.post(path).await;
        }
        assert_ne!(answer.text(), "done for alice", "{path}");
    }
}

/// Signed in as himself, with a proof of each kind, of which that of `/pay` is good for one request more.
async fn proven_thief(sidecar: &Sidecar) -> Client {
    let thief = sidecar.script();
    log_in(&thief, THIEF).await;
    for path in ["/keys", "/settings", "/pay"] {
        let refused = thief.post(path).await;
        if refused.status != 200 {
            assert!(prove(&thief, &refused, THIEF_PASSWORD).await, "{path}");
        }
    }
    assert_eq!(thief.post("/settings").await.text(), "done for mallory");
    thief
}

on_both_stores! {
    async fn whoever_ends_the_login_is_fresh_and_nobody_else(store: Store) {
        for end in [AtTheEnd::NewCookie, AtTheEnd::SameCookie] {
            for way in WAYS {
                let sidecar = run(store, end, way, &[]);
                let client = sidecar.script();
                client.get("/login").await;
                assert_eq!(client.post("/low").await.reason(), "session-required", "{way:?}");
                // The second step is left out, or answered wrong: nobody is signed in.
                let client = sidecar.script();
                client.get("/login").await;
                first(&client, USER).await;
                assert_eq!(client.clone().post("/low").await.reason(), "session-required", "{way:?}");
                assert_eq!(last(&client, THIEF, USER).await.status, 200);
                assert_eq!(client.clone().post("/keys").await.status, 401, "{way:?}");
                let client = sidecar.script();
                log_in(&client, USER).await;
                assert_eq!(client.post("/low").await.text(), "done for alice", "{end:?} {way:?}");
                client.earn("/keys").await;
                assert_eq!(client.post("/keys").await.text(), "done for alice", "{end:?} {way:?}");
                // Sent again by herself: where the application can be asked, it does not lock her out.
                if !way.1.is_empty() {
                    last(&client, USER, USER).await;
                    let again = client.post("/keys").await;
                    assert!(
                        again.status == 200 || prove(&client, &again, PASSWORD).await,
                        "{way:?}"
                    );
                }
                let logins = sidecar.events(1, |event| event["event"] == "login-observed");
                assert_eq!(logins[0]["subject"], USER, "{way:?}");
            }
        }
    }

    async fn names_that_cross_over_between_two_tabs_make_nobody_somebody_else(store: Store) {
        for end in [AtTheEnd::NewCookie, AtTheEnd::SameCookie] {
            for way in WAYS {
                // He knows her password, and types her name in one tab and his own in another.
                let sidecar = run(store, end, way, &[]);
                for (tabs, code_of) in [([USER, THIEF], THIEF), ([THIEF, USER], USER)] {
                    let thief = sidecar.script();
                    thief.get("/login").await;
                    for name in tabs {
                        first(&thief, name).await;
                        thief.get("/login/code").await;
                    }
                    let hidden = if code_of == USER { THIEF } else { USER };
                    let ended = last(&thief, code_of, hidden).await;
                    assert_eq!(ended.header("location"), "/home", "{way:?}");
                    // The hidden field does not say whose the session is, and his proof is none of hers.
                    let keys = thief.post("/keys").await;
                    assert_ne!(keys.text(), format!("done for {code_of}"), "{way:?}");
                    assert_eq!(prove(&thief, &keys, THIEF_PASSWORD).await, code_of == THIEF, "{end:?} {way:?}");
                    for path in ["/keys", "/settings", "/pay"] {
                        assert_ne!(thief.post(path).await.text(), "done for alice", "{way:?}");
                    }
                }
            }
        }
    }

    async fn whoever_has_half_of_a_login_has_nothing_of_its_end(store: Store) {
        for end in [AtTheEnd::NewCookie, AtTheEnd::SameCookie] {
            for way in WAYS {
                let sidecar = run(store, end, way, &[]);
                let owner = sidecar.script();
                owner.get("/login").await;
                first(&owner, USER).await;
                let thief = sidecar.thief_of(&owner);
                for path in ["/low", "/keys"] {
                    assert_eq!(thief.clone().post(path).await.status, 401, "{way:?}");
                }
                owner.get("/login/code").await;
                assert_eq!(last(&owner, USER, USER).await.status, 302);
                // She has ended it, and he sends the last step once more: with the old cookie, and with hers.
                assert_not_for_her(&thief.clone()).await;
                assert_eq!(owner.post("/low").await.text(), "done for alice", "{end:?} {way:?}");
                last(&thief, USER, USER).await;
                assert_not_for_her(&thief).await;
                let thief = sidecar.thief_of(&owner);
                assert_not_for_her(&thief.clone()).await;
                last(&thief, USER, THIEF).await;
                assert_not_for_her(&thief).await;
            }
        }
    }

    async fn a_last_step_within_the_session_of_another_takes_all_that_was_proved(store: Store) {
        for end in [AtTheEnd::NewCookie, AtTheEnd::SameCookie] {
            for way in WAYS {
                for hidden in [USER, THIEF] {
                    let sidecar = run(store, end, way, &[]);
                    let thief = proven_thief(&sidecar).await;
                    let open = thief.post("/name").await;
                    first(&thief, USER).await;
                    assert_eq!(last(&thief, USER, hidden).await.header("location"), "/home");
                    if open.status != 200 {
                        prove(&thief, &open, THIEF_PASSWORD).await;
                    }
                    assert_not_for_her(&thief).await;
                }
            }
        }
    }

    async fn log_in_as_voids_what_was_proved_and_stop_does_not_bring_it_back(store: Store) {
        let declared = "{ match: { methods: [GET, POST], path: /as }, subject: whoami, success: { status: 200 } }";
        for (by_get, whoami, more) in [
            (true, UNKEPT, &[][..]),
            (true, WHOAMI, &[declared]),
            (false, WHOAMI, &[]),
            (false, WHOAMI, &[declared]),
        ] {
            let sidecar = run(store, AtTheEnd::NewCookie, ("subject: whoami", whoami), more);
            let thief = proven_thief(&sidecar).await;
            let open = thief.get("/secrets").await;
            // A grant for one request is live.
            let become_ = async |name: &str| {
                let target = format!("/as?{name}");
                let told = if by_get { thief.get(&target).await } else { thief.post(&target).await };
                assert_eq!(told.text(), "as you like");
            };
            become_(USER).await;
            if more.is_empty() {
                let refused = thief.post("/pay").await;
                assert_eq!(refused.reason(), "subject-mismatch");
            }
            assert_not_for_her(&thief).await;
            let answered = thief.verify(&open.token(), ("password", THIEF_PASSWORD)).await;
            assert_ne!(answered.status, 200, "the challenge was his, and he is somebody else");
            // It is she who can prove it, by her own password.
            let refused = thief.post("/keys").await;
            assert!(prove(&thief, &refused, PASSWORD).await, "{}", refused.text());
            assert_eq!(thief.post("/keys").await.text(), "done for alice");
            become_(THIEF).await;
            for path in ["/keys", "/pay", "/settings", "/low"] {
                let refused = thief.post(path).await;
                assert_eq!(refused.status, 403, "{path}: {}", refused.text());
            }
            let refused = thief.post("/keys").await;
            assert!(!prove(&thief, &refused, PASSWORD).await, "her password is not his");
            let refused = thief.post("/keys").await;
            assert!(prove(&thief, &refused, THIEF_PASSWORD).await);
            assert_eq!(thief.post("/keys").await.text(), "done for mallory");
            // The audit log says each time for whom.
            let passed = sidecar.events(2, |event| event["path"] == "/keys" && event["outcome"] == "forwarded");
            let subjects: Vec<_> = passed.iter().map(|event| event["subject"].as_str().unwrap()).collect();
            assert!(subjects.ends_with(&[USER, THIEF]), "{subjects:?}");
        }
    }

    async fn log_in_as_while_the_challenge_is_answered_earns_nothing(store: Store) {
        for more in [&[][..], &["{ path: /as, subject: whoami, success: { status: 200 } }"]] {
            for _ in 0..8 {
                let sidecar = run(store, AtTheEnd::NewCookie, ("subject: whoami", WHOAMI), more);
                let thief = sidecar.script();
                log_in(&thief, THIEF).await;
                let refused = thief.post("/keys").await;
                let answering = Box::pin(prove(&thief, &refused, THIEF_PASSWORD));
                join(Box::pin(thief.post("/as?alice")), answering).await;
                assert_ne!(thief.post("/keys").await.status, 200);
                assert_not_for_her(&thief).await;
            }
        }
    }

    async fn the_answer_that_tells_of_another_subject_is_heard_to_its_end(store: Store) {
        let declared = "{ match: { methods: [GET], path: /as/slowly }, subject: whoami, success: { status: 200 } }";
        let sidecar = run(store, AtTheEnd::NewCookie, ("subject: whoami", WHOAMI), &[declared]);
        let thief = proven_thief(&sidecar).await;
        let cookies = [COOKIE, KEY_COOKIE].map(|name| format!("{name}={}", thief.cookie(name).unwrap()));
        let get = async |path: &str| {
            let mut connection = RawConnection::open(sidecar.addr()).await;
            let cookies = cookies.join("; ");
            connection.write(format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {cookies}\r\n\r\n")).await;
            let head = connection.read_head().await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            connection
        };
        let mut opened_before = get("/events").await;
        let mut switch = get("/as/slowly?alice").await;
        let told = sidecar.events(2, |event| event["event"] == "login-observed");
        assert_eq!(told[1]["subject"], USER);
        opened_before.read_to_end().await;
        sidecar.upstream().say("the rest");
        let heard = switch.read_until("the rest").await;
        assert!(heard.contains("the rest"), "{heard}");
    }

    async fn an_answer_that_sets_the_same_cookie_has_the_application_asked_anew(store: Store) {
        let sidecar = run(store, AtTheEnd::NewCookie, ("subject: whoami", WHOAMI), &[]);
        let thief = proven_thief(&sidecar).await;
        let refused = thief.get("/secrets").await;
        assert!(prove(&thief, &refused, THIEF_PASSWORD).await);
        // Asked a moment ago, with the very same headers.
        assert_eq!(thief.get("/secrets").await.text(), "done for mallory");
        assert_eq!(thief.get("/as/same?alice").await.text(), "as you like");
        assert_eq!(thief.get("/secrets").await.reason(), "subject-mismatch");
    }
}
