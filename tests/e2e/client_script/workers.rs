//! Pages that a service worker stands before, as in applications that are installed.

use super::page::{Page, application, setup};
use crate::support::run;
use crate::support::upstream::answer;
use serde_json::json;

/// Whatever it may, at once.
const BEGINNING: &str = "self.addEventListener('install', it => self.skipWaiting());
    self.addEventListener('activate', it => it.waitUntil(clients.claim()));";
/// Passes everything on, as those that look in their cache first, or after.
const PASSES: &str =
    "self.addEventListener('fetch', it => it.respondWith(fetch(it.request).then(it => it)))";
/// Answers with the page of the application wherever somebody goes.
const SHELL: &str = "self.addEventListener('fetch', it => it.request.mode === 'navigate' && it.respondWith(fetch('/page')))";
/// Makes answers of its own of what it got.
const REMAKES: &str = "self.addEventListener('fetch', it => it.request.mode === 'navigate' || it.respondWith(fetch(it.request)
    .then(async it => new Response(await it.blob(), { status: it.status, headers: it.headers }))))";

async fn open(worker: &'static str) -> Page {
    let setup = setup(&[]).application(move |got| {
        let script = format!("{BEGINNING}{worker}");
        match got.target.as_str() {
            "/worker.js" => answer(200, &[("content-type", "text/javascript")], &script),
            _ => application(&[], got),
        }
    });
    let page = Page::of(setup.run(), &[]).await;
    page.runs("navigator.serviceWorker.register('/worker.js')")
        .await;
    page.becomes("the worker", "!!navigator.serviceWorker.controller")
        .await;
    page.goes_to("/page").await;
    page
}

async fn posts_and_proves(page: &Page) {
    page.runs("keep(fetch('/act/one/thing', { method: 'POST', body: 'text' }))")
        .await;
    page.proves("Do one thing").await;
    assert_eq!(page.outcomes(1).await[0][0], 200);
    assert_eq!(page.got().len(), 1);
}

#[test]
fn a_worker_that_passes_pages_on_keeps_the_prompt_from_nobody() {
    run(async {
        let page = open(PASSES).await;
        posts_and_proves(&page).await;
        // What it passes on is told from nothing but by its mode.
        page.goes_to("/act/two/page").await;
        page.browser.read("Do another thing").await;
        page.browser.see("#password").await;
        page.becomes(
            "the prompt page",
            "location.pathname === '/.stepup/challenge'",
        )
        .await;
        page.goes_to("/page").await;
        page.runs("document.body.innerHTML = '<form method=post action=/act/two/form><input name=note value=typed><button id=go>Go</button></form>'")
            .await;
        page.browser.click("#go").await;
        page.browser.read("Do another thing").await;
        page.becomes("the prompt page", "location.pathname === '/act/two/form'")
            .await;
    });
}

#[test]
fn an_answer_that_a_worker_made_is_a_refusal_as_well() {
    run(async { posts_and_proves(&open(REMAKES).await).await });
}

#[test]
fn a_worker_that_answers_in_place_of_the_prompt_leaves_no_dialog_behind() {
    run(async {
        let page = open(SHELL).await;
        page.runs("keep(fetch('/act/one/thing', { method: 'POST', body: 'text' }))")
            .await;
        let outcome = page.outcomes(1).await;
        assert_eq!(outcome[0][1]["reason"], json!("step-up-required"));
        page.has_no_dialog().await;
        assert!(page.got().is_empty());
    });
}
