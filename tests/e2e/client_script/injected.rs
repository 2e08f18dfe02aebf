//! Pages that nobody can change, in which the tag is put on their way (`client.inject`).

use super::page::{Page, setup};
use crate::support::run;
use serde_json::json;

/// Its own script, in the head, makes calls as scripts of applications do.
const PLAIN: &str = "<!doctype html><html lang=en><head><meta charset=utf-8><title>A page</title>\
    <script type=module>window.act = () => fetch('/act/one/x', { method: 'POST', body: 'it' })</script></head>\
    <body><h1>A page</h1></body></html>";
/// It has the tag itself, further down.
const TWICE: &str = "<!doctype html><html lang=en><head><title>A page</title></head>\
    <body><script src=/.stepup/client.js></script><h1>A page</h1></body></html>";

/// Markup of strangers, as in a comment below an article: elements with these names are found as properties.
const MARKUP: &str = "<!doctype html><html lang=en><head><title>A page</title></head><body><h1>A page</h1>\
    <img name=currentScript src=https://evil.test/client.js data-prefix=https://evil.test/ data-step-up=off>\
    <form id=stepgate><input name=prefix></form></body></html>";

#[test]
fn markup_of_strangers_does_not_tell_the_script_where_to_ask() {
    run(async {
        let sidecar = setup(&[("/markup", MARKUP)]).with("client", "inject: true\nexcept: /page");
        let page = Page::of(sidecar.run(), &[]).await;
        page.goes_to("/markup").await;
        assert_eq!(page.runs("return stepgate.prefix").await, "/.stepup/");
        page.runs("keep(fetch('/act/one/x', { method: 'POST', body: 'it' }))")
            .await;
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
    });
}

#[test]
fn a_page_that_knows_nothing_of_us_asks_and_repeats_its_call() {
    run(async {
        let pages = &[("/plain", PLAIN), ("/twice", TWICE)];
        let sidecar = setup(pages).with("client", "inject: true\nexcept: /page");
        let page = Page::of(sidecar.run(), &[]).await;
        page.goes_to("/plain").await;
        page.runs("keep(act())").await;
        page.proves("Do one thing").await;
        let outcomes = page.outcomes(1).await;
        assert_eq!(
            (&outcomes[0][0], &outcomes[0][1]["body"]),
            (&json!(200), &json!("it"))
        );
        // Loaded twice, it asks once.
        page.goes_to("/twice").await;
        let count = "return document.querySelectorAll('script[src$=\"client.js\"]').length";
        assert_eq!(page.runs(count).await, 2);
        page.runs("keep(fetch('/act/two/x', { method: 'POST', body: 'it' }))")
            .await;
        page.proves("Do another thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        assert_eq!(page.runs("return dialogs").await, 1);
        assert_eq!(page.got().len(), 2);
    });
}
