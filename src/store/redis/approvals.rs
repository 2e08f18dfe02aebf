//! Approvals in Redis.

use super::answer::{UNEXPECTED, bytes, list, next, optional_bytes};
use super::client::Repeat;
use super::scripts::script;
use super::{MARGIN, RedisStore, taken, ttl};
use crate::domain::{ChallengeId, Grant, SessionId, Timestamp};
use crate::store::keys::{GrantField, LatestField, WaitingField};
use crate::store::record::{
    decode_approval, decode_latest, encode_approval, encode_decision, encode_grant, encode_session,
};
use crate::store::{Approval, ApprovalDecision, ApprovedGrant, DeviceRequest, StoreError, Taken};
use redis::Cmd;

impl RedisStore {
    pub(crate) async fn approval(
        &self,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<Approval>, StoreError> {
        let mut get = Cmd::new();
        get.arg("HMGET")
            .arg(self.keys.approval(id))
            .arg("q")
            .arg("d");
        let mut fields = list(self.client.ask(&get, Repeat::Harmless).await?)?;
        let asked = optional_bytes(next(&mut fields)?)?;
        let decided = optional_bytes(next(&mut fields)?)?;
        let Some(asked) = asked else {
            return Ok(None);
        };
        let approval = decode_approval(&id, &asked, decided.as_deref())?;
        Ok(Some(approval).filter(|approval| now < approval.expires_at))
    }

    pub(crate) async fn open_approvals(
        &self,
        skipped: usize,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Approval>, StoreError> {
        let answer = self
            .client
            .run(script!(open_approvals), 1, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.approvals())
                    .arg(now.as_millis())
                    .arg(skipped)
                    .arg(most)
                    .arg(self.keys.approval_prefix());
            })
            .await?;
        // As the script wrote them, two by two.
        let mut values = list(answer)?;
        let mut approvals = Vec::new();
        while let Some(id) = values.next() {
            let id = bytes(id)?.try_into().map_err(|_| UNEXPECTED)?;
            let asked = bytes(next(&mut values)?)?;
            approvals.push(decode_approval(&ChallengeId::new(id), &asked, None)?);
        }
        // They are indexed by their end, and routes give them different times.
        approvals.sort_by_key(|approval| std::cmp::Reverse(approval.asked_at));
        Ok(approvals)
    }

    pub(crate) async fn put_device_request(
        &self,
        filed: &DeviceRequest,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let (request, id) = (&filed.request, &filed.request.session);
        let unrecorded = filed.unrecorded.clone().stored();
        let life = request.expires_at.since(now).saturating_add(MARGIN);
        let answer = self
            .client
            // Sent again, it would find the request, by itself.
            .run(script!(put_device_request), 3, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(id))
                    .arg(self.keys.approval(request.id))
                    .arg(self.keys.subject(filed.unrecorded.owner.as_str()))
                    .arg(now.as_millis())
                    .arg(encode_session(id, &unrecorded))
                    .arg(WaitingField(request.id).to_bytes())
                    .arg(encode_grant(id, &filed.waiting))
                    .arg(ttl(filed.keep))
                    .arg(encode_approval(request))
                    .arg(ttl(life))
                    .arg(now.after(filed.keep).as_millis())
                    .arg(id.as_bytes());
            })
            .await?;
        taken(&answer)
    }

    pub(crate) async fn decide_approval(
        &self,
        id: ChallengeId,
        decision: &ApprovalDecision,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        // Redis keeps it for a while after its end.
        if self.approval(id, now).await?.is_none() {
            return Ok(Taken::Before);
        }
        let answer = self
            .client
            // Sent again, it would find the decision, by itself.
            .run(script!(decide_approval), 2, Repeat::Never, |command| {
                command
                    .arg(self.keys.approval(id))
                    .arg(self.keys.approvals())
                    .arg(encode_decision(decision))
                    .arg(id.as_bytes());
            })
            .await?;
        taken(&answer)
    }

    pub(crate) async fn waiting_grant(
        &self,
        session: SessionId,
        approval: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let mut get = Cmd::new();
        get.arg("HGET")
            .arg(self.keys.session(&session))
            .arg(WaitingField(approval).to_bytes());
        let record = optional_bytes(self.client.ask(&get, Repeat::Harmless).await?)?;
        let grant = record.map(|record| decode_latest(&session, &record));
        Ok(grant.transpose()?.filter(|grant| now < grant.expires_at))
    }

    pub(crate) async fn put_approved(
        &self,
        granted: &ApprovedGrant,
        _now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let ApprovedGrant {
            session,
            approval,
            waiting,
            grant,
        } = granted;
        let answer = self
            .client
            // Sent again, it would find nothing that waits.
            .run(script!(put_approved), 2, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(session))
                    .arg(self.keys.approval(*approval))
                    .arg(WaitingField(*approval).to_bytes())
                    .arg(encode_grant(session, waiting))
                    .arg(GrantField(&grant.key))
                    .arg(encode_grant(session, grant))
                    .arg(LatestField(&grant.key.action));
            })
            .await?;
        taken(&answer)
    }
}
