//! A request that another proxy asks about before it forwards it: read from the question, as that proxy tells it.

mod bodies;
mod check;
mod ext_authz;

pub use bodies::ToldBodies;
pub(crate) use bodies::{KnownPart, UntoldBody};
pub(crate) use check::{MessageError, admit_check, most_of_message, read_check};
pub(crate) use ext_authz::{
    CheckResponse, DeniedHttpResponse, HeaderChange, HeaderLine, HttpStatus, OkHttpResponse,
    RpcStatus,
};

use bodies::{DescribedBody, envoy_body};

use crate::domain::{Secret, only_line};
use crate::request::headers::{HeaderRules, Peer, unremovable};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Uri, header};
use subtle::ConstantTimeEq;

/// The proxies that ask: what they know, and whether they tell bodies. They are among the trusted ones.
#[derive(Clone, Debug)]
pub struct AskingProxies {
    /// What every question must bear.
    pub secret: Secret<String>,
    /// What a question brings of the body of its request.
    pub bodies: ToldBodies,
}

/// How a proxy tells the request that it asks about: the first segment of the path that it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// Envoy's `ext_authz` over HTTP: the question is the request itself, its path behind a prefix.
    Envoy,
    /// The same by gRPC: a message tells the request.
    EnvoyGrpc,
    /// Traefik, Caddy and others: `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`.
    Forwarded,
    /// nginx and ingress-nginx: `X-Original-Method` and `X-Original-URL`, which is absolute.
    Nginx,
}

