//! Removes from a request what ends at this hop, before anything else reads it.

use super::names::{Class, classify, folded, is_plain};
use super::{HeaderRules, Peer, RewriteUrls};
use http::header::{self, HeaderMap, HeaderName};

/// A `Connection` header that names what must not be taken away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`Connection` names `{0}`, which does not end at this hop")]
pub(crate) struct ProtectedHeader(String);

/// Removes what ends at this hop and what a client must not send, before anything else reads the headers.
pub(crate) fn cleanse(
    headers: &mut HeaderMap,
    rules: &HeaderRules,
    peer: Peer,
) -> Result<(), ProtectedHeader> {
    let removed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_removed(name.as_str(), rules, peer))
        .inspect(|name| {
            if !is_plain(name.as_str()) {
                tracing::debug!(header = %name, "not passed on: its name is read as another's; see `upstream.headers.pass`");
            }
        })
        .cloned()
        .collect();
    // `Connection` itself is removed; most requests have none.
    if removed.contains(&header::CONNECTION) {
        for name in named_by_connection(headers)? {
            headers.remove(name);
        }
    }
    for name in removed {
        headers.remove(name);
    }
    Ok(())
}

/// A header that a trusted proxy would send on to the application and we would remove, be it by another spelling.
pub(crate) fn unremovable<'h>(
    headers: &'h HeaderMap,
    rules: &HeaderRules,
) -> Option<&'h HeaderName> {
    headers.keys().find(|name| {
        let name = name.as_str();
        let ends_here = is_plain(name) && classify(name) == Class::Hop;
        !ends_here && is_removed(name, rules, Peer::Trusted)
    })
}

/// The names listed in `Connection` that are in the message. RFC 9110 §7.6.1: they end here; but a
/// client could take away what the decision or the application rests on, and that is refused.
fn named_by_connection(headers: &HeaderMap) -> Result<Vec<HeaderName>, ProtectedHeader> {
    let mut named = Vec::new();
    for value in headers.get_all(header::CONNECTION) {
        for word in value
            .as_bytes()
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
        {
            if word.is_empty()
                || word.eq_ignore_ascii_case(b"keep-alive")
                || word.eq_ignore_ascii_case(b"close")
                || word.eq_ignore_ascii_case(b"upgrade")
            {
                continue;
            }
            let Ok(name) = HeaderName::from_bytes(word) else {
                continue;
            };
            if is_protected(name.as_str()) {
                return Err(ProtectedHeader(name.as_str().to_owned()));
            }
            named.push(name);
        }
    }
    Ok(named)
}

fn is_protected(name: &str) -> bool {
    let request = [
        "accept",
        "authorization",
        "cache-control",
        "cookie",
        "host",
        "origin",
        "referer",
    ];
    request.contains(&name)
        || name.starts_with("content-")
        || name.starts_with("sec-")
        || name.starts_with("step-up")
        || name.starts_with("x-")
        || matches!(
            classify(name),
            Class::Forwarding | Class::Identity | Class::Own
        )
}

fn is_removed(name: &str, rules: &HeaderRules, peer: Peer) -> bool {
    if is_ordinary(name) && rules.identity.is_empty() && rules.remove.is_empty() {
        return false;
    }
    if !is_plain(name) {
        return !rules.passes(name) || class_by_rules(&folded(name), rules) != Class::EndToEnd;
    }
    match class_by_rules(name, rules) {
        Class::EndToEnd => false,
        Class::Forwarding | Class::Identity => peer == Peer::Anyone,
        Class::Hop | Class::Own => true,
        Class::Rewrite => match rules.rewrite_urls {
            RewriteUrls::Pass => false,
            RewriteUrls::Proxies => peer == Peer::Anyone && !rules.passes(name),
            RewriteUrls::Remove => !rules.passes(name),
        },
    }
}

/// What browsers send with nearly every request, recognized without a search.
pub(super) fn is_ordinary(name: &str) -> bool {
    matches!(
        name,
        "accept"
            | "accept-encoding"
            | "accept-language"
            | "cache-control"
            | "content-length"
            | "content-type"
            | "cookie"
            | "host"
            | "origin"
            | "pragma"
            | "referer"
            | "sec-fetch-dest"
            | "sec-fetch-mode"
            | "sec-fetch-site"
            | "sec-fetch-user"
            | "upgrade-insecure-requests"
            | "user-agent"
    )
}

fn class_by_rules(name: &str, rules: &HeaderRules) -> Class {
    let names = |list: &[String]| list.iter().any(|own| own == name);
    if names(&rules.told) {
        return Class::Own;
    }
    let class = classify(name);
    if class == Class::EndToEnd && names(&rules.identity) {
        Class::Identity
    } else if class == Class::EndToEnd && names(&rules.remove) {
        Class::Own
    } else {
        class
    }
}
