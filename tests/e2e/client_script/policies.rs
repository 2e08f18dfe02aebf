//! Under the policies of pages (CSP, Trusted Types), and where the prompt cannot stand in a frame.

use super::page::{Page, setup};
use crate::support::run;
use crate::support::sidecar::PASSWORD;
use crate::support::upstream::{Upstream, answer};
use serde_json::json;

#[test]
fn a_strict_policy_forbids_nothing_of_it() {
    run(async {
        let page = Page::open().await;
        page.goes_to("/strict").await;
        page.runs("keep(fetch('/act/one/x'))").await;
        let shown = page.in_dialog("dialog").await;
        let width = shown.rectangle().await.unwrap().2;
        assert!(
            (479.0..=481.0).contains(&width),
            "it has its styles: {width}"
        );
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        assert_eq!(page.runs("return forbidden").await, json!([]));
    });
}

#[test]
fn where_frames_are_forbidden_the_prompt_is_in_a_window() {
    run(async {
        let page = Page::open().await;
        page.goes_to("/unframed").await;
        page.runs("keep(fetch('/act/one/x'))").await;
        let button = page.in_dialog("button.go").await;
        assert_eq!(button.text().await.unwrap(), "Do one thing");
        button.click().await.unwrap();
        page.browser.go_to_second_window().await;
        page.browser.fill("#password", PASSWORD).await;
        page.types("\u{e007}").await;
        page.leaves_prompt().await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        page.has_no_dialog().await;
        // It has closed itself.
        page.becomes("one window", "true").await;
        crate::support::until("one window", async || {
            (page.browser.windows().await.unwrap().len() == 1).then_some(())
        })
        .await;
    });
}

#[test]
fn a_page_may_have_the_prompt_in_its_own_place() {
    const PAGE: &str = "<!doctype html><title>A page</title><meta http-equiv=content-security-policy content=\"frame-src 'none'\">\
        <script src=/.stepup/client.js data-fallback=page></script><h1>A page</h1>";
    run(async {
        let page = Page::of(setup(&[("/placed", PAGE)]).run(), &[]).await;
        page.goes_to("/placed").await;
        page.runs("keep(fetch('/act/one/x'))").await;
        page.browser.fill("#password", PASSWORD).await;
        page.types("\u{e007}").await;
        page.browser.read("You can close this window").await;
        page.browser.click(".leave a").await;
        page.becomes("the page", "location.pathname === '/placed'")
            .await;
        page.runs("keep(fetch('/act/one/x'))").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
    });
}

#[test]
fn a_page_of_a_listed_origin_asks_in_a_window() {
    run(async {
        let site = Upstream::start(|got| {
            let page = format!(
                "<!doctype html><title>Elsewhere</title><script src='{}/.stepup/client.js'></script>",
                &got.target[2..]
            );
            answer(200, &[("content-type", "text/html")], &page)
        });
        let elsewhere = format!("http://localhost:{}", site.addr().port());
        let listed = format!("cors_origins: ['{elsewhere}']");
        let page = Page::of(setup(&[]).line(&listed).run(), &[]).await;
        let gate = page.url("");
        page.browser
            .goto(&format!("{elsewhere}/?{gate}"))
            .await
            .unwrap();
        page.runs(&format!(
            "keep(fetch('{gate}/act/one/x', {{ credentials: 'include' }}))"
        ))
        .await;
        page.in_dialog("button.go").await.click().await.unwrap();
        page.browser.go_to_second_window().await;
        page.browser.fill("#password", PASSWORD).await;
        page.types("\u{e007}").await;
        page.leaves_prompt().await;
        page.has_no_dialog().await;
        crate::support::until("the call at the application", async || {
            (!page.got().is_empty()).then_some(())
        })
        .await;
        assert_eq!(
            page.runs("return stepgate.prefix").await,
            format!("{gate}/.stepup/")
        );
    });
}

#[test]
fn a_call_that_is_redirected_elsewhere_needs_no_preflight_for_the_script() {
    const CALLS: &str = "
        keep(fetch(moved));
        keep(fetch(moved, { method: 'POST', body: new URLSearchParams({ a: 1 }) }));
        keep(new Promise((resolve, reject) => {
            const xhr = new XMLHttpRequest();
            xhr.open('GET', moved);
            xhr.onload = () => resolve({ status: xhr.status, json: () => JSON.parse(xhr.response) });
            xhr.onerror = reject;
            xhr.send();
        }))";
    run(async {
        let storage = Upstream::start(|got| match got.method.as_str() {
            "GET" => answer(200, &[("access-control-allow-origin", "*")], "7"),
            _ => answer(405, &[], ""),
        });
        let page = Page::open().await;
        let moved = format!("/moved?http://{}/file", storage.addr());
        page.runs(&format!("const moved = '{moved}'; {CALLS}"))
            .await;
        assert_eq!(page.outcomes(3).await, vec![json!([200, 7]); 3]);
    });
}

#[test]
fn a_bundler_takes_the_package() {
    const PAGE: &str =
        "<!doctype html><html><body><h1>A page</h1><script src=/bundle/package></script>";
    run(async {
        let page = Page::of(setup(&[("/bundled", PAGE)]).run(), &[]).await;
        page.goes_to("/bundled").await;
        let told = "return [own === window.stepgate, own.prefix]";
        assert_eq!(page.runs(told).await, json!([true, "/.stepup/"]));
        page.runs("keep(fetch('/act/one/x'))").await;
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
    });
}

#[test]
fn over_plain_http_the_dialog_works_as_well() {
    run(async {
        let sidecar = setup(&[]).line("public_url: http://app.test").run();
        let resolved = format!("--host-resolver-rules=MAP app.test:80 {}", sidecar.addr());
        let page = Page::at(sidecar, "http://app.test", &[&resolved]).await;
        page.runs("keep(fetch('/act/one/x'))").await;
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
    });
}
