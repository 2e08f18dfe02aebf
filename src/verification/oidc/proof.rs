//! What a sign-in has proved, kept for a challenge that needs another factor as well, and until when it counts.

use super::attempt::kept_name;
use super::id_token::ProviderProof;
use crate::domain::{
    ByteReader, ByteWriter, Challenge, Factor, FactorSet, KeptName, SessionId, Timestamp,
};
use crate::seal::Keys;
use crate::store::{RestsOn, StoreError};
use crate::verification::verifier::Verifier;

impl ProviderProof {
    /// What ends it: a logout at the provider since the sign-in began.
    pub(in crate::verification) fn rests_on(&self, keys: &Keys) -> RestsOn {
        RestsOn {
            ends: self.links.iter().map(|link| end_of(link, keys)).collect(),
            since: self.begun_at,
            waiting: Vec::new(),
        }
    }

    pub(in crate::verification) fn encode(&self) -> Vec<u8> {
        let mut out = ByteWriter::default();
        out.optional_bytes(self.acr.as_ref().map(String::as_bytes))
            .time(self.begun_at)
            .number(self.links.len() as u64);
        for link in &self.links {
            out.array(link.as_bytes());
        }
        out.into_bytes()
    }

    pub(in crate::verification) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut kept = ByteReader::new(bytes);
        let acr = kept.optional(|kept| kept.text().map(str::to_owned))?;
        let begun_at = kept.time()?;
        let links = kept.list(|kept| kept.array().map(KeptName::new))?;
        kept.end()?;
        Some(Self {
            acr,
            amr: Vec::new(),
            links,
            begun_at,
        })
    }

    /// Both, where nobody knows which of them is meant: that of the earlier one, and no `acr` if theirs differ.
    fn or(mut self, other: Self) -> Self {
        self.acr = self.acr.filter(|acr| Some(acr) == other.acr.as_ref());
        self.begun_at = self.begun_at.min(other.begun_at);
        self.links.extend(other.links);
        self
    }
}

impl Verifier {
    /// Writes down what a sign-in has just proved, before it counts: so a logout finds it, and so does the answer by
    /// another factor, where the challenge needs one.
    pub(in crate::verification) async fn note_proof(
        &self,
        (challenge, session): (&Challenge, SessionId),
        proof: &ProviderProof,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let about = (&challenge.subject, session);
        self.link(proof, about, now).await?;
        let alone = FactorSet::EMPTY.with(Factor::Oidc);
        if !challenge.demand.requirement.factors.satisfied_by(alone) {
            let (name, until) = (self.proof_of(challenge), challenge.expires_at);
            self.store.keep(name, &proof.encode(), until, now).await?;
        }
        Ok(())
    }

    /// What a sign-in has proved for a challenge before; `None` if that is not known any more.
    pub(in crate::verification) async fn earlier_proof(
        &self,
        challenge: &Challenge,
        now: Timestamp,
    ) -> Result<Option<ProviderProof>, StoreError> {
        let (name, until) = (self.proof_of(challenge), challenge.expires_at);
        let kept = self.store.take_kept(name, now).await?;
        // This answer may not be the last one.
        for proof in &kept {
            self.store.keep(name, proof, until, now).await?;
        }
        let proofs: Option<Vec<_>> = kept.iter().map(|it| ProviderProof::decode(it)).collect();
        Ok(proofs.and_then(|all| all.into_iter().reduce(ProviderProof::or)))
    }

    fn proof_of(&self, challenge: &Challenge) -> KeptName {
        kept_name(&[b"proof", challenge.id.as_bytes()], &self.services.keys)
    }
}

/// Where it is kept when what is linked so has ended at the provider.
pub(super) fn end_of(link: &KeptName, keys: &Keys) -> KeptName {
    kept_name(&[b"end", link.as_bytes()], keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verification::tests::{keys, now};
    use proptest::prelude::{any, prop};

    fn proof(acr: Option<&str>, link: u8) -> ProviderProof {
        ProviderProof {
            acr: acr.map(str::to_owned),
            amr: Vec::new(),
            links: vec![KeptName::new([link; 32])],
            begun_at: now(),
        }
    }

    #[test]
    fn of_two_sign_ins_a_logout_of_either_counts_and_an_acr_that_both_have() {
        for (first, second, both) in [
            (Some("gold"), Some("gold"), Some("gold")),
            (Some("gold"), Some("silver"), None),
            (Some("gold"), None, None),
            (None, Some("gold"), None),
        ] {
            let later = ProviderProof {
                begun_at: now().after(std::time::Duration::from_secs(1)),
                ..proof(second, 2)
            };
            let kept = [proof(first, 1), later].map(|proof| proof.encode());
            let [one, other] = kept.map(|it| ProviderProof::decode(&it).unwrap());
            let merged = other.or(one);
            assert_eq!(merged.acr.as_deref(), both);
            let rests_on = merged.rests_on(&keys());
            assert_eq!((rests_on.ends.len(), rests_on.since), (2, now()));
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ProviderProof::decode(&bytes);
        }
    }
}
