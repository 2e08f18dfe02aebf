//! Honest people who would meet a dead end: signed in before we came, behind a password for everybody, over
//! whatever ends TLS, or one of many in an office.

use crate::support::accounts::Accounts;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, PASSWORD, Setup, USER};
use crate::support::store::{Store, on_both_stores};

/// In front of an application with accounts of its own, which cannot be asked.
fn accounts_behind(store: Store, accounts: &Accounts) -> Setup {
    let application = accounts.clone();
    sidecar::on(store).application(move |got| application.answer(got))
}

/// The form of a prompt, filled in with a password.
async fn answer_page(browser: &Client, shown: &Answer) -> Answer {
    let (token, anti_forgery) = (shown.hidden("token"), shown.hidden("anti_forgery"));
    let mut fields = vec![
        ("token", token.as_str()),
        ("anti_forgery", &anti_forgery),
        ("factor", "password"),
        ("answer", PASSWORD),
    ];
    let carried = shown
        .text()
        .contains("name=\"carried\"")
        .then(|| shown.hidden("carried"));
    fields.extend(carried.as_deref().map(|carried| ("carried", carried)));
    browser.post_form("/.stepup/verify", &fields).await
}

/// The same of the prompt at a page, sent from an origin.
async fn fill_in(browser: &Client, page: &str, origin: &str) -> Answer {
    let shown = browser.get(page).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    let from_there = browser.clone().header("origin", origin);
    let answer = answer_page(&from_there, &shown).await;
    browser.set_cookie(KEY_COOKIE, &from_there.cookie(KEY_COOKIE).unwrap());
    answer
}

