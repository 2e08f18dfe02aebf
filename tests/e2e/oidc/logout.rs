//! Logouts at the provider: what was proved by the session that ended there counts no longer.

use super::providers::{ForgedProvider, parameter, run, sign_in};
use super::{POLICY, begin, come_back, prove as prove_at, with_provider};
use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, KEY_COOKIE};
use crate::support::store::on_both_stores;
use crate::support::tokens::now;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
const BACK: &str = "/.stepup/oidc/backchannel-logout";
const FRONT: &str = "/.stepup/oidc/frontchannel-logout";

/// What the provider itself posts.
async fn tell(provider: &Client, token: &str) -> Answer {
    provider.post_form(BACK, &[("logout_token", token)]).await
}

/// A logout token with the usual claims, and others in their place.
fn logout_token(provider: &ForgedProvider, claims: &Value) -> String {
    let usual = json!({ "nonce": null, "auth_time": null, "jti": "1", "events": { EVENT: {} } });
    provider.token("http://x/", &with(usual, claims))
}

/// Begins for a challenge, and has the provider sign a right ID token for it: where the browser brings its code.
async fn begun(provider: &ForgedProvider, script: &Client, token: &str) -> String {
    let url = begin(script, token).await;
    let claims = json!({ "acr": "gold" });
    let body = json!({ "id_token": provider.token(&url, &claims) }).to_string();
    provider.set(|state| state.replies = vec![("/token", 200, body)]);
    let (iss, state) = (
        format!("http://{}", provider.addr()),
        parameter(&url, "state"),
    );
    format!("/.stepup/oidc/callback?state={state}&code=c&iss={iss}")
}

