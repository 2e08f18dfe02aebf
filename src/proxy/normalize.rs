//! Refuses a request that can be read in more than one way, instead of repairing it.

use crate::domain::{Authority, Method};
use crate::proxy::state::ProxyOptions;
use crate::request::context::RequestContext;
use crate::request::headers::{ProtectedHeader, cleanse};
use crate::request::upgrade::{Upgrade, upgrade};
use crate::transport::wire::Violation;
use http::request::Parts;
use http::{HeaderValue, Uri, Version, header};
use std::borrow::Cow;

/// A request that has one meaning, besides the readings of its path.
#[derive(Debug)]
pub(crate) struct NormalizedRequest<'v> {
    /// The target, kept apart so that its readings may borrow from it.
    pub(crate) uri: Uri,
    /// The method of the request line; `None` for one of no list, which is not forwarded.
    pub(crate) method: Option<Method>,
    /// The host it is for: lower case, without port; empty if HTTP/1.0 named none.
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
    ProtectedHeader(#[from] ProtectedHeader),
    /// RFC 9113 §8.2.2: connection headers in HTTP/2.
    #[error("connection headers in HTTP/2")]
    ConnectionHeaders,
    /// The bytes on the wire.
    #[error(transparent)]
    Wire(#[from] Violation),
}

impl NormalizeError {
    /// A request that must name its host, and does not.
    pub(crate) const NO_HOST: Self = Self::Host("no Host header");
}

/// Reads the head of a request, and takes out of it what ends here.
pub(crate) fn normalize<'v>(
    parts: &mut Parts,
    context: &'v RequestContext<'_>,
    options: &ProxyOptions,
) -> Result<NormalizedRequest<'v>, NormalizeError> {
    if let Some(violation) = context.connection.state.violation() {
        return Err(violation.into());
    }
    // The wire has counted those of HTTP/1; of HTTP/2 hyper knows the bytes alone.
    if parts.headers.len() > options.limits.headers {
        return Err(Violation::TooManyHeaders.into());
    }
    let connection_headers = [
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    if !context.is_http1()
        && connection_headers
            .iter()
            .any(|name| parts.headers.contains_key(name))
    {
        return Err(NormalizeError::ConnectionHeaders);
    }
    // Before `cleanse`, which removes the headers that ask for it.
    let upgrade = upgrade(parts);
    cleanse(
        &mut parts.headers,
        &options.headers,
        context.connection.data.hop.peer(),
    )?;
    let host = host(parts, context, options)?;
    let uri = parts.uri.clone();
    Ok(NormalizedRequest {
        uri,
        method: context.method,
        host,
        upgrade,
    })
}

/// The host, agreed on by everything that names one (RFC 9112 §3.2, RFC 9113 §8.3.1).
fn host<'v>(
    parts: &mut Parts,
    context: &'v RequestContext<'_>,
    options: &ProxyOptions,
) -> Result<Cow<'v, str>, NormalizeError> {
    let mut lines = parts.headers.get_all(header::HOST).iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(NormalizeError::Host("more than one Host header"));
    }
    let host = line.map(|line| {
        line.to_str()
            .map_err(|_| NormalizeError::Host("a Host that is no text"))
    });
    let host = host.transpose()?;
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let authority = match (authority, host) {
        // By RFC 9112 §3.2.2 the target wins over `Host`; applications are known that read `Host`
        // alone.
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            return Err(NormalizeError::Host(
                "a target for another host than the Host header",
            ));
        }
        (Some(authority), _) => authority,
        (None, Some(host)) => host,
        // RFC 9112 §3.2 demands it of HTTP/1.1 only. Health checks leave it out (HAProxy's `option httpchk`);
        // every route counts that any host has, and our own endpoints are not there without one.
        (None, None) if parts.version == Version::HTTP_10 => {
            parts
                .headers
                .insert(header::HOST, default_host(context, options));
            return Ok(Cow::Borrowed(""));
        }
        (None, None) => return Err(NormalizeError::NO_HOST),
    };
    if !authority.eq_ignore_ascii_case(context.authority()) {
        return Err(NormalizeError::Host("a Host that is no host"));
    }
    // RFC 9113 §8.3.1: `:authority` becomes `Host` on the way to HTTP/1.1.
    if line.is_none() {
        parts
            .headers
            .insert(header::HOST, context.authority.clone());
    }
    let host = Authority::parse(context.authority());
    host.map(|host| host.bare_host())
        .ok_or(NormalizeError::Host("a Host that is no host"))
}

/// The host that is sent to the application where the client named none: the one that people see
/// (RFC 9112 §3.3, "a fixed URI authority component"), or where we reach it.
fn default_host(context: &RequestContext<'_>, options: &ProxyOptions) -> HeaderValue {
    let origin = context.origin();
    let public = origin.split_once("://").map(|(_, host)| host.to_owned());
    let host = public
        .filter(|host| !host.is_empty())
        .unwrap_or_else(|| options.upstream.target.authority());
    HeaderValue::from_str(&host).unwrap_or(HeaderValue::from_static("localhost"))
}
