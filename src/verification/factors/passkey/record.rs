//! A passkey as the user's record keeps it.

use super::relying_party::RelyingParty;
use crate::domain::{CredentialEntry, Factor, Secret, User};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use webauthn_rs::prelude::{Passkey, Uuid};

/// One passkey of a user: what its owner sees of it, and what is needed to check it.
pub(super) struct PasskeyEntry {
    pub(super) entry: CredentialEntry,
    pub(super) kept: PasskeyRecord,
}

/// What is needed to check a passkey. None of it is secret.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct PasskeyRecord {
    /// The RP ID that its authenticator bound it to.
    pub(super) rp_id: String,
    /// The user handle that its authenticator keeps: random, so that it tells nothing of the user
    /// (WebAuthn Level 3, §14.6.1).
    pub(super) handle: Uuid,
    /// How the browser reaches the authenticator, a list of words: a hint, which the library keeps of attested
    /// ones alone.
    pub(super) transports: Option<serde_json::Value>,
    /// The id, the public key, the signature counter, and whether the authenticator backs it up.
    pub(super) passkey: Passkey,
}

impl PasskeyEntry {
    /// The entry with what is kept by now; `None` if that cannot be written.
    pub(super) fn into_entry(self) -> Option<CredentialEntry> {
        let secret = Secret::new(serde_json::to_vec(&self.kept).ok()?);
        Some(CredentialEntry {
            secret,
            ..self.entry
        })
    }

    /// The id of the credential, as browsers have it.
    pub(super) fn credential_id(&self) -> String {
        BASE64URL_NOPAD.encode(self.kept.passkey.cred_id())
    }
}

/// The passkeys of a user that `party` can ask for. What cannot be read, or is of another relying party,
/// proves nothing.
pub(super) fn passkeys_of(user: &User, party: &RelyingParty) -> impl Iterator<Item = PasskeyEntry> {
    user.entries(Factor::Passkey).filter_map(|entry| {
        let kept: PasskeyRecord = serde_json::from_slice(entry.secret.expose()).ok()?;
        (kept.rp_id == party.id()).then_some(PasskeyEntry { entry, kept })
    })
}
