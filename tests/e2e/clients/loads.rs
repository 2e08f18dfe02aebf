//! What a page loads without a call of its own (streams of events, workers, pictures, what is fetched ahead), and Google's
//! `grpc-web`, in Chromium: each is refused, and comes through after a proof.

use super::Outcome;
use super::pages::html;
use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::node;
use crate::support::sidecar::{self, KEY_COOKIE, ORIGIN, PASSWORD, Sidecar, USER};
use crate::support::store::Store;
use crate::support::upstream::{Got, Reply, answer, text};
use http::header::{CONTENT_LENGTH, COOKIE, HOST};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Something that a page loads from `/act/NAME`.
struct Load {
    name: &'static str,
    title: &'static str,
    /// The body of an asynchronous function: loads `at` and returns what the page notices.
    script: &'static str,
    /// What it notices of a refusal, and of what it wanted.
    noticed: [&'static str; 2],
    media_type: &'static str,
    content: &'static str,
    seen: &'static str,
}

const LOADS: [Load; 7] = [
    Load {
        name: "events",
        title: "`EventSource`",
        script: "const source = new EventSource(at); return new Promise((tell) => {
            source.onopen = () => { source.close(); tell('open') }
            source.onerror = () => tell(`error, readyState ${source.readyState}`) })",
        noticed: ["error, readyState 2", "open"],
        media_type: "text/event-stream",
        content: "data: 1\n\n",
        seen: "nothing: `error`, with `readyState` 2. It does not connect again: the page opens another after a proof",
    },
    Load {
        name: "worker",
        title: "a service worker's script",
        script: "const scope = '/act/'; return navigator.serviceWorker.register(at, { scope })
            .then((worker) => worker.unregister().then(() => 'registered'), (error) => error.name)",
        noticed: ["TypeError", "registered"],
        media_type: "text/javascript",
        content: "// nothing",
        seen: "nothing: `register` is rejected with `TypeError`",
    },
    Load {
        name: "beacon",
        title: "`navigator.sendBeacon`",
        script: "return String(navigator.sendBeacon(at, 'x'))",
        noticed: ["true", "true"],
        media_type: "text/plain",
        content: "",
        seen: "nothing, and the page is not told either: what it sent is lost. Leave such paths unguarded, or call `fetch`",
    },
    Load {
        name: "picture",
        title: "`<img>`",
        script: "const image = new Image(); return new Promise((tell) => {
            image.onload = () => tell(`load ${image.naturalWidth}`)
            image.onerror = () => tell('error')
            image.src = at })",
        noticed: ["error", "load 7"],
        media_type: "image/svg+xml",
        content: "<svg xmlns='http://www.w3.org/2000/svg' width='7' height='7'/>",
        seen: "a picture that is not there: `error`",
    },
    Load {
        name: "script",
        title: "`<script>`",
        script: "const script = document.createElement('script'); return new Promise((tell) => {
            script.onload = () => tell(`load ${window.ran}`)
            script.onerror = () => tell('error')
            script.src = at; document.head.append(script) })",
        noticed: ["error", "load 7"],
        media_type: "text/javascript",
        content: "window.ran = 7",
        seen: "whatever the page does without it: `error`, and nothing runs",
    },
    Load {
        name: "style",
        title: "`<link rel=stylesheet>`",
        script: "const link = document.createElement('link'); link.rel = 'stylesheet'; return new Promise((tell) => {
            link.onload = () => tell('load')
            link.onerror = () => tell('error')
            link.href = at; document.head.append(link) })",
        noticed: ["error", "load"],
        media_type: "text/css",
        content: "p { color: red }",
        seen: "the page without it: `error`",
    },
    Load {
        name: "manifest",
        title: "a web manifest, with `crossorigin=use-credentials`",
        script: "const link = document.createElement('link'); link.rel = 'manifest'; link.crossOrigin = 'use-credentials'
            link.href = at; document.head.append(link); return 'told'",
        noticed: ["told", "told"],
        media_type: "application/manifest+json",
        content: "{\"name\": \"The application\"}",
        seen: "a site that cannot be installed. Without that attribute browsers bring no cookies, and nobody is signed in (401): leave it unguarded",
    },
];

/// What is fetched before somebody asks for it; it is a link on the page as well.
const AHEAD: [(&str, &str, &str); 2] = [
    (
        "prefetch",
        "`<link rel=prefetch>`, and then the link",
        "const link = document.createElement('link'); link.rel = 'prefetch'; link.href = at; document.head.append(link)",
    ),
    (
        "prerender",
        "prerendering by speculation rules, and then the link",
        "const rules = document.createElement('script'); rules.type = 'speculationrules'
         rules.textContent = JSON.stringify({ prerender: [{ urls: [at], eagerness: 'immediate' }] }); document.head.append(rules)",
    ),
];

