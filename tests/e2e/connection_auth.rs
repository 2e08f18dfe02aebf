//! NTLM and Negotiate log in a connection: it is its client's alone, and proves nothing to us.

use crate::support::client::Client;
use crate::support::raw::RawConnection;
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, Sidecar, USER, application, in_front_of};
use crate::support::store::on_both_stores;
use crate::support::upstream::{Got, Reply, Upstream, answer, text};
use crate::support::{becomes, run};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// More than a client must be silent for its connection to doze, as in `dozing`.
const SILENCE: Duration = Duration::from_millis(200);

/// An application behind IIS: whoever proves themselves to it does so for the connection.
fn windows() -> impl Fn(&Got) -> Reply + Send + Sync + 'static {
    let users = Mutex::new(HashMap::new());
    move |got| {
        let mut users = users.lock().unwrap();
        let (scheme, told) = got
            .header("authorization")
            .split_once(' ')
            .unwrap_or_default();
        if told == "hello" {
            let challenge = format!("{scheme} challenge");
            return answer(401, &[("www-authenticate", &challenge)], "prove it.");
        }
        if let Some(user) = told.strip_prefix("i-am-") {
            users.insert(got.connection, user.to_owned());
        }
        match users.get(&got.connection) {
            Some(user) => text(200, &format!("hello {user}.")),
            None => answer(
                401,
                &[
                    ("www-authenticate", "Negotiate"),
                    ("www-authenticate", "NTLM"),
                ],
                "who are you.",
            ),
        }
    }
}

fn ask(authorization: &str) -> String {
    let line = match authorization {
        "" => String::new(),
        value => format!("Authorization: {value}\r\n"),
    };
    format!("GET /x HTTP/1.1\r\nHost: h\r\n{line}\r\n")
}

async fn told(connection: &mut RawConnection, authorization: &str) -> String {
    connection.write(ask(authorization)).await;
    heard(connection).await
}

/// The text of the next answer.
async fn heard(connection: &mut RawConnection) -> String {
    connection.read_head().await;
    connection.read_until(".").await
}

async fn logged_in(sidecar: &Sidecar, scheme: &str) -> RawConnection {
    let mut connection = RawConnection::open(sidecar.addr()).await;
    log_in(&mut connection, scheme).await;
    connection
}

async fn log_in(connection: &mut RawConnection, scheme: &str) {
    assert_eq!(
        told(connection, &format!("{scheme} hello")).await,
        "prove it."
    );
    let proof = format!("{scheme} i-am-admin");
    assert_eq!(told(connection, &proof).await, "hello admin.");
}

async fn assert_nobody(sidecar: &Sidecar) {
    for _ in 0..4 {
        let stranger = sidecar.client().get("/x").await;
        assert_eq!(
            (stranger.status.as_u16(), stranger.text()),
            (401, "who are you.")
        );
    }
}

#[test]
fn who_logs_in_a_connection_has_it_to_themselves() {
    run(async {
        for scheme in ["NTLM", "Negotiate", "negotiate", "KERBEROS"] {
            let upstream = Upstream::start(windows());
            let sidecar = in_front_of(&upstream).run();
            let mut admin = logged_in(&sidecar, scheme).await;
            assert_nobody(&sidecar).await;
            // Also while others use the application, and after a silence in which the connection dozes.
            for _ in 0..2 {
                assert_eq!(told(&mut admin, "").await, "hello admin.", "{scheme}");
                assert_nobody(&sidecar).await;
                tokio::time::sleep(SILENCE).await;
            }
            // Several at once.
            admin.write(ask("").repeat(3)).await;
            for _ in 0..3 {
                assert_eq!(heard(&mut admin).await, "hello admin.");
            }
            drop(admin);
            assert_nobody(&sidecar).await;
        }
    });
}

#[test]
fn a_login_that_only_the_answer_tells_of_is_nobody_elses() {
    let answers: [&[(&str, &str)]; 7] = [
        &[("www-authenticate", "NTLM")],
        &[
            ("www-authenticate", "Basic realm=\"x\""),
            ("www-authenticate", "negotiate oYG2"),
        ],
        &[("www-authenticate", "Digest realm=x, Negotiate oYG2")],
        &[("proxy-authenticate", "NTLM")],
        &[("persistent-auth", "false")],
        &[("authentication-info", "Negotiate oYG2")],
        &[("www-authenticate", "Kerberos oYG2")],
    ];
    run(async {
        for status in [200, 401, 302] {
            for headers in answers {
                let upstream = Upstream::start(move |_| answer(status, headers, "told."));
                let sidecar = in_front_of(&upstream).run();
                for _ in 0..2 {
                    sidecar.client().get("/x").await;
                }
                let mut own = RawConnection::open(sidecar.addr()).await;
                told(&mut own, "").await;
                told(&mut own, "").await;
                let got = upstream.got().into_iter();
                let connections: Vec<_> = got.map(|got| got.connection).collect();
                assert_eq!(connections, [0, 1, 2, 2], "{headers:?}");
            }
        }
    });
}

