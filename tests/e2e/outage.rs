//! What we lean on fails: guarded routes are refused in time, the others never notice.

use crate::support::mail::{MailSink, Mode};
use crate::support::port::HeldPort;
use crate::support::sidecar::{self, PASSWORD, Setup, Sidecar, application};
use crate::support::store::{Store, on_both_stores};
use crate::support::upstream::Upstream;
use crate::support::{becomes, run, soon};
use http::Method;
use http_body_util::BodyExt;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The store's deadline: short, since it is waited for, and yet enough for a busy machine wherever the
/// store must answer.
const DEADLINE: Duration = Duration::from_secs(1);
/// What a busy machine may add to the store's deadline.
const SLACK: Duration = Duration::from_secs(2);

fn on(store: Store) -> Setup {
    // One thread, so that what one client has heard holds for the others.
    let setup = sidecar::on(store).store_deadline("1s").line("threads: 1");
    setup.with("upstream", "connect: 1s")
}

#[test]
fn rule_3_a_redis_that_hangs_refuses_guarded_routes_in_time_and_no_others() {
    run(async {
        let sidecar = on(Store::Redis).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
        let forwarded = sidecar.upstream().got().len();

        sidecar.redis().freeze();
        for _ in 0..10 {
            let asked = Instant::now();
            client.post("/keys").await.assert_unavailable();
            client.post("/pay").await.assert_unavailable();
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
            sidecar.upstream().got().len(),
            forwarded + 10,
            "only what is not guarded"
        );

        sidecar.redis().thaw();
        becomes(200, async || client.post("/keys").await).await;
        // Refused for the store, not for want of proof: nothing that was earned is lost.
        client.earn("/pay").await;
        assert_eq!(client.post("/pay").await.status, 200);
    });
}

#[test]
fn a_redis_that_was_killed_and_comes_back_empty_has_forgotten_and_works() {
    run(async {
        let mut sidecar = on(Store::Redis).run();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        sidecar.redis_mut().kill();
        client.post("/keys").await.assert_unavailable();
        assert_eq!(client.get("/").await.status, 200);

        sidecar.redis_mut().restart();
        let unknown = becomes(401, async || client.post("/keys").await).await;
        assert_eq!(unknown.json()["reason"], "session-required");
        sidecar.enroll();
        let client = sidecar.logged_in().await;
        client.earn("/keys").await;
        assert_eq!(client.post("/keys").await.status, 200);
    });
}

#[test]
fn a_redis_that_is_not_there_at_the_start_is_waited_for() {
    run(async {
        let mut sidecar = on(Store::Redis).prepare();
        sidecar.redis_mut().kill();
        sidecar.start();
        let client = sidecar.script();
        client.set_cookie("sid", "from-before");
        assert_eq!(client.get("/").await.status, 200);
        client.post("/keys").await.assert_unavailable();
        // The application lets people in as ever; we only do not know of it.
        let login = client.try_log_in("alice").await;
        assert_eq!(login.status, 302);
        assert_eq!(client.cookie("stepgate"), None);

        sidecar.redis_mut().restart();
        assert_eq!(
            becomes(401, async || client.post("/keys").await)
                .await
                .status,
            401
        );
        sidecar.enroll();
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        assert_eq!(client.post("/pay").await.status, 200);
    });
}

/// Attempts that cannot be counted are not judged, be the answer right or wrong.
#[test]
fn a_redis_that_is_full_judges_nothing() {
    run(async {
        let sidecar = on(Store::Redis).run();
        let client = sidecar.logged_in().await;
        let token = client.post("/keys").await.token();
        let configure = |limit: &str| {
            let mut command = redis::cmd("CONFIG");
            let command = command.arg("SET").arg("maxmemory").arg(limit);
            command.exec(&mut sidecar.redis().connect()).unwrap();
        };
        configure("1");
        client
            .verify(&token, ("password", PASSWORD))
            .await
            .assert_unavailable();
        assert_eq!(client.get("/").await.status, 200);
        assert_ne!(client.post("/keys").await.status, 200);

        configure("0");
        let passed = client.verify(&token, ("password", PASSWORD)).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
        assert_eq!(client.post("/keys").await.status, 200);
    });
}

#[test]
fn a_redis_that_only_reads_judges_and_spends_nothing() {
    run(async {
        let sidecar = on(Store::Redis).run();
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        let token = client.post("/keys").await.token();
        let replicate = |host: &str, port: &str| {
            let mut command = redis::cmd("REPLICAOF");
            command
                .arg(host)
                .arg(port)
                .exec(&mut sidecar.redis().connect())
                .unwrap();
        };
        // A replica of nobody who is there: it serves what it has, and takes no writes.
        let nobody = HeldPort::take();
        replicate("127.0.0.1", &nobody.addr().port().to_string());
        becomes(503, async || client.post("/pay").await)
            .await
            .assert_unavailable();
        client
            .verify(&token, ("password", PASSWORD))
            .await
            .assert_unavailable();
        assert_eq!(client.get("/").await.status, 200);

        replicate("NO", "ONE");
        assert_eq!(
            becomes(200, async || client.post("/pay").await)
                .await
                .status,
            200
        );
        let again = client.post("/pay").await;
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
        let sidecar = on(Store::Embedded).run();
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        let token = client.post("/keys").await.token();

        let hog = Hog::on(&sidecar);
        for _ in 0..3 {
            let asked = Instant::now();
            client.post("/pay").await.assert_unavailable();
            client
                .verify(&token, ("password", PASSWORD))
                .await
                .assert_unavailable();
            assert!(
                asked.elapsed() < 2 * DEADLINE + SLACK,
                "{:?}",
                asked.elapsed()
            );
            assert_eq!(client.get("/").await.status, 200);
        }
        hog.let_go();
        assert_eq!(
            becomes(200, async || client.post("/pay").await)
                .await
                .status,
            200
        );
        let again = client.post("/pay").await;
        assert_eq!(again.status, 403, "spent once");
    });
}

