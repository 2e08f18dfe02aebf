//! What the application is told of who sent a request that was guarded and admitted: a signed assertion, plain
//! headers, or both.
//!
//! Of a request that no route guards nothing is known without asking the store, so nothing is said. What clients
//! send under these names never gets here, see [`HeaderRules`](crate::request::HeaderRules).

mod amr;
mod assertion;
mod plain;
mod signing_key;

pub use assertion::AssertionOptions;
pub use plain::PlainHeaders;
pub use signing_key::SigningAlgorithm;

use crate::clock::Clock;
use crate::domain::{Action, FactorSet, RiskLevel, Subject, Timestamp};
use crate::entropy::Entropy;
use crate::seal::Keys;
use assertion::Asserter;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Uri};

/// What the application is told, and how.
#[derive(Clone, Debug, Default)]
pub struct IdentityOptions {
    /// The signed assertion, if there is one.
    pub assertion: Option<AssertionOptions>,
    /// The plain headers.
    pub headers: PlainHeaders,
}

/// On what a request was admitted: the strictest demand that it met.
#[derive(Clone, Debug)]
pub struct Proven {
    /// Whose session it is.
    pub subject: Subject,
    /// The level of the strictest route that guards it.
    pub level: RiskLevel,
    /// Its action.
    pub action: Action,
    /// What was shown to us for it; nothing for a fresh sign-in to the application.
    pub factors: FactorSet,
    /// When.
    pub at: Timestamp,
}

/// A request as it is sent to the application.
#[derive(Debug)]
pub struct ToldRequest<'r> {
    /// Its method.
    pub method: &'r Method,
    /// Its target; the path and the query count.
    pub uri: &'r Uri,
    /// Its body, if all of it was read.
    pub body: Option<&'r Bytes>,
}

/// Tells the application who sends its requests. All sidecars that have the same secrets sign with the same key.
#[derive(Debug)]
pub struct Teller {
    asserter: Option<Asserter>,
    plain: PlainHeaders,
    clock: Clock,
}

impl IdentityOptions {
    /// The names of all headers that are sent.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let assertion = self.assertion.iter().map(|assertion| &assertion.header);
        assertion.chain(self.headers.names())
    }
}

impl Teller {
    /// Derives the keys.
    pub fn new(options: IdentityOptions, keys: &Keys, clock: Clock, entropy: Entropy) -> Self {
        let asserter = options.assertion;
        Self {
            asserter: asserter.map(|options| Asserter::new(options, keys, entropy)),
            plain: options.headers,
            clock,
        }
    }

    /// Adds to the headers of `request` what was `proven` for it.
    pub fn tell(&self, proven: &Proven, request: &ToldRequest<'_>, headers: &mut HeaderMap) {
        if let Some(asserter) = &self.asserter {
            asserter.add(proven, request, headers, self.clock.now());
        }
        self.plain.add(proven, headers);
    }

    /// The public keys of assertions, as a JWK set (RFC 7517 §5); `None` if nothing is signed.
    pub fn public_keys(&self) -> Option<Bytes> {
        self.asserter.as_ref().map(Asserter::public_keys)
    }
}
