//! The snippets of `docs/clients.md`, as they stand there: in pages of other origins in Chromium, and in Node.

use crate::support::browser::Browser;
use crate::support::node::node;
use crate::support::run;
use crate::support::sidecar::{self, ORIGIN, PASSWORD, Setup, Sidecar, USER};
use crate::support::store::Store;
use crate::support::temp::TempDir;
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use crate::support::upstream::{Got, Reply, Upstream, answer};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use tokio::task::spawn_blocking;

/// A page of the same site, which brings the cookies of the application.
const NEAR: &str = "http://front.app.test";
/// A page of another site, which brings none.
const FAR: &str = "http://elsewhere.test";
/// Nobody lists this one.
const UNLISTED: &str = "http://other.app.test";

const POLICY: &str = r"
version: 1
default: forward
routes:
  # It names no methods: the preflight is guarded as well.
  - { id: account, title: Delete your account, level: 3, match: { path: /api/account } }
  # It does: the preflight is the application's.
  - { id: pay, title: Pay, level: 4, match: { methods: [POST], path: /api/pay } }
";

/// A block of the guide that begins with these words.
fn snippet(kind: &str, words: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let page = fs::read_to_string(path).unwrap();
    let mut blocks = page.split("```").skip(1).step_by(2);
    let block = blocks.find_map(|block| {
        let block = block.strip_prefix(kind)?.strip_prefix('\n')?;
        block.starts_with(words).then(|| block.to_owned())
    });
    block.unwrap_or_else(|| panic!("no `{words}` in the guide"))
}

/// The application has a CORS of its own, for the pages that we list, too.
fn application(got: &Got) -> Reply {
    let origin = got.header("origin");
    if !got.target.starts_with("/api/") {
        return sidecar::application(got);
    }
    let mut headers = vec![("content-type", "text/plain"), ("vary", "Origin")];
    if [NEAR, FAR].contains(&origin) {
        headers.extend([
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            (
                "access-control-allow-headers",
                "content-type, authorization, step-up-key",
            ),
        ]);
    }
    answer(200, &headers, "it is done")
}

fn setup() -> Setup {
    sidecar::on(Store::Embedded)
        .line(&format!("cors_origins: [{NEAR}, {FAR}]"))
        .policy(POLICY)
        .application(application)
}

/// The pages of a single-page application: what they call is in the query.
fn pages() -> Upstream {
    let script = snippet("js", "// As fetch().");
    let page = format!(
        "<!doctype html><title>Front</title>{BODY}<script type=module>{script}{PAGE}</script>"
    );
    Upstream::start(move |_: &Got| {
        answer(200, &[("content-type", "text/html; charset=utf-8")], &page)
    })
}

const BODY: &str = "<button id=go>Go</button><p id=out></p><div id=dialog hidden><p id=about></p><p id=wrong></p><input id=password type=password><button id=prove>Confirm</button></div>";
const PAGE: &str = r"
const query = new URLSearchParams(location.search)
const options = { method: query.get('method'), headers: {} }
if (query.has('token')) options.headers.Authorization = `Bearer ${query.get('token')}`
else options.credentials = 'include'
if (query.has('body')) {
  options.body = query.get('body')
  options.headers['Content-Type'] = 'application/json'
}
const ask = (challenge, factors, problem) => new Promise((resolve) => {
  about.textContent = `${challenge.title}: ${factors.join(' or ')}`
  wrong.textContent = problem ? `${problem.reason}, ${problem.attempts_left} left` : ''
  dialog.hidden = false
  prove.onclick = () => {
    dialog.hidden = true
    resolve({ factor: 'password', answer: password.value })
  }
})
go.onclick = async () => {
  out.textContent = ''
  try {
    const answer = await provenFetch(query.get('url'), options, ask)
    const mark = answer.headers.get('Step-Up')
    out.textContent = `${answer.status} ${mark ?? 'of the application'}: ${await answer.text()}`
  } catch (error) {
    out.textContent = `nothing: ${error.name}`
  }
}
document.body.dataset.ready = 'yes'
";

/// A browser that finds each host.
async fn browser(sidecar: &Sidecar, pages: SocketAddr) -> Browser {
    let own = sidecar.addr();
    let rules = [
        format!("MAP app.test:80 {own}"),
        format!("MAP front.app.test:80 {pages}"),
        format!("MAP front.app.test:8081 {pages}"),
        format!("MAP other.app.test:80 {pages}"),
        format!("MAP elsewhere.test:80 {pages}"),
    ];
    let rules = format!("--host-resolver-rules={}", rules.join(","));
    Browser::open_with(&[&rules]).await
}

