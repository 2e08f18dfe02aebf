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
use std::net::SocketAddr;
use stepgate::demo::{COOKIE, PASSWORD, USER};

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
        let home = TempDir::new("demo");
        let port = HeldPort::take();
        let at = port.addr();
        let process = Process::start(
            "demo",
            command(&home)
                .args(["demo", "--listen", &at.to_string()])
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

    async fn logged_in(&self, client: Client) -> Client {
        let fields = [("user", USER), ("password", PASSWORD)];
        let answer = client.post_form("/login", &fields).await;
        assert_eq!(answer.status, 302, "{}", answer.text());
        client
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
        let browser = demo.logged_in(browser).await;

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

        // 5: a copied cookie is not enough.
        let thief = Client::new(demo.at).fetching();
        thief.set_cookie(COOKIE, &browser.cookie(COOKIE).unwrap());
        assert_eq!(thief.get("/api/notes").await.status, 200);
        let refused = thief.call(Method::POST, "/api/keys", json!({})).await;
        assert_eq!(refused.status, 403);

        // 4: a script reads what is missing, and shows it.
        let script = Client::new(demo.at).fetching().header("origin", &origin);
        let script = demo.logged_in(script).await;
        let refused = script.call(Method::POST, "/api/keys", json!({})).await;
        let problem = refused.json();
        assert_eq!(problem["code"], "SENSITIVE_VERIFICATION_REQUIRED");
        let proof = json!({ "token": problem["challenge"]["token"], "factor": "password", "answer": PASSWORD });
        let verified = script.call(Method::POST, "/.stepup/verify", proof).await;
        assert_eq!(verified.json()["verified"], true);
        let made = script.call(Method::POST, "/api/keys", json!({})).await;
        assert_eq!(made.status, 201);

        // 3: the account, with the word to be typed, once.
        let gone = [("csrf", csrf.as_str()), ("reason", "enough")];
        let prompt = browser.post_form("/account/delete", &gone).await;
        assert_eq!(prompt.status, 403);
        let proof = [
            ("factor", "password"),
            ("answer", PASSWORD),
            ("confirm", "DELETE"),
        ];
        let confirm = answer(&browser, &prompt, &proof, "/.stepup/verify").await;
        assert_eq!(confirm.status, 200, "{}", confirm.text());
        let deleted = browser.post_form("/account/delete", &gone).await;
        assert_eq!(deleted.header("location"), "/login?said=deleted");

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
        browser.fill("#user", USER).await;
        browser.fill("#password", PASSWORD).await;
        browser.click("main button").await;

        // The key that a script asks for: its answer is read, its link followed, the button pressed again.
        browser.click("nav a[href='/script']").await;
        browser.click("[data-call='POST /api/keys']").await;
        browser.read("SENSITIVE_VERIFICATION_REQUIRED").await;
        assert_eq!(browser.pictures("demo-refused").await, [0, 0]);
        browser.click("#answer a[href*='/.stepup/challenge']").await;
        let app = browser.go_to_second_window().await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("You are verified").await;
        assert_eq!(browser.pictures("demo-verified").await, [0, 0]);
        browser.switch_to_window(app).await.unwrap();
        browser.click("[data-call='POST /api/keys']").await;
        browser.read("201 application/json").await;

        // The address, by the code that the inbox page shows.
        browser.goto(&url("/account")).await.unwrap();
        browser.fill("#email", "alice@new.example.test").await;
        browser.click("form[action='/account/email'] button").await;
        browser.click("details:last-of-type summary").await;
        browser.click("form[action$='/verify/send'] button").await;
        browser.see("#email_code").await;
        let code = demo.code().await;
        browser.fill("#email_code", &code).await;
        browser
            .click("details[open] form[action$='/verify'] button")
            .await;
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
        browser.fill("#password", PASSWORD).await;
        browser.fill("#password-confirm", "DELETE").await;
        browser
            .click("details[open] form[action$='/verify'] button")
            .await;
        browser.read("Nothing has happened yet").await;
        assert_eq!(browser.pictures("demo-confirm").await, [0, 0]);
        browser.click("main form button").await;
        browser.see("#user").await;
        browser.read("everything in it is gone").await;
    });
}
