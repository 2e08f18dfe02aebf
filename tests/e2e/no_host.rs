//! Requests that name no host: HTTP/1.0 may, and health checks do.

use crate::support::raw;
use crate::support::run;
use crate::support::sidecar::{self, HOST};
use crate::support::store::Store;

/// Routes that only some hosts have.
const POLICY: &str = "
version: 1
default: forward
routes:
  - { id: elsewhere, action: a, title: A, level: 3, match: { path: /elsewhere, host: other.test } }
  - { id: below, action: b, title: B, level: 3, match: { path: /below, host: '*.other.test' } }
  - id: not-here
    action: c
    title: C
    level: 3
    match: { path: /not-here, except: [{ host: app.test }] }
";

#[test]
fn a_health_check_without_a_host_is_forwarded_and_guarded_under_every_host() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).policy(POLICY).run();
        let addr = sidecar.addr();
        for ask in ["GET / HTTP/1.0", "OPTIONS / HTTP/1.0", "GET /x?y HTTP/1.0"] {
            let status = raw::status(addr, format!("{ask}\r\n\r\n")).await;
            assert_eq!(status, 200, "{ask}");
            let got = sidecar.upstream().last();
            assert_eq!(got.header("host"), HOST, "{ask}");
            assert_eq!(got.header("x-forwarded-host"), HOST, "{ask}");
        }
        let before = sidecar.upstream().got().len();
        for path in ["/elsewhere", "/below", "/not-here"] {
            let named = format!("GET {path} HTTP/1.0\r\nHost: {HOST}\r\n\r\n");
            assert_eq!(raw::status(addr, named).await, 200, "{path}");
            let unnamed = format!("GET {path} HTTP/1.0\r\nCookie: sid=x\r\n\r\n");
            assert_eq!(raw::status(addr, unnamed).await, 401, "{path}");
        }
        assert_eq!(sidecar.upstream().got().len(), before + 3);
    });
}

#[test]
fn http_1_1_and_our_own_endpoints_need_a_host() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).run();
        for ask in [
            "GET / HTTP/1.1",
            "GET /.stepup/status HTTP/1.0",
            "GET /.stepup/style.css HTTP/1.0",
        ] {
            let status = raw::status(sidecar.addr(), format!("{ask}\r\n\r\n")).await;
            assert_eq!(status, 400, "{ask}");
        }
        assert!(sidecar.upstream().got().is_empty());
    });
}
