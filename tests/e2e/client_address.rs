//! Who the client is: nobody's word counts but that of the proxies the operator named.

use crate::support::sidecar::{Sidecar, in_front_of};
use crate::support::upstream::{Upstream, text};
use crate::support::{run, until};

#[test]
fn nobody_is_believed_by_default() {
    run(async {
        let upstream = Upstream::start(|_| text(200, ""));
        let sidecar = in_front_of(&upstream).run();
        for name in [
            "x-forwarded-for",
            "X_Forwarded_For",
            "forwarded",
            "x-real-ip",
            "true-client-ip",
        ] {
            sidecar.client().header(name, "6.6.6.6").get("/x").await;
            let got = upstream.last();
            assert_eq!(got.header("x-forwarded-for"), "127.0.0.1", "{name}");
            let told = format!("{:?}", got.headers);
            assert!(!told.contains("6.6.6.6"), "{told}");
        }
        sidecar
            .client()
            .header("x-forwarded-for", "6.6.6.6")
            .get("/guarded/x")
            .await;
        let audit = decision(&sidecar).await;
        assert!(
            audit.contains("127.0.0.1") && !audit.contains("6.6.6.6"),
            "{audit}"
        );
    });
}

#[test]
fn a_trusted_proxy_says_who_came() {
    run(async {
        let upstream = Upstream::start(|_| text(200, ""));
        let trusting = || in_front_of(&upstream).line("trusted_proxies: [127.0.0.1, 10.0.0.0/8]");
        let sidecar = trusting().run();
        let client = sidecar
            .client()
            .header("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.1.2.3")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "app.example.com")
            .header("x-request-id", "named")
            .header("remote-user", "alice")
            .header("remote_user", "mallory");
        client.get("/guarded/x").await;
        let audit = decision(&sidecar).await;
        // The first from the right that no trusted proxy is; what stands before it is hearsay.
        assert!(
            audit.contains("192.0.2.7") && !audit.contains("6.6.6.6"),
            "{audit}"
        );
        client.get("/x").await;
        let got = upstream.last();
        assert_eq!(
            got.header("x-forwarded-for"),
            "6.6.6.6, 192.0.2.7, 10.1.2.3, 127.0.0.1"
        );
        assert_eq!(got.header("x-forwarded-proto"), "https");
        assert_eq!(got.header("x-forwarded-host"), "app.example.com");
        assert_eq!(got.header("x-request-id"), "named");
        assert_eq!(
            (got.header("remote-user"), got.header("remote_user")),
            ("alice", "")
        );
    });
}

/// The audit log, once the decision stands in it: it is written after the answer.
async fn decision(sidecar: &Sidecar) -> String {
    let path = sidecar.path("audit.log");
    let written = async || {
        let audit = std::fs::read_to_string(&path).unwrap_or_default();
        audit.contains("\"decision\"").then_some(audit)
    };
    until("a decision in the audit log", written).await
}
