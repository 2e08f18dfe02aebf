//! Pages that use a library as its documentation says, and the application behind them.

use crate::client_script::WITH_SCRIPT;
use crate::support::node;
use crate::support::sidecar;
use crate::support::upstream::{Got, Reply, answer, text};
use std::fmt::Write;
use std::sync::OnceLock;

/// A page with a library: where its action `#go` is refused at first.
pub(crate) struct Page {
    /// What it stands for in paths, and the action in the policy.
    pub(crate) name: &'static str,
    /// What it is called in the documentation.
    pub(crate) title: &'static str,
    /// Its package, as `NAME@VERSION`.
    pub(crate) package: &'static str,
    /// The files of packages that it loads.
    pub(crate) scripts: &'static [&'static str],
    /// Its body. `ACT` is the guarded path.
    pub(crate) body: &'static str,
    /// What the application answers to the action, once it may be done.
    pub(crate) done: fn() -> Reply,
    /// Where the person is afterwards.
    pub(crate) after: After,
}

/// Where a person is led after the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// To the page that they were on, at once.
    Back,
    /// To what they asked for.
    Onward,
    /// To the page that they were on, having read that what they filled in was not sent.
    Refill,
}

pub(crate) const PAGES: [Page; 14] = [
    Page {
        name: "htmx",
        title: "htmx 2: a form",
        package: "htmx.org@2.0.11",
        scripts: &["htmx.org/dist/htmx.min.js"],
        body: "<form hx-post=ACT><input id=note name=note><button id=go>Go</button></form>",
        done: || html("<p>it is done</p>"),
        after: After::Refill,
    },
    Page {
        name: "htmx-button",
        title: "htmx 2: a button without fields",
        package: "htmx.org@2.0.11",
        scripts: &["htmx.org/dist/htmx.min.js"],
        body: "<button id=go hx-delete=ACT>Go</button>",
        done: || html("<p>it is done</p>"),
        after: After::Back,
    },
    Page {
        name: "htmx-boosted",
        title: "htmx 2: a boosted link",
        package: "htmx.org@2.0.11",
        scripts: &["htmx.org/dist/htmx.min.js"],
        body: "<div hx-boost=true><a id=go href=ACT>Go</a></div>",
        done: || html("<!doctype html><title>Done</title><p>it is done</p>"),
        after: After::Onward,
    },
    Page {
        name: "htmx4",
        title: "htmx 4: a form",
        package: "htmx.org@4.0.1",
        scripts: &["htmx4/dist/htmx.min.js"],
        body: "<form hx-post=ACT><input id=note name=note><button id=go>Go</button></form>",
        done: || html("<p>it is done</p>"),
        after: After::Refill,
    },
    Page {
        name: "turbo",
        title: "Turbo: a form",
        package: "@hotwired/turbo@8.0.23",
        scripts: &["@hotwired/turbo/dist/turbo.es2017-umd.js"],
        body: "<form method=post action=ACT><input id=note name=note><button id=go>Go</button></form>",
        done: || answer(303, &[("location", "/done")], ""),
        after: After::Refill,
    },
    Page {
        name: "turbo-link",
        title: "Turbo: a link",
        package: "@hotwired/turbo@8.0.23",
        scripts: &["@hotwired/turbo/dist/turbo.es2017-umd.js"],
        body: "<a id=go href=ACT data-turbo-prefetch=false>Go</a>",
        done: || html("<!doctype html><title>Done</title><p>it is done</p>"),
        after: After::Onward,
    },
    Page {
        name: "turbo-frame",
        title: "Turbo: a form in a frame",
        package: "@hotwired/turbo@8.0.23",
        scripts: &["@hotwired/turbo/dist/turbo.es2017-umd.js"],
        body: "<turbo-frame id=part><form method=post action=ACT><input id=note name=note><button id=go>Go</button></form></turbo-frame>",
        done: || html("<turbo-frame id=part>it is done</turbo-frame>"),
        after: After::Refill,
    },
    Page {
        name: "turbo-part",
        title: "Turbo: a link in a frame",
        package: "@hotwired/turbo@8.0.23",
        scripts: &["@hotwired/turbo/dist/turbo.es2017-umd.js"],
        body: "<turbo-frame id=part><a id=go href=ACT>Go</a></turbo-frame>",
        done: || html("<turbo-frame id=part>it is done</turbo-frame>"),
        after: After::Back,
    },
    Page {
        name: "inertia",
        title: "Inertia with Vue: a form",
        package: "@inertiajs/vue3@3.7.1",
        scripts: &["inertia.js"],
        body: r#"<script data-page="app" type="application/json">{"component":"Notes","props":{"errors":{}},"url":"/page/inertia?x=1","version":"1"}</script><div id=app></div>"#,
        done: || answer(303, &[("location", "/inertia-done")], ""),
        after: After::Refill,
    },
    Page {
        name: "unpoly",
        title: "Unpoly: a form",
        package: "unpoly@3.14.3",
        scripts: &["unpoly/unpoly.min.js"],
        body: "<main><form up-submit method=post action=ACT><input id=note name=note><button id=go>Go</button></form></main>",
        done: || html("<main>it is done</main>"),
        after: After::Refill,
    },
    Page {
        name: "unpoly-link",
        title: "Unpoly: a link",
        package: "unpoly@3.14.3",
        scripts: &["unpoly/unpoly.min.js"],
        body: "<main><a id=go up-follow href=ACT>Go</a></main>",
        done: || html("<!doctype html><title>Done</title><main>it is done</main>"),
        after: After::Onward,
    },
    Page {
        name: "faces",
        title: "Jakarta Faces (MyFaces): `faces.ajax.request`",
        package: "jsf.js_next_gen@4.0.5-beta.6",
        scripts: &["jsf.js_next_gen/dist/window/faces-development.js"],
        body: "<form id=f method=post action=ACT><input id=note name=note><input type=hidden name=jakarta.faces.ViewState value=1>\
            <button id=go type=button onclick=\"faces.ajax.request(this, event, {execute: '@form', render: 'out'})\">Go</button>\
            <p id=out></p></form>",
        done: || {
            let update = "<?xml version=\"1.0\"?><partial-response><changes><update id=\"out\"><![CDATA[<p id=\"out\">it is done</p>]]>\
                </update></changes></partial-response>";
            answer(200, &[("content-type", "text/xml")], update)
        },
        after: After::Refill,
    },
    Page {
        name: "update-panel",
        title: "ASP.NET UpdatePanel: a postback",
        package: "in no registry: by the format that MicrosoftAjaxWebForms.js reads",
        scripts: &[],
        body: r"<input id=note><button id=go>Go</button><p id=out></p><script>
            go.onclick = async () => {
                const headers = { 'X-MicrosoftAjax': 'Delta=true', 'X-Requested-With': 'XMLHttpRequest' }
                const answer = await fetch('ACT', { method: 'POST', headers, body: new URLSearchParams({ note: note.value }) })
                if (answer.status !== 200) return
                let text = await answer.text()
                while (text) {
                    const [, length, type, rest] = text.match(/^(\d+)\|([^|]*)\|[^|]*\|([^]*)$/)
                    const content = rest.slice(0, +length)
                    if (rest[length] !== '|') throw 'no delta'
                    if (type === 'pageRedirect') location.href = content
                    if (type === 'updatePanel') out.textContent = content
                    text = rest.slice(+length + 1)
                }
            }</script>",
        done: || text(200, "10|updatePanel|out|it is done|"),
        after: After::Refill,
    },
    Page {
        name: "livewire",
        title: "Livewire 3: a call of a component",
        package: "in no registry: as its js/request/index.js calls",
        scripts: &[],
        body: r"<input id=note><button id=go>Go</button><p id=out></p><script>
            go.onclick = async () => {
                const headers = { 'Content-type': 'application/json', 'X-Livewire': '' }
                const answer = await fetch('ACT', { method: 'POST', headers, body: JSON.stringify({ components: note.value }) })
                const content = await answer.text()
                if (!answer.ok) throw 'the failure modal'
                if (answer.redirected) location.href = answer.url
                out.textContent = JSON.parse(content).out
            }</script>",
        done: || {
            answer(
                200,
                &[("content-type", "application/json")],
                r#"{"out": "it is done"}"#,
            )
        },
        after: After::Refill,
    },
];

