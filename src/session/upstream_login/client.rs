//! A client of the application that logs in to try a password: its cookies, and what it says of itself.

use super::error::TrialError;
use super::form::HtmlForm;
use crate::domain::Secret;
use crate::request::context::RequestContext;
use crate::request::headers::ForwardedStyle;
use crate::session::credentials::set_cookies;
use crate::session::exchange::{ApplicationAnswer, OwnRequest, exchange};
use crate::session::sources::WhoamiRule;
use crate::transport::upstream::{Client, Outgoing, Pool};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use std::collections::BTreeMap;
use std::fmt;
use tokio::time::Instant;
use url::Url;

/// How many cookies are kept, and how long each value may be; browsers keep as many.
const MOST_COOKIES: usize = 64;

/// What goes along of the request that is answered: by these an application may tell one browser from
/// another, or refuse to speak.
const SAID_OF_CLIENT: [HeaderName; 5] = [
    header::ACCEPT_LANGUAGE,
    header::FORWARDED,
    header::USER_AGENT,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-proto"),
];

/// A client with a jar of its own.
#[derive(Clone)]
pub(super) struct TrialClient {
    pool: Pool,
    headers: HeaderMap,
    /// What the application sees as its own origin.
    origin: String,
    csrf: Option<(String, HeaderName)>,
    cookies: BTreeMap<String, Secret<Vec<u8>>>,
}

impl TrialClient {
    /// A client that is, to the application, the one of this request.
    pub(super) fn new(
        pool: Pool,
        context: &RequestContext<'_>,
        headers: &HeaderMap,
        forwarded: ForwardedStyle,
        csrf: Option<(String, HeaderName)>,
    ) -> Self {
        // Nothing by which it knows the client's own session: the password alone must let the trial in.
        let mut said = HeaderMap::new();
        for name in &SAID_OF_CLIENT {
            if let Some(value) = headers.get(name) {
                said.insert(name, value.clone());
            }
        }
        said.insert(header::HOST, context.authority.clone());
        let hop = &context.connection.data.hop;
        hop.announce(&mut said, Version::HTTP_11, forwarded);
        Self {
            pool,
            headers: said,
            origin: context.origin(),
            csrf,
            cookies: BTreeMap::new(),
        }
    }

    /// Carries this `Authorization` from now on.
    pub(super) fn authorize(&mut self, line: Option<String>) {
        if let Some(Ok(mut line)) = line.map(HeaderValue::try_from) {
            line.set_sensitive(true);
            self.headers.insert(header::AUTHORIZATION, line);
        }
    }

    /// Its credentials, as it sends them.
    pub(super) fn session_headers(&self) -> HeaderMap {
        let request = self.request(Method::GET, "/", None);
        request.map(|it| it.headers().clone()).unwrap_or_default()
    }

    /// Asks the application who this is.
    pub(super) async fn ask(
        &mut self,
        rule: &WhoamiRule,
        target: &PathAndQuery,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        let request = self.request(rule.method.clone(), target.as_str(), None);
        let mut request = request.ok_or(TrialError::Elsewhere)?;
        rule.fill_in(&mut request);
        self.exchange(request, deadline).await
    }

    /// Whether the application has set any cookie.
    pub(super) fn has_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    pub(super) async fn get(
        &mut self,
        target: &str,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        self.send(Method::GET, target, None, deadline).await
    }

    /// Submits a form of the page at `page`.
    pub(super) async fn submit(
        &mut self,
        form: &HtmlForm,
        page: &str,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        let target = self.resolve(page, form.action())?;
        let kind = "application/x-www-form-urlencoded";
        let body = (kind, page, &form.body());
        self.send(Method::POST, &target, Some(body), deadline).await
    }

    pub(super) async fn post_json(
        &mut self,
        target: &str,
        page: &str,
        document: &Secret<String>,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        let body = ("application/json", page, document);
        self.send(Method::POST, target, Some(body), deadline).await
    }

