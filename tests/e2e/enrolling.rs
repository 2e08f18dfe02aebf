//! Setting up an authenticator app, recovery codes, an address and a password; and beginning with nothing.

use crate::support::client::{Answer, Client};
use crate::support::mail::{Mail, MailSink};
use crate::support::sidecar::{self, KEY_COOKIE, PASSWORD, Sidecar};
use crate::support::store::on_both_stores;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use stepgate::clock::Clock;
use stepgate::verification::TotpSecret;

const ENROLL: &str = "/.stepup/enroll";

async fn step(client: &Client, name: &str, body: Value) -> Answer {
    client
        .call(Method::POST, &format!("{ENROLL}/{name}"), body)
        .await
}

async fn prove(client: &Client, factor: &str, answer: &str) -> Answer {
    let refused = client.get(ENROLL).await;
    client.verify(&refused.token(), (factor, answer)).await
}

/// A script in a session of `user`, with a fresh proof by their password.
async fn proven(sidecar: &Sidecar, user: &str) -> Client {
    let client = sidecar.script();
    client.log_in(user).await;
    let passed = prove(&client, "password", PASSWORD).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    client
}

/// A mail address of a sidecar's own: tests share the mail server.
fn address(sidecar: &Sidecar, name: &str) -> String {
    format!("{name}.{}", sidecar.address)
}

/// The code that an operator gets for somebody.
fn bootstrap(sidecar: &Sidecar, user: &str) -> String {
    let told = sidecar.command(&["user", "bootstrap", user]);
    let code = told.lines().find_map(|line| line.strip_prefix("code   "));
    code.unwrap_or_else(|| panic!("{told}")).to_owned()
}

fn secret_of(begun: &Value) -> TotpSecret {
    TotpSecret::from_base32(begun["secret"].as_str().unwrap()).unwrap()
}

/// The code of the app, `steps` from now.
fn code(secret: &TotpSecret, steps: u64) -> String {
    let at = Clock::System.now().after(Duration::from_secs(30 * steps));
    secret.code_at(at).expose().clone()
}

fn texts(list: &Value) -> Vec<String> {
    let all = list.as_array().unwrap().iter();
    all.map(|text| text.as_str().unwrap().to_owned()).collect()
}

async fn recovery_codes(client: &Client) -> Vec<String> {
    let made = step(client, "recovery", json!({})).await;
    texts(&made.json()["codes"])
}

async fn kinds(client: &Client) -> Vec<String> {
    let told = client.get(ENROLL).await.json();
    let all = told["enrolled"]
        .as_array()
        .unwrap_or_else(|| panic!("{told}"));
    all.iter()
        .map(|one| one["factor"].as_str().unwrap().to_owned())
        .collect()
}

