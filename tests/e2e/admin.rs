//! The admin endpoints, as probes and scrapers see them.

use crate::support::accounts::{Accounts, Mood};
use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::openmetrics::{Scrape, parse};
use crate::support::raw;
use crate::support::run;
use crate::support::sidecar::{self, COOKIE, PASSWORD, POLICY, Sidecar};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::{Reply, text};
use http::Method;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use stepgate::metrics::FAMILIES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

pub(crate) const ADMIN: &str = "admin: { listen: 127.0.0.1:0, drain_delay: 2s }";

/// A client of the admin endpoints.
pub(crate) fn admin(sidecar: &Sidecar) -> Client {
    Client::new(admin_addr(sidecar))
}

fn admin_addr(sidecar: &Sidecar) -> SocketAddr {
    let process = sidecar.process();
    process.wait_for("the address of the admin endpoints", |line| {
        let (_, rest) = line
            .contains("admin endpoints")
            .then(|| line.split_once("http://"))??;
        rest.split('"').next()?.parse().ok()
    })
}

pub(crate) async fn scrape(admin: &Client) -> Scrape {
    let answer = admin.get("/metrics").await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type");
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    parse(answer.text())
}

/// The checks that fail.
fn failing(answer: &Answer) -> Vec<String> {
    let document = answer.json();
    let reasons = document["reasons"].as_array().unwrap();
    assert_eq!(document["ready"], reasons.is_empty());
    assert_eq!(answer.status == 200, reasons.is_empty());
    let checks = reasons.iter().map(|reason| reason["check"].as_str());
    checks.map(|check| check.unwrap().to_owned()).collect()
}

on_both_stores! {

async fn counters_rise_by_exactly_what_was_sent(store: Store) {
    let sidecar = sidecar::on(store).line(ADMIN).run();
    let admin = admin(&sidecar);
    let client = sidecar.logged_in().await;
    let before = scrape(&admin).await;
    for _ in 0..3 {
        assert_eq!(client.get("/anything").await.status, 200);
    }
    let refused = client.post("/keys").await;
    let token = refused.token();
    client.verify(&token, ("password", "wrong")).await;
    client.verify(&token, ("totp", "000000")).await;
    let passed = client.verify(&token, ("password", PASSWORD)).await;
    assert_eq!(passed.status, 200);
    assert_eq!(client.post("/keys").await.status, 200);
    assert_eq!(sidecar.script().post("/keys").await.status, 401);
    assert_eq!(sidecar.script().post("/watched").await.status, 200);
    assert_eq!(client.get("/.stepup/status").await.status, 200);
    let mail = client.post("/email").await;
    let mail = mail.token();
    for status in [200, 429] {
        assert_eq!(client.send_code(&mail).await.status, status);
    }
    let after = scrape(&admin).await;
    let rose = |name: &str, labels: &[(&str, &str)]| {
        let [after, before] = [&after, &before].map(|scrape| scrape.value(name, labels));
        after.unwrap_or(0) - before.unwrap_or(0)
    };
    for (outcome, reason, count) in [
        ("answered", "", 6),
        ("challenged", "step-up-required", 2),
        ("denied", "session-required", 1),
        ("forwarded", "", 4),
        ("reported", "session-required", 1),
    ] {
        let labels = [("outcome", outcome), ("reason", reason)];
        assert_eq!(rose("stepgate_requests_total", &labels), count, "{labels:?}");
    }
    for (route, outcome) in [
        ("keys", "challenged"),
        ("keys", "forwarded"),
        ("keys", "denied"),
        ("watched", "reported"),
        ("email", "challenged"),
    ] {
        let labels = [("route", route), ("outcome", outcome)];
        assert_eq!(rose("stepgate_decisions_total", &labels), 1, "{labels:?}");
    }
    for (factor, result) in [
        ("password", "wrong-answer"),
        ("totp", "wrong-answer"),
        ("password", "verified"),
    ] {
        let labels = [("factor", factor), ("result", result)];
        assert_eq!(rose("stepgate_verifications_total", &labels), 1, "{labels:?}");
    }
    for result in ["sent", "too-many-attempts"] {
        assert_eq!(rose("stepgate_codes_total", &[("result", result)]), 1, "{result}");
    }
    let throttled = [("factor", "email_code")];
    assert_eq!(rose("stepgate_throttled_total", &throttled), 1);
    assert_eq!(rose("stepgate_upstream_latency_seconds_count", &[]), 5);
    assert!(rose("stepgate_store_latency_seconds_count", &[]) > 0);
    let routes = u64::try_from(POLICY.matches("- { id: ").count()).unwrap();
    assert_eq!(after.value("stepgate_policy_routes", &[]), Some(routes));
}

}

