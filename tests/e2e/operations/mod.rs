//! Logins, logouts and guarded operations at one address: GraphQL and JSON-RPC, as real servers read them.

mod attacks;
mod site;

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, KEY_COOKIE, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use attacks::{Attack, attacks};
use http::{Method, header};
use serde_json::{Value, json};
use site::{Kind, Site};

const RIGHT: &str = "App-pass-1!";
const THIEF: &str = "mallory";
const KINDS: [Kind; 2] = [Kind::Express, Kind::Django];

const LEARN: &str = "learn: { logins: [\
    { match: { path: /graphql, graphql: { operation: login } }, subject: { graphql: /user }, success: { json: { /data/login/name: present } } }, \
    { match: { path: /rpc, json: { /method: login } }, subject: { json: /params/user }, success: { json: { /result/uid: present, /error: absent } } }, \
    { match: { path: /rpc, json: { /method: login, /params/1: present } }, subject: { json: /params/0 }, success: { json: { /result/uid: present, /error: absent } } }], \
    logouts: [{ path: /graphql, graphql: { operation: logout } }, { path: /rpc, json: { /method: logout } }] }";
const WHOAMI: &str = "whoami: { url: /me, subject: { json: /name } }";

const POLICY: &str = "
version: 1
default: forward
routes:
  - { id: graphql, action: user.delete, title: Delete somebody, level: 2, match: { methods: [POST], path: /graphql, graphql: { operation: deleteUser } } }
  - { id: rpc, action: user.delete.rpc, title: Delete somebody, level: 2, match: { methods: [POST], path: /rpc, json: { /method: user.delete } } }
  - { id: act, action: act, title: Act, level: 2, match: { methods: [POST], path: /act } }
";

/// Nothing at the address of the logins is guarded, so it is not refused for what it may be.
const ELSEWHERE: &str = "
version: 1
default: forward
routes:
  - { id: act, action: act, title: Act, level: 2, match: { methods: [POST], path: /act } }
";

/// Stepgate in front of such a site, with what it learns alone, or with `whoami` beside it.
fn run(store: Store, site: &Site, whoami: bool) -> Sidecar {
    guarding(POLICY, store, site, whoami)
}

fn guarding(policy: &str, store: Store, site: &Site, whoami: bool) -> Sidecar {
    let mut setup = sidecar::on(store)
        .in_front_of(site.addr())
        .policy(policy)
        .with("session", LEARN);
    if whoami {
        setup = setup.with("session", WHOAMI);
    }
    let sidecar = setup.run();
    sidecar.add_user(THIEF, "mallory@example.test", "Mallory-own-pass-2!");
    sidecar
}

async fn send(client: &Client, method: Method, target: &str, kind: &str, body: &str) -> Answer {
    let mut request = client.request(method, target, body.to_owned());
    if !kind.is_empty() {
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
    }
    client.send(request).await
}

const JSON: &str = "application/json";

async fn post(client: &Client, path: &str, body: &Value) -> Answer {
    send(client, Method::POST, path, JSON, &body.to_string()).await
}

/// A login as honest clients send it.
fn login(user: &str, password: &str) -> Value {
    json!({
        "operationName": "Enter",
        "query": "mutation Enter($user: String!, $password: String!) { login(user: $user, password: $password) { name message __typename } }",
        "variables": { "user": user, "password": password },
    })
}

fn inline(user: &str, password: &str) -> Value {
    let call = format!("login(user: {user:?}, password: {password:?})");
    json!({ "query": format!("mutation {{ {call} {{ name }} }}") })
}

fn call(method: &str, params: impl Into<Value>) -> Value {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params.into() })
}

fn delete() -> Value {
    json!({ "query": "mutation { deleteUser(name: \"x\") }" })
}

fn delete_rpc() -> Value {
    call("user.delete", json!({ "name": "x" }))
}

/// What became of what is guarded, in each way to ask for it: that it was done, or why it was not.
async fn told(client: &Client) -> [String; 2] {
    [
        outcome(&post(client, "/graphql", &delete()).await),
        outcome(&post(client, "/rpc", &delete_rpc()).await),
    ]
}

fn outcome(answer: &Answer) -> String {
    match answer.text().split("done for ").nth(1) {
        Some(rest) => rest.split('"').next().unwrap().to_owned(),
        None => answer.reason(),
    }
}

/// Whom the application knows the client as, without Stepgate.
async fn known_as(site: &Site, client: &Client) -> Option<String> {
    let answer = client.clone().at(site.addr()).get("/me").await;
    answer.json()["name"].as_str().map(str::to_owned)
}

