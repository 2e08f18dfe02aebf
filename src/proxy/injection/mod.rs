//! The tag of `client.js` in the pages of the application, where the settings want it (`client.inject`).
//!
//! Only documents get it that a browser asked for to show them, and whose policies let it run. Nothing but the tag is added, no policy
//! is changed, and what cannot be read is passed on as it came.

mod body;
mod csp;
mod etag;
mod gzip;
mod place;
mod stage;
mod tag;
#[cfg(test)]
mod tests;

pub(super) use body::{InjectedBody, Injector};

use crate::domain::{RequestPath, WatchedPath};
use crate::locale;
use crate::request::client_kind::ClientKind;
use crate::request::context::RequestContext;
use crate::transport::status_class::{is_shown_whole, is_unchanged};
use body::remove_digests;
use csp::Script;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Response};
use stage::Coding;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tag::Tag;

/// Which pages get the tag.
#[derive(Clone, Debug)]
pub struct InjectionOptions {
    /// Pages that get it.
    pub pages: Vec<WatchedPath>,
    /// Those of them that do not.
    pub except: Vec<WatchedPath>,
}

/// The reasons that were logged for which pages went without the tag.
#[derive(Debug, Default)]
pub struct InjectionNotes(AtomicU8);

/// What is meant for the answer to one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Injection {
    /// Whether a browser will show the answer.
    is_shown: bool,
}

/// Why a document goes without the tag, so that its operator should hear of it.
#[derive(Clone, Copy, Debug)]
enum Barred {
    Coding = 1,
    Policy = 2,
    Transform = 4,
}

impl InjectionOptions {
    /// What is meant for the answer to a request; `None` if its path is not one of the pages.
    pub(super) fn plan(
        &self,
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
    ) -> Option<Injection> {
        let is_among = |pages: &[WatchedPath]| {
            path.readings()
                .any(|reading| pages.iter().any(|page| page.covers(reading)))
        };
        if !is_among(&self.pages) || is_among(&self.except) {
            return None;
        }
        Some(Injection {
            is_shown: matches!(
                context.hints.kind,
                ClientKind::Navigation | ClientKind::Framed
            ),
        })
    }
}

impl Injection {
    /// Asks the application for an answer that the tag can go into, and by its own names for what the client has.
    pub(super) fn ask(self, headers: &mut HeaderMap) {
        let known = |line: &HeaderValue| etag::known(line, self.is_shown);
        if headers.contains_key(header::IF_NONE_MATCH) {
            let lines = headers.get_all(header::IF_NONE_MATCH).iter();
            let lines: Vec<_> = lines.filter_map(known).collect();
            headers.remove(header::IF_NONE_MATCH);
            if lines.is_empty() {
                // RFC 9110 §13.1.3: it would count now.
                headers.remove(header::IF_MODIFIED_SINCE);
            }
            for line in lines {
                headers.append(header::IF_NONE_MATCH, line);
            }
        }
        if let Some(line) = headers.remove(header::IF_RANGE) {
            match known(&line) {
                Some(line) => drop(headers.insert(header::IF_RANGE, line)),
                // A part of what the client does not have.
                None => drop(headers.remove(header::RANGE)),
            }
        }
        if self.is_shown && headers.contains_key(header::ACCEPT_ENCODING) {
            let coding = if takes_gzip(headers) {
                "gzip"
            } else {
                "identity"
            };
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(coding));
        }
    }

    /// What puts the tag into the body of the answer, if it is one that it goes into; its head then fits.
    pub(super) fn answer<B>(
        self,
        notes: &Arc<InjectionNotes>,
        context: &RequestContext<'_>,
        response: &mut Response<B>,
    ) -> Option<Injector> {
        let is_unchanged = is_unchanged(response.status());
        let is_html = is_html(response.headers());
        if is_html || is_unchanged {
            let depends_on = HeaderValue::from_static(DEPENDS_ON);
            response.headers_mut().append(header::VARY, depends_on);
        }
        if !self.is_shown {
            return None;
        }
        let judged = if is_html && is_document(response) {
            judge(context, response.headers())
        } else {
            Err(None)
        };
        let headers = response.headers_mut();
        mark(headers, judged.is_ok() || is_unchanged);
        match judged {
            Ok((coding, tag)) => {
                rewrite(headers);
                let notes = notes.clone();
                let path = context.path().to_owned();
                let on_barred = Box::new(move || notes.note(Barred::Policy, &path));
                Some(Injector::new(coding, tag, on_barred))
            }
            Err(barred) => {
                if let Some(barred) = barred {
                    notes.note(barred, context.path());
                }
                None
            }
        }
    }
}