#[test]
fn an_embedded_store_on_a_full_disk_refuses_and_recovers() {
    run(async {
        let mut sidecar = on(Store::Embedded).prepare();
        sidecar.enroll();
        // It hears of a file that may not grow by an error, not by a signal.
        sidecar.start_ignoring("XFSZ");
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        let token = client.post("/keys").await.token();

        let limit = |bytes: &str| {
            let pid = sidecar.process().pid().to_string();
            let mut prlimit = Command::new("prlimit");
            let prlimit = prlimit.args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]);
            assert!(prlimit.status().unwrap().success());
        };
        limit("1");
        client.post("/pay").await.assert_unavailable();
        client
            .verify(&token, ("password", PASSWORD))
            .await
            .assert_unavailable();
        assert_eq!(client.get("/").await.status, 200);

        limit("unlimited");
        assert_eq!(
            becomes(200, async || client.post("/pay").await)
                .await
                .status,
            200
        );
        let again = client.post("/pay").await;
        assert_eq!(again.status, 403, "spent once");
    });
}

#[test]
fn a_mail_server_that_is_gone_is_told_and_other_factors_work() {
    run(async {
        let mut mail = MailSink::start(Mode::Plain, &[]);
        let sidecar = on(Store::Embedded).mail(mail.port()).run();
        let send = async || {
            let client = sidecar.logged_in().await;
            let token = client.post("/keys").await.token();
            let sent = client.send_code(&token).await;
            (client, token, sent)
        };
        let (.., sent) = send().await;
        assert_eq!(sent.status, 200, "{}", sent.text());
        mail.wait_for_mail(&sidecar.address, 1);

        mail.kill();
        let (client, token, sent) = send().await;
        assert_eq!(sent.status, 503, "{}", sent.text());
        assert_eq!(sent.json()["reason"], "mail-unavailable");
        assert_eq!(
            client.verify(&token, ("password", PASSWORD)).await.status,
            200
        );
        assert_eq!(client.post("/keys").await.status, 200);
    });
}

#[test]
fn a_grant_is_spent_once_the_application_was_reached_whatever_it_answers() {
    run(async {
        let sidecar = on(Store::Embedded).run();
        let client = sidecar.logged_in().await;
        client.earn("/pay/cut").await;
        let request = || client.request(Method::POST, "/pay/cut", "");
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
        let sidecar = on(Store::Embedded).in_front_of(&upstream).run();
        let client = sidecar.script();
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
    async fn rule_4_a_grant_is_given_back_when_the_application_was_not_reached(store: Store) {
        let port = HeldPort::take();
        let upstream = Upstream::start_at(port.addr(), application);
        let sidecar = on(store).in_front_of(&upstream).run();
        let client = sidecar.logged_in().await;
        client.earn("/pay").await;
        drop(upstream);
        for _ in 0..3 {
            let unreachable = client.post("/pay").await;
            assert_eq!(unreachable.status, 502, "{}", unreachable.text());
            assert_eq!(unreachable.json()["reason"], "upstream-unreachable");
        }
        let upstream = Upstream::start_at(port.addr(), application);
        assert_eq!(client.post("/pay").await.status, 200);
        assert_eq!(client.post("/pay").await.status, 403);
        assert_eq!(upstream.got().len(), 1);
    }

    async fn rule_9_a_killed_sidecar_loses_no_session_and_no_grant_and_revives_none(store: Store) {
        let mut sidecar = on(store).run();
        let client = sidecar.logged_in().await;
        for path in ["/keys", "/pay", "/pay/hang"] {
            client.earn(path).await;
        }
        let token = client.post("/pay/cut").await.token();
        let before = sidecar.upstream().got().len();
        // One grant is with the application at the moment of the blow.
        tokio::select! {
            answer = client.post("/pay/hang") => panic!("{answer:?}"),
            _ = sidecar.upstream().wait_for(before + 1) => {}
        }
        sidecar.kill();
        sidecar.start();
        assert_eq!(client.post("/keys").await.status, 200);
        assert_eq!(client.post("/pay").await.status, 200);
        assert_eq!(client.post("/pay").await.status, 403);
        assert_eq!(
            client.post("/pay/hang").await.status,
            403,
            "it was taken"
        );
        assert_eq!(
            client.verify(&token, ("password", PASSWORD)).await.status,
            200,
            "challenges are sealed"
        );
        let stranger = sidecar.script();
        stranger.set_cookie("sid", &client.cookie("sid").unwrap());
        assert_eq!(stranger.post("/keys").await.status, 403);
    }
}
