//! Who hears a refusal, and in which form (the first test that fits decides).

use crate::domain::Method;
use crate::locale::{self, Locale};
use http::header::{HeaderMap, HeaderValue};

/// Who asked, as far as the form of our own answers depends on it. None of it grants anything.
#[derive(Clone, Debug)]
pub(crate) struct Audience {
    /// The kind of client.
    pub(crate) kind: ClientKind,
    /// Whether the request only asked to see something (RFC 9110 §9.2.1).
    pub(crate) safe: bool,
    /// Whether the request came from a page of our own origin, as browsers tell.
    pub(crate) site: FetchSite,
    language: Option<HeaderValue>,
    origin: Option<HeaderValue>,
}

/// Who was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    /// Carries `Authorization`; hears 401 (RFC 9470) and gets its key in the verify response.
    Api,
    /// A script in a page, or a command-line client.
    Fetch,
    /// A page inside another page.
    Framed,
    /// gRPC.
    Grpc,
    /// A person in a browser window.
    Navigation,
    /// A WebSocket handshake.
    WebSocket,
}

/// Where a browser says that a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FetchSite {
    /// From another site, or another host of this one.
    Other,
    /// From our own origin, or from the address bar.
    Own,
    /// It is no browser, or an old one, or on plain http.
    Untold,
}

/// What a request says of its client, each header's first line; found in one pass, since it is looked for
/// in every request.
#[derive(Default)]
struct Told<'h> {
    accept: Option<&'h HeaderValue>,
    authorization: Option<&'h HeaderValue>,
    content_type: Option<&'h HeaderValue>,
    fetch_dest: Option<&'h HeaderValue>,
    fetch_mode: Option<&'h HeaderValue>,
    fetch_site: Option<&'h HeaderValue>,
    language: Option<&'h HeaderValue>,
    origin: Option<&'h HeaderValue>,
    requested_with: Option<&'h HeaderValue>,
    upgrade: Option<&'h HeaderValue>,
    /// A second line that says where the request comes from: RFC 6454 §7.3 allows one.
    doubled: bool,
}

impl<'h> Told<'h> {
    fn by(headers: &'h HeaderMap) -> Self {
        let mut told = Self::default();
        for (name, value) in headers {
            let known = match name.as_str() {
                "accept" => &mut told.accept,
                "accept-language" => &mut told.language,
                "authorization" => &mut told.authorization,
                "content-type" => &mut told.content_type,
                "origin" => &mut told.origin,
                "sec-fetch-dest" => &mut told.fetch_dest,
                "sec-fetch-mode" => &mut told.fetch_mode,
                "sec-fetch-site" => &mut told.fetch_site,
                "upgrade" => &mut told.upgrade,
                "x-requested-with" => &mut told.requested_with,
                _ => continue,
            };
            if known.is_none() {
                *known = Some(value);
            } else {
                told.doubled |= matches!(name.as_str(), "origin" | "sec-fetch-site");
            }
        }
        told
    }
}

impl Audience {
    /// Reads who asks.
    pub(crate) fn of(method: Option<Method>, headers: &HeaderMap) -> Self {
        let told = Told::by(headers);
        Self {
            kind: kind(&told),
            safe: method.is_some_and(Method::is_safe),
            site: site(&told),
            language: told.language.cloned(),
            origin: if told.doubled {
                // As if from a page without an origin, which is not ours.
                Some(HeaderValue::from_static("null"))
            } else {
                told.origin.cloned()
            },
        }
    }

    /// The language they want.
    pub(crate) fn locale(&self) -> Locale {
        let wanted = self.language.as_ref().and_then(|line| line.to_str().ok());
        Locale::from_accept_language(wanted.unwrap_or_default())
    }

    /// The origin of the page that asks, if a browser tells.
    pub(crate) fn origin(&self) -> Option<&HeaderValue> {
        self.origin.as_ref()
    }

    /// Whether a person reads the answer in a window of their own.
    pub(crate) fn reads_pages(&self) -> bool {
        matches!(self.kind, ClientKind::Navigation | ClientKind::Framed)
    }
}

fn kind(told: &Told<'_>) -> ClientKind {
    let mode = told.fetch_mode.map(HeaderValue::as_bytes);
    let is_websocket = |upgrade: &[u8]| upgrade.eq_ignore_ascii_case(b"websocket");
    if told
        .upgrade
        .map(HeaderValue::as_bytes)
        .is_some_and(is_websocket)
        || mode == Some(b"websocket")
    {
        ClientKind::WebSocket
    } else if told
        .content_type
        .and_then(|kind| kind.as_bytes().get(..16))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application/grpc"))
    {
        ClientKind::Grpc
    } else if told.authorization.is_some() {
        ClientKind::Api
    } else if let Some(mode) = mode {
        match (mode, told.fetch_dest.map(HeaderValue::as_bytes)) {
            (_, Some(b"iframe" | b"frame" | b"embed" | b"object")) => ClientKind::Framed,
            (b"navigate", Some(b"document") | None) => ClientKind::Navigation,
            _ => ClientKind::Fetch,
        }
    } else if told.requested_with.is_some() || !prefers_html(told.accept) {
        ClientKind::Fetch
    } else {
        ClientKind::Navigation
    }
}

fn site(told: &Told<'_>) -> FetchSite {
    match told.fetch_site.map(HeaderValue::as_bytes) {
        Some(_) if told.doubled => FetchSite::Other,
        None => FetchSite::Untold,
        Some(b"same-origin" | b"none") => FetchSite::Own,
        Some(_) => FetchSite::Other,
    }
}

/// RFC 9110 §12.5.1, as far as it matters: HTML is named, and not behind JSON.
fn prefers_html(accept: Option<&HeaderValue>) -> bool {
    let Some(accept) = accept.and_then(|accept| accept.to_str().ok()) else {
        return false;
    };
    let weight = |wanted: &[&str]| {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next()?;
            let quality = parts.find_map(locale::weight).unwrap_or(1000);
            let is_wanted = wanted.iter().any(|known| kind.eq_ignore_ascii_case(known));
            is_wanted.then_some(quality)
        });
        ranges.max().unwrap_or(0)
    };
    let html = weight(&["text/html", "application/xhtml+xml"]);
    html > 0 && html >= weight(&["application/json", "application/problem+json"])
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
        kind(&Told::by(&headers.collect()))
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
            let told = Audience::of(Some(Method::Post), &headers);
            assert_eq!(told.origin().unwrap(), "null", "{name}");
            assert_eq!(told.site, FetchSite::Other, "{name}");
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
                ClientKind::Grpc,
            ),
            (&[("authorization", "Bearer x"), navigate], ClientKind::Api),
            (
                &[navigate, ("sec-fetch-dest", "document")],
                ClientKind::Navigation,
            ),
            (
                &[navigate, ("sec-fetch-dest", "iframe")],
                ClientKind::Framed,
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
        ];
        for (lines, expected) in cases {
            let lines: Vec<(&'static str, &'static str)> = lines.to_vec();
            assert_eq!(kind_of(&lines), *expected, "{lines:?}");
        }
    }
}
