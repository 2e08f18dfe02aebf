//! What a browser makes of pages with the tag: the same as without it, and one script.

use super::{injecting, page, setup};
use crate::support::browser::Browser;
use crate::support::upstream::{Reply, Upstream, answer};
use crate::support::{run, until};
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};

/// Documents that are hard to read, the element that the tag ends in, if they get it, and the `Content-Type`.
fn documents() -> Vec<(Vec<u8>, &'static str, &'static str)> {
    const PLAIN: &str = "text/html";
    const HEAD: &str = "HEAD";
    const NONE: &str = "";
    let mut documents: Vec<(Vec<u8>, &str, &str)> = [
        ("<!doctype html><html><head><meta charset=utf-8><title>ä</title></head><body>ö</body></html>", HEAD),
        ("<title>quirks</title><p>no doctype", NONE),
        ("<!doctype html><title>a</title><p>b<table><td>c", HEAD),
        ("<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\"><html><head><title>x</title>", HEAD),
        ("<html><body bgcolor=red><p>x", HEAD),
        ("<html><frameset cols='*,*'><frame src='about:blank'><frame src='about:blank'></frameset></html>", HEAD),
        ("<html><plaintext><head></head>", HEAD),
        ("<!-- <head> --><!doctype html><html><!-- </head> --><head><!-- <script> --><title>x</title>", HEAD),
        ("<!--[if IE]><html class=ie><![endif]--><!--[if !IE]><!--><html class=no><!--<![endif]--><head><title>x</title>", HEAD),
        ("<!doctype html><html><head><title><head></title><textarea><html><head></textarea>", HEAD),
        ("<!doctype html><html><head><noscript><link rel=x></noscript><template><p>x</p></template><svg><title>y</title></svg>", HEAD),
        ("<!doctype html><html><head></p><title>x</title><p>y", HEAD),
        ("<!doctype html><html><head></br><title>x</title><p>y", "BODY"),
        ("<!doctype html><html></head><head><title>x</title><p>y", HEAD),
        ("<!doctype html><html><head><meta name=x content='<title>'><base href='https://elsewhere.test/'><p>y", HEAD),
        ("<!doctype html><html data-a='<head>' data-b=\"\0\"><head data-c=d><link rel=x><p>y", HEAD),
        ("<!doctype html><html><head", NONE),
        ("<!doctype html><html><head><meta content='<title>never closed", NONE),
        ("<!doctype html>text<p>more", NONE),
        ("<textarea><html><head><title>x</title></textarea>", NONE),
        ("<![CDATA[<html>]]><!doctype html><head><title>x</title>", NONE),
        ("<?xml version='1.0' encoding='utf-8'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title></head></html>", HEAD),
        ("<!doctype html><html><head><title>x</title><script src='/.stepup/client.js' defer></script></head>", HEAD),
        ("<!doctype html><html><head><script src='/.stepup/client.js' defer></script><title>x</title></head>", NONE),
        ("<!doctype html><html><head><meta http-equiv=refresh content='1000'></head><body>x</body></html>", HEAD),
        ("<!doctype html><head></head><select><xmp><p></xmp></select><math><mi><p>x", HEAD),
    ]
    .map(|(text, parent)| (text.as_bytes().to_vec(), parent, PLAIN))
    .into();
    let latin =
        b"<!doctype html><html><head><meta charset=iso-8859-1><title>\xe4\xf6</title><p>\xfc"
            .to_vec();
    let sjis = b"<!doctype html><html><head><meta charset=shift_jis><title>\x83\x5c\x95\x5c</title><p>\x83\x7c".to_vec();
    let utf16: Vec<u8> = "\u{feff}<!doctype html><html><head><title>\u{e4}</title><p>x"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let jis =
        b"<!doctype html><html><head><meta charset=iso-2022-jp><title>\x1b$B$\"\x1b(B</title><p>x"
            .to_vec();
    let guessed =
        b"<!doctype html><!-- \x1b$B$\" --><head><title>\x1b(B --><title>x</title><p>x".to_vec();
    documents.extend([
        (latin.clone(), HEAD, PLAIN),
        (latin, HEAD, "text/html; charset=windows-1252"),
        (sjis.clone(), HEAD, PLAIN),
        (sjis, HEAD, "text/html; charset=Shift_JIS"),
        (utf16.clone(), NONE, PLAIN),
        (utf16, NONE, "text/html; charset=utf-16le"),
        (jis, NONE, PLAIN),
        (guessed, NONE, PLAIN),
        (
            b"\xef\xbb\xbf<!doctype html><html><head><title>\xc3\xa4</title>".to_vec(),
            HEAD,
            PLAIN,
        ),
        (
            b"<!doctype html><html><head><title>\xc3\xa4</title>".to_vec(),
            HEAD,
            "text/html; charset=utf-8",
        ),
    ]);
    documents
}

/// What the browser made of the page, without our script; and how often that is there, and where.
const LOOK: &str = "
    const ours = [...document.querySelectorAll('script[src$=\"/.stepup/client.js\"]')];
    const parents = ours.map(script => script.parentNode.nodeName);
    ours.forEach(script => script.remove());
    document.normalize();
    const doctype = document.doctype && [document.doctype.name, document.doctype.publicId];
    const html = document.documentElement.outerHTML;
    return [[html, doctype, document.compatMode, document.characterSet, document.title], parents];";

