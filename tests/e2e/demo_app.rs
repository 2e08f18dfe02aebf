//! The demo's own application and inbox, without Stepgate in front.

use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::run;
use http::{Method, StatusCode};
use lettre::message::MultiPart;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use stepgate::clock::Clock;
use stepgate::demo::{ALICE, COOKIE, Inbox, Legacy};

fn anywhere() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

async fn logged_in(legacy: &Legacy) -> Client {
    let client = Client::new(legacy.addr());
    let answer = client
        .post_form(
            "/login",
            &[("user", ALICE.name), ("password", ALICE.password)],
        )
        .await;
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.header("location"), "/");
    client
}

#[test]
fn a_login_sets_the_cookie_and_a_wrong_password_is_a_page() {
    run(async {
        let legacy = Legacy::start(anywhere()).unwrap();
        let client = Client::new(legacy.addr());
        let wrong = client
            .post_form("/login", &[("user", ALICE.name), ("password", "no")])
            .await;
        assert_eq!(wrong.status, StatusCode::OK);
        assert!(wrong.text().contains("do not belong together"));
        assert_eq!(client.cookie(COOKIE), None);

        let client = logged_in(&legacy).await;
        assert_eq!(client.cookie(COOKIE).unwrap().len(), 32);
        let notes = client.get("/notes").await;
        assert!(notes.text().contains("Water the plants"));
    });
}

#[test]
fn a_deleted_account_is_gone_until_the_next_start() {
    run(async {
        let legacy = Legacy::start(anywhere()).unwrap();
        let client = logged_in(&legacy).await;
        let forged = client
            .post_form("/account/delete", &[("csrf", "guessed")])
            .await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN);

        let csrf = client.get("/account").await.hidden("csrf");
        let gone = client
            .post_form("/account/delete", &[("csrf", &csrf)])
            .await;
        assert_eq!(gone.header("location"), "/login?said=deleted");
        let again = client
            .post_form(
                "/login",
                &[("user", ALICE.name), ("password", ALICE.password)],
            )
            .await;
        assert!(again.text().contains("do not belong together"));

        logged_in(&Legacy::start(anywhere()).unwrap()).await;
    });
}

#[test]
fn what_people_write_is_escaped() {
    run(async {
        let legacy = Legacy::start(anywhere()).unwrap();
        let client = logged_in(&legacy).await;
        let csrf = client.get("/notes").await.hidden("csrf");
        let note = [
            ("csrf", csrf.as_str()),
            ("text", "<script>alert('x')</script>"),
        ];
        client.post_form("/notes", &note).await;
        let page = client.get("/notes").await;
        assert!(!page.text().contains("<script>alert"));
        assert!(page.text().contains("&#60;script&#62;alert"));
    });
}

#[test]
fn the_api_takes_the_cookie_or_a_key() {
    run(async {
        let legacy = Legacy::start(anywhere()).unwrap();
        let client = logged_in(&legacy).await;
        let note = json!({ "text": "by call" });
        let made = client.call(Method::POST, "/api/notes", note).await;
        assert_eq!(made.status, StatusCode::CREATED);
        let path = format!("/api/notes/{}", made.json()["id"]);
        assert_eq!(client.delete(&path).await.status, StatusCode::OK);
        assert_eq!(client.delete(&path).await.status, StatusCode::NOT_FOUND);
        let key = client
            .call(Method::POST, "/api/keys", json!({}))
            .await
            .json();
        let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
        let program = Client::new(legacy.addr()).header("authorization", &bearer);
        let email = json!({ "email": "new@example.test" });
        let changed = program.call(Method::PATCH, "/api/account", email).await;
        assert_eq!(changed.json()["email"], "new@example.test");

        let stranger = Client::new(legacy.addr());
        let refused = stranger.get("/api/notes").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    });
}

#[test]
fn the_inbox_shows_the_code_of_a_mail() {
    run(async {
        let inbox = Inbox::start(anywhere(), Clock::System).unwrap();
        let mail = Message::builder()
            .from("Stepgate <stepgate@example.test>".parse().unwrap())
            .to(ALICE.email.parse().unwrap())
            .subject("Ihr Code – für Alice")
            .multipart(MultiPart::alternative_plain_html(
                "Your code – for one use:\n\n    048151\n".to_owned(),
                "<p>Your code: <b>048151</b></p>".to_owned(),
            ))
            .unwrap();
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
            .port(inbox.smtp_addr().port())
            .build();
        transport.send(mail).await.unwrap();

        let client = Client::new(inbox.http_addr());
        let page = client.get("/").await;
        assert!(page.text().contains("<p class=\"code\">048151</p>"));
        assert!(page.text().contains("Ihr Code – für Alice"));
        let newest = &client.get("/messages.json").await.json()[0];
        assert_eq!(newest["code"], "048151");
        assert_eq!(newest["to"], json!([ALICE.email]));
    });
}

#[test]
fn a_person_uses_the_application_in_a_browser() {
    run(async {
        let legacy = Legacy::start(anywhere()).unwrap();
        let browser = Browser::open().await;
        browser
            .goto(&format!("http://{}/", legacy.addr()))
            .await
            .unwrap();
        browser.fill("#user", ALICE.name).await;
        browser.fill("#password", ALICE.password).await;
        assert_eq!(browser.pictures("demo-login").await, [0, 0]);
        browser.click("main button").await;
        browser.fill("#text", "Buy <b>bread</b>").await;
        browser.click("form.row button").await;
        browser.read("Buy <b>bread</b>").await;
        assert_eq!(browser.pictures("demo-notes").await, [0, 0]);

        browser.click("nav a[href='/account']").await;
        browser.fill("#email", "alice@new.example.test").await;
        browser.click("form[action='/account/email'] button").await;
        browser.read("has been changed").await;
        assert_eq!(browser.pictures("demo-account").await, [0, 0]);

        browser.click("nav a[href='/script']").await;
        browser.click("[data-call='POST /api/keys']").await;
        let text = browser.read("201 application/json").await;
        assert!(text.contains("key_"), "{text}");
        assert_eq!(browser.pictures("demo-script").await, [0, 0]);
    });
}