#[test]
fn what_logs_in_one_request_shares_connections_as_ever() {
    run(async {
        let headers = [
            ("www-authenticate", "Basic realm=\"Negotiate\""),
            ("authentication-info", "nextnonce=\"NTLM\""),
        ];
        let upstream = Upstream::start(move |_| answer(401, &headers, "told."));
        let sidecar = in_front_of(&upstream).run();
        for value in [
            "Basic bnRsbTpudGxt",
            "Bearer negotiate",
            "Digest username=\"ntlm\"",
        ] {
            sidecar
                .client()
                .header("authorization", value)
                .get("/x")
                .await;
        }
        assert!(upstream.got().iter().all(|got| got.connection == 0));
    });
}

#[test]
fn over_http2_and_behind_a_proxy_no_login_outlives_its_request() {
    run(async {
        let upstream = Upstream::start(windows());
        let sidecar = in_front_of(&upstream).run();
        let h2 = sidecar.client().http2();
        let proof = h2.clone().header("authorization", "NTLM i-am-admin");
        assert_eq!(proof.get("/x").await.text(), "hello admin.");
        assert_eq!(h2.get("/x").await.status, 401);
        assert_nobody(&sidecar).await;
        let sidecar = in_front_of(&upstream)
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let mut proxy = RawConnection::open(sidecar.addr()).await;
        log_in(&mut proxy, "NTLM").await;
        // The next request on the proxy's connection may be anybody's.
        assert_eq!(told(&mut proxy, "").await, "who are you.");
        assert_nobody(&sidecar).await;
    });
}

#[test]
fn a_connection_that_the_application_closed_is_replaced_by_nobodys() {
    run(async {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nadmin.";
        let close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nadmin.";
        let nobody = "HTTP/1.1 401 No\r\nContent-Length: 7\r\n\r\nnobody.";
        let upstream = RawUpstream::start(vec![
            vec![Act::Write(ok)],
            vec![Act::Write(nobody), Act::Await, Act::Write(ok), Act::Await],
            vec![Act::Write(close)],
        ])
        .await;
        let sidecar = in_front_of(&upstream).run();
        let mut connection = RawConnection::open(sidecar.addr()).await;
        assert_eq!(told(&mut connection, "NTLM proof").await, "admin.");
        tokio::time::sleep(SILENCE).await;
        assert_eq!(told(&mut connection, "").await, "nobody.");
        assert_eq!(told(&mut connection, "NTLM proof").await, "admin.");
        // It breaks off after the request was sent: that is not done again on another.
        connection.write(ask("")).await;
        assert!(connection.read_head().await.starts_with("HTTP/1.1 502"));
        assert_eq!(upstream.heads().len(), 4);
    });
}

#[test]
fn those_who_log_in_leave_connections_for_the_others() {
    run(async {
        let upstream = Upstream::start(windows());
        let setup = in_front_of(&upstream).with("upstream", "max_connections: 4");
        let sidecar = setup.run();
        let mut first = logged_in(&sidecar, "NTLM").await;
        let mut second = logged_in(&sidecar, "NTLM").await;
        // One more gets answers, and no connection to keep.
        let mut third = RawConnection::open(sidecar.addr()).await;
        assert_eq!(told(&mut third, "NTLM i-am-admin").await, "hello admin.");
        assert_eq!(told(&mut third, "").await, "who are you.");
        assert_nobody(&sidecar).await;
        for connection in [&mut first, &mut second] {
            assert_eq!(told(connection, "").await, "hello admin.");
        }
        // Whoever hangs up makes room.
        drop(first);
        crate::support::until("room for another", async || {
            let mut fourth = RawConnection::open(sidecar.addr()).await;
            told(&mut fourth, "NTLM i-am-admin").await;
            (told(&mut fourth, "").await == "hello admin.").then_some(())
        })
        .await;
    });
}

#[test]
fn a_pinned_connection_ends_with_its_client() {
    run(async {
        let upstream = Upstream::start(windows());
        let setup = in_front_of(&upstream).with("upstream", "max_connections: 1");
        let sidecar = setup.run();
        let admin = logged_in(&sidecar, "NTLM").await;
        assert_eq!(sidecar.client().get("/x").await.status, 503);
        drop(admin);
        let nobody = becomes(401, async || sidecar.client().get("/x").await).await;
        assert_eq!(nobody.text(), "who are you.");
    });
}

/// A page's script on a connection of its own that it has logged in.
async fn on_a_connection(sidecar: &Sidecar, first: &str) -> RawConnection {
    let mut connection = RawConnection::open(sidecar.addr()).await;
    connection.write(ask(first)).await;
    connection.read_head().await;
    connection.read_until("done").await;
    connection
}

