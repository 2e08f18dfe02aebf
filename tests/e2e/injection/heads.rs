//! The head of an answer that may carry the tag: it is true of what the client gets, and the application is asked by its own names.

use super::{PAGE, injecting, page, setup, tagged};
use crate::support::run;
use crate::support::upstream::{Upstream, answer};
use http::Method;

const HTML: (&str, &str) = ("content-type", "text/html");

#[test]
fn what_is_only_true_of_the_bytes_that_were_sent_is_removed() {
    run(async {
        let upstream = Upstream::start(|_| {
            let headers = [
                HTML,
                ("etag", "\"v1\""),
                ("accept-ranges", "bytes"),
                ("content-md5", "x"),
                ("digest", "sha-256=x"),
                ("content-digest", "sha-256=:x:"),
                ("repr-digest", "sha-256=:x:"),
                ("vary", "Cookie"),
                ("last-modified", "Tue, 01 Jul 2025 00:00:00 GMT"),
                ("content-language", "en"),
            ];
            answer(200, &headers, &page())
        });
        let sidecar = injecting(&upstream);
        let client = sidecar.client().navigating();
        let got = client.get("/").await;
        assert_eq!(got.text(), tagged());
        let head = client.send(client.request(Method::HEAD, "/", "")).await;
        for got in [&got, &head] {
            for gone in [
                "content-length",
                "accept-ranges",
                "content-md5",
                "digest",
                "content-digest",
                "repr-digest",
            ] {
                assert_eq!(got.header(gone), "", "{gone}");
            }
            assert_eq!(got.header("etag"), "W/\"v1+stepgate\"");
            let vary: Vec<_> = got.headers.get_all("vary").iter().collect();
            assert_eq!(vary, ["Cookie", "Accept, Sec-Fetch-Mode, Sec-Fetch-Dest"]);
            assert_eq!(got.header("content-language"), "en");
            assert!(!got.header("last-modified").is_empty());
        }
        // A script gets the bytes of the application, under its names; caches tell the two apart.
        let fetched = sidecar.client().fetching().get("/").await;
        assert_eq!(
            (fetched.text(), fetched.header("etag")),
            (&*page(), "\"v1\"")
        );
        assert_eq!(fetched.headers.get_all("vary").iter().count(), 2);
        assert_eq!(fetched.header("content-md5"), "x");
    });
}

#[test]
fn a_copy_is_revalidated_by_the_name_that_the_application_gave_it() {
    run(async {
        let upstream = Upstream::start(|got| {
            let (kind, tag) = match got.target.as_str() {
                "/weak" => ("text/html", "W/\"v1\""),
                "/odd" => ("text/html", "odd"),
                "/picture" => ("image/svg+xml", "\"v1\""),
                _ => ("text/html", "\"v1\""),
            };
            let is_known =
                got.header("if-none-match") == tag || got.headers.contains_key("if-modified-since");
            let status = if is_known { 304 } else { 200 };
            let body = if is_known { String::new() } else { page() };
            answer(status, &[("content-type", kind), ("etag", tag)], &body)
        });
        let sidecar = injecting(&upstream);
        let shown = || sidecar.client().navigating();
        for (path, marked) in [
            ("/", "W/\"v1+stepgate\""),
            ("/weak", "W/\"v1+stepgate-w\""),
            // The same bytes: as strong as it was.
            ("/picture", "\"v1+stepgate\""),
        ] {
            let first = shown().get(path).await;
            assert_eq!(first.header("etag"), marked);
            let again = shown().header("if-none-match", marked).get(path).await;
            assert_eq!(again.status, 304, "{path}");
            assert_eq!(
                again.header("etag").trim_start_matches("W/"),
                marked.trim_start_matches("W/")
            );
            assert_eq!(
                again.header("vary"),
                "Accept, Sec-Fetch-Mode, Sec-Fetch-Dest"
            );
        }
        // A copy without the tag, such as one that a script got, is not shown; nor does a script get that of a page.
        let date = "Tue, 01 Jul 2025 00:00:00 GMT";
        for (client, tag, body) in [
            (shown(), "\"v1\"", tagged()),
            (sidecar.client().fetching(), "W/\"v1+stepgate\"", page()),
        ] {
            let client = client
                .header("if-none-match", tag)
                .header("if-modified-since", date);
            let got = client.get("/").await;
            assert_eq!((got.status.as_u16(), got.text()), (200, &*body));
        }
        let fetched = sidecar
            .client()
            .fetching()
            .header("if-none-match", "\"v1\"")
            .get("/")
            .await;
        assert_eq!(
            (fetched.status.as_u16(), fetched.header("etag")),
            (304, "\"v1\"")
        );
        // A part is asked for by the name of the whole.
        let part = |tag| shown().header("range", "bytes=0-9").header("if-range", tag);
        part("\"v1+stepgate\"").get("/").await;
        assert_eq!(upstream.last().header("if-range"), "\"v1\"");
        part("\"v1\"").get("/").await;
        assert_eq!(
            (
                upstream.last().header("if-range"),
                upstream.last().header("range")
            ),
            ("", "")
        );
        // A name that is none is not made one.
        let odd = shown().get("/odd").await;
        assert_eq!((odd.text(), odd.header("etag")), (&*tagged(), ""));
    });
}

