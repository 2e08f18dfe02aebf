//! Which headers end at this hop, which must not come from a client, and which we add.

use bytes::{Bytes, BytesMut};
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;

/// Which identity headers are nobody's to send but a trusted proxy's, and what else is removed.
#[derive(Clone, Debug)]
pub struct HeaderRules {
    /// Names, beyond the well-known ones, that assert an identity; lower case, with dashes.
    pub identity: Vec<String>,
    /// Whether `X-Original-URL` and `X-Rewrite-URL` are passed on.
    pub rewrite_urls: RewriteUrls,
    /// Which forwarding headers the application is told.
    pub forwarded: ForwardedStyle,
    /// The name of our browser-key cookie, which the application has no business with.
    pub browser_cookie: String,
}

/// Whether headers that ask for another path are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RewriteUrls {
    /// They are passed on: some application needs them, and no route is guarded against them.
    Pass,
    /// They are removed.
    Remove,
}

/// How the application is told whom it talks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedStyle {
    /// Both.
    Both,
    /// `Forwarded` (RFC 7239).
    Rfc7239,
    /// `X-Forwarded-For`, `-Proto` and `-Host`.
    XForwarded,
}

/// Whether the peer of a connection is a proxy that the operator trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Anybody.
    Anyone,
    /// One of `trusted_proxies`.
    Trusted,
}

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

/// Removes from a response what ends at this hop, and what only we may say.
pub(crate) fn cleanse_response(headers: &mut HeaderMap) {
    let ending: Vec<HeaderName> = headers
        .keys()
        .filter(|name| match name.as_str() {
            // A challenge of the application's own proxy authentication is for nobody behind us.
            "proxy-authenticate" | "step-up" => true,
            // RFC 9110 §6.6.2: it announces what follows the body, and that goes with it.
            "trailer" => false,
            word => hop_by_hop(word),
        })
        .cloned()
        .collect();
    if ending.contains(&header::CONNECTION) {
        remove_named_by_connection(headers);
    }
    for name in ending {
        headers.remove(name);
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let words: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|word| HeaderName::from_bytes(word.trim_ascii()).ok())
        // What the client's safety or the body rests on does not end at any hop.
        .filter(|name| {
            let name = name.as_str();
            !name.starts_with("content-")
                && !matches!(
                    name,
                    "set-cookie" | "location" | "strict-transport-security" | "x-frame-options"
                )
        })
        .collect();
    for name in words {
        headers.remove(name);
    }
}

/// Removes from the trailers of a response what is not theirs to say (RFC 9110 §6.5.1): whoever merges
/// them into the headers must not find a cookie, a framing or a word of ours there.
pub(crate) fn cleanse_trailers(trailers: &mut HeaderMap) {
    cleanse_response(trailers);
    for name in [
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_RANGE,
        header::CONTENT_TYPE,
        header::HOST,
        header::LOCATION,
        header::SET_COOKIE,
        header::TRAILER,
        header::WWW_AUTHENTICATE,
    ] {
        trailers.remove(name);
    }
}

/// Removes from an interim response what belongs to the answer, such as a cookie, which is looked at
/// there, or a framing (RFC 9110 §8.6, RFC 9112 §6.1: it has none).
pub(crate) fn cleanse_interim(headers: &mut HeaderMap) {
    cleanse_trailers(headers);
}

/// What this hop knows of the client's side, as header values; made once for a connection.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    address: HeaderValue,
    /// RFC 7239 §6: an IPv6 address is bracketed and quoted.
    node: String,
    scheme: &'static str,
    peer: Peer,
}

