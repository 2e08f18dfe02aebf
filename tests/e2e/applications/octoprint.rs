//! `OctoPrint`: it sets its session cookie anew with every answer and takes old values until log-out, its pages post a
//! passive login each, and it knows people by a remember-me cookie and by keys as well.

use super::{APP_PASSWORD, OWNER, OWNERS_PROOF, Site, THIEF, THIEFS_PROOF, prove, python};
use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::temp::TempDir;
use crate::support::{run, until};
use futures_util::future::join_all;
use http::Method;
use serde_json::json;

#[test]
fn an_administrator_proves_herself_while_her_cookie_changes_with_every_answer() {
    run(async {
        let printer = Printer::start();
        let alice = printer.visitor().await;
        // What each of its pages does first, whoever is there.
        let passive = json!({ "passive": true });
        assert_eq!(printer.login(&alice, passive.clone()).await.status, 200);
        assert_eq!(alice.post(RESTART).await.reason(), "session-required");
        let wrong = json!({ "user": OWNER, "pass": "wrong", "remember": true });
        assert_eq!(printer.login(&alice, wrong).await.status, 403);
        assert_eq!(alice.post(RESTART).await.reason(), "session-required");

        printer.sign_in(&alice, OWNER).await;
        assert_eq!(
            alice.post(RESTART).await.header("step-up"),
            "",
            "she has just signed in"
        );
        printer.has_another_cookie(&alice).await;
        assert_eq!(printer.login(&alice, passive).await.status, 200);

        let refused = alice.delete(VICTIM).await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let wrong = prove(&alice, &refused, APP_PASSWORD).await;
        assert_eq!(wrong.reason(), "wrong-answer");
        printer.has_another_cookie(&alice).await;
        assert_eq!(prove(&alice, &refused, OWNERS_PROOF).await.status, 200);
        let done = alice.delete(VICTIM).await;
        assert_eq!(done.status, 200, "{}", done.text());
        assert!(!done.text().contains("victim"), "{}", done.text());

        // What is earned once is good for all of its tabs and for every next cookie.
        let refused = add_user(&alice, "first").await;
        assert_eq!(prove(&alice, &refused, OWNERS_PROOF).await.status, 200);
        printer.has_another_cookie(&alice).await;
        let names = ["second", "third", "fourth", "fifth"];
        let tabs: Vec<_> = names.iter().map(|_| alice.clone()).collect();
        let all = tabs
            .iter()
            .zip(names)
            .map(|(tab, name)| add_user(tab, name));
        for added in join_all(all).await {
            assert_eq!(added.status, 200, "{}", added.text());
        }

        assert_eq!(alice.post("/api/logout").await.status, 200);
        assert_eq!(add_user(&alice, "sixth").await.reason(), "session-required");
    });
}

/// With settings that know neither its remember-me cookie nor its logout, and without `whoami` in them, the thief's
/// session with his proof passes for his when the application has made it hers.
#[test]
fn a_session_that_the_application_has_revived_for_another_is_hers_to_whoami() {
    run(async {
        let printer = Printer::start_with(&[
            ("[session_P*, remember_token_P*]", "session_P*"),
            ("path: /api/logout", "path: /api/bye"),
        ]);
        let alice = printer.visitor().await;
        printer.sign_in(&alice, OWNER).await;
        let remembered = printer.named("remember_token");
        let thief = printer.proven_thief().await;
        assert_eq!(add_user(&thief, "his").await.status, 200);
        assert_eq!(thief.post("/api/logout").await.status, 200);
        thief.set_cookie(&remembered, &alice.cookie(&remembered).unwrap());
        let me = thief.get("/api/currentuser").await.json();
        assert_eq!(me["name"], OWNER);
        assert_eq!(add_user(&thief, "hers").await.reason(), "subject-mismatch");
        assert_shut("her session", &thief).await;
        let users = printer.users(&alice).await;
        assert!(users.contains(&"his".to_owned()) && !users.contains(&"hers".to_owned()));
    });
}

#[test]
fn a_thief_of_an_old_cookie_a_key_or_a_remember_me_cookie_proves_nothing_by_himself() {
    run(async {
        let printer = Printer::start();
        let alice = printer.visitor().await;
        printer.sign_in(&alice, OWNER).await;
        let old = alice.cookie(&printer.named("session")).unwrap();
        let remembered = alice.cookie(&printer.named("remember_token")).unwrap();
        printer.has_another_cookie(&alice).await;
        let key = printer.key_of(&alice).await;

        let thief = || printer.proven_thief();
        let with_session = thief().await;
        with_session.set_cookie(&printer.named("session"), &old);
        let believed = json!({ "passive": true, "user": THIEF, "pass": APP_PASSWORD });
        let passive = thief().await;
        passive.set_cookie(&printer.named("session"), &old);
        let passed = printer.login(&passive, json!({ "passive": true, "user": THIEF }));
        assert_eq!(passed.await.json()["name"], OWNER);
        let claimed = thief().await;
        claimed.set_cookie(&printer.named("session"), &old);
        printer.login(&claimed, believed).await;
        claimed.set_cookie(&printer.named("session"), &old);
        let revived = thief().await;
        revived.drop_cookie(&printer.named("session"));
        revived.set_cookie(&printer.named("remember_token"), &remembered);
        let with_key = thief().await.header("x-api-key", &key);

        for (what, thief) in [
            ("her session", &with_session),
            ("her session, and a passive login", &passive),
            ("her session, and a login as himself", &claimed),
            ("her remember-me cookie", &revived),
            ("her key", &with_key),
        ] {
            assert_shut(what, thief).await;
        }
        assert!(printer.users(&alice).await.contains(&"victim".to_owned()));
    });
}

