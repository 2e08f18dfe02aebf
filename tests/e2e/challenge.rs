//! Every kind of client gets the answer that it understands (the table of the wire contract).

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, PASSWORD, POLICY, Sidecar, USER};
use crate::support::store::on_both_stores;
use http::Method;
use serde_json::json;

/// What every response of ours carries.
fn assert_ours(answer: &Answer, mark: &str) {
    // What answers a form is kept by the browser alone, for its Back button.
    let is_kept = answer.text().contains("name=\"carried\"");
    let kept = if is_kept {
        "private, no-cache"
    } else {
        "no-store"
    };
    assert_eq!(answer.header("cache-control"), kept);
    assert_eq!(answer.header("step-up"), mark, "{}", answer.text());
    for name in ["Accept", "Sec-Fetch-Mode", "Sec-Fetch-Dest"] {
        assert!(answer.header("vary").contains(name), "{:?}", answer.headers);
    }
}

/// A client in the user's session that tells of itself what `headers` say.
async fn client(sidecar: &Sidecar, headers: &[(&'static str, &str)]) -> Client {
    let mut client = sidecar.client();
    client.log_in(USER).await;
    for (name, value) in headers {
        client = client.header(name, value);
    }
    client
}

fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.json()["code"], "SENSITIVE_VERIFICATION_REQUIRED");
    assert_ours(answer, "challenge");
}

