//! Requests that say one thing to us and another to the application: headers that move a path, paths
//! with an authority in them, parameters behind a second question mark.

use crate::support::scene::{COOKIE, Scene, Stage, on_both_stores, reason};
use http::Method;

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
    async fn no_header_moves_a_request_to_another_path(keeper: Keeper) {
        let scene = Scene::on(keeper);
        let owner = scene.logged_in().await;
        for name in MOVING {
            for client in [scene.script(), scene.script().http2()] {
                let client = client.header(name, "/x").header("x-api-key", "kept");
                client.set_cookie(COOKIE, &owner.cookie(COOKIE).unwrap());
                let passed = client.call(Method::POST, "/x/keys", serde_json::json!({})).await;
                assert_eq!(passed.status, 200, "{name}");
                let got = scene.upstream.last();
                assert_eq!(got.target, "/x/keys");
                assert_eq!(got.header(name), "", "{name} reached the application");
                assert_eq!(got.header("x-api-key"), "kept");
                let refused = client.call(Method::POST, "/keys", serde_json::json!({})).await;
                assert_eq!(reason(&refused), "step-up-required", "{name}");
            }
        }
    }

    async fn names_with_marks_pass_only_where_the_settings_name_them(keeper: Keeper) {
        let scene = Stage::on(keeper)
            .upstream_lines("headers: { pass: [api_key], remove: X-Tenant-Path }")
            .set();
        let client = scene
            .script()
            .header("api_key", "kept")
            .header("access_token", "dropped")
            .header("x-tenant-path", "/x");
        client.get("/anything").await;
        let got = scene.upstream.last();
        assert_eq!(got.header("api_key"), "kept");
        assert_eq!(got.header("access_token"), "");
        assert_eq!(got.header("x-tenant-path"), "");
        let log = scene.log();
        assert!(log.contains("access_token") && log.contains("upstream.headers.pass"), "{log}");
        assert!(!log.contains("dropped"), "values are nobody's business");
    }
}
