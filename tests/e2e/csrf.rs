//! Our endpoints take no orders from other sites.

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, ORIGIN, PASSWORD};
use crate::support::store::on_both_stores;
use bytes::Bytes;
use http::Method;
use serde_json::json;

/// Sends `body` to one of our endpoints, as a page somewhere would.
async fn send(
    client: &Client,
    path: &str,
    headers: &[(&'static str, &str)],
    body: String,
) -> Answer {
    let mut request = client.request(Method::POST, path, Bytes::from(body));
    request.headers_mut().remove("sec-fetch-site");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    client.send(request).await
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const JSON: (&str, &str) = ("content-type", "application/json");

on_both_stores! {
    async fn cross_site_calls_are_refused_whatever_they_bring(store: Store) {
        let sidecar = sidecar::on(store).run();
        let browser = sidecar.browser();
        browser.log_in("alice").await;
        let away = browser.get("/secrets").await;
        let page = browser.get(away.header("location")).await;
        // Everything that a page of ours would send, and the cookies of the person.
        let (token, anti_forgery) = (page.hidden("token"), page.hidden("anti_forgery"));
        let form = |more: &str| format!("token={token}&anti_forgery={anti_forgery}{more}");
        let answer = format!("&factor=password&answer={PASSWORD}");
        let json = json!({ "token": token, "factor": "password", "answer": PASSWORD }).to_string();
        let before = sidecar.dump();
        for from in [
            &[("origin", "https://evil.test")][..],
            &[("origin", "null")],
            &[("origin", "http://app.test.evil.test")],
            &[("origin", "https://app.test")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
        ] {
            for (path, kind, body) in [
                ("/.stepup/verify", FORM, form(&answer)),
                ("/.stepup/verify", JSON, json.clone()),
                ("/.stepup/verify/send", FORM, form("")),
                ("/.stepup/verify/send", JSON, json.clone()),
                ("/.stepup/verify/passkey/options", JSON, json.clone()),
                ("/.stepup/device", FORM, form("&user_code=WDJB-MJHT&decision=deny")),
                ("/.stepup/device", JSON, json!({ "user_code": "WDJB-MJHT", "decision": "deny" }).to_string()),
                ("/.stepup/device/token", FORM, "grant_type=x&device_code=x".into()),
                ("/.stepup/enroll/passkeys", FORM, form("&answer=%7B%7D&name=x")),
                ("/.stepup/enroll/passkeys", JSON, "{}".into()),
                ("/.stepup/enroll/passkeys/options", JSON, "{}".into()),
                ("/.stepup/enroll/passkeys/rename", FORM, form("&id=x&name=x")),
                ("/.stepup/lock", FORM, form("")),
                ("/.stepup/lock", JSON, "{}".into()),
                ("/.stepup/sessions/lock", FORM, form("")),
                ("/.stepup/sessions/lock", JSON, "{}".into()),
                ("/.stepup/sessions/revoke", FORM, form("&others=yes")),
                ("/.stepup/sessions/revoke", JSON, json!({ "others": true }).to_string()),
            ] {
                let answer = send(&browser, path, &[from, &[kind, ("accept", "application/json")]].concat(), body).await;
                assert_eq!(answer.status, 403, "{path} {kind:?} {from:?}");
            }
        }
        assert_eq!(sidecar.dump(), before, "a cross-site call changed something");
        let passed = send(&browser, "/.stepup/verify", &[FORM, ("origin", ORIGIN)], form(&answer)).await;
        assert_eq!(passed.status, 303, "{}", passed.text());
    }

    async fn a_form_without_our_token_is_refused(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let other = sidecar.logged_in().await;
        let page = sidecar.browser_of(&other).get("/secrets").await;
        let foreign = sidecar.browser_of(&other).get(page.header("location")).await.hidden("anti_forgery");
        let token = client.post("/keys").await.token();
        let before = sidecar.dump();
        for anti_forgery in ["", "AAAA", &foreign] {
            let form = format!("token={token}&anti_forgery={anti_forgery}&factor=password&answer={PASSWORD}");
            for path in ["/.stepup/verify", "/.stepup/verify/send", "/.stepup/lock"] {
                let answer = send(&client, path, &[FORM, ("origin", ORIGIN)], form.clone()).await;
                assert_eq!((answer.status.as_u16(), answer.reason()), (403, "cross-site".into()), "{path}");
            }
        }
        assert_eq!(sidecar.dump(), before);
    }

    async fn a_simple_request_cannot_pose_as_json(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let token = client.post("/keys").await.token();
        let body = json!({ "token": token, "factor": "password", "answer": PASSWORD }).to_string();
        let before = sidecar.dump();
        // What a page of another site can send unasked (Fetch, CORS-safelisted request-header).
        for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; application/json"] {
            for path in ["/.stepup/verify", "/.stepup/verify/send", "/.stepup/lock"] {
                let answer = send(&client, path, &[("content-type", kind)], body.clone()).await;
                assert_eq!((answer.status.as_u16(), answer.reason()), (403, "cross-site".into()), "{path} {kind}");
            }
        }
        let mut bare = client.request(Method::POST, "/.stepup/lock", "");
        bare.headers_mut().remove("sec-fetch-site");
        assert_eq!(client.send(bare).await.reason(), "cross-site");
        assert_eq!(sidecar.dump(), before);
    }

    async fn nothing_changes_on_get(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.logged_in().await;
        let refused = client.post("/keys").await;
        let token = refused.token();
        let before = sidecar.dump();
        for path in [
            format!("/.stepup/challenge?t={token}&factor=password&answer={PASSWORD}"),
            format!("/.stepup/verify?token={token}&factor=password&answer={PASSWORD}"),
            format!("/.stepup/verify/send?token={token}"),
            "/.stepup/lock".to_owned(),
            "/.stepup/status".to_owned(),
        ] {
            client.get(&path).await;
            sidecar.browser_of(&client).get(&path).await;
        }
        assert_eq!(sidecar.dump(), before);
        assert_eq!(client.post("/keys").await.status, 403);
    }
}