fn policy() -> String {
    let names = LOADS.iter().map(|load| load.name);
    let names = names.chain(AHEAD.map(|(name, ..)| name));
    let names = names.chain(["plain-manifest"]);
    let routes = names.map(|name| {
        format!("  - {{ id: {name}, title: Load it, action: load, level: 3, match: {{ path: /act/{name} }} }}\n")
    });
    let rpc = "  - { id: rpc, title: Change the notes, level: 3, match: { path: /google.rpc.Notes/Do } }\n";
    format!(
        "version: 1\ndefault: forward\nroutes:\n{}{rpc}",
        routes.collect::<String>()
    )
}

fn application(got: &Got) -> Reply {
    let path = got.target.split('?').next().unwrap();
    if let Some(load) = LOADS
        .iter()
        .find(|load| path.strip_prefix("/act/") == Some(load.name))
    {
        return answer(200, &[("content-type", load.media_type)], load.content);
    }
    match path {
        "/login" => super::pages::application(got),
        "/home" => html("<!doctype html><title>Home</title><p>welcome home</p>"),
        "/act/prefetch" | "/act/prerender" => {
            html("<!doctype html><title>Done</title><p>it is done</p>")
        }
        "/page" => html(
            "<!doctype html><title>A page</title><a id=prefetch href=/act/prefetch>one</a><a id=prerender href=/act/prerender>two</a>",
        ),
        "/rpc" => html("<!doctype html><title>Calls</title><script src=/rpc.js></script>"),
        "/rpc.js" => {
            static BUNDLE: OnceLock<String> = OnceLock::new();
            let script = BUNDLE.get_or_init(|| node::bundle(GRPC_WEB));
            answer(200, &[("content-type", "text/javascript")], script)
        }
        _ => text(404, "nothing here"),
    }
}

pub(super) async fn outcomes() -> Vec<Outcome> {
    let sidecar = sidecar::on(Store::Embedded)
        .policy(&policy())
        .application(application)
        .run();
    let resolved = format!("--host-resolver-rules=MAP app.test:80 {}", sidecar.addr());
    // Service workers want a secure context.
    let secure = format!("--unsafely-treat-insecure-origin-as-secure={ORIGIN}");
    let browser = Browser::open_with(&[&resolved, &secure]).await;
    browser.goto(&format!("{ORIGIN}/login")).await.unwrap();
    browser.fill("[name=user]", USER).await;
    browser.fill("[name=password]", "App-pass-1!").await;
    browser.click("#go").await;
    browser.read("welcome home").await;
    browser.goto(&format!("{ORIGIN}/page")).await.unwrap();
    for load in &LOADS {
        load.try_at(&browser, &sidecar, false).await;
        assert_eq!(sidecar.got(&format!("/act/{}", load.name)), 0);
    }
    manifest_without_cookies(&browser, &sidecar).await;
    let mut ahead = Vec::new();
    for (name, title, script) in AHEAD {
        follow_what_was_fetched_ahead(&browser, &sidecar, name, script).await;
        ahead.push(Outcome {
            client: format!("{title} (Chromium)"),
            refusal: "403 with `application/problem+json`, which nobody sees".to_owned(),
            seen: "the prompt, when the link is followed: what was fetched ahead is not used",
        });
    }
    browser.fill("#password", PASSWORD).await;
    browser.click("form[action$='/verify'] button").await;
    browser.read("it is done").await;
    browser.goto(&format!("{ORIGIN}/page")).await.unwrap();
    let mut outcomes = Vec::new();
    for load in &LOADS {
        load.try_at(&browser, &sidecar, true).await;
        outcomes.push(Outcome {
            client: format!("{} (Chromium)", load.title),
            refusal: load.refusal(&sidecar).await,
            seen: load.seen,
        });
    }
    outcomes.append(&mut ahead);
    outcomes.extend(grpc_web(&browser).await);
    outcomes
}

/// Browsers bring no cookies for a manifest that its link does not ask them for.
async fn manifest_without_cookies(browser: &Browser, sidecar: &Sidecar) {
    let script =
        "const link = document.createElement('link'); link.rel = 'manifest'; link.href = at
        document.querySelector('[rel=manifest]').replaceWith(link)";
    evaluate(browser, script, "plain-manifest").await;
    let manifest = browser.devtools("Page.getAppManifest", json!({})).await;
    assert!(
        manifest["url"]
            .as_str()
            .unwrap()
            .ends_with("/act/plain-manifest")
    );
    let decided = sidecar.decisions("/act/plain-manifest", 1);
    assert_eq!(decided[0]["reason"], "session-required");
}

/// Runs the body of a function with `at` in the page.
async fn evaluate(browser: &Browser, script: &str, name: &str) -> Value {
    let run = format!(
        "const [at, tell] = arguments; (async () => {{ {script} }})().then(tell, (error) => tell(`${{error}}`))"
    );
    let at = json!(format!("/act/{name}"));
    browser.execute_async(&run, vec![at]).await.unwrap()
}