/// Posts an empty form with the cookies of `client`; tells the head and what follows up to `end`.
async fn post(connection: &mut RawConnection, client: &Client, path: &str, form: &str) -> String {
    let cookies = [COOKIE, KEY_COOKIE].map(|name| {
        let value = client.cookie(name).unwrap_or_default();
        format!("{name}={value}")
    });
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: app.test\r\nCookie: {}\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        cookies.join("; "),
        form.len()
    );
    connection.write(request).await;
    connection.read_head().await.to_ascii_lowercase()
}

on_both_stores! {
    async fn no_evidence_counts_on_a_connection_that_is_logged_in(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let before = sidecar.got("/keys");
        let mut connection = on_a_connection(&sidecar, "Negotiate YIIB").await;
        let head = post(&mut connection, &client, "/keys", "").await;
        assert!(head.starts_with("http/1.1 421 "), "{head}");
        assert!(head.contains("\r\nconnection: close\r\n"), "{head}");
        let body = String::from_utf8(connection.read_to_end().await).unwrap();
        assert!(body.contains("\"connection-authenticated\""), "{body}");
        // Nor with the request that begins it.
        for client in [client.clone(), client.clone().http2()] {
            let begins = client.header("authorization", "NTLM TlRM").post("/keys").await;
            assert_eq!((begins.status.as_u16(), begins.reason()), (421, "connection-authenticated".into()));
        }
        assert_eq!(sidecar.got("/keys"), before);
        let refused = sidecar.decisions("/keys", 5);
        assert_eq!(refused[4]["reason"], "connection-authenticated");
        // Another connection is nobody's, and what was proved counts; so does one that was only offered it.
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn where_the_application_can_be_asked_it_names_whoever_logged_the_connection_in(store: Store) {
        let whoami = r"whoami: { url: /who, subject: { regex: '^hello (\w+)\.$' } }";
        let sidecar = sidecar::on(store)
            .application(windows())
            .with("session", whoami)
            .with("session", "key: subject")
            .run();
        let mut connection = logged_in(&sidecar, "NTLM").await;
        let guarded = "GET /secrets HTTP/1.1\r\nHost: app.test\r\n\r\n";
        connection.write(guarded).await;
        let head = connection.read_head().await;
        assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
        let refused = sidecar.decisions("/secrets", 1);
        assert_eq!(refused[0]["subject"], "admin");
        // The question went over that connection and no other.
        let got = sidecar.upstream().got();
        let [.., proof, question] = &got[..] else { panic!("{got:?}") };
        assert_eq!((question.target.as_str(), question.connection), ("/who", proof.connection));
        // Nobody else is the administrator, and no handshake is spent on a question.
        let mut stranger = RawConnection::open(sidecar.addr()).await;
        stranger.write(guarded).await;
        assert!(stranger.read_head().await.starts_with("HTTP/1.1 401 "));
        let asked = sidecar.got("/who");
        let begins = sidecar.script().header("authorization", "NTLM i-am-admin").get("/secrets").await;
        assert_eq!(begins.reason(), "connection-authenticated");
        assert_eq!(sidecar.got("/who"), asked);
    }

    async fn an_offer_that_nobody_takes_changes_nothing(store: Store) {
        let sidecar = sidecar::on(store)
            .application(|got| match got.target.as_str() {
                "/x" => answer(401, &[("www-authenticate", "Negotiate")], "done"),
                _ => application(got),
            })
            .run();
        let client = sidecar.elevated().await;
        let mut connection = on_a_connection(&sidecar, "").await;
        let head = post(&mut connection, &client, "/keys", "").await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let got = sidecar.upstream().got();
        let [.., offered, guarded] = &got[..] else { panic!("{got:?}") };
        assert_eq!(offered.connection, guarded.connection);
    }

    async fn a_form_login_on_a_connection_that_is_logged_in_is_not_believed(store: Store) {
        let sidecar = sidecar::on(store).run();
        let nobody = sidecar.script();
        let mut connection = on_a_connection(&sidecar, "NTLM TlRM").await;
        let head = post(&mut connection, &nobody, "/login", "user=alice").await;
        assert!(head.starts_with("http/1.1 302 "), "{head}");
        assert!(!head.contains("set-cookie: stepgate="), "{head}");
        let cookie = head.split("sid=").nth(1).unwrap().split(';').next().unwrap();
        nobody.set_cookie(COOKIE, cookie);
        assert_eq!(nobody.post("/low").await.reason(), "session-required");
    }

    async fn a_cookie_that_is_set_on_a_connection_that_is_logged_in_carries_nothing_over(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let mut connection = on_a_connection(&sidecar, "NTLM TlRM").await;
        let head = post(&mut connection, &client, "/rotate", "").await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let old = client.cookie(COOKIE).unwrap();
        let cookie = head.split("sid=").nth(1).unwrap().split(';').next().unwrap();
        for cookie in [cookie, &old] {
            client.set_cookie(COOKIE, cookie);
            assert_eq!(client.post("/keys").await.reason(), "session-disputed");
        }
        // Who has the browser's key logs in, and all is well.
        client.log_in(USER).await;
        assert_eq!(client.post("/low").await.status, 200);
    }
}
