//! Envoy's questions by gRPC: a `CheckRequest`, read into the request that it is about.

use super::bodies::{DescribedBody, KnownPart, envoy_body};
use super::ext_authz::{Attributes, CheckRequest, HeaderLines, HttpAttributes};
use super::{
    AskingProxies, Described, QuestionError, agree, check_secret, scheme_of, settle, take,
    target_of,
};
use crate::request::body::RequestBodyError;
use crate::request::headers::{HeaderRules, Peer};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri, Version};
use prost::Message;
use std::net::IpAddr;

/// The one method of `envoy.service.auth.v3.Authorization`.
const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// What a message may hold besides a body: the head of a request, and what Envoy tells of connections.
const MOST_OF_THE_REST: u64 = 1 << 20;

/// What a check tells of a request, besides its head.
#[derive(Debug)]
pub(crate) struct CheckedRequest {
    /// How much of the request it tells.
    pub(crate) known: KnownPart,
    /// The body, as far as it is told.
    pub(crate) body: Bytes,
    /// The other end of the client's connection, if that has an address.
    pub(crate) source: Option<IpAddr>,
}

/// Why a message of gRPC is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MessageError {
    /// It did not come, or is too large.
    #[error("a message that did not come, or is too large")]
    Body(#[from] RequestBodyError),
    /// It is compressed, which we have not agreed to.
    #[error("a compressed message")]
    Compressed,
    /// It is no `CheckRequest`.
    #[error("a message that is no `CheckRequest`")]
    Decode(#[from] prost::DecodeError),
    /// There is none, or more than one.
    #[error("expected one message of the length that is announced")]
    Framing,
}

/// Whether whoever asks may do so, and for what is spoken here: before anything is read of it.
pub(crate) fn admit_check(
    parts: &mut Parts,
    peer: Peer,
    asking: &AskingProxies,
) -> Result<(), QuestionError> {
    if peer != Peer::Trusted {
        return Err(QuestionError::Untrusted);
    }
    check_secret(parts, &asking.secret)?;
    // gRPC over HTTP/2: a call is a POST, and what ends it are trailers, which HTTP/1 has no room for here.
    let is_spoken = parts.uri.path() == CHECK
        && parts.method == Method::POST
        && parts.version == Version::HTTP_2;
    if is_spoken {
        Ok(())
    } else {
        Err(QuestionError::Unknown)
    }
}

/// How long a message may be.
pub(crate) fn most_of_message(asking: &AskingProxies) -> usize {
    let most = asking.bodies.most().saturating_add(MOST_OF_THE_REST);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Puts into `parts` the head of the request that a check is about, of at most `most` bytes.
pub(crate) fn read_check(
    parts: &mut Parts,
    sent: &Bytes,
    asking: &AskingProxies,
    rules: &HeaderRules,
    most: usize,
) -> Result<CheckedRequest, QuestionError> {
    let request = CheckRequest::decode(message(sent)?).map_err(MessageError::Decode)?;
    let (http, source) = attributes(request.attributes.unwrap_or_default());
    let lines = http.header_map.as_ref();
    let lines = lines.ok_or(QuestionError::Setting("encode_raw_headers: true"))?;
    if !http.body.is_empty() {
        return Err(QuestionError::Setting("pack_as_bytes: true"));
    }
    // HTTP/1 has a `Host`, and asks for upgrades by a header.
    parts.version = Version::HTTP_11;
    parts.headers = headers(lines, &http, most)?;
    let described = described(&mut parts.headers, &http, source)?;
    let length = u64::try_from(http.raw_body.len()).ok();
    let known = settle(parts, described, asking, rules, length)?;
    Ok(CheckedRequest {
        known,
        body: http.raw_body,
        source,
    })
}

/// gRPC over HTTP/2, "Length-Prefixed-Message": a flag, four bytes of length, the message; of a unary call, one.
fn message(sent: &Bytes) -> Result<Bytes, MessageError> {
    let Some(([flags, length @ ..], message)) = sent.split_first_chunk::<5>() else {
        return Err(MessageError::Framing);
    };
    match (flags, usize::try_from(u32::from_be_bytes(*length))) {
        (0, Ok(length)) if length == message.len() => Ok(sent.slice_ref(message)),
        (1, _) => Err(MessageError::Compressed),
        _ => Err(MessageError::Framing),
    }
}

/// What is told of the request, and from where it came.
fn attributes(attributes: Attributes) -> (HttpAttributes, Option<IpAddr>) {
    let Attributes { source, request } = attributes;
    let http = request.and_then(|request| request.http);
    let socket = source.and_then(|source| source.address?.socket_address);
    let source = socket.and_then(|socket| socket.address.parse().ok());
    (http.unwrap_or_default(), source)
}

/// The lines of the request, each by itself.
fn headers(
    lines: &HeaderLines,
    http: &HttpAttributes,
    most: usize,
) -> Result<HeaderMap, QuestionError> {
    const LINES: &str = "header_map";
    let unreadable = QuestionError::Unreadable(LINES);
    let mut headers = HeaderMap::new();
    let mut length = 0_usize;
    for line in &lines.headers {
        // What HTTP itself would bound: a message has a limit for bodies.
        length = length.saturating_add(line.key.len() + line.raw_value.len());
        if length > most || !line.value.is_empty() {
            return Err(unreadable);
        }
        // The same once more, but where Envoy has put another byte in the place of one that is not UTF-8.
        let told = match line.key.as_ref() {
            b":method" => Some(&http.method),
            b":path" => Some(&http.path),
            b":authority" => Some(&http.host),
            key if key.starts_with(b":") => continue,
            _ => None,
        };
        if let Some(told) = told {
            if *told != line.raw_value {
                return Err(QuestionError::Contradicts(LINES));
            }
            continue;
        }
        let name = HeaderName::from_bytes(&line.key);
        let value = HeaderValue::from_maybe_shared(line.raw_value.clone());
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(unreadable);
        };
        headers
            .try_append(name, value)
            .map_err(|_| QuestionError::Unreadable(LINES))?;
    }
    Ok(headers)
}

fn described(
    headers: &mut HeaderMap,
    http: &HttpAttributes,
    source: Option<IpAddr>,
) -> Result<Described, QuestionError> {
    let mut body = envoy_body(headers);
    // A part, too, is what Envoy shows of a body where nothing tells it to.
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .map(HeaderValue::as_bytes);
    if announced.is_some_and(|announced| announced != http.raw_body.len().to_string().as_bytes()) {
        body = DescribedBody::Partial;
    }
    // What `Connection` names would not be judged, and Envoy sends it on.
    headers.remove(header::CONNECTION);
    if headers.contains_key(header::UPGRADE) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    }
    // With `skip_xff_append` Envoy says it of the connection alone.
    if let (false, Some(source)) = (headers.contains_key("x-forwarded-for"), source)
        && let Ok(source) = source.to_string().parse()
    {
        headers.insert("x-forwarded-for", source);
    }
    let host = HeaderValue::from_maybe_shared(http.host.clone()).ok();
    let host = host.filter(|host| !host.is_empty());
    let host = host.ok_or(QuestionError::Unreadable("host"))?;
    agree(headers, "host", &host)?;
    // `scheme` is what a client of HTTP/2 says itself.
    let scheme = take(headers, "x-forwarded-proto");
    let method = Method::from_bytes(&http.method);
    Ok(Described {
        method: method.map_err(|_| QuestionError::Unreadable("method"))?,
        scheme: scheme_of(scheme.as_ref(), "X-Forwarded-Proto")?,
        host,
        target: target(&http.path)?,
        body,
    })
}

fn target(path: &[u8]) -> Result<Uri, QuestionError> {
    target_of(std::str::from_utf8(path).unwrap_or_default(), "path")
}

#[cfg(test)]
mod tests;
