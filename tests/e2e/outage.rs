//! What we lean on fails: guarded routes are refused in time, the others never notice.

use crate::support::killable::{
    DEADLINE, EMBEDDED, Sidecar, application, assert_unavailable, challenge, on, verify,
};
use crate::support::mail::{MailSink, Mode};
use crate::support::port::HeldPort;
use crate::support::redis::Redis;
use crate::support::scene::{Keeper, on_both_stores};
use crate::support::upstream::Upstream;
use crate::support::{run, soon};
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What a busy machine may add to the store's deadline.
const SLACK: Duration = Duration::from_secs(2);

#[test]
fn rule_3_a_redis_that_hangs_refuses_guarded_routes_in_time_and_no_others() {
    run(async {
        let (redis, upstream) = (Redis::start(), Upstream::start(application));
        let sidecar = Sidecar::start(upstream.addr(), &on(&redis), "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/keys").await;
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
        let forwarded = upstream.got().len();

        redis.freeze();
        for _ in 0..10 {
            let asked = Instant::now();
            assert_unavailable(&client.post_form("/keys", &[]).await);
            assert_unavailable(&client.post_form("/pay", &[]).await);
            assert!(
                asked.elapsed() < 2 * DEADLINE + SLACK,
                "{:?}",
                asked.elapsed()
            );
            let asked = Instant::now();
            assert_eq!(client.get("/").await.status, 200);
            assert!(asked.elapsed() < SLACK, "{:?}", asked.elapsed());
        }
        assert_eq!(
            upstream.got().len(),
            forwarded + 10,
            "only what is not guarded"
        );

        redis.thaw();
        sidecar.becomes(&client, "/keys", 200).await;
        // Refused for the store, not for want of proof: nothing that was earned is lost.
        sidecar.earn(&client, "/pay").await;
        assert_eq!(client.post_form("/pay", &[]).await.status, 200);
    });
}

#[test]
fn a_redis_that_was_killed_and_comes_back_empty_has_forgotten_and_works() {
    run(async {
        let (mut redis, upstream) = (Redis::start(), Upstream::start(application));
        let sidecar = Sidecar::start(upstream.addr(), &on(&redis), "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/keys").await;
        redis.kill();
        assert_unavailable(&client.post_form("/keys", &[]).await);
        assert_eq!(client.get("/").await.status, 200);

        redis.restart();
        let unknown = sidecar.becomes(&client, "/keys", 401).await;
        assert_eq!(unknown.json()["reason"], "session-required");
        sidecar.enroll();
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/keys").await;
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    });
}

#[test]
fn a_redis_that_is_not_there_at_the_start_is_waited_for() {
    run(async {
        let (mut redis, upstream) = (Redis::start(), Upstream::start(application));
        redis.kill();
        let mut sidecar = Sidecar::prepare(upstream.addr(), &on(&redis), "");
        sidecar.run();
        let client = sidecar.client();
        client.set_cookie("sid", "from-before");
        assert_eq!(client.get("/").await.status, 200);
        assert_unavailable(&client.post_form("/keys", &[]).await);
        // The application lets people in as ever; we only do not know of it.
        let login = client
            .post_form("/login", &[("user", "alice"), ("password", "App-pass-1!")])
            .await;
        assert_eq!(login.status, 302);
        assert_eq!(client.cookie("stepgate"), None);

        redis.restart();
        assert_eq!(sidecar.becomes(&client, "/keys", 401).await.status, 401);
        sidecar.enroll();
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/pay").await;
        assert_eq!(client.post_form("/pay", &[]).await.status, 200);
    });
}

/// Attempts that cannot be counted are not judged, be the answer right or wrong.
#[test]
fn a_redis_that_is_full_judges_nothing() {
    run(async {
        let (redis, upstream) = (Redis::start(), Upstream::start(application));
        let sidecar = Sidecar::start(upstream.addr(), &on(&redis), "");
        let client = sidecar.logged_in().await;
        let token = challenge(&client.post_form("/keys", &[]).await);
        let configure = |limit: &str| {
            let mut command = redis::cmd("CONFIG");
            let command = command.arg("SET").arg("maxmemory").arg(limit);
            command.exec(&mut redis.connect()).unwrap();
        };
        configure("1");
        assert_unavailable(&verify(&client, &token).await);
        assert_eq!(client.get("/").await.status, 200);
        assert_ne!(client.post_form("/keys", &[]).await.status, 200);

        configure("0");
        let passed = verify(&client, &token).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    });
}