on_both_stores! {
    async fn a_websocket_is_refused_without_an_upgrade(store: Store) {
        let sidecar = sidecar::on(store).run();
        for headers in [
            &[("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "13"),
              ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")][..],
            &[("sec-fetch-mode", "websocket")],
        ] {
            // Without these marks it would be a person's, and led to a page.
            let client = client(&sidecar, headers).await.header("accept", "text/html");
            assert_problem(&client.get("/secrets").await, 403);
        }
    }

    async fn grpc_hears_status_16(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = client(&sidecar, &[("content-type", "application/grpc+proto"), ("te", "trailers")]).await;
        let answer = client.get("/secrets").await;
        assert_eq!((answer.status.as_u16(), answer.header("grpc-status")), (200, "16"));
        assert_eq!(answer.header("content-type"), "application/grpc");
        assert!(answer.header("grpc-message").contains("Read the secrets"));
        let details = data_encoding::BASE64_NOPAD.decode(answer.header("step-up-problem-bin").as_bytes());
        let details: serde_json::Value = serde_json::from_slice(&details.unwrap()).unwrap();
        assert_eq!(details["challenge"]["action"], "secrets.read");
        assert!(answer.body.is_empty());
        assert_ours(&answer, "challenge");
    }

    async fn an_api_client_hears_401_as_rfc_9470_says(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "headers: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let api = sidecar.client().header("authorization", "Bearer abc").header("remote-user", USER);
        let refused = api.get("/secrets").await;
        assert_problem(&refused, 401);
        assert_eq!(
            refused.header("www-authenticate"),
            "Bearer error=\"insufficient_user_authentication\", \
             error_description=\"'Read the secrets' needs a fresh proof of identity.\", \
             acr_values=\"urn:stepgate:level:3\", max_age=\"300\""
        );
        let passed = api.verify(&refused.token(), ("password", PASSWORD)).await;
        // The key is in the answer, for a client without cookies.
        let key = passed.json()["key"].as_str().unwrap().to_owned();
        let keyless = sidecar.client().header("authorization", "Bearer abc").header("remote-user", USER);
        assert_eq!(keyless.get("/secrets").await.status, 401);
        let keyed = keyless.header("step-up-key", &key);
        assert_eq!(keyed.get("/secrets").await.status, 200);
        assert!(sidecar.upstream().last().headers.get("step-up-key").is_none());
    }

    async fn a_program_without_a_token_hears_403_and_nothing_about_its_password(store: Store) {
        let sidecar = sidecar::on(store)
            .with("session", "headers: { subject: remote-user }")
            .line("trusted_proxies: [127.0.0.1]")
            .run();
        let schemes = ["Basic YWxpY2U6eA==", "Digest username=x", "token abc", "ApiKey abc", "abc", "DPoP abc"];
        for scheme in schemes {
            let program = sidecar.client().header("authorization", scheme);
            // It is not the password that is wrong where we know of no session.
            let unknown = program.get("/secrets").await;
            assert_eq!(unknown.reason(), "session-required", "{scheme}");
            assert_eq!((unknown.status.as_u16(), unknown.header("www-authenticate")), (403, ""), "{scheme}");
            let named = program.header("remote-user", USER);
            let refused = named.get("/secrets").await;
            assert_problem(&refused, 403);
            assert_eq!(refused.reason(), "step-up-required", "{scheme}");
            assert_eq!(refused.header("www-authenticate"), "", "{scheme}");
            let passed = named.verify(&refused.token(), ("password", PASSWORD)).await;
            assert!(passed.json()["key"].is_string(), "{scheme}: it has no cookies");
        }
        let nobody = sidecar.client().get("/secrets").await;
        assert_eq!(nobody.status, 401);
        assert_eq!(nobody.header("www-authenticate"), "Bearer");
    }

    async fn a_navigation_is_led_to_the_prompt_and_back(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        let away = browser.get("/secrets?page=2").await;
        assert_eq!(away.status, 303);
        assert!(away.header("location").starts_with("/.stepup/challenge?t="));
        assert_ours(&away, "challenge");
        let page = browser.get(away.header("location")).await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(page.text().contains("Read the secrets"));
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-inline"), "{policy}");
    }

    async fn a_refused_post_of_a_form_is_answered_by_the_prompt_itself(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        let page = browser.post_form("/keys", &[("name", "ci")]).await;
        assert_eq!(page.status, 403);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text().contains("Create an API key"));
        assert_ours(&page, "challenge");
    }

    async fn a_frame_gets_a_link_to_a_window_of_its_own(store: Store) {
        let sidecar = sidecar::on(store).run();
        for dest in ["iframe", "frame", "embed", "object"] {
            let framed = client(&sidecar, &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", dest)]).await;
            let page = framed.get("/secrets").await;
            assert_eq!(page.status, 403, "{dest}");
            assert!(page.text().contains("target=\"_top\"") || page.text().contains("target=\"_blank\""), "{}", page.text());
            assert!(page.text().contains("/.stepup/challenge?t="));
            assert_ours(&page, "challenge");
        }
    }

    async fn scripts_and_programs_hear_403_and_never_a_redirect(store: Store) {
        let sidecar = sidecar::on(store).run();
        for headers in [
            &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("accept", "text/html")][..],
            &[("sec-fetch-mode", "same-origin"), ("sec-fetch-dest", "empty")],
            &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
            &[("x-requested-with", "XMLHttpRequest"), ("accept", "text/html")],
            &[("accept", "application/json")],
            &[("accept", "application/json, text/html;q=0.5")],
            &[("accept", "*/*")],
            &[],
        ] {
            let client = client(&sidecar, headers).await;
            assert_problem(&client.get("/secrets").await, 403);
            assert_problem(&client.post("/keys").await, 403);
        }
    }

    async fn an_old_browser_is_a_navigation(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = client(&sidecar, &[("accept", "text/html,application/xhtml+xml,*/*;q=0.8")]).await;
        assert_eq!(client.get("/secrets").await.status, 303);
        assert_eq!(client.post("/keys").await.status, 403);
    }

    async fn the_problem_document_has_every_member_of_the_contract(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/users/42/delete").await;
        let document = refused.json();
        let challenge = &document["challenge"];
        assert_eq!(document["type"], "/.stepup/problems/step-up-required");
        assert_eq!(document["status"], 403);
        assert_eq!(document["reason"], "step-up-required");
        for member in ["title", "detail"] {
            assert!(document[member].as_str().unwrap().len() > 5);
        }
        assert!(document["detail"].as_str().unwrap().contains("Delete an account"));
        assert_eq!(challenge["action"], "account.delete");
        assert_eq!(challenge["title"], "Delete an account");
        assert_eq!(challenge["level"], 4);
        assert_eq!(challenge["factors"], json!([["password"], ["totp"], ["email_code"]]));
        assert_eq!(challenge["hints"], json!({ "email_code": "a•••@example.test" }));
        assert_eq!(challenge["confirm"], "DELETE");
        assert_eq!(challenge["max_age"], 120);
        assert_eq!(challenge["single_use"], true);
        assert_eq!(challenge["bound"], json!([["user", "42"]]));
        assert!(challenge["expires_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(challenge["verify_url"], "/.stepup/verify");
        assert_eq!(challenge["retry"], "repeat_request");
        let page = challenge["page_url"].as_str().unwrap();
        assert_eq!(page, format!("/.stepup/challenge?t={}", refused.token()));
        // The page of the problem explains it.
        let explained = sidecar.browser().get(document["type"].as_str().unwrap()).await;
        assert_eq!(explained.status, 200);

        // The same challenge, asked for as JSON and as a page.
        let asked = client.get(page).await;
        assert_eq!(asked.header("content-type"), "application/json");
        assert_eq!(asked.json()["action"], "account.delete");
        assert_eq!(asked.json()["factors"], challenge["factors"]);
        assert_ours(&asked, "done");
        let shown = sidecar.browser_of(&client).get(page).await;
        assert!(shown.text().contains("<h1>") && shown.text().contains("Delete an account"));
    }

    async fn whoever_has_no_usable_factor_is_told_so_and_no_level_is_lowered(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/passkey").await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "method-not-enrolled".into()));
        assert_eq!(refused.json()["code"], "METHOD_NOT_ENROLLED");
        assert!(refused.json().get("challenge").is_none(), "{}", refused.text());
        let browser = sidecar.browser_of(&client);
        let page = browser.post("/passkey").await;
        assert_eq!(page.status, 403);
        assert!(!page.text().contains("name=\"answer\""), "{}", page.text());
        assert_eq!(sidecar.got("/passkey"), 0);
    }

    async fn every_problem_has_a_page(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        for reason in stepgate::domain::Reason::ALL {
            let page = browser.get(&format!("/.stepup/problems/{reason}")).await;
            assert_eq!(page.status, 200, "{reason}");
            assert!(page.text().contains(reason.as_str()), "{reason}");
        }
        assert_eq!(browser.get("/.stepup/problems/nonsense").await.status, 404);
    }

    async fn a_token_is_of_no_use_in_another_session_or_browser(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        let refused = owner.post("/keys").await;
        let page = refused.json()["challenge"]["page_url"].as_str().unwrap().to_owned();
        // Another session of the same user, and the same session in another browser.
        let other = sidecar.logged_in().await;
        let thief = sidecar.thief_of(&owner);
        let elsewhere = sidecar.thief_of(&owner);
        elsewhere.set_cookie("stepgate", &other.cookie("stepgate").unwrap());
        for client in [&other, &thief, &elsewhere] {
            let shown = client.get(&page).await;
            assert_eq!((shown.status.as_u16(), shown.reason()), (403, "challenge-expired".into()));
            let password = PASSWORD;
            let answer = client.verify(&refused.token(), ("password", password)).await;
            assert_eq!(answer.reason(), "challenge-expired");
            let sent = client.send_code(&refused.token()).await;
            assert_eq!(sent.reason(), "challenge-expired");
        }
        owner.pass(&refused).await;
    }

    async fn a_challenge_expires(store: Store) {
        let sidecar = sidecar::on(store).with("verification", "challenge_life: 3s").run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let page = refused.json()["challenge"]["page_url"].as_str().unwrap().to_owned();
        let browser = sidecar.browser_of(&client);
        assert_eq!(browser.get(&page).await.status, 200);
        let shown = becomes(403, async || browser.get(&page).await).await;
        let password = PASSWORD;
        let late = client.verify(&refused.token(), ("password", password)).await;
        assert_eq!((late.status.as_u16(), late.reason()), (403, "challenge-expired".into()));
        assert!(shown.header("content-type").starts_with("text/html"));
    }

    async fn a_level_1_prompt_offers_to_sign_in_again_first(store: Store) {
        let policy = POLICY.replace("level: 1, match: { methods: [POST]", "level: 1, max_age: 1s, match: { methods: [GET]");
        let sidecar = sidecar::on(store).policy(&policy).run();
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        let away = becomes(303, async || browser.get("/low").await).await;
        let page = browser.get(away.header("location")).await;
        let (sign_in, password) = (page.text().find("/.stepup/sign-out"), page.text().find("name=\"factor\""));
        assert!(sign_in.is_some() && sign_in < password, "{}", page.text());
    }

    async fn our_own_addresses_never_reach_the_application(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let browser = sidecar.client().navigating();
        let before = sidecar.upstream().got().len();
        for path in ["/.stepup/", "/.stepup", "/.stepup/nonsense", "/.STEPUP/verify", "/%2estepup/verify", "//.stepup/verify"] {
            let answer = client.get(path).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
        }
        for path in ["/.stepup/challenge", "/.stepup/status"] {
            assert_eq!(client.delete(path).await.status, 405, "{path}");
        }
        for path in ["/.stepup/verify", "/.stepup/verify/send", "/.stepup/sign-out"] {
            assert_eq!(client.get(path).await.status, 405, "{path}");
            // Whoever reloads the address at which a proof was answered.
            let request = browser.request(Method::GET, path, "");
            let page = browser.send(request).await;
            assert_eq!((page.status.as_u16(), page.header("allow")), (405, "POST"), "{path}");
            assert!(page.header("content-type").starts_with("text/html"), "{path}");
            assert!(page.text().contains("There is nothing here"), "{path}");
        }
        for method in [Method::TRACE, Method::from_bytes(b"BREW").unwrap()] {
            let answer = client.send(client.request(method, "/.stepup/verify", "")).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
        }
        assert_eq!(sidecar.upstream().got().len(), before);
    }
}
