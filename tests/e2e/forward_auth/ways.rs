//! Where proxies ask by a socket in the file system, or must show a certificate: nobody else can ask at all.

use super::front::{Front, Proxy, SECRET, SOCKET, Way, asked_by};
use crate::support::client::Client;
use crate::support::sidecar::{HOST, USER};
use crate::support::tls::TestCa;
use crate::support::{run, soon};
use http::Method;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::json;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

#[test]
fn a_proxy_that_asks_by_a_socket_or_with_a_certificate_is_answered() {
    run(async {
        for (proxy, way) in [
            (Proxy::Nginx, Way::Socket),
            (Proxy::Caddy, Way::Socket),
            (Proxy::Envoy, Way::Socket),
            (Proxy::EnvoyGrpc, Way::Socket),
            (Proxy::Nginx, Way::Certificate),
            (Proxy::Envoy, Way::Certificate),
            (Proxy::EnvoyGrpc, Way::Certificate),
            (Proxy::Traefik, Way::Certificate),
        ] {
            let front = Front::start_by(proxy, way, |setup| setup).await;
            let (script, sidecar) = (front.client().fetching(), front.sidecar());
            let free = script.get("/notes/a").await;
            assert_eq!(free.text(), format!("done for {USER}"), "{proxy:?} {way:?}");
            let refused = script.call(Method::POST, "/keys", json!({})).await;
            assert_eq!(refused.header("step-up"), "challenge", "{proxy:?} {way:?}");
            assert_eq!(sidecar.got("/keys"), 0, "{proxy:?} {way:?}");
            script.pass(&refused).await;
            let passed = script.call(Method::POST, "/keys", json!({})).await;
            assert_eq!(passed.status, 200, "{proxy:?} {way:?}");
            let passed = sidecar.events(1, |event| {
                event["path"] == "/keys" && event["outcome"] == "forwarded"
            });
            if ![Proxy::Envoy, Proxy::EnvoyGrpc].contains(&proxy) {
                assert_eq!(passed[0]["client"], "127.0.0.1", "{proxy:?} {way:?}");
            }
        }
    });
}

/// Asks about a page that nothing guards, and gives the status; an error if there is no answer.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, secret: &str) -> io::Result<u16> {
    let question = format!(
        "GET /nginx HTTP/1.1\r\nHost: {HOST}\r\nStep-Up-Secret: {secret}\r\nX-Original-Method: GET\r\n\
         X-Original-URL: http://{HOST}/notes/a\r\nX-Forwarded-For: 192.0.2.7\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(question.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n") {
        if stream.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    let status = String::from_utf8_lossy(&head);
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::Error::other("no answer"))
}

async fn ask_over_tls(addr: SocketAddr, config: Arc<ClientConfig>) -> io::Result<u16> {
    let stream = TcpStream::connect(addr).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    ask(stream, SECRET).await
}

#[test]
fn who_shows_no_certificate_of_the_authority_gets_no_answer() {
    run(async {
        let asked = asked_by(Way::Certificate, |setup| setup);
        let (ca, stranger) = (TestCa::shared(), TestCa::new());
        let attempt = async |config| soon("an answer", ask_over_tls(asked.addr(), config)).await;
        assert_eq!(attempt(ca.client_as(ca)).await.unwrap(), 200);
        attempt(ca.client(&[])).await.unwrap_err();
        attempt(ca.client_as(&stranger)).await.unwrap_err();
        let plain = TcpStream::connect(asked.addr()).await.unwrap();
        soon("an end", ask(plain, SECRET)).await.unwrap_err();
        // The secret is asked for all the same.
        let stream = TcpStream::connect(asked.addr()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(ca.client_as(ca));
        let stream = connector.connect(name, stream).await.unwrap();
        assert_eq!(ask(stream, "another").await.unwrap(), 403);
        // The listener for people has none of it.
        let page = Client::new(asked.sidecar.addr())
            .get("/.stepup/style.css")
            .await;
        assert_eq!(page.status, 200);
    });
}

#[test]
fn a_socket_is_for_our_user_and_group_and_goes_with_the_sidecar() {
    run(async {
        let mut asked = asked_by(Way::Socket, |setup| setup);
        let path = asked.sidecar.path(SOCKET);
        let by_socket = async |path: &Path, secret: &str| {
            let stream = UnixStream::connect(path).await?;
            soon("an answer", ask(stream, secret)).await
        };
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        assert_eq!(by_socket(&path, SECRET).await.unwrap(), 200);
        assert_eq!(by_socket(&path, "another").await.unwrap(), 403);
        // Nothing is asked at an address.
        TcpStream::connect(asked.addr()).await.unwrap_err();
        // What a process left behind is replaced.
        asked.sidecar.kill();
        by_socket(&path, SECRET).await.unwrap_err();
        asked.sidecar.start();
        assert_eq!(by_socket(&path, SECRET).await.unwrap(), 200);
        assert!(asked.sidecar.end().success());
        assert!(!path.exists());
    });
}