/// Why a question is not answered, or a request that is asked about is not judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QuestionError {
    /// The application would get a header that we do not let through, and only the proxy could remove it.
    #[error("the header `{0}` must not come from a client")]
    Barred(HeaderName),
    /// It has a body that is not expected.
    #[error(transparent)]
    Body(#[from] UntoldBody),
    /// Two headers of the question say different things.
    #[error("`{0}` says something else than the rest of the question")]
    Contradicts(&'static str),
    /// A header that the convention wants is missing, empty, no text, or there twice.
    #[error("expected one line of `{0}`")]
    Expected(&'static str),
    /// What came in place of a message of gRPC.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The secret is not there, or another.
    #[error("a question without the secret of `forward_auth`")]
    Secret,
    /// Envoy is not set to ask in the one way that tells enough.
    #[error("Envoy must have `{0}`: docs/forward-auth.md")]
    Setting(&'static str),
    /// Nobody asks here.
    #[error("a question at no endpoint: expected `/envoy/…`, `/forward` or `/nginx`")]
    Unknown,
    /// What it asks about cannot be read as a request.
    #[error("`{0}` cannot be read")]
    Unreadable(&'static str),
    /// The peer is none of `trusted_proxies`.
    #[error("a question from an address that `trusted_proxies` does not name")]
    Untrusted,
}

impl QuestionError {
    /// Whether it is about whoever asks, who is told nothing then.
    pub(crate) fn is_about_asker(&self) -> bool {
        matches!(self, Self::Secret | Self::Unknown | Self::Untrusted)
    }
}

impl Convention {
    /// What is spoken at this path.
    pub(crate) fn of(path: &str) -> Option<Self> {
        match path.split('/').nth(1)? {
            "envoy" => Some(Self::Envoy),
            "forward" => (path == "/forward").then_some(Self::Forwarded),
            "nginx" => (path == "/nginx").then_some(Self::Nginx),
            service if service.starts_with("envoy.service.auth.") => Some(Self::EnvoyGrpc),
            _ => None,
        }
    }
}

/// Puts into `parts`, the head of a question, the head of the request that it is about. Says how much more it tells, by
/// the length of the question's own body.
pub(crate) fn read_question(
    parts: &mut Parts,
    peer: Peer,
    asking: &AskingProxies,
    rules: &HeaderRules,
    length: Option<u64>,
) -> Result<KnownPart, QuestionError> {
    if peer != Peer::Trusted {
        return Err(QuestionError::Untrusted);
    }
    let convention = Convention::of(parts.uri.path()).ok_or(QuestionError::Unknown)?;
    check_secret(parts, &asking.secret)?;
    let asked = match convention {
        Convention::Envoy => of_envoy(parts)?,
        // Not told by the head.
        Convention::EnvoyGrpc => return Err(QuestionError::Unknown),
        Convention::Forwarded => of_forwarded(parts)?,
        Convention::Nginx => of_nginx(parts)?,
    };
    settle(parts, asked, asking, rules, length)
}

/// Puts what is told of a request into its head, if the rest of that says nothing else.
fn settle(
    parts: &mut Parts,
    asked: Described,
    asking: &AskingProxies,
    rules: &HeaderRules,
    length: Option<u64>,
) -> Result<KnownPart, QuestionError> {
    let headers = &mut parts.headers;
    // Whom it comes from is counted, and told to the application where it is asked.
    if !headers.contains_key("x-forwarded-for") {
        return Err(QuestionError::Expected("X-Forwarded-For"));
    }
    agree(headers, "x-forwarded-host", &asked.host)?;
    agree(headers, "x-forwarded-proto", &asked.scheme)?;
    // Traefik names itself.
    headers.remove("x-forwarded-server");
    headers.insert("x-forwarded-proto", asked.scheme);
    headers.insert(header::HOST, asked.host);
    parts.method = asked.method;
    parts.uri = asked.target;
    // The proxy sends on what its client sent, whatever we would make of it.
    if let Some(name) = unremovable(headers, rules) {
        return Err(QuestionError::Barred(name.clone()));
    }
    Ok(asking.bodies.known(&asked.body, length)?)
}

/// What a question says of its request.
struct Described {
    method: Method,
    scheme: HeaderValue,
    host: HeaderValue,
    target: Uri,
    body: DescribedBody,
}

/// Envoy sends the method, the host and, behind `path_prefix`, the path and query of the request.
fn of_envoy(parts: &mut Parts) -> Result<Described, QuestionError> {
    let body = envoy_body(&mut parts.headers);
    let whole = parts.uri.path_and_query().map(PathAndQuery::as_str);
    let target = whole.and_then(|target| target.strip_prefix("/envoy"));
    let named = parts.uri.authority().map(|host| host.as_str().parse());
    let host = match only_line(&parts.headers, &header::HOST) {
        Some(host) => Some(host.clone()),
        None if parts.headers.contains_key(header::HOST) => None,
        None => named.and_then(Result::ok),
    };
    let scheme = take(&mut parts.headers, "x-forwarded-proto");
    Ok(Described {
        method: parts.method.clone(),
        scheme: scheme_of(scheme.as_ref(), "X-Forwarded-Proto")?,
        host: host.ok_or(QuestionError::Expected("Host"))?,
        target: target_of(target.unwrap_or_default(), "the path behind `/envoy`")?,
        body,
    })
}

fn of_forwarded(parts: &mut Parts) -> Result<Described, QuestionError> {
    let headers = &mut parts.headers;
    let method = method_of(headers, "x-forwarded-method", "X-Forwarded-Method")?;
    // Traefik can be told to ask with the method of the request; others ask with GET or HEAD.
    if ![&method, &Method::GET, &Method::HEAD].contains(&&parts.method) {
        return Err(QuestionError::Contradicts("X-Forwarded-Method"));
    }
    let scheme = take(headers, "x-forwarded-proto");
    let host = take(headers, "x-forwarded-host").filter(|host| !host.is_empty());
    let target = take(headers, "x-forwarded-uri");
    let target = target.ok_or(QuestionError::Expected("X-Forwarded-Uri"))?;
    Ok(Described {
        method,
        scheme: scheme_of(scheme.as_ref(), "X-Forwarded-Proto")?,
        host: host.ok_or(QuestionError::Expected("X-Forwarded-Host"))?,
        target: target_of(text(&target), "X-Forwarded-Uri")?,
        body: DescribedBody::Whole,
    })
}

fn of_nginx(parts: &mut Parts) -> Result<Described, QuestionError> {
    const URL: &str = "X-Original-URL";
    let headers = &mut parts.headers;
    let method = method_of(headers, "x-original-method", "X-Original-Method")?;
    let url = take(headers, "x-original-url").ok_or(QuestionError::Expected(URL))?;
    let (scheme, rest) = text(&url)
        .split_once("://")
        .ok_or(QuestionError::Unreadable(URL))?;
    let (host, target) = rest.split_at(rest.find('/').ok_or(QuestionError::Unreadable(URL))?);
    let host = HeaderValue::from_str(host).ok();
    Ok(Described {
        method,
        scheme: scheme_of(HeaderValue::from_str(scheme).ok().as_ref(), URL)?,
        // A client of HTTP/1.0 may have named none, and the proxy has then chosen one that we do not know.
        host: host
            .filter(|host| !host.is_empty())
            .ok_or(QuestionError::Unreadable(URL))?,
        target: target_of(target, URL)?,
        body: DescribedBody::Whole,
    })
}

/// Whether the question bears the secret: in a header, or, where only an address can be set, in its query.
fn check_secret(parts: &mut Parts, secret: &Secret<String>) -> Result<(), QuestionError> {
    let shown = take(&mut parts.headers, "step-up-secret");
    let query = parts
        .uri
        .query()
        .and_then(|query| query.strip_prefix("secret="));
    let shown = match (&shown, query) {
        (Some(shown), _) => shown.as_bytes(),
        (None, Some(shown)) => shown.as_bytes(),
        (None, None) => return Err(QuestionError::Secret),
    };
    if bool::from(shown.ct_eq(secret.expose().as_bytes())) {
        Ok(())
    } else {
        Err(QuestionError::Secret)
    }
}

/// Takes the one line of a header; of two, neither is believed.
fn take(headers: &mut HeaderMap, name: &'static str) -> Option<HeaderValue> {
    let line = only_line(headers, &HeaderName::from_static(name)).cloned();
    headers.remove(name);
    line
}

/// As text; what is none is no method, scheme or target either.
fn text(line: &HeaderValue) -> &str {
    line.to_str().unwrap_or_default()
}

fn method_of(
    headers: &mut HeaderMap,
    name: &'static str,
    shown: &'static str,
) -> Result<Method, QuestionError> {
    let line = take(headers, name).ok_or(QuestionError::Expected(shown))?;
    Method::from_bytes(line.as_bytes()).map_err(|_| QuestionError::Unreadable(shown))
}

fn scheme_of(line: Option<&HeaderValue>, from: &'static str) -> Result<HeaderValue, QuestionError> {
    match line.map(HeaderValue::as_bytes) {
        Some(b"http" | b"ws") => Ok(HeaderValue::from_static("http")),
        Some(b"https" | b"wss") => Ok(HeaderValue::from_static("https")),
        Some(_) => Err(QuestionError::Unreadable(from)),
        None => Err(QuestionError::Expected(from)),
    }
}

/// The target, in the bytes that the client sent: a parser that cuts off a fragment, or fits in what is missing,
/// would judge another one.
fn target_of(text: &str, from: &'static str) -> Result<Uri, QuestionError> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let target = text.parse::<Uri>().ok();
    let target = target.filter(|target| {
        let as_read = target.path_and_query().map(PathAndQuery::as_str);
        text.starts_with('/') && is_plain && as_read == Some(text)
    });
    target.ok_or(QuestionError::Unreadable(from))
}

/// Takes a header that may be there beside what says the same.
fn agree(
    headers: &mut HeaderMap,
    name: &'static str,
    said: &HeaderValue,
) -> Result<(), QuestionError> {
    let is_told = headers.contains_key(name);
    match take(headers, name) {
        Some(line) if line == said => Ok(()),
        None if !is_told => Ok(()),
        Some(_) | None => Err(QuestionError::Contradicts(name)),
    }
}
