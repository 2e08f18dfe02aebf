//! What a sign-in has proved, kept for a challenge that needs another factor as well.

use super::attempt::kept_name;
use super::id_token::ProviderProof;
use crate::domain::{Challenge, Factor, FactorSet, KeptName, SessionId, Timestamp};
use crate::store::StoreError;
use crate::verification::verifier::Verifier;

impl Verifier {
    /// Writes down what a sign-in has just proved, before it counts; or finds what one has proved for the same
    /// challenge before, where `shown` holds one.
    pub(in crate::verification) async fn proof_for(
        &self,
        (challenge, session): (&Challenge, SessionId),
        proof: Option<ProviderProof>,
        shown: FactorSet,
        now: Timestamp,
    ) -> Result<ProviderProof, StoreError> {
        let name = kept_name(&[b"acr", challenge.id.as_bytes()], &self.services.keys);
        if let Some(proof) = proof {
            self.link(&proof, session, now).await?;
            let is_all = challenge.demand.requirement.factors.satisfied_by(shown);
            if let Some(acr) = proof.acr.as_ref().filter(|_| !is_all) {
                let until = challenge.expires_at;
                self.store.keep(name, acr.as_bytes(), until, now).await?;
            }
            return Ok(proof);
        }
        if !shown.contains(Factor::Oidc) {
            return Ok(ProviderProof::default());
        }
        self.earlier_proof(name, now).await
    }

    async fn earlier_proof(
        &self,
        name: KeptName,
        now: Timestamp,
    ) -> Result<ProviderProof, StoreError> {
        let kept = self.store.take_kept(name, now).await?;
        // Of two that differ neither is the one.
        let acr = match kept.as_slice() {
            [acr] => String::from_utf8(acr.clone()).ok(),
            _ => None,
        };
        Ok(ProviderProof {
            acr,
            ..ProviderProof::default()
        })
    }
}