impl InjectionNotes {
    /// Says once why pages go without the tag.
    fn note(&self, barred: Barred, path: &str) {
        let bit = barred as u8;
        if self.0.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        let (reason, hint) = match barred {
            Barred::Coding => (
                "its `Content-Encoding` is one that was not asked for",
                "pages may come in gzip, or unencoded",
            ),
            Barred::Policy => (
                "its `Content-Security-Policy` does not let the script run",
                "name `'self'` or a nonce in its `script-src`; an integrity policy must not cover scripts",
            ),
            Barred::Transform => (
                "it says `Cache-Control: no-transform`, or is signed",
                "put the tag into the page itself",
            ),
        };
        tracing::warn!(
            path,
            reason,
            hint,
            "a page went without the tag of client.js; others for this reason are not logged"
        );
    }
}

/// Whether the client takes gzip (RFC 9110 §12.5.3).
fn takes_gzip(headers: &HeaderMap) -> bool {
    let is_accepted = |wanted: &[&str]| {
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).find_map(|coding| {
            let mut parts = coding.split(';').map(str::trim);
            let name = parts.next()?;
            let is_wanted = wanted.iter().any(|word| name.eq_ignore_ascii_case(word));
            is_wanted.then(|| parts.find_map(locale::weight) != Some(0))
        })
    };
    is_accepted(&["gzip", "x-gzip"]).or_else(|| is_accepted(&["*"])) == Some(true)
}

/// `text/html`, and one type only. Not XHTML: a parser of XML reads it otherwise than `lol_html` does, and shows nothing of what is not
/// well-formed.
fn is_html(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(text) = only.to_str() else {
        return false;
    };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("text/html")
        && place::charset(text).is_none_or(place::is_ascii_compatible)
}

/// Whether the answer is a page that is shown, of any status.
fn is_document<B>(response: &Response<B>) -> bool {
    let headers = response.headers();
    // RFC 6266 §4.2: what is not `inline` is saved.
    let is_inline = |value: &HeaderValue| {
        let kind = value.as_bytes().split(|byte| *byte == b';').next();
        kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"inline"))
    };
    let mut dispositions = headers.get_all(header::CONTENT_DISPOSITION).iter();
    is_shown_whole(response.status())
        && dispositions.all(is_inline)
        && !headers.contains_key(header::CONTENT_RANGE)
}

/// What goes into a document, by its head.
fn judge(
    context: &RequestContext<'_>,
    headers: &HeaderMap,
) -> Result<(Coding, Tag), Option<Barred>> {
    let forbids = |value: &HeaderValue| {
        let mut words = value.as_bytes().split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
    };
    // RFC 9110 §7.7; RFC 9421.
    if headers.get_all(header::CACHE_CONTROL).iter().any(forbids) || headers.contains_key(SIGNATURE)
    {
        return Err(Some(Barred::Transform));
    }
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    let coding = match (codings.next().map(HeaderValue::as_bytes), codings.next()) {
        (None, _) => Coding::Identity,
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"identity") => Coding::Identity,
        (Some(coding), None)
            if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") =>
        {
            Coding::Gzip
        }
        (Some(_), _) => return Err(Some(Barred::Coding)),
    };
    let prefix = context.options.prefix_for(context.path());
    // It holds what the client chose: `//` in front names another host.
    let is_integral = |value: &HeaderValue| value.as_bytes().windows(6).any(|it| it == b"script");
    if prefix.starts_with("//") || headers.get_all(INTEGRITY).iter().any(is_integral) {
        return Err(Some(Barred::Policy));
    }
    let path = format!("{prefix}client.js");
    let policies = |name: HeaderName| {
        let lines = headers.get_all(name).iter();
        let lines = lines.filter_map(|line| line.to_str().ok());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let tag = Tag {
        script: Script::new(&context.origin(), &path),
        path,
        in_force: policies(header::CONTENT_SECURITY_POLICY),
        reporting: policies(header::CONTENT_SECURITY_POLICY_REPORT_ONLY),
    };
    if tag.markup(&[]).is_none() {
        return Err(Some(Barred::Policy));
    }
    Ok((coding, tag))
}

/// Takes from the head what is only true of the application's own bytes. Whether the tag goes in is known later.
fn rewrite(headers: &mut HeaderMap) {
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::ACCEPT_RANGES);
    remove_digests(headers);
}

/// Gives the entity tag of what is shown our mark. What is none is removed from other bytes than those that it was meant for.
fn mark(headers: &mut HeaderMap, is_changed: bool) {
    let Some(own) = headers.get(header::ETAG) else {
        return;
    };
    if let Some(marked) = etag::mark(own, is_changed) {
        headers.insert(header::ETAG, marked);
    } else if is_changed {
        headers.remove(header::ETAG);
    }
}

/// What decides whether the tag is in a page.
const DEPENDS_ON: &str = "Accept, Sec-Fetch-Mode, Sec-Fetch-Dest";
const INTEGRITY: HeaderName = HeaderName::from_static("integrity-policy");
const SIGNATURE: HeaderName = HeaderName::from_static("signature-input");