#[test]
fn a_redis_that_only_reads_judges_and_spends_nothing() {
    run(async {
        let (redis, upstream) = (Redis::start(), Upstream::start(application));
        let sidecar = Sidecar::start(upstream.addr(), &on(&redis), "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/pay").await;
        let token = challenge(&client.post_form("/keys", &[]).await);
        let replicate = |host: &str, port: &str| {
            let mut command = redis::cmd("REPLICAOF");
            command
                .arg(host)
                .arg(port)
                .exec(&mut redis.connect())
                .unwrap();
        };
        // A replica of nobody who is there: it serves what it has, and takes no writes.
        let nobody = HeldPort::take();
        replicate("127.0.0.1", &nobody.addr().port().to_string());
        assert_unavailable(&sidecar.becomes(&client, "/pay", 503).await);
        assert_unavailable(&verify(&client, &token).await);
        assert_eq!(client.get("/").await.status, 200);

        replicate("NO", "ONE");
        assert_eq!(sidecar.becomes(&client, "/pay", 200).await.status, 200);
        let again = client.post_form("/pay", &[]).await;
        assert_eq!(again.status, 403, "spent once");
    });
}

/// Another process that keeps the embedded store's file to itself.
struct Hog(Child);

impl Hog {
    fn on(sidecar: &Sidecar) -> Self {
        let script = "
import sqlite3, sys
store = sqlite3.connect('state/state.db', isolation_level=None, timeout=10)
store.execute('BEGIN EXCLUSIVE')
print('locked', flush=True)
sys.stdin.read()
";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .current_dir(sidecar.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(child)
    }

    fn let_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn an_embedded_store_that_is_locked_refuses_in_time() {
    run(async {
        let upstream = Upstream::start(application);
        let sidecar = Sidecar::start(upstream.addr(), EMBEDDED, "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/pay").await;
        let token = challenge(&client.post_form("/keys", &[]).await);

        let hog = Hog::on(&sidecar);
        for _ in 0..3 {
            let asked = Instant::now();
            assert_unavailable(&client.post_form("/pay", &[]).await);
            assert_unavailable(&verify(&client, &token).await);
            assert!(
                asked.elapsed() < 2 * DEADLINE + SLACK,
                "{:?}",
                asked.elapsed()
            );
            assert_eq!(client.get("/").await.status, 200);
        }
        hog.let_go();
        assert_eq!(sidecar.becomes(&client, "/pay", 200).await.status, 200);
        let again = client.post_form("/pay", &[]).await;
        assert_eq!(again.status, 403, "spent once");
    });
}

#[test]
fn an_embedded_store_on_a_full_disk_refuses_and_recovers() {
    run(async {
        let upstream = Upstream::start(application);
        let mut sidecar = Sidecar::prepare(upstream.addr(), EMBEDDED, "");
        sidecar.enroll();
        sidecar.run_under_file_limits();
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/pay").await;
        let token = challenge(&client.post_form("/keys", &[]).await);

        let limit = |bytes: &str| {
            let pid = sidecar.process().process().pid().to_string();
            let mut prlimit = Command::new("prlimit");
            let prlimit = prlimit.args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]);
            assert!(prlimit.status().unwrap().success());
        };
        limit("1");
        assert_unavailable(&client.post_form("/pay", &[]).await);
        assert_unavailable(&verify(&client, &token).await);
        assert_eq!(client.get("/").await.status, 200);

        limit("unlimited");
        assert_eq!(sidecar.becomes(&client, "/pay", 200).await.status, 200);
        let again = client.post_form("/pay", &[]).await;
        assert_eq!(again.status, 403, "spent once");
    });
}

#[test]
fn a_mail_server_that_is_gone_is_told_and_other_factors_work() {
    run(async {
        let (upstream, mut mail) = (
            Upstream::start(application),
            MailSink::start(Mode::Plain, &[]),
        );
        let more = format!(
            "mail: {{ smtp: '127.0.0.1:{}', security: plain, from: a@example.test, site: S, timeout: 2s }}",
            mail.port()
        );
        let sidecar = Sidecar::start(upstream.addr(), EMBEDDED, &more);
        let send = async || {
            let client = sidecar.logged_in().await;
            let token = challenge(&client.post_form("/keys", &[]).await);
            let body = json!({ "token": token });
            let sent = client
                .call(Method::POST, "/.stepup/verify/send", body)
                .await;
            (client, token, sent)
        };
        let (.., sent) = send().await;
        assert_eq!(sent.status, 200, "{}", sent.text());
        mail.wait_for_mail("alice@example.test", 1);

        mail.kill();
        let (client, token, sent) = send().await;
        assert_eq!(sent.status, 503, "{}", sent.text());
        assert_eq!(sent.json()["reason"], "mail-unavailable");
        assert_eq!(verify(&client, &token).await.status, 200);
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    });
}

