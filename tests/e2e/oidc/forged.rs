//! A provider that is not what it should be, and callers who are not.

use super::providers::{ForgedProvider, parameter, run};
use super::{POLICY, begin, from_elsewhere, press};
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, KEY_COOKIE, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

async fn logged_in(sidecar: &Sidecar) -> (Client, Client) {
    let script = sidecar.logged_in().await;
    let browser = sidecar.browser_of(&script);
    (script, browser)
}

/// Begins for a new challenge: the URL of the provider.
async fn begun(script: &Client) -> String {
    begin(script, &script.post("/keys").await.token()).await
}

/// The provider's answer to it, as the browser brings it.
async fn answered(browser: &Client, url: &str, iss: &str) -> Answer {
    let state = parameter(url, "state");
    let callback = format!("/.stepup/oidc/callback?state={state}&code=c{iss}");
    browser.get(&callback).await
}

#[test]
fn no_token_but_the_right_one_proves_anything() {
    crate::support::run(async {
        let provider = ForgedProvider::start();
        let setup = sidecar::on(Store::Embedded).policy(POLICY);
        let setup = setup.with(
            "verification",
            "limits: { challenge: 100, session: { attempts: 1000 }, address: { attempts: 1000 } }",
        );
        let sidecar = run(setup, provider.addr(), ", leeway: 5s, deadline: 2s");
        let (script, browser) = logged_in(&sidecar).await;
        let iss = format!("&iss=http://{}", provider.addr());
        let now = crate::support::tokens::now();
        let refused = |words: &'static str| (words, 403);
        for (claims, (words, status)) in [
            (json!({ "nonce": "other" }), refused("did not confirm")),
            (json!({ "nonce": null }), refused("did not confirm")),
            (json!({ "auth_time": now - 60 }), refused("did not confirm")),
            (json!({ "auth_time": null }), refused("did not confirm")),
            (
                json!({ "iss": "https://id.test" }),
                refused("did not confirm"),
            ),
            (json!({ "aud": "shop" }), refused("did not confirm")),
            (
                json!({ "aud": ["stepgate", "shop"] }),
                refused("did not confirm"),
            ),
            (json!({ "azp": "shop" }), refused("did not confirm")),
            (json!({ "exp": now - 60 }), refused("did not confirm")),
            (json!({ "sub": "mallory" }), refused("another account")),
            (json!({ "sub": null }), ("does not answer", 503)),
        ] {
            let url = begun(&script).await;
            let token = provider.token(&url, &claims);
            let body = json!({ "id_token": token, "access_token": "a", "token_type": "Bearer" });
            provider.set(|state| state.replies = vec![("/token", 200, body.to_string())]);
            let page = answered(&browser, &url, &iss).await;
            assert_eq!(page.status, status, "{claims}");
            assert!(page.text().contains(words), "{claims}: {}", page.text());
        }
        for (what, id_token) in [
            (
                "unsigned",
                format!(
                    "{}.{}.",
                    encoded(&json!({ "alg": "none" })),
                    encoded(&json!({}))
                ),
            ),
            (
                "another's",
                crate::support::tokens::signed(
                    &json!({ "alg": "RS256", "kid": "rsa" }),
                    &json!({}),
                    |_| vec![7; 256],
                ),
            ),
            ("no token", "id".to_owned()),
        ] {
            let url = begun(&script).await;
            let body = json!({ "id_token": id_token });
            provider.set(|state| state.replies = vec![("/token", 200, body.to_string())]);
            let page = answered(&browser, &url, &iss).await;
            assert!(
                page.text().contains("did not confirm"),
                "{what}: {}",
                page.text()
            );
        }
        // The right one, after all of them.
        let url = begun(&script).await;
        let body = json!({ "id_token": provider.token(&url, &json!({ "amr": ["pwd", "otp"] })) });
        provider.set(|state| state.replies = vec![("/token", 200, body.to_string())]);
        let page = answered(&browser, &url, &iss).await;
        assert!(page.text().contains("You are verified"), "{}", page.text());
        let proved = sidecar.events(1, |event| event["event"] == "verified");
        assert_eq!(proved[0]["amr"], json!(["pwd", "otp"]));
        let sent = provider.got("/token").pop().unwrap();
        let basic = data_encoding::BASE64
            .encode(format!("stepgate:{}", super::providers::SECRET).as_bytes());
        assert_eq!(sent.header("authorization"), format!("Basic {basic}"));
        let form = String::from_utf8(sent.body.to_vec()).unwrap();
        let verifier =
            form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == "code_verifier");
        let verifier = verifier.unwrap().1.into_owned();
        let hash = ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes());
        assert_eq!(
            parameter(&url, "code_challenge"),
            crate::support::tokens::encode(hash.as_ref())
        );
        let log = sidecar.process().lines().concat();
        for secret in [
            super::providers::SECRET,
            &verifier,
            &parameter(&url, "state"),
            &parameter(&url, "nonce"),
        ] {
            assert!(!log.contains(secret), "a secret is in the log");
        }
    });
}

