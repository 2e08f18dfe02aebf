//! A page with the script, the application behind it, and what a person does in the dialog.

use crate::support::browser::Browser;
use crate::support::node;
use crate::support::sidecar::{self, PASSWORD, Setup, Sidecar, USER};
use crate::support::store::Store;
use crate::support::until;
use crate::support::upstream::{Got, Reply, answer, text};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::{Element, ElementRef};
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

/// What is guarded.
const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: one, action: one, title: Do one thing, level: 3, match: { path: "/act/one/{rest...}" } }
  - { id: two, action: two, title: Do another thing, level: 3, match: { path: "/act/two/{rest...}" } }
  - { id: shared, action: shared, title: Do a small thing, level: 2, factors: [password], match: { path: "/act/shared/{rest...}" } }
  - { id: once, action: once, title: Do it once, level: 4, match: { path: "/act/once/{rest...}" } }
  - { id: delete, action: delete, title: Delete it, level: 4, bind: [path.id], show: { thing: path.id }, match: { path: "/act/delete/{id}" } }
  - { id: key, action: key, title: Use the key, level: 3, factors: [passkey, password], match: { path: "/act/key/{rest...}" } }
"#;

/// The head of a page that has the script.
pub(crate) const WITH_SCRIPT: &str = "<script src=/.stepup/client.js></script>";

/// A page in a browser.
pub(super) struct Page {
    pub(super) sidecar: Sidecar,
    pub(super) browser: Browser,
    origin: String,
    window: WindowHandle,
}

/// A sidecar whose application has these pages, as in `("/page", "<h1>…")`.
pub(super) fn setup(pages: &'static [(&'static str, &'static str)]) -> Setup {
    let setup = sidecar::on(Store::Embedded).at_localhost().policy(POLICY);
    setup.application(move |got| application(pages, got))
}

pub(super) fn application(pages: &[(&str, &str)], got: &Got) -> Reply {
    let path = got.target.split('?').next().unwrap();
    if let Some((_, page)) = pages.iter().find(|(known, _)| *known == path) {
        return html(page);
    }
    if let Some((_, page)) = pages
        .iter()
        .find(|(known, _)| path.strip_suffix('+') == Some(known))
    {
        return html(&page.replacen("<title>", &format!("{WITH_SCRIPT}<title>"), 1));
    }
    if let Some(name) = path.strip_prefix("/bundle/") {
        return answer(
            200,
            &[("content-type", "text/javascript")],
            &super::applications::bundle(name),
        );
    }
    if let Some(file) = path.strip_prefix("/packages/") {
        return answer(
            200,
            &[("content-type", "text/javascript")],
            &node::file(file),
        );
    }
    match (got.method.as_str(), path) {
        ("GET", "/login") => html(
            "<form method=post action=/login><input name=user><input name=password><button id=go>Sign in</button></form>",
        ),
        ("POST", "/login") => {
            let cookie = format!("sid={}; Path=/; HttpOnly", sidecar::fresh_cookie());
            answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
        }
        ("GET", "/page") => html("<h1>A page</h1><button id=first>First</button>"),
        // For policies that forbid what stands in the page.
        ("GET", "/strict") => strict("frame-src 'self'"),
        ("GET", "/unframed") => strict("frame-src 'none'"),
        ("GET", "/script.js") => answer(200, &[("content-type", "text/javascript")], SCRIPT),
        (_, "/moved") => answer(302, &[("location", &got.target["/moved?".len()..])], ""),
        (_, path) if path.starts_with("/act/") => Reply::ByBody(Box::new(said)),
        _ => text(200, "welcome home"),
    }
}

/// Says what came.
fn said(got: &Got) -> Reply {
    let said = json!({
        "method": got.method.as_str(), "path": got.target, "kind": got.header("content-type"),
        "mark": got.header("x-mark"), "body": String::from_utf8_lossy(&got.body),
    });
    answer(
        200,
        &[("content-type", "application/json")],
        &said.to_string(),
    )
}

fn html(body: &str) -> Reply {
    let page = format!(
        "<!doctype html><html lang=en><head><title>A page</title><meta name=viewport content=\"width=device-width\">{WITH_SCRIPT}</head><body>{body}</body></html>"
    );
    let page = if body.contains("<!doctype") {
        body.to_owned()
    } else {
        page
    };
    answer(200, &[("content-type", "text/html; charset=utf-8")], &page)
}

fn strict(frames: &str) -> Reply {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; {frames}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let headers = [
        ("content-type", "text/html"),
        ("content-security-policy", &policy),
    ];
    let page = "<!doctype html><html lang=de><title>A page</title><script src=/.stepup/client.js></script>\
        <script src=/script.js></script><h1>A page</h1>";
    answer(200, &headers, page)
}

/// Keeps what was forbidden.
const SCRIPT: &str = "window.forbidden = []; document.addEventListener('securitypolicyviolation', \
    it => forbidden.push(it.effectiveDirective + ' ' + it.blockedURI))";