/// Somebody who signed in by a login that is plain.
async fn signed_in(sidecar: &Sidecar, name: &str) -> Client {
    let client = sidecar.script();
    post(&client, "/graphql", &login(name, RIGHT)).await;
    assert_eq!(outcome(&client.post("/act").await), name);
    client
}

on_both_stores! {
    async fn a_login_that_is_read_in_one_way_is_learned_and_a_logout_ends_it(store: Store) {
        for (kind, whoami) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let site = Site::start(kind);
            let sidecar = run(store, &site, whoami);
            let by_name = |password: &str| call("login", json!({ "user": USER, "password": password }));
            let by_place = |password: &str| call("login", json!([USER, password]));
            for (path, wrong, right) in [
                ("/graphql", login(USER, "wrong"), login(USER, RIGHT)),
                ("/graphql", inline(USER, "wrong"), inline(USER, RIGHT)),
                ("/rpc", by_name("wrong"), by_name(RIGHT)),
                ("/rpc", by_place("wrong"), by_place(RIGHT)),
            ] {
                let client = sidecar.script();
                let nobody = told(&client).await;
                assert_eq!(nobody, ["session-required", "session-required"], "{kind:?} {whoami}");
                let wrong = post(&client, path, &wrong).await;
                assert_eq!(wrong.status, 200, "{}", wrong.text());
                assert_eq!(told(&client).await, nobody, "{kind:?} {whoami}");
                let right = post(&client, path, &right).await;
                assert_eq!(right.status, 200, "{}", right.text());
                assert!(client.cookie(KEY_COOKIE).is_some(), "{kind:?} {whoami} {}", right.text());
                assert_eq!(told(&client).await, [USER, USER], "{kind:?} {whoami}");
                let logout = match path {
                    "/rpc" => call("logout", json!([])),
                    _ => json!({ "query": "mutation { logout }" }),
                };
                post(&client, path, &logout).await;
                for reason in told(&client).await {
                    assert!(["session-required", "session-disputed"].contains(&reason.as_str()), "{reason}");
                }
            }
        }
    }

    async fn an_error_in_the_answer_is_a_refusal_and_the_right_password_follows(store: Store) {
        let site = Site::start(Kind::ExpressForGuests);
        let sidecar = run(store, &site, false);
        let by = |name: &str, password: &str| call("login", json!({ "user": name, "password": password }));
        let client = sidecar.script();
        // Everybody gets the cookie, and keeps it.
        client.get("/login").await;
        let cookie = client.cookie("sid").unwrap();
        post(&client, "/rpc", &by(USER, "wrong")).await;
        post(&client, "/rpc", &by(USER, RIGHT)).await;
        assert_eq!(client.cookie("sid"), Some(cookie));
        assert_eq!(told(&client).await, [USER, USER]);
        // Nor does a slip of somebody who is signed in dispute anything.
        post(&client, "/rpc", &by(THIEF, "wrong")).await;
        assert_eq!(told(&client).await, [USER, USER]);
        post(&client, "/rpc", &by(THIEF, RIGHT)).await;
        assert_eq!(outcome(&client.post("/act").await), "session-disputed");
    }

    async fn who_may_have_logged_in_as_another_proves_nothing(store: Store) {
        for (kind, whoami) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let site = Site::start(kind);
            let mut switched = Vec::new();
            for policy in [POLICY, ELSEWHERE] {
                let sidecar = guarding(policy, store, &site, whoami);
                for attack in attacks() {
                    let acts = attack.name.ends_with("an act");
                    if acts && policy == ELSEWHERE {
                        continue;
                    }
                    if attacked(&sidecar, &site, &attack).await {
                        assert!(!acts, "{kind:?} {whoami} {}", attack.name);
                        switched.push(attack.name);
                    }
                }
            }
            // The servers do take most of it.
            let of_both = ["batch", "two logins", "inline", "variables", "default", "json-rpc batch", "no id", "rpc as a form", "rpc without a type", "rpc doubled keys"];
            let of_one = ["failing", "failing under an alias", "alias", "two operations", "hash alone", "form type", "as text", "positions"];
            let of_one = of_one.into_iter().filter(|_| kind == Kind::Express);
            for name in of_both.into_iter().chain(of_one) {
                assert!(switched.contains(&name), "{kind:?}: {name} of {switched:?}");
            }
        }
    }

    async fn a_wrong_password_whose_answer_looks_right_is_no_login(store: Store) {
        for (kind, whoami) in KINDS.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let site = Site::start(kind);
            let sidecar = run(store, &site, whoami);
            for query in [
                "mutation { login(user: \"alice\", password: \"x\") { name: message } }",
                "mutation { login(user: \"alice\", password: \"x\") { ...m } } fragment m on Login { name: message }",
                "query { login: __type(name: \"Login\") { name } }",
                "mutation { login: __typename }",
            ] {
                let thief = sidecar.script();
                let answer = post(&thief, "/graphql", &json!({ "query": query })).await;
                assert_eq!(thief.cookie(KEY_COOKIE), None, "{query}: {}", answer.text());
                assert_eq!(told(&thief).await, ["session-required", "session-required"], "{query}");
            }
            // What the client writes into the call is not the application's word.
            let thief = sidecar.script();
            let mut echo = call("login", json!({ "user": USER, "password": "x" }));
            echo["id"] = json!("\"result\":{\"uid\":\"alice\"}");
            post(&thief, "/rpc", &echo).await;
            assert_eq!(told(&thief).await, ["session-required", "session-required"]);
        }
    }

    async fn other_operations_of_the_address_leave_a_session_as_it_is(store: Store) {
        for kind in KINDS {
            let site = Site::start(kind);
            let sidecar = run(store, &site, false);
            let owner = signed_in(&sidecar, USER).await;
            for body in [
                json!({ "query": "{ me }" }),
                json!({ "query": "query login { me }", "operationName": "login" }),
                json!([{ "query": "{ me }" }, { "query": "{ a: me b: me }" }]),
                json!({ "query": "query($a: Boolean!) { me @include(if: $a) }", "variables": { "a": true } }),
            ] {
                post(&owner, "/graphql", &body).await;
                assert_eq!(told(&owner).await, [USER, USER], "{body}");
            }
            for body in [call("me", json!(["a", "b"])), json!([call("me", json!({})), call("me", json!([]))])] {
                post(&owner, "/rpc", &body).await;
                assert_eq!(told(&owner).await, [USER, USER], "{body}");
            }
            // Queries that only the server knows go by GET, so that they can be cached.
            let hash = format!("/graphql?extensions=%7B%22persistedQuery%22:%7B%22version%22:1,%22sha256Hash%22:%22{}%22%7D%7D", "0".repeat(64));
            owner.get(&hash).await;
            owner.get("/graphql?query=%7Bme%7D").await;
            assert_eq!(told(&owner).await, [USER, USER]);
        }
    }

    async fn a_query_that_only_the_server_knows_may_be_a_login(store: Store) {
        let site = Site::start(Kind::Express);
        let sidecar = guarding(ELSEWHERE, store, &site, false);
        let owner = signed_in(&sidecar, USER).await;
        let hash = ring::digest::digest(&ring::digest::SHA256, b"{ me }");
        let hash = data_encoding::HEXLOWER.encode(hash.as_ref());
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        let registered = json!({ "query": "{ me }", "extensions": extensions });
        post(&owner, "/graphql", &registered).await;
        assert_eq!(outcome(&owner.post("/act").await), USER);
        let known = post(&owner, "/graphql", &json!({ "extensions": extensions })).await;
        assert_eq!(known.json()["data"]["me"], USER, "{}", known.text());
        assert_eq!(outcome(&owner.post("/act").await), "session-disputed");
    }
}

