//! The kind of client behind a request, which decides the form of our own responses.

use crate::domain::Method;
use crate::locale::Locale;
use crate::request::accept::{asks_for_json, prefers_html};
use crate::request::library::{self, Fetches, Library};
use crate::request::program::{Program, Shows, opens_pages};
use crate::request::rpc::Rpc;
use http::header::{HeaderMap, HeaderValue};

/// What the headers of a request tell of its client. Decides the form of our own responses, never access.
#[derive(Clone, Debug)]
pub(crate) struct ClientHints {
    /// The kind of client.
    pub(crate) kind: ClientKind,
    /// Whether the method is safe (RFC 9110 §9.2.1).
    pub(crate) safe: bool,
    /// Where the request comes from, by `Sec-Fetch-Site`.
    pub(crate) site: FetchSite,
    /// Whether nobody asked for it yet: a browser fetches ahead what a person may ask for.
    pub(crate) speculative: bool,
    /// Who makes the call once more after a proof.
    pub(crate) repeated: Repeated,
    /// Whether the request tells a window from a frame.
    pub(crate) destination: Destination,
    /// The program on a command line, if it is one that shows less than a document, or nothing of it.
    pub(crate) program: Option<&'static Program>,
    /// Whether it has a person open a page, and waits for what comes of that, as npm does.
    pub(crate) opens_pages: bool,
    language: Option<HeaderValue>,
    origin: Option<HeaderValue>,
    page: Option<HeaderValue>,
}

/// The kind of client; the first test of [`kind`] that fits decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    /// Sends `Authorization`, as no browser does by itself, of another scheme than `Bearer`. Its programs take a 401 for
    /// a wrong password. It is given its key in the verify response.
    Api,
    /// Sends a token (RFC 6750): the same, but answered with 401 (RFC 9470).
    Bearer,
    /// A script in a page, or a command-line client.
    Fetch,
    /// A page in a frame of another page.
    Framed,
    /// A library in a page, which can be told to load another page.
    Library(&'static Library),
    /// A person in a browser window.
    Navigation,
    /// gRPC and its relatives.
    Rpc(Rpc),
    /// A WebSocket handshake.
    WebSocket,
}

/// Who makes a refused call once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// The person, or their program.
    ByOthers,
    /// `client.js`, which waits for the answer.
    ByScript,
}

/// Where the answer is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// By the kind of client, or it comes from no browser that tells.
    Told,
    /// In a window or a frame: a service worker passed the request on.
    Untold,
}

/// The origin of a request by `Sec-Fetch-Site`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchSite {
    /// From another site, or another host of this one.
    Other,
    /// From our own origin, or from the address bar (`none`).
    Own,
    /// No header: not a browser, an old one, or plain http.
    Absent,
}

/// The first line of each header that tells of the client; found in one pass, as every request needs it.
#[derive(Default)]
struct HintHeaders<'h> {
    accept: Option<&'h HeaderValue>,
    agent: Option<&'h HeaderValue>,
    auth_type: Option<&'h HeaderValue>,
    authorization: Option<&'h HeaderValue>,
    client: Option<&'h HeaderValue>,
    connect: Option<&'h HeaderValue>,
    content_type: Option<&'h HeaderValue>,
    fetch_dest: Option<&'h HeaderValue>,
    fetch_mode: Option<&'h HeaderValue>,
    fetch_site: Option<&'h HeaderValue>,
    language: Option<&'h HeaderValue>,
    /// The place in the table of the first library that is told.
    library: Option<usize>,
    origin: Option<&'h HeaderValue>,
    page: Option<&'h HeaderValue>,
    purpose: Option<&'h HeaderValue>,
    referer: Option<&'h HeaderValue>,
    requested_with: Option<&'h HeaderValue>,
    upgrade: Option<&'h HeaderValue>,
    /// A second `Origin` or `Sec-Fetch-Site` line; RFC 6454 §7.3 allows one.
    doubled: bool,
}

impl<'h> HintHeaders<'h> {
    fn of(headers: &'h HeaderMap) -> Self {
        let mut lines = Self::default();
        for (name, value) in headers {
            if let Some(place) = library::told_by(name.as_str(), value) {
                let first = lines.library.map_or(place, |found| found.min(place));
                lines.library = Some(first);
            }
            let known = match name.as_str() {
                "accept" => &mut lines.accept,
                "accept-language" => &mut lines.language,
                "authorization" => &mut lines.authorization,
                "connect-protocol-version" => &mut lines.connect,
                "content-type" => &mut lines.content_type,
                "hx-current-url" => &mut lines.page,
                "npm-auth-type" => &mut lines.auth_type,
                "origin" => &mut lines.origin,
                "sec-purpose" | "purpose" | "x-sec-purpose" | "x-purpose" | "x-moz"
                | "hx-preloaded" => &mut lines.purpose,
                "referer" => &mut lines.referer,
                "sec-fetch-dest" => &mut lines.fetch_dest,
                "sec-fetch-mode" => &mut lines.fetch_mode,
                "sec-fetch-site" => &mut lines.fetch_site,
                "step-up-client" => &mut lines.client,
                "upgrade" => &mut lines.upgrade,
                "user-agent" => &mut lines.agent,
                "x-requested-with" => &mut lines.requested_with,
                _ => continue,
            };
            if known.is_none() {
                *known = Some(value);
            } else {
                lines.doubled |= matches!(name.as_str(), "origin" | "sec-fetch-site");
            }
        }
        lines
    }
}

