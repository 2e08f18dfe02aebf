//! The upgrade that a request asks for (RFC 9110 §7.8).

use crate::domain::only_line;
use crate::request::headers::cleanse_response;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use hyper::upgrade::OnUpgrade;

/// An upgrade that the client asked for.
#[derive(Debug)]
pub(crate) struct Upgrade {
    /// The protocol, as the client wrote it.
    pub(crate) protocol: HeaderValue,
    /// The client's side, once the upgrade is agreed on.
    pub(crate) client: OnUpgrade,
}

impl Upgrade {
    /// Asks the application for it as well.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, self.protocol.clone());
    }

    /// Whether it is to a WebSocket (RFC 6455 §4.1).
    pub(crate) fn is_web_socket(&self) -> bool {
        self.protocol.as_bytes().eq_ignore_ascii_case(b"websocket")
    }

    /// Whether the application agrees. RFC 9110 §7.8: only the protocol that was asked for may be switched to.
    pub(crate) fn is_agreed(&self, response: &HeaderMap) -> bool {
        let answered = only_line(response, &header::UPGRADE).map(HeaderValue::as_bytes);
        answered.is_some_and(|answered| answered.eq_ignore_ascii_case(self.protocol.as_bytes()))
    }
}

/// Makes the head of the application's agreement that of ours: what says so is removed with the headers of the hop
/// behind us (RFC 9110 §7.6.1), and this hop has its own.
pub(crate) fn agree(response: &mut HeaderMap) {
    let protocol = response.remove(header::UPGRADE);
    cleanse_response(response);
    response.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    response.extend(protocol.map(|protocol| (header::UPGRADE, protocol)));
}

/// The upgrade that the client asks for: one protocol, and none that carries requests past every check
/// (RFC 9110 §7.8).
pub(crate) fn upgrade(parts: &mut Parts) -> Option<Upgrade> {
    let client = parts.extensions.remove::<OnUpgrade>()?;
    let protocol = only_line(&parts.headers, &header::UPGRADE)?.clone();
    // What follows the head must be the new protocol's: a body in between could be taken for it.
    let framed = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    if framed.iter().any(|name| parts.headers.contains_key(name)) {
        return None;
    }
    let asked = parts
        .headers
        .get_all(header::CONNECTION)
        .iter()
        .any(|line| {
            line.as_bytes()
                .split(|byte| *byte == b',')
                .any(|word| word.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
        });
    let sound = protocol.to_str().is_ok_and(is_passed_on);
    (asked && sound).then(|| Upgrade {
        protocol: protocol.clone(),
        client,
    })
}

/// Whether a protocol may be switched to: one name, and none of those that carry HTTP again. After
/// `TLS/1.2` (RFC 2817) the application takes requests that no proxy can read.
fn is_passed_on(protocol: &str) -> bool {
    const CARRY_HTTP: &[&str] = &["h2", "h3", "http", "shttp", "spdy", "ssl", "tls"];
    let is_named = |byte: u8| byte.is_ascii_alphanumeric() || b"-./_".contains(&byte);
    let begins_with = |prefix: &&str| {
        let head = protocol.get(..prefix.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    !protocol.is_empty() && protocol.bytes().all(is_named) && !CARRY_HTTP.iter().any(begins_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_upgrade_leads_back_to_http() {
        for protocol in ["websocket", "WebSocket", "tcp", "SPICE", "foo/1.0"] {
            assert!(is_passed_on(protocol), "{protocol}");
        }
        for protocol in [
            "", "h2c", "H2C", "h2", "h2c-14", "HTTP/2.0", "TLS/1.2", "tls", "SPDY/3", "h3", "a, b",
            "a b",
        ] {
            assert!(!is_passed_on(protocol), "{protocol}");
        }
    }
}