async fn log_in(browser: &Browser) {
    browser.goto(&format!("{ORIGIN}/login")).await.unwrap();
    let login = "const form = document.body.appendChild(document.createElement('form')); form.method = 'post'; form.action = '/login'; \
        form.innerHTML = '<input name=user value=alice><input name=password value=x>'; form.submit()";
    browser.execute(login, vec![]).await.unwrap();
    browser.read("done").await;
}

/// Opens the page of an origin, which is to make this call.
async fn open(browser: &Browser, origin: &str, call: &[(&str, &str)]) {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(call);
    let at = format!("{origin}/?{}", query.finish());
    browser.goto(&at).await.unwrap();
    browser.see("[data-ready]").await;
    browser.click("#go").await;
}

async fn prove(browser: &Browser, asked: &str, password: &str) {
    browser.read(asked).await;
    browser.fill("#password", password).await;
    browser.click("#prove").await;
}

#[test]
fn a_page_of_a_listed_origin_proves_and_repeats_and_others_get_nothing() {
    run(async {
        let (sidecar, pages) = (setup().run(), pages());
        let browser = browser(&sidecar, pages.addr()).await;
        log_in(&browser).await;
        let account = [("url", "http://app.test/api/account"), ("method", "DELETE")];
        let pay = [
            ("url", "http://app.test/api/pay"),
            ("method", "POST"),
            ("body", r#"{"sum":1}"#),
        ];

        open(&browser, NEAR, &account).await;
        prove(&browser, "Delete your account: password", "not it").await;
        prove(&browser, "wrong-answer, 4 left", PASSWORD).await;
        browser.read("200 of the application: it is done").await;
        // What was proved belongs to the browser: the next call for the same passes at once.
        browser.click("#go").await;
        browser.read("200 of the application: it is done").await;
        assert_eq!(sidecar.got("/api/account"), 2, "the preflight came through");

        open(&browser, NEAR, &pay).await;
        prove(&browser, "Pay: password", PASSWORD).await;
        browser.read("200 of the application: it is done").await;
        let got = sidecar.upstream().got();
        let paid: Vec<_> = got.iter().filter(|got| got.target == "/api/pay").collect();
        let posts: Vec<_> = paid.iter().filter(|got| got.method == "POST").collect();
        assert_eq!((posts.len(), &*posts[0].body), (1, &br#"{"sum":1}"#[..]));

        let status = [("url", "http://app.test/.stepup/status"), ("method", "GET")];
        for origin in [UNLISTED, "http://front.app.test:8081"] {
            for call in [&account[..], &pay, &status] {
                open(&browser, origin, call).await;
                browser.read("nothing: TypeError").await;
            }
        }
        assert_eq!(sidecar.got("/api/account"), 2);
        open(&browser, NEAR, &status).await;
        browser.read("200 done: {").await;
    });
}

#[test]
fn a_page_of_another_site_proves_with_its_token_and_the_key() {
    run(async {
        let issuer = Issuer::start();
        let jwt = format!(
            "jwt: {{ keys: {}, issuer: {ISSUER}, audience: {AUDIENCE} }}",
            issuer.keys()
        );
        let (sidecar, pages) = (setup().with("session", &jwt).run(), pages());
        let browser = browser(&sidecar, pages.addr()).await;
        let token = issuer.token(json!({}));
        for call in [
            &[("url", "http://app.test/api/account"), ("method", "DELETE")][..],
            &[
                ("url", "http://app.test/api/pay"),
                ("method", "POST"),
                ("body", "{}"),
            ],
        ] {
            let call = [call, &[("token", &*token)]].concat();
            open(&browser, FAR, &call).await;
            prove(&browser, ": password", PASSWORD).await;
            browser.read("200 of the application: it is done").await;
        }

        // The same in a program.
        let dir = TempDir::new("guide");
        dir.write(
            "guide.mjs",
            format!("{}{PROGRAM}", snippet("js", "// As fetch().")),
        );
        let mut script = node(&dir);
        script
            .arg("guide.mjs")
            .env("ADDRESS", sidecar.addr().to_string())
            .env("TOKEN", &token)
            .env("PASSWORD", PASSWORD);
        let output = spawn_blocking(move || script.output().unwrap())
            .await
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let told: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{errors}"));
        assert_eq!(
            told,
            json!({ "asked": ["Pay"], "status": 200, "said": "it is done", "given_up": 401 })
        );
        assert_eq!(USER, "alice");
    });
}

const PROGRAM: &str = r"
const { ADDRESS, TOKEN, PASSWORD } = process.env
const asked = []
const call = (ask) => provenFetch(`http://${ADDRESS}/api/pay`, {
  method: 'POST', body: 'sum=1', headers: { Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/x-www-form-urlencoded' },
}, ask)
const done = await call((challenge) => {
  asked.push(challenge.title)
  return { factor: 'password', answer: PASSWORD }
})
const given_up = await call(() => null)
console.log(JSON.stringify({ asked, status: done.status, said: await done.text(), given_up: given_up.status }))
";