fn with(mut claims: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

on_both_stores! {
    async fn a_logout_at_the_provider_ends_what_its_session_has_proved(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let script = sidecar.logged_in().await;
        let at_provider = provider.client();
        let url = begin(&script, &script.post("/keys").await.token()).await;
        let callback = sign_in(&at_provider, &url, "login=alice").await;
        let browser = sidecar.browser_of(&script);
        come_back(&browser, &callback).await;
        script.set_cookie(KEY_COOKIE, &browser.cookie(KEY_COOKIE).unwrap());
        assert_eq!(script.post("/keys").await.status, 200);
        assert_eq!(script.post("/sudo").await.status, 200);
        // Another session, of another sign-in there, keeps what it has.
        let other = sidecar.logged_in().await;
        prove_at(&sidecar, &provider, &other, "/keys", "login=alice").await;
        assert_eq!(other.post("/keys").await.status, 200);

        let page = at_provider.get("/session/end").await;
        let (xsrf, action) = (page.hidden("xsrf"), "/session/end/confirm");
        let ended = at_provider.post_form(action, &[("xsrf", &xsrf), ("logout", "yes")]).await;
        assert!(ended.status.is_redirection() || ended.status.is_success(), "{}", ended.text());
        becomes(403, async || script.post("/keys").await).await;
        assert_eq!(script.post("/sudo").await.status, 403);
        assert_eq!(other.post("/keys").await.status, 200);
        let told = sidecar.events(1, |event| event["event"] == "provider-logout");
        assert_eq!(told.len(), 1);
        // The application's session goes on, and can be proved again.
        assert_eq!(script.get("/anything").await.status, 200);
        prove_at(&sidecar, &provider, &script, "/keys", "login=alice").await;
        assert_eq!(script.post("/keys").await.status, 200);
    }

    async fn a_logout_token_is_believed_once_and_only_if_it_is_one(store: Store) {
        let provider = ForgedProvider::start();
        let sidecar = run(sidecar::on(store).policy(POLICY), provider.addr(), "");
        let script = sidecar.logged_in().await;
        let prove = async || {
            let token = script.post("/gold").await.token();
            let back = begun(&provider, &script, &token).await;
            let browser = sidecar.browser_of(&script);
            let done = browser.get(&back).await;
            assert!(done.text().contains("You are verified"), "{}", done.text());
            script.set_cookie(KEY_COOKIE, &browser.cookie(KEY_COOKIE).unwrap());
            assert_eq!(script.post("/gold").await.status, 200);
        };
        let token = |claims: Value| logout_token(&provider, &claims);
        let server = sidecar.client();
        prove().await;
        for claims in [
            json!({ "nonce": "n" }),
            json!({ "events": null }),
            json!({ "events": { EVENT: true } }),
            json!({ "events": { "http://schemas.openid.net/event/other": {} } }),
            json!({ "sub": null, "sid": null }),
            json!({ "jti": null }),
            json!({ "iat": null }),
            json!({ "iat": now() + 600 }),
            json!({ "exp": now() - 60 }),
            json!({ "aud": "shop" }),
            json!({ "iss": "https://id.test" }),
        ] {
            assert_eq!(tell(&server, &token(claims.clone())).await.status, 400, "{claims}");
        }
        for other in ["", "x", "a.b.c"] {
            assert_eq!(tell(&server, other).await.status, 400);
        }
        assert_eq!(server.post_form(BACK, &[]).await.status, 400);
        // Of another session there it ends nothing here.
        assert_eq!(tell(&server, &token(json!({ "sid": "s2" }))).await.status, 200);
        assert_eq!(script.post("/gold").await.status, 200, "none of those ended it");
        let right = token(json!({ "jti": "2" }));
        assert_eq!(tell(&server, &right).await.status, 200);
        becomes(403, async || script.post("/gold").await).await;
        prove().await;
        assert_eq!(tell(&server, &right).await.status, 400, "it is repeated");
        assert_eq!(script.post("/gold").await.status, 200);
        // With a subject alone it is about all that the subject has proved.
        assert_eq!(tell(&server, &token(json!({ "sid": null, "jti": "3" }))).await.status, 200);
        becomes(403, async || script.post("/gold").await).await;
    }

    async fn a_logout_finds_a_session_whose_cookie_has_another_value_by_now(store: Store) {
        let provider = ForgedProvider::start();
        let rotation = "rotation: { proofs: keep, grace: 1s }";
        let setup = sidecar::on(store).policy(POLICY).with("session", rotation);
        let sidecar = run(setup, provider.addr(), "");
        let script = sidecar.logged_in().await;
        let back = begun(&provider, &script, &script.post("/keys").await.token()).await;
        let browser = sidecar.browser_of(&script);
        assert!(browser.get(&back).await.text().contains("You are verified"));
        script.set_cookie(KEY_COOKIE, &browser.cookie(KEY_COOKIE).unwrap());
        let _other = sidecar.logged_in().await;
        script.get("/rotate").await;
        // Until the value in which it was proved is forgotten.
        sleep(Duration::from_secs(2)).await;
        assert_eq!(script.post("/keys").await.status, 200);
        assert_eq!(tell(&sidecar.client(), &logout_token(&provider, &json!({}))).await.status, 200);
        becomes(403, async || script.post("/keys").await).await;
        let ended = sidecar.events(1, |event| event["event"] == "provider-logout");
        assert_eq!(ended.len(), 1, "the other session keeps what it has");
    }

    async fn a_logout_while_a_sign_in_is_judged_leaves_nothing_of_it(store: Store) {
        let provider = ForgedProvider::start();
        let sidecar = run(sidecar::on(store).policy(POLICY), provider.addr(), "");
        let script = sidecar.logged_in().await;
        let server = sidecar.client();
        for (jti, about) in [("of the session", json!({})), ("of all", json!({ "sid": null }))] {
            // The ID token is signed and under way when the session that it is of ends.
            let back = begun(&provider, &script, &script.post("/keys").await.token()).await;
            let logout = logout_token(&provider, &with(json!({ "jti": jti }), &about));
            assert_eq!(tell(&server, &logout).await.status, 200);
            let late = sidecar.browser_of(&script).get(&back).await;
            assert!(late.text().contains("This verification has ended"), "{jti}: {}", late.text());
            assert_eq!(script.post("/keys").await.status, 403, "{jti}");
        }
        // Between the first step and the second.
        for (by_frame, step) in [(false, -1), (true, 0)] {
            let token = script.post("/both").await.token();
            let back = begun(&provider, &script, &token).await;
            let more = sidecar.browser_of(&script).get(&back).await;
            assert!(more.text().contains("Step 2 of 2"), "{}", more.text());
            let ended = if by_frame {
                server.get(&format!("{FRONT}?iss=http://{}&sid=s1", provider.addr())).await
            } else {
                tell(&server, &logout_token(&provider, &json!({ "jti": "between" }))).await
            };
            assert_eq!(ended.status, 200);
            let late = script.verify(&token, ("totp", &sidecar.totp(step))).await;
            assert_eq!(late.reason(), "challenge-expired", "{}", late.text());
            assert_eq!(script.post("/both").await.status, 403);
        }
        // Who begins again, of the same name and session there, has signed in since.
        let back = begun(&provider, &script, &script.post("/keys").await.token()).await;
        let browser = sidecar.browser_of(&script);
        let done = browser.get(&back).await;
        assert!(done.text().contains("You are verified"), "{}", done.text());
    }

    async fn a_frame_on_the_providers_page_ends_what_its_session_has_proved(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let script = sidecar.logged_in().await;
        let url = begin(&script, &script.post("/keys").await.token()).await;
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        let browser = sidecar.browser_of(&script);
        come_back(&browser, &callback).await;
        script.set_cookie(KEY_COOKIE, &browser.cookie(KEY_COOKIE).unwrap());
        let (issuer, frame) = (format!("http://{}", provider.addr()), sidecar.client());
        for query in ["", "?sid=x", "?iss=https://evil.test&sid=x", &format!("?iss={issuer}"), &format!("?iss={issuer}&sid=")] {
            let refused = frame.get(&format!("{FRONT}{query}")).await;
            assert_eq!(refused.status, 400, "{query}");
        }
        let path = format!("{FRONT}?iss={issuer}&sid=x");
        let unknown = frame.get(&path).await;
        assert_eq!(unknown.status, 200);
        // A page of the provider may frame it, and nobody keeps it.
        assert_eq!(unknown.header("x-frame-options"), "");
        assert_eq!(unknown.header("cache-control"), "no-store");
        assert_eq!(script.post("/keys").await.status, 200);
    }
}
