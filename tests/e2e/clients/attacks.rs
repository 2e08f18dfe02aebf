//! What tells a library chooses the form of a refusal, and nothing else.

use crate::support::client::{Answer, Client};
use crate::support::run;
use crate::support::sidecar::{self, ORIGIN, PASSWORD, USER};
use crate::support::store::{Store, on_both_stores};
use http::Method;
use serde_json::json;

/// A call by htmx, with further headers in place of its own.
async fn htmx(
    client: &Client,
    method: Method,
    path: &str,
    more: &[(&'static str, &str)],
) -> Answer {
    let mut request = client.request(method, path, "note=typed");
    let headers = request.headers_mut();
    let own = [
        ("hx-request", "true"),
        ("origin", ORIGIN),
        ("content-type", "application/x-www-form-urlencoded"),
        ("hx-current-url", "http://app.test/notes?of=me#top"),
    ];
    for (name, value) in own.iter().chain(more) {
        headers.insert(*name, value.parse().unwrap());
    }
    client.send(request).await
}

/// Where the person of a refused call is after the proof.
async fn after_proof(client: &Client, refused: &Answer) -> String {
    let page = client.get(refused.header("hx-redirect")).await;
    assert!(!page.text().contains("carried") && !page.text().contains("typed"));
    let fields = [
        ("token", page.hidden("token")),
        ("anti_forgery", page.hidden("anti_forgery")),
        ("factor", "password".into()),
        ("answer", PASSWORD.into()),
    ];
    let fields = fields
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let after = client.post_form("/.stepup/verify", &fields).await;
    assert!(!after.text().contains("typed"), "{}", after.text());
    let button = after.text().split("href=\"").find_map(|rest| {
        let (to, rest) = rest.split_once('"')?;
        rest.contains("Back to the form").then(|| to.to_owned())
    });
    button.unwrap_or_else(|| after.header("location").to_owned())
}

#[test]
fn what_may_be_over_in_a_moment_tears_no_page_down() {
    run(async {
        let setup = sidecar::on(Store::Redis).store_deadline("200ms");
        let mut sidecar = setup.run();
        let client = sidecar.client();
        client.log_in(USER).await;
        sidecar.redis_mut().kill();
        let failed = htmx(&client, Method::POST, "/keys", &[]).await;
        failed.assert_unavailable();
        assert_eq!(failed.header("hx-redirect"), "");
    });
}

on_both_stores! {
    async fn what_tells_a_library_opens_nothing(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.browser();
        client.log_in(USER).await;
        for header in [
            "hx-request", "hx-boosted", "turbo-frame", "x-turbo-request-id", "x-sec-purpose", "x-inertia",
            "faces-request", "x-microsoftajax", "x-up-version", "x-livewire",
        ] {
            for value in ["true", "prefetch", "partial/ajax", "Delta=true", ""] {
                let mut request = client.request(Method::POST, "/keys", "");
                request.headers_mut().remove("sec-fetch-mode");
                request.headers_mut().insert(header, value.parse().unwrap());
                let refused = client.send(request).await;
                assert_ne!(refused.header("step-up"), "", "{header}: {value}");
            }
        }
        assert_eq!(sidecar.got("/keys"), 0);
    }

    async fn people_come_back_to_pages_of_this_site_alone(store: Store) {
        let sidecar = sidecar::on(store).run();
        for (said, back) in [
            ("http://app.test/notes?of=me", "/notes?of=me"),
            ("http://evil.test/notes", "/"),
            ("http://app.test.evil.test/notes", "/"),
            ("http://app.test//evil.test/", "/"),
            ("http://app.test/%2fevil.test", "/"),
            ("javascript:alert(1)", "/"),
            ("/notes", "/"),
            ("", "/"),
        ] {
            let client = sidecar.client();
            client.log_in(USER).await;
            let refused = htmx(&client, Method::POST, "/keys", &[("hx-current-url", said)]).await;
            assert_eq!(refused.status, 403, "{refused:?}");
            assert!(refused.header("hx-redirect").starts_with("/.stepup/challenge?t="));
            let browser = sidecar.browser_of(&client);
            assert_eq!(after_proof(&browser, &refused).await, back, "{said}");
        }
    }

    async fn a_library_of_another_origin_is_any_script(store: Store) {
        let sidecar = sidecar::on(store).line("cors_origins: [https://spa.example]").run();
        let client = sidecar.client();
        client.log_in(USER).await;
        for from in [("origin", "https://spa.example"), ("origin", "null"), ("origin", "https://app.test")] {
            let refused = htmx(&client, Method::POST, "/keys", &[from]).await;
            assert_eq!((refused.status.as_u16(), refused.header("hx-redirect")), (403, ""), "{from:?}");
            assert!(!refused.token().is_empty());
        }
    }

    async fn who_must_sign_in_is_led_there_and_back_to_their_page(store: Store) {
        let sidecar = sidecar::on(store).with("session", "login_page: '/login?next={path}'").run();
        let client = sidecar.client();
        let refused = htmx(&client, Method::POST, "/keys", &[]).await;
        let login = "/login?next=/notes%3Fof%3Dme";
        assert_eq!((refused.status.as_u16(), refused.header("hx-redirect")), (403, login));
        let boosted = htmx(&client, Method::GET, "/secrets", &[("hx-boosted", "true")]).await;
        assert_eq!(boosted.header("hx-redirect"), "/login?next=/secrets");
        let turbo = client.clone().header("x-turbo-request-id", "1").header("referer", "http://app.test/notes");
        let refused = turbo.post_form("/keys", &[("name", "ci")]).await;
        assert_eq!((refused.status.as_u16(), refused.header("location")), (303, "/login?next=/notes"));
    }

    async fn a_denial_is_explained(store: Store) {
        let policy = "version: 1\ndefault: deny\nroutes:\n  - { id: x, match: { path: /x }, level: 1 }\n";
        let sidecar = sidecar::on(store).policy(policy).run();
        let client = sidecar.client();
        let denied = htmx(&client, Method::POST, "/other", &[]).await;
        assert_eq!(denied.header("hx-redirect"), "/.stepup/problems/policy-default-deny");
        assert_eq!(denied.header("step-up"), "deny");
        let turbo = client.clone().header("x-turbo-request-id", "1");
        let denied = turbo.post_form("/other", &[]).await;
        assert_eq!(denied.header("location"), "/.stepup/problems/policy-default-deny");
        // What is fetched ahead leads nobody anywhere.
        let denied = turbo.header("x-sec-purpose", "prefetch").get("/other").await;
        assert_eq!((denied.status.as_u16(), denied.header("location")), (403, ""));
    }

    async fn our_own_pages_are_loaded_whole(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.client();
        client.log_in(USER).await;
        let page = htmx(&client, Method::GET, "/.stepup/sessions?x=1", &[("hx-boosted", "true")]).await;
        assert_eq!(page.header("hx-redirect"), "/.stepup/sessions?x=1");
        // An own action that lacks a proof: as a route does.
        let script = client.clone().header("hx-request", "true").header("origin", ORIGIN);
        let body = json!({ "others": true });
        let refused = script.call(Method::POST, "/.stepup/sessions/revoke", body).await;
        let url = refused.header("hx-redirect");
        assert!(refused.status == 403 && url.starts_with("/.stepup/challenge?t="), "{refused:?}");
        let turbo = client.clone().header("turbo-frame", "part");
        let page = turbo.get("/.stepup/sessions").await;
        assert!(page.text().contains("<meta name=\"turbo-visit-control\" content=\"reload\">"));
        assert_eq!(htmx(&client, Method::GET, "/.stepup/status", &[]).await.json()["level"], 2);
    }

    async fn who_sends_a_token_gets_the_answer_of_a_program(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.client();
        let refused = htmx(&client, Method::POST, "/keys", &[("authorization", "Bearer x")]).await;
        assert_eq!((refused.status.as_u16(), refused.header("hx-redirect")), (401, ""));
    }

    async fn a_prompt_in_a_frame_is_a_link_to_one_outside(store: Store) {
        let sidecar = sidecar::on(store).run();
        let client = sidecar.client();
        client.log_in(USER).await;
        let refused = htmx(&client, Method::POST, "/keys", &[]).await;
        let url = refused.header("hx-redirect");
        let framed = client.clone().header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "iframe");
        let page = framed.get(url).await;
        assert!(page.text().contains("target=\"_top\"") || page.text().contains("target=\"_blank\""), "{}", page.text());
        assert!(!page.text().contains("type=\"password\""));
        assert_eq!(page.header("x-frame-options"), "");
    }
}
