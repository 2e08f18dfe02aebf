//! Approvals on disk.

use super::EmbeddedStore;
use super::evidence::{file_grant, put_grant};
use super::rows::{SessionRow, drop_waiting, revoked_until, taken, wipe};
use super::schema::millis;
use crate::domain::{ChallengeId, Grant, SessionId, Timestamp};
use crate::store::keys::WaitingField;
use crate::store::record::{decode_approval, decode_latest, encode_approval, encode_decision};
use crate::store::{
    Approval, ApprovalDecision, ApprovalOutcome, ApprovedGrant, DeviceRequest, StoreError, Taken,
};
use rusqlite::{Connection, OptionalExtension, params};

impl EmbeddedStore {
    pub(crate) async fn approval(
        &self,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<Approval>, StoreError> {
        self.read(move |connection| find(connection, id, now)).await
    }

    pub(crate) async fn open_approvals(
        &self,
        skipped: usize,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<Approval>, StoreError> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, record FROM approvals
                 WHERE decision IS NULL AND unlisted = 0 AND expires_at > ?1
                 ORDER BY asked_at DESC, id LIMIT ?2 OFFSET ?3",
            )?;
            let [most, skipped] = [most, skipped].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
            let rows = select.query_map(params![millis(now), most, skipped], |row| {
                Ok((ChallengeId::new(row.get(0)?), row.get(1)?))
            })?;
            let rows: Vec<(_, Vec<u8>)> = rows.collect::<Result<_, _>>()?;
            let read = |(id, record): &(_, Vec<u8>)| decode_approval(id, record, None);
            rows.iter().map(read).collect()
        })
        .await
    }

    pub(crate) async fn put_device_request(
        &self,
        filed: &DeviceRequest,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let filed = filed.clone();
        self.write(move |connection| put_device_request(connection, &filed, now))
            .await
    }

    pub(crate) async fn decide_approval(
        &self,
        id: ChallengeId,
        decision: &ApprovalDecision,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let record = encode_decision(decision);
        self.write(move |connection| {
            let written = connection
                .prepare_cached(
                    "UPDATE approvals SET decision = ?2
                     WHERE id = ?1 AND decision IS NULL AND expires_at > ?3",
                )?
                .execute(params![id.as_bytes(), record, millis(now)])?;
            Ok(taken(written))
        })
        .await
    }

    pub(crate) async fn waiting_grant(
        &self,
        session: SessionId,
        approval: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        self.read(move |connection| waiting(connection, session, approval, now))
            .await
    }

    pub(crate) async fn put_approved(
        &self,
        granted: &ApprovedGrant,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let granted = granted.clone();
        self.write(move |connection| put_approved(connection, &granted, now))
            .await
    }
}

/// Files a grant in a session where it waits.
pub(super) fn put_waiting(
    connection: &Connection,
    session: SessionId,
    grant: &Grant,
    waits_for: ChallengeId,
) -> Result<(), StoreError> {
    // In the rows of the session's grants: whatever ends or renews those does the same to it.
    let field = WaitingField(waits_for).to_bytes();
    file_grant(connection, session, &field, grant)
}

/// Files a request for approval.
pub(super) fn put_request(connection: &Connection, approval: &Approval) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO approvals (id, record, asked_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            approval.id.as_bytes(),
            encode_approval(approval),
            millis(approval.asked_at),
            millis(approval.expires_at),
        ])?;
    Ok(())
}

fn put_device_request(
    connection: &Connection,
    filed: &DeviceRequest,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let DeviceRequest {
        request,
        waiting,
        unrecorded,
        keep,
    } = filed;
    let id = request.session;
    if find(connection, request.id, now)?.is_some() || revoked_until(connection, id, now)?.is_some()
    {
        return Ok(Taken::Before);
    }
    let until = now.after(*keep);
    let known = match SessionRow::find(connection, id, now)? {
        Some(row) if row.session(id)?.owner.subject() == Some(&unrecorded.owner) => Some(row),
        Some(_) | None => None,
    };
    if let Some(row) = known {
        row.keep_until(connection, id, until)?;
    } else {
        // There is no record, or one of another subject: start with a new one.
        wipe(connection, id)?;
        let session = unrecorded.clone().stored();
        SessionRow::put(connection, id, &session, None, millis(until))?;
    }
    put_waiting(connection, id, waiting, request.id)?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO approvals (id, record, asked_at, expires_at, unlisted)
             VALUES (?1, ?2, ?3, ?4, 1)",
        )?
        .execute(params![
            request.id.as_bytes(),
            encode_approval(request),
            millis(request.asked_at),
            millis(request.expires_at),
        ])?;
    Ok(Taken::Now)
}

fn put_approved(
    connection: &Connection,
    granted: &ApprovedGrant,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let ApprovedGrant {
        session,
        approval: id,
        waiting: expected,
        grant,
    } = granted;
    // One transaction, so that no decision and no lock comes between these looks.
    let is_approved = find(connection, *id, now)?
        .and_then(|approval| approval.decision)
        .is_some_and(|decision| decision.outcome == ApprovalOutcome::Approved);
    if !is_approved || waiting(connection, *session, *id, now)?.as_ref() != Some(expected) {
        return Ok(Taken::Before);
    }
    // It may wait under several values of the session's cookie.
    let written = connection
        .prepare_cached("UPDATE approvals SET taken_up = 1 WHERE id = ?1 AND taken_up = 0")?
        .execute([id.as_bytes()])?;
    if taken(written) == Taken::Before {
        return Ok(Taken::Before);
    }
    drop_waiting(connection, *session, *id)?;
    put_grant(connection, *session, grant)?;
    Ok(Taken::Now)
}

fn find(
    connection: &Connection,
    id: ChallengeId,
    now: Timestamp,
) -> Result<Option<Approval>, StoreError> {
    let row: Option<(Vec<u8>, Option<Vec<u8>>)> = connection
        .prepare_cached("SELECT record, decision FROM approvals WHERE id = ?1 AND expires_at > ?2")?
        .query_row(params![id.as_bytes(), millis(now)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    row.map(|(asked, decided)| decode_approval(&id, &asked, decided.as_deref()))
        .transpose()
}

pub(super) fn waiting(
    connection: &Connection,
    session: SessionId,
    approval: ChallengeId,
    now: Timestamp,
) -> Result<Option<Grant>, StoreError> {
    // A session that has expired holds nothing any more; its rows are there until they are purged.
    if SessionRow::find(connection, session, now)?.is_none() {
        return Ok(None);
    }
    let record: Option<Vec<u8>> = connection
        .prepare_cached(
            "SELECT record FROM grants WHERE session = ?1 AND field = ?2 AND expires_at > ?3",
        )?
        .query_row(
            params![
                session.as_bytes(),
                WaitingField(approval).to_bytes(),
                millis(now)
            ],
            |row| row.get(0),
        )
        .optional()?;
    record
        .map(|record| decode_latest(&session, &record))
        .transpose()
}
