//! The harness itself: what the tests rely on does what it says.

use crate::support::client::Client;
use crate::support::django::{ADMIN, ADMIN_PASSWORD, Django};
use crate::support::mail::{self, MailSink, Mode};
use crate::support::raw;
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::redis::Redis;
use crate::support::temp::TempDir;
use crate::support::tls::TestCa;
use crate::support::upstream::{Reply, Upstream, answer, text};
use crate::support::{run, soon};
use futures_util::{SinkExt, StreamExt};
use http::Method;
use http_body_util::BodyExt;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message as Frame;

#[test]
fn a_redis_counts_freezes_thaws_and_forgets() {
    let mut redis = Redis::start();
    let before = redis.commands();
    redis::cmd("SET")
        .arg("k")
        .arg("v")
        .exec(&mut redis.connect())
        .unwrap();
    assert_eq!(redis.commands(), before + 1);
    assert!(redis.dump().contains('k'));

    let mut connection = redis.connect();
    connection
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    redis.freeze();
    assert!(redis::cmd("PING").exec(&mut connection).is_err());
    redis.thaw();
    redis::cmd("PING").exec(&mut redis.connect()).unwrap();

    redis.restart();
    let keys: usize = redis::cmd("DBSIZE").query(&mut redis.connect()).unwrap();
    assert_eq!(keys, 0);
}

async fn send_mail(sink: &MailSink, mode: Mode, to: &str) -> Result<(), String> {
    let message = Message::builder()
        .from("a@example.test".parse().unwrap())
        .to(to.parse().unwrap())
        .subject("s")
        .body("Your code is 123456.".to_owned())
        .unwrap();
    let pem = std::fs::read(TestCa::shared().ca()).unwrap();
    let tls = TlsParameters::builder("localhost".to_owned())
        .add_root_certificate(Certificate::from_pem(&pem).unwrap())
        .build_rustls()
        .unwrap();
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("localhost")
        .port(sink.port())
        .tls(match mode {
            Mode::Plain | Mode::Auth => Tls::None,
            Mode::StartTls => Tls::Required(tls),
            Mode::Tls => Tls::Wrapper(tls),
        });
    if mode != Mode::Plain {
        let login = Credentials::new(mail::USER.into(), mail::PASSWORD.into());
        transport = transport.credentials(login);
    }
    let sent = transport.build().send(message).await;
    sent.map(drop).map_err(|error| error.to_string())
}

#[test]
fn the_mail_sink_takes_mail_in_every_mode() {
    run(async {
        for mode in [Mode::Plain, Mode::Auth, Mode::StartTls, Mode::Tls] {
            let sink = MailSink::start(mode, &[]);
            send_mail(&sink, mode, "b@example.test").await.unwrap();
            assert_eq!(sink.wait_for_code("b@example.test", 1), "123456");
            let mail = &sink.mails_to("b@example.test")[0];
            assert_eq!(mail.encrypted, matches!(mode, Mode::StartTls | Mode::Tls));
            assert_eq!(mail.authenticated, mode != Mode::Plain);
        }
    });
}

#[test]
fn the_mail_sink_misbehaves_on_request() {
    run(async {
        let sink = MailSink::start(Mode::Plain, &["--reject", "^nobody@", "--fail-first", "1"]);
        let nobody = send_mail(&sink, Mode::Plain, "nobody@example.test").await;
        assert!(nobody.unwrap_err().contains("550"));
        let first = send_mail(&sink, Mode::Plain, "c@example.test").await;
        assert!(first.unwrap_err().contains("451"));
        send_mail(&sink, Mode::Plain, "c@example.test")
            .await
            .unwrap();
        sink.wait_for_mail("c@example.test", 1);
    });
}

#[test]
fn an_upstream_records_the_bytes_it_got() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/two" => answer(201, &[("set-cookie", "a=1"), ("set-cookie", "b=2")], "made"),
            _ => text(404, "no"),
        });
        let client = Client::new(upstream.addr());
        let made = client.post_form("/two", &[("k", "v v")]).await;
        assert_eq!((made.status.as_u16(), made.text()), (201, "made"));
        assert_eq!(client.cookie("b").as_deref(), Some("2"));
        let got = upstream.last();
        assert_eq!((got.method, &got.body[..]), (Method::POST, &b"k=v+v"[..]));

        let status = raw::status(upstream.addr(), "GET /%2F//x HTTP/1.1\r\nHoSt: h\r\n\r\n").await;
        assert_eq!(status, 404);
        assert_eq!(upstream.last().target, "/%2F//x");
        assert!(upstream.raw()[1].contains("HoSt: h\r\n"));
    });
}

