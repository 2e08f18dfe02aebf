//! Passkeys (WebAuthn Level 3) of any authenticator, in a device or on a key: always with user verification,
//! without attestation.
//!
//! A ceremony begins with options for the browser and a sealed state, which comes back with the answer. So
//! a request for options writes nothing. The state opens for the one challenge that it was made for, and
//! with that in its session, its browser and for its subject; and it is taken once.

mod enroll;
mod record;
mod relying_party;

pub use relying_party::{NoRelyingParty, RelyingParty};

use self::record::{PasskeyEntry, PasskeyRecord, passkeys_of};
use self::relying_party::CEREMONY_LIFE;
use super::{Check, FactorRow, Input};
use crate::domain::{
    AttemptCount, ByteReader, ByteWriter, Challenge, Counter, CounterKey, Factor, Reason,
    Requirement, RouteId, Secret, Timestamp, User,
};
use crate::seal::Purpose;
use crate::store::{Store, StoreError};
use crate::verification::error::VerifyError;
use crate::verification::outcome::Refusal;
use crate::verification::services::Services;
use crate::verification::verifier::{EndpointCaller, Verifier};
use data_encoding::BASE64URL_NOPAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential, WebauthnError};

pub(super) const ROW: FactorRow = FactorRow {
    factor: Factor::Passkey,
    is_enrolled: |user, sources| {
        let party = sources.passkeys;
        party.is_some_and(|party| passkeys_of(user, party).next().is_some())
    },
    accepts: |answer| answer.read::<PasskeyAnswer>().is_some(),
    input: Input::Passkey,
};

/// The answer of a browser, with the state that its options came with.
#[derive(Deserialize)]
struct PasskeyAnswer {
    state: String,
    credential: PublicKeyCredential,
}

/// What a page needs to ask the browser for a passkey.
#[derive(Clone, Debug, Serialize)]
pub struct PasskeyOptions {
    /// The sealed state, to be sent back with what the browser says.
    pub state: String,
    /// `PublicKeyCredentialRequestOptionsJSON`.
    #[serde(rename = "publicKey")]
    pub public_key: serde_json::Value,
}

/// The outcome of a request for options.
#[derive(Debug)]
pub enum PasskeyRequest {
    /// The browser can ask for a passkey.
    Options(Box<PasskeyOptions>),
    /// It cannot.
    Refused(Refusal),
}

impl Verifier {
    /// Makes the options by which a browser asks for a passkey of the caller's. Writes nothing.
    pub async fn passkey_options(
        &self,
        token: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<PasskeyRequest, VerifyError> {
        let refused = |reason: Reason| Ok(PasskeyRequest::Refused(reason.into()));
        let Some(challenge) = self.read(token, requirement, &caller.claimant).await? else {
            return refused(Reason::ChallengeExpired);
        };
        let factors = challenge.demand.requirement.factors.mentioned();
        let user = self.user(&caller.claimant).await?;
        let options = user
            .filter(|_| factors.contains(Factor::Passkey))
            .and_then(|user| request_options(&challenge, &user, &self.services));
        match options {
            Some(options) => Ok(PasskeyRequest::Options(Box::new(options))),
            None => refused(Reason::MethodNotEnrolled),
        }
    }
}

/// The options for `user`; `None` if they have no passkey.
fn request_options(
    challenge: &Challenge,
    user: &User,
    services: &Services,
) -> Option<PasskeyOptions> {
    let party = services.passkeys.as_ref()?;
    // Those of the user are named all the same: a key that keeps none of its own must be told which to use.
    let allowed: Vec<_> = passkeys_of(user, party)
        .map(|known| descriptor(&known))
        .collect();
    if allowed.is_empty() {
        return None;
    }
    let (options, state) = party.webauthn.start_discoverable_authentication().ok()?;
    let mut public_key = serde_json::to_value(options.public_key).ok()?;
    *public_key.get_mut("allowCredentials")? = allowed.into();
    let ceremony = Ceremony::new(state, challenge.expires_at, services);
    Some(PasskeyOptions {
        state: ceremony.seal(&context_of(challenge), services)?,
        public_key,
    })
}

/// `PublicKeyCredentialDescriptorJSON`, with how the browser reaches the authenticator.
fn descriptor(known: &PasskeyEntry) -> serde_json::Value {
    let mut descriptor = json!({ "type": "public-key", "id": known.credential_id() });
    if let (Some(members), Some(transports)) = (descriptor.as_object_mut(), &known.kept.transports)
    {
        members.insert("transports".to_owned(), transports.clone());
    }
    descriptor
}

/// What the state of an assertion is bound to.
fn context_of(challenge: &Challenge) -> Vec<u8> {
    [b"assertion/1 ", challenge.id.as_bytes().as_slice()].concat()
}

pub(super) async fn check(check: &Check<'_>) -> Result<bool, VerifyError> {
    let (services, context) = (check.services, context_of(check.challenge));
    let party = services.passkeys.as_ref();
    let Some((party, answer)) = party.zip(check.answer.read::<PasskeyAnswer>()) else {
        return Ok(false);
    };
    let ceremony = Ceremony::open(&answer.state, &context, check.now, services);
    let Some(ceremony) = ceremony else {
        return Ok(false);
    };
    if !ceremony.take(check.store, check.now).await? {
        return Ok(false);
    }
    let assertion = Assertion {
        party,
        credential: &answer.credential,
        state: &ceremony.state,
        now: check.now,
    };
    let mut user = check.user.cloned();
    // Another answer or an edit may change the record meanwhile: then that is what counts.
    for _ in 0..MOST_SWAPS {
        let Some(before) = &user else {
            return Ok(false);
        };
        let Some(after) = assertion.judge(before) else {
            return Ok(false);
        };
        if check.store.swap_user(before, &after).await? {
            return Ok(true);
        }
        user = check.store.user(&before.id).await?;
    }
    Ok(false)
}

/// How often the record of a user may change while an answer is judged.
const MOST_SWAPS: usize = 5;

/// What a browser said, and what it was asked.
struct Assertion<'a> {
    party: &'a RelyingParty,
    credential: &'a PublicKeyCredential,
    state: &'a DiscoverableAuthentication,
    now: Timestamp,
}

