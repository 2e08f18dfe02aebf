//! Pages that use a library as its documentation says, and the application behind them.

use crate::support::node;
use crate::support::sidecar;
use crate::support::upstream::{Got, Reply, answer, text};
use std::fmt::Write;

/// A page with a library: where its action `#go` is refused at first.
pub(super) struct Page {
    /// What it stands for in paths, and the action in the policy.
    pub(super) name: &'static str,
    /// What it is called in the documentation.
    pub(super) title: &'static str,
    /// Its package, as `NAME@VERSION`.
    pub(super) package: &'static str,
    /// The files of packages that it loads.
    pub(super) scripts: &'static [&'static str],
    /// Its body. `ACT` is the guarded path.
    pub(super) body: &'static str,
    /// What the application answers to the action, once it may be done.
    pub(super) done: fn() -> Reply,
    /// Where the person is afterwards.
    pub(super) after: After,
}

/// Where a person is led after the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// To the page that they were on, at once.
    Back,
    /// To what they asked for.
    Onward,
    /// To the page that they were on, having read that what they filled in was not sent.
    Refill,
}

pub(super) const PAGES: [Page; 8] = [
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
];

/// The policy that guards each action.
pub(super) fn policy() -> String {
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
pub(super) fn application(got: &Got) -> Reply {
    let path = got.target.split('?').next().unwrap();
    let of = |prefix: &str| {
        let name = path.strip_prefix(prefix)?;
        PAGES.into_iter().find(|page| page.name == name)
    };
    if let Some(page) = of("/page/") {
        return html(&page.html());
    }
    if let Some(page) = of("/act/") {
        return (page.done)();
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
            "<!doctype html><title>Sign in</title><form method=post action=/login><input name=user>\
             <input name=password type=password><button id=go>Sign in</button></form>",
        ),
        ("POST", "/login") => {
            let cookie = format!("sid={}; Path=/; HttpOnly", sidecar::fresh_cookie());
            answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
        }
        ("GET", "/home") => html("<!doctype html><title>Home</title><p>welcome home</p>"),
        ("GET", "/done") => html("<!doctype html><title>Done</title><p>it is done</p>"),
        _ => text(404, "nothing here"),
    }
}

impl Page {
    fn html(&self) -> String {
        let mut page = format!("<!doctype html><html><head><title>{}</title>", self.title);
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
