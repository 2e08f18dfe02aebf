//! `stepgate demo`, as its banner says: all of it, by a client and by a browser.

use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::run;
use crate::support::stepgate::command;
use crate::support::temp::TempDir;
use http::Method;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use stepgate::demo::{ALICE, BOB, COOKIE, DemoAccount};

/// A running demo.
struct Demo {
    process: Process,
    at: SocketAddr,
    inbox: SocketAddr,
    _port: HeldPort,
    _home: TempDir,
}

impl Demo {
    fn start() -> Self {
        Self::listening_on(Ipv4Addr::LOCALHOST)
    }

    fn listening_on(ip: Ipv4Addr) -> Self {
        let home = TempDir::new("demo");
        let port = HeldPort::take();
        let at = port.addr();
        let listen = SocketAddr::from((ip, at.port())).to_string();
        let process = Process::start(
            "demo",
            command(&home)
                .args(["demo", "--listen", &listen])
                .env("TMPDIR", home.path()),
        );
        let inbox = process.wait_for("where the inbox is", |line| {
            let (_, rest) = line.split_once("your mail    http://")?;
            rest.split('/').next()?.parse().ok()
        });
        process.wait_for_line("listening on");
        Self {
            process,
            at,
            inbox,
            _port: port,
            _home: home,
        }
    }

    async fn log_in(&self, client: &Client, account: DemoAccount) {
        let fields = [("user", account.name), ("password", account.password)];
        let answer = client.post_form("/login", &fields).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
    }

    /// The newest code in the inbox.
    async fn code(&self) -> String {
        let inbox = Client::new(self.inbox).get("/messages.json").await.json();
        inbox[0]["code"].as_str().unwrap().to_owned()
    }
}

/// Sends the form of a prompt page.
async fn answer(client: &Client, page: &Answer, fields: &[(&str, &str)], path: &str) -> Answer {
    let hidden = ["token", "anti_forgery", "carried"].map(|name| (name, page.hidden(name)));
    let mut all: Vec<(&str, &str)> = hidden.iter().map(|(k, v)| (*k, v.as_str())).collect();
    all.extend(fields);
    client.post_form(path, &all).await
}

#[test]
fn the_demo_tells_its_whole_story() {
    run(async {
        let mut demo = Demo::start();
        let origin = format!("http://{}", demo.at);
        let browser = Client::new(demo.at).navigating().header("origin", &origin);
        demo.log_in(&browser, ALICE).await;

        // 1: a note, unguarded.
        let csrf = browser.get("/notes").await.hidden("csrf");
        let note = [("csrf", csrf.as_str()), ("text", "Buy bread")];
        assert_eq!(browser.post_form("/notes", &note).await.status, 302);

        // 2: the e-mail address, by a code from the inbox; twice on one proof.
        let email = [("csrf", csrf.as_str()), ("email", "alice@new.example.test")];
        let prompt = browser.post_form("/account/email", &email).await;
        assert_eq!(prompt.status, 403);
        let sent = answer(&browser, &prompt, &[], "/.stepup/verify/send").await;
        assert_eq!(sent.status, 200, "{}", sent.text());
        let code = demo.code().await;
        let proof = [("factor", "email_code"), ("answer", code.as_str())];
        let confirm = answer(&browser, &sent, &proof, "/.stepup/verify").await;
        assert_eq!(confirm.status, 200, "{}", confirm.text());
        assert_eq!(confirm.hidden("email"), "alice@new.example.test");
        let changed = browser.post_form("/account/email", &email).await;
        assert_eq!(changed.status, 302);

        // 3: a script of the same page reads what is missing, and shows it. The application's own
        // password is none of Stepgate's.
        let script = Client::new(demo.at).fetching().header("origin", &origin);
        for name in [COOKIE, "stepgate"] {
            script.set_cookie(name, &browser.cookie(name).unwrap());
        }
        let refused = script.call(Method::POST, "/api/keys", json!({})).await;
        let problem = refused.json();
        assert_eq!(problem["code"], "SENSITIVE_VERIFICATION_REQUIRED");
        for (answer, verified) in [(ALICE.password, None), (ALICE.step_up_password, Some(true))] {
            let token = &problem["challenge"]["token"];
            let proof = json!({ "token": token, "factor": "password", "answer": answer });
            let answer = script.call(Method::POST, "/.stepup/verify", proof).await;
            assert_eq!(answer.json()["verified"].as_bool(), verified);
        }
        let made = script.call(Method::POST, "/api/keys", json!({})).await;
        assert_eq!(made.status, 201);

        // 4: a copied cookie is not enough.
        let thief = Client::new(demo.at).fetching();
        thief.set_cookie(COOKIE, &browser.cookie(COOKIE).unwrap());
        assert_eq!(thief.get("/api/notes").await.status, 200);
        let refused = thief.call(Method::POST, "/api/keys", json!({})).await;
        assert_eq!(refused.status, 403);

        // 5: the account, with the word to be typed, once. The other one is still there.
        let gone = [("csrf", csrf.as_str()), ("reason", "enough")];
        let prompt = browser.post_form("/account/delete", &gone).await;
        assert_eq!(prompt.status, 403);
        let proof = [
            ("factor", "password"),
            ("answer", ALICE.step_up_password),
            ("confirm", "DELETE"),
        ];
        let confirm = answer(&browser, &prompt, &proof, "/.stepup/verify").await;
        assert_eq!(confirm.status, 200, "{}", confirm.text());
        let deleted = browser.post_form("/account/delete", &gone).await;
        assert_eq!(deleted.header("location"), "/login?said=deleted");
        demo.log_in(&browser, BOB).await;

        demo.process.signal("TERM");
        assert_eq!(demo.process.wait_exit().code(), Some(0));
    });
}