#[test]
fn a_policy_of_the_page_lets_the_script_run_or_the_page_goes_without() {
    run(async {
        let upstream = Upstream::start(|got| {
            let line = |name: &'static str| match got.header(name) {
                "" => None,
                value => Some((name.strip_prefix("x-").unwrap(), value)),
            };
            let names = [
                "x-content-security-policy",
                "x-content-security-policy-report-only",
                "x-integrity-policy",
            ];
            let mut headers = vec![HTML];
            headers.extend(names.into_iter().filter_map(line));
            answer(200, &headers, &page())
        });
        let sidecar = setup(&upstream).line("public_url: https://app.test").run();
        let csp = "x-content-security-policy";
        let with_nonce = tagged().replace("client.js\"", "client.js\" nonce=\"n1\"");
        for (name, value, expected) in [
            (csp, "script-src 'self'; object-src 'none'", Some(tagged())),
            (csp, "default-src https://app.test", Some(tagged())),
            (
                csp,
                "script-src 'nonce-n1' 'strict-dynamic'",
                Some(with_nonce.clone()),
            ),
            (
                csp,
                "script-src 'self', script-src 'nonce-n1'",
                Some(with_nonce.clone()),
            ),
            (csp, "require-trusted-types-for 'script'", Some(tagged())),
            (csp, "script-src 'sha256-x' 'strict-dynamic'", None),
            (csp, "default-src 'none'", None),
            (csp, "script-src 'self', script-src https://cdn.test", None),
            (csp, "sandbox", None),
            (
                "x-content-security-policy-report-only",
                "script-src 'none'",
                Some(tagged()),
            ),
            (
                "x-content-security-policy-report-only",
                "script-src 'nonce-n1'",
                Some(with_nonce),
            ),
            ("x-integrity-policy", "blocked-destinations=(script)", None),
        ] {
            let got = sidecar
                .client()
                .navigating()
                .header(name, value)
                .get("/")
                .await;
            // The policy itself is as it was.
            assert_eq!(got.header(&name[2..]), value);
            let is_left = expected.is_none();
            assert_eq!(got.text(), expected.unwrap_or_else(page), "{value}");
            assert_eq!(got.header("content-length").is_empty(), !is_left);
        }
        sidecar
            .process()
            .wait_for_line("does not let the script run");
        let lines = sidecar.process().lines();
        let told = lines
            .iter()
            .filter(|line| line.contains("does not let the script run"));
        assert_eq!(told.count(), 1);
    });
}

/// The session's cookie is only sent below a path that the client names.
#[test]
fn what_a_client_writes_into_the_path_stays_in_the_attribute() {
    run(async {
        let upstream = Upstream::start(|_| answer(200, &[HTML], &page()));
        let sidecar = setup(&upstream)
            .with("session", "cookies: [{ name: sid, path: '/user/{name}/' }]")
            .line("log: { level: debug }")
            .run();
        let got = sidecar.client().navigating().get("/user/alice/x").await;
        let [before, after] = PAGE;
        let tag = "<script src=\"/user/alice/.stepup/client.js\" defer></script>";
        assert_eq!(got.text(), format!("{before}{tag}{after}"));
        for (name, written) in [("a'b&c;", "a'b&amp;c;"), ("%22%3e%3cb%3e", "%22%3e%3cb%3e")] {
            let got = sidecar
                .client()
                .navigating()
                .get(&format!("/user/{name}/x"))
                .await;
            let tag = format!("<script src=\"/user/{written}/.stepup/client.js\" defer></script>");
            assert_eq!(got.text(), format!("{before}{tag}{after}"));
        }
    });
}
