//! Libraries of pages that make calls of their own in place of a browser's navigation, and how each is told to load
//! another page whole.
//!
//! One more library is one more row of [`LIBRARIES`], and a test with the library itself in `tests/e2e/clients`.

use http::HeaderValue;

/// A library, by what its calls bring.
#[derive(Debug)]
pub(crate) struct Library {
    /// Its name in messages and in the documentation.
    pub(crate) name: &'static str,
    /// A header of its calls, in lower case, and what its value contains; any of them tells it.
    sent: &'static [(&'static str, &'static str)],
    /// What it fetches by a safe method.
    pub(crate) fetches: Fetches,
    /// How it is told.
    pub(crate) told: Told,
}

/// What a library fetches by a safe method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fetches {
    /// What a browser could show under the same address.
    Pages,
    /// What stands inside a page alone.
    Parts,
}

/// How a library is told the address of a page that it is to load whole.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Told {
    /// By a header of a refusal without a body.
    Header(&'static str),
    /// By a header of a conflict without a body.
    Conflict(&'static str),
    /// By an answer of this media type, which looks successful: it reads no other.
    Body(&'static str, fn(&str) -> String),
    /// By HTML that it puts into its page, and headers: there browsers heed `<meta http-equiv=refresh>` (HTML, "Pragma
    /// directives") as at the head of a page, whatever the page's policy for scripts.
    Fragment(&'static [(&'static str, &'static str)]),
    /// By a redirect (RFC 9110 §15.4.4) that its own call follows; then it loads the page that it ended at.
    Redirect,
}

/// The libraries; the first that fits is it.
static LIBRARIES: [Library; 9] = [
    // https://htmx.org/reference/#request_headers
    Library {
        name: "htmx, boosted",
        sent: &[("hx-boosted", "true")],
        fetches: Fetches::Pages,
        told: Told::Header("hx-redirect"),
    },
    Library {
        name: "htmx",
        sent: &[("hx-request", "true")],
        fetches: Fetches::Parts,
        told: Told::Header("hx-redirect"),
    },
    // Turbo shows the answer to a form only where it was redirected. Our pages have `turbo-visit-control`, on which it
    // loads them whole, out of a frame too (https://turbo.hotwired.dev/reference/attributes).
    Library {
        name: "Turbo, in a frame",
        sent: &[("turbo-frame", "")],
        fetches: Fetches::Parts,
        told: Told::Redirect,
    },
    Library {
        name: "Turbo",
        sent: &[
            ("x-turbo-request-id", ""),
            ("accept", "text/vnd.turbo-stream.html"),
        ],
        fetches: Fetches::Pages,
        told: Told::Redirect,
    },
    // https://inertiajs.com/docs/the-protocol: "External redirects"
    Library {
        name: "Inertia",
        sent: &[("x-inertia", "true")],
        fetches: Fetches::Pages,
        told: Told::Conflict("x-inertia-location"),
    },
    // Jakarta Faces 4.0, §13.4.3 and "XML Schema Definition For Composite Components": `partial-response`.
    Library {
        name: "Jakarta Faces",
        sent: &[("faces-request", "partial/ajax")],
        fetches: Fetches::Parts,
        told: Told::Body("text/xml; charset=utf-8", partial_response),
    },
    // MicrosoftAjaxWebForms.js, `_parseDelta`
    Library {
        name: "ASP.NET UpdatePanel",
        sent: &[("x-microsoftajax", "Delta=true")],
        fetches: Fetches::Parts,
        told: Told::Body("text/plain; charset=utf-8", delta),
    },
    // https://unpoly.com/up.protocol: a layer of its own takes what no part of the page does.
    Library {
        name: "Unpoly",
        sent: &[("x-up-version", "")],
        fetches: Fetches::Pages,
        told: Told::Fragment(&[("x-up-open-layer", "{}"), ("x-up-target", "#step-up")]),
    },
    // Livewire from 3 on loads the page that its call was redirected to (js/request/index.js).
    Library {
        name: "Livewire",
        sent: &[("x-livewire", "")],
        fetches: Fetches::Parts,
        told: Told::Redirect,
    },
];

/// Tells Jakarta Faces of a page.
fn partial_response(url: &str) -> String {
    let url = url
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><partial-response><redirect url=\"{url}\"/></partial-response>"
    )
}

/// Tells ASP.NET of a page: length in UTF-16, type, id, content. Without the mark of version 4 no escapes are undone.
fn delta(url: &str) -> String {
    format!("{}|pageRedirect||{url}|", url.encode_utf16().count())
}

/// The place in the table of the library that a header tells, for [`Library::at`].
pub(crate) fn told_by(name: &str, value: &HeaderValue) -> Option<usize> {
    LIBRARIES.iter().position(|library| {
        let sent = library.sent.iter().find(|(known, _)| *known == name);
        sent.is_some_and(|(_, part)| value.to_str().is_ok_and(|value| value.contains(part)))
    })
}

impl PartialEq for Library {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Library {}

impl Library {
    /// Whether its own call follows redirects, and so gets our pages themselves.
    pub(crate) fn follows_redirects(&self) -> bool {
        matches!(self.told, Told::Redirect)
    }

    /// The library at a place in the table.
    pub(crate) fn at(place: usize) -> Option<&'static Self> {
        LIBRARIES.get(place)
    }
}
