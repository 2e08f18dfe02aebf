//! The pages on which the owner approves, without JavaScript, and what else shows a request.

use super::{decide, device, error, filed, keyed, person, poll, program, setup, text};
use crate::support::accounts::Accounts;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{PASSWORD, USER};
use crate::support::store::on_both_stores;

/// The path that a redirect leads to.
fn led_to(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").to_owned()
}

async fn press(browser: &Client, page: &Answer, decision: &str) -> Answer {
    let [anti_forgery, code] = ["anti_forgery", "user_code"].map(|name| page.hidden(name));
    let fields = [
        ("anti_forgery", anti_forgery.as_str()),
        ("user_code", &code),
        ("decision", decision),
    ];
    browser.post_form("/.stepup/device", &fields).await
}

on_both_stores! {
    async fn a_person_approves_without_javascript_and_sees_what_it_is(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let program = program(&sidecar, &accounts).header("x-forwarded-for", "192.0.2.66");
        let device = filed(&program, "/keys?name=%3Cb%3E&to=x").await;
        // A browser in which nothing was ever verified: it has no key yet.
        let browser = sidecar.browser_of(&person(&sidecar, &accounts, USER));
        let ask = browser.get("/.stepup/device").await;
        assert!(ask.text().contains("name=\"user_code\""), "{}", ask.text());
        let wrong = browser.get("/.stepup/device?user_code=BCDF-GHJK").await;
        assert!(wrong.text().contains("There is no request with this code"), "{}", wrong.text());
        let code = text(&device["user_code"]);
        let page = browser.get(&format!("/.stepup/device?user_code={}", code.to_lowercase())).await;
        for shown in [code, "Create an API key", "POST", "/keys?name=%3Cb%3E&#38;to=x", "127.0.0.1", "deploy-script/3.1 (by hand)", "Did you start this yourself", USER] {
            assert!(page.text().contains(shown), "{shown}: {}", page.text());
        }
        assert!(!page.text().contains("192.0.2.66"), "an address is not what a program says");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
        assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"));

        let prompt = browser.get(&led_to(&press(&browser, &page, "approve").await)).await;
        assert!(prompt.text().contains("/keys?name=%3Cb%3E"), "{}", prompt.text());
        let [token, anti_forgery] = ["token", "anti_forgery"].map(|name| prompt.hidden(name));
        let fields = [("token", token.as_str()), ("anti_forgery", &anti_forgery), ("factor", "password"), ("answer", "wrong")];
        let again = browser.post_form("/.stepup/verify", &fields).await;
        assert_eq!(again.status, 403);
        let fields = [("token", token.as_str()), ("anti_forgery", &anti_forgery), ("factor", "password"), ("answer", PASSWORD)];
        let approved = browser.get(&led_to(&browser.post_form("/.stepup/verify", &fields).await)).await;
        assert!(approved.text().contains("You have approved this"), "{}", approved.text());
        assert!(!approved.text().contains("name=\"decision\""));
        let program = keyed(&program, &device).await;
        assert_eq!(program.post("/keys").await.text(), "done for alice");
    }

    async fn a_person_who_is_not_signed_in_signs_in_and_comes_back(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts)
            .with("session", "login_page: '/login?to={path}'")
            .run();
        let device = filed(&program(&sidecar, &accounts), "/keys").await;
        let page = format!("/.stepup/device?user_code={}", text(&device["user_code"]));
        let led = sidecar.browser().get(&page).await;
        let to = led_to(&led);
        assert!(to.starts_with("/login?to=/.stepup/device%3Fuser_code%3D"), "{to}");
    }

    async fn to_sign_in_again_is_no_proof_for_a_program(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let program = program(&sidecar, &accounts);
        let device = filed(&program, "/low").await;
        let browser = sidecar.browser_of(&person(&sidecar, &accounts, USER));
        let page = browser.get(&format!("/.stepup/device?user_code={}", text(&device["user_code"]))).await;
        let prompt = browser.get(&led_to(&press(&browser, &page, "approve").await)).await;
        assert!(prompt.text().contains("name=\"token\""), "{}", prompt.text());
        assert!(!prompt.text().contains("/.stepup/sign-out"), "{}", prompt.text());
    }

    async fn a_denied_request_says_what_to_do(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let program = program(&sidecar, &accounts);
        let device = filed(&program, "/keys").await;
        let browser = sidecar.browser_of(&person(&sidecar, &accounts, USER));
        let page = browser.get(&format!("/.stepup/device?user_code={}", text(&device["user_code"]))).await;
        let denied = press(&browser, &page, "deny").await;
        assert!(denied.text().contains("somebody else has access to your account"), "{}", denied.text());
        assert!(denied.text().contains("href=\"/.stepup/sessions\""));
        assert_eq!(error(&poll(&program, &device).await), "access_denied");
    }

    async fn a_request_from_elsewhere_is_told_from_one_of_this_network(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).line("trusted_proxies: [127.0.0.1]").run();
        let program = program(&sidecar, &accounts).header("x-forwarded-for", "192.0.2.66");
        let device = filed(&program, "/keys").await;
        let alice = person(&sidecar, &accounts, USER);
        for (address, is_far) in [("192.0.2.66", false), ("198.51.100.1", true)] {
            let browser = sidecar.browser_of(&alice).header("x-forwarded-for", address);
            let page = browser.get(&format!("/.stepup/device?user_code={}", text(&device["user_code"]))).await;
            assert!(page.text().contains("192.0.2.66"), "{}", page.text());
            assert_eq!(page.text().contains("another network"), is_far, "{address}");
        }
    }

    async fn a_call_by_grpc_is_told_the_code_in_its_status(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let program = program(&sidecar, &accounts).header("content-type", "application/grpc");
        let refused = program.send(program.request(http::Method::POST, "/keys", "")).await;
        let problem = refused.header("step-up-problem-bin");
        let problem = data_encoding::BASE64_NOPAD.decode(problem.as_bytes()).unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
        let code = text(&problem["device"]["user_code"]).to_owned();
        let details = refused.header("grpc-status-details-bin");
        let details = data_encoding::BASE64_NOPAD.decode(details.as_bytes()).unwrap();
        let details = String::from_utf8_lossy(&details).into_owned();
        for told in ["user_code", &code, "verification_uri_complete"] {
            assert!(details.contains(told), "{told}: {details}");
        }
    }
}

on_both_stores! {
    async fn a_proof_from_another_tab_goes_on_where_the_first_is_used_up(store: Store) {
        let accounts = Accounts::new();
        let sidecar = setup(store, &accounts).run();
        let (program, alice) = (program(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        // Two programs of one person, and one browser in which both are approved.
        let other = super::program(&sidecar, &accounts);
        let [first, second] = [filed(&program, "/keys").await, filed(&other, "/settings").await];
        let asked = [decide(&alice, &first, "approve").await, decide(&alice, &second, "approve").await];
        for challenge in &asked {
            alice.pass(challenge).await;
        }
        assert_eq!(keyed(&program, &first).await.post("/keys").await.text(), "done for alice");
        assert_eq!(keyed(&other, &second).await.post("/settings").await.text(), "done for alice");
        let unasked = device(&program.post("/keys").await);
        assert_ne!(unasked["user_code"], first["user_code"], "each refusal has a code of its own");
    }
}
