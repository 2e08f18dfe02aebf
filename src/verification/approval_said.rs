//! What is kept of a request for approval beside what the store must know: sealed, the store cannot read it.

use super::error::VerifyError;
use super::verifier::{Claimant, Verifier};
use crate::domain::{
    ByteReader, ByteWriter, ChallengeId, Requirement, RouteId, Secret, StatedPurpose,
};
use crate::locale::Locale;
use crate::seal::Purpose;
use crate::store::Approval;
use std::net::IpAddr;
use std::sync::Arc;

/// What is kept of a request for approval.
pub(super) struct SaidOfRequest {
    /// Why it is wanted.
    pub(super) purpose: Option<StatedPurpose>,
    /// What approvers are shown: label and value.
    pub(super) shown: Vec<(String, String)>,
    /// From which address it was asked.
    pub(super) from: Option<IpAddr>,
    /// The token of the challenge, for the page of whoever asked.
    pub(super) token: Secret<String>,
    /// Where they are told of the decision, if an address is known.
    pub(super) mail_to: Option<String>,
    /// In which language.
    pub(super) locale: Locale,
}

impl SaidOfRequest {
    pub(super) fn encode(&self) -> ByteWriter {
        let purpose = self.purpose.as_ref().map(StatedPurpose::as_str);
        let from = self.from.map(|from| from.to_string());
        let mut out = ByteWriter::default();
        out.optional_bytes(purpose.map(str::as_bytes))
            .pairs(&self.shown)
            .text(&from.unwrap_or_default())
            .text(self.token.expose())
            .optional_bytes(self.mail_to.as_ref().map(String::as_bytes))
            .text(self.locale.as_str());
        out
    }

    pub(super) fn read(said: &mut ByteReader<'_>) -> Option<Self> {
        Some(Self {
            purpose: said
                .optional(|said| said.text().map(StatedPurpose::of))?
                .flatten(),
            shown: said.pairs()?,
            from: said.text()?.parse().ok(),
            token: Secret::new(said.text()?.to_owned()),
            mail_to: said.optional(|said| said.text().map(str::to_owned))?,
            locale: Locale::from_accept_language(said.text()?),
        })
    }
}

impl Verifier {
    pub(super) fn seal_request(&self, id: ChallengeId, said: &SaidOfRequest) -> Vec<u8> {
        self.seal_said(REQUEST, id, &said.encode())
    }

    /// What is kept of a request, if it can be read.
    pub(super) fn said_of(&self, approval: &Approval) -> Option<SaidOfRequest> {
        self.open_said(REQUEST, approval.id, &approval.sealed, SaidOfRequest::read)
    }

    /// The challenge whose answer made a request, for whoever made it: its token, in their own session and browser.
    pub async fn token_of_request(
        &self,
        id: ChallengeId,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        claimant: &Claimant<'_>,
    ) -> Result<Option<Secret<String>>, VerifyError> {
        let approval = self.store.approval(id, self.services.clock.now()).await?;
        let own = approval.filter(|approval| {
            approval.requester == *claimant.subject && claimant.is_in_own_session()
        });
        let Some(said) = own.and_then(|approval| self.said_of(&approval)) else {
            return Ok(None);
        };
        let opened = self
            .read(said.token.expose(), requirement, claimant)
            .await?;
        Ok(opened.map(|_| said.token))
    }

    /// Seals a word about a decision.
    pub(super) fn seal_word(&self, id: ChallengeId, word: Option<&StatedPurpose>) -> Vec<u8> {
        let mut said = ByteWriter::default();
        word.map_or_else(Vec::new, |word| {
            said.text(word.as_str());
            self.seal_said(DECISION, id, &said)
        })
    }

    /// A word about a decision, if there is one that can be read.
    pub(super) fn word_of(&self, id: ChallengeId, sealed: &[u8]) -> Option<StatedPurpose> {
        self.open_said(DECISION, id, sealed, |said| {
            said.text().map(StatedPurpose::of)
        })
        .flatten()
    }

    /// Seals what is kept of a request, or of a decision about it.
    pub(in crate::verification) fn seal_said(
        &self,
        (purpose, kind): KindOfText,
        id: ChallengeId,
        said: &ByteWriter,
    ) -> Vec<u8> {
        // Of another request, or as the other kind of text, it does not open.
        let context = [kind, id.as_bytes()].concat();
        let services = &self.services;
        (services.keys).seal(purpose, &context, said.as_bytes(), &services.entropy)
    }

    /// Opens it; `None` for one of another kind, or sealed under a secret that is gone.
    pub(in crate::verification) fn open_said<T>(
        &self,
        (purpose, kind): KindOfText,
        id: ChallengeId,
        sealed: &[u8],
        read: impl FnOnce(&mut ByteReader<'_>) -> Option<T>,
    ) -> Option<T> {
        let context = [kind, id.as_bytes()].concat();
        let plain = self.services.keys.open(purpose, &context, sealed)?;
        let mut reader = ByteReader::new(plain.expose());
        let value = read(&mut reader)?;
        reader.end()?;
        Some(value)
    }
}

/// A kind of text that is kept of requests: for what it is sealed, and its name.
pub(in crate::verification) type KindOfText = (Purpose, &'static [u8]);

// Their numbers change with the layout of what is sealed.
const REQUEST: KindOfText = (Purpose::Approval, b"request/2");
const DECISION: KindOfText = (Purpose::Approval, b"decision/1");
