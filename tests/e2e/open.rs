//! What is open ends with its session: tunnels, streams and uploads, on every sidecar, within a second.

use crate::support::accounts::{Accounts, Mood};
use crate::support::client::Client;
use crate::support::raw::RawConnection;
use crate::support::sidecar::{
    self, COOKIE, KEY_COOKIE, Setup, Sidecar, USER, application, fresh_cookie,
};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Got, Reply, answer};
use crate::support::{run, soon};
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// An application with a shell over an upgrade, events, and uploads.
fn shell(got: &Got) -> Reply {
    match got.target.split('?').next().unwrap_or_default() {
        "/shell" => Reply::Upgrade("shell/1"),
        "/events" => Reply::Events,
        "/upload" => Reply::Count,
        "/hang" => Reply::Hang,
        // Says goodbye at length.
        "/logout" if got.target.ends_with("?long") => Reply::Events,
        "/logout-all" => answer(302, &[("set-cookie", "sid=; Path=/; Max-Age=0")], ""),
        _ => application(got),
    }
}

fn setup(store: Store) -> Setup {
    sidecar::on(store).application(shell)
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// By an operator, with the command line.
    Revoked,
    /// By the application, on another connection.
    LoggedOut,
    /// By its owner, who drops their elevation.
    Locked,
}

const EVERY_WAY: [How; 3] = [How::Revoked, How::LoggedOut, How::Locked];