/// Logs in as somebody else within a session of the thief's own; whether the application took it. Whatever it took,
/// the thief proves nothing in it.
async fn attacked(sidecar: &Sidecar, site: &Site, attack: &Attack) -> bool {
    let thief = signed_in(sidecar, THIEF).await;
    let (method, name) = (attack.method.clone(), attack.name);
    let answer = send(&thief, method, &attack.target, attack.kind, &attack.body).await;
    let said = answer.text();
    assert!(
        !said.contains(&format!("done for {USER}")),
        "{name}: {said}"
    );
    if known_as(site, &thief).await.as_deref() != Some(USER) {
        return false;
    }
    let refused = thief.post("/act").await;
    let reason = outcome(&thief.post("/act").await);
    let is_refused = [
        "session-disputed",
        "session-required",
        "step-up-required",
        "session-not-fresh",
        "subject-mismatch",
    ];
    assert!(is_refused.contains(&reason.as_str()), "{name}: {reason}");
    if refused.json()["challenge"].is_object() {
        let own = ("password", "Mallory-own-pass-2!");
        let proved = thief.verify(&refused.token(), own).await;
        assert_ne!(proved.status, 200, "{name}: his own password opens it");
        assert_ne!(thief.post("/act").await.status, 200, "{name}");
    }
    true
}
