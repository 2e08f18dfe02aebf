//! The host that a request is for.

use std::borrow::Cow;

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
