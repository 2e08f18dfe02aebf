//! One meaning for a request, or none: what no honest client sends is refused, not repaired.

use super::headers::{StolenHeader, cleanse};
use super::house::EdgeOptions;
use super::upgrade::{Upgrade, upgrade};
use super::visit::Visit;
use crate::domain::Method;
use crate::transport::wire::Violation;
use http::Uri;
use http::header;
use http::request::Parts;
use std::borrow::Cow;

/// A request that has one meaning, besides the readings of its path.
#[derive(Debug)]
pub(crate) struct Plain<'v> {
    /// The target, kept apart so that its readings may borrow from it.
    pub(crate) uri: Uri,
    /// The method of the request line.
    pub(crate) method: Method,
    /// The host it is for: lower case, without port.
    pub(crate) host: Cow<'v, str>,
    /// The upgrade that the client asks for.
    pub(crate) upgrade: Option<Upgrade>,
}

/// Why a request has no single meaning.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NormalizeError {
    /// No host, or several.
    #[error("{0}")]
    Host(&'static str),
    /// A method of no list.
    #[error("a method that is not forwarded")]
    Method,
    /// A header that would be taken away.
    #[error(transparent)]
    Stolen(#[from] StolenHeader),
    /// RFC 9113 §8.2.2: connection headers in HTTP/2.
    #[error("connection headers in HTTP/2")]
    ConnectionHeaders,
    /// The bytes on the wire.
    #[error(transparent)]
    Wire(#[from] Violation),
}

/// Reads the head of a request, and takes out of it what ends here.
pub(crate) fn normalize<'v>(
    parts: &mut Parts,
    visit: &'v Visit<'_>,
    options: &EdgeOptions,
) -> Result<Plain<'v>, NormalizeError> {
    if let Some(violation) = visit.connection.line.violation() {
        return Err(violation.into());
    }
    // The wire has counted those of HTTP/1; of HTTP/2 hyper knows the bytes alone.
    if parts.headers.len() > options.limits.headers {
        return Err(Violation::TooManyHeaders.into());
    }
    let method = visit.method.ok_or(NormalizeError::Method)?;
    let connection_headers = [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if !visit.speaks_http1()
        && connection_headers
            .iter()
            .any(|name| parts.headers.contains_key(name))
    {
        return Err(NormalizeError::ConnectionHeaders);
    }
    let upgrade = upgrade(parts);
    cleanse(
        &mut parts.headers,
        &options.headers,
        visit.connection.data.hop.peer(),
    )?;
    let host = host(parts, visit)?;
    let uri = parts.uri.clone();
    Ok(Plain {
        uri,
        method,
        host,
        upgrade,
    })
}

/// The host, agreed on by everything that names one (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn host<'v>(parts: &mut Parts, visit: &'v Visit<'_>) -> Result<Cow<'v, str>, NormalizeError> {
    let mut lines = parts.headers.get_all(header::HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(NormalizeError::Host("more than one Host header"));
    }
    let told = line.map(|line| {
        line.to_str()
            .map_err(|_| NormalizeError::Host("a Host that is no text"))
    });
    let told = told.transpose()?;
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let authority = match (authority, told) {
        (Some(authority), Some(told)) if !authority.eq_ignore_ascii_case(told) => {
            return Err(NormalizeError::Host(
                "a target for another host than the Host header",
            ));
        }
        (Some(authority), _) => authority,
        (None, Some(told)) => told,
        // HTTP/1.0 clients may leave it out; nothing that matters is reached without a host.
        (None, None) => return Err(NormalizeError::Host("no Host header")),
    };
    if !authority.eq_ignore_ascii_case(visit.authority()) {
        return Err(NormalizeError::Host("a Host that is no host"));
    }
    if line.is_none() {
        parts.headers.insert(header::HOST, visit.authority.clone());
    }
    bare_host(visit.authority()).ok_or(NormalizeError::Host("a Host that is no host"))
}

/// Lower case, without port; `None` for anything that is not a host with an optional port.
pub(crate) fn bare_host(authority: &str) -> Option<Cow<'_, str>> {
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (inside, port) = rest.split_once(']')?;
        inside.parse::<std::net::Ipv6Addr>().ok()?;
        (
            authority.get(..inside.len() + 2)?,
            port.strip_prefix(':').or(port.is_empty().then_some(""))?,
        )
    } else {
        let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
        (host.bytes().all(sound).then_some(host)?, port)
    };
    let port_sound = port.bytes().all(|byte| byte.is_ascii_digit()) && port.len() <= 5;
    // The root's dot names the same host (RFC 1034 §3.1).
    let host = host.trim_end_matches('.');
    (!host.is_empty() && port_sound).then(|| {
        if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(host.to_ascii_lowercase())
        } else {
            Cow::Borrowed(host)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_with_an_optional_port() {
        assert_eq!(
            bare_host("App.Example.com:8080").as_deref(),
            Some("app.example.com")
        );
        assert_eq!(bare_host("[::1]:80").as_deref(), Some("[::1]"));
        assert_eq!(bare_host("127.0.0.1").as_deref(), Some("127.0.0.1"));
        for odd in [
            "", ":80", "a b", "a/b", "a@b", "a:b", "a:80:80", "[::1", "[x]", "a,b", "a:123456",
            "a%2fb",
        ] {
            assert_eq!(bare_host(odd), None, "{odd:?}");
        }
    }
}