#[test]
fn questions_are_counted_by_what_came_of_them() {
    run(async {
        let accounts = Accounts::new();
        let application = accounts.clone();
        let sidecar = sidecar::on(Store::Embedded)
            .application(move |got| application.answer(got))
            .with(
                "session",
                "whoami: { url: /api/me, deadline: 300ms, subject: { json: /user/name } }",
            )
            .line(ADMIN)
            .run();
        let admin = admin(&sidecar);
        let client = sidecar.script();
        client.set_cookie(COOKIE, "of-nobody");
        client.get("/secrets").await;
        client.set_cookie(COOKIE, &accounts.sign_in("alice"));
        for _ in 0..3 {
            client.get("/secrets").await;
        }
        for mood in [Mood::Silent, Mood::Stubborn(500, "{}")] {
            accounts.set(mood);
            client.set_cookie(COOKIE, &accounts.sign_in("alice"));
            client.get("/secrets").await;
        }
        let after = scrape(&admin).await;
        for (result, count) in [
            ("nobody", 1),
            ("named", 1),
            ("kept", 2),
            ("late", 1),
            ("unclear", 1),
            ("unreachable", 0),
        ] {
            let value = after.value("stepgate_whoami_questions_total", &[("result", result)]);
            assert_eq!(value, Some(count), "{result}");
        }
        assert_eq!(
            after.value("stepgate_whoami_latency_seconds_count", &[]),
            Some(4)
        );
    });
}

#[test]
fn every_metric_is_there_as_it_is_described() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).line(ADMIN).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        let scrape = scrape(&admin(&sidecar)).await;
        for family in FAMILIES {
            let kind = format!("{:?}", family.kind).to_lowercase();
            assert_eq!(scrape.kind(family.name), Some(kind), "{}", family.name);
        }
        for sample in &scrape.samples {
            let family = FAMILIES
                .iter()
                .filter(|family| sample.name.starts_with(family.name))
                .max_by_key(|family| family.name.len());
            let family = family.unwrap_or_else(|| panic!("{} is not described", sample.name));
            let labels: Vec<_> = sample.labels.keys().filter(|name| *name != "le").collect();
            assert_eq!(labels.len(), family.labels.len(), "{}", sample.name);
            assert!(
                labels
                    .iter()
                    .all(|name| family.labels.contains(&name.as_str())),
                "{}",
                sample.name
            );
            assert!(
                sample.value.is_finite() && sample.value >= 0.0,
                "{}",
                sample.name
            );
        }
        // Of whom, and of what path, is nowhere told.
        let all = format!("{scrape:?}");
        assert!(!all.contains("alice") && !all.contains("/keys"), "{all}");
    });
}

#[test]
fn readiness_follows_the_store_and_liveness_does_not() {
    run(async {
        let mut sidecar = sidecar::on(Store::Redis).line(ADMIN).run();
        let admin = admin(&sidecar);
        assert!(failing(&admin.get("/readyz").await).is_empty());
        sidecar.redis().freeze();
        let answer = admin.get("/readyz").await;
        assert_eq!(
            (answer.status.as_u16(), failing(&answer)),
            (503, vec!["store".to_owned()])
        );
        assert_eq!(admin.get("/livez").await.status, 200);
        assert_eq!(admin.get("/metrics").await.status, 200);
        sidecar.redis().thaw();
        becomes(200, async || admin.get("/readyz").await).await;
        sidecar.redis_mut().kill();
        becomes(503, async || admin.get("/readyz").await).await;
        assert_eq!(admin.get("/livez").await.status, 200);
        sidecar.redis_mut().restart();
        becomes(200, async || admin.get("/readyz").await).await;
    });
}

