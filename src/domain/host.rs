//! Hosts: what a request is for, what a route is limited to, and the origin that people see.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

/// A host with or without a port, as a `Host` header names it (RFC 9110 §7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'t> {
    host: &'t str,
    port: Option<&'t str>,
}

impl<'t> Authority<'t> {
    /// Takes a text apart; `None` for anything that is not a host with an optional port.
    pub fn parse(text: &'t str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (inside, port) = rest.split_once(']')?;
            inside.parse::<Ipv6Addr>().ok()?;
            let port = match port.strip_prefix(':') {
                None if !port.is_empty() => return None,
                port => port,
            };
            (text.get(..inside.len() + 2)?, port)
        } else {
            let (host, port) = text
                .split_once(':')
                .map_or((text, None), |(host, port)| (host, Some(port)));
            // `_` is in no name of RFC 1123 §2.1, but in those of Docker and Windows.
            let is_sound =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            (host.bytes().all(is_sound).then_some(host)?, port)
        };
        let is_port =
            |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        (!host.trim_end_matches('.').is_empty() && port.is_none_or(is_port))
            .then_some(Self { host, port })
    }

    /// The host as hosts are compared: lower case, without port and without the root's dot (RFC 1034 §3.1).
    pub fn bare_host(&self) -> Cow<'t, str> {
        let host = self.host.trim_end_matches('.');
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        }
    }

    /// Whether this is a host without port that a policy may name: an address, or labels that each
    /// have a character (RFC 1123 §2.1).
    pub fn is_plain_host(&self) -> bool {
        let is_name =
            || self.host.len() <= 253 && self.host.split('.').all(|label| !label.is_empty());
        self.port.is_none() && (self.host.starts_with('[') || is_name())
    }
}

/// An origin such as `https://app.example.com`, in the spelling that browsers send (RFC 6454 §6.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: String,
    is_https: bool,
}

impl Origin {
    /// Reads scheme and host, with an optional port and slash behind them.
    pub fn parse(text: &str) -> Option<Self> {
        let uri = text.parse::<http::Uri>().ok()?;
        if uri.path() != "/" || uri.query().is_some() {
            return None;
        }
        let (scheme, default_port) = match uri.scheme()? {
            scheme if *scheme == http::uri::Scheme::HTTP => ("http", "80"),
            scheme if *scheme == http::uri::Scheme::HTTPS => ("https", "443"),
            _ => return None,
        };
        let Authority { host, port } = Authority::parse(uri.authority()?.as_str())?;
        let host = host.to_ascii_lowercase();
        // The port of the scheme is left out (RFC 6454 §6.2).
        let port = port.filter(|port| !port.is_empty() && *port != default_port);
        let text = match port {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Some(Self {
            text,
            host,
            is_https: scheme == "https",
        })
    }

    /// The whole of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host, without port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether browsers reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.is_https
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_with_an_optional_port() {
        let bare_host =
            |text: &str| Authority::parse(text).map(|parsed| parsed.bare_host().into_owned());
        for (text, host) in [
            ("App.Example.com:8080", "app.example.com"),
            ("app.example.com.", "app.example.com"),
            ("app:", "app"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(bare_host(text).as_deref(), Some(host), "{text}");
        }
        for odd in [
            "", ":80", ".", "a b", "a/b", "a@b", "a:b", "a:80:80", "[::1", "[x]", "[::1]80", "a,b",
            "a:123456", "a%2fb",
        ] {
            assert_eq!(bare_host(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn a_policy_names_hosts_without_port_and_without_empty_labels() {
        let is_plain = |text: &str| Authority::parse(text).is_some_and(|host| host.is_plain_host());
        for host in [
            "app.example.com",
            "localhost",
            "my_host",
            "[::1]",
            "127.0.0.1",
        ] {
            assert!(is_plain(host), "{host}");
        }
        for other in [
            "a.",
            "a..b",
            ".a",
            "a:80",
            "a:",
            "[::1]:80",
            &"a.".repeat(127),
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn an_origin_is_spelled_as_browsers_spell_it() {
        for (text, origin, host) in [
            (
                "https://App.example.com:443/",
                "https://app.example.com",
                "app.example.com",
            ),
            ("HTTP://app:80", "http://app", "app"),
            ("http://app:443", "http://app:443", "app"),
            ("https://[::1]:8443", "https://[::1]:8443", "[::1]"),
            ("https://[::1]", "https://[::1]", "[::1]"),
        ] {
            let parsed = Origin::parse(text).unwrap();
            assert_eq!((parsed.as_str(), parsed.host()), (origin, host), "{text}");
            assert_eq!(parsed.is_https(), origin.starts_with("https:"));
        }
        for other in [
            "app.example.com",
            "/",
            "ftp://app",
            "https://app/x",
            "https://app?x",
            "https://me@app",
            "https://app:x",
            "https://",
        ] {
            assert_eq!(Origin::parse(other), None, "{other}");
        }
    }
}