    /// The path and query of a reference on the page at `page`, if it stays on this site.
    pub(super) fn resolve(&self, page: &str, reference: &str) -> Result<String, TrialError> {
        let elsewhere = |_| TrialError::Elsewhere;
        let origin = Url::parse(&self.origin).map_err(elsewhere)?;
        let page = origin.join(page).map_err(elsewhere)?;
        let to = page.join(reference).map_err(elsewhere)?;
        // Behind TLS termination an application may write `http` for itself.
        let is_here = (to.host(), to.scheme().starts_with("http")) == (origin.host(), true);
        if !is_here {
            return Err(TrialError::Elsewhere);
        }
        let query = to.query().map(|query| format!("?{query}"));
        Ok(format!("{}{}", to.path(), query.unwrap_or_default()))
    }

    /// The path and query of a redirect, if it stays on this site.
    pub(super) fn local(&self, location: &str) -> Option<String> {
        self.resolve("/", location).ok()
    }

    async fn send(
        &mut self,
        method: Method,
        target: &str,
        body: Option<(&str, &str, &Secret<String>)>,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        let request = self.request(method, target, body);
        self.exchange(request.ok_or(TrialError::Elsewhere)?, deadline)
            .await
    }

    async fn exchange(
        &mut self,
        request: Request<Outgoing>,
        deadline: Instant,
    ) -> Result<ApplicationAnswer, TrialError> {
        let request = OwnRequest(request);
        // Nobody else's connection: one that logs in by itself is closed after the answer.
        let answer = exchange(&self.pool, request, Client::Many, deadline).await?;
        self.keep_cookies(&answer.headers);
        Ok(answer)
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        body: Option<(&str, &str, &Secret<String>)>,
    ) -> Option<Request<Outgoing>> {
        let mut headers = self.headers.clone();
        if self.has_cookies() {
            let pairs = self.cookies.iter();
            let pairs = pairs.map(|(name, value)| [name.as_bytes(), b"=", value.expose()].concat());
            let line = pairs.collect::<Vec<_>>().join(&b"; "[..]);
            let mut line = HeaderValue::from_bytes(&line).ok()?;
            // Not in a log of headers, should somebody write one.
            line.set_sensitive(true);
            headers.insert(header::COOKIE, line);
        }
        let accept = if body.is_some_and(|(kind, ..)| kind == "application/json") {
            HeaderValue::from_static("application/json, */*;q=0.5")
        } else {
            HeaderValue::from_static("text/html, application/xhtml+xml, */*;q=0.5")
        };
        headers.insert(header::ACCEPT, accept);
        let mut content = None;
        if let Some((kind, page, text)) = body {
            let referer = format!("{}{page}", self.origin);
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(kind).ok()?);
            headers.insert(header::CONTENT_LENGTH, text.expose().len().into());
            // What browsers say of a form of the page; frameworks check one or the other against CSRF.
            headers.insert(header::ORIGIN, HeaderValue::from_str(&self.origin).ok()?);
            headers.insert(header::REFERER, HeaderValue::from_str(&referer).ok()?);
            if let Some((cookie, header)) = &self.csrf
                && let Some(value) = self.cookies.get(cookie)
            {
                headers.insert(header, csrf_token(value.expose())?);
            }
            content = Some(Bytes::copy_from_slice(text.expose().as_bytes()));
        }
        let mut request = Request::new(Outgoing::Read(content));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse::<Uri>().ok()?;
        *request.headers_mut() = headers;
        Some(request)
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in set_cookies(headers) {
            match cookie.value {
                None => {
                    self.cookies.remove(cookie.name);
                }
                // As many as the smallest of the browsers' limits; a login needs a few.
                Some(value) if self.cookies.len() < MOST_COOKIES => {
                    self.cookies
                        .insert(cookie.name.to_owned(), Secret::new(value.to_vec()));
                }
                Some(_) => {}
            }
        }
    }
}

/// Scripts read the cookie's value decoded: Laravel and Angular escape theirs.
fn csrf_token(value: &[u8]) -> Option<HeaderValue> {
    let decoded: Vec<u8> = percent_encoding::percent_decode(value).collect();
    HeaderValue::from_bytes(&decoded).ok()
}

impl fmt::Debug for TrialClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrialClient")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
