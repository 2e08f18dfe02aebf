//! Signed tokens name the subject of every request: none that is forged, over or another's does, and no new
//! token is a login.

use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, Setup, Sidecar};
use crate::support::store::{Store, on_both_stores};
use crate::support::tokens::{
    AUDIENCE, ISSUER, Issuer, encode, keys_at, now, rsa_public, rsa_token, signed, usual,
};
use crate::support::{becomes, until};
use ring::hmac;
use serde_json::{Value, json};

fn with_keys(store: Store, keys: &str, more: &str) -> Setup {
    let jwt = format!("jwt: {{ keys: {keys}, issuer: {ISSUER}, audience: {AUDIENCE}{more} }}");
    sidecar::on(store)
        .with("session", &jwt)
        .with("session", "key: subject")
}

fn run(store: Store, issuer: &Issuer) -> Sidecar {
    with_keys(store, &issuer.keys(), "").run()
}

/// One who sends this token, with all that was kept of earlier answers.
fn bearing(client: &Client, token: &str) -> Client {
    let client = client.clone();
    client.header("authorization", &format!("Bearer {token}"))
}

/// What became of a request: that it was done, or why it was not.
fn told(answer: &Answer) -> String {
    if answer.status == 200 {
        answer.text().to_owned()
    } else {
        answer.reason()
    }
}

async fn post_with(sidecar: &Sidecar, token: &str) -> String {
    told(&bearing(&sidecar.script(), token).post("/keys").await)
}

/// Posts until that is what becomes of it.
async fn until_told(sidecar: &Sidecar, token: &str, wanted: &str) {
    let posting = async || (post_with(sidecar, token).await == wanted).then_some(());
    until(wanted, posting).await;
}

const CHALLENGED: &str = "step-up-required";
const NOBODY: &str = "session-required";

