//! Libraries of pages that make calls of their own in place of a browser's navigation, and how each is told to load
//! another page whole.
//!
//! One more library is one more row of [`LIBRARIES`], and a test with the library itself in `tests/e2e/clients`.

use http::HeaderValue;

/// A library, by what its calls bring.
#[derive(Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// By a header of a refusal without a body.
    ByHeader(&'static str),
    /// By a redirect (RFC 9110 §15.4.4) that its own call follows; then it loads the page that it ended at.
    ByRedirect,
}

/// The libraries; the first that fits is it.
static LIBRARIES: [Library; 4] = [
    // https://htmx.org/reference/#request_headers
    Library {
        name: "htmx, boosted",
        sent: &[("hx-boosted", "true")],
        fetches: Fetches::Pages,
        told: Told::ByHeader("hx-redirect"),
    },
    Library {
        name: "htmx",
        sent: &[("hx-request", "true")],
        fetches: Fetches::Parts,
        told: Told::ByHeader("hx-redirect"),
    },
    // Turbo shows the answer to a form only where it was redirected. Our pages have `turbo-visit-control`, on which it
    // loads them whole, out of a frame too (https://turbo.hotwired.dev/reference/attributes).
    Library {
        name: "Turbo, in a frame",
        sent: &[("turbo-frame", "")],
        fetches: Fetches::Parts,
        told: Told::ByRedirect,
    },
    Library {
        name: "Turbo",
        sent: &[
            ("x-turbo-request-id", ""),
            ("accept", "text/vnd.turbo-stream.html"),
        ],
        fetches: Fetches::Pages,
        told: Told::ByRedirect,
    },
];

/// The place in the table of the library that a header tells, for [`Library::at`].
pub(crate) fn told_by(name: &str, value: &HeaderValue) -> Option<usize> {
    LIBRARIES.iter().position(|library| {
        let sent = library.sent.iter().find(|(known, _)| *known == name);
        sent.is_some_and(|(_, part)| value.to_str().is_ok_and(|value| value.contains(part)))
    })
}

impl Library {
    /// The library at a place in the table.
    pub(crate) fn at(place: usize) -> Option<&'static Self> {
        LIBRARIES.get(place)
    }
}