/// An application with Inertia, as <https://inertiajs.com/docs/client-side-setup> says.
const INERTIA: &str = r"
import { createApp, h } from 'vue'
import { createInertiaApp, router } from '@inertiajs/vue3'
const Notes = {
    props: { done: String },
    render() {
        const go = () => router.post('/act/inertia', { note: 'typed' })
        return h('div', [h('input', { id: 'note' }), h('button', { id: 'go', onClick: go }, 'Go'), h('p', this.done)])
    },
}
createInertiaApp({
    resolve: () => Notes,
    setup: ({ el, App, props, plugin }) => createApp({ render: () => h(App, props) }).use(plugin).mount(el),
})
";

/// The policy that guards each action.
pub(crate) fn policy() -> String {
    let mut policy = "version: 1\ndefault: forward\nroutes:\n".to_owned();
    for Page { name, .. } in PAGES {
        writeln!(
            policy,
            "  - {{ id: {name}, title: Do it, level: 3, match: {{ path: /act/{name} }} }}"
        )
        .unwrap();
    }
    policy
}

/// The application.
pub(crate) fn application(got: &Got) -> Reply {
    let path = got.target.split('?').next().unwrap();
    let of = |prefix: &str| {
        let name = path.strip_prefix(prefix)?;
        PAGES.into_iter().find(|page| page.name == name)
    };
    if let Some(page) = of("/page/") {
        let has_script = got.target.ends_with("script=1");
        let script = if has_script { WITH_SCRIPT } else { "" };
        return html(&page.html(script));
    }
    if let Some(page) = of("/act/") {
        return (page.done)();
    }
    if let Some(file) = path.strip_prefix("/packages/") {
        let script = if file == "inertia.js" {
            static BUNDLE: OnceLock<String> = OnceLock::new();
            BUNDLE.get_or_init(|| node::bundle(INERTIA)).clone()
        } else {
            node::file(file)
        };
        return answer(200, &[("content-type", "text/javascript")], &script);
    }
    match (got.method.as_str(), path) {
        ("GET", "/login") => html(
            "<!doctype html><title>Sign in</title><form method=post action=/login><input name=user>\
             <input name=password type=password><button id=go>Sign in</button></form>",
        ),
        ("POST", "/login") => {
            let cookie = format!("sid={}; Path=/; HttpOnly", sidecar::fresh_cookie());
            answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
        }
        ("GET", "/home") => html("<!doctype html><title>Home</title><p>welcome home</p>"),
        ("GET", "/inertia-done") => {
            let page = r#"{"component":"Notes","props":{"errors":{},"done":"it is done"},"url":"/inertia-done","version":"1"}"#;
            let headers = [("content-type", "application/json"), ("x-inertia", "true")];
            answer(200, &headers, page)
        }
        ("GET", "/done") => html("<!doctype html><title>Done</title><p>it is done</p>"),
        _ => text(404, "nothing here"),
    }
}

impl Page {
    fn html(&self, script: &str) -> String {
        let mut page = format!("<!doctype html><html><head><title>A page</title>{script}");
        for script in self.scripts {
            write!(page, "<script src=/packages/{script} defer></script>").unwrap();
        }
        let body = self.body.replace("ACT", &format!("/act/{}", self.name));
        write!(page, "</head><body>{body}</body></html>").unwrap();
        page
    }
}

pub(super) fn html(page: &str) -> Reply {
    answer(200, &[("content-type", "text/html; charset=utf-8")], page)
}
