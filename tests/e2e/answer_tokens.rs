//! Logins that answer with a token: who carries it afterwards is who logged in, and nobody else.

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{
    self, COOKIE, KEY_COOKIE, Setup, Sidecar, USER, fresh_cookie, shows,
};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer, text};
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const RIGHT: &str = "App-pass-1!";
const CHALLENGED: &str = "step-up-required";
const NOBODY: &str = "session-required";

/// An application whose login answers with a token, in all ways at once.
#[derive(Clone, Default)]
struct Tokens(Arc<Mutex<BTreeMap<String, String>>>);

impl Tokens {
    fn issue(&self, name: &str) -> String {
        let token = fresh_cookie();
        self.0
            .lock()
            .unwrap()
            .insert(token.clone(), name.to_owned());
        token
    }

    fn log_in(&self, got: &Got) -> Reply {
        let typed: Value = serde_json::from_slice(&got.body).unwrap_or_default();
        let name = typed["user"].as_str().unwrap_or_default();
        if typed["password"] != RIGHT {
            return answer(401, &[], r#"{"error":"wrong","access_token":null}"#);
        }
        let token = self.issue(name);
        let (cookie, header) = (format!("jwt={token}; Path=/"), format!("Bearer {token}"));
        let query = got.target.split_once('?').map_or("", |(_, query)| query);
        match query {
            "header" => answer(200, &[("x-auth-token", &header)], "{}"),
            "cookie" => answer(200, &[("set-cookie", &cookie)], "{}"),
            "none" => answer(200, &[], "{}"),
            _ => answer(200, &[], &json!({ "access_token": token }).to_string()),
        }
    }

    fn answer(&self, got: &Got) -> Reply {
        let path = got.target.split('?').next().unwrap();
        if path == "/api/login" {
            let tokens = self.clone();
            return Reply::ByBody(Box::new(move |got| tokens.log_in(got)));
        }
        let carried = got.header("authorization").split(' ').next_back().unwrap();
        match self.0.lock().unwrap().get(carried) {
            Some(name) if path == "/api/me" => text(200, &json!({ "name": name }).to_string()),
            Some(name) => text(200, &format!("done for {name}")),
            None if path == "/open" => text(200, "done for anybody"),
            None => text(401, "who?"),
        }
    }
}

fn setup(store: Store, tokens: &Tokens, login: &str) -> Setup {
    let known = tokens.clone();
    let learn = format!(
        "learn: {{ logins: [{{ path: /api/login, {login} }}], logouts: [{{ path: /api/logout }}] }}"
    );
    let setup = sidecar::on(store).application(move |got| known.answer(got));
    setup.with("session", &learn)
}

const BY_JSON: &str = "subject: { json: /user }, token: { json: /access_token }";

fn run(store: Store, tokens: &Tokens) -> Sidecar {
    let sidecar = setup(store, tokens, BY_JSON).run();
    sidecar.add_user("mallory", "mallory@example.test", "Mallory-own-pass-2!");
    sidecar
}

async fn log_in(client: &Client, query: &str, name: &str, password: &str) -> Answer {
    let typed = json!({ "user": name, "password": password });
    client
        .call(Method::POST, &format!("/api/login{query}"), typed)
        .await
}

/// The token of a login that succeeded by the application.
async fn token_of(client: &Client, name: &str) -> String {
    let answer = log_in(client, "", name, RIGHT).await;
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// One who carries a token, with all that was kept of earlier answers.
fn bearing(client: &Client, token: &str) -> Client {
    client
        .clone()
        .header("authorization", &format!("Bearer {token}"))
}

/// What became of a request: that it was done, or why it was not.
async fn told(client: &Client, path: &str) -> String {
    let answer = client.post(path).await;
    match answer.status.as_u16() {
        200 => answer.text().to_owned(),
        _ => answer.reason(),
    }
}

on_both_stores! {
    async fn who_logged_in_for_a_token_is_fresh_with_it_in_this_browser_alone(store: Store) {
        let tokens = Tokens::default();
        let sidecar = run(store, &tokens);
        let client = sidecar.script();
        let token = token_of(&client, USER).await;
        assert!(client.cookie(KEY_COOKIE).is_some(), "the login was seen");
        let owner = bearing(&client, &token);
        assert_eq!(told(&owner, "/medium").await, "done for alice");
        let refused = owner.post("/keys").await;
        assert_eq!(refused.reason(), CHALLENGED);
        owner.pass(&refused).await;
        assert_eq!(told(&owner, "/keys").await, "done for alice");
        // Stolen, it opens nothing that must be proved.
        let thief = bearing(&sidecar.script(), &token);
        for path in ["/medium", "/keys"] {
            assert_ne!(told(&thief, path).await, "done for alice", "{path}");
        }
        // In another spelling, or beside a cookie, it is another session.
        let spelled = client.clone().header("authorization", &format!("bearer {token}"));
        assert_eq!(told(&spelled, "/keys").await, NOBODY);
        let mixed = owner.clone();
        mixed.set_cookie(COOKIE, &fresh_cookie());
        assert_eq!(told(&mixed, "/keys").await, NOBODY);
        assert!(!shows(&sidecar.dump(), &token) && !shows(&sidecar.log(), &token));
    }

    async fn no_login_that_failed_or_holds_no_token_makes_a_session(store: Store) {
        let tokens = Tokens::default();
        let sidecar = run(store, &tokens);
        let client = sidecar.script();
        let failed = log_in(&client, "", USER, "wrong").await;
        assert_eq!((failed.status.as_u16(), client.cookie(KEY_COOKIE)), (401, None));
        for query in ["?none", "?header", "?cookie"] {
            assert_eq!(log_in(&client, query, USER, RIGHT).await.status, 200);
            assert_eq!(client.cookie(KEY_COOKIE), None, "{query}");
        }
        let token = tokens.issue(USER);
        assert_eq!(told(&bearing(&client, &token), "/keys").await, NOBODY, "of no login that was seen");
        assert_eq!(told(&bearing(&client, &token), "/open").await, "done for alice");
    }

    async fn a_thief_with_a_token_makes_it_neither_his_nor_fresh(store: Store) {
        let tokens = Tokens::default();
        let sidecar = run(store, &tokens);
        let owner = sidecar.script();
        let stolen = token_of(&owner, USER).await;
        let thief = bearing(&sidecar.script(), &stolen);
        for (name, password) in [("mallory", RIGHT), (USER, "wrong"), ("mallory", "wrong")] {
            log_in(&thief, "", name, password).await;
            for path in ["/low", "/medium", "/keys"] {
                assert_ne!(told(&thief, path).await, "done for alice", "{name} {path}");
            }
        }
        // Her own browser goes on, or must sign in anew; it is nobody else's.
        assert_ne!(told(&bearing(&owner, &stolen), "/keys").await, "done for mallory");
        let own = sidecar.script();
        let token = token_of(&own, "mallory").await;
        assert_eq!(told(&bearing(&own, &token), "/medium").await, "done for mallory");
        assert_ne!(told(&bearing(&own, &stolen), "/medium").await, "done for alice");
    }

    async fn a_token_ends_with_a_logout(store: Store) {
        let tokens = Tokens::default();
        let sidecar = run(store, &tokens);
        let client = sidecar.script();
        let token = token_of(&client, USER).await;
        let owner = bearing(&client, &token);
        assert_eq!(told(&owner, "/medium").await, "done for alice");
        owner.post("/api/logout").await;
        assert_ne!(told(&owner, "/medium").await, "done for alice");
    }

    async fn a_token_may_stand_in_a_header_or_a_cookie(store: Store) {
        for (query, place) in [("?header", "header: x-auth-token"), ("?cookie", "cookie: jwt")] {
            let tokens = Tokens::default();
            let login = format!("subject: {{ json: /user }}, success: {{ status: 200 }}, token: {{ {place}, scheme: Token }}");
            let sidecar = setup(store, &tokens, &login).run();
            let client = sidecar.script();
            log_in(&client, query, USER, RIGHT).await;
            // The application's own header has a scheme that is not the declared one.
            let is_seen = client.cookie(KEY_COOKIE).is_some();
            assert_eq!(is_seen, query == "?cookie", "{query}");
            if is_seen {
                let token = client.cookie("jwt").unwrap();
                let owner = client.clone().header("authorization", &format!("Token {token}"));
                assert_eq!(told(&owner, "/medium").await, "done for alice");
            }
            let login = format!("subject: {{ json: /user }}, token: {{ {place} }}");
            let sidecar = setup(store, &tokens, &login).run();
            let client = sidecar.script();
            let seen = log_in(&client, query, USER, RIGHT).await;
            let token = match query {
                "?cookie" => client.cookie("jwt").unwrap(),
                _ => seen.header("x-auth-token").split_once(' ').unwrap().1.to_owned(),
            };
            assert_eq!(told(&bearing(&client, &token), "/medium").await, "done for alice", "{query}");
        }
    }

    async fn the_application_is_asked_with_the_token_who_has_logged_in(store: Store) {
        let tokens = Tokens::default();
        let login = "match: { json: { /user: present } }, subject: whoami, token: { json: /access_token }";
        let login = login.replace("match: {", "match: { path: /api/login,");
        let known = tokens.clone();
        let sidecar = sidecar::on(store)
            .application(move |got| known.answer(got))
            .with("session", "whoami: { url: /api/me, subject: { json: /name } }")
            .with("session", &format!("learn: {{ logins: [{{ {login} }}] }}"))
            .run();
        let client = sidecar.script();
        let token = token_of(&client, USER).await;
        let owner = bearing(&client, &token);
        assert_eq!(told(&owner, "/medium").await, "done for alice");
        let refused = owner.post("/keys").await;
        owner.pass(&refused).await;
        assert_eq!(told(&owner, "/keys").await, "done for alice");
    }
}