async fn end(sidecar: &Sidecar, client: &Client, user: &str, how: How) -> Instant {
    match how {
        How::Revoked => {
            sidecar.command(&["session", "revoke", "--user", user]);
        }
        How::LoggedOut => {
            let answer = client.post("/logout").await;
            assert_eq!(answer.status, 302);
        }
        How::Locked => {
            let answer = client.call(Method::POST, "/.stepup/lock", json!({})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    Instant::now()
}

fn cookies(client: &Client) -> String {
    let names = [COOKIE, "remembered", KEY_COOKIE].into_iter();
    let pairs = names.filter_map(|name| Some(format!("{name}={}", client.cookie(name)?)));
    pairs.collect::<Vec<_>>().join("; ")
}

/// Sends a head with these lines beside the host.
async fn begin(addr: SocketAddr, request: &str, lines: &[String]) -> RawConnection {
    let mut connection = RawConnection::open(addr).await;
    let head = [&[format!("{request} HTTP/1.1\r\nHost: app.test")], lines].concat();
    connection.write(head.join("\r\n") + "\r\n\r\n").await;
    connection
}

/// A tunnel that works, opened with these lines.
async fn tunnel(addr: SocketAddr, mut lines: Vec<String>) -> RawConnection {
    lines.push("Connection: upgrade\r\nUpgrade: shell/1".to_owned());
    let mut tunnel = begin(addr, "GET /shell", &lines).await;
    let head = tunnel.read_head().await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_alive(&mut tunnel).await;
    tunnel
}

async fn assert_alive(tunnel: &mut RawConnection) {
    tunnel.write("id\n").await;
    assert_eq!(tunnel.read_until("\n").await, "id\n");
}

fn of(client: &Client) -> Vec<String> {
    vec![format!("Cookie: {}", cookies(client))]
}

async fn assert_ends(connection: &mut RawConnection, since: Instant, what: &str) {
    let rest = connection.read_to_end().await;
    let took = since.elapsed();
    assert!(took < Duration::from_secs(1), "{what} took {took:?}");
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{what} ended in order");
}

on_both_stores! {
    async fn a_tunnel_ends_with_its_session_on_every_sidecar(store: Store) {
        let sidecar = setup(store).run();
        let other = sidecar.another();
        let bystander = sidecar.script();
        bystander.log_in("bob").await;
        let mut theirs = tunnel(sidecar.addr(), of(&bystander)).await;
        let mut nobodys = tunnel(other.addr(), Vec::new()).await;
        for how in EVERY_WAY {
            let client = sidecar.logged_in().await;
            let mut here = tunnel(sidecar.addr(), of(&client)).await;
            let mut there = tunnel(other.addr(), of(&client)).await;
            let since = end(&sidecar, &client, USER, how).await;
            assert_ends(&mut here, since, &format!("{how:?} here")).await;
            assert_ends(&mut there, since, &format!("{how:?} there")).await;
        }
        assert_alive(&mut theirs).await;
        assert_alive(&mut nobodys).await;
        let ended = sidecar.events(3, |event| event["event"] == "streams-ended");
        assert_eq!(ended[0]["count"], 1);
        let reasons: Vec<_> = ended.iter().map(|event| event["reason"].as_str()).collect();
        assert_eq!(reasons, [Some("session-revoked"), None, None]);
        sidecar.process().wait_for_line("ended what was open for a session");
    }

    async fn streams_and_uploads_end_with_their_session(store: Store) {
        let sidecar = setup(store).run();
        let other = sidecar.another();
        for how in EVERY_WAY {
            let client = sidecar.logged_in().await;
            let mut open = Vec::new();
            for addr in [sidecar.addr(), other.addr()] {
                let mut events = begin(addr, "GET /events", &of(&client)).await;
                let head = events.read_head().await;
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                let mut lines = of(&client);
                lines.push("Content-Length: 1000000".to_owned());
                let mut upload = begin(addr, "POST /upload", &lines).await;
                upload.write("half").await;
                let hanging = begin(addr, "GET /hang", &of(&client)).await;
                open.extend([(events, "events"), (upload, "an upload"), (hanging, "a poll")]);
            }
            let h2 = client.clone().http2();
            let stream = h2.open(h2.request(Method::GET, "/events", "")).await;
            assert_eq!(stream.status(), 200);
            sidecar.upstream().say("hello");
            for (connection, what) in &mut open {
                if *what == "events" {
                    assert!(connection.read_until("hello\n\n").await.contains("hello"));
                }
            }
            // The uploads and polls have reached the application.
            let reached = || {
                let got = sidecar.upstream().got();
                got.iter().filter(|got| got.header("cookie") == format!("{COOKIE}={}", client.cookie(COOKIE).unwrap())).count()
            };
            crate::support::until("all of them there", async || (reached() >= 7).then_some(())).await;
            let since = end(&sidecar, &client, USER, how).await;
            for (connection, what) in &mut open {
                assert_ends(connection, since, &format!("{what} {how:?}")).await;
            }
            let broken = soon("the end of a stream", stream.into_body().collect()).await;
            assert!(broken.is_err(), "{how:?}");
            assert!(since.elapsed() < Duration::from_secs(1), "{how:?}");
        }
    }

    async fn no_spelling_of_the_session_keeps_a_tunnel_open(store: Store) {
        let both = |got: &Got| match got.target.as_str() {
            "/login" => {
                let [sid, remembered] = [COOKIE, "remembered"]
                    .map(|name| format!("{name}={}; Path=/", fresh_cookie()));
                answer(302, &[("location", "/home"), ("set-cookie", &sid), ("set-cookie", &remembered)], "")
            }
            _ => shell(got),
        };
        let sidecar = sidecar::on(store).with("session", "cookies: [sid, remembered]").application(both).run();
        for how in EVERY_WAY {
            let client = sidecar.logged_in().await;
            let addr = sidecar.addr();
            let all = cookies(&client);
            let sid = format!("sid={}", client.cookie(COOKIE).unwrap());
            let remembered = format!("remembered={}", client.cookie("remembered").unwrap());
            let junk = "Authorization: Bearer junk".to_owned();
            let mut tunnels = Vec::new();
            for lines in [
                vec![format!("Cookie: {all}"), junk.clone()],
                vec![format!("Cookie: {remembered}; {sid}; more=1")],
                vec![format!("Cookie: {sid}")],
                vec![format!("Cookie: {remembered}"), junk],
                vec![format!("Cookie: {sid}; SID=other")],
                vec![format!("Cookie: a=b"), format!("Cookie: {sid}; remembered=other")],
                vec![format!("Cookie: sid=other; {sid}")],
            ] {
                tunnels.push((tunnel(addr, lines.clone()).await, lines));
            }
            let since = end(&sidecar, &client, USER, how).await;
            for (tunnel, lines) in &mut tunnels {
                assert_ends(tunnel, since, &format!("{lines:?} {how:?}")).await;
            }
        }
    }

    async fn a_shared_authorization_ends_nobody_elses_tunnels(store: Store) {
        let sidecar = setup(store).run();
        let shared = "Authorization: Basic c3RhZ2U6c3RhZ2U=".to_owned();
        let client = sidecar.logged_in().await;
        let addr = sidecar.addr();
        let mut lines = of(&client);
        lines.push(shared.clone());
        let mut theirs = tunnel(addr, lines).await;
        let mut own = tunnel(addr, vec![shared]).await;
        // Somebody without a session logs out.
        let stranger = sidecar.script().header("authorization", "Basic c3RhZ2U6c3RhZ2U=");
        stranger.post("/logout").await;
        assert!(own.read_to_end().await.is_empty());
        assert_alive(&mut theirs).await;
    }

    async fn what_is_open_for_whoever_a_proxy_names_ends_as_well(store: Store) {
        // What is opened in the second behind an ending may end with it, so each has its own sidecar.
        for (key, how) in [("", How::Locked), ("", How::Revoked), ("key: subject\n", How::Locked), ("key: subject\n", How::Revoked)] {
            let sidecar = setup(store)
                .with("session", &format!("{key}headers: {{ subject: remote-user }}"))
                .line("trusted_proxies: [127.0.0.1]")
                .run();
            let client = sidecar.script().header("remote-user", USER);
            client.earn("/keys").await;
            let addr = sidecar.addr();
            let named = |user| vec![format!("Remote-User: {user}")];
            let mut theirs = tunnel(addr, named("bob")).await;
            let mut own = tunnel(addr, named(USER)).await;
            let since = end(&sidecar, &client, USER, how).await;
            assert_ends(&mut own, since, &format!("{how:?} {key}")).await;
            assert_alive(&mut theirs).await;
        }
    }

    async fn what_is_open_for_whom_the_application_names_ends_as_well(store: Store) {
        for how in [How::Locked, How::Revoked] {
            let accounts = Accounts::new();
            let application = accounts.clone();
            let sidecar = setup(store)
                .application(move |got| match got.target.as_str() {
                    "/shell" => shell(got),
                    _ => application.answer(got),
                })
                .with("session", "key: subject\nwhoami: { url: /api/me, subject: { json: /user/name } }")
                .run();
            let addr = sidecar.addr();
            // The cookie comes anew with every answer: none of these is that of the verification.
            let with = |value: &str| vec![format!("Cookie: {COOKIE}={value}")];
            let of = |name: &str| with(&accounts.sign_in(name));
            let client = sidecar.script();
            client.set_cookie(COOKIE, &accounts.sign_in(USER));
            client.earn("/keys").await;
            let mut theirs = tunnel(addr, of("bob")).await;
            let mut nobodys = tunnel(addr, with("of-nobody")).await;
            let mut unknown = tunnel(addr, Vec::new()).await;
            let mut own = tunnel(addr, of(USER)).await;
            let since = end(&sidecar, &client, USER, how).await;
            assert_ends(&mut own, since, &format!("{how:?}")).await;
            for other in [&mut theirs, &mut nobodys, &mut unknown] {
                assert_alive(other).await;
            }
            if how == How::Revoked {
                let mut lines = of(USER);
                lines.push("Connection: upgrade\r\nUpgrade: shell/1".to_owned());
                let head = begin(addr, "GET /shell", &lines).await.read_head().await;
                assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
                // Where the application does not say whose they are, tunnels are opened as ever.
                accounts.set(Mood::Stubborn(500, ""));
                tunnel(addr, with("of-somebody-else")).await;
                sidecar.process().wait_for_line("an unguarded request may outlast its session");
            }
        }
    }

    async fn the_answer_to_a_logout_is_told_to_its_end(store: Store) {
        let sidecar = setup(store).run();
        let client = sidecar.logged_in().await;
        let mut events = begin(sidecar.addr(), "GET /events", &of(&client)).await;
        events.read_head().await;
        let mut lines = of(&client);
        lines.push("Content-Length: 0".to_owned());
        let mut goodbye = begin(sidecar.addr(), "POST /logout?long", &lines).await;
        assert!(goodbye.read_head().await.starts_with("HTTP/1.1 200 "));
        // What else was open has ended by now, and this has not.
        assert_ends(&mut events, Instant::now(), "events").await;
        sidecar.upstream().say("goodbye");
        sidecar.upstream().fall_silent();
        assert!(goodbye.read_until("0\r\n\r\n").await.contains("goodbye"));
    }

    async fn whoever_logs_in_again_opens_anew(store: Store) {
        let sidecar = setup(store).run();
        let client = sidecar.logged_in().await;
        let mut old = tunnel(sidecar.addr(), of(&client)).await;
        // The cookie stays the same through logout and login.
        let cookie = client.cookie(COOKIE).unwrap();
        let since = end(&sidecar, &client, USER, How::LoggedOut).await;
        assert_ends(&mut old, since, "the old one").await;
        client.set_cookie(COOKIE, &cookie);
        client.post_form("/login?same", &[("user", USER)]).await;
        let mut new = tunnel(sidecar.addr(), of(&client)).await;
        // An ending is heard of once, also where it is read again.
        let other = sidecar.logged_in().await;
        let mut theirs = tunnel(sidecar.addr(), of(&other)).await;
        let since = end(&sidecar, &other, USER, How::Locked).await;
        assert_ends(&mut theirs, since, "the other's").await;
        assert_alive(&mut new).await;
    }
}

#[test]
fn a_sidecar_that_was_cut_off_ends_what_it_missed() {
    run(async {
        let sidecar = setup(Store::Redis).run();
        let redis = sidecar.redis();
        for how in EVERY_WAY {
            let client = sidecar.logged_in().await;
            let mut open = tunnel(sidecar.addr(), of(&client)).await;
            redis::cmd("CLIENT")
                .arg(&["KILL", "TYPE", "pubsub"])
                .exec(&mut redis.connect())
                .unwrap();
            end(&sidecar, &client, USER, how).await;
            assert!(open.read_to_end().await.is_empty(), "{how:?}");
        }
    });
}
