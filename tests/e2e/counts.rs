//! What requests cost the store: nothing, one question, and never a word for a refusal.

use crate::support::redis::Redis;
use crate::support::sidecar::{self, PASSWORD};
use crate::support::store::{Store, on_both_stores};
use crate::support::{PATIENCE, run};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

/// How many round trips `requests` cost: what Redis says that clients asked of it, scripts counted
/// once, and what the sidecar asks by itself left out.
async fn round_trips(redis: &Redis, requests: impl AsyncFnOnce()) -> usize {
    let mut monitor = TcpStream::connect(redis.addr()).unwrap();
    monitor.set_read_timeout(Some(PATIENCE)).unwrap();
    monitor.write_all(b"MONITOR\r\n").unwrap();
    let mut lines = BufReader::new(monitor).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "+OK");
    requests().await;
    let end: String = redis::cmd("ECHO")
        .arg("the-end")
        .query(&mut redis.connect())
        .unwrap();
    lines
        .take_while(|line| !line.contains(&end))
        .filter(|line| !line.contains(" lua] "))
        .filter(|line| {
            !OWN.iter()
                .any(|own| line.to_ascii_lowercase().contains(own))
        })
        .count()
}

/// What the sidecar and this test ask without a request.
const OWN: [&str; 7] = [
    "\"client\"",
    "\"hello\"",
    "\"ping\"",
    "\"config\"",
    "\"info\"",
    "\"xrange\"",
    "\"zrangebyscore\"",
];

#[test]
fn an_unguarded_request_makes_no_round_trip() {
    run(async {
        // Nor does it where the application is told who sends guarded ones.
        let sidecar = sidecar::on(Store::Redis)
            .with(
                "upstream",
                "identity: { assertion: {}, headers: { subject: Remote-User } }",
            )
            .run();
        let redis = sidecar.redis();
        let client = sidecar.elevated().await;
        let trips = round_trips(redis, async || {
            for _ in 0..50 {
                assert_eq!(client.get("/anything").await.status, 200);
                assert_eq!(client.post_form("/notes", &[("a", "b")]).await.status, 200);
            }
        });
        assert_eq!(trips.await, 0);
    });
}

#[test]
fn a_guarded_request_makes_exactly_one_round_trip() {
    run(async {
        let sidecar = sidecar::on(Store::Redis).run();
        let redis = sidecar.redis();
        let client = sidecar.elevated().await;
        for path in [
            "/keys",
            "/low",
            "/medium",
            "/proven",
            "/settings",
            "/watched",
        ] {
            let trips = round_trips(redis, async || {
                for _ in 0..20 {
                    assert_eq!(client.post(path).await.status, 200);
                }
            });
            assert_eq!(trips.await, 20, "{path}");
        }
        // A single-use grant is looked for and taken in the same one.
        client.earn("/pay").await;
        let trips = round_trips(redis, async || {
            assert_eq!(client.post("/pay").await.status, 200);
        });
        assert_eq!(trips.await, 1);
    });
}

#[test]
fn a_refused_request_asks_once_and_an_ambiguous_one_never() {
    run(async {
        let sidecar = sidecar::on(Store::Redis).run();
        let redis = sidecar.redis();
        let client = sidecar.elevated().await;
        let thief = sidecar.thief_of(&client);
        let browser = sidecar.browser_of(&client);
        let trips = round_trips(redis, async || {
            for _ in 0..20 {
                assert_eq!(browser.get("/secrets").await.status, 303);
            }
        });
        assert_eq!(trips.await, 20);
        // A problem document also names the factors that the person has: one look more.
        let trips = round_trips(redis, async || {
            for _ in 0..20 {
                assert_eq!(thief.post("/keys").await.status, 403);
            }
        });
        assert_eq!(trips.await, 40);
        let trips = round_trips(redis, async || {
            for _ in 0..20 {
                assert_eq!(sidecar.script().post("/keys").await.status, 401);
                assert_eq!(client.get("/a/../keys").await.status, 400);
            }
        });
        assert_eq!(trips.await, 0);
    });
}

on_both_stores! {
    async fn refused_requests_write_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.elevated().await;
        let thief = sidecar.thief_of(&client);
        let stranger = sidecar.script();
        stranger.set_cookie("sid", "made-up");
        let browser = sidecar.browser_of(&client);
        let before = sidecar.dump();
        assert!(before.len() > 100);
        for _ in 0..20 {
            for path in ["/pay", "/email", "/both", "/users/3/delete", "/passkey"] {
                assert_eq!(client.post_form(path, &[("to", "bob")]).await.status, 403, "{path}");
            }
            assert_eq!(browser.get("/secrets").await.status, 303);
            assert_eq!(browser.post_form("/pay", &[("to", "bob")]).await.status, 403);
            assert_eq!(thief.post("/keys").await.status, 403);
            assert_eq!(stranger.post("/keys").await.status, 401);
        }
        assert_eq!(sidecar.dump(), before);
        // Nor does looking at the challenge, or at the status.
        let refused = client.post("/pay").await;
        let page = refused.json()["challenge"]["page_url"].as_str().unwrap().to_owned();
        assert_eq!(client.get(&page).await.status, 200);
        assert_eq!(client.get("/.stepup/status?method=POST&path=/pay").await.status, 200);
        assert_eq!(sidecar.dump(), before);
    }
}

/// The work is what the store is asked; a password is hashed in any case (`check` of the hash workers).
#[test]
fn whether_the_directory_knows_a_name_is_told_neither_by_words_nor_by_work() {
    run(async {
        let sidecar = sidecar::on(Store::Redis).run();
        sidecar.command(&["user", "add", "dave", "--no-password"]);
        let redis = sidecar.redis();
        let mut told = Vec::new();
        for name in ["dave", "nobody"] {
            let client = sidecar.script();
            client.log_in(name).await;
            let mut words = Vec::new();
            let trips = round_trips(redis, async || {
                for page in ["", "/totp", "/email", "/password", "/recovery", "/passkeys"] {
                    words.push(client.get(&format!("/.stepup/enroll{page}")).await.reason());
                }
                words.push(client.post("/keys").await.reason());
            });
            told.push((trips.await, words));
        }
        assert_eq!(told[0], told[1]);

        // Nor by a wrong answer, where somebody is removed while they are asked. Redis has the scripts by then.
        let alice = sidecar.logged_in().await;
        let token = alice.get("/.stepup/enroll").await.token();
        alice.verify(&token, ("password", "not this")).await;
        for factor in ["password", "bootstrap_code"] {
            let mut told = Vec::new();
            for (name, is_removed) in [("carol", false), ("erin", true)] {
                if factor == "password" {
                    sidecar.add_user(name, "somebody@example.test", PASSWORD);
                } else {
                    sidecar.command(&["user", "bootstrap", name]);
                }
                let client = sidecar.script();
                client.log_in(name).await;
                let token = client.get("/.stepup/enroll").await.token();
                if is_removed {
                    sidecar.command(&["user", "remove", name]);
                }
                let mut words = String::new();
                let trips = round_trips(redis, async || {
                    words = client.verify(&token, (factor, "not this")).await.reason();
                });
                told.push((trips.await, words));
                if !is_removed {
                    sidecar.command(&["user", "remove", name]);
                }
            }
            assert_eq!(told[0], told[1], "{factor}");
            assert_eq!(told[0].1, "wrong-answer", "{factor}");
        }
    });
}
