//! What a person has yet to prove before it counts: sealed for them, so that nothing of it is stored until then.

use crate::domain::{ByteReader, ByteWriter, ChallengeId, Secret, Timestamp};
use crate::seal::Purpose;
use crate::verification::verifier::{Claimant, Verifier};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;

/// How long a person has to prove it.
pub(super) const LIFE: Duration = Duration::from_mins(10);
/// The longest text that is opened.
const MAX_SEALED: usize = 1024;

/// What is to be proved.
pub(super) struct Unproven {
    /// Names it, for its attempts.
    pub(super) id: ChallengeId,
    /// A secret, or an address.
    pub(super) value: Secret<String>,
}

impl Verifier {
    /// Begins the enrollment of `value`, for this subject in this browser alone.
    pub(super) fn seal_unproven(
        &self,
        kind: &str,
        claimant: &Claimant<'_>,
        unproven: &Unproven,
    ) -> Secret<String> {
        let services = &self.services;
        let mut out = ByteWriter::default();
        out.array(unproven.id.as_bytes())
            .time(services.clock.now().after(LIFE))
            .text(unproven.value.expose());
        let plain = Secret::new(out.into_bytes());
        let (context, entropy) = (context(kind, claimant), &services.entropy);
        let keys = &services.keys;
        let sealed = keys.seal(Purpose::Enrollment, &context, plain.expose(), entropy);
        Secret::new(BASE64URL_NOPAD.encode(&sealed))
    }

    /// Opens what was sealed for the same kind, subject and browser; `None` when its time is over.
    pub(super) fn open_unproven(
        &self,
        kind: &str,
        claimant: &Claimant<'_>,
        sealed: &str,
    ) -> Option<Unproven> {
        let text = Some(sealed).filter(|text| text.len() <= MAX_SEALED)?;
        let sealed = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let context = context(kind, claimant);
        let plain = (self.services.keys).open(Purpose::Enrollment, &context, &sealed)?;
        let mut reader = ByteReader::new(plain.expose());
        let id = ChallengeId::new(reader.array()?);
        let expires_at: Timestamp = reader.time()?;
        let value = Secret::new(reader.text()?.to_owned());
        reader.end()?;
        (self.services.clock.now() < expires_at).then_some(Unproven { id, value })
    }
}

fn context(kind: &str, claimant: &Claimant<'_>) -> Vec<u8> {
    let key = claimant.browser_key.as_ref();
    let mut out = ByteWriter::default();
    out.text(kind)
        .text(claimant.subject.as_str())
        .optional_array(key.map(|key| key.as_bytes().as_slice()));
    out.into_bytes()
}
