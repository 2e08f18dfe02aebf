//! What only some applications read takes no guard away, and what hides in lists and sockets is seen.

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, COOKIE, HOST, KEY_COOKIE, Sidecar, application};
use crate::support::soon;
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::Reply;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request};
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

const POLICY: &str = r#"version: 1
default: forward
routes:
  - id: dry-or-not
    action: things.delete
    level: 3
    match:
      path: /things
      except:
        - query: { dry: "1" }
        - headers: { x-dry-run: "1" }
  - { id: query, action: query.delete, level: 3, match: { path: /q, query: { do: delete, dry: absent } } }
  - { id: form, action: form.delete, level: 3, match: { methods: [POST], path: /form, form: { do: delete, dry: absent } } }
  - { id: json, action: json.delete, level: 3, match: { methods: [POST], path: /json, json: { /do: delete, /dry: absent } } }
  - id: rpc
    level: 3
    match: { methods: [POST], path: /rpc, json: { /method: { regex: "user[.](delete|create)" } } }
  - { id: flag, action: flag.off, level: 3, match: { methods: [PATCH], path: /me, json: { /two_factor: false } } }
  - { id: item, action: item.delete, level: 3, match: { methods: [DELETE], path: "/items/{id}" } }
  - { id: post, action: post.delete, level: 3, match: { path_regex: "/posts/[0-9]+/delete" } }
  - { id: user, action: user.delete, level: 3, match: { path: '/users/{id}/delete' } }
  - { id: owner, action: owner.change, level: 3, match: { path: /owner, query: { 'user[id]': root } } }
  - { id: bound, level: 4, bind: [json./id], match: { methods: [POST], path: /bound, json: { /id: present } } }
  - id: graphql
    action: graphql.delete
    level: 3
    match: { methods: [POST], path: /graphql, graphql: { operation: deleteUser } }
"#;

fn sidecar(store: Store) -> Sidecar {
    let setup = sidecar::on(store).policy(POLICY);
    let setup = setup.application(|got| match got.header("upgrade") {
        "" => application(got),
        _ => Reply::WebSocket,
    });
    setup.run()
}

/// Sends a body of a type.
async fn send(client: &Client, target: &str, kind: &str, body: &str) -> Answer {
    let mut request = client.request(
        Method::POST,
        target,
        Bytes::copy_from_slice(body.as_bytes()),
    );
    let headers = request.headers_mut();
    headers.insert("content-type", kind.parse().unwrap());
    client.send(request).await
}

async fn json(client: &Client, target: &str, body: &str) -> Answer {
    send(client, target, "application/json", body).await
}

const FORM: &str = "application/x-www-form-urlencoded";

/// The handshake that a browser with the client's cookies sends.
fn handshake(sidecar: &Sidecar, client: &Client, target: &str) -> Request<()> {
    let url = format!("ws://{}{target}", sidecar.addr());
    let mut request = url.into_client_request().unwrap();
    let cookies =
        [COOKIE, KEY_COOKIE].map(|name| format!("{name}={}", client.cookie(name).unwrap()));
    let headers = request.headers_mut();
    headers.insert("host", HOST.parse().unwrap());
    headers.insert("cookie", cookies.join("; ").parse().unwrap());
    request
}