#[test]
fn a_newcomer_follows_the_banner_in_a_browser() {
    run(async {
        let demo = Demo::start();
        let browser = Browser::open().await;
        let url = |path: &str| format!("http://{}{path}", demo.at);
        browser.goto(&url("/")).await.unwrap();
        browser.fill("#user", ALICE.name).await;
        browser.fill("#password", ALICE.password).await;
        browser.click("main button").await;

        // The key that a script asks for: its answer is read, its link followed, the button pressed again.
        browser.click("nav a[href='/script']").await;
        browser.click("[data-call='POST /api/keys']").await;
        browser.read("SENSITIVE_VERIFICATION_REQUIRED").await;
        assert_eq!(browser.pictures("demo-refused").await, [0, 0]);
        browser.click("#answer a[href*='/.stepup/challenge']").await;
        let app = browser.go_to_second_window().await;
        browser.fill("#password", ALICE.step_up_password).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("You are verified").await;
        assert_eq!(browser.pictures("demo-verified").await, [0, 0]);
        browser.switch_to_window(app).await.unwrap();
        browser.click("[data-call='POST /api/keys']").await;
        browser.read("201 application/json").await;

        // The two lines that the page shows, pasted into a terminal.
        let lines = browser.see("#stolen").await.text().await.unwrap();
        assert_eq!(browser.pictures("demo-stolen").await, [0, 0]);
        assert_eq!(lines.lines().count(), 2, "{lines}");
        for (line, status) in lines.lines().zip(["200 OK", "403 Forbidden"]) {
            let pasted = Command::new("sh").args(["-c", line]).output().unwrap();
            let answer = String::from_utf8_lossy(&pasted.stdout);
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{answer}"
            );
        }

        // The address, by the code that the inbox page shows.
        browser.goto(&url("/account")).await.unwrap();
        browser.fill("#email", "alice@new.example.test").await;
        browser.click("form[action='/account/email'] button").await;
        browser.click("button[value='email_code']").await;
        browser.click("button[formaction$='/verify/send']").await;
        browser.see("#email_code").await;
        let code = demo.code().await;
        browser.fill("#email_code", &code).await;
        browser.click("form[action$='/verify'] button").await;
        let page = browser.read("Nothing has happened yet").await;
        assert!(page.contains("alice@new.example.test"), "{page}");
        browser.click("main form button").await;
        browser.read("has been changed").await;
        browser
            .goto(&format!("http://{}/", demo.inbox))
            .await
            .unwrap();
        browser.read(&code).await;
        assert_eq!(browser.pictures("demo-inbox").await, [0, 0]);

        // The account.
        browser.goto(&url("/account")).await.unwrap();
        browser.click("form[action='/account/delete'] button").await;
        // Another way than the code of before, and back to the answer to a form by the browser's own button.
        browser.see("button[formaction$='/verify/send']").await;
        browser.click("button[value='password']").await;
        browser.see("#password").await;
        browser.back().await.unwrap();
        browser.see("button[formaction$='/verify/send']").await;
        browser.click("button[value='password']").await;
        browser.fill("#password", ALICE.step_up_password).await;
        browser.fill("#phrase", "DELETE").await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("Nothing has happened yet").await;
        assert_eq!(browser.pictures("demo-confirm").await, [0, 0]);
        browser.click("main form button").await;
        browser.see("#user").await;
        browser.read("everything in it is gone").await;
    });
}

#[test]
fn a_demo_for_other_machines_says_where_and_warns() {
    run(async {
        let demo = Demo::listening_on(Ipv4Addr::UNSPECIFIED);
        let open = demo.process.wait_for("where to open it", |line| {
            let (_, rest) = line.split_once("open         http://")?;
            rest.trim_end_matches('/').parse::<SocketAddr>().ok()
        });
        demo.process
            .wait_for_line("WARNING: whoever reaches this machine");
        // A machine without a network has no other address.
        assert_eq!(open.port(), demo.at.port());
        assert_eq!(open.ip().is_unspecified(), demo.inbox.ip().is_unspecified());
        for at in [open, demo.at] {
            let browser = Client::new(at)
                .navigating()
                .header("origin", &format!("http://{at}"));
            demo.log_in(&browser, ALICE).await;
            let csrf = browser.get("/account").await.hidden("csrf");
            let email = [("csrf", csrf.as_str()), ("email", "a@example.test")];
            let prompt = browser.post_form("/account/email", &email).await;
            assert_eq!(prompt.status, 403);
            let sent = answer(&browser, &prompt, &[], "/.stepup/verify/send").await;
            assert_eq!(sent.status, 200, "{}", sent.text());
            assert_eq!(demo.code().await.len(), 6);
        }
    });
}
