//! The forwarding headers that are sent to the application.

use super::{ForwardedStyle, Peer};
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};

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

    /// Adds the forwarding headers; called last, so that nothing removes it.
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
        Entry::Occupied(mut present) => {
            let list = present.iter().chain([value]).map(HeaderValue::as_bytes);
            let list = list.collect::<Vec<_>>().join(&b", "[..]);
            if let Ok(list) = HeaderValue::from_bytes(&list) {
                present.insert(list);
            }
        }
    }
}
