//! Pages of other origins: those that are listed may read our answers, and a preflight opens nothing.

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, ORIGIN, POLICY, Sidecar};
use crate::support::store::{Store, on_both_stores};
use http::{HeaderName, Method};

const FRONT: &str = "https://front.test";

fn listing(store: Store) -> Sidecar {
    sidecar::on(store)
        .line("cors_origins: ['https://front.test']")
        .run()
}

/// Asks as browsers do before a call of `method` with JSON.
async fn preflight(client: &Client, origin: &str, method: &str, path: &str) -> Answer {
    let mut request = client.request(Method::OPTIONS, path, "");
    for (name, value) in [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "content-type,step-up-key"),
        ("sec-fetch-mode", "cors"),
        ("sec-fetch-dest", "empty"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    client.send(request).await
}

/// The headers by which pages of another origin are let in.
fn let_in(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(HeaderName::as_str);
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("access-control-"))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Origins that are none of the listed ones, however near they come.
const OTHERS: [&str; 8] = [
    "https://front.test.evil.test",
    "https://front.test:8443",
    "https://a.front.test",
    "https://front.test/",
    "https://FRONT.test",
    "http://front.test",
    "null",
    ORIGIN,
];

on_both_stores! {
    async fn only_listed_origins_may_read_our_answers(store: Store) {
        let sidecar = listing(store);
        let client = sidecar.logged_in().await;
        for origin in OTHERS.into_iter().chain([FRONT]) {
            let listed = origin == FRONT;
            let client = client.clone().header("origin", origin);
            let refused = client.post("/keys").await;
            assert_eq!(refused.status, 403);
            assert_eq!(refused.header("access-control-allow-origin") == origin, listed, "{origin}");
            assert_eq!(refused.header("access-control-allow-credentials") == "true", listed);
            assert!(refused.header("vary").contains("Origin"), "{origin}");
            if listed {
                let shown = refused.header("access-control-expose-headers");
                for name in ["step-up", "retry-after", "www-authenticate", "etag"] {
                    assert!(shown.contains(name), "{shown}");
                }
            } else {
                assert_eq!(let_in(&refused), Vec::<&str>::new(), "{origin}");
            }
        }
        // From a listed origin the whole step-up works.
        let front = client.clone().header("origin", FRONT);
        front.earn("/keys").await;
        assert_eq!(front.post("/keys").await.status, 200);
    }

    async fn a_preflight_to_our_endpoints_lets_in_who_is_listed(store: Store) {
        let sidecar = listing(store);
        // A preflight brings no cookies.
        let client = sidecar.client();
        let answer = preflight(&client, FRONT, "POST", "/.stepup/verify").await;
        assert_eq!((answer.status.as_u16(), answer.text()), (204, ""));
        assert_eq!(answer.header("access-control-allow-origin"), FRONT);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-allow-methods"), "POST");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type,step-up-key");
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert_eq!(answer.header("access-control-allow-private-network"), "");
        let within = client.clone().header("access-control-request-private-network", "true");
        let answer = preflight(&within, FRONT, "POST", "/.stepup/verify").await;
        assert_eq!(answer.header("access-control-allow-private-network"), "true");
        for origin in OTHERS {
            let answer = preflight(&within, origin, "POST", "/.stepup/verify").await;
            assert_eq!(answer.status, 405, "{origin}");
            assert_eq!(let_in(&answer), Vec::<&str>::new(), "{origin}");
        }
    }

    async fn a_preflight_for_a_guarded_request_is_answered_and_reaches_nothing(store: Store) {
        let sidecar = listing(store);
        // The route names no methods, so OPTIONS is guarded as well.
        let path = "/guarded/thing";
        let elevated = sidecar.elevated().await;
        for client in [&sidecar.client(), &elevated] {
            let answer = preflight(client, FRONT, "DELETE", path).await;
            assert_eq!(answer.status, 204);
            assert_eq!(answer.header("access-control-allow-origin"), FRONT);
            assert_eq!(answer.header("access-control-allow-methods"), "DELETE");
            assert_eq!(answer.header("access-control-allow-headers"), "content-type,step-up-key");
            for origin in OTHERS {
                let answer = preflight(client, origin, "DELETE", path).await;
                assert!(answer.status.is_client_error(), "{origin}: {}", answer.status);
                assert_eq!(let_in(&answer), Vec::<&str>::new(), "{origin}");
            }
            // OPTIONS that is no preflight is guarded as any other method.
            let listed = client.clone().header("origin", FRONT);
            let plain = listed.send(listed.request(Method::OPTIONS, path, "")).await;
            assert!(plain.status.is_client_error(), "{}", plain.status);
        }
        assert_eq!(sidecar.got(path), 0);
        // The call itself is refused as ever, and the page may read why.
        let front = sidecar.logged_in().await.header("origin", FRONT);
        let refused = front.delete(path).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, "step-up-required".to_owned()));
        assert_eq!(refused.header("access-control-allow-origin"), FRONT);
    }

    async fn the_application_answers_the_preflights_that_nothing_guards(store: Store) {
        let reports = POLICY.replace("report, match: { methods: [POST], ", "report, match: { ");
        assert!(reports != POLICY);
        let sidecar = sidecar::on(store).line("cors_origins: ['https://front.test']").policy(&reports).run();
        let client = sidecar.client();
        // A route that names its methods, one that only reports, and none at all.
        for path in ["/keys", "/watched", "/anything"] {
            let answer = preflight(&client, FRONT, "POST", path).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, "done"), "{path}");
            assert_eq!(let_in(&answer), Vec::<&str>::new(), "{path}");
            assert_eq!(sidecar.got(path), 1, "{path}");
        }
    }
}

#[test]
fn where_nobody_is_listed_no_answer_depends_on_the_origin() {
    crate::support::run(async {
        let sidecar = sidecar::on(Store::Embedded).run();
        let client = sidecar.logged_in().await.header("origin", FRONT);
        let refused = client.post("/keys").await;
        assert_eq!(let_in(&refused), Vec::<&str>::new());
        assert!(!refused.header("vary").contains("Origin"));
    });
}
