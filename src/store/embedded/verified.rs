//! A verification that succeeded, on disk: what it rests on, and what it earns.

use super::approvals::{put_request, put_waiting, waiting};
use super::evidence::put_grant;
use super::kept::has_ended;
use super::rows::{SessionRow, drop_grants, drop_waiting, revoked_until, taken, wipe};
use super::schema::millis;
use super::verification::clear_attempts;
use crate::domain::{BrowserKeyHash, SessionId, StoredSession, Timestamp};
use crate::store::record::{encode_mark, rekey};
use crate::store::{RestsOn, StoreError, Taken, VerifiedChallenge};
use rusqlite::{Connection, params};

pub(super) fn put_verified(
    connection: &Connection,
    verified: &VerifiedChallenge,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let id = verified.session;
    if has_ended(connection, &verified.rests_on, now)?
        || !all_wait(connection, &verified.rests_on, now)?
    {
        return Ok(Taken::Before);
    }
    // First: of two right answers at once, one goes on.
    if answer_challenge(connection, verified, now)? == Taken::Before {
        return Ok(Taken::Before);
    }
    clear_attempts(connection, &verified.clears)?;
    for (session, waits_for) in &verified.rests_on.waiting {
        drop_waiting(connection, *session, *waits_for)?;
    }
    let until = now.after(verified.keep);
    let known = match SessionRow::find(connection, id, now)? {
        None => None,
        Some(row) => Some((row.session(id)?, row.extended(until), row.mark)),
    };
    let (session, until, mark) = match known {
        // The session may have changed hands while its challenge was open.
        Some((session, until, mark))
            if session.owner.subject() == Some(&verified.unrecorded.owner) =>
        {
            let mark = kept_mark(mark, &session, verified);
            (keep_own(connection, session, verified, now)?, until, mark)
        }
        // There is no record, or one of another subject: start with a new one.
        Some(_) | None => {
            wipe(connection, id)?;
            (verified.unrecorded.clone().stored(), millis(until), None)
        }
    };
    // Renewed with every proof (ASVS 5.0, 7.2.4): a key that was copied before is of no use after.
    let session = StoredSession {
        browser_key: Some(verified.renewed),
        ..session
    };
    let earned = verified.mark.as_ref().map(|mark| encode_mark(&id, mark));
    let mark = earned.or(mark);
    SessionRow::put(connection, id, &session, mark.as_deref(), until)?;
    match (&verified.grant, verified.waits_for) {
        (None, _) => {}
        (Some(grant), None) => put_grant(connection, id, grant)?,
        (Some(grant), Some(waits_for)) => put_waiting(connection, id, grant, waits_for)?,
    }
    if let Some(approval) = &verified.approval {
        put_request(connection, approval)?;
    }
    Ok(Taken::Now)
}

/// Whether all that a verification rests on still waits in its session.
fn all_wait(
    connection: &Connection,
    rests_on: &RestsOn,
    now: Timestamp,
) -> Result<bool, StoreError> {
    for (session, waits_for) in &rests_on.waiting {
        if waiting(connection, *session, *waits_for, now)?.is_none()
            || revoked_until(connection, *session, now)?.is_some()
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The mark that this browser has, under its new key.
fn kept_mark(
    mark: Option<Vec<u8>>,
    session: &StoredSession,
    verified: &VerifiedChallenge,
) -> Option<Vec<u8>> {
    let is_own = session.browser_key.is_some() && session.browser_key == verified.presented;
    let mut mark = mark.filter(|_| is_own)?;
    rekey(&mut mark, &verified.renewed);
    Some(mark)
}

/// Keeps what the session holds if this browser earned it; else deletes it.
fn keep_own(
    connection: &Connection,
    session: StoredSession,
    verified: &VerifiedChallenge,
    now: Timestamp,
) -> Result<StoredSession, StoreError> {
    if session.browser_key.is_some() && session.browser_key == verified.presented {
        renew_grants(connection, verified.session, verified.renewed, now)?;
        Ok(session)
    } else {
        drop_grants(connection, verified.session)?;
        // The login was another browser's: that it is fresh must not serve this one.
        Ok(StoredSession {
            authenticated_at: None,
            ..session
        })
    }
}

fn answer_challenge(
    connection: &Connection,
    verified: &VerifiedChallenge,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let written = connection
        .prepare_cached("INSERT OR IGNORE INTO answered (challenge, expires_at) VALUES (?1, ?2)")?
        .execute(params![
            verified.challenge.as_bytes(),
            millis(now.after(verified.challenge_keep))
        ])?;
    Ok(taken(written))
}

/// Writes the new browser key into the grants of a session, and deletes expired ones.
fn renew_grants(
    connection: &Connection,
    id: SessionId,
    renewed: BrowserKeyHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM grants WHERE session = ?1 AND expires_at <= ?2")?
        .execute(params![id.as_bytes(), millis(now)])?;
    let mut select =
        connection.prepare_cached("SELECT field, record FROM grants WHERE session = ?1")?;
    let held = select
        .query_map([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(Vec<u8>, Vec<u8>)>, _>>()?;
    let mut update = connection
        .prepare_cached("UPDATE grants SET record = ?1 WHERE session = ?2 AND field = ?3")?;
    for (field, mut record) in held {
        rekey(&mut record, &renewed);
        update.execute(params![record, id.as_bytes(), field])?;
    }
    Ok(())
}
