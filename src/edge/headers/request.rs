//! What a request loses before anybody looks at it.

use super::{HeaderRules, Peer, RewriteUrls, hop_by_hop};
use http::header::{self, HeaderMap, HeaderName};

/// A `Connection` header that names what must not be taken away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`Connection` names `{0}`, which does not end at this hop")]
pub(crate) struct StolenHeader(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// Belongs to the two ends.
    EndToEnd,
    /// Says who sent the request, in the words of a proxy.
    Forwarding,
    /// RFC 9110 §7.6.1: ends here.
    Hop,
    /// Says who somebody is.
    Identity,
    /// Ours alone.
    Own,
    /// Asks for another path or host than the request line.
    Rewrite,
}

/// Removes what ends at this hop and what a client must not say, before anybody looks at the rest.
pub(crate) fn cleanse(
    headers: &mut HeaderMap,
    rules: &HeaderRules,
    peer: Peer,
) -> Result<(), StolenHeader> {
    let unwelcome: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_unwelcome(name.as_str(), rules, peer))
        .cloned()
        .collect();
    // `Connection` itself is unwelcome; most requests have none.
    if unwelcome.contains(&header::CONNECTION) {
        for name in named_by_connection(headers)? {
            headers.remove(name);
        }
    }
    for name in unwelcome {
        headers.remove(name);
    }
    Ok(())
}

/// The names listed in `Connection` that are in the message. RFC 9110 §7.6.1: they end here; but a
/// client could take away what the decision or the application rests on, and that is refused.
fn named_by_connection(headers: &HeaderMap) -> Result<Vec<HeaderName>, StolenHeader> {
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
            if is_precious(name.as_str()) {
                return Err(StolenHeader(name.as_str().to_owned()));
            }
            named.push(name);
        }
    }
    Ok(named)
}

fn is_precious(name: &str) -> bool {
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

fn is_unwelcome(name: &str, rules: &HeaderRules, peer: Peer) -> bool {
    let class = if name.bytes().any(|byte| byte == b'_' || byte == b'.') {
        // Gateways such as CGI and WSGI fold these to the same variable as the dash.
        let folded = name.replace(['_', '.'], "-");
        match class_by_rules(&folded, rules) {
            Class::EndToEnd if folded.starts_with("content-") || folded == "step-up-key" => {
                Class::Own
            }
            Class::EndToEnd => Class::EndToEnd,
            Class::Forwarding | Class::Hop | Class::Identity | Class::Own | Class::Rewrite => {
                Class::Own
            }
        }
    } else {
        class_by_rules(name, rules)
    };
    match class {
        Class::EndToEnd => false,
        Class::Forwarding | Class::Identity => peer == Peer::Anyone,
        Class::Hop | Class::Own => true,
        Class::Rewrite => rules.rewrite_urls == RewriteUrls::Remove,
    }
}

fn class_by_rules(name: &str, rules: &HeaderRules) -> Class {
    let class = classify(name);
    if class == Class::EndToEnd && rules.identity.iter().any(|own| own == name) {
        Class::Identity
    } else {
        class
    }
}

fn classify(name: &str) -> Class {
    match name {
        // `Expect` is met by us: the body is asked for when somebody wants it.
        "expect" | "http2-settings" | "proxy-authorization" => Class::Hop,
        name if hop_by_hop(name) => Class::Hop,
        "forwarded"
        | "x-real-ip"
        | "x-client-ip"
        | "x-cluster-client-ip"
        | "true-client-ip"
        | "cf-connecting-ip"
        | "fastly-client-ip"
        | "via"
        | "x-request-id" => Class::Forwarding,
        "x-original-url" | "x-rewrite-url" | "x-original-uri" | "x-original-method" | "x-host"
        | "x-original-host" => Class::Rewrite,
        "remote-user"
        | "remote-groups"
        | "remote-name"
        | "remote-email"
        | "x-remote-user"
        | "x-remote-group"
        | "x-webauth-user"
        | "x-pomerium-jwt-assertion"
        | "cf-access-jwt-assertion"
        | "x-goog-iap-jwt-assertion" => Class::Identity,
        name if name.starts_with("x-forwarded-") => match name {
            "x-forwarded-user"
            | "x-forwarded-groups"
            | "x-forwarded-email"
            | "x-forwarded-preferred-username"
            | "x-forwarded-access-token" => Class::Identity,
            _ => Class::Forwarding,
        },
        name if name.starts_with("x-auth-request-") || name.starts_with("x-authentik-") => {
            Class::Identity
        }
        // The client's browser key; it is read before it ends here, see `forward`.
        "step-up-key" => Class::EndToEnd,
        name if name.starts_with("step-up") || name.starts_with("x-stepgate") => Class::Own,
        _ => Class::EndToEnd,
    }
}