on_both_stores! {
    async fn an_exception_needs_the_plain_name_once(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        for target in ["/things?dry=1", "/things?a=b&dry=1"] {
            assert_eq!(client.get(target).await.status, 200, "{target}");
        }
        for target in [
            "/things", "/things?DRY=1", "/things?dry[]=1", "/things?dry%00=1", "/things?%20dry=1",
            "/things?d%72y=1", "/things?dry=1;x", "/things?a;dry=1", "/things?dry=1&dry=1",
            "/things?dry=1&Dry=0", "/things?dry=1+", "/things?dry",
        ] {
            let refused = client.get(target).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, "step-up-required".into()), "{target}");
        }
        let with = |name, value| client.clone().header(name, value);
        assert_eq!(with("x-dry-run", "1").get("/things").await.status, 200);
        for (name, value) in [("x_dry_run", "1"), ("x-dry.run", "1"), ("x-dry-run", "1, 0"), ("x-dry-run", "1,1")] {
            assert_eq!(with(name, value).get("/things").await.status, 403, "{name}: {value}");
        }
        let twice = with("x-dry-run", "1").header("x-dry-run", "1");
        assert_eq!(twice.get("/things").await.status, 403);
        for (kind, body, status) in [(FORM, "a=b", 200), (FORM, "dry=1", 403), ("application/json", r#"[{"DRY":0}]"#, 403)] {
            assert_eq!(send(&client, "/things?dry=1", kind, body).await.status, status, "{body}");
        }
        // PHP's `$_REQUEST` prefers the cookie.
        let with_cookie = client.clone();
        with_cookie.set_cookie("dry", "0");
        assert_eq!(with_cookie.get("/things?dry=1").await.status, 403);
        with_cookie.set_cookie("do", "delete");
        assert_eq!(with_cookie.get("/q?do=show").await.status, 403);
        assert_eq!((sidecar.got("/things"), sidecar.got("/q")), (4, 0));
    }

    async fn a_loose_spelling_drops_no_guard_by_absence(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        for (target, status) in [
            ("/q?do=delete&dry=1", 200), ("/q?do=show", 200), ("/q?do=delete", 403), ("/q?do=delete&DRY=1", 403),
            ("/q?do=delete&dry[]=1", 403), ("/q?do=delete;dry=1", 403), ("/q?do=delete&dry=1&dry=1", 403),
            ("/q?do=delete&dry=", 403), ("/q?do=delete&d%72y=1", 403),
        ] {
            assert_eq!(client.get(target).await.status, status, "{target}");
        }
        for (target, body, status) in [
            ("/form", "do=delete&dry=1", 200), ("/form", "do=delete&Dry=1", 403), ("/form", "do=delete&dry[]=1", 403),
            ("/form", "do=delete&dry=", 403), ("/form?do=delete", "dry=1", 403), ("/form?dry=1", "do=delete", 403),
        ] {
            assert_eq!(send(&client, target, FORM, body).await.status, status, "{target} {body}");
        }
        for (body, status) in [
            (r#"{"do":"delete","dry":1}"#, 200), (r#"{"do":"delete","DRY":1}"#, 403), (r#"{"do":"delete","dry":null}"#, 403),
            (r#"{"do":"delete","dry":1,"Dry":1}"#, 403), (r#"[{"do":"delete"},{"dry":1}]"#, 403), (r#"{"do":"delete"}"#, 403),
        ] {
            assert_eq!(json(&client, "/json", body).await.status, status, "{body}");
        }
        assert_eq!((sidecar.got("/q"), sidecar.got("/form"), sidecar.got("/json")), (2, 1, 1));
    }

    async fn a_value_counts_in_every_spelling(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        for (value, status) in [
            ("delete", 403), ("delete%20", 403), ("+Delete", 403), ("%09DELETE%0a", 403), ("delete%00", 403), ("%EF%BB%BFdelete", 403),
            ("show", 200), ("deleted", 200), ("un+delete", 200),
        ] {
            let target = format!("/q?do={value}");
            assert_eq!(client.get(&target).await.status, status, "{target}");
            let answer = send(&client, "/form", FORM, &format!("do={value}")).await;
            assert_eq!(answer.status, status, "{value}");
        }
        for (value, status) in [
            ("false", 403), ("0", 403), (r#""off""#, 403), (r#""F ""#, 403), ("null", 403), (r#""nonsense""#, 403),
            ("true", 200), ("1", 200), (r#""On""#, 200),
        ] {
            let body = format!(r#"{{"two_factor":{value}}}"#);
            let mut request = client.request(Method::PATCH, "/me", Bytes::from(body));
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            assert_eq!(client.send(request).await.status, status, "{value}");
        }
        assert_eq!((sidecar.got("/q"), sidecar.got("/form"), sidecar.got("/me")), (3, 3, 3));
    }

    async fn what_one_framework_reads_otherwise_is_guarded(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        for (target, status) in [
            ("/q;do=delete", 403), ("/q;x?do=delete&dry=1", 403), ("/q;x/y?do=delete", 403), ("/q;do=show", 200),
            ("/posts/%D9%A5/delete", 403), ("/posts/(S(x))/5/delete", 403), ("/posts/5/delete/__data.json", 403),
            ("/_next/data/b1/posts/5/delete.json", 403), ("/posts/%D9%A5", 200), ("/things;x?dry=1", 403),
        ] {
            assert_eq!(client.get(target).await.status, status, "{target}");
        }
        for (method, kind, body, status) in [
            (Method::PUT, FORM, "_method=DELETE", 403), (Method::PATCH, FORM, "a=1&_method=delete", 403), (Method::PUT, FORM, "a=1", 200),
            (Method::POST, "application/x-url-encoded", "_method=delete", 400),
        ] {
            let mut request = client.request(method, "/items/5", Bytes::from_static(body.as_bytes()));
            request.headers_mut().insert("content-type", kind.parse().unwrap());
            assert_eq!(client.send(request).await.status, status, "{kind} {body}");
        }
        for target in ["/items/5;_method=delete", "/items/5%3F_method=delete", "/items/5;x?y&_method=delete"] {
            assert_eq!(send(&client, target, "text/plain", "x").await.status, 403, "{target}");
        }
        for (body, status) in [
            (r#"{"query":"mutation { delete_user(id: 1) }"}"#, 403), (r#"{"query":"mutation { deleteUsers }"}"#, 200),
        ] {
            assert_eq!(json(&client, "/graphql", body).await.status, status, "{body}");
        }
        assert_eq!(json(&client, "/json", r#"{"__proto__":{"do":"delete"}}"#).await.status, 400);
        let reached = ["/q;do=show", "/posts/%D9%A5", "/items/5", "/graphql", "/json"].map(|path| sidecar.got(path));
        assert_eq!(reached, [1, 1, 1, 1, 0]);
    }

    async fn what_a_framework_makes_of_a_value_is_guarded(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        for value in [
            "+delete", "delete%20", "delete%0a", "delete%00", "%e3%80%80delete", "%ef%bb%bfdelete", "delete%e2%80%8b",
            "%01delete", "x,delete", "delete,", "delete%00x",
        ] {
            for target in [format!("/q?do={value}"), format!("/q?.do={value}"), format!("/q?do.x={value}"), format!("/q?do[x=]={value}")] {
                assert_eq!(client.get(&target).await.status, 403, "{target}");
            }
            let body = format!("do={value}");
            assert_eq!(send(&client, "/form", FORM, &body).await.status, 403, "{body}");
            // A value that is none without what a framework cuts off.
            let target = format!("/q?do=delete&dry={}", value.replace("delete", "0"));
            let status = if value.contains(',') { 200 } else { 403 };
            assert_eq!(client.get(&target).await.status, status, "{target}");
            let excepted = format!("/things?dry={}", value.replace("delete", "1"));
            assert_eq!(client.get(&excepted).await.status, 403, "{excepted}");
        }
        for target in ["/owner?user[id]=root", "/owner?user[id]\\=]=root", "/owner?user[id]:=]=root", "/owner?.user[id]=root", "/owner?user[%6@d]=root", "/q?d%6?=delete"] {
            assert_eq!(client.get(target).await.status, 403, "{target}");
        }
        for target in ["/users/7/delete", "/users//delete", "/users/%2f/delete", "/users/;/delete;"] {
            assert_eq!(client.get(target).await.status, 403, "{target}");
        }
        // No browser writes it.
        for body in ["do[x=]=delete", "x=1]=2", "x=1%5D=2"] {
            assert_eq!(send(&client, "/form", FORM, body).await.status, 400, "{body}");
        }
        for target in ["/q?do=undelete", "/q?do=delete-x", "/users//", "/owner?user[id]=7", "/things?dry=1"] {
            assert_eq!(client.get(target).await.status, 200, "{target}");
        }
        assert_eq!(send(&client, "/form", FORM, "do=show&do.x=1&do.y=2").await.status, 200);
    }

    async fn every_item_of_a_batch_counts_and_is_bound(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        let (one, other) = (r#"{"method":"user.delete"}"#, r#"{"method":"api.version"}"#);
        for kind in ["application/json", "application/json-rpc", "application/jsonrequest", "text/json"] {
            for (body, status) in [
                (other.to_owned(), 200), (one.to_owned(), 403), (format!("[{one}]"), 403), (format!("[{other},{one}]"), 403),
                (format!("[[{one}]]"), 403), (format!("{other}\n{one}"), 400), (format!("\u{feff}{one}"), 400),
            ] {
                assert_eq!(send(&client, "/rpc", kind, &body).await.status, status, "{kind} {body}");
            }
        }
        // What does not look at the type may still find JSON in it.
        for kind in ["text/plain", "application/x-ndjson", "text/javascript"] {
            assert_ne!(send(&client, "/rpc", kind, one).await.status, 200, "{kind}");
        }
        let refused = json(&client, "/bound", r#"[{"id":5},{"id":6}]"#).await;
        client.pass(&refused).await;
        for body in [r#"[{"id":5},{"id":6},{"id":7}]"#, r#"[{"id":6},{"id":5}]"#, r#"{"id":5}"#] {
            assert_eq!(json(&client, "/bound", body).await.status, 403, "{body}");
        }
        assert_eq!(json(&client, "/bound", r#"[{"id":5},{"id":6}]"#).await.status, 200);
        assert_eq!((sidecar.got("/rpc"), sidecar.got("/bound")), (4, 1));
    }

    async fn a_socket_on_a_graphql_path_is_held_to_the_route(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        let open = async |target| {
            let stream = TcpStream::connect(sidecar.addr()).await.unwrap();
            client_async(handshake(&sidecar, &client, target), stream).await
        };
        for target in ["/graphql", "/GraphQL/", "/graphql?query=%7Bme%7D", "/rpc"] {
            let Err(Error::Http(refused)) = open(target).await else {
                panic!("a socket on {target}");
            };
            assert_eq!(refused.status(), 403, "{target}");
        }
        // Others are no business of the route.
        assert!(open("/socket").await.is_ok());
        assert!(open("/form").await.is_ok());
        let mutation = r#"{"query":"mutation { deleteUser(id: 5) }"}"#;
        let refused = json(&client, "/graphql", mutation).await;
        client.pass(&refused).await;
        let (mut socket, _) = open("/graphql").await.unwrap();
        let message = Message::text(mutation);
        socket.send(message.clone()).await.unwrap();
        assert_eq!(soon("an echo", socket.next()).await.unwrap().unwrap(), message);
        assert_eq!((sidecar.got("/graphql"), sidecar.got("/rpc")), (1, 0));
    }

    async fn a_graphql_document_that_only_the_server_knows_is_refused(store: Store) {
        let sidecar = sidecar(store);
        let client = sidecar.logged_in().await;
        for body in [
            r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
            r#"{"query":"{me}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
            r#"{"query":"{me}","queryId":"ab"}"#,
        ] {
            let refused = json(&client, "/graphql", body).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, "ambiguous-request".into()), "{body}");
        }
        assert_eq!(json(&client, "/graphql", r#"{"query":"{me}"}"#).await.status, 200);
        assert_eq!(sidecar.got("/graphql"), 1);
    }
}