impl Page {
    /// Somebody who has signed in, on `/page`.
    pub(super) async fn open() -> Self {
        Self::of(setup(&[]).run(), &[]).await
    }

    pub(super) async fn of(sidecar: Sidecar, flags: &[&str]) -> Self {
        let scheme = if flags.is_empty() { "http" } else { "https" };
        let origin = format!("{scheme}://localhost:{}", sidecar.addr().port());
        Self::at(sidecar, &origin, flags).await
    }

    pub(super) async fn at(sidecar: Sidecar, origin: &str, flags: &[&str]) -> Self {
        let browser = Browser::open_with(flags).await;
        let window = browser.window().await.unwrap();
        let origin = origin.to_owned();
        let page = Self {
            sidecar,
            browser,
            origin,
            window,
        };
        page.goes_to("/login").await;
        page.browser.fill("[name=user]", USER).await;
        page.browser.fill("[name=password]", "App-pass-1!").await;
        page.browser.click("#go").await;
        page.browser.read("welcome home").await;
        page.goes_to("/page").await;
        page
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    pub(super) async fn goes_to(&self, path: &str) {
        self.browser.goto(&self.url(path)).await.unwrap();
    }

    /// Runs a script in the page, with what the tests keep there.
    pub(super) async fn runs(&self, script: &str) -> Value {
        let script = format!("{KEEP}; {script}");
        self.browser.execute(&script, vec![]).await.unwrap()
    }

    /// What became of the calls that `keep` was given, once there are `count` of them.
    pub(super) async fn outcomes(&self, count: usize) -> Vec<Value> {
        let outcomes = async || {
            let said = self.runs("return window.kept").await;
            let said = said.as_array().unwrap().clone();
            (said.len() >= count).then_some(said)
        };
        let outcomes = until("the outcome of each call", outcomes).await;
        assert_eq!(outcomes.len(), count, "{outcomes:?}");
        outcomes
    }

    /// Waits until a script says so.
    pub(super) async fn becomes(&self, what: &str, script: &str) {
        until(what, async || {
            (self.runs(&format!("return {script}")).await == true).then_some(())
        })
        .await;
    }

    /// An element of the dialog.
    pub(super) async fn in_dialog(&self, css: &str) -> Element {
        let script = format!(
            "return document.querySelector('step-up')?.shadowRoot.querySelector(\"{css}\")"
        );
        let found = async || {
            let found = self.browser.execute(&script, vec![]).await.unwrap();
            let id = found.as_object()?.values().next()?.as_str()?.to_owned();
            Some(Element::from_element_id(
                self.browser.clone(),
                ElementRef::from(id),
            ))
        };
        until(&format!("`{css}` in the dialog"), found).await
    }

    pub(super) async fn has_no_dialog(&self) {
        self.becomes(
            "the end of the dialog",
            "!document.querySelector('step-up')",
        )
        .await;
    }

    /// Into the frame with the prompt, once it shows `words`.
    pub(super) async fn enters_prompt(&self, words: &str) {
        until("the prompt", async || {
            self.leaves_prompt().await;
            self.in_dialog("iframe").await.enter_frame().await.ok()?;
            let text = self.browser.page_text().await;
            text.contains(words).then_some(())
        })
        .await;
    }

    /// Back to the page.
    pub(super) async fn leaves_prompt(&self) {
        self.browser
            .switch_to_window(self.window.clone())
            .await
            .unwrap();
    }

    /// Proves by password what the prompt says.
    pub(super) async fn proves(&self, words: &str) {
        self.enters_prompt(words).await;
        self.browser.fill("#password", PASSWORD).await;
        self.types("\u{e007}").await;
        self.leaves_prompt().await;
    }

    pub(super) async fn types(&self, text: &str) {
        let mut keys = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            keys = keys
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
        }
        self.browser.perform_actions(keys).await.unwrap();
    }

    /// What reached the application below `/act/`.
    pub(super) fn got(&self) -> Vec<Got> {
        let got = self.sidecar.upstream().got().into_iter();
        got.filter(|got| got.target.starts_with("/act/")).collect()
    }
}

/// `keep` has the outcome of a call kept; events and the number of dialogs are kept as well.
const KEEP: &str = r"
if (!window.kept) {
    window.kept = []
    window.events = []
    window.dialogs = 0
    for (const name of ['challenge', 'verified', 'cancelled'])
        document.addEventListener('stepup:' + name, it => events.push(name + ' ' + it.detail.problem.challenge.action))
    new MutationObserver(all => all.forEach(one => dialogs += [...one.addedNodes].filter(it => it.localName === 'step-up').length))
        .observe(document.documentElement, { childList: true })
    window.keep = promise => { promise.then(async it => kept.push([it.status, await it.json()]), it => kept.push([it.name])) }
}";