impl Load {
    async fn try_at(&self, browser: &Browser, sidecar: &Sidecar, is_proven: bool) {
        let path = format!("/act/{}", self.name);
        let noticed = evaluate(browser, self.script, self.name).await;
        assert_eq!(
            noticed,
            self.noticed[usize::from(is_proven)],
            "{}",
            self.title
        );
        if self.name == "manifest" {
            // Browsers load one when they are about to offer that the site be installed.
            let manifest = browser.devtools("Page.getAppManifest", json!({})).await;
            let data = manifest["data"].as_str().unwrap_or_default();
            assert_eq!(data.contains("The application"), is_proven, "{manifest}");
        }
        let decided = sidecar.decisions(&path, 1 + usize::from(is_proven));
        let outcome = &decided.last().unwrap()["outcome"];
        assert_eq!(
            outcome,
            if is_proven { "forwarded" } else { "challenged" },
            "{}",
            self.title
        );
    }

    /// What the refusal was: the same request once more, of somebody who has proved nothing.
    async fn refusal(&self, sidecar: &Sidecar) -> String {
        let path = format!("/act/{}", self.name);
        let got = sidecar.upstream().got().into_iter();
        let sent = got.rev().find(|got| got.target == path).unwrap();
        let client: Client = sidecar.client();
        client.log_in(USER).await;
        assert!(client.cookie(KEY_COOKIE).is_some());
        let mut request = client.request(sent.method.clone(), &path, sent.body.clone());
        for (name, value) in &sent.headers {
            if ![HOST, COOKIE, CONTENT_LENGTH].contains(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let refused = client.send(request).await;
        assert_eq!(
            refused.header("step-up"),
            "challenge",
            "{}: {refused:?}",
            self.title
        );
        format!(
            "{} with `{}`",
            refused.status.as_u16(),
            refused.header("content-type")
        )
    }
}

/// The browser fetches ahead and is refused; the link itself leads to the prompt.
async fn follow_what_was_fetched_ahead(
    browser: &Browser,
    sidecar: &Sidecar,
    name: &str,
    script: &str,
) {
    browser.goto(&format!("{ORIGIN}/page")).await.unwrap();
    evaluate(browser, script, name).await;
    let ahead = sidecar.decisions(&format!("/act/{name}"), 1);
    assert_eq!(ahead[0]["reason"], "step-up-required", "{name}");
    browser.click(&format!("#{name}")).await;
    browser.see("#password").await;
    let url = browser.current_url().await.unwrap();
    assert_eq!(url.path(), "/.stepup/challenge", "{name}");
    assert_eq!(sidecar.got(&format!("/act/{name}")), 0);
}

/// Calls as its README says, and tells what the client makes of the refusal.
const GRPC_WEB: &str = r"
import { GrpcWebClientBase, MethodDescriptor, MethodType } from 'grpc-web'
const at = '/google.rpc.Notes/Do'
const of = (type) => new MethodDescriptor(at, type, Object, Object, () => new Uint8Array(), () => ({}))
const read = (bytes) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(bytes), (char) => char.charCodeAt(0))))
const told = (error) => ({ code: error.code, message: error.message, problem: read(error.metadata['step-up-problem-bin']) })
window.calls = async () => {
  const all = {}
  for (const format of ['binary', 'text']) {
    const client = new GrpcWebClientBase({ format })
    all[format] = await new Promise((tell) => client.rpcCall(at, {}, {}, of(MethodType.UNARY), (error) => tell(error ? told(error) : 'not refused')))
    if (format === 'text') all.stream = await new Promise((tell) => {
      const stream = client.serverStreaming(at, {}, {}, of(MethodType.SERVER_STREAMING))
      stream.on('error', (error) => tell(told(error)))
      stream.on('end', () => tell('not refused'))
    })
  }
  return JSON.stringify(all)
}
";

async fn grpc_web(browser: &Browser) -> Vec<Outcome> {
    browser.goto(&format!("{ORIGIN}/rpc")).await.unwrap();
    let told = evaluate(browser, "return window.calls()", "").await;
    let told: Value =
        serde_json::from_str(told.as_str().unwrap()).unwrap_or_else(|_| panic!("{told}"));
    ["binary", "text", "stream"]
        .into_iter()
        .map(|way| {
            let error = &told[way];
            assert_eq!(error["code"], 16, "{told}");
            assert_eq!(error["message"], "“Change the notes” needs a fresh proof of identity.");
            let problem = &error["problem"];
            assert_eq!(problem["reason"], "step-up-required");
            assert!(problem["challenge"]["verify_url"].is_string(), "{problem}");
            let way = if way == "stream" { "text, a stream" } else { way };
            Outcome {
                client: format!("gRPC-Web, {way} (grpc-web)"),
                refusal: "`UNAUTHENTICATED` (16), with the problem document in `metadata['step-up-problem-bin']`".to_owned(),
                seen: "what the program shows; its details name the prompt",
            }
        })
        .collect()
}
