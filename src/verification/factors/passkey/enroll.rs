//! How people add passkeys, and name them.

use super::record::{PasskeyEntry, PasskeyRecord, passkeys_of};
use super::relying_party::{CEREMONY_LIFE, RelyingParty};
use super::{Ceremony, PasskeyOptions, is_of_another_frame};
use crate::domain::{CredentialEntry, Factor, User, UserId, is_ignorable};
use crate::locale::Locale;
use crate::mail::Notice;
use crate::verification::enroll::{ChangeKind, CredentialChange, edit_user};
use crate::verification::error::VerifyError;
use crate::verification::factors::AnswerValue;
use crate::verification::services::Services;
use crate::verification::verifier::{Claimant, EndpointCaller, Verifier};
use serde::Deserialize;
use serde_json::json;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential, Uuid, WebauthnError};

/// How many passkeys a user may have. Each is named in the options of every ceremony.
const MOST_PASSKEYS: usize = 20;
/// The longest name of a passkey, in characters.
const MAX_NAME: usize = 60;
/// How many ways there are to reach an authenticator, with some room for new ones.
const MOST_TRANSPORTS: usize = 8;

/// The new passkey as a browser made it, with the state that its options came with.
#[derive(Deserialize)]
struct NewPasskey {
    state: String,
    credential: RegisterPublicKeyCredential,
}

impl Verifier {
    /// The options by which a browser makes a passkey for the caller; `None` if none can be had, or no more. Writes
    /// nothing.
    pub async fn new_passkey_options(
        &self,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<PasskeyOptions>, VerifyError> {
        let account = self.account(&caller.claimant).await?;
        Ok(creation_options(&account, &caller.claimant, &self.services))
    }

    /// Adds the passkey that a browser made to what the caller has enrolled. Returns whether it is what was asked
    /// for, and new.
    pub async fn add_passkey(
        &self,
        answer: &AnswerValue,
        name: &str,
        locale: Locale,
        caller: &EndpointCaller<'_>,
    ) -> Result<bool, VerifyError> {
        let (services, now) = (&self.services, self.services.clock.now());
        let Some((party, answer)) = services.passkeys.as_ref().zip(answer.read::<NewPasskey>())
        else {
            return Ok(false);
        };
        let context = context_of(&caller.claimant);
        let ceremony = Ceremony::open(&answer.state, &context, now, services);
        let Some(ceremony): Option<Ceremony<(Uuid, PasskeyRegistration)>> = ceremony else {
            return Ok(false);
        };
        if !ceremony.take(&self.store, now).await? {
            return Ok(false);
        }
        let kept = match made(party, &answer, &ceremony.state) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::info!(%error, "a new passkey was refused");
                return Ok(false);
            }
        };
        let id = kept.passkey.cred_id().clone();
        let entry = PasskeyEntry {
            entry: CredentialEntry {
                name: plain_name(name),
                ..CredentialEntry::new(services.entropy.bytes(), now)
            },
            kept,
        };
        let Some(entry) = entry.into_entry() else {
            return Ok(false);
        };
        let change = CredentialChange {
            factor: Factor::Passkey,
            kind: ChangeKind::Added,
            notice: Notice::Added(Factor::Passkey),
            locale,
        };
        let edit = |user: &mut User| {
            let known: Vec<_> = passkeys_of(user, party).collect();
            // Nobody looks for a user by the id of a credential, so that another user may have the same is no
            // matter (WebAuthn Level 3, §7.1 step 26).
            let is_new = known
                .iter()
                .all(|known| *known.kept.passkey.cred_id() != id);
            (is_new && known.len() < MOST_PASSKEYS).then(|| user.put_entry(Factor::Passkey, &entry))
        };
        let added = self.change_credentials(caller, &change, edit).await?;
        Ok(added.is_some())
    }

    /// Gives the caller's passkey with this id (16 hexadecimal digits) another name; returns whether there is one.
    pub async fn rename_passkey(
        &self,
        id: &str,
        name: &str,
        caller: &EndpointCaller<'_>,
    ) -> Result<bool, VerifyError> {
        let name = plain_name(name);
        let edit = |user: &mut User| {
            let mut entries = user.entries(Factor::Passkey);
            let entry = entries.find(|entry| entry.id_text() == id)?;
            drop(entries);
            let name = name.clone();
            user.put_entry(Factor::Passkey, &CredentialEntry { name, ..entry });
            Some(())
        };
        let name = UserId::new(caller.claimant.subject.as_str());
        let now = self.services.clock.now();
        let renamed = edit_user(&self.store, &name, now, edit).await?;
        Ok(renamed.is_some())
    }
}