#[test]
fn a_browser_makes_the_same_of_every_page_with_the_tag() {
    run(async {
        let documents = documents();
        let served = documents.clone();
        let upstream = Upstream::start(move |got| {
            let number = got.target.trim_start_matches('/').parse::<usize>();
            let Some((body, _, kind)) = number.ok().and_then(|number| served.get(number)) else {
                return answer(404, &[("content-type", "text/plain")], "");
            };
            let body = Full::new(Bytes::from(body.clone())).map_err(|never| match never {});
            let response = Response::builder().header("content-type", *kind);
            Reply::Answer(response.body(body.boxed()).unwrap())
        });
        let sidecar = injecting(&upstream);
        let browser = Browser::open().await;
        let look = async |address: String| {
            browser.goto(&address).await.unwrap();
            let seen = browser.execute(LOOK, vec![]).await.unwrap();
            let parents = seen[1].as_array().unwrap().clone();
            (seen[0].clone(), parents)
        };
        for (number, (document, parent, kind)) in documents.iter().enumerate() {
            let name = format!("{kind} {}", String::from_utf8_lossy(document));
            let (direct, own) = look(format!("http://{upstream}/{number}")).await;
            let (through, all) = look(format!("http://{}/{number}", sidecar.addr())).await;
            assert_eq!(through, direct, "{name}");
            assert_eq!(all.len() - own.len(), parent.len().min(1), "{name}");
            if !parent.is_empty() {
                assert_eq!(all[0], *parent, "{name}");
            }
        }
    });
}

/// The page's own inline script breaks its policy, so that a report comes of every page: the last of them tells that all are there.
const INLINE: &str =
    "<!doctype html><html><head><title>x</title></head><body><script>1</script></body></html>";

#[test]
fn the_script_is_loaded_under_the_policies_that_let_it_and_breaks_none() {
    run(async {
        let policies = [
            ("/self", "script-src 'self'", true),
            ("/nonce", "script-src 'nonce-n1' 'strict-dynamic'", true),
            (
                "/both",
                "default-src 'self', script-src 'nonce-n1' 'self'",
                true,
            ),
            (
                "/types",
                "script-src 'self'; require-trusted-types-for 'script'",
                true,
            ),
            (
                "/hash",
                "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
                false,
            ),
            ("/none", "default-src 'none'; img-src *", false),
            ("/other", "script-src https://elsewhere.test", false),
        ];
        let upstream = Upstream::start(move |got| {
            let known = policies.iter().find(|(path, ..)| *path == got.target);
            match known {
                Some((_, policy, _)) => {
                    // Each of several policies reports for itself.
                    let policy = policy.replace(',', "; report-uri /report,");
                    let policy = format!("{policy}; report-uri /report");
                    let headers = [
                        ("content-type", "text/html"),
                        ("content-security-policy", &*policy),
                    ];
                    answer(200, &headers, INLINE)
                }
                None => answer(204, &[], ""),
            }
        });
        let sidecar = setup(&upstream).without("public_url").run();
        let browser = Browser::open().await;
        for (path, _, is_loaded) in policies {
            browser
                .goto(&format!("http://{}{path}", sidecar.addr()))
                .await
                .unwrap();
            let loaded = "return performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)";
            let loaded = browser.execute(loaded, vec![]).await.unwrap();
            let script = Value::from("/.stepup/client.js");
            assert_eq!(
                loaded.as_array().unwrap().contains(&script),
                is_loaded,
                "{path}"
            );
        }
        // Of `/both` come two.
        let all = policies.len() + 1;
        let reports = until("all reports", async || {
            let got = upstream.got().into_iter();
            let reports: Vec<_> = got.filter(|got| got.target == "/report").collect();
            (reports.len() >= all).then_some(reports)
        });
        for report in reports.await {
            let report: Value = serde_json::from_slice(&report.body).unwrap();
            assert_eq!(
                report["csp-report"]["blocked-uri"],
                json!("inline"),
                "{report}"
            );
        }
    });
}

#[test]
fn what_a_script_has_fetched_is_not_shown_without_the_tag() {
    run(async {
        let upstream = Upstream::start(|got| {
            let headers = [
                ("content-type", "text/html"),
                ("etag", "\"v1\""),
                ("cache-control", "no-cache"),
            ];
            if got.header("if-none-match") == "\"v1\"" {
                answer(304, &headers, "")
            } else {
                answer(200, &headers, &page())
            }
        });
        let sidecar = injecting(&upstream);
        let browser = Browser::open().await;
        let open = async |path: &str| {
            browser
                .goto(&format!("http://{}{path}", sidecar.addr()))
                .await
                .unwrap();
        };
        open("/start").await;
        let fetch =
            "const [path, done] = arguments; fetch(path).then(got => got.text()).then(done)";
        let fetched = browser
            .execute_async(fetch, vec![json!("/page")])
            .await
            .unwrap();
        assert_eq!(fetched, json!(page()));
        // Once more each: by then there is a copy that is shown, and it is asked for.
        for _ in 0..2 {
            open("/page").await;
            let seen = browser.execute(LOOK, vec![]).await.unwrap();
            assert_eq!(seen[1], json!(["HEAD"]));
            open("/start").await;
        }
        let fetched = browser
            .execute_async(fetch, vec![json!("/page")])
            .await
            .unwrap();
        assert_eq!(fetched, json!(page()));
    });
}
