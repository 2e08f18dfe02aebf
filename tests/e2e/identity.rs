//! What the application is told of who sent a request: by a signed assertion that a library of its own verifies,
//! by plain headers, and by nobody but us.

use crate::support::client::{Answer, Client};
use crate::support::node::node;
use crate::support::raw;
use crate::support::sidecar::{self, HOST, ORIGIN, Setup, Sidecar, USER, application, now_secs};
use crate::support::store::{Store, on_both_stores};
use crate::support::tokens::encode;
use crate::support::upstream::{Got, Reply};
use http::Method;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};
use std::net::SocketAddr;

const ASSERTION: &str = "step-up-assertion";
const PLAIN: &str =
    "headers: { subject: Step-Up-Subject, level: X-Level, amr: Remote-Amr, auth_time: Proof-Time }";

fn told(store: Store, what: &str) -> Setup {
    sidecar::on(store).with("upstream", &format!("identity: {{ {what} }}"))
}

/// What a program with a library of its own makes of an assertion, by the keys that a sidecar shows.
fn verified(
    sidecar: &Sidecar,
    keys_at: SocketAddr,
    audience: &str,
    token: &str,
) -> Result<Value, String> {
    const PROGRAM: &str = r"
        import { createRemoteJWKSet, jwtVerify } from 'jose';
        const [url, audience, token] = process.argv.slice(2);
        const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(url)), {
            issuer: 'http://app.test', audience, typ: 'stepgate-assertion+jwt', maxTokenAge: '60s',
            algorithms: ['ES256', 'EdDSA'],
        });
        console.log(JSON.stringify({ ...payload, header: protectedHeader }));
    ";
    let program = sidecar.dir.write("verify.mjs", PROGRAM);
    let url = format!("http://{keys_at}/.stepup/jwks.json");
    let output = node(&sidecar.dir)
        .arg(program)
        .args([&url, audience, token])
        .output()
        .unwrap();
    if output.status.success() {
        Ok(serde_json::from_slice(&output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The last request for `path` that the application got.
fn got(sidecar: &Sidecar, path: &str) -> Got {
    let mut all = sidecar.upstream().got().into_iter();
    all.rfind(|got| got.target.starts_with(path)).unwrap()
}

fn hash(text: &str) -> String {
    encode(digest(&SHA256, text.as_bytes()).as_ref())
}

/// All names under which anybody could speak for us, each in spellings that some gateway takes for it.
const FORGED: [&str; 16] = [
    "step-up-assertion",
    "step_up_assertion",
    "step.up.assertion",
    "step-up_assertion",
    "step-up-subject",
    "step_up_subject",
    "step-up-level",
    "x-stepgate-subject",
    "x-level",
    "x_level",
    "x.level",
    "remote-amr",
    "remote_amr",
    "proof-time",
    "proof_time",
    "proof!time",
];

fn forging(mut client: Client) -> Client {
    for name in FORGED {
        client = client.header(name, "forged").header(name, "twice");
    }
    client
}

#[track_caller]
fn assert_nothing_is_forged(got: &Got) {
    let mut said = got.headers.iter().chain(got.trailers.iter().flatten());
    let forged = said.find(|(_, value)| ["forged", "twice"].iter().any(|word| value == word));
    assert_eq!(forged, None, "{}", got.target);
}

on_both_stores! {
    async fn an_assertion_says_who_asked_for_what_and_a_library_believes_it(store: Store) {
        for (algorithm, settings) in [
            ("ES256", "assertion: {}"),
            ("EdDSA", "assertion: { algorithm: EdDSA, audience: shop, header: X-Account-Proof }"),
        ] {
            let (header, audience) = match algorithm {
                "ES256" => (ASSERTION, ORIGIN),
                _ => ("x-account-proof", "shop"),
            };
            let sidecar = told(store, settings).run();
            let client = sidecar.logged_in().await;
            let pay = async || client.post_form("/pay?now=1", &[("to", "bob"), ("sum", "5")]).await;
            let refused = pay().await;
            client.pass(&refused).await;
            assert_eq!(pay().await.status, 200);
            let got = got(&sidecar, "/pay");
            let token = got.header(header);
            let claims = verified(&sidecar, sidecar.addr(), audience, token).unwrap();
            let expected = json!({
                "iss": ORIGIN, "aud": audience, "sub": USER, "acr": "urn:stepgate:level:4", "level": 4,
                "amr": ["pwd"], "action": "pay",
                "request_digest": hash(&format!("POST\n{HOST}\n/pay?now=1\n")),
                "body_digest": hash("to=bob&sum=5"),
            });
            for (name, value) in expected.as_object().unwrap() {
                assert_eq!(claims[name], *value, "{name} of {claims}");
            }
            assert_eq!(claims["header"]["alg"], algorithm);
            let time = |name: &str| claims[name].as_u64().unwrap();
            assert_eq!(time("exp"), time("iat") + 60);
            assert!(now_secs() - time("auth_time") < 20, "{claims}");
            // A library tells it from one for somebody else, and from one that was changed.
            let refused = verified(&sidecar, sidecar.addr(), "bank", token).unwrap_err();
            assert!(refused.contains("ERR_JWT_CLAIM_VALIDATION_FAILED"), "{refused}");
            let (head, rest) = token.split_once('.').unwrap();
            let (_, signature) = rest.split_once('.').unwrap();
            let others = encode(json!({ "sub": "bob", "aud": audience }).to_string().as_bytes());
            let changed = format!("{head}.{others}.{signature}");
            let refused = verified(&sidecar, sidecar.addr(), audience, &changed).unwrap_err();
            assert!(refused.contains("ERR_JWS_SIGNATURE_VERIFICATION_FAILED"), "{refused}");
        }
    }

    async fn each_request_has_an_assertion_of_its_own(store: Store) {
        let sidecar = told(store, "assertion: {}").run();
        let client = sidecar.elevated().await;
        let mut seen = Vec::new();
        for path in ["/keys", "/keys?again"] {
            assert_eq!(client.post(path).await.status, 200);
            let token = got(&sidecar, path).header(ASSERTION).to_owned();
            let claims = verified(&sidecar, sidecar.addr(), ORIGIN, &token).unwrap();
            // Nothing had to read the body.
            assert_eq!(claims.get("body_digest"), None);
            seen.push((claims["jti"].clone(), claims["request_digest"].clone()));
        }
        assert_ne!(seen[0].0, seen[1].0);
        assert_ne!(seen[0].1, seen[1].1);
        // Nothing of it gets into the log.
        assert!(!sidecar.log().contains(got(&sidecar, "/keys").header(ASSERTION)));
    }

    async fn plain_headers_say_the_same_and_hold_any_name(store: Store) {
        let sidecar = told(store, PLAIN).run();
        let client = sidecar.script();
        client.log_in("Zoë, 100%").await;
        assert_eq!(client.post("/low").await.status, 200);
        let low = got(&sidecar, "/low");
        assert_eq!(low.header("step-up-subject"), "zo%C3%AB%2C%20100%25");
        assert_eq!(low.header("x-level"), "1");
        assert_eq!(low.header("remote-amr"), "", "a fresh sign-in was not shown to us");
        let at = low.header("proof-time").parse::<u64>().unwrap();
        assert!(now_secs() - at < 20);
        let client = sidecar.elevated().await;
        assert_eq!(client.post("/keys").await.status, 200);
        let keys = got(&sidecar, "/keys");
        let said = ["step-up-subject", "x-level", "remote-amr"].map(|name| keys.header(name).to_owned());
        assert_eq!(said, [USER, "3", "pwd"]);
        let token = client.post("/both").await.token();
        for answer in [("password", sidecar::PASSWORD), ("totp", &sidecar.totp(0))] {
            assert_eq!(client.verify(&token, answer).await.status, 200);
        }
        assert_eq!(client.post("/both").await.status, 200);
        assert_eq!(got(&sidecar, "/both").header("remote-amr"), "mfa, otp, pwd");
    }

    async fn a_socket_is_told_with_its_handshake(store: Store) {
        let sidecar = told(store, "assertion: {}").application(|got| match got.target.as_str() {
            "/guarded/socket" => Reply::Upgrade("echo"),
            _ => application(got),
        });
        let sidecar = sidecar.run();
        let client = sidecar.logged_in().await;
        client.earn("/guarded/x").await;
        let client = client.header("connection", "upgrade").header("upgrade", "echo");
        assert_eq!(client.get("/guarded/socket").await.status, 101);
        let token = got(&sidecar, "/guarded/socket").header(ASSERTION).to_owned();
        assert_eq!(verified(&sidecar, sidecar.addr(), ORIGIN, &token).unwrap()["action"], "thing.guarded");
    }

    async fn nobody_else_speaks_for_us(store: Store) {
        for settings in [format!("assertion: {{}}, {PLAIN}"), String::new()] {
            let is_on = !settings.is_empty();
            let setup = if is_on { told(store, &settings) } else { sidecar::on(store) };
            let setup = setup.line("trusted_proxies: [127.0.0.1]");
            let sidecar = setup.run();
            let client = sidecar.elevated().await;
            for one in [client.clone(), client.clone().http2()] {
                let forger = forging(one);
                assert_eq!(forger.get("/anything").await.status, 200);
                assert_eq!(forger.post("/keys").await.status, 200);
                assert_eq!(forger.post("/watched").await.status, 200);
                for path in ["/anything", "/watched"] {
                    let got = got(&sidecar, path);
                    if is_on {
                        assert_nothing_is_forged(&got);
                    }
                    // What is ours by its name is removed in any case.
                    for name in got.headers.keys().map(http::HeaderName::as_str) {
                        assert!(!name.starts_with("step") && !name.starts_with("x-stepgate"), "{name}");
                    }
                }
                if is_on {
                    let got = got(&sidecar, "/keys");
                    assert_nothing_is_forged(&got);
                    assert_eq!(got.headers.get_all(ASSERTION).iter().count(), 1);
                    assert_eq!(got.header("step-up-subject"), USER);
                    assert_eq!(got.header("x-level"), "3");
                }
            }
        }
    }

    async fn no_trailer_speaks_for_us(store: Store) {
        let sidecar = told(store, &format!("assertion: {{}}, {PLAIN}")).run();
        let client = sidecar.elevated().await;
        let cookies = [sidecar::COOKIE, sidecar::KEY_COOKIE]
            .map(|name| format!("{name}={}", client.cookie(name).unwrap()))
            .join("; ");
        let trailers = FORGED.map(|name| format!("{name}: forged\r\n")).concat();
        for path in ["/anything", "/keys", "/form"] {
            let announced = FORGED.join(", ");
            let request = format!(
                "POST {path} HTTP/1.1\r\nhost: {HOST}\r\ncookie: {cookies}\r\ntransfer-encoding: chunked\r\n\
                 content-type: application/x-www-form-urlencoded\r\ntrailer: {announced}\r\nconnection: close\r\n\r\n\
                 3\r\na=1\r\n0\r\n{trailers}\r\n"
            );
            assert_eq!(raw::status(sidecar.addr(), request).await, 200, "{path}");
            let got = got(&sidecar, path);
            assert_nothing_is_forged(&got);
            assert_eq!(got.header("trailer"), "");
        }
    }
}

/// The statuses of the keys, with those that are shown.
fn shown(answer: &Answer) -> Vec<String> {
    let keys = answer.json();
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

on_both_stores! {
    async fn keys_are_rotated_while_several_sidecars_sign(store: Store) {
        let mut sidecar = told(store, "assertion: {}").run();
        let client = sidecar.client();
        let first = shown(&client.get("/.stepup/jwks.json").await);
        assert_eq!(first.len(), 1);
        let with_secret = async |sidecar: &Sidecar, keys_at: SocketAddr| {
            let client = sidecar.elevated().await;
            assert_eq!(client.post("/keys").await.status, 200);
            let token = got(sidecar, "/keys").header(ASSERTION).to_owned();
            verified(sidecar, keys_at, ORIGIN, &token)
        };
        assert!(with_secret(&sidecar, sidecar.addr()).await.is_ok());
        // The key that is to come is shown before it signs.
        sidecar.rotate_the_secret();
        let rotated = shown(&client.get("/.stepup/jwks.json").await);
        assert_eq!(rotated.len(), 2);
        assert_eq!(rotated[1], first[0]);
        if store == Store::Redis {
            let swapped = "secret: { file: old.key }\nprevious_secret: { file: secret.key }";
            let settings = std::fs::read_to_string(sidecar.path("stepgate.yaml")).unwrap();
            let now = "secret: { file: secret.key }\nprevious_secret: { file: old.key }";
            let before = settings.replace(now, swapped);
            let at = sidecar.addr().to_string();
            sidecar.dir.write("another.yaml", before.replace(&at, "127.0.0.1:0"));
            let another = crate::support::stepgate::Stepgate::start(
                &sidecar.dir, &["serve", "--config", "another.yaml"],
            );
            let keys = Client::new(another.addr()).host(HOST).get("/.stepup/jwks.json").await;
            let mut both = shown(&keys);
            both.reverse();
            assert_eq!(both, rotated, "both sidecars show both, and sign with different ones");
            let claims = with_secret(&sidecar, another.addr()).await.unwrap();
            assert_eq!(claims["header"]["kid"].as_str(), Some(&*rotated[0]));
        }
        sidecar.forget_the_old_secret();
        let last = shown(&client.get("/.stepup/jwks.json").await);
        assert_eq!(last, rotated[..1]);
    }

    async fn the_keys_are_public_and_only_where_something_is_signed(store: Store) {
        let sidecar = told(store, "assertion: {}").run();
        let answer = sidecar.client().get("/.stepup/jwks.json").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/jwk-set+json");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        let keys = answer.json();
        let mut members: Vec<_> = keys["keys"][0].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"], "no private part");
        for plain in [told(store, PLAIN), sidecar::on(store)] {
            let sidecar = plain.run();
            assert_eq!(sidecar.client().get("/.stepup/jwks.json").await.status, 404);
        }
        let refused = sidecar.client().call(Method::POST, "/.stepup/jwks.json", json!({})).await;
        assert_eq!(refused.status, 405);
    }
}