#[test]
fn a_grant_is_spent_once_the_application_was_reached_whatever_it_answers() {
    run(async {
        let upstream = Upstream::start(application);
        let sidecar = Sidecar::start(upstream.addr(), EMBEDDED, "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/cut").await;
        let request = || client.request(Method::POST, "/cut", "");
        let mut cut = client.open(request()).await;
        assert_eq!(cut.status(), 200);
        let piece = soon("a piece", cut.body_mut().frame())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(piece.into_data().unwrap(), "half");
        // Cut off, not ended: what is missing is not passed off as the whole.
        assert!(
            soon("the end", cut.body_mut().frame())
                .await
                .unwrap()
                .is_err()
        );
        assert_eq!(client.open(request()).await.status(), 403);
        assert_eq!(client.get("/").await.status, 200);
    });
}

#[test]
fn an_application_that_dies_in_the_middle_is_not_passed_off_as_done() {
    run(async {
        let port = HeldPort::take();
        let upstream = Upstream::start_at(port.addr(), application);
        let sidecar = Sidecar::start(port.addr(), EMBEDDED, "");
        let client = sidecar.client();
        let mut events = client
            .open(client.request(Method::GET, "/events", ""))
            .await;
        upstream.say("one");
        assert!(
            soon("an event", events.body_mut().frame())
                .await
                .unwrap()
                .is_ok()
        );
        drop(upstream);
        assert!(
            soon("the end", events.body_mut().frame())
                .await
                .unwrap()
                .is_err()
        );
        assert_eq!(client.get("/").await.status, 502);
        let _upstream = Upstream::start_at(port.addr(), application);
        assert_eq!(client.get("/").await.status, 200, "without a restart");
    });
}

on_both_stores! {
    async fn rule_4_a_grant_is_given_back_when_the_application_was_not_reached(keeper: Keeper) {
        let redis = (keeper == Keeper::Redis).then(Redis::start);
        let store = redis.as_ref().map_or(EMBEDDED.to_owned(), on);
        let port = HeldPort::take();
        let addr = port.addr();
        let upstream = Upstream::start_at(addr, application);
        let sidecar = Sidecar::start(addr, &store, "");
        let client = sidecar.logged_in().await;
        sidecar.earn(&client, "/pay").await;
        drop(upstream);
        for _ in 0..3 {
            let unreachable = client.post_form("/pay", &[]).await;
            assert_eq!(unreachable.status, 502, "{}", unreachable.text());
            assert_eq!(unreachable.json()["reason"], "upstream-unreachable");
        }
        let upstream = Upstream::start_at(addr, application);
        assert_eq!(client.post_form("/pay", &[]).await.status, 200);
        assert_eq!(client.post_form("/pay", &[]).await.status, 403);
        assert_eq!(upstream.got().len(), 1);
    }

    async fn rule_9_a_killed_sidecar_loses_no_session_and_no_grant_and_revives_none(keeper: Keeper) {
        let redis = (keeper == Keeper::Redis).then(Redis::start);
        let store = redis.as_ref().map_or(EMBEDDED.to_owned(), on);
        let upstream = Upstream::start(application);
        let mut sidecar = Sidecar::start(upstream.addr(), &store, "");
        let client = sidecar.logged_in().await;
        for path in ["/keys", "/pay", "/hang"] {
            sidecar.earn(&client, path).await;
        }
        let token = challenge(&client.post_form("/cut", &[]).await);
        let before = upstream.got().len();
        // One grant is with the application at the moment of the blow.
        tokio::select! {
            answer = client.post_form("/hang", &[]) => panic!("{answer:?}"),
            _ = upstream.wait_for(before + 1) => {}
        }
        sidecar.kill();
        sidecar.run();
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
        assert_eq!(client.post_form("/pay", &[]).await.status, 200);
        assert_eq!(client.post_form("/pay", &[]).await.status, 403);
        assert_eq!(
            client.post_form("/hang", &[]).await.status,
            403,
            "it was taken"
        );
        assert_eq!(
            verify(&client, &token).await.status,
            200,
            "challenges are sealed"
        );
        let stranger = sidecar.client();
        stranger.set_cookie("sid", &client.cookie("sid").unwrap());
        assert_eq!(stranger.post_form("/keys", &[]).await.status, 403);
    }
}
