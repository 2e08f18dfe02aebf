//! Requests that say one thing to us and another to the application: headers that move a path, paths
//! with an authority in them, parameters behind a second question mark.

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE};
use crate::support::store::on_both_stores;
use http::Method;
use serde_json::json;

/// Headers by which some server, module or application takes another path than the request line's.
const MOVING: &[&str] = &[
    "base-url",
    "path-info",
    "path_info",
    "request-uri",
    "script-name",
    "script.name",
    "script_name",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-script-name",
    "x-forwarded-uri",
    "x-http-destinationurl",
    "x-ingress-path",
    "x-matched-path",
    "x-original-uri",
    "x-original-url",
    "x-override-url",
    "x-proxy-url",
    "x-rewrite-url",
    "x-script-name",
    "x-traversal-path",
    "x-waws-unencoded-url",
    "x_forwarded_prefix",
    "x_script_name",
];

on_both_stores! {
    async fn no_header_moves_a_request_to_another_path(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        for name in MOVING {
            for client in [sidecar.script(), sidecar.script().http2()] {
                let client = client.header(name, "/x").header("x-tenant", "kept");
                client.set_cookie(COOKIE, &owner.cookie(COOKIE).unwrap());
                let passed = client.call(Method::POST, "/x/keys", json!({})).await;
                assert_eq!(passed.status, 200, "{name}");
                let got = sidecar.upstream().last();
                assert_eq!(got.target, "/x/keys");
                assert_eq!(got.header(name), "", "{name} reached the application");
                assert_eq!(got.header("x-tenant"), "kept");
                let refused = client.call(Method::POST, "/keys", json!({})).await;
                assert_eq!(refused.reason(), "step-up-required", "{name}");
            }
        }
    }

    async fn names_with_marks_pass_only_where_the_settings_name_them(store: Store) {
        let sidecar = sidecar::on(store)
            .with("upstream", "headers: { pass: [api_key], remove: X-Tenant-Path }")
            .run();
        let client = sidecar
            .script()
            .header("api_key", "kept")
            .header("access_token", "dropped")
            .header("x-tenant-path", "/x");
        client.get("/anything").await;
        let got = sidecar.upstream().last();
        assert_eq!(got.header("api_key"), "kept");
        assert_eq!(got.header("access_token"), "");
        assert_eq!(got.header("x-tenant-path"), "");
        let told = sidecar.process().wait_until("a word on it", |lines| {
            lines.iter().find(|line| line.contains("upstream.headers.pass")).cloned()
        });
        assert!(told.contains("access_token"), "{told}");
        assert!(!sidecar.log().contains("dropped"), "values are nobody's business");
    }

    /// Node's `new URL(url, base)`, PHP's `parse_url`, Python's `urlsplit` and Java's `URI` cut the host off.
    async fn a_path_that_names_a_host_is_guarded_as_what_follows(store: Store) {
        let sidecar = sidecar::on(store).policy(NETWORK_PATHS).run();
        let owner = sidecar.logged_in().await;
        for path in [
            "//x/keys",
            "///x/keys",
            "////x/keys",
            "/%2fx/keys",
            "/%252fx/keys",
            "/;/x/keys",
            "//x%2fkeys",
            "//user@host:80/keys",
            "//[::1]/keys",
            "//x/%6beys",
            "//x//keys",
            "//x/admin/delete",
            // The host may be what the application goes by.
            "//admin.test/users/5",
            "//ADMIN.test:443/users/5",
            "/%2fadmin.test/users/5",
            // An exception holds under every reading.
            "//x/free",
            "//free/keys",
        ] {
            for client in [&owner, &owner.clone().http2()] {
                let before = sidecar.upstream().got().len();
                let refused = client.call(Method::POST, path, json!({})).await;
                assert_eq!(refused.status, 403, "{path}: {}", refused.text());
                assert_eq!(refused.reason(), "step-up-required", "{path}");
                assert_eq!(sidecar.upstream().got().len(), before, "{path}");
            }
        }
        // A cookie that was copied, and no session at all.
        for client in [sidecar.thief_of(&owner), sidecar.script()] {
            let refused = client.call(Method::POST, "//x/keys", json!({})).await;
            assert!(matches!(refused.status.as_u16(), 401 | 403), "{}", refused.status);
        }
        for path in ["//x/y", "//cdn//a.js", "/a//b", "/http://x/y", "/free", "/proxy/http://x/y"] {
            let passed = owner.call(Method::POST, path, json!({})).await;
            assert_eq!(passed.status, 200, "{path}: {}", passed.text());
            assert_eq!(sidecar.upstream().last().target, path, "byte for byte");
        }
        // A login at such a path is one to some applications only.
        let before = sidecar.script();
        let answer = before.post_form("//x/login", &[("user", "alice"), ("password", "p")]).await;
        assert_eq!(answer.status, 200);
        assert_eq!(before.cookie(KEY_COOKIE), None);
    }

    /// Node's `URLSearchParams` drops a question mark at the beginning.
    async fn a_parameter_behind_another_question_mark_counts(store: Store) {
        let sidecar = sidecar::on(store).policy(PARAMETERS).run();
        let owner = sidecar.logged_in().await;
        for target in [
            "/act?do=delete",
            "/act??do=delete",
            "/act???do=delete",
            "/act?&do=delete",
            "/act?&?do=delete",
            "/act?%3Fdo=delete",
            "/act?+do=delete",
            "/act?%EF%BB%BFdo=delete",
            "/act?a=1?do=delete",
            "/act?a=1%26do%3Ddelete",
            "/act?do%3Ddelete",
            "/act?do=delet%2565",
            "/act?a=1;?do=delete",
            // To whoever decodes the target before splitting it.
            "/act%3Fdo=delete",
            "/act%3Fa=1&do=delete",
            "/act%253Fdo=delete?a=1",
        ] {
            let refused = owner.call(Method::POST, target, json!({})).await;
            assert_eq!(refused.reason(), "step-up-required", "{target}");
        }
        for form in ["do=delete", "?do=delete", "??do=delete", "&?do=delete", "%3Fdo=delete", "+do=delete", "%EF%BB%BFdo=delete"] {
            let refused = post(&owner, "/form", form).await;
            assert_eq!(refused.reason(), "step-up-required", "{form}");
        }
        // An exception by query needs every value.
        for target in ["/try?dry=1??dry=0", "/try?dry=1%26dry%3D0", "/try?dry=1&?dry=0", "/try%3Fdry=0?dry=1"] {
            let refused = owner.call(Method::POST, target, json!({})).await;
            assert_eq!(refused.reason(), "step-up-required", "{target}");
        }
        for target in ["/act?do=show", "/act?q=what+to+do?", "/try?dry=1", "/act?next=%2Fx%3Fy%3D1", "/wiki/what%3F"] {
            let passed = owner.call(Method::POST, target, json!({})).await;
            assert_eq!(passed.status, 200, "{target}: {}", passed.text());
            assert_eq!(sidecar.upstream().last().target, target, "byte for byte");
        }
        assert_eq!(post(&owner, "/form", "?do=show").await.status, 200);
    }

    async fn whoever_logs_in_by_a_field_behind_a_question_mark_is_seen(store: Store) {
        let sidecar = sidecar::on(store).run();
        let owner = sidecar.logged_in().await;
        // The application may read either.
        post(&owner, "/login", "?user=mallory&user=alice&password=p").await;
        let refused = owner.call(Method::POST, "/low", json!({})).await;
        assert_eq!(refused.reason(), "session-disputed");
    }
}

async fn post(client: &Client, path: &str, form: &str) -> Answer {
    let mut request = client.request(Method::POST, path, form.to_owned());
    let kind = "application/x-www-form-urlencoded".parse().unwrap();
    request
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, kind);
    client.send(request).await
}

const NETWORK_PATHS: &str = r#"
version: 1
default: forward
routes:
  - { id: keys, level: 3, match: { path: /keys } }
  - { id: admin, level: 3, match: { methods: [POST], path: "/admin/{what}" } }
  - { id: host, level: 3, match: { host: admin.test, path: "/users/{id}" } }
  - { id: free, level: 3, match: { path: "/free/{rest...}", except: [ { path: /free }, { host: app.test, path: /free/x } ] } }
"#;

const PARAMETERS: &str = r#"
version: 1
default: forward
routes:
  - { id: act, level: 3, match: { path: /act, query: { do: delete } } }
  - { id: form, level: 3, match: { path: /form, form: { do: delete } } }
  - { id: try, level: 3, match: { path: /try, except: [ { query: { dry: "1" } } ] } }
"#;