fn encoded(value: &Value) -> String {
    crate::support::tokens::encode(value.to_string().as_bytes())
}

#[test]
fn an_answer_of_another_issuer_is_sent_to_nobody() {
    crate::support::run(async {
        let provider = ForgedProvider::start();
        let setup = sidecar::on(Store::Embedded).policy(POLICY);
        let sidecar = run(setup, provider.addr(), "");
        let (script, browser) = logged_in(&sidecar).await;
        for iss in [
            "",
            "&iss=https://evil.test",
            &format!("&iss=http://{}/", provider.addr()),
        ] {
            let url = begun(&script).await;
            let page = answered(&browser, &url, iss).await;
            assert!(
                page.text().contains("did not confirm"),
                "{iss}: {}",
                page.text()
            );
        }
        assert!(provider.got("/token").is_empty(), "a code was sent");
    });
}

#[test]
fn a_provider_that_is_down_slow_or_talks_garbage_costs_no_attempt_and_no_long_wait() {
    crate::support::run(async {
        let provider = ForgedProvider::start();
        let setup = sidecar::on(Store::Embedded).policy(POLICY);
        let setup = setup.with("verification", "limits: { challenge: 1 }");
        let sidecar = run(setup, provider.addr(), ", deadline: 1s");
        let (script, mut browser) = logged_in(&sidecar).await;
        let iss = format!("&iss=http://{}", provider.addr());
        let long = "x".repeat(2 * 1024 * 1024);
        let answers: [(&str, u16, &str); 7] = [
            ("garbage", 200, "<html>"),
            ("no ID token", 200, "{}"),
            ("an endless answer", 200, &long),
            ("a redirect", 302, ""),
            ("down", 500, ""),
            ("our fault", 401, "{\"error\":\"invalid_client\"}"),
            ("hangs", 0, ""),
        ];
        for (what, status, body) in answers {
            let url = begun(&script).await;
            provider.set(|state| match status {
                0 => state.hangs = Some("/token"),
                status => state.replies = vec![("/token", status, body.to_owned())],
            });
            let asked = std::time::Instant::now();
            let page = answered(&browser, &url, &iss).await;
            assert_eq!(page.status, 503, "{what}: {}", page.text());
            assert!(
                page.text().contains("does not answer as it should"),
                "{what}: {}",
                page.text()
            );
            assert!(asked.elapsed().as_secs() < 5, "{what}");
            script.drop_sign_ins(&sidecar).await;
            browser = sidecar.browser_of(&script);
        }
        // A code that the provider does not know is a wrong answer.
        let url = begun(&script).await;
        provider.set(|state| {
            state.replies = vec![(
                "/token",
                400,
                json!({ "error": "invalid_grant" }).to_string(),
            )];
        });
        let page = answered(&browser, &url, &iss).await;
        assert!(page.text().contains("did not confirm"), "{}", page.text());
    });
}

impl Client {
    /// Logs in anew: the counters of a session end with it.
    async fn drop_sign_ins(&self, _: &Sidecar) {
        self.post("/logout").await;
        self.log_in(USER).await;
    }
}