on_both_stores! {
    async fn an_authenticator_app_counts_once_a_code_of_it_was_shown(store: Store) {
        let sidecar = sidecar::on(store).run();
        let totp = address(&sidecar, "totp");
        sidecar.add_user("bob", &totp, PASSWORD);
        let client = proven(&sidecar, "bob").await;
        let before = sidecar.dump();
        let begun = client.get(&format!("{ENROLL}/totp")).await.json();
        assert_eq!(sidecar.dump(), before, "a secret that counts for nothing was stored");
        let secret = secret_of(&begun);
        assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/"));
        let answer = |code: String| json!({ "sealed": begun["sealed"], "answer": code });
        let wrong = step(&client, "totp", answer("000000".to_owned())).await;
        assert_eq!((wrong.reason(), &wrong.json()["attempts_left"]), ("wrong-answer".into(), &json!(4)));
        assert_eq!(kinds(&client).await, ["password", "email_code"]);
        let now = code(&secret, 0);
        assert_eq!(step(&client, "totp", answer(now.clone())).await.json(), json!({ "enrolled": true }));
        assert_eq!(kinds(&client).await, ["password", "totp", "email_code"]);
        // The code that enrolled it is used up; the next one is good.
        let refused = client.post("/totp").await;
        assert_eq!(client.verify(&refused.token(), ("totp", &now)).await.reason(), "wrong-answer");
        assert_eq!(client.verify(&refused.token(), ("totp", &code(&secret, 1))).await.status, 200);
        // A copy of the form brings nothing back.
        step(&client, "remove", json!({ "factor": "totp" })).await;
        let replayed = step(&client, "totp", answer(now)).await;
        assert_eq!(replayed.reason(), "challenge-expired");
        assert_eq!(kinds(&client).await, ["password", "email_code"]);
        MailSink::shared().wait_for_words(&totp, "Set up: Authenticator app");
        assert!(!sidecar.dump().contains(begun["secret"].as_str().unwrap()));
    }

    async fn a_secret_that_was_sealed_for_somebody_else_is_not_taken(store: Store) {
        let sidecar = sidecar::on(store).run();
        let swap = address(&sidecar, "swap");
        sidecar.add_user("bob", &swap, PASSWORD);
        let alice = proven(&sidecar, "alice").await;
        let bob = proven(&sidecar, "bob").await;
        let begun = bob.get(&format!("{ENROLL}/totp")).await.json();
        let now = code(&secret_of(&begun), 0);
        let body = json!({ "sealed": begun["sealed"], "answer": now });
        assert_eq!(step(&alice, "totp", body.clone()).await.reason(), "challenge-expired");
        // Nor in another browser of the same person, nor as something else.
        let elsewhere = proven(&sidecar, "bob").await;
        assert_eq!(step(&elsewhere, "totp", body.clone()).await.reason(), "challenge-expired");
        assert_eq!(step(&bob, "email", body).await.reason(), "challenge-expired");
        let mut turned = begun["sealed"].as_str().unwrap().to_owned().into_bytes();
        turned[30] ^= 1;
        let turned = String::from_utf8_lossy(&turned).into_owned();
        let body = json!({ "sealed": turned, "answer": code(&secret_of(&begun), 0) });
        assert_eq!(step(&bob, "totp", body).await.reason(), "challenge-expired");
        assert_eq!(kinds(&bob).await, ["password", "email_code"]);
    }

    async fn guesses_at_an_app_that_is_being_set_up_are_counted(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = proven(&sidecar, "alice").await;
        let begun = client.get(&format!("{ENROLL}/totp")).await.json();
        let wrong = json!({ "sealed": begun["sealed"], "answer": "000000" });
        let guesses = (0..20).map(|_| step(&client, "totp", wrong.clone()));
        let reasons: Vec<_> = join_all(guesses).await.iter().map(Answer::reason).collect();
        let judged = reasons.iter().filter(|reason| *reason == "wrong-answer").count();
        assert_eq!(judged, 5, "{reasons:?}");
    }

    async fn rule_4_a_recovery_code_works_once_and_is_told(store: Store) {
        let sidecar = sidecar::on(store).run();
        let recovery = address(&sidecar, "recovery");
        sidecar.add_user("bob", &recovery, PASSWORD);
        let client = proven(&sidecar, "bob").await;
        let codes = recovery_codes(&client).await;
        assert_eq!(codes.len(), 10);
        for code in &codes {
            // 16 characters of base32: 80 bits.
            assert_eq!(code.replace('-', "").len(), 16, "{code}");
            assert!(!sidecar.dump().contains(code.as_str()));
        }
        // Of two sessions at once with one code, one gets through.
        let two = [proven(&sidecar, "bob").await, proven(&sidecar, "bob").await];
        let mut tokens = Vec::new();
        for client in &two {
            tokens.push(client.post("/keys").await.token());
        }
        let typed = codes[0].to_lowercase().replace('-', " ").replace('0', "o");
        let answers = two.iter().zip(&tokens).map(|(client, token)| client.verify(token, ("recovery_code", &typed)));
        let passed = join_all(answers).await.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1);
        MailSink::shared().wait_for_mail(&recovery, 2);
        let mails = MailSink::shared().mails_to(&recovery);
        let told = |mail: &Mail| mail.text.contains("A recovery code was used. 9 are left.");
        assert!(mails.iter().any(told));
        let again = client.post("/keys").await.token();
        assert_eq!(client.verify(&again, ("recovery_code", &codes[0])).await.reason(), "wrong-answer");
        // New ones make the old ones void.
        let renewed = recovery_codes(&client).await;
        assert_eq!(client.verify(&again, ("recovery_code", &codes[1])).await.reason(), "wrong-answer");
        assert_eq!(client.verify(&again, ("recovery_code", &renewed[0])).await.status, 200);
        // Not for what is critical.
        let critical = client.post("/pay").await;
        let accepted = critical.json()["challenge"]["factors"].to_string();
        assert!(!accepted.contains("recovery_code"), "{accepted}");
        assert_eq!(client.verify(&critical.token(), ("recovery_code", &renewed[1])).await.reason(), "method-not-enrolled");
        // Nor for anybody else.
        let alice = sidecar.logged_in().await;
        let refused = alice.post("/keys").await;
        assert_eq!(alice.verify(&refused.token(), ("recovery_code", &renewed[1])).await.reason(), "wrong-answer");
    }

    async fn recovery_codes_survive_a_new_secret_as_long_as_the_old_one_is_read(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let client = proven(&sidecar, "alice").await;
        let codes = recovery_codes(&client).await;
        sidecar.rotate_the_secret();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        assert_eq!(client.verify(&refused.token(), ("recovery_code", &codes[3])).await.status, 200);
    }

    async fn somebody_without_anything_begins_with_a_code_of_the_operator(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.script();
        client.log_in("carol").await;
        // No directory knows her: nothing to prove herself by, here or elsewhere.
        let nothing = client.post("/keys").await;
        assert_eq!((nothing.reason(), &nothing.json()["enroll_url"]), ("method-not-enrolled".into(), &json!(ENROLL)));
        assert_eq!(client.get(ENROLL).await.reason(), "method-not-enrolled");
        let code = bootstrap(&sidecar, "Carol");
        assert!(!sidecar.dump().contains(&code));
        let refused = client.get(ENROLL).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["bootstrap_code"]]));
        // It opens nothing but this.
        let keys = client.post("/keys").await;
        assert_eq!(keys.reason(), "method-not-enrolled");
        assert_eq!(client.verify(&refused.token(), ("bootstrap_code", &code)).await.status, 200);
        assert!(kinds(&client).await.is_empty());
        let codes = recovery_codes(&client).await;
        let begun = client.get(&format!("{ENROLL}/totp")).await.json();
        let body = json!({ "sealed": begun["sealed"], "answer": self::code(&secret_of(&begun), 0) });
        assert_eq!(step(&client, "totp", body).await.status, 200);
        assert_eq!(kinds(&client).await, ["totp", "recovery_code"]);
        assert_eq!(client.post("/keys").await.reason(), "step-up-required");
        // Once only, also in another session of hers.
        let other = sidecar.script();
        other.log_in("carol").await;
        let refused = other.get(ENROLL).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["totp"], ["recovery_code"]]));
        assert_eq!(other.verify(&refused.token(), ("bootstrap_code", &code)).await.reason(), "wrong-answer");
        assert_eq!(other.verify(&refused.token(), ("recovery_code", &codes[0])).await.status, 200);
        let issued = sidecar.command(&["user", "show", "carol"]);
        assert!(!issued.contains(&codes[1]) && !issued.contains(begun["secret"].as_str().unwrap()), "{issued}");
    }

    async fn rule_4_a_code_of_the_operator_is_taken_once_and_by_its_subject_alone(store: Store) {
        let sidecar = sidecar::on(store).run();
        let code = bootstrap(&sidecar, "carol");
        // Somebody else's session, with the right code.
        let mallory = sidecar.script();
        mallory.log_in("mallory").await;
        assert_eq!(mallory.get(ENROLL).await.reason(), "method-not-enrolled");
        // A thief with the cookie and the code, but in another browser, begins a browser of their own: the code decides.
        // Of two at once, one is taken.
        let mut two = Vec::new();
        for _ in 0..2 {
            let client = sidecar.script();
            client.log_in("carol").await;
            let token = client.get(ENROLL).await.token();
            two.push((client, token));
        }
        let answers = two.iter().map(|(client, token)| client.verify(token, ("bootstrap_code", &code)));
        let passed = join_all(answers).await.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1);
        // A newer one takes the place of one that is not used.
        let (old, new) = (bootstrap(&sidecar, "dave"), bootstrap(&sidecar, "dave"));
        let dave = sidecar.script();
        dave.log_in("dave").await;
        let token = dave.get(ENROLL).await.token();
        assert_eq!(dave.verify(&token, ("bootstrap_code", &old)).await.reason(), "wrong-answer");
        assert_eq!(dave.verify(&token, ("bootstrap_code", &new)).await.status, 200);
    }

    async fn rule_5_guesses_at_a_code_of_the_operator_are_counted(store: Store) {
        let sidecar = sidecar::on(store).run();
        bootstrap(&sidecar, "carol");
        let client = sidecar.script();
        client.log_in("carol").await;
        let token = client.get(ENROLL).await.token();
        let guesses = (0..30).map(|_| client.verify(&token, ("bootstrap_code", "AAAA-BBBB-CCCC-DDDD")));
        let reasons: Vec<_> = join_all(guesses).await.iter().map(Answer::reason).collect();
        assert_eq!(reasons.iter().filter(|reason| *reason == "wrong-answer").count(), 5, "{reasons:?}");
    }

    async fn an_address_counts_once_a_code_came_back_and_the_old_one_is_told(store: Store) {
        let sidecar = sidecar::on(store).run();
        let old = address(&sidecar, "old");
        let new = address(&sidecar, "new");
        sidecar.add_user("bob", &old, PASSWORD);
        let client = proven(&sidecar, "bob").await;
        for no_address in ["", "bob", "bob@localhost", "a@b.example\r\nBcc: c@d.example", "<a@b.example>", "аlice@example.com"] {
            let refused = step(&client, "email", json!({ "answer": no_address })).await;
            assert_eq!(refused.status, 400, "{no_address}");
        }
        let asked = step(&client, "email", json!({ "email": &new })).await.json();
        assert_eq!(asked["sent"], true);
        let code = MailSink::shared().wait_for_code(&new, 1);
        let answer = |code: &str| json!({ "sealed": asked["sealed"], "code": code });
        let wrong = if code == "000000" { "000001" } else { "000000" };
        assert_eq!(step(&client, "email", answer(wrong)).await.reason(), "wrong-answer");
        let told = client.post("/keys").await.json();
        assert_eq!(told["challenge"]["hints"]["email_code"].as_str().unwrap().chars().next(), Some('o'));
        assert_eq!(MailSink::shared().mails_to(&old).len(), 0);
        assert_eq!(step(&client, "email", answer(&code)).await.json(), json!({ "enrolled": true }));
        assert_eq!(step(&client, "email", answer(&code)).await.reason(), "wrong-answer");
        for (to, number) in [(&old, 1), (&new, 2)] {
            let mail = MailSink::shared().wait_for_mail(to, number);
            assert!(mail.text.contains("Set up: E-mail address for codes"), "{}", mail.text);
        }
        assert!(sidecar.command(&["user", "show", "bob"]).contains(&new));
        // Somebody's mailbox is not flooded from here.
        let mut reasons = Vec::new();
        for number in 0..8 {
            let body = json!({ "answer": format!("enroll-flood-{number}@example.com") });
            let answer = step(&client, "email", body).await;
            if answer.status != 200 {
                reasons.push(answer.reason());
            }
        }
        assert!(reasons.len() >= 4 && reasons.iter().all(|reason| reason == "too-many-attempts"), "{reasons:?}");
    }

    async fn a_password_is_taken_if_it_is_long_and_not_known(store: Store) {
        let sidecar = sidecar::on(store).run();
        let password = address(&sidecar, "password");
        sidecar.add_user("bob", &password, PASSWORD);
        let client = proven(&sidecar, "bob").await;
        for weak in ["", "short one", "123456789012345678", "passwordpassword", &password] {
            let refused = step(&client, "password", json!({ "password": weak })).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, "ambiguous-request".into()), "{weak}");
        }
        let new = "plum kite oval drum";
        assert_eq!(step(&client, "password", json!({ "password": new })).await.json(), json!({ "enrolled": true }));
        let refused = client.post("/keys").await;
        assert_eq!(client.verify(&refused.token(), ("password", PASSWORD)).await.reason(), "wrong-answer");
        assert_eq!(client.verify(&refused.token(), ("password", new)).await.status, 200);
        // Eight characters do beside an app.
        let alice = proven(&sidecar, "alice").await;
        assert_eq!(step(&alice, "password", json!({ "password": "xK4#pq9v" })).await.status, 200);
        assert!(!sidecar.dump().contains(new));
    }

    async fn a_code_by_mail_begins_only_the_first_enrollment_and_only_by_setting(store: Store) {
        let mut sidecar = sidecar::on(store).run();
        let first = address(&sidecar, "first");
        sidecar.command(&["user", "add", "bob", "--email", &first, "--no-password"]);
        let client = sidecar.script();
        client.log_in("bob").await;
        assert_eq!(client.get(ENROLL).await.reason(), "method-not-enrolled");
        sidecar.restart_with("verification:", "verification:\n  first_enrollment: email_code");
        let refused = client.get(ENROLL).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["email_code"]]));
        client.send_code(&refused.token()).await;
        let mailed = MailSink::shared().wait_for_code(&first, 1);
        assert_eq!(client.verify(&refused.token(), ("email_code", &mailed)).await.status, 200);
        let begun = client.get(&format!("{ENROLL}/totp")).await.json();
        let body = json!({ "sealed": begun["sealed"], "answer": code(&secret_of(&begun), 0) });
        assert_eq!(step(&client, "totp", body).await.status, 200);
        // What the person has set up since does not close the page on them.
        assert_eq!(recovery_codes(&client).await.len(), 10);
        // For everybody else it is no longer the first.
        let other = sidecar.script();
        other.log_in("bob").await;
        let refused = other.get(ENROLL).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["totp"], ["recovery_code"]]));
        let alice = sidecar.logged_in().await;
        assert_eq!(alice.get(ENROLL).await.json()["challenge"]["factors"], json!([["password"], ["totp"]]));
        // Nobody is shut out by it who has no address, and another proof.
        let carol = sidecar.script();
        carol.log_in("carol").await;
        let code = bootstrap(&sidecar, "carol");
        assert_eq!(prove(&carol, "bootstrap_code", &code).await.status, 200);
        let codes = recovery_codes(&carol).await;
        let other = sidecar.script();
        other.log_in("carol").await;
        let refused = other.get(ENROLL).await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["recovery_code"]]), "{}", refused.text());
        assert_eq!(other.verify(&refused.token(), ("recovery_code", &codes[0])).await.status, 200);
        assert_eq!(kinds(&other).await, ["recovery_code"]);
    }

    async fn a_thief_with_the_cookie_cannot_begin_anything(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = proven(&sidecar, "alice").await;
        let begun = client.get(&format!("{ENROLL}/totp")).await.json();
        let thief = sidecar.thief_of(&client);
        for key in [None, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] {
            if let Some(key) = key {
                thief.set_cookie(KEY_COOKIE, key);
            }
            for page in ["", "/totp"] {
                assert_eq!(thief.get(&format!("{ENROLL}{page}")).await.reason(), "step-up-required");
            }
            for (name, body) in [
                ("totp", json!({ "sealed": begun["sealed"], "answer": code(&secret_of(&begun), 0) })),
                ("recovery", json!({})),
                ("email", json!({ "answer": "enroll-thief@example.com" })),
                ("password", json!({ "answer": "plum kite oval drum" })),
            ] {
                assert_eq!(step(&thief, name, body).await.reason(), "step-up-required", "{name}");
            }
        }
        assert_eq!(MailSink::shared().mails_to("enroll-thief@example.com").len(), 0);
    }
}
