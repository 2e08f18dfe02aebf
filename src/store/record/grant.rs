//! Grants, as they lie in the store.

use super::{PROOF_WITH_ACR, VERSION, proof_end, proof_head, read_owner, read_proof_end};
use crate::domain::{
    Action, Approver, BrowserKeyHash, ByteReader, ByteWriter, FactorSet, Grant, GrantId, GrantKey,
    RequestDigest, RiskLevel, SessionId, Subject,
};
use crate::store::StoreError;

/// Of a grant that somebody approved: subject, approver and what the provider named, with their lengths.
const GRANT_APPROVED: u8 = 3;
/// The same of one whom somebody approved as one of a group: its name, at the end.
const GRANT_APPROVED_IN_GROUP: u8 = 4;
const GRANT: u8 = b'G';

/// Writes a grant of the session `id`.
pub(crate) fn encode_grant(id: &SessionId, grant: &Grant) -> Vec<u8> {
    let action = grant.key.action.as_str();
    let subject = grant.subject.as_str();
    let binding = grant.key.binding.as_ref();
    let approver = grant.approved_by.as_ref();
    let capacity = 138 + action.len() + subject.len();
    let mut out = match approver {
        None => proof_head(GRANT, capacity, grant.acr.as_ref()),
        Some(Approver { group, .. }) => {
            let mut out = ByteWriter::with_capacity(capacity + 64);
            let in_group = group.as_ref().map(|_| GRANT_APPROVED_IN_GROUP);
            out.byte(in_group.unwrap_or(GRANT_APPROVED)).byte(GRANT);
            out
        }
    };
    out.array(id.as_bytes())
        .array(grant.browser_key.as_bytes())
        .time(grant.expires_at)
        .array(grant.id.as_bytes())
        .time(grant.granted_at)
        .byte(grant.level.number())
        .byte(grant.factors.bits())
        .flag(grant.key.single_use)
        .flag(binding.is_some())
        .array(binding.map_or(&[0; 32], |digest| digest.as_bytes()))
        .text(action);
    // A new layout: a name that is cut short must not be another person's.
    if let Some(approver) = approver {
        let acr = grant.acr.as_ref().map(String::as_bytes);
        let by = approver.subject.as_str();
        out.text(subject).text(by).optional_bytes(acr);
        if let Some(group) = &approver.group {
            out.text(group);
        }
        return out.into_bytes();
    }
    out.array(subject.as_bytes());
    proof_end(out, grant.acr.as_ref())
}

/// Reads a grant that was filed under `id` and `key`.
pub(crate) fn decode_grant(
    id: &SessionId,
    key: &GrantKey,
    bytes: &[u8],
) -> Result<Grant, StoreError> {
    grant(id, &mut ByteReader::new(bytes))
        .filter(|grant| grant.key == *key)
        .ok_or(StoreError::Corrupt { what: "grant" })
}

/// Reads a grant that was filed under `id`, whatever its key.
pub(crate) fn decode_latest(id: &SessionId, bytes: &[u8]) -> Result<Grant, StoreError> {
    grant(id, &mut ByteReader::new(bytes)).ok_or(StoreError::Corrupt { what: "grant" })
}

pub(super) fn grant(id: &SessionId, reader: &mut ByteReader<'_>) -> Option<Grant> {
    let [version, tag] = reader.array()?;
    (tag == GRANT).then_some(())?;
    read_owner(id, reader)?;
    let browser_key = BrowserKeyHash::new(reader.array()?);
    let expires_at = reader.time()?;
    let own_id = GrantId::new(reader.array()?);
    let granted_at = reader.time()?;
    let level = RiskLevel::try_from(i64::from(reader.byte()?)).ok()?;
    let factors = FactorSet::from_bits(reader.byte()?);
    let single_use = reader.flag()?;
    let (bound, digest) = (reader.flag()?, reader.array()?);
    let key = GrantKey {
        action: Action::new(reader.text()?),
        binding: bound.then(|| RequestDigest::new(digest)),
        single_use,
    };
    let (subject, approved_by, acr) = read_people(version, reader)?;
    Some(Grant {
        id: own_id,
        key,
        level,
        subject,
        browser_key,
        factors,
        acr,
        approved_by,
        granted_at,
        expires_at,
    })
}

/// Whose a grant is, who approved it, and the authentication context of a sign-in.
fn read_people(
    version: u8,
    reader: &mut ByteReader<'_>,
) -> Option<(Subject, Option<Approver>, Option<String>)> {
    match version {
        VERSION | PROOF_WITH_ACR => {
            let (subject, acr) = read_proof_end(version, reader)?;
            Some((subject, None, acr))
        }
        GRANT_APPROVED | GRANT_APPROVED_IN_GROUP => {
            let (owner, subject) = (reader.text()?, Subject::new(reader.text()?));
            let acr = reader.optional(|reader| reader.text().map(str::to_owned))?;
            let group = match version {
                GRANT_APPROVED_IN_GROUP => Some(reader.text()?.to_owned()),
                _ => None,
            };
            reader.end()?;
            Some((Subject::new(owner), Some(Approver { subject, group }), acr))
        }
        _ => None,
    }
}