on_both_stores! {
    async fn a_token_names_who_must_prove_it_and_the_next_one_goes_on(store: Store) {
        let issuer = Issuer::start();
        let sidecar = run(store, &issuer);
        let client = sidecar.script();
        let first = bearing(&client, &issuer.token(json!({})));
        let refused = first.post("/keys").await;
        assert_eq!(refused.reason(), CHALLENGED);
        first.pass(&refused).await;
        assert_eq!(first.post("/keys").await.status, 200);
        client.set_cookie(KEY_COOKIE, &first.cookie(KEY_COOKIE).unwrap());
        // Tokens are renewed every few minutes; the proof is the browser's and the subject's.
        let next = issuer.token(json!({ "jti": "2" }));
        assert_eq!(told(&bearing(&client, &next).post("/keys").await), "done");
        // Of another subject it is nothing, and neither is it for another browser.
        let bobs = issuer.token(json!({ "sub": "bob" }));
        assert_eq!(told(&bearing(&client, &bobs).post("/keys").await), "method-not-enrolled");
        assert_eq!(post_with(&sidecar, &next).await, CHALLENGED);
        assert_eq!(issuer.asked(), 1, "the keys are fetched once");
    }

    async fn a_new_token_is_no_login_and_the_time_of_the_login_is(store: Store) {
        let issuer = Issuer::start();
        let sidecar = run(store, &issuer);
        for (claims, expected) in [
            (json!({}), "session-not-fresh"),
            (json!({ "iat": now() }), "session-not-fresh"),
            (json!({ "auth_time": now() - 3600 }), "session-not-fresh"),
            (json!({ "auth_time": now() + 600 }), "session-not-fresh"),
            (json!({ "auth_time": "now" }), "session-not-fresh"),
            (json!({ "auth_time": now() }), "done"),
        ] {
            let said = claims.to_string();
            let client = bearing(&sidecar.script(), &issuer.token(claims));
            assert_eq!(told(&client.post("/medium").await), expected, "{said}");
            let status = client.get("/.stepup/status").await.json();
            assert_eq!(status["level"], if expected == "done" { 2 } else { 0 }, "{said}");
        }
    }

    async fn no_token_that_is_forged_over_or_anothers_names_anybody(store: Store) {
        let issuer = Issuer::start();
        let sidecar = run(store, &issuer);
        assert_eq!(post_with(&sidecar, &rsa_token(json!({}))).await, CHALLENGED);
        let right = issuer.token(json!({}));
        let mut parts = right.split('.').map(str::to_owned).collect::<Vec<_>>();
        parts[1] = encode(usual(json!({ "sub": "bob" })).to_string().as_bytes());
        let none = |name: &str| signed(&json!({ "alg": name }), &usual(json!({})), |_| Vec::new());
        // Signed by the public key as if it were a shared secret, in all forms in which it is shown.
        let (n, e) = rsa_public();
        let jwk = json!({ "kty": "RSA", "n": encode(&n), "e": encode(&e) }).to_string();
        let confused = |key: &[u8], kid: Value| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            let header = json!({ "alg": "HS256", "kid": kid });
            signed(&header, &usual(json!({})), |message| {
                hmac::sign(&key, message).as_ref().to_vec()
            })
        };
        let by_another = |header: Value| {
            signed(&header, &usual(json!({})), |_| vec![7; 64])
        };
        let own_key = json!({ "alg": "ES256", "jwk": { "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" } });
        for (why, token) in [
            ("swapped payload", parts.join(".")),
            ("none", none("none")),
            ("None", none("None")),
            ("no signature", right.rsplit_once('.').unwrap().0.to_owned() + "."),
            ("two parts", right.rsplit_once('.').unwrap().0.to_owned()),
            ("four parts", format!("{right}.x")),
            ("HS by modulus", confused(&n, json!("rsa"))),
            ("HS by JWK", confused(jwk.as_bytes(), json!("rsa"))),
            ("HS by EC key", confused(b"", json!("first"))),
            ("RS by the EC key", by_another(json!({ "alg": "RS256", "kid": "first" }))),
            ("ES by the RSA key", by_another(json!({ "alg": "ES256", "kid": "rsa" }))),
            ("PS by a key for RS", by_another(json!({ "alg": "PS256", "kid": "rsa" }))),
            ("wrong signature", by_another(json!({ "alg": "ES256", "kid": "first" }))),
            ("zero signature", signed(&json!({ "alg": "ES256", "kid": "first" }), &usual(json!({})), |_| vec![0; 64])),
            ("its own key", by_another(own_key)),
            ("unknown kid", by_another(json!({ "alg": "ES256", "kid": "other" }))),
            ("over", issuer.token(json!({ "exp": now() - 40 }))),
            ("no end", issuer.token(json!({ "exp": null }))),
            ("end in words", issuer.token(json!({ "exp": "never" }))),
            ("not yet", issuer.token(json!({ "nbf": now() + 60 }))),
            ("another issuer", issuer.token(json!({ "iss": "https://id.test/" }))),
            ("no issuer", issuer.token(json!({ "iss": null }))),
            ("another audience", issuer.token(json!({ "aud": ["blog", "shop2"] }))),
            ("no audience", issuer.token(json!({ "aud": null }))),
            ("nobody", issuer.token(json!({ "sub": null }))),
            ("a list", issuer.token(json!({ "sub": ["alice"] }))),
        ] {
            assert_eq!(post_with(&sidecar, &token).await, NOBODY, "{why}");
            let client = bearing(&sidecar.script(), &token);
            assert_eq!(client.post("/page").await.text(), "done", "{why}: not guarded");
            assert_eq!(client.get("/.stepup/status").await.status, 401, "{why}");
        }
        // Within the leeway, and for several audiences.
        for claims in [
            json!({ "exp": now() - 5 }),
            json!({ "nbf": now() + 5 }),
            json!({ "aud": ["blog", "shop"] }),
        ] {
            let said = claims.to_string();
            assert_eq!(post_with(&sidecar, &issuer.token(claims)).await, CHALLENGED, "{said}");
        }
    }

    async fn a_token_that_was_good_is_refused_once_it_is_over(store: Store) {
        let issuer = Issuer::start();
        let sidecar = with_keys(store, &issuer.keys(), ", leeway: 0s").run();
        let client = bearing(&sidecar.script(), &issuer.token(json!({ "exp": now() + 3 })));
        let refused = client.post("/keys").await;
        client.pass(&refused).await;
        assert_eq!(client.post("/keys").await.status, 200);
        let over = becomes(401, async || client.post("/keys").await).await;
        assert_eq!(over.reason(), NOBODY);
    }

    async fn a_stolen_cookie_beside_the_thiefs_own_token_opens_nothing(store: Store) {
        let issuer = Issuer::start();
        let sidecar = run(store, &issuer);
        let victim = sidecar.script();
        victim.log_in("bob").await;
        let thief = bearing(&sidecar.script(), &issuer.token(json!({})));
        let refused = thief.post("/keys").await;
        thief.pass(&refused).await;
        assert_eq!(thief.post("/keys").await.status, 200);
        thief.set_cookie(COOKIE, &victim.cookie(COOKIE).unwrap());
        assert_eq!(thief.post("/keys").await.reason(), NOBODY);
        let twice = thief.clone();
        twice.drop_cookie(COOKIE);
        let twice = twice.header("x-api-key", "bobs");
        assert_eq!(twice.post("/keys").await.reason(), NOBODY);
        // Two tokens, in either order: the application may read the other one.
        let (his, hers) = (issuer.token(json!({})), issuer.token(json!({ "sub": "bob" })));
        for (first, second) in [(&his, &hers), (&hers, &his)] {
            let doubled = bearing(&bearing(&sidecar.script(), first), second);
            let refused = doubled.post("/keys").await;
            assert!([400, 401].contains(&refused.status.as_u16()), "{}", refused.text());
            let beside = bearing(&sidecar.script(), first);
            let refused = beside.post(&format!("/keys?access_token={second}")).await;
            assert_eq!(refused.reason(), NOBODY);
            let (other, both) = (second.as_str(), format!("bearer, {second}"));
            for (name, value) in [("x-access-token", other), ("sec-websocket-protocol", &both)] {
                let refused = beside.clone().header(name, value).post("/keys").await;
                assert_eq!(refused.reason(), NOBODY, "{name}");
            }
            // RFC 6750 §2.2, on a route that asks for nothing in the body.
            let refused = beside.post_form("/keys", &[("access_token", other)]).await;
            assert_eq!(refused.reason(), NOBODY);
            let graphql = beside.header("sec-websocket-protocol", "graphql-transport-ws");
            assert_ne!(graphql.post("/keys").await.reason(), NOBODY);
        }
    }

    async fn keys_that_change_are_fetched_and_kept_while_nobody_shows_them(store: Store) {
        let issuer = Issuer::start();
        let sidecar = run(store, &issuer);
        let old = issuer.token(json!({}));
        assert_eq!(post_with(&sidecar, &old).await, CHALLENGED);
        // No sooner than `retry` after the last time, however many ask.
        issuer.rotate("second");
        let new = issuer.token(json!({}));
        for _ in 0..10 {
            assert_eq!(post_with(&sidecar, &new).await, NOBODY);
        }
        assert_eq!(issuer.asked(), 1);
        until_told(&sidecar, &new, CHALLENGED).await;
        assert_eq!(post_with(&sidecar, &old).await, NOBODY, "its key is withdrawn");
        assert_eq!(issuer.asked(), 2);
        // Down: what is known is kept, and what is not cannot be told.
        issuer.set_down(true);
        issuer.rotate("third");
        let unknown = issuer.token(json!({}));
        until_told(&sidecar, &unknown, "subject-unavailable").await;
        assert_eq!(post_with(&sidecar, &new).await, CHALLENGED);
        issuer.set_down(false);
        until_told(&sidecar, &unknown, CHALLENGED).await;
    }

    async fn without_keys_guarded_requests_alone_are_refused(store: Store) {
        let nobody = HeldPort::take();
        let sidecar = with_keys(store, &keys_at(nobody.addr()), "").run();
        let issuer = Issuer::start();
        let token = issuer.token(json!({}));
        assert_eq!(post_with(&sidecar, &token).await, "subject-unavailable");
        assert_eq!(bearing(&sidecar.script(), &token).post("/page").await.status, 200);
        assert_eq!(sidecar.script().post("/keys").await.status, 401, "it carries no token");
    }

    async fn a_logout_voids_what_the_subject_of_a_token_has_proved(store: Store) {
        let issuer = Issuer::start();
        let sidecar = run(store, &issuer);
        let client = bearing(&sidecar.script(), &issuer.token(json!({})));
        client.pass(&client.post("/keys").await).await;
        assert_eq!(client.post("/keys").await.status, 200);
        client.post("/logout").await;
        // The token is good until it ends: that is its issuer's affair.
        assert_eq!(client.post("/keys").await.reason(), CHALLENGED);
    }

    async fn a_token_may_be_in_a_cookie_or_a_header_and_its_claims_anywhere(store: Store) {
        let issuer = Issuer::start();
        let claims = json!({ "user": { "name": "alice" }, "sub": "7", "login": { "at": now() } });
        let pointers = ", subject: /user/name, authenticated_at: /login/at";
        let sidecar = with_keys(store, &issuer.keys(), &format!(", cookie: Token.JWT{pointers}")).with("session", &format!("cookies: [{COOKIE}, Token.JWT]")).run();
        let client = sidecar.script();
        client.set_cookie("Token.JWT", &issuer.token(claims.clone()));
        assert_eq!(client.post("/medium").await.status, 200);
        client.set_cookie("Token.JWT", "nonsense");
        assert_eq!(client.post("/medium").await.status, 401);
        let sidecar = with_keys(store, &issuer.keys(), &format!(", header: x-access{pointers}")).run();
        let client = sidecar.script().header("x-access", &issuer.token(claims));
        assert_eq!(client.post("/medium").await.status, 200);
    }

    async fn a_file_may_hold_shared_secrets_and_a_url_may_not(store: Store) {
        let secret = b"a secret of thirty-two bytes .. ";
        let token = signed(&json!({ "alg": "HS256" }), &usual(json!({ "auth_time": now() })), |message| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
            hmac::sign(&key, message).as_ref().to_vec()
        });
        let keys = json!({ "keys": [{ "kty": "oct", "k": encode(secret) }] }).to_string();
        let mut sidecar = with_keys(store, "{ file: keys.json }", ", algorithms: [HS256]").prepare();
        sidecar.dir.write("keys.json", &keys);
        sidecar.start();
        assert_eq!(bearing(&sidecar.script(), &token).post("/medium").await.status, 200);
        let other = rsa_token(json!({ "auth_time": now() }));
        assert_eq!(bearing(&sidecar.script(), &other).post("/medium").await.status, 401);
    }
}
