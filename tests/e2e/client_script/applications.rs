//! Applications of one page, made with libraries from npm, that know nothing of Stepgate: as they are, and with the script in
//! their page.

use super::page::{Page, setup};
use crate::clients::Outcome;
use crate::support::node;
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

/// An application of one page: a button that deletes, a field with what came of it, a form that uploads.
struct Application {
    title: &'static str,
    packages: &'static str,
    path: &'static str,
    /// The same with the script.
    with_script: &'static str,
}

const APPLICATIONS: [Application; 3] = [
    Application {
        title: "React and axios",
        packages: "react@19.3.1, axios@1.21.1",
        path: "/react",
        with_script: "/react+",
    },
    Application {
        title: "Vue and `fetch`",
        packages: "vue@3.5.45",
        path: "/vue",
        with_script: "/vue+",
    },
    Application {
        title: "jQuery: `$.ajax`",
        packages: "jquery@4.0.0",
        path: "/jquery",
        with_script: "/jquery+",
    },
];

const PAGES: &[(&str, &str)] = &[
    (
        "/react",
        "<!doctype html><title>React</title><div id=app></div><script src=/bundle/react></script>",
    ),
    (
        "/vue",
        "<!doctype html><title>Vue</title><div id=app></div><script src=/bundle/vue></script>",
    ),
    ("/jquery", JQUERY),
];

const REACT: &str = r"
import { createElement as h, useState } from 'react'
import { createRoot } from 'react-dom/client'
import axios from 'axios'
function App() {
    const [said, say] = useState('nothing yet')
    const [file, setFile] = useState('')
    const show = call => call.then(it => say('done: ' + it.data.body), it => say('failed: ' + (it.response?.status ?? it.code)))
    return h('main', null,
        h('h1', null, 'Things'),
        h('input', { id: 'note', value: file, onChange: it => setFile(it.target.value) }),
        h('button', { id: 'go', onClick: () => show(axios.post('/act/one/thing', { note: file })) }, 'Go'),
        h('button', { id: 'all', onClick: () => show(Promise.all([1, 2, 3].map(n => axios.delete('/act/two/' + n))).then(() => ({ data: { body: 'all three' } }))) }, 'All'),
        h('p', { id: 'said' }, said))
}
createRoot(document.getElementById('app')).render(h(App))
";

const VUE: &str = r"
import { createApp, h } from 'vue'
createApp({
    data: () => ({ said: 'nothing yet', note: '' }),
    methods: {
        async call(method, path, body) {
            const headers = { 'Content-Type': 'application/json' }
            const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) })
            if (!answer.ok) throw answer.status
            return (await answer.json()).body
        },
        show(call) { call.then(it => { this.said = 'done: ' + it }, it => { this.said = 'failed: ' + it }) },
    },
    render() {
        const all = () => this.show(Promise.all([1, 2, 3].map(n => this.call('DELETE', '/act/two/' + n))).then(() => 'all three'))
        return h('main', [
            h('h1', 'Things'),
            h('input', { id: 'note', value: this.note, onInput: it => { this.note = it.target.value } }),
            h('button', { id: 'go', onClick: () => this.show(this.call('POST', '/act/one/thing', { note: this.note })) }, 'Go'),
            h('button', { id: 'all', onClick: all }, 'All'),
            h('p', { id: 'said' }, this.said),
        ])
    },
}).mount('#app')
";

const JQUERY: &str = r"<!doctype html><title>jQuery</title><script src=/packages/jquery/dist/jquery.min.js></script>
<main><h1>Things</h1><input id=note><button id=go>Go</button><button id=all>All</button><p id=said>nothing yet</p></main><script>
const show = call => call.then(it => $('#said').text('done: ' + it.body), it => $('#said').text('failed: ' + it.status))
$('#go').on('click', () => show($.ajax('/act/one/thing', { method: 'POST', contentType: 'application/json', data: JSON.stringify({ note: $('#note').val() }) })))
$('#all').on('click', () => show($.when(...[1, 2, 3].map(n => $.ajax('/act/two/' + n, { method: 'DELETE' }))).then(() => ({ body: 'all three' }))))
</script>";

/// The scripts of the applications that are bundled.
pub(super) fn bundle(name: &str) -> String {
    static BUNDLES: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);
    let mut bundles = BUNDLES.lock().unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/npm/index.js");
    let package = format!("import stepgate from '{folder}'; window.own = stepgate");
    let script = match name {
        "react" => REACT,
        "vue" => VUE,
        _ => &package,
    };
    let bundled = bundles.entry(name.to_owned());
    bundled.or_insert_with(|| node::bundle(script)).clone()
}

/// Has each refused, without the script and with it.
pub(crate) async fn journeys() -> Vec<Outcome> {
    let page = Page::of(setup(PAGES).run(), &[]).await;
    let mut outcomes = Vec::new();
    for one in APPLICATIONS {
        outcomes.push(one.without(&page).await);
    }
    for one in APPLICATIONS {
        outcomes.push(one.with(&page).await);
        let lock = "return fetch('/.stepup/lock', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }).then(it => it.status)";
        assert_eq!(page.runs(lock).await, 200);
    }
    outcomes
}

impl Application {
    fn outcome(&self, script: &str, seen: &'static str) -> Outcome {
        Outcome {
            client: format!("{}{script} ({})", self.title, self.packages),
            refusal: "403 with `application/problem+json`".to_owned(),
            seen,
        }
    }

    async fn without(&self, page: &Page) -> Outcome {
        page.goes_to(self.path).await;
        page.browser.fill("#note", "typed").await;
        page.browser.click("#go").await;
        page.browser.read("failed: 403").await;
        assert!(page.got().is_empty());
        self.outcome(
            "",
            "what the application shows of an error: nothing leads on",
        )
    }

    async fn with(&self, page: &Page) -> Outcome {
        let before = page.got().len();
        page.goes_to(self.with_script).await;
        page.browser.fill("#note", "typed").await;
        page.browser.click("#go").await;
        page.proves("Do one thing").await;
        page.browser.read("done: {\"note\":\"typed\"}").await;
        // Several at once.
        page.browser.click("#all").await;
        page.proves("Do another thing").await;
        page.browser.read("done: all three").await;
        page.has_no_dialog().await;
        assert_eq!(page.got().len(), before + 4, "{}", self.title);
        self.outcome(
            ", with [`client.js`](clients.md#single-page-applications)",
            "the prompt, in a dialog; then the call is repeated",
        )
    }
}