/// Whatever is tried, the application is not asked to delete anybody.
async fn assert_shut(what: &str, thief: &Client) {
    let refused = thief.delete(VICTIM).await;
    assert!(
        [401, 403].contains(&refused.status.as_u16()) && !refused.header("step-up").is_empty(),
        "{what}: {} {}",
        refused.status,
        refused.text()
    );
    if refused.json()["challenge"].is_object() {
        let own = prove(thief, &refused, THIEFS_PROOF).await;
        assert_ne!(own.status, 200, "{what}: {}", own.text());
    }
    let refused = thief.delete(VICTIM).await;
    assert!(
        !refused.header("step-up").is_empty(),
        "{what}: {}",
        refused.text()
    );
}

async fn add_user(client: &Client, name: &str) -> Answer {
    let user = json!({ "name": name, "password": APP_PASSWORD, "active": true });
    client.call(Method::POST, "/api/access/users", user).await
}

/// `OctoPrint`, with Stepgate in front.
struct Printer {
    site: Site,
    _process: Process,
    _state: TempDir,
}

impl Printer {
    fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with other words in place of some in the settings of the example.
    fn start_with(changes: &[(&str, &str)]) -> Self {
        let (state, port) = (TempDir::new("octoprint"), HeldPort::take());
        state.write("config.yaml", CONFIG);
        for (name, admin) in [(OWNER, true), (THIEF, true), ("victim", false)] {
            let mut command = python("octoprint", &state);
            command.args(["-b", ".", "user", "add", name, "--password", APP_PASSWORD]);
            command.args(admin.then_some("--admin"));
            assert!(command.output().unwrap().status.success());
        }
        let mut command = python("octoprint", &state);
        command.args(["-b", ".", "serve", "--iknowwhatimdoing"]);
        command.args(["--host", "127.0.0.1", "--port"]);
        command.arg(port.addr().port().to_string());
        let process = Process::start("OctoPrint", &mut command);
        process.wait_for_line("Listening on http://");
        Self {
            site: Site::start_with("octoprint", HeldPort::take(), port.addr(), changes),
            _process: process,
            _state: state,
        }
    }

    /// The name of one of its cookies, which has the port that people see in it.
    fn named(&self, cookie: &str) -> String {
        format!("{cookie}_P{}", self.site.port())
    }

    /// The script of its login page, with what it needs to post anything.
    async fn visitor(&self) -> Client {
        let client = self.site.script();
        assert_eq!(client.get("/login/").await.status, 200);
        let token = client.cookie(&self.named("csrf_token")).unwrap();
        client.header("x-csrf-token", &token)
    }

    async fn login(&self, client: &Client, fields: serde_json::Value) -> Answer {
        client.call(Method::POST, "/api/login", fields).await
    }

    async fn sign_in(&self, client: &Client, name: &str) {
        let fields = json!({ "user": name, "pass": APP_PASSWORD, "remember": true });
        let answer = self.login(client, fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Somebody with all that a thief has by himself: a login, and a proof.
    async fn proven_thief(&self) -> Client {
        let thief = self.visitor().await;
        self.sign_in(&thief, THIEF).await;
        let refused = add_user(&thief, "accomplice").await;
        assert_eq!(prove(&thief, &refused, THIEFS_PROOF).await.status, 200);
        thief
    }

    /// Looks at the page of a signed-in browser until the cookie has another value, as after a second it has.
    async fn has_another_cookie(&self, client: &Client) {
        let name = self.named("session");
        let before = client.cookie(&name);
        until("another cookie", async || {
            client.get("/api/currentuser").await;
            (client.cookie(&name) != before).then_some(())
        })
        .await;
    }

    /// Has a key made for somebody.
    async fn key_of(&self, client: &Client) -> String {
        let path = format!("/api/access/users/{OWNER}/apikey");
        let refused = client.call(Method::POST, &path, json!({})).await;
        assert_eq!(prove(client, &refused, OWNERS_PROOF).await.status, 200);
        let made = client.call(Method::POST, &path, json!({})).await;
        made.json()["apikey"].as_str().unwrap().to_owned()
    }

    async fn users(&self, client: &Client) -> Vec<String> {
        let users = client.get("/api/access/users").await.json();
        let users = users["users"].as_array().unwrap().iter();
        let names = users.map(|user| user["name"].as_str().unwrap().to_owned());
        names.collect()
    }
}

/// Set up, and asking nobody on the network.
const CONFIG: &str = "
server:
  firstRun: false
  onlineCheck: { enabled: false }
  pluginBlacklist: { enabled: false }
plugins:
  _disabled: [announcements, discovery, errortracking, firmware_check, pi_support, softwareupdate, tracking]
";
/// A command of the machine, which this one has not: level 2.
const RESTART: &str = "/api/system/commands/core/restart";
/// Somebody's account: level 4.
const VICTIM: &str = "/api/access/users/victim";