on_both_stores! {
    async fn an_address_that_the_id_token_calls_unverified_names_nobody(store: Store) {
        let provider = ForgedProvider::start();
        let more = ", subject: /email, scopes: [email]";
        let sidecar = run(sidecar::on(store).policy(POLICY), provider.addr(), more);
        let (script, browser) = logged_in(&sidecar).await;
        let iss = format!("&iss=http://{}", provider.addr());
        for (claims, words) in [
            (json!({ "email_verified": false }), "did not confirm"),
            (json!({ "email_verified": "false" }), "did not confirm"),
            (json!({ "email_verified": true }), "You are verified"),
        ] {
            let url = begun(&script).await;
            let body = json!({ "id_token": provider.token(&url, &claims), "access_token": "a", "token_type": "Bearer" });
            let me = json!({ "sub": "alice", "email": "alice" });
            provider.set(|state| state.replies = vec![("/token", 200, body.to_string()), ("/me", 200, me.to_string())]);
            let page = answered(&browser, &url, &iss).await;
            assert!(page.text().contains(words), "{claims}: {}", page.text());
        }
    }

    async fn only_a_page_of_ours_begins_a_sign_in_and_only_so_many(store: Store) {
        let provider = ForgedProvider::start();
        let sidecar = run(sidecar::on(store).policy(POLICY), provider.addr(), "");
        let script = sidecar.logged_in().await;
        let browser = sidecar.browser_of(&script);
        let page = browser.post_form("/keys", &[]).await;
        let (token, anti_forgery) = (page.hidden("token"), page.hidden("anti_forgery"));
        let path = "/.stepup/oidc/begin";
        for (what, fields) in [
            ("no token of ours", vec![("token", &*token)]),
            ("a wrong one", vec![("token", &*token), ("anti_forgery", "x")]),
        ] {
            assert_eq!(browser.post_form(path, &fields).await.status, 403, "{what}");
        }
        let elsewhere = |site: &'static str, origin: &'static str| {
            let mut request = script.request(Method::POST, path, json!({ "token": token }).to_string());
            let headers = request.headers_mut();
            headers.insert("content-type", HeaderValue::from_static("application/json"));
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            headers.insert("origin", HeaderValue::from_static(origin));
            request
        };
        let evil = script.send(elsewhere("cross-site", "https://evil.test")).await;
        assert_eq!(evil.reason(), "cross-site");
        // Of another browser's challenge, and of none.
        let thief = sidecar.thief_of(&script);
        for token in [&*token, "x", ""] {
            let refused = thief.call(Method::POST, path, json!({ "token": token })).await;
            assert_eq!(refused.reason(), "challenge-expired");
        }
        assert_eq!(sidecar.client().call(Method::POST, path, json!({ "token": token })).await.status, 401);
        // A challenge holds a few of them at once in the store.
        for _ in 0..5 {
            assert_eq!(press(&browser, &page, &[("anti_forgery", &anti_forgery)]).await.status, 200);
        }
        let refused = press(&browser, &page, &[]).await;
        assert_eq!(refused.status, 429);
        // A HEAD takes nothing, nor does a state that nobody has.
        for path in ["/.stepup/oidc/callback?state=x&code=y", "/.stepup/oidc/callback"] {
            assert_eq!(browser.send(browser.request(Method::HEAD, path, "")).await.status, 405);
            assert_eq!(browser.get(path).await.status, 403);
        }
        // What `state` says of our own endpoints leads to nothing else.
        for place in ["//evil.test", "https://evil.test", "/admin", "/%2f/evil.test", "\\evil.test"] {
            let place = crate::support::tokens::encode(place.as_bytes());
            let path = format!("/.stepup/oidc/callback?state=x.{place}&code=y");
            let page = browser.get(&path).await;
            assert!(!page.text().contains("evil") && page.status == 403, "{}", page.text());
            let page = browser.send(from_elsewhere(&browser, &path)).await;
            assert!(!page.text().contains("0;url=//") && !page.text().contains("evil"), "{}", page.text());
        }
        assert!(browser.cookie(KEY_COOKIE).is_some());
    }
}