#[test]
fn an_upstream_echoes_counts_floods_cuts_and_hangs() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/echo" => Reply::Echo,
            "/count" => Reply::Count,
            "/flood" => Reply::Flood(1_000_000),
            "/cut" => Reply::CutBody("half"),
            _ => Reply::Hang,
        });
        let client = Client::new(upstream.addr());
        let send = |path, body: &'static str| client.send(client.request(Method::PUT, path, body));
        assert_eq!(send("/echo", "hello").await.text(), "hello");
        assert_eq!(send("/count", "hello").await.text(), "5");
        assert_eq!(send("/flood", "").await.body.len(), 1_000_000);

        let mut cut = client.open(client.request(Method::GET, "/cut", "")).await;
        let piece = cut.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(piece.into_data().unwrap(), "half");
        assert!(cut.body_mut().frame().await.unwrap().is_err());

        let hanging = client.try_open(client.request(Method::GET, "/hang", ""));
        tokio::select! {
            answer = hanging => panic!("{answer:?} from a server that hangs"),
            got = upstream.wait_for(5) => assert_eq!(got[4].target, "/hang"),
        }
    });
}

#[test]
fn an_upstream_streams_events_as_they_are_said() {
    run(async {
        let upstream = Upstream::start(|_| Reply::Events);
        let client = Client::new(upstream.addr());
        let mut events = client.open(client.request(Method::GET, "/", "")).await;
        for word in ["one", "two"] {
            upstream.say(word);
            let frame = soon("an event", events.body_mut().frame()).await;
            let data = frame.unwrap().unwrap().into_data().unwrap();
            assert_eq!(data, format!("data: {word}\n\n"));
        }
        upstream.fall_silent();
        assert!(soon("the end", events.body_mut().frame()).await.is_none());
    });
}

#[test]
fn an_upstream_upgrades() {
    run(async {
        let upstream = Upstream::start(|got| match got.target.as_str() {
            "/ws" => Reply::WebSocket,
            _ => Reply::Upgrade("echo/1"),
        });
        let stream = TcpStream::connect(upstream.addr()).await.unwrap();
        let url = format!("ws://{}/ws", upstream.addr());
        let (mut socket, _) = client_async(url, stream).await.unwrap();
        socket.send(Frame::text("hi")).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Frame::text("hi"));

        let mut raw = raw::RawConnection::open(upstream.addr()).await;
        let ask = "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: echo/1\r\n\r\n";
        raw.write(ask).await;
        assert!(raw.read_head().await.starts_with("HTTP/1.1 101"));
        raw.write("\0any bytes\n").await;
        assert_eq!(raw.read_until("\n").await, "\0any bytes\n");
    });
}

#[test]
fn an_upstream_stands_behind_tls_or_a_unix_socket() {
    run(async {
        let ca = TestCa::shared();
        let upstream = Upstream::start_tls(ca, |_| text(200, "sealed"));
        let client = Client::new(upstream.addr()).tls(ca, "app.example.test", &["http/1.1"]);
        assert_eq!(client.get("/").await.text(), "sealed");
        assert!(
            upstream
                .last()
                .header("host")
                .starts_with("app.example.test:")
        );

        let dir = TempDir::new("unix");
        let path = dir.path().join("app.sock");
        let upstream = Upstream::start_unix(&path, |_| text(200, "local"));
        let stream = tokio::net::UnixStream::connect(&path).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let request = client.request(Method::GET, "/", "");
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
        assert_eq!(upstream.got().len(), 1);
    });
}

#[test]
fn a_raw_upstream_plays_its_scripts() {
    run(async {
        let upstream = RawUpstream::start(vec![
            vec![Act::Write("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")],
            vec![Act::Write("nonsense")],
        ])
        .await;
        let ask = "GET /x HTTP/1.1\r\nhost: h\r\n\r\n";
        assert!(
            raw::send(upstream.addr(), ask)
                .await
                .ends_with("\r\n\r\nab")
        );
        assert_eq!(raw::send(upstream.addr(), ask).await, "nonsense");
        assert_eq!(upstream.heads(), [ask, ask]);
    });
}

#[test]
fn a_django_site_takes_a_login() {
    run(async {
        let django = Django::start();
        let client = Client::new(django.addr());
        let csrf = client.get("/admin/login/").await;
        let csrf = csrf.hidden("csrfmiddlewaretoken");
        let fields = [
            ("csrfmiddlewaretoken", csrf.as_str()),
            ("username", ADMIN),
            ("password", ADMIN_PASSWORD),
        ];
        let answer = client
            .post_form("/admin/login/?next=/admin/", &fields)
            .await;
        assert_eq!(answer.status, 302);
        let users = client.get("/admin/auth/user/").await;
        assert!(users.text().contains("victim4"));
    });
}
