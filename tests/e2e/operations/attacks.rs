//! Ways to log in as somebody else that are no login to some readers, with the other's password.

use super::{JSON, RIGHT, THIEF, call, delete, delete_rpc, login};
use crate::support::sidecar::USER;
use http::Method;
use serde_json::{Value, json};

/// A request.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) kind: &'static str,
    pub(super) body: String,
}

pub(super) fn attacks() -> Vec<Attack> {
    let all = [by_documents(), by_variables(), by_types(), by_calls()];
    all.into_iter().flatten().collect()
}

fn by(name: &'static str, kind: &'static str, target: &str, body: String) -> Attack {
    Attack {
        name,
        method: Method::POST,
        target: target.to_owned(),
        kind,
        body,
    }
}

fn graphql(name: &'static str, body: &Value) -> Attack {
    by(name, JSON, "/graphql", body.to_string())
}

fn rpc(name: &'static str, body: &Value) -> Attack {
    by(name, JSON, "/rpc", body.to_string())
}

/// The field that logs somebody in.
fn field(user: &str) -> String {
    format!("login(user: {user:?}, password: {RIGHT:?}) {{ name }}")
}

fn document() -> String {
    format!("mutation {{ {} }}", field(USER))
}

fn by_documents() -> Vec<Attack> {
    let (hers, his) = (field(USER), field(THIEF));
    let of = |name, document: &str| graphql(name, &json!({ "query": document }));
    let look = json!({ "query": "{ me }" });
    let two = format!("query Look {{ me }} mutation Enter {{ {hers} }}");
    let two = json!({ "query": two, "operationName": "Enter" });
    let fragment = format!("mutation {{ ...f }} fragment f on Mutation {{ {hers} }}");
    let both = [login(THIEF, RIGHT), login(USER, RIGHT)];
    vec![
        graphql("batch", &json!([login(USER, RIGHT), look])),
        graphql("batch of two", &json!(both)),
        graphql("batch with an act", &json!([login(USER, RIGHT), delete()])),
        of("two logins", &format!("mutation {{ a: {his} b: {hers} }}")),
        of(
            "document with an act",
            &format!("mutation {{ {hers} deleteUser(name: \"x\") }}"),
        ),
        // What fails beside the login takes the answer with it, and may make an error of it.
        of("failing", &document().replace("name", "name forbidden")),
        of(
            "failing under an alias",
            &document().replace("name", "name a: forbidden"),
        ),
        of("alias", &format!("mutation {{ me: {hers} }}")),
        of("fragment", &fragment),
        graphql("two operations", &two),
    ]
}

fn by_variables() -> Vec<Attack> {
    let his = json!({ "user": THIEF, "password": RIGHT });
    let unused = json!({ "query": document(), "variables": his });
    let other = "mutation($u: String!, $password: String!) { login(user: $u, password: $password) { name } }";
    let other = json!({
        "query": other, "variables": { "user": THIEF, "u": USER, "password": RIGHT },
    });
    let default = format!(
        "mutation($user: String! = {USER:?}) {{ login(user: $user, password: {RIGHT:?}) {{ name }} }}"
    );
    let hash = ring::digest::digest(&ring::digest::SHA256, document().as_bytes());
    let hash = data_encoding::HEXLOWER.encode(hash.as_ref());
    let known = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    vec![
        graphql("inline", &unused),
        graphql("variables", &other),
        graphql("default", &json!({ "query": default })),
        graphql(
            "a known hash",
            &json!({ "query": document(), "extensions": known }),
        ),
        graphql(
            "hash alone",
            &json!({ "extensions": known, "variables": his }),
        ),
    ]
}

fn by_types() -> Vec<Attack> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", &document())
        .finish();
    let look = json!({ "query": "{ me }" }).to_string();
    let json = json!({ "query": document() }).to_string();
    let twice = format!("{{\"query\":\"{{ me }}\",{}", &json[1..]);
    let part = |name: &str, text: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let (operations, map) = (part("operations", &json), part("map", "{}"));
    let multipart = format!("{operations}{map}--b--\r\n");
    let in_query = format!("/graphql?{form}");
    let kind = "multipart/form-data; boundary=b";
    vec![
        by("doubled keys", JSON, "/graphql", twice),
        by("by the query", JSON, &in_query, look),
        by("form type", FORM, "/graphql", form),
        by("as text", "application/graphql", "/graphql", document()),
        by("plain text", "text/plain", "/graphql", json),
        by("multipart", kind, "/graphql", multipart),
        Attack {
            method: Method::GET,
            ..by("get", "", &in_query, String::new())
        },
    ]
}

fn by_calls() -> Vec<Attack> {
    let named = |user: &str| call("login", json!({ "user": user, "password": RIGHT }));
    let placed = call("login", json!([USER, RIGHT]));
    let text = placed.to_string();
    let mut quiet = named(USER);
    quiet.as_object_mut().unwrap().remove("id");
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("method", "login")
        .append_pair("params[user]", USER)
        .append_pair("params[password]", RIGHT)
        .finish();
    let doubled = format!("{{\"method\":\"me\",{}", &text[1..]);
    vec![
        rpc(
            "json-rpc batch",
            &json!([named(USER), call("me", json!({}))]),
        ),
        rpc("json-rpc batch of one", &json!([named(USER)])),
        rpc("json-rpc batch of two", &json!([named(THIEF), named(USER)])),
        rpc(
            "json-rpc batch with an act",
            &json!([named(USER), delete_rpc()]),
        ),
        rpc("names", &named(USER)),
        rpc("positions", &placed),
        rpc("no id", &quiet),
        by("rpc doubled keys", JSON, "/rpc", doubled),
        by("rpc as a form", FORM, "/rpc", text.clone()),
        by("rpc in a form", FORM, "/rpc", form),
        by("rpc without a type", "", "/rpc", text),
        Attack {
            method: Method::PUT,
            ..rpc("rpc by put", &placed)
        },
    ]
}

const FORM: &str = "application/x-www-form-urlencoded";
