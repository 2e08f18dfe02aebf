//! An issuer of tokens: it signs them, and shows its keys over TLS.

use super::tls::TestCa;
use super::upstream::{Got, Reply, Upstream, answer, text};
use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
    RsaPublicKeyComponents,
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the tokens of the issuer say of themselves.
pub(crate) const ISSUER: &str = "https://id.test";
/// Whom they are for.
pub(crate) const AUDIENCE: &str = "shop";

/// An issuer with a key of its own, and an RSA key that everybody knows from the fixtures.
pub(crate) struct Issuer {
    state: Arc<Mutex<IssuerState>>,
    server: Upstream,
}

struct IssuerState {
    key: EcdsaKeyPair,
    key_id: String,
    is_down: bool,
}

impl Issuer {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(IssuerState {
            key: new_key(),
            key_id: "first".to_owned(),
            is_down: false,
        }));
        let known = state.clone();
        let keys = move |_: &Got| -> Reply {
            let state = known.lock().unwrap();
            if state.is_down {
                return text(500, "down");
            }
            answer(200, &[], &state.shown().to_string())
        };
        Self {
            server: Upstream::start_tls(TestCa::shared(), keys),
            state,
        }
    }

    /// `keys` of the settings.
    pub(crate) fn keys(&self) -> String {
        keys_at(self.server.addr())
    }

    /// How often it was asked for its keys.
    pub(crate) fn asked(&self) -> usize {
        self.server.got().len()
    }

    /// Signs with another key from now on, and shows the former one no more.
    pub(crate) fn rotate(&self, key_id: &str) {
        let mut state = self.lock();
        state.key = new_key();
        key_id.clone_into(&mut state.key_id);
    }

    /// Shows its keys no more, or again.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// A token with its own key; the claims beside the usual ones, or in their place.
    pub(crate) fn token(&self, claims: Value) -> String {
        let state = self.lock();
        let header = json!({ "alg": "ES256", "kid": state.key_id });
        signed(&header, &usual(claims), |message| {
            let signature = state.key.sign(&SystemRandom::new(), message);
            signature.unwrap().as_ref().to_vec()
        })
    }

    fn lock(&self) -> MutexGuard<'_, IssuerState> {
        self.state.lock().unwrap()
    }
}

impl IssuerState {
    fn shown(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let (n, e) = rsa_public();
        json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "kid": self.key_id, "use": "sig",
              "x": encode(&point[1..33]), "y": encode(&point[33..]) },
            { "kty": "RSA", "kid": "rsa", "alg": "RS256", "n": encode(&n), "e": encode(&e) },
            { "kty": "of the future", "kid": "odd" },
        ] })
    }
}

/// `keys` of the settings, for an issuer there.
pub(crate) fn keys_at(addr: SocketAddr) -> String {
    let ca = TestCa::shared().ca();
    let url = format!("https://localhost:{}/keys", addr.port());
    format!("{{ url: '{url}', ca: '{}', retry: 1s }}", ca.display())
}

/// The claims that the issuer makes, with others beside them or in their place; `null` leaves one out.
pub(crate) fn usual(claims: Value) -> Value {
    let mut all = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": now() + 300 });
    let Value::Object(claims) = claims else {
        panic!("claims are an object");
    };
    for (name, value) in claims {
        let all = all.as_object_mut().unwrap();
        all.remove(&name);
        if !value.is_null() {
            all.insert(name, value);
        }
    }
    all
}

/// A token of these parts.
pub(crate) fn signed(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let part = |value: &Value| encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = sign(message.as_bytes());
    format!("{message}.{}", encode(&signature))
}

/// A token that is signed by the RSA key of the fixtures.
pub(crate) fn rsa_token(claims: Value) -> String {
    let header = json!({ "alg": "RS256", "kid": "rsa" });
    signed(&header, &usual(claims), |message| {
        let key = rsa_key();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .unwrap();
        signature
    })
}

/// Modulus and exponent of the RSA key.
pub(crate) fn rsa_public() -> (Vec<u8>, Vec<u8>) {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(rsa_key().public());
    (public.n, public.e)
}

/// Seconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    #[allow(clippy::disallowed_methods)] // the issuer has a clock of its own
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn rsa_key() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("../../fixtures/tokens/rsa.der")).unwrap()
}

fn new_key() -> EcdsaKeyPair {
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}
