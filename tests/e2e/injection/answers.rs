//! Which answers get the tag, in which encoding, and how they come.

use super::{PAGE, TAG, injecting, page, setup, tagged};
use crate::support::client::Client;
use crate::support::raw::RawConnection;
use crate::support::raw_upstream::{Act, RawUpstream};
use crate::support::upstream::{Reply, Upstream, answer};
use crate::support::{run, soon};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{Method, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use std::io::{self, Read, Write};
use tokio::sync::Notify;

const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

fn zip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn unzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

/// An answer of bytes.
fn bytes(headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let mut response = Response::builder();
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    Reply::Answer(response.body(body.boxed()).unwrap())
}

#[test]
fn a_document_that_a_browser_shows_gets_the_tag_and_nothing_else_does() {
    run(async {
        let upstream = Upstream::start(|got| {
            let html = page();
            let with = |more: &[(&str, &str)]| answer(200, &[&[HTML], more].concat(), &html);
            match got.target.as_str() {
                "/attachment" => with(&[("content-disposition", "attachment; filename=x.html")]),
                "/inline" => with(&[("content-disposition", "INLINE; filename=x.html")]),
                "/form-data" => with(&[("content-disposition", "form-data; name=x")]),
                "/no-transform" => with(&[("cache-control", "public, No-Transform")]),
                "/signed" => with(&[("signature-input", "a=()")]),
                "/range" => answer(206, &[HTML, ("content-range", "bytes 0-9/99")], &html),
                "/redirect" => answer(302, &[HTML, ("location", "/x")], &html),
                "/404" => answer(404, &[HTML], &html),
                "/500" => answer(500, &[HTML], &html),
                "/xhtml" => answer(200, &[("content-type", "application/xhtml+xml")], &html),
                "/plain" => answer(200, &[("content-type", "text/plain")], &html),
                "/no-type" => answer(200, &[], &html),
                "/two-types" => with(&[("content-type", "text/plain")]),
                "/utf-16" => answer(200, &[("content-type", "text/html;charset=UTF-16")], &html),
                "/case" => answer(200, &[("content-type", "Text/HTML ; Charset=\"x\"")], &html),
                "/fragment" => answer(200, &[HTML], "<p>a fragment</p>"),
                "/json" => answer(200, &[HTML], "{\"html\":\"<html><head><title>\"}"),
                _ => with(&[]),
            }
        });
        let sidecar = injecting(&upstream);
        let shown = || sidecar.client().navigating();
        for (path, has_tag) in [
            ("/", true),
            ("/404", true),
            ("/500", true),
            ("/inline", true),
            ("/case", true),
            ("/attachment", false),
            ("/form-data", false),
            ("/no-transform", false),
            ("/signed", false),
            ("/range", false),
            ("/redirect", false),
            ("/xhtml", false),
            ("/plain", false),
            ("/no-type", false),
            ("/two-types", false),
            ("/utf-16", false),
            ("/fragment", false),
            ("/json", false),
        ] {
            let direct = Client::new(upstream.addr()).get(path).await;
            let got = shown().get(path).await;
            let expected = if has_tag {
                tagged()
            } else {
                direct.text().to_owned()
            };
            assert_eq!(got.text(), expected, "{path}");
            assert_eq!(
                (got.status, got.header("content-length").is_empty()),
                (
                    direct.status,
                    has_tag || matches!(path, "/fragment" | "/json")
                )
            );
        }
        let posted = shown().post_form("/", &[("a", "b")]).await;
        assert_eq!(posted.text(), tagged());
        let client = || Client::new(sidecar.addr()).host("app.test");
        for (who, client, has_tag) in [
            (
                "a frame",
                client()
                    .header("sec-fetch-mode", "navigate")
                    .header("sec-fetch-dest", "iframe"),
                true,
            ),
            (
                "an old browser",
                client().header("accept", "text/html,*/*;q=0.8"),
                true,
            ),
            ("fetch", client().fetching(), false),
            (
                "htmx",
                client()
                    .header("accept", "text/html")
                    .header("hx-request", "true"),
                false,
            ),
            (
                "Turbo",
                client().header("accept", "text/vnd.turbo-stream.html, text/html"),
                false,
            ),
            (
                "jQuery",
                client()
                    .header("accept", "text/html")
                    .header("x-requested-with", "XMLHttpRequest"),
                false,
            ),
            ("a program", client().header("accept", "*/*"), false),
            (
                "a program with a token",
                shown().header("authorization", "Bearer x"),
                false,
            ),
            (
                "a browser behind a password",
                shown().header("authorization", "Basic YTpi"),
                true,
            ),
        ] {
            let got = client.get("/").await;
            assert_eq!(got.text() == tagged(), has_tag, "{who}");
            assert_eq!(got.text() == page(), !has_tag, "{who}");
        }
    });
}

#[test]
fn it_is_off_until_the_settings_say_otherwise_and_for_the_paths_that_they_except() {
    run(async {
        let upstream = Upstream::start(|_| answer(200, &[HTML, ("etag", "\"x\"")], &page()));
        let off = setup(&upstream).with("client", "inject: false").run();
        let got = off
            .client()
            .navigating()
            .header("accept-encoding", "br, gzip")
            .get("/")
            .await;
        assert_eq!(
            (got.text(), got.header("vary"), got.header("etag")),
            (&*page(), "", "\"x\"")
        );
        assert_eq!(upstream.last().header("accept-encoding"), "br, gzip");
        let some = setup(&upstream)
            .with(
                "client",
                "pages: ['/app/{rest...}', /login]\nexcept: ['/app/embed/{rest...}']",
            )
            .run();
        for (path, has_tag) in [
            ("/app/", true),
            ("/app/x/y?z", true),
            ("/login", true),
            ("/", false),
            ("/application", false),
            ("/app/embed/x", false),
            ("/app/%65mbed/x", false),
            ("/APP/EMBED/x", false),
        ] {
            let got = some.client().navigating().get(path).await;
            assert_eq!(got.text() == tagged(), has_tag, "{path}");
            assert_eq!(got.header("vary").is_empty(), !has_tag, "{path}");
        }
    });
}

#[test]
fn the_application_is_asked_for_gzip_or_nothing_and_what_else_comes_is_left() {
    run(async {
        let upstream = Upstream::start(|got| {
            let html = page();
            let coded =
                |coding: &str, body: Vec<u8>| bytes(&[HTML, ("content-encoding", coding)], body);
            match got.target.as_str() {
                "/gzip" => coded("gzip", zip(html.as_bytes())),
                "/x-gzip" => coded("X-GZip", zip(html.as_bytes())),
                "/identity" => coded("identity", html.into()),
                "/twice" => coded("gzip, gzip", zip(&zip(html.as_bytes()))),
                "/false" => coded("gzip", html.into()),
                "/fragment" => coded("gzip", zip(b"<p>a fragment</p>")),
                "/br" => coded("br", html.into()),
                "/zstd" => coded("zstd", html.into()),
                "/deflate" => coded("deflate", html.into()),
                _ => answer(200, &[HTML], &html),
            }
        });
        let sidecar = injecting(&upstream);
        for (accepted, asked) in [
            ("gzip, deflate, br, zstd", "gzip"),
            ("br;q=1.0, gzip;q=0.5", "gzip"),
            ("*", "gzip"),
            ("br, zstd", "identity"),
            ("gzip;q=0, *", "identity"),
            ("gzip; q=0.000", "identity"),
            ("", "identity"),
        ] {
            let client = sidecar
                .client()
                .navigating()
                .header("accept-encoding", accepted);
            assert_eq!(client.get("/").await.text(), tagged());
            assert_eq!(
                upstream.last().header("accept-encoding"),
                asked,
                "{accepted}"
            );
        }
        // Without a word of it, and for what no browser shows, nothing is said.
        sidecar.client().navigating().get("/").await;
        assert!(!upstream.last().headers.contains_key("accept-encoding"));
        sidecar
            .client()
            .fetching()
            .header("accept-encoding", "br")
            .get("/")
            .await;
        assert_eq!(upstream.last().header("accept-encoding"), "br");

        let client = || {
            sidecar
                .client()
                .navigating()
                .header("accept-encoding", "gzip, br")
        };
        for path in ["/gzip", "/x-gzip"] {
            let got = client().get(path).await;
            assert_eq!(unzip(&got.body), tagged(), "{path}");
            assert!(
                got.header("content-encoding")
                    .eq_ignore_ascii_case(&path[1..])
            );
        }
        assert_eq!(client().get("/identity").await.text(), tagged());
        for path in ["/twice", "/false", "/fragment", "/br", "/zstd", "/deflate"] {
            let direct = Client::new(upstream.addr()).get(path).await;
            let got = client().get(path).await;
            assert_eq!(got.body, direct.body, "{path}");
            assert_eq!(
                got.header("content-encoding"),
                direct.header("content-encoding")
            );
        }
        let told = sidecar.process().wait_for_line("was not asked for");
        assert!(told.contains("/twice"), "{told}");
        let lines = sidecar.process().lines();
        let told = lines
            .iter()
            .filter(|line| line.contains("was not asked for"));
        assert_eq!(told.count(), 1);
    });
}

#[test]
fn a_page_that_comes_slowly_is_shown_as_it_comes() {
    static GO_ON: Notify = Notify::const_new();
    run(async {
        let upstream = RawUpstream::start(vec![vec![
            Act::Write(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            Act::Write("18\r\n<html><head><title>slow.\r\n"),
            Act::Heed(&GO_ON),
            Act::Write("8\r\n</title>\r\n"),
            Act::Heed(&GO_ON),
            Act::Write("5\r\n<p>x.\r\n0\r\n\r\n"),
            Act::Hold,
        ]])
        .await;
        let sidecar = injecting(&upstream);
        let mut connection = RawConnection::open(sidecar.addr()).await;
        connection
            .write("GET / HTTP/1.1\r\nHost: app.test\r\nSec-Fetch-Mode: navigate\r\n\r\n")
            .await;
        let head = connection.read_head().await;
        assert!(head.contains("transfer-encoding: chunked"), "{head}");
        let first = soon("the first piece", connection.read_until("slow.")).await;
        assert!(
            first.contains(&format!("<html><head>{TAG}<title>slow.")),
            "{first}"
        );
        GO_ON.notify_one();
        soon("the second piece", connection.read_until("</title>")).await;
        GO_ON.notify_one();
        soon("the last piece", connection.read_until("0\r\n\r\n")).await;
    });
}

#[test]
fn a_page_in_gzip_that_comes_slowly_is_shown_as_it_comes() {
    static GO_ON: Notify = Notify::const_new();
    run(async {
        let upstream = Upstream::start(|_| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            let pieces = PAGE.map(|piece| {
                encoder.write_all(piece.as_bytes()).unwrap();
                encoder.write_all(b"<p>").unwrap();
                encoder.flush().unwrap();
                std::mem::take(encoder.get_mut())
            });
            let stream = futures_util::stream::unfold(0, move |step| {
                let piece = pieces.get(step).cloned();
                async move {
                    if step > 0 {
                        GO_ON.notified().await;
                    }
                    let frame = Frame::data(Bytes::from(piece?));
                    Some((Ok::<_, io::Error>(frame), step + 1))
                }
            });
            let response = Response::builder()
                .header(HTML.0, HTML.1)
                .header("content-encoding", "gzip");
            Reply::Answer(
                response
                    .body(BodyExt::boxed(StreamBody::new(stream)))
                    .unwrap(),
            )
        });
        let sidecar = injecting(&upstream);
        let client = sidecar
            .client()
            .navigating()
            .header("accept-encoding", "gzip");
        let mut response = client.open(client.request(Method::GET, "/", "")).await;
        let mut shown = Vec::new();
        let mut zipped = Vec::new();
        for _ in PAGE {
            let frame = soon("a piece", response.body_mut().frame()).await.unwrap();
            zipped.extend(frame.unwrap().into_data().unwrap());
            let mut text = Vec::new();
            // Not the end of it yet.
            let _ = GzDecoder::new(&zipped[..]).read_to_end(&mut text);
            shown.push(String::from_utf8(text).unwrap());
            GO_ON.notify_one();
        }
        let first = format!("{}{TAG}<p>", PAGE[0]);
        assert_eq!(shown, [first.clone(), format!("{first}{}<p>", PAGE[1])]);
    });
}

#[test]
fn trailers_http_2_and_a_line_that_is_cut_are_as_without_it() {
    run(async {
        let page = page();
        let script = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\
             Trailer: Server-Timing, Repr-Digest\r\n\r\n{:x}\r\n{page}\r\n0\r\n\
             Server-Timing: app;dur=1\r\nRepr-Digest: sha-256=:x:\r\n\r\n",
            page.len()
        );
        let upstream = RawUpstream::start(vec![vec![Act::Write(script.leak())]]).await;
        let sidecar = injecting(&upstream);
        let clients = [
            sidecar.client().header("te", "trailers"),
            sidecar.client().http2(),
        ];
        for client in clients {
            let got = client.navigating().get("/").await;
            assert_eq!(got.text(), tagged());
            let trailers = got.trailers.expect("trailers");
            assert_eq!(trailers["server-timing"], "app;dur=1");
            assert!(!trailers.contains_key("repr-digest"));
        }
        let cut = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99\r\n\r\n<html><head><p>cut";
        let upstream = RawUpstream::start(vec![vec![Act::Write(cut)]]).await;
        let sidecar = injecting(&upstream);
        let client = sidecar.client().navigating();
        let response = client.open(client.request(Method::GET, "/", "")).await;
        let mut body = response.into_body();
        let mut came = Vec::new();
        let error = loop {
            match body.frame().await.expect("an error before the end") {
                Ok(frame) => came.extend(frame.into_data().unwrap()),
                Err(error) => break error,
            }
        };
        let expected = format!("<html><head>{TAG}<p>cut");
        assert_eq!(String::from_utf8(came).unwrap(), expected, "{error}");
    });
}
