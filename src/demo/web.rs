//! HTTP for the two web applications of the demo: whole requests in, whole answers out.

use askama::Template;
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use std::convert::Infallible;
use std::net::TcpListener as StdListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

/// A web application whose state is in memory.
pub(super) trait WebApp {
    /// Answers one request.
    fn answer(&self, request: &AppRequest) -> AppResponse;
}

/// What an application answers.
pub(super) type AppResponse = Response<Full<Bytes>>;

/// A request whose body has arrived.
pub(super) struct AppRequest {
    pub(super) method: Method,
    /// The path as the application reads it: escapes decoded once.
    pub(super) path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl AppRequest {
    fn new(head: Parts, body: Bytes) -> Self {
        Self {
            method: head.method,
            path: percent_decode_str(head.uri.path())
                .decode_utf8_lossy()
                .into_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
        }
    }

    /// The value of a cookie.
    pub(super) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The value of a header.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A field of an urlencoded form, empty if it is missing.
    pub(super) fn field(&self, name: &str) -> String {
        value(&self.body, name)
    }

    /// A parameter of the query, empty if it is missing.
    pub(super) fn parameter(&self, name: &str) -> String {
        value(self.query.as_bytes(), name)
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

fn value(encoded: &[u8], name: &str) -> String {
    form_urlencoded::parse(encoded)
        .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
        .unwrap_or_default()
}

/// A page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> AppResponse {
    match template.render() {
        Ok(html) => content(status, "text/html; charset=utf-8", html),
        Err(_) => content(
            StatusCode::INTERNAL_SERVER_ERROR,
            "text/plain; charset=utf-8",
            "this page cannot be shown",
        ),
    }
}

/// A JSON document.
pub(super) fn json(status: StatusCode, value: &serde_json::Value) -> AppResponse {
    content(status, "application/json", value.to_string())
}

/// Bytes of a type.
pub(super) fn content(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> AppResponse {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// The stylesheet that both applications use.
pub(super) fn style() -> AppResponse {
    content(
        StatusCode::OK,
        "text/css; charset=utf-8",
        include_str!("style.css"),
    )
}

/// A redirect within the application, as it follows a form.
pub(super) fn found(location: &'static str) -> AppResponse {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::FOUND;
    answer
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static(location));
    answer
}

/// Serves `app` until the task ends.
pub(super) async fn serve(listener: StdListener, app: impl WebApp + 'static) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let app = Rc::new(app);
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let app = Rc::clone(&app);
                spawn_local(async move {
                    serve_connection(stream, app).await;
                    drop(permit);
                });
            }
            // Mostly EMFILE: descriptors become free when connections end.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Opens a listener that [`serve`] can take over on its own thread.
pub(super) fn listen(at: std::net::SocketAddr) -> std::io::Result<StdListener> {
    let listener = StdListener::bind(at)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve_connection<A: WebApp>(stream: TcpStream, app: Rc<A>) {
    // A socket without TCP_NODELAY works as well, only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let app = Rc::clone(&app);
        async move { Ok::<_, Infallible>(respond(request, app.as_ref()).await) }
    });
    // A client that breaks off needs no answer.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(request: http::Request<Incoming>, app: &impl WebApp) -> AppResponse {
    let (head, body) = request.into_parts();
    match timeout(TIMEOUT, Limited::new(body, BODY_LIMIT).collect()).await {
        Ok(Ok(body)) => app.answer(&AppRequest::new(head, body.to_bytes())),
        Ok(Err(_)) => content(
            StatusCode::PAYLOAD_TOO_LARGE,
            "text/plain; charset=utf-8",
            "too much",
        ),
        Err(_) => content(
            StatusCode::REQUEST_TIMEOUT,
            "text/plain; charset=utf-8",
            "too slow",
        ),
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
const BODY_LIMIT: usize = 64 * 1024;
const MAX_CONNECTIONS: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(30);
