//! A code by mail, as a proof.

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::mail::{MailSink, Mode};
use crate::support::port::HeldPort;
use crate::support::sidecar::{self, PASSWORD, shows};
use crate::support::store::on_both_stores;
use futures_util::future::join_all;
use serde_json::json;

/// Presses the button that sends a code.
async fn press_send(browser: &Client, page: &Answer) -> Answer {
    let (token, anti_forgery) = (page.hidden("token"), page.hidden("anti_forgery"));
    let fields = [("token", token.as_str()), ("anti_forgery", &anti_forgery)];
    browser.post_form("/.stepup/verify/send", &fields).await
}

/// Types a code into the page that asks for it.
async fn type_code(browser: &Client, page: &Answer, code: &str) -> Answer {
    let (token, anti_forgery) = (page.hidden("token"), page.hidden("anti_forgery"));
    let fields = [
        ("token", token.as_str()),
        ("anti_forgery", &anti_forgery),
        ("factor", "email_code"),
        ("answer", code),
    ];
    browser.post_form("/.stepup/verify", &fields).await
}

on_both_stores! {
    async fn a_mailed_code_opens_the_route(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        assert_eq!(refused.json()["challenge"]["hints"]["email_code"], "a•••@example.test");

        let sent = client.send_code(&refused.token()).await;
        assert_eq!(sent.json(), json!({ "sent": true, "to": "a•••@example.test", "wait": 30 }));
        let mail = MailSink::shared().wait_for_mail(&sidecar.address, 1);
        assert!(mail.text.contains("Create an API key"), "{}", mail.text);
        assert!(mail.html.contains(&mail.codes[0]));
        let code = sidecar.code(1);
        assert!(!shows(&sidecar.dump(), &code), "the code is readable in the store");
        let passed = client.verify(&refused.token(), ("email_code", &code)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn codes_go_to_the_address_that_a_trusted_proxy_asserts(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "headers: { subject: remote-user, email: remote-email }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let address = format!("guest.{}", sidecar.address);
        // Somebody who signs in elsewhere, and whom our directory does not know.
        let client = sidecar.script().header("remote-user", "guest").header("remote-email", &address);
        let refused = client.post("/keys").await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["email_code"]]));
        let elsewhere = sidecar.script().header("remote-user", "guest");
        let no_address = elsewhere.post("/keys").await;
        assert_eq!(no_address.reason(), "method-not-enrolled");
        client.send_code(&refused.token()).await;
        let code = MailSink::shared().wait_for_code(&address, 1);
        let passed = client.verify(&refused.token(), ("email_code", &code)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post("/keys").await.status, 200);
    }

    async fn a_page_that_is_opened_again_takes_the_code_that_was_mailed(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in(sidecar::USER).await;
        let page = browser.post_form("/keys", &[("name", "ci")]).await;
        press_send(&browser, &page).await;
        let code = sidecar.code(1);
        // A phone has thrown the page away while its owner read the mail.
        let again = browser.post_form("/keys", &[("name", "ci")]).await;
        assert_ne!(again.hidden("token"), page.hidden("token"));
        assert!(again.text().contains("id=\"email_code\""), "{}", again.text());
        // It brings no new guesses: five in all, on both pages.
        for page in [&page, &page, &again] {
            assert_eq!(type_code(&browser, page, "000000").await.status, 403);
        }
        // Another request is another matter.
        let other = browser.post_form("/users/7/delete", &[]).await;
        assert!(!other.text().contains("id=\"email_code\""), "{}", other.text());
        let wrong = type_code(&browser, &other, &code).await;
        assert!(wrong.status.is_client_error(), "{}", wrong.text());
        let passed = type_code(&browser, &again, &code).await;
        assert_eq!(passed.status, 200, "{}", passed.text());
    }

    async fn rule_4_a_code_is_taken_once(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        client.send_code(&refused.token()).await;
        let code = sidecar.code(1);
        let challenge = refused.token();
        let answers = (0..4).map(|_| client.verify(&challenge, ("email_code", &code)));
        let passed = join_all(answers).await;
        let passed = passed.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1);
        let again = client.verify(&challenge, ("email_code", &code)).await;
        assert_ne!(again.status, 200);
    }

    async fn a_code_is_good_for_its_own_challenge_alone(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let one = client.post("/keys").await;
        let other = client.post_form("/email", &[("email", "new@example.test")]).await;
        client.send_code(&one.token()).await;
        let code = sidecar.code(1);
        let answer = client.verify(&other.token(), ("email_code", &code)).await;
        assert_eq!(answer.reason(), "wrong-answer");
    }

    async fn five_wrong_codes_end_the_challenge(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        client.send_code(&refused.token()).await;
        let code = sidecar.code(1);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for left in [4, 3, 2, 1, 0] {
            let answer = client.verify(&refused.token(), ("email_code", wrong)).await;
            assert_eq!(answer.reason(), "wrong-answer");
            assert_eq!(answer.json()["attempts_left"], left);
        }
        let late = client.verify(&refused.token(), ("email_code", &code)).await;
        assert_eq!((late.status.as_u16(), late.reason()), (403, "challenge-expired".into()));
        assert_eq!(client.post("/keys").await.status, 403);
    }

    async fn a_second_code_must_wait_and_replaces_the_first(store: Store) {
        let sidecar = sidecar::on(store).with("verification", "limits: { resend_after: 1s }").run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        client.send_code(&refused.token()).await;
        let soon = client.send_code(&refused.token()).await;
        assert_eq!((soon.status.as_u16(), soon.reason()), (429, "too-many-attempts".into()));
        assert_eq!(soon.header("retry-after"), "1");
        let first = sidecar.code(1);
        let sent = becomes(200, async || client.send_code(&refused.token()).await).await;
        assert_eq!(sent.json()["sent"], true, "{}", sent.text());
        let second = sidecar.code(2);
        if first != second {
            let answer = client.verify(&refused.token(), ("email_code", &first)).await;
            assert_eq!(answer.reason(), "wrong-answer");
            // The second code drew on the same budget as the answers.
            assert_eq!(answer.json()["attempts_left"], 3);
        }
        let passed = client.verify(&refused.token(), ("email_code", &second)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    async fn whoever_asks_too_soon_reads_so_and_can_still_answer(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in("alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let sent = press_send(&browser, &page).await;
        assert_eq!(sent.status, 200);
        let too_soon = press_send(&browser, &sent).await;
        assert_eq!(too_soon.status, 429);
        assert!(too_soon.text().contains("A code was sent a moment ago"), "{}", too_soon.text());
        assert!(too_soon.text().contains("name=\"answer\""));
    }

    async fn whoever_mistypes_a_code_can_type_it_again(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in("alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let sent = press_send(&browser, &page).await;
        let code = sidecar.code(1);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let again = type_code(&browser, &sent, wrong).await;
        assert_eq!(again.status, 403);
        assert!(again.text().contains("That code is not right"), "{}", again.text());
        let field = "inputmode=\"numeric\"";
        assert!(again.text().contains(field), "nowhere to type it: {}", again.text());
        let back = type_code(&browser, &again, &code).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, "/secrets"));
    }

    async fn when_the_mail_server_is_down_the_person_is_told(store: Store) {
        let nobody = HeldPort::take();
        let sidecar = sidecar::on(store).mail(nobody.addr().port()).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let sent = client.send_code(&refused.token()).await;
        assert_eq!((sent.status.as_u16(), sent.reason()), (503, "mail-unavailable".into()));
        let event = &sidecar.events(1, |event| event["event"] == "code-sent")[0];
        assert_eq!((&event["outcome"], &event["reason"]), (&json!("failed"), &json!("mail-unavailable")));
        sidecar.process().wait_for_line("onnection refused");
        // Nobody waits for a mail that never left: at once again, and another way is open.
        let again = client.send_code(&refused.token()).await;
        assert_eq!(again.reason(), "mail-unavailable");
        let passed = client.verify(&refused.token(), ("password", PASSWORD)).await;
        assert_eq!(passed.status, 200);
    }

    async fn when_the_mail_server_refuses_the_address_the_page_says_so(store: Store) {
        let sink = MailSink::start(Mode::Plain, &["--reject", "."]);
        let sidecar = sidecar::on(store).mail(sink.port()).run();
        let browser = sidecar.browser();
        browser.log_in("alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let answer = press_send(&browser, &page).await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("role=\"alert\""), "{}", answer.text());
    }

    async fn without_a_mail_server_nobody_is_offered_a_code(store: Store) {
        let sidecar = sidecar::on(store).without("mail").run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["password"], ["totp"]]));
        assert!(refused.json()["challenge"].get("hints").is_none());
        let sent = client.send_code(&refused.token()).await;
        assert_eq!(sent.reason(), "mail-unavailable");
    }

    async fn nobody_is_bombed_with_codes(store: Store) {
        let sidecar = sidecar::on(store)
            .with("verification", "limits: { codes: { attempts: 2, window: 10m }, codes_in_session: { attempts: 9, window: 10m } }")
            .run();
        // Each from a session and a challenge of its own.
        for number in 1..=3 {
            let client = sidecar.logged_in().await;
            let refused = client.post("/keys").await;
            let sent = client.send_code(&refused.token()).await;
            assert_eq!(sent.status.as_u16(), if number < 3 { 200 } else { 429 });
        }
        assert_eq!(MailSink::shared().mails_to(&sidecar.address).len(), 2);
    }

    async fn a_code_lives_as_long_as_the_settings_say(store: Store) {
        // Over before the mail is there.
        let sidecar = sidecar::on(store).with("verification", "code_life: 1ms").run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        client.send_code(&refused.token()).await;
        let code = sidecar.code(1);
        let answer = client.verify(&refused.token(), ("email_code", &code)).await;
        assert_eq!(answer.reason(), "wrong-answer");
    }
}