on_both_stores! {
    async fn who_was_signed_in_before_we_came_gets_to_the_login_form(store: Store) {
        let accounts = Accounts::new();
        let sidecar = accounts_behind(store, &accounts).run();
        let browser = sidecar.browser();
        browser.set_cookie(COOKIE, &accounts.sign_in(USER));
        // To the login page, which sends on whoever is signed in: back to where they came from.
        assert_eq!(browser.get("/secrets").await.header("location"), "/login");
        assert_eq!(browser.get("/login").await.header("location"), "/home");
        // Once is enough: the next time the cookie goes, and the form is there.
        assert_eq!(browser.get("/secrets").await.header("location"), "/login");
        assert_eq!(browser.cookie(COOKIE), None);
        assert_eq!(browser.get("/login").await.text(), "Who are you?");
        let fields = [("user", USER), ("password", "right")];
        assert_eq!(browser.post_form("/login", &fields).await.status, 302);
        assert!(browser.get("/secrets").await.header("location").starts_with("/.stepup/challenge"));
    }

    async fn a_browser_behind_one_password_for_everybody_gets_pages(store: Store) {
        let sidecar = sidecar::on(store).run();
        // A staging site: the browser sends it with everything.
        let basic = ("authorization", "Basic c3RhZ2luZzpzdGFnaW5n");
        let browser = sidecar.browser().header(basic.0, basic.1);
        browser.get("/login").await;
        browser.log_in(USER).await;
        let sent = browser.get("/secrets").await;
        assert_eq!(sent.status, 303, "{}", sent.text());
        assert!(sent.header("location").starts_with("/.stepup/challenge"));
        let prompt = browser.post_form("/keys", &[("a", "b")]).await;
        assert!(prompt.header("content-type").starts_with("text/html"), "{}", prompt.text());
        let old = sidecar.client().header("accept", "text/html,*/*;q=0.8").header(basic.0, basic.1);
        old.get("/login").await;
        old.log_in(USER).await;
        assert_eq!(old.get("/secrets").await.status, 303);
        let script = sidecar.client().header(basic.0, basic.1);
        script.get("/login").await;
        script.log_in(USER).await;
        assert!(script.get("/secrets").await.header("content-type").starts_with("application/problem+json"));
    }

    async fn without_a_public_url_people_come_over_https_or_without(store: Store) {
        let sidecar = sidecar::on(store).without("public_url").run();
        for scheme in ["https", "http"] {
            let browser = sidecar.browser();
            browser.log_in(USER).await;
            assert!(browser.cookie(KEY_COOKIE).is_some(), "a cookie that plain http keeps");
            let prompt = browser.get("/secrets").await.header("location").to_owned();
            let passed = fill_in(&browser, &prompt, &format!("{scheme}://app.test")).await;
            assert_eq!(passed.header("location"), "/secrets", "{scheme}: {}", passed.text());
            assert_eq!(browser.get("/secrets").await.text(), "done");
            // Another host, or another port of this one, is another origin.
            for other in ["https://evil.test", "http://app.test:81", "https://", "null", "ftp://app.test"] {
                browser.log_in(USER).await;
                let prompt = browser.get("/secrets").await.header("location").to_owned();
                let refused = fill_in(&browser, &prompt, other).await;
                assert_eq!(refused.status, 403, "{other}");
            }
        }
    }

    async fn two_prompts_of_one_browser_can_each_be_answered(store: Store) {
        let sidecar = sidecar::on(store).run();
        // A script with parallel calls.
        let client = sidecar.logged_in().await;
        let refused = [client.post("/keys").await, client.post("/pay").await, client.post("/name").await];
        for (refused, path) in refused.iter().zip(["/keys", "/pay", "/name"]) {
            client.pass(refused).await;
            assert_eq!(client.post(path).await.status, 200, "{path}");
        }
        // Two tabs, each with its page and form.
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        let open = async |path: &str| {
            let shown = browser.post_form(path, &[("name", "x")]).await;
            assert_eq!(shown.status, 403, "{}", shown.text());
            shown
        };
        let prompts = [open("/keys").await, open("/name").await];
        for shown in &prompts {
            let answered = answer_page(&browser, shown).await;
            assert_eq!(answered.status, 200, "{}", answered.text());
            assert!(answered.text().contains("name=\"name\" value=\"x\""), "{}", answered.text());
        }
        // Nobody else can answer what is open there.
        let stranger = sidecar.browser();
        let third = open("/email").await;
        stranger.set_cookie(COOKIE, &browser.cookie(COOKIE).unwrap());
        assert_eq!(answer_page(&stranger, &third).await.status, 403);
        stranger.set_cookie(KEY_COOKIE, "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(answer_page(&stranger, &third).await.status, 403);
        assert_eq!(answer_page(&browser, &third).await.status, 200);
    }

    async fn two_prompts_that_were_opened_before_there_was_a_key_can_each_be_answered(store: Store) {
        let accounts = Accounts::new();
        let whoami = "whoami: { url: /api/me, subject: { json: /user/name } }";
        let sidecar = accounts_behind(store, &accounts).with("session", whoami).run();
        let browser = sidecar.browser();
        browser.set_cookie(COOKIE, &accounts.sign_in(USER));
        let mut pages = Vec::new();
        for _ in 0..2 {
            let prompt = browser.get("/secrets").await.header("location").to_owned();
            pages.push(browser.get(&prompt).await);
        }
        for shown in &pages {
            let answered = answer_page(&browser, shown).await;
            assert_eq!(answered.header("location"), "/secrets", "{}", answered.text());
            assert_eq!(browser.get("/secrets").await.text(), "done for alice");
        }
    }

    async fn right_answers_use_up_nothing_of_an_address(store: Store) {
        let sidecar = sidecar::on(store).with("verification", "limits: { address: { attempts: 3, window: 15m } }").run();
        for _ in 0..6 {
            let client = sidecar.logged_in().await;
            client.earn("/keys").await;
        }
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        for _ in 0..3 {
            assert_eq!(wrong(&client, &refused.token()).await, "wrong-answer");
        }
        assert_eq!(wrong(&sidecar.logged_in().await, &refused.token()).await, "challenge-expired");
        let client = sidecar.logged_in().await;
        let other = client.post("/keys").await;
        assert_eq!(wrong(&client, &other.token()).await, "too-many-attempts");
    }
}

async fn wrong(client: &Client, token: &str) -> String {
    client.verify(token, ("password", "not it")).await.reason()
}