impl ClientKind {
    /// The library, if it is one.
    pub(crate) fn library(self) -> Option<&'static Library> {
        if let Self::Library(library) = self {
            Some(library)
        } else {
            None
        }
    }
}

impl ClientHints {
    /// Reads them from a request.
    pub(crate) fn of(method: Option<Method>, headers: &HeaderMap) -> Self {
        let lines = HintHeaders::of(headers);
        let program = lines.agent.and_then(Program::of);
        // What shows a whole document may have asked for a page.
        let kind = kind(&lines, program.filter(|it| it.shows != Shows::Document));
        let page = lines.page.filter(|_| kind.library().is_some());
        Self {
            kind,
            safe: method.is_some_and(Method::is_safe),
            site: site(&lines),
            speculative: lines.purpose.is_some_and(is_speculative),
            repeated: if lines.client.is_some() {
                Repeated::ByScript
            } else {
                Repeated::ByOthers
            },
            destination: if kind == ClientKind::Navigation && is_relayed(&lines) {
                Destination::Untold
            } else {
                Destination::Told
            },
            program: program.filter(|program| is_answered(program, kind, &lines)),
            opens_pages: opens_pages(lines.auth_type, lines.agent),
            language: lines.language.cloned(),
            origin: if lines.doubled {
                // As from a page with an opaque origin, which never equals ours.
                Some(HeaderValue::from_static("null"))
            } else {
                lines.origin.cloned()
            },
            page: page.or(lines.referer).cloned(),
        }
    }

    /// Whether a library is told to load the prompt. What was typed in its page is lost by that, so `client.js` is let
    /// repeat a call that does not only go to another page.
    pub(crate) fn leads_on(&self, library: &Library) -> bool {
        self.repeated == Repeated::ByOthers || (self.safe && library.fetches == Fetches::Pages)
    }

    /// The language that is preferred.
    pub(crate) fn locale(&self) -> Locale {
        let wanted = self.language.as_ref().and_then(|line| line.to_str().ok());
        Locale::from_accept_language(wanted.unwrap_or_default())
    }

    /// The `Origin` of the request.
    pub(crate) fn origin(&self) -> Option<&HeaderValue> {
        self.origin.as_ref()
    }

    /// The address of the page that the request was sent from, as it says itself (RFC 9110 §10.1.3).
    pub(crate) fn page(&self) -> Option<&HeaderValue> {
        self.page.as_ref()
    }

    /// Whether the response is shown as a page.
    pub(crate) fn reads_pages(&self) -> bool {
        match self.kind {
            ClientKind::Navigation | ClientKind::Framed => true,
            // No other asks for one of our pages itself.
            ClientKind::Library(library) => library.follows_redirects(),
            ClientKind::Api
            | ClientKind::Bearer
            | ClientKind::Fetch
            | ClientKind::Rpc(_)
            | ClientKind::WebSocket => false,
        }
    }
}

/// Whether a program is answered in its own form: not if it asks for JSON, and its form is none.
fn is_answered(program: &Program, kind: ClientKind, lines: &HintHeaders<'_>) -> bool {
    match kind {
        ClientKind::Api | ClientKind::Bearer | ClientKind::Fetch => {
            program.shows.is_json() || !asks_for_json(lines.accept)
        }
        ClientKind::Framed
        | ClientKind::Library(_)
        | ClientKind::Navigation
        | ClientKind::Rpc(_)
        | ClientKind::WebSocket => false,
    }
}

/// `Sec-Purpose: prefetch` (Fetch), also with `;prerender`; older browsers have names of their own for it, as scripts
/// have, which cannot send that one: `X-Sec-Purpose` (Turbo), `Purpose` (Inertia), `HX-Preloaded: true` (htmx).
fn is_speculative(purpose: &HeaderValue) -> bool {
    let purpose = purpose.as_bytes().to_ascii_lowercase();
    [&b"prefetch"[..], b"prerender", b"preview", b"true"]
        .iter()
        .any(|word| purpose.starts_with(word))
}

