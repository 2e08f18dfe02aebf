//! The signed assertion: a JWT (RFC 7519) about one request.

use super::signing_key::{SigningAlgorithm, SigningKey};
use super::{Proven, ToldRequest, amr};
use crate::domain::{Secret, Timestamp};
use crate::entropy::Entropy;
use crate::seal::{Keys, Purpose};
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{Context, SHA256, digest};
use serde::Serialize;
use serde_json::{Value, json};

/// How long an assertion is good, in seconds: for the way to the application, and clocks that differ a little.
const LIFE: u64 = 60;

/// How the assertion is made.
#[derive(Clone, Debug)]
pub struct AssertionOptions {
    /// The header that it comes in.
    pub header: HeaderName,
    /// Whom it is for.
    pub audience: String,
    /// Who makes it.
    pub issuer: String,
    /// How it is signed.
    pub algorithm: SigningAlgorithm,
}

/// Makes assertions.
#[derive(Debug)]
pub(super) struct Asserter {
    options: AssertionOptions,
    /// The one that signs, and beside it that of the other secret while that is rotated.
    keys: Vec<SigningKey>,
    entropy: Entropy,
}

/// What an assertion says.
#[derive(Serialize)]
struct Claims<'c> {
    iss: &'c str,
    aud: &'c str,
    sub: &'c str,
    iat: u64,
    exp: u64,
    jti: String,
    acr: String,
    level: u8,
    amr: Vec<&'static str>,
    auth_time: u64,
    action: &'c str,
    request_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_digest: Option<String>,
}

impl Asserter {
    pub(super) fn new(options: AssertionOptions, keys: &Keys, entropy: Entropy) -> Self {
        let algorithm = options.algorithm;
        let purpose = Purpose::Assertion;
        // HMAC under a key of its own purpose is a pseudo-random function (NIST SP 800-108 §4.1).
        let seed = |number: u8| {
            Secret::new(keys.mac(purpose, &[algorithm.as_str().as_bytes(), &[number]]))
        };
        let previous = |number: u8| {
            let parts: &[&[u8]] = &[algorithm.as_str().as_bytes(), &[number]];
            Secret::new(keys.previous_mac(purpose, parts).unwrap_or_default())
        };
        let current = SigningKey::derive(algorithm, &entropy, seed);
        let previous = keys
            .has_previous()
            .then(|| SigningKey::derive(algorithm, &entropy, previous));
        Self {
            keys: current.into_iter().chain(previous.flatten()).collect(),
            options,
            entropy,
        }
    }

    /// Adds the assertion about `request`, in the place of any that is there.
    pub(super) fn add(
        &self,
        proven: &Proven,
        request: &ToldRequest<'_>,
        headers: &mut HeaderMap,
        now: Timestamp,
    ) {
        if let Some(token) = self.token(proven, request, headers, now)
            && let Ok(mut value) = HeaderValue::try_from(token)
        {
            value.set_sensitive(true);
            headers.insert(self.options.header.clone(), value);
        }
    }

    /// The public keys: the first is that of the secret that signs.
    pub(super) fn public_keys(&self) -> Bytes {
        let keys: Vec<&Value> = self.keys.iter().map(|key| &key.public).collect();
        json!({ "keys": keys }).to_string().into()
    }

    fn token(
        &self,
        proven: &Proven,
        request: &ToldRequest<'_>,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Option<String> {
        let options = &self.options;
        let key = self.keys.first()?;
        // RFC 8725 §3.11: a type of its own, so that no other token is taken for it, nor it for another.
        let header = json!({
            "alg": options.algorithm.as_str(), "kid": key.id, "typ": "stepgate-assertion+jwt",
        });
        let level = proven.level.number();
        let claims = Claims {
            iss: &options.issuer,
            aud: &options.audience,
            sub: proven.subject.as_str(),
            iat: now.as_secs(),
            exp: now.as_secs().saturating_add(LIFE),
            jti: BASE64URL_NOPAD.encode(&self.entropy.bytes::<16>()),
            // As RFC 9470 has it in the challenges of API clients.
            acr: format!("urn:stepgate:level:{level}"),
            level,
            amr: amr::references(proven.factors),
            auth_time: proven.at.as_secs(),
            action: proven.action.as_str(),
            request_digest: request_digest(request, headers),
            body_digest: request
                .body
                .map(|body| encoded(digest(&SHA256, body).as_ref())),
        };
        let header = encoded(header.to_string().as_bytes());
        let message = format!("{header}.{}", encoded(&serde_json::to_vec(&claims).ok()?));
        let signature = key.sign(message.as_bytes(), &self.entropy)?;
        Some(format!("{message}.{}", encoded(&signature)))
    }
}

/// SHA-256 over method, host, and path with query, as they are sent, with a line feed behind each: none of them
/// can hold one. A digest, since the target alone may be longer than a header may be.
fn request_digest(request: &ToldRequest<'_>, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let target = request.uri.path_and_query();
    let mut context = Context::new(&SHA256);
    for part in [
        request.method.as_str().as_bytes(),
        host.unwrap_or_default(),
        target.map_or("/", |target| target.as_str()).as_bytes(),
    ] {
        context.update(part);
        context.update(b"\n");
    }
    encoded(context.finish().as_ref())
}

fn encoded(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