#[test]
fn readiness_ends_before_the_listeners_close() {
    run(async {
        let setup = sidecar::on(Store::Embedded).line(ADMIN);
        let setup = setup.application(|got| match got.target.as_str() {
            "/hang" => Reply::Hang,
            _ => text(200, "done"),
        });
        let mut sidecar = setup.run();
        let admin = admin(&sidecar);
        let client = sidecar.client();
        let hanging = client.clone();
        let hanging = tokio::task::spawn_local(async move { hanging.get("/hang").await });
        sidecar.upstream().wait_for(1).await;
        sidecar.process().signal("TERM");
        sidecar.process().wait_for_line("not ready any more");
        let answer = admin.get("/readyz").await;
        assert_eq!(failing(&answer), ["draining"]);
        assert_eq!(client.get("/still").await.status, 200);
        sidecar
            .process()
            .wait_for_line("draining: no new connections");
        // A worker that still has something to do leaves the admin endpoints as they are.
        assert_eq!(failing(&admin.get("/readyz").await), ["draining"]);
        assert_eq!(admin.get("/livez").await.status, 200);
        let scraped = scrape(&admin).await;
        assert_eq!(scraped.value("stepgate_serving", &[]), Some(0));
        sidecar.process().signal("TERM");
        hanging.abort();
        assert_eq!(sidecar.wait_exit().code(), Some(0));
    });
}

#[test]
fn a_socket_in_the_file_system_serves_as_well() {
    run(async {
        let more = "admin: { listen: 'unix:admin.sock', drain_delay: 0s }";
        let mut sidecar = sidecar::on(Store::Embedded).line(more).run();
        let path = sidecar.path("admin.sock");
        assert!(
            ask(&path, "/readyz")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
        sidecar.end();
        assert!(!path.exists());
        // One that a killed process left behind is replaced, and one in use is not.
        let left = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let refused = crate::support::stepgate::run(&sidecar.dir, &["serve"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains("for the admin endpoints"), "{told}");
        drop(left);
        sidecar.start();
        assert!(
            ask(&path, "/livez")
                .await
                .starts_with("HTTP/1.1 200 OK\r\n")
        );
    });
}

async fn ask(path: &Path, target: &str) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    let ask = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn the_public_listener_knows_nothing_of_them() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).line(ADMIN).run();
        let paths = ["/livez", "/readyz", "/metrics"];
        for path in paths {
            assert_eq!(sidecar.client().get(path).await.text(), "done");
            assert_eq!(sidecar.upstream().last().target, path);
        }
        let admin = admin(&sidecar);
        for path in ["/", "/anything", "/.stepup/status", "/metrics/"] {
            assert_eq!(admin.get(path).await.status, 404, "{path}");
        }
        for path in paths {
            let send = |method| admin.send(admin.request(method, path, ""));
            let posted = send(Method::POST).await;
            assert_eq!(
                (posted.status.as_u16(), posted.header("allow")),
                (405, "GET, HEAD")
            );
            assert_eq!(send(Method::HEAD).await.text(), "");
        }
        let addr = admin_addr(&sidecar);
        assert_eq!(raw::status(addr, "GET /livez HTTP/1.0\r\n\r\n").await, 200);
        assert_eq!(
            raw::status(addr, "GET /livez HTTP/1.1\r\nA : b\r\n\r\n").await,
            400
        );
        assert_eq!(sidecar.upstream().got().len(), paths.len());
    });
}

#[test]
fn a_reload_shows() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).line(ADMIN).run();
        let admin = admin(&sidecar);
        sidecar.script().post("/keys").await;
        let before = scrape(&admin).await;
        let keys = [("route", "keys"), ("outcome", "denied")];
        let is_reload = |event: &Value| event["event"] == "policies-loaded";
        assert_eq!(before.value("stepgate_decisions_total", &keys), Some(1));

        sidecar
            .dir
            .write("policies/routes.yaml", "version: 1\nroutes: 5\n");
        sidecar.process().signal("HUP");
        sidecar.events(1, is_reload);
        let refused = scrape(&admin).await;
        let failed = [("outcome", "failed")];
        assert_eq!(
            refused.value("stepgate_policy_reloads_total", &failed),
            Some(1)
        );
        assert_eq!(refused.value("stepgate_policy_outdated", &[]), Some(1));
        assert_eq!(refused.fingerprint(), before.fingerprint());
        assert!(failing(&admin.get("/readyz").await).is_empty());

        let less = POLICY.replace("id: keys,", "id: renamed,");
        sidecar.dir.write("policies/routes.yaml", less);
        sidecar.process().signal("HUP");
        sidecar.events(2, is_reload);
        let after = scrape(&admin).await;
        assert_eq!(after.value("stepgate_policy_outdated", &[]), Some(0));
        assert_ne!(after.fingerprint(), before.fingerprint());
        assert_eq!(after.value("stepgate_decisions_total", &keys), None);
        let document = admin.get("/readyz").await.json();
        assert_eq!(
            document["policies"]["fingerprint"],
            after.fingerprint().as_str()
        );
    });
}