fn kind(lines: &HintHeaders<'_>, program: Option<&Program>) -> ClientKind {
    // Those that cannot show a page come first: a wrong guess in their favor is a JSON document in
    // a window, and one against them a page that no program reads.
    let mode = lines.fetch_mode.map(HeaderValue::as_bytes);
    let is_websocket = |upgrade: &[u8]| upgrade.eq_ignore_ascii_case(b"websocket");
    if lines
        .upgrade
        .map(HeaderValue::as_bytes)
        .is_some_and(is_websocket)
        || mode == Some(b"websocket")
    {
        ClientKind::WebSocket
    } else if let Some(media_type) = lines.content_type
        && let Some(rpc) = Rpc::of(media_type, lines.connect.is_some())
    {
        ClientKind::Rpc(rpc)
    } else if let Some(sent) = lines.authorization
        && !(program.is_none() && is_of_browser(sent, lines))
    {
        if is_of_scheme(sent, &["bearer"]) {
            ClientKind::Bearer
        } else {
            ClientKind::Api
        }
    } else if let Some(library) = lines.library.and_then(Library::at)
        // What is fetched ahead leads nobody anywhere, and only scripts send what tells a library.
        && !lines.purpose.is_some_and(is_speculative)
        && mode != Some(b"navigate")
    {
        ClientKind::Library(library)
    } else if let Some(mode) = mode {
        match (mode, lines.fetch_dest.map(HeaderValue::as_bytes)) {
            (_, Some(b"iframe" | b"frame" | b"embed" | b"object")) => ClientKind::Framed,
            (b"navigate", Some(b"document") | None) => ClientKind::Navigation,
            (b"navigate", _) if is_relayed(lines) => ClientKind::Navigation,
            _ => ClientKind::Fetch,
        }
    } else if lines.requested_with.is_some() || program.is_some() || !prefers_html(lines.accept) {
        // A program that reads pages, as pip does, reads none of ours.
        ClientKind::Fetch
    } else {
        ClientKind::Navigation
    }
}

/// Whether a service worker passes a navigation on: it keeps the mode, and not the destination (Fetch, "new Request").
/// What is saved in place of shown (`<a download>`) comes alike, but does not ask for a page.
fn is_relayed(lines: &HintHeaders<'_>) -> bool {
    lines.fetch_dest.is_some_and(|dest| dest == "empty") && prefers_html(lines.accept)
}

/// Whether a browser adds `Authorization` by itself, to whatever a page or a person asks for (RFC 7617 §2.2).
fn is_of_browser(authorization: &HeaderValue, lines: &HintHeaders<'_>) -> bool {
    let is_added = is_of_scheme(authorization, &["basic", "digest", "negotiate", "ntlm"]);
    // Only browsers can send the first.
    is_added && (lines.fetch_mode.is_some() || prefers_html(lines.accept))
}

/// RFC 9110 §11.1: the scheme, in any letter case.
fn is_of_scheme(authorization: &HeaderValue, schemes: &[&str]) -> bool {
    let scheme = authorization.as_bytes().split(|byte| *byte == b' ').next();
    schemes
        .iter()
        .any(|known| scheme.is_some_and(|it| it.eq_ignore_ascii_case(known.as_bytes())))
}