/// What is to be kept of a new passkey (WebAuthn Level 3, §7.1).
fn made(
    party: &RelyingParty,
    answer: &NewPasskey,
    (handle, registration): &(Uuid, PasskeyRegistration),
) -> Result<PasskeyRecord, WebauthnError> {
    let response = &answer.credential.response;
    if is_of_another_frame(&response.client_data_json)? {
        return Err(WebauthnError::InvalidRPOrigin);
    }
    let webauthn = &party.webauthn;
    let passkey = webauthn.finish_passkey_registration(&answer.credential, registration)?;
    let transports = response.transports.as_ref();
    let transports = transports.filter(|list| list.len() <= MOST_TRANSPORTS);
    Ok(PasskeyRecord {
        rp_id: party.id().to_owned(),
        handle: *handle,
        transports: transports.map(|list| json!(list)),
        passkey,
    })
}

fn creation_options(
    user: &User,
    claimant: &Claimant<'_>,
    services: &Services,
) -> Option<PasskeyOptions> {
    let party = services.passkeys.as_ref()?;
    let known: Vec<_> = passkeys_of(user, party).map(|known| known.kept).collect();
    if known.len() >= MOST_PASSKEYS {
        return None;
    }
    // One for all passkeys of a user: a second one on the same authenticator takes the place of the first.
    let handle = known.first().map(|known| known.handle);
    let handle = handle.unwrap_or_else(|| Uuid::from_bytes(services.entropy.bytes()));
    let name = claimant.subject.spelling();
    let display = claimant.display.map(ToString::to_string);
    let display = display.as_deref().unwrap_or(name);
    let exclude = known.iter().map(|known| known.passkey.cred_id().clone());
    let exclude = Some(exclude.collect());
    let webauthn = &party.webauthn;
    let started = webauthn.start_passkey_registration(handle, name, display, exclude);
    let (options, registration) = started.ok()?;
    let mut public_key = serde_json::to_value(options.public_key).ok()?;
    // Discoverable where the authenticator has room: browsers then offer it by themselves.
    let selection = public_key.get_mut("authenticatorSelection")?;
    *selection.get_mut("residentKey")? = json!("preferred");
    let latest = services.clock.now().after(CEREMONY_LIFE);
    let ceremony = Ceremony::new((handle, registration), latest, services);
    Some(PasskeyOptions {
        state: ceremony.seal(&context_of(claimant), services)?,
        public_key,
    })
}

/// What the state of a registration is bound to: session, browser and subject.
fn context_of(claimant: &Claimant<'_>) -> Vec<u8> {
    let browser = claimant.browser_key.map(|key| *key.as_bytes());
    let session = claimant.session.as_bytes().as_slice();
    let subject = claimant.subject.as_str().as_bytes();
    [
        b"registration/1 ",
        session,
        &browser.unwrap_or_default(),
        subject,
    ]
    .concat()
}

/// A name as a page can show it: on one line, and no longer than a line.
fn plain_name(name: &str) -> String {
    let is_shown = |char: &char| !char.is_control() && !is_ignorable(*char);
    let name: String = name
        .trim()
        .chars()
        .filter(is_shown)
        .take(MAX_NAME)
        .collect();
    if name.trim().is_empty() {
        return Factor::Passkey.as_str().to_owned();
    }
    name
}
