//! Passkeys in a real browser, with an authenticator that the driver lends it.

use crate::support::browser::Browser;
use crate::support::mail::MailSink;
use crate::support::sidecar::{self, PASSWORD, Sidecar, USER};
use crate::support::stepgate::run as run_stepgate;
use crate::support::store::{Store, on_both_stores};
use http::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use stepgate::demo::{self, ALICE, Legacy};

/// The old application, whose accounts are deleted with a passkey alone.
fn in_front_of(legacy: &Legacy, store: Store) -> Sidecar {
    let policy = demo::policy().replace(
        "    confirm: DELETE\n",
        "    confirm: DELETE\n    factors: [passkey]\n",
    );
    assert_ne!(policy, demo::policy());
    sidecar::on(store)
        .at_localhost()
        .policy(&policy)
        .in_front_of(legacy.addr())
        .with("session", &format!("cookies: [{}]", demo::COOKIE))
        .with("session", "learn: { logins: [{ path: /login, subject: { form: user }, success: { status: 302, location: / } }] }")
        .run()
}

fn legacy() -> Legacy {
    Legacy::start(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

fn url(sidecar: &Sidecar, path: &str) -> String {
    format!("http://localhost:{}{path}", sidecar.addr().port())
}

async fn log_in(browser: &Browser, sidecar: &Sidecar) {
    browser.goto(&url(sidecar, "/")).await.unwrap();
    browser.fill("#user", ALICE.name).await;
    browser.fill("#password", ALICE.password).await;
    browser.click("main button").await;
    browser.see("nav a[href='/account']").await;
}

/// Adds a passkey on its page, after the password.
async fn enroll(browser: &Browser, sidecar: &Sidecar, name: &str) {
    browser
        .goto(&url(sidecar, "/.stepup/enroll/passkeys"))
        .await
        .unwrap();
    browser.fill("#password", PASSWORD).await;
    browser.click("form[action$='/verify'] button").await;
    browser.fill("#name", name).await;
    browser.click("form[data-passkey] button").await;
    // The overview says what was done; the page of passkeys may call us by script.
    browser.see("[role=status]").await;
    browser.read(name).await;
    browser.click("a[href='/.stepup/enroll/passkeys']").await;
    browser.see("form[data-passkey='create']").await;
}

async fn delete_account(browser: &Browser, sidecar: &Sidecar) {
    browser.goto(&url(sidecar, "/account")).await.unwrap();
    browser.click("form[action='/account/delete'] button").await;
}

const PROMPT: &str = "form[data-passkey='get']";

/// Keeps what the script of the page would send.
const KEEP: &str = "const done = arguments[0]; const form = document.querySelector('form[data-passkey]'); \
    HTMLFormElement.prototype.requestSubmit = function () { done(this.elements.answer.value) }; \
    form.elements.confirm.value = 'DELETE'; form.dispatchEvent(new Event('submit', { cancelable: true }))";

/// The token of the prompt that is open.
async fn token(browser: &Browser) -> String {
    let field = browser.see(&format!("{PROMPT} [name=token]")).await;
    field.prop("value").await.unwrap().unwrap()
}

/// Calls an endpoint of ours from the page that the browser shows, as its script does.
async fn call(browser: &Browser, path: &str, body: Value) -> Value {
    const CALL: &str = "const [path, body, done] = arguments; \
        fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', accept: 'application/json' }, \
        body: JSON.stringify(body) }).then(answer => answer.json()).then(done)";
    browser
        .execute_async(CALL, vec![json!(path), body])
        .await
        .unwrap()
}

on_both_stores! {
    async fn a_person_adds_a_passkey_and_deletes_their_account_with_it(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        let authenticator = browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        let kept = authenticator.credentials().await;
        assert_eq!((kept.len(), &kept[0]["rpId"]), (1, &json!("localhost")));
        assert_eq!(kept[0]["isResidentCredential"], true);
        let mail = MailSink::shared().wait_for_mail(&sidecar.address, 1);
        assert!(mail.text.contains("Set up: Passkey"), "{}", mail.text);

        assert_eq!(browser.pictures("passkeys").await, [0, 0]);

        delete_account(&browser, &sidecar).await;
        browser.see(PROMPT).await;
        assert_eq!(browser.pictures("prompt-passkey").await, [0, 0]);
        browser.fill("#phrase", "DELETE").await;
        browser.click(&format!("{PROMPT} button")).await;
        browser.read("Nothing has happened yet").await;
        browser.click("main form button").await;
        browser.read("everything in it is gone").await;
        let verified = sidecar.events(1, |event| event["event"] == "verified" && event["factor"] == "passkey");
        assert_eq!(verified[0]["subject"], USER);
        assert!(!sidecar.log().contains(kept[0]["privateKey"].as_str().unwrap()));
    }

    async fn a_passkey_that_cannot_be_had_is_told_in_plain_words(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        let authenticator = browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        // The same authenticator once more.
        browser.click("form[data-passkey] button").await;
        browser.read("already has one of your passkeys").await;
        // A finger that it does not know is as good as a person who cancels.
        authenticator.verifies_user(false).await;
        delete_account(&browser, &sidecar).await;
        browser.fill("#phrase", "DELETE").await;
        browser.click(&format!("{PROMPT} button")).await;
        browser.read("Nothing was confirmed").await;
        authenticator.verifies_user(true).await;
        browser.click(&format!("{PROMPT} button")).await;
        browser.read("Nothing has happened yet").await;
    }

    async fn rule_4_what_a_browser_said_counts_once(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        let answer = json!({ "state": "", "credential": {} });
        let malformed = call(&browser, "/.stepup/verify", json!({ "token": "x", "factor": "passkey", "answer": answer })).await;
        assert_eq!(malformed["reason"], "ambiguous-request", "{malformed}");

        // What the page's own script would send, kept and sent by the test: first in another prompt that is open.
        delete_account(&browser, &sidecar).await;
        let other_prompt = token(&browser).await;
        delete_account(&browser, &sidecar).await;
        let token = token(&browser).await;
        let kept = browser.execute_async(KEEP, vec![]).await.unwrap();
        let answer: Value = serde_json::from_str(kept.as_str().unwrap()).unwrap();
        let verify = async |token: &str| {
            let body = json!({ "token": token, "factor": "passkey", "answer": answer, "confirm": "DELETE" });
            call(&browser, "/.stepup/verify", body).await
        };
        let elsewhere = verify(&other_prompt).await;
        assert_eq!(elsewhere["reason"], "wrong-answer", "{elsewhere}");
        let thief = sidecar.script();
        thief.post_form("/login", &[("user", ALICE.name), ("password", ALICE.password)]).await;
        let stranger = thief.verify(&token, ("passkey", kept.as_str().unwrap())).await;
        assert_eq!(stranger.reason(), "challenge-expired");
        let first = verify(&token).await;
        assert_eq!(first["verified"], true, "{first}");
        let again = verify(&token).await;
        assert_eq!(again["verified"], Value::Null, "{again}");
    }

    async fn an_operator_takes_a_lost_passkey_away(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        let listed = sidecar.command(&["user", "passkeys", USER]);
        let id = listed.lines().find(|line| line.contains("My phone")).unwrap();
        let id = id.split_whitespace().next().unwrap();
        let wrong = run_stepgate(&sidecar.dir, &["user", "passkeys", USER, "--remove", "00"]);
        assert_eq!(wrong.status.code(), Some(1));
        sidecar.command(&["user", "passkeys", USER, "--remove", id]);
        delete_account(&browser, &sidecar).await;
        browser.read("None of the ways").await;
    }

    async fn a_passkey_goes_along_when_its_user_gets_another_name(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        let authenticator = browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        sidecar.command(&["user", "set", USER, "--rename", "alice.smith", "--alias", USER]);
        delete_account(&browser, &sidecar).await;
        browser.fill("#phrase", "DELETE").await;
        browser.click(&format!("{PROMPT} button")).await;
        browser.read("Nothing has happened yet").await;
        let told = sidecar.command(&["user", "show", "alice.smith"]);
        let line = told.lines().find(|line| line.starts_with("enrolled       passkey `My phone`, added 20")).unwrap();
        assert!(line.contains(", last used 20"), "{told}");
        let kept = authenticator.credentials().await.remove(0);
        for secret in ["privateKey", "credentialId", "userHandle"] {
            assert!(!told.contains(kept[secret].as_str().unwrap()), "{secret}");
        }
    }

    async fn another_way_is_one_click_away(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        let authenticator = browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        let change_email = async || {
            browser.goto(&url(&sidecar, "/account")).await.unwrap();
            browser.fill("#email", "alice@new.example.test").await;
            browser.click("form[action='/account/email'] button").await;
        };
        // Whoever types is not disturbed by what the browser offers at the field.
        authenticator.verifies_user(false).await;
        change_email().await;
        browser.see(PROMPT).await;
        browser.click("[name=other][value=password]").await;
        browser.see("form[data-passkey='offer']").await;
        browser.fill("#password", PASSWORD).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("Nothing has happened yet").await;
        browser.goto(&url(&sidecar, "/account")).await.unwrap();
        call(&browser, "/.stepup/lock", json!({})).await;
        // Whoever takes it has nothing to type. The page begins with the password, which was used last.
        authenticator.verifies_user(true).await;
        change_email().await;
        browser.read("Nothing has happened yet").await;
        sidecar.events(1, |event| event["event"] == "verified" && event["factor"] == "passkey");
    }

    async fn without_javascript_the_page_says_what_a_passkey_needs(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        delete_account(&browser, &sidecar).await;
        let told = browser.see(&format!("{PROMPT} [data-when='no-script']")).await;
        assert!(told.text().await.unwrap().contains("A passkey needs JavaScript"));
        let button = browser.see(&format!("{PROMPT} button")).await;
        assert!(!button.is_displayed().await.unwrap());
    }

    async fn a_passkey_that_was_removed_opens_nothing(store: Store) {
        let legacy = legacy();
        let sidecar = in_front_of(&legacy, store);
        let browser = Browser::open().await;
        browser.add_authenticator().await;
        log_in(&browser, &sidecar).await;
        enroll(&browser, &sidecar, "My phone").await;
        let id = browser.see("[name=id]").await.prop("value").await.unwrap().unwrap();
        let named = call(&browser, "/.stepup/enroll/passkeys/rename", json!({ "id": id, "name": "Old <b>phone</b>" })).await;
        assert_eq!(named["changed"], true, "{named}");
        browser.refresh().await.unwrap();
        browser.read("Old <b>phone</b>").await;
        // With the prompt open already.
        delete_account(&browser, &sidecar).await;
        browser.fill("#phrase", "DELETE").await;
        let removed = call(&browser, "/.stepup/enroll/remove", json!({ "factor": "passkey", "id": id, "sure": true })).await;
        assert_eq!(removed["removed"], true, "{removed}");
        browser.click(&format!("{PROMPT} button")).await;
        browser.read("No way to verify is set up").await;
        delete_account(&browser, &sidecar).await;
        let page = browser.read("None of the ways").await;
        assert!(!page.contains("Use your passkey"), "{page}");
    }

    async fn a_thief_with_the_cookie_adds_and_names_no_passkey(store: Store) {
        let sidecar = sidecar::on(store).at_localhost().run();
        let owner = sidecar.logged_in().await;
        owner.pass(&owner.get("/.stepup/enroll").await).await;
        let calls = [
            ("/.stepup/enroll/passkeys/options", json!({})),
            ("/.stepup/enroll/passkeys", json!({ "answer": { "state": "x", "credential": {} }, "name": "x" })),
            ("/.stepup/enroll/passkeys/rename", json!({ "id": "0000000000000000", "name": "x" })),
        ];
        // A proof for something else is none for this.
        let elevated = sidecar.elevated().await;
        for client in [sidecar.thief_of(&owner), elevated] {
            for (path, body) in calls.clone() {
                let refused = client.call(Method::POST, path, body).await;
                assert_eq!((refused.status.as_u16(), refused.reason()), (403, "step-up-required".into()), "{path}");
            }
        }
        let [_, (add, wrong), (rename, nobody)] = calls;
        assert_eq!(owner.call(Method::POST, add, wrong).await.reason(), "wrong-answer");
        assert_eq!(owner.call(Method::POST, rename, nobody).await.reason(), "not-found");
        let page = sidecar.browser_of(&owner).get("/.stepup/enroll/passkeys").await;
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!((page.header("x-frame-options"), page.header("cache-control")), ("DENY", "no-store"));
        let script = sidecar.client().get("/.stepup/script.js").await;
        assert_eq!((script.status.as_u16(), script.header("content-type")), (200, "text/javascript; charset=utf-8"));
        // A form of ours comes from a page that this browser was given.
        let browser = sidecar.browser_of(&owner);
        let forged = browser.post_form(rename, &[("id", "0000000000000000"), ("name", "x"), ("anti_forgery", "AAAA")]).await;
        assert_eq!(forged.status, 403);
    }

    async fn at_an_address_no_passkey_is_offered(store: Store) {
        let sidecar = sidecar::on(store).line("public_url: http://127.0.0.1:8080").run();
        let checked = sidecar.command(&["check"]);
        assert!(checked.contains("`127.0.0.1` is an IP address"), "{checked}");
        let client = sidecar.client().host("127.0.0.1:8080").fetching();
        client.log_in(USER).await;
        client.pass(&client.get("/.stepup/enroll").await).await;
        let options = client.call(Method::POST, "/.stepup/enroll/passkeys/options", json!({})).await;
        assert_eq!(options.reason(), "method-not-enrolled");
        assert_eq!(client.get("/.stepup/enroll/passkeys").await.status, 404);
    }
}
