//! A code by mail, as a proof.

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::mail::{MailSink, Mode};
use crate::support::port::HeldPort;
use crate::support::scene::{PASSWORD, Scene, Stage, on_both_stores, reason, shows, token};
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
    async fn a_mailed_code_opens_the_route(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        assert_eq!(refused.json()["challenge"]["hints"]["email_code"], "a•••@example.test");

        let sent = scene.send_code(&client, &token(&refused)).await;
        assert_eq!(sent.json(), json!({ "sent": true, "to": "a•••@example.test", "wait": 30 }));
        let mail = MailSink::shared().wait_for_mail(&scene.address, 1);
        assert!(mail.text.contains("Create an API key"), "{}", mail.text);
        assert!(mail.html.contains(&mail.codes[0]));
        let code = scene.code(1);
        assert!(!shows(&scene.dump(), &code), "the code is readable in the store");
        let passed = scene.verify(&client, &token(&refused), ("email_code", &code)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    }

    async fn codes_go_to_the_address_that_a_trusted_proxy_asserts(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .session("headers: { subject: remote-user, email: remote-email }")
            .more("trusted_proxies: [127.0.0.1]")
            .set();
        let address = format!("guest.{}", scene.address);
        // Somebody who signs in elsewhere, and whom our directory does not know.
        let client = scene.script().header("remote-user", "guest").header("remote-email", &address);
        let refused = client.post_form("/keys", &[]).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["email_code"]]));
        let elsewhere = scene.script().header("remote-user", "guest");
        let no_address = elsewhere.post_form("/keys", &[]).await;
        assert_eq!(reason(&no_address), "method-not-enrolled");
        scene.send_code(&client, &token(&refused)).await;
        let code = MailSink::shared().wait_for_code(&address, 1);
        let passed = scene.verify(&client, &token(&refused), ("email_code", &code)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(client.post_form("/keys", &[]).await.status, 200);
    }

    async fn rule_4_a_code_is_taken_once(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        scene.send_code(&client, &token(&refused)).await;
        let code = scene.code(1);
        let challenge = token(&refused);
        let answers = (0..4).map(|_| scene.verify(&client, &challenge, ("email_code", &code)));
        let passed = join_all(answers).await;
        let passed = passed.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1);
        let again = scene.verify(&client, &challenge, ("email_code", &code)).await;
        assert_ne!(again.status, 200);
    }

    async fn a_code_is_good_for_its_own_challenge_alone(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let one = client.post_form("/keys", &[]).await;
        let other = client.post_form("/email", &[("email", "new@example.test")]).await;
        scene.send_code(&client, &token(&one)).await;
        let code = scene.code(1);
        let answer = scene.verify(&client, &token(&other), ("email_code", &code)).await;
        assert_eq!(reason(&answer), "wrong-answer");
    }

    async fn five_wrong_codes_end_the_challenge(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        scene.send_code(&client, &token(&refused)).await;
        let code = scene.code(1);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for left in [4, 3, 2, 1, 0] {
            let answer = scene.verify(&client, &token(&refused), ("email_code", wrong)).await;
            assert_eq!(reason(&answer), "wrong-answer");
            assert_eq!(answer.json()["attempts_left"], left);
        }
        let late = scene.verify(&client, &token(&refused), ("email_code", &code)).await;
        assert_eq!((late.status.as_u16(), reason(&late)), (403, "challenge-expired".into()));
        assert_eq!(client.post_form("/keys", &[]).await.status, 403);
    }

    async fn a_second_code_must_wait_and_replaces_the_first(keeper: Keeper) {
        let scene = Stage::on(keeper).limits("resend_after: 1s").set();
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        scene.send_code(&client, &token(&refused)).await;
        let soon = scene.send_code(&client, &token(&refused)).await;
        assert_eq!((soon.status.as_u16(), reason(&soon)), (429, "too-many-attempts".into()));
        assert_eq!(soon.header("retry-after"), "1");
        let first = scene.code(1);
        let sent = becomes(200, async || scene.send_code(&client, &token(&refused)).await).await;
        assert_eq!(sent.json()["sent"], true, "{}", sent.text());
        let second = scene.code(2);
        if first != second {
            let answer = scene.verify(&client, &token(&refused), ("email_code", &first)).await;
            assert_eq!(reason(&answer), "wrong-answer");
            // The second code drew on the same budget as the answers.
            assert_eq!(answer.json()["attempts_left"], 3);
        }
        let passed = scene.verify(&client, &token(&refused), ("email_code", &second)).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
    }

    async fn whoever_asks_too_soon_reads_so_and_can_still_answer(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let browser = scene.browser();
        scene.log_in(&browser, "alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let sent = press_send(&browser, &page).await;
        assert_eq!(sent.status, 200);
        let too_soon = press_send(&browser, &sent).await;
        assert_eq!(too_soon.status, 429);
        assert!(too_soon.text().contains("A code was sent a moment ago"), "{}", too_soon.text());
        assert!(too_soon.text().contains("name=\"answer\""));
    }

    async fn whoever_mistypes_a_code_can_type_it_again(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let browser = scene.browser();
        scene.log_in(&browser, "alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let sent = press_send(&browser, &page).await;
        let code = scene.code(1);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let again = type_code(&browser, &sent, wrong).await;
        assert_eq!(again.status, 403);
        assert!(again.text().contains("That code is not right"), "{}", again.text());
        let field = "inputmode=\"numeric\"";
        assert!(again.text().contains(field), "nowhere to type it: {}", again.text());
        let back = type_code(&browser, &again, &code).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, "/secrets"));
    }

    async fn when_the_mail_server_is_down_the_person_is_told(keeper: Keeper) {
        let nobody = HeldPort::take();
        let scene = Stage::on(keeper).mail(Some(nobody.addr().port())).set();
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        let sent = scene.send_code(&client, &token(&refused)).await;
        assert_eq!((sent.status.as_u16(), reason(&sent)), (503, "mail-unavailable".into()));
        let event = &scene.events(1, |event| event["event"] == "code-sent")[0];
        assert_eq!((&event["outcome"], &event["reason"]), (&json!("failed"), &json!("mail-unavailable")));
        assert!(scene.log().contains("onnection refused"), "the log says why: {}", scene.log());
        // Nobody waits for a mail that never left: at once again, and another way is open.
        let again = scene.send_code(&client, &token(&refused)).await;
        assert_eq!(reason(&again), "mail-unavailable");
        let passed = scene.verify(&client, &token(&refused), ("password", PASSWORD)).await;
        assert_eq!(passed.status, 200);
    }

    async fn when_the_mail_server_refuses_the_address_the_page_says_so(keeper: Keeper) {
        let sink = MailSink::start(Mode::Plain, &["--reject", "."]);
        let scene = Stage::on(keeper).mail(Some(sink.port())).set();
        let browser = scene.browser();
        scene.log_in(&browser, "alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        let answer = press_send(&browser, &page).await;
        assert_eq!(answer.status, 503);
        assert!(answer.text().contains("role=\"alert\""), "{}", answer.text());
    }

    async fn without_a_mail_server_nobody_is_offered_a_code(keeper: Keeper) {
        let scene = Stage::on(keeper).mail(None).set();
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["password"], ["totp"]]));
        assert!(refused.json()["challenge"].get("hints").is_none());
        let sent = scene.send_code(&client, &token(&refused)).await;
        assert_eq!(reason(&sent), "mail-unavailable");
    }

    async fn nobody_is_bombed_with_codes(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .limits("codes: { attempts: 2, window: 10m }\ncodes_in_session: { attempts: 9, window: 10m }")
            .set();
        // Each from a session and a challenge of its own.
        for number in 1..=3 {
            let client = scene.logged_in().await;
            let refused = client.post_form("/keys", &[]).await;
            let sent = scene.send_code(&client, &token(&refused)).await;
            assert_eq!(sent.status.as_u16(), if number < 3 { 200 } else { 429 });
        }
        assert_eq!(MailSink::shared().mails_to(&scene.address).len(), 2);
    }

    async fn a_code_lives_as_long_as_the_settings_say(keeper: Keeper) {
        // Over before the mail is there.
        let scene = Stage::on(keeper).verification("code_life: 1ms").set();
        let client = scene.logged_in().await;
        let refused = client.post_form("/keys", &[]).await;
        scene.send_code(&client, &token(&refused)).await;
        let code = scene.code(1);
        let answer = scene.verify(&client, &token(&refused), ("email_code", &code)).await;
        assert_eq!(reason(&answer), "wrong-answer");
    }
}
