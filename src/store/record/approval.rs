//! Approvals, as they lie in the store: what is asked, and beside it what was decided, once.

use super::{VERSION, head, read_head};
use crate::domain::{
    Approver, BrowserKeyHash, ByteReader, ByteWriter, ChallengeId, RequestDigest, RouteId,
    SessionId, Subject,
};
use crate::store::{Approval, ApprovalDecision, ApprovalOutcome, StoreError};

const APPROVAL: u8 = b'A';
const DECISION: u8 = b'D';
/// Of one by somebody as one of a group: its name, at the end.
const DECISION_IN_GROUP: u8 = b'E';

/// Writes what is asked, without the decision, which is filed beside it.
pub(crate) fn encode_approval(approval: &Approval) -> Vec<u8> {
    let binding = approval.binding.as_ref();
    let mut out = head(APPROVAL, 256 + approval.sealed.len());
    out.array(approval.id.as_bytes())
        .array(approval.session.as_bytes())
        .array(approval.browser_key.as_bytes())
        .time(approval.asked_at)
        .time(approval.expires_at)
        .text(approval.requester.as_str())
        .text(approval.route.as_str())
        .optional_array(binding.map(|digest| digest.as_bytes().as_slice()))
        .bytes(&approval.sealed);
    out.into_bytes()
}

/// Writes what was decided.
pub(crate) fn encode_decision(decision: &ApprovalDecision) -> Vec<u8> {
    let mut out = ByteWriter::with_capacity(64 + decision.sealed.len());
    let group = decision.by.group.as_ref();
    out.byte(VERSION)
        .byte(group.map_or(DECISION, |_| DECISION_IN_GROUP))
        .byte(match decision.outcome {
            ApprovalOutcome::Approved => b'a',
            ApprovalOutcome::Refused => b'r',
            ApprovalOutcome::Withdrawn => b'w',
        })
        .time(decision.at)
        .text(decision.by.subject.as_str())
        .bytes(&decision.sealed);
    if let Some(group) = group {
        out.text(group);
    }
    out.into_bytes()
}

/// Reads the approval `id`, with what was decided, if anything was.
pub(crate) fn decode_approval(
    id: &ChallengeId,
    asked: &[u8],
    decided: Option<&[u8]>,
) -> Result<Approval, StoreError> {
    let read = || {
        let approval = approval(id, &mut ByteReader::new(asked))?;
        let decision = match decided {
            Some(bytes) => Some(decision(&mut ByteReader::new(bytes))?),
            None => None,
        };
        Some(Approval {
            decision,
            ..approval
        })
    };
    read().ok_or(StoreError::Corrupt { what: "approval" })
}

fn approval(id: &ChallengeId, reader: &mut ByteReader<'_>) -> Option<Approval> {
    read_head(APPROVAL, reader)?;
    (reader.array()? == *id.as_bytes()).then_some(())?;
    let approval = Approval {
        id: *id,
        session: SessionId::new(reader.array()?),
        browser_key: BrowserKeyHash::new(reader.array()?),
        asked_at: reader.time()?,
        expires_at: reader.time()?,
        requester: Subject::new(reader.text()?),
        route: RouteId::new(reader.text()?),
        binding: reader.optional(|reader| reader.array().map(RequestDigest::new))?,
        sealed: reader.bytes()?.to_vec(),
        decision: None,
    };
    reader.end()?;
    Some(approval)
}

fn decision(reader: &mut ByteReader<'_>) -> Option<ApprovalDecision> {
    let [version, tag] = reader.array()?;
    let is_known = version == VERSION && [DECISION, DECISION_IN_GROUP].contains(&tag);
    is_known.then_some(())?;
    let outcome = match reader.byte()? {
        b'a' => ApprovalOutcome::Approved,
        b'r' => ApprovalOutcome::Refused,
        b'w' => ApprovalOutcome::Withdrawn,
        _ => return None,
    };
    let (at, subject) = (reader.time()?, Subject::new(reader.text()?));
    let sealed = reader.bytes()?.to_vec();
    let group = match tag {
        DECISION_IN_GROUP => Some(reader.text()?.to_owned()),
        _ => None,
    };
    reader.end()?;
    let by = Approver { subject, group };
    Some(ApprovalDecision {
        outcome,
        by,
        at,
        sealed,
    })
}
