//! A client with cookies that follows nothing and hides nothing, over HTTP/1.1 or HTTP/2.

use super::soon;
use super::tls::TestCa;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HOST, HeaderMap, SET_COOKIE};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

/// A body to send.
pub(crate) type Body = BoxBody<Bytes, std::io::Error>;

/// How the client talks.
#[derive(Clone)]
enum Talk {
    Http1,
    Http2,
    /// With TLS for this name; HTTP/2 if asked for and the server agrees.
    Tls(Arc<rustls::ClientConfig>, &'static str),
    /// HTTP/1.1, all of it over this connection.
    Kept(Arc<Mutex<http1::SendRequest<Body>>>),
}

/// A client of one server. Every request has a connection of its own, unless one is kept.
#[derive(Clone)]
pub(crate) struct Client {
    addr: SocketAddr,
    talk: Talk,
    host: String,
    headers: HeaderMap,
    cookies: RefCell<BTreeMap<String, String>>,
}

impl Client {
    /// A client that speaks plain HTTP/1.1.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            talk: Talk::Http1,
            host: addr.to_string(),
            headers: HeaderMap::new(),
            cookies: RefCell::default(),
        }
    }

    /// The same, over HTTP/2 by prior knowledge.
    pub(crate) fn http2(mut self) -> Self {
        self.talk = Talk::Http2;
        self
    }

    /// The same, over TLS for `name`; `alpn` is what it offers: `&["h2", "http/1.1"]`.
    pub(crate) fn tls(mut self, ca: &TestCa, name: &'static str, alpn: &[&str]) -> Self {
        self.talk = Talk::Tls(ca.client(alpn), name);
        self.host = format!("{name}:{}", self.addr.port());
        self
    }

    /// The same, over one connection from now on.
    pub(crate) async fn kept(mut self) -> Self {
        let (sender, connection) = http1::handshake(TokioIo::new(self.connect().await))
            .await
            .unwrap();
        tokio::spawn(connection);
        self.talk = Talk::Kept(Arc::new(Mutex::new(sender)));
        self
    }

    /// The same, at another address.
    pub(crate) fn at(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// The same, saying another host.
    pub(crate) fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The same, with a header on every request.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    /// The same, as a browser navigates: what Chromium sends when a link is followed.
    pub(crate) fn navigating(self) -> Self {
        self.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }

    /// The same, as a page's script calls: what Chromium sends for `fetch()`.
    pub(crate) fn fetching(self) -> Self {
        self.header("accept", "*/*")
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-dest", "empty")
    }

    /// A cookie that the client holds.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    /// Puts a cookie in.
    pub(crate) fn set_cookie(&self, name: &str, value: &str) {
        let mut cookies = self.cookies.borrow_mut();
        cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Takes a cookie out.
    pub(crate) fn drop_cookie(&self, name: &str) {
        self.cookies.borrow_mut().remove(name);
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path, Bytes::new()))
            .await
    }

    /// DELETE.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path, Bytes::new()))
            .await
    }

    /// POST of an urlencoded form.
    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        let mut request = self.request(Method::POST, path, form.finish());
        let kind = "application/x-www-form-urlencoded".parse().unwrap();
        request.headers_mut().insert(CONTENT_TYPE, kind);
        self.send(request).await
    }

    /// A call with a JSON body.
    pub(crate) async fn call(&self, method: Method, path: &str, body: serde_json::Value) -> Answer {
        let mut request = self.request(method, path, body.to_string());
        let kind = "application/json".parse().unwrap();
        request.headers_mut().insert(CONTENT_TYPE, kind);
        self.send(request).await
    }

    /// A request with the client's host, headers and cookies, to be changed before it is sent.
    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Request<Body> {
        let body = Full::new(body.into()).map_err(|never| match never {});
        self.streaming(method, path, body.boxed())
    }

    /// The same with a body of any kind.
    pub(crate) fn streaming(&self, method: Method, path: &str, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        let cookies = self.cookies.borrow();
        let cookies: Vec<_> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if !cookies.is_empty() {
            let line = cookies.join("; ").parse().unwrap();
            request.headers_mut().insert(COOKIE, line);
        }
        request
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (head, body) = self.open(request).await.into_parts();
        let body = soon("the whole answer", body.collect()).await;
        let body = body.expect("the answer breaks off");
        Answer {
            status: head.status,
            version: head.version,
            headers: head.headers,
            trailers: body.trailers().cloned(),
            body: body.to_bytes(),
        }
    }

    /// Sends a request and tells the head of the answer; the body is the caller's to read.
    pub(crate) async fn open(&self, request: Request<Body>) -> Response<Incoming> {
        let answer = self.try_open(request).await;
        answer.expect("no answer")
    }

    /// The same for a test in which there may be no answer.
    pub(crate) async fn try_open(
        &self,
        request: Request<Body>,
    ) -> hyper::Result<Response<Incoming>> {
        let answer = match &self.talk {
            Talk::Http1 => self.exchange(self.connect().await, false, request).await,
            Talk::Http2 => self.exchange(self.connect().await, true, request).await,
            Talk::Kept(sender) => {
                let request = self.with_host(request);
                let mut sender = sender.lock().await;
                sender.ready().await?;
                soon("an answer", sender.send_request(request)).await
            }
            Talk::Tls(config, name) => {
                let name = ServerName::try_from(*name).unwrap();
                let connector = TlsConnector::from(Arc::clone(config));
                let connecting = connector.connect(name, self.connect().await);
                let stream = soon("a TLS handshake", connecting).await;
                let stream = stream.expect("the TLS handshake fails");
                let agreed = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                self.exchange(stream, agreed, request).await
            }
        }?;
        self.keep_cookies(answer.headers());
        Ok(answer)
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        http2: bool,
        mut request: Request<Body>,
    ) -> hyper::Result<Response<Incoming>> {
        let stream = TokioIo::new(stream);
        if http2 {
            let scheme = if matches!(self.talk, Talk::Tls(..)) {
                "https"
            } else {
                "http"
            };
            let target = format!("{scheme}://{}{}", self.host, request.uri());
            *request.uri_mut() = target.parse().unwrap();
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            tokio::spawn(connection);
            soon("an answer", sender.send_request(request)).await
        } else {
            let (mut sender, connection) = http1::handshake(stream).await?;
            tokio::spawn(connection.with_upgrades());
            soon("an answer", sender.send_request(self.with_host(request))).await
        }
    }

    async fn connect(&self) -> TcpStream {
        let stream = soon("a connection", TcpStream::connect(self.addr)).await;
        let stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn with_host(&self, mut request: Request<Body>) -> Request<Body> {
        let host = self.host.parse().unwrap();
        request.headers_mut().entry(HOST).or_insert(host);
        request
    }

    fn keep_cookies(&self, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.drop_cookie(name.trim());
            } else {
                self.set_cookie(name.trim(), value);
            }
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header, empty if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    /// The value of a hidden field in a form of the page.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let after = self.text().split_once(&format!("name=\"{name}\""));
        let value = after.and_then(|(_, after)| after.trim_start().strip_prefix("value=\""));
        let value = value.and_then(|value| value.split('"').next());
        let value = value.unwrap_or_else(|| panic!("no field `{name}`: {}", self.text()));
        value.replace("&#38;", "&").replace("&#34;", "\"")
    }
}