fn site(lines: &HintHeaders<'_>) -> FetchSite {
    match lines.fetch_site.map(HeaderValue::as_bytes) {
        Some(_) if lines.doubled => FetchSite::Other,
        None => FetchSite::Absent,
        Some(b"same-origin" | b"none") => FetchSite::Own,
        Some(_) => FetchSite::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn kind_of(lines: &[(&'static str, &'static str)]) -> ClientKind {
        let headers = lines.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let headers = headers.collect();
        let lines = HintHeaders::of(&headers);
        kind(
            &lines,
            lines
                .agent
                .and_then(Program::of)
                .filter(|it| it.shows != Shows::Document),
        )
    }

    #[test]
    fn of_two_origins_none_is_ours() {
        let lines = [
            ("origin", "https://app.test"),
            ("sec-fetch-site", "same-origin"),
        ];
        for (name, value) in [
            ("origin", "https://evil.test"),
            ("origin", "https://app.test"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in lines.into_iter().chain([(name, value)]) {
                headers.append(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            let hints = ClientHints::of(Some(Method::Post), &headers);
            assert_eq!(hints.origin().unwrap(), "null", "{name}");
            assert_eq!(hints.site, FetchSite::Other, "{name}");
        }
    }

    #[test]
    fn the_first_test_that_fits_decides() {
        let page = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        let navigate = ("sec-fetch-mode", "navigate");
        let cases: &[(&[(&str, &str)], ClientKind)] = &[
            (
                &[("upgrade", "WebSocket"), ("authorization", "x")],
                ClientKind::WebSocket,
            ),
            (&[("sec-fetch-mode", "websocket")], ClientKind::WebSocket),
            (
                &[("content-type", "application/grpc+proto")],
                ClientKind::Rpc(Rpc::Grpc),
            ),
            (
                &[("content-type", "application/grpc-web+proto"), navigate],
                ClientKind::Rpc(Rpc::GrpcWeb),
            ),
            (
                &[("content-type", "application/grpc-web-text")],
                ClientKind::Rpc(Rpc::GrpcWebText),
            ),
            (
                &[
                    ("content-type", "application/json; charset=utf-8"),
                    ("connect-protocol-version", "1"),
                ],
                ClientKind::Rpc(Rpc::Connect),
            ),
            (
                &[("content-type", "application/connect+json")],
                ClientKind::Rpc(Rpc::ConnectStream { json: true }),
            ),
            (&[("content-type", "application/json")], ClientKind::Fetch),
            (
                &[("authorization", "Bearer x"), navigate],
                ClientKind::Bearer,
            ),
            (&[("authorization", "bearer x")], ClientKind::Bearer),
            (&[("authorization", "Bearerx")], ClientKind::Api),
            (&[("authorization", "token x")], ClientKind::Api),
            (&[("authorization", "DPoP x"), page], ClientKind::Api),
            (
                &[("authorization", "Basic x"), navigate],
                ClientKind::Navigation,
            ),
            (
                &[("authorization", "NEGOTIATE x"), ("accept", "text/html")],
                ClientKind::Navigation,
            ),
            (&[("authorization", "Basic x")], ClientKind::Api),
            (&[("authorization", "Basicx"), navigate], ClientKind::Api),
            (
                &[navigate, ("sec-fetch-dest", "document")],
                ClientKind::Navigation,
            ),
            (
                &[navigate, ("sec-fetch-dest", "iframe")],
                ClientKind::Framed,
            ),
            (
                &[navigate, ("sec-fetch-dest", "empty"), page],
                ClientKind::Navigation,
            ),
            (&[navigate, ("sec-fetch-dest", "empty")], ClientKind::Fetch),
            (
                &[
                    ("sec-fetch-mode", "same-origin"),
                    ("sec-fetch-dest", "empty"),
                    page,
                ],
                ClientKind::Fetch,
            ),
            (&[("sec-fetch-mode", "cors"), page], ClientKind::Fetch),
            (
                &[("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")],
                ClientKind::Fetch,
            ),
            (
                &[("x-requested-with", "XMLHttpRequest"), page],
                ClientKind::Fetch,
            ),
            (&[("accept", "application/json")], ClientKind::Fetch),
            (
                &[("accept", "application/json, text/html;q=0.5")],
                ClientKind::Fetch,
            ),
            (&[("accept", "*/*")], ClientKind::Fetch),
            (&[], ClientKind::Fetch),
            (&[page], ClientKind::Navigation),
            (&[("hx-request", "false")], ClientKind::Fetch),
            (
                &[("hx-request", "true"), ("x-sec-purpose", "prefetch")],
                ClientKind::Fetch,
            ),
            (
                &[("hx-request", "true"), ("authorization", "Bearer x")],
                ClientKind::Bearer,
            ),
            (&[("hx-request", "true"), navigate], ClientKind::Navigation),
        ];
        for (lines, expected) in cases {
            let lines: Vec<(&'static str, &'static str)> = lines.to_vec();
            assert_eq!(kind_of(&lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn libraries_are_told_by_what_their_calls_bring() {
        let cors = ("sec-fetch-mode", "cors");
        let turbo_stream = ("accept", "text/vnd.turbo-stream.html, text/html");
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("hx-request", "true"), cors], "htmx"),
            (
                &[("hx-request", "true"), ("hx-boosted", "true")],
                "htmx, boosted",
            ),
            (&[turbo_stream], "Turbo"),
            (
                &[turbo_stream, cors, ("turbo-frame", "x")],
                "Turbo, in a frame",
            ),
            (&[("x-turbo-request-id", "1"), cors], "Turbo"),
            (
                &[
                    ("x-inertia", "true"),
                    ("x-requested-with", "XMLHttpRequest"),
                ],
                "Inertia",
            ),
            (&[("faces-request", "partial/ajax")], "Jakarta Faces"),
            (&[("x-microsoftajax", "Delta=true")], "ASP.NET UpdatePanel"),
            (&[("x-up-version", "3.14.3"), cors], "Unpoly"),
            (&[("x-livewire", ""), cors], "Livewire"),
            (
                &[
                    ("x-turbo-request-id", "1"),
                    ("authorization", "Basic x"),
                    cors,
                ],
                "Turbo",
            ),
        ];
        for (lines, name) in cases {
            let lines: Vec<(&'static str, &'static str)> = lines.to_vec();
            let ClientKind::Library(library) = kind_of(&lines) else {
                panic!("{name} is not told by {lines:?}");
            };
            assert_eq!(library.name, *name);
        }
    }
}