impl Assertion<'_> {
    /// Verifies it by the passkeys of `user` (WebAuthn Level 3, §7.2). Returns the record with the new counter.
    fn judge(&self, user: &User) -> Option<User> {
        let id = self.credential.get_credential_id();
        let mut known = passkeys_of(user, self.party);
        let mut found = known.find(|known| known.kept.passkey.cred_id() == id)?;
        if let Err(error) = self.verify(&mut found.kept) {
            tracing::info!(%error, "a passkey was refused");
            return None;
        }
        found.entry.used_at = Some(self.now);
        let mut after = user.clone();
        after.put_entry(Factor::Passkey, &found.into_entry()?);
        Some(after)
    }

    fn verify(&self, record: &mut PasskeyRecord) -> Result<(), WebauthnError> {
        // §7.2 step 6: a handle, if there is one, is that of the user; the library leaves this to us.
        let handle = self.credential.get_user_unique_id();
        if handle.is_some_and(|handle| handle != record.handle.as_bytes()) {
            return Err(WebauthnError::InvalidUserUniqueId);
        }
        // §7.2 step 13: our pages are in no frame of another origin.
        if is_of_another_frame(&self.credential.response.client_data_json)? {
            return Err(WebauthnError::InvalidRPOrigin);
        }
        let webauthn = &self.party.webauthn;
        let (state, passkey) = (self.state.clone(), &record.passkey);
        let result =
            webauthn.finish_discoverable_authentication_v2(self.credential, state, passkey)?;
        record.passkey.update_credential(&result);
        Ok(())
    }
}

/// Whether the page was in a frame of another origin, at which the library does not look.
fn is_of_another_frame(client_data: &[u8]) -> Result<bool, WebauthnError> {
    #[derive(Deserialize)]
    struct FrameOrigin {
        #[serde(default, rename = "crossOrigin")]
        is_cross_origin: bool,
    }
    let framing: FrameOrigin =
        serde_json::from_slice(client_data).map_err(WebauthnError::ParseJSONFailure)?;
    Ok(framing.is_cross_origin)
}

/// A ceremony under way: what the library must know of it again, and until when it counts.
struct Ceremony<T> {
    id: [u8; 16],
    expires_at: Timestamp,
    state: T,
}

impl<T: Serialize + DeserializeOwned> Ceremony<T> {
    /// A new one, which ends at `latest` at the latest.
    fn new(state: T, latest: Timestamp, services: &Services) -> Self {
        Self {
            id: services.entropy.bytes(),
            expires_at: services.clock.now().after(CEREMONY_LIFE).min(latest),
            state,
        }
    }

    /// Seals it for the client to carry; it opens in the same `context`.
    fn seal(&self, context: &[u8], services: &Services) -> Option<String> {
        let mut out = ByteWriter::default();
        out.array(&self.id)
            .time(self.expires_at)
            .bytes(&serde_json::to_vec(&self.state).ok()?);
        let (keys, entropy) = (&services.keys, &services.entropy);
        let sealed = keys.seal(Purpose::Passkey, context, out.as_bytes(), entropy);
        Some(BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens one that has not ended.
    fn open(text: &str, context: &[u8], now: Timestamp, services: &Services) -> Option<Self> {
        let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let plain: Secret<Vec<u8>> = services.keys.open(Purpose::Passkey, context, &sealed)?;
        let mut plain = ByteReader::new(plain.expose());
        let (id, expires_at) = (plain.array()?, plain.time()?);
        let state = serde_json::from_slice(plain.bytes()?).ok()?;
        plain.end()?;
        (now < expires_at).then_some(Self {
            id,
            expires_at,
            state,
        })
    }

    /// Takes it; of two answers to one ceremony, one does.
    async fn take(&self, store: &Store, now: Timestamp) -> Result<bool, StoreError> {
        // The id is random and in no client's hands but sealed.
        let id = BASE64URL_NOPAD.encode(&self.id);
        let once = Counter {
            key: CounterKey::new(format!("ceremony:{id}")),
            limit: 1,
            window: Some(self.expires_at.since(now)),
        };
        let counted = store.count_attempt(&[once], now).await?;
        Ok(matches!(counted, AttemptCount::Counted { .. }))
    }
}
