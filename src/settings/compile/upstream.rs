//! The application's side: where it is, how long it may take, and what it needs.

use super::Draft;
use crate::domain::{Accept, Leniency};
use crate::request::headers::is_plain;
use crate::request::{ForwardedStyle, NotPassed, RewriteUrls, may_pass, may_remove};
use crate::settings::raw::{RawAccept, RawForwarded, RawHeaders, RawRewriteUrls, RawUpstream};
use crate::tls::client_config;
use crate::transport::{Target, UpstreamOptions};
use crate::yaml::{OneOrMore, Path, clip};
use std::time::Duration;

/// What the section means.
pub(super) struct Upstream {
    pub(super) options: UpstreamOptions,
    pub(super) accept: Accept,
    pub(super) request: Option<Duration>,
    pub(super) tunnel_silence: Duration,
    pub(super) forwarded: ForwardedStyle,
    pub(super) rewrite_urls: RewriteUrls,
    pub(super) pass: Vec<String>,
    pub(super) remove: Vec<String>,
}

/// Where other proxies forward (`forwards_nothing`), there need not be any.
pub(super) fn compile(
    raw: Option<&RawUpstream>,
    forwards_nothing: bool,
    draft: &mut Draft<'_>,
) -> Option<Upstream> {
    let hint = "where the application listens, such as `upstream: { url: http://127.0.0.1:8000 }`";
    let default = RawUpstream::default();
    if raw.is_none() && !forwards_nothing {
        draft.missing(&Path::root(), "upstream", hint);
        return None;
    }
    let raw = raw.unwrap_or(&default);
    let section = Path::root().key("upstream");
    let at = |field: &str| section.key(field);
    let secs = Duration::from_secs;
    let target: Option<Target> = match &raw.url {
        None if forwards_nothing => Some(Target::Absent),
        url => {
            let url = draft.needed(url.as_ref(), &section, "url", hint);
            url.and_then(|url| draft.parse(url, &at("url")))
        }
    };
    let ca = raw.ca.as_ref();
    let ca = ca.and_then(|ca| draft.existing(ca, &at("ca")));
    let is_https = matches!(target, Some(Target::Https { .. }));
    // It would have no effect, although somebody means to have TLS here.
    if ca.is_some() && target.is_some() && !is_https {
        let message = "`ca` is for an upstream with `https://`";
        draft.file.report(at("ca"), message);
    }
    // The file is read now, so that `stepgate check` finds one that holds no certificate.
    let tls = is_https.then(|| client_config(ca.as_deref()));
    let tls = tls.transpose().unwrap_or_else(|error| {
        let field = if ca.is_some() { "ca" } else { "url" };
        draft
            .file
            .report(at(field), crate::telemetry::chain(&error));
        None
    });
    let connect = draft.span(raw.connect, secs(5), &at("connect"));
    let response = draft.span(raw.response, secs(60), &at("response"));
    let progress = draft.span(raw.progress, secs(60), &at("progress"));
    let keep_alive = draft.span(raw.keep_alive, secs(30), &at("keep_alive"));
    let max_connections = draft.count(raw.max_connections, 1_000, &at("max_connections"));
    let max_headers = draft.count(raw.max_headers, 100, &at("max_headers"));
    // No limit for the whole by default: a download may take long, and `progress` ends one that
    // stalls.
    let request = draft.span_if_set(raw.request, &at("request"));
    let tunnel_silence = draft.span(raw.tunnel_silence, secs(3600), &at("tunnel_silence"));
    let rewrite_urls = rewrite_urls(raw, draft);
    let (pass, remove) = headers(raw.headers.as_ref(), draft);
    let accept = accept(raw.accept.as_ref(), draft);
    Some(Upstream {
        options: UpstreamOptions {
            target: target?,
            tls,
            connect,
            response,
            progress,
            keep_alive,
            max_connections,
            max_headers,
        },
        accept,
        request,
        tunnel_silence,
        forwarded: match raw.forwarded {
            Some(RawForwarded::Both) => ForwardedStyle::Both,
            Some(RawForwarded::Rfc7239) => ForwardedStyle::Rfc7239,
            Some(RawForwarded::XForwarded) | None => ForwardedStyle::XForwarded,
        },
        rewrite_urls,
        pass,
        remove,
    })
}

/// The names that are passed on although they would be removed, and those that are removed as well.
fn headers(raw: Option<&RawHeaders>, draft: &mut Draft<'_>) -> (Vec<String>, Vec<String>) {
    let default = RawHeaders::default();
    let raw = raw.unwrap_or(&default);
    let pass = names(raw.pass.as_ref(), "pass", may_pass, draft);
    let remove = names(raw.remove.as_ref(), "remove", may_remove, draft);
    for name in pass.iter().filter(|name| is_plain(name)) {
        let message = format!(
            "the application may take `{}` for the path or the host, and no route guards against that",
            clip(name)
        );
        draft.file.warn("upstream.headers.pass", message);
    }
    (pass, remove)
}

fn names(
    written: Option<&OneOrMore<String>>,
    field: &str,
    may: impl Fn(&str) -> Result<(), NotPassed>,
    draft: &mut Draft<'_>,
) -> Vec<String> {
    let at = Path::root().key("upstream").key("headers").key(field);
    let mut names = Vec::new();
    for (at, text) in written.iter().flat_map(|list| list.with_paths(&at)) {
        let Some(name) = draft.header(text, &at) else {
            continue;
        };
        if let Err(why) = may(name.as_str()) {
            let message = format!("`{}` cannot be named here: it {why}", clip(text));
            let hint = "docs/headers.md lists what is removed, and why";
            draft.file.report_with_hint(&at, message, hint);
        }
        names.push(name.as_str().to_owned());
    }
    names
}

fn rewrite_urls(raw: &RawUpstream, draft: &mut Draft<'_>) -> RewriteUrls {
    match raw.rewrite_urls {
        Some(RawRewriteUrls::Pass) => {
            let message = "the application may take such a header for the path, and no route \
                           guards against that";
            draft.file.warn("upstream.rewrite_urls", message);
            RewriteUrls::Pass
        }
        Some(RawRewriteUrls::Proxies) => {
            let message = "the proxies in front must remove such headers from what clients send";
            draft.file.note("upstream.rewrite_urls", message);
            RewriteUrls::Proxies
        }
        Some(RawRewriteUrls::Remove) | None => RewriteUrls::Remove,
    }
}

fn accept(raw: Option<&RawAccept>, draft: &mut Draft<'_>) -> Accept {
    let default = RawAccept::default();
    let raw = raw.unwrap_or(&default);
    let mut switch = |written: Option<bool>, field: &str| {
        if written != Some(true) {
            return Leniency::Refuse;
        }
        let at = Path::root().key("upstream").key("accept").key(field);
        let message = "applications disagree about what such a path means; guarded routes are \
                       guarded under every reading, yet refusing is safer";
        draft.file.warn(at, message);
        Leniency::Read
    };
    Accept {
        backslashes: switch(raw.backslashes, "backslashes"),
        controls: switch(raw.controls, "controls"),
        dot_segments: switch(raw.dot_segments, "dot_segments"),
        fragments: switch(raw.fragments, "fragments"),
        invalid_utf8: switch(raw.invalid_utf8, "invalid_utf8"),
        malformed_escapes: switch(raw.malformed_escapes, "malformed_escapes"),
        raw_bytes: switch(raw.raw_bytes, "raw_bytes"),
        unicode_escapes: switch(raw.unicode_escapes, "unicode_escapes"),
    }
}
