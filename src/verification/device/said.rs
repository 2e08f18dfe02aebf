//! What is kept of the request of a program, and of its approval, beside what the store must know: sealed.

use super::code::{DeviceAsker, DeviceCode};
use crate::domain::{ByteWriter, ChallengeId, SessionId, UserCode};
use crate::seal::Purpose;
use crate::store::{Approval, ApprovalDecision};
use crate::verification::approval_said::KindOfText;
use crate::verification::oidc::ProviderProof;
use crate::verification::verifier::Verifier;

/// What is kept of a request.
pub(super) struct SaidOfDevice {
    /// The challenge of the program.
    pub(super) challenge: ChallengeId,
    /// The code that names the request.
    pub(super) user_code: UserCode,
    /// Who was refused what.
    pub(super) asker: DeviceAsker,
    /// What the grant will be bound to: label and value.
    pub(super) shown: Vec<(String, String)>,
}

/// What is kept of an approval.
pub(super) struct SaidOfApproval {
    /// The session in which it was given.
    pub(super) session: SessionId,
    /// What a sign-in has proved for it.
    pub(super) proof: ProviderProof,
}

// Their numbers change with the layout of what is sealed.
const REQUEST: KindOfText = (Purpose::Device, b"device request/1");
const APPROVAL: KindOfText = (Purpose::Device, b"device approval/1");

impl Verifier {
    pub(super) fn seal_device_request(&self, id: ChallengeId, code: &DeviceCode) -> Vec<u8> {
        let mut out = ByteWriter::default();
        out.array(code.challenge.id.as_bytes())
            .array(code.user_code.as_bytes());
        code.asker.write(&mut out);
        out.pairs(&code.challenge.shown);
        self.seal_said(REQUEST, id, &out)
    }

    /// What is kept of a request; `None` for one of another kind, or sealed under a secret that is gone.
    pub(super) fn said_of_device(&self, request: &Approval) -> Option<SaidOfDevice> {
        self.open_said(REQUEST, request.id, &request.sealed, |said| {
            let challenge = ChallengeId::new(said.array()?);
            let letters: [u8; 8] = said.array()?;
            Some(SaidOfDevice {
                challenge,
                user_code: std::str::from_utf8(&letters).ok()?.parse().ok()?,
                asker: DeviceAsker::read(said)?,
                shown: said.pairs()?,
            })
        })
    }

    pub(super) fn seal_device_approval(&self, id: ChallengeId, said: &SaidOfApproval) -> Vec<u8> {
        let mut out = ByteWriter::default();
        out.array(said.session.as_bytes())
            .bytes(&said.proof.encode());
        self.seal_said(APPROVAL, id, &out)
    }

    pub(super) fn said_of_approval(
        &self,
        id: ChallengeId,
        decision: &ApprovalDecision,
    ) -> Option<SaidOfApproval> {
        self.open_said(APPROVAL, id, &decision.sealed, |said| {
            Some(SaidOfApproval {
                session: SessionId::new(said.array()?),
                proof: ProviderProof::decode(said.bytes()?)?,
            })
        })
    }
}
