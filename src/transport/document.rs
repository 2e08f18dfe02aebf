//! A small document that is fetched by HTTP or HTTPS from somebody else than the application, or asked for with a form.

use crate::tls::{TlsError, client_config};
use crate::transport::upstream::{ConnectError, Target, TargetError};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How large a document may be.
const LONGEST: usize = 1024 * 1024;

/// Where a document is.
#[derive(Clone, Debug)]
pub struct DocumentUrl {
    target: Target,
    path: PathAndQuery,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// Why a URL is of no use.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum DocumentUrlError {
    #[error("`{0}` is not a URL: expected one such as `https://id.example/keys`")]
    NoUrl(String),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why a document did not come.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum DocumentError {
    #[error("the exchange broke off")]
    Broken(#[source] hyper::Error),
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no answer within {}ms", .0.as_millis())]
    Late(Duration),
    #[error("the answer broke off, or is longer than 1 MiB")]
    Spoilt,
    #[error("the answer is {0}; redirects are not followed")]
    Status(u16),
}

/// Without its query, which may hold a key.
impl fmt::Display for DocumentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.target, self.path.path())
    }
}

impl DocumentUrl {
    /// Reads a URL. `ca` holds the authorities to trust (PEM); without it they are the system's.
    pub fn parse(text: &str, ca: Option<&Path>) -> Result<Self, DocumentUrlError> {
        Self::parse_with(text, || client_config(ca))
    }

    fn parse_with(
        text: &str,
        tls: impl FnOnce() -> Result<Arc<rustls::ClientConfig>, TlsError>,
    ) -> Result<Self, DocumentUrlError> {
        let no_url = || DocumentUrlError::NoUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| no_url())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or_else(no_url)?;
        let target: Target = format!("{scheme}://{authority}").parse()?;
        // Whom to trust is looked up once, and not with each document.
        let is_https = matches!(target, Target::Https { .. });
        Ok(Self {
            tls: is_https.then(tls).transpose()?,
            path: uri.path_and_query().cloned().ok_or_else(no_url)?,
            target,
        })
    }

    /// Reads another URL, which is fetched with the same trust.
    pub(crate) fn beside(&self, text: &str) -> Result<Self, DocumentUrlError> {
        let other = Self::parse_with(text, || match &self.tls {
            Some(tls) => Ok(tls.clone()),
            None => client_config(None),
        })?;
        Ok(other)
    }

    /// Whether nobody on the way can change the document: it comes by TLS, or from this machine.
    pub fn is_safe(&self) -> bool {
        match &self.target {
            Target::Http { host, .. } => {
                let address: Result<std::net::IpAddr, _> = host.parse();
                host == "localhost" || address.is_ok_and(|address| address.is_loopback())
            }
            Target::Absent | Target::Https { .. } | Target::Unix(_) => true,
        }
    }

    /// Fetches the document.
    pub(crate) async fn get(&self, within: Duration) -> Result<Bytes, DocumentError> {
        self.get_as(None, within).await
    }

    /// Fetches the document as whom these credentials (`Authorization`) name.
    pub(crate) async fn get_as(
        &self,
        credentials: Option<HeaderValue>,
        within: Duration,
    ) -> Result<Bytes, DocumentError> {
        let mut request = Request::new(Full::default());
        if let Some(credentials) = credentials {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, credentials);
        }
        let (status, body) = self.send(request, within).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(DocumentError::Status(status.as_u16()))
        }
    }

    /// Posts a form; the answer is returned with its status, whatever that is.
    pub(crate) async fn post_form(
        &self,
        form: String,
        credentials: Option<HeaderValue>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), DocumentError> {
        let mut request = Request::new(Full::from(form));
        *request.method_mut() = http::Method::POST;
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(credentials) = credentials {
            headers.insert(header::AUTHORIZATION, credentials);
        }
        self.send(request, within).await
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), DocumentError> {
        let answer = timeout(within, self.exchange(request, within)).await;
        answer.unwrap_or(Err(DocumentError::Late(within)))
    }

    async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), DocumentError> {
        let stream = self.target.connect(self.tls.as_ref(), within).await?;
        let handshake = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(DocumentError::Broken)?;
        *request.uri_mut() = self.path.clone().into();
        let headers = request.headers_mut();
        if let Ok(host) = self.target.authority().parse() {
            headers.insert(header::HOST, host);
        }
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let mut answer = pin!(async move {
            let response = sender.send_request(request).await;
            let response = response.map_err(DocumentError::Broken)?;
            let status = response.status();
            // An issuer that is not itself must not fill the memory.
            let body = Limited::new(response.into_body(), LONGEST).collect().await;
            let body = body.map_err(|_| DocumentError::Spoilt)?;
            Ok((status, body.to_bytes()))
        });
        tokio::select! {
            answer = &mut answer => answer,
            // What has come of the answer by then is still read.
            _ = connection => answer.await,
        }
    }
}