impl Hop {
    /// Describes the peer of a connection and how it is spoken with.
    pub(crate) fn new(address: std::net::IpAddr, scheme: &'static str, peer: Peer) -> Self {
        let address = address.to_canonical();
        let text = address.to_string();
        let node = if address.is_ipv6() {
            format!("\"[{text}]\"")
        } else {
            text.clone()
        };
        let address = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("unknown"));
        Self {
            address,
            node,
            scheme,
            peer,
        }
    }

    /// Adds what the application is told of the client; called last, so that nothing removes it.
    pub(crate) fn announce(
        &self,
        headers: &mut HeaderMap,
        version: http::Version,
        style: ForwardedStyle,
    ) {
        let host = headers.get(header::HOST).cloned();
        if style != ForwardedStyle::Rfc7239 {
            extend(headers, X_FORWARDED_FOR, &self.address);
            // A trusted proxy in front knows the scheme and the host that the person sees.
            headers
                .entry(X_FORWARDED_PROTO)
                .or_insert_with(|| HeaderValue::from_static(self.scheme));
            if let Some(host) = &host {
                headers
                    .entry(X_FORWARDED_HOST)
                    .or_insert_with(|| host.clone());
            }
        }
        if style != ForwardedStyle::XForwarded {
            let host = host
                .as_ref()
                .and_then(|host| host.to_str().ok())
                .unwrap_or_default();
            let element = format!("for={};proto={};host=\"{host}\"", self.node, self.scheme);
            if let Ok(element) = HeaderValue::from_str(&element) {
                extend(headers, header::FORWARDED, &element);
            }
        }
        // RFC 9110 §7.6.3: a gateway must say that it was there.
        let via = match version {
            http::Version::HTTP_2 => HeaderValue::from_static("2 stepgate"),
            http::Version::HTTP_10 => HeaderValue::from_static("1.0 stepgate"),
            _ => HeaderValue::from_static("1.1 stepgate"),
        };
        extend(headers, header::VIA, &via);
    }

    /// Whether the peer of this connection is trusted.
    pub(crate) fn peer(&self) -> Peer {
        self.peer
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &'static str {
        self.scheme
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Appends to a list header, in one line.
fn extend(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(vacant) => {
            vacant.insert(value.clone());
        }
        Entry::Occupied(mut told) => {
            let list = told.iter().chain([value]).map(HeaderValue::as_bytes);
            let list = list.collect::<Vec<_>>().join(&b", "[..]);
            if let Ok(list) = HeaderValue::from_bytes(&list) {
                told.insert(list);
            }
        }
    }
}

/// RFC 9113 §8.2.3: cookies that came in crumbs are one line again for HTTP/1.1.
pub(crate) fn join_cookies(headers: &mut HeaderMap) {
    let crumbs = headers.get_all(header::COOKIE);
    if crumbs.iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = crumbs.iter().map(HeaderValue::as_bytes).collect();
    if let Ok(line) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(header::COOKIE, line);
    }
}

/// Takes one cookie out of the `Cookie` headers; the others stay byte for byte.
pub(crate) fn remove_cookie(headers: &mut HeaderMap, name: &str) {
    let Entry::Occupied(mut lines) = headers.entry(header::COOKIE) else {
        return;
    };
    let mut emptied = false;
    for line in lines.iter_mut() {
        if let Some(others) = without_cookie(line.as_bytes(), name) {
            // What is left of a header's value is one.
            *line = HeaderValue::from_maybe_shared(others).unwrap_or(HeaderValue::from_static(""));
            emptied |= line.is_empty();
        }
    }
    if emptied {
        let (name, lines) = lines.remove_entry_mult();
        let kept: Vec<HeaderValue> = lines.filter(|line| !line.is_empty()).collect();
        for line in kept {
            headers.append(&name, line);
        }
    }
}

fn pairs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii)
}

/// The other cookies of a line; `None` if this one is not among them.
fn without_cookie(line: &[u8], name: &str) -> Option<Bytes> {
    memmem::find(line, name.as_bytes())?;
    let mut others = BytesMut::with_capacity(line.len());
    let mut carries = false;
    for pair in pairs(line) {
        if is_cookie(pair, name) {
            carries = true;
        } else if !pair.is_empty() {
            if !others.is_empty() {
                others.extend_from_slice(b"; ");
            }
            others.extend_from_slice(pair);
        }
    }
    carries.then(|| others.freeze())
}

fn is_cookie(pair: &[u8], name: &str) -> bool {
    pair.split(|byte| *byte == b'=')
        .next()
        .map(<[u8]>::trim_ascii)
        == Some(name.as_bytes())
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
            Class::EndToEnd
                if matches!(folded.as_str(), "content-length" | "host" | "step-up-key") =>
            {
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

fn hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
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

#[cfg(test)]
mod tests;
