//! The rows of a session, as its operations read and write them.

use super::schema::{millis, timestamp};
use crate::domain::{ChallengeId, SessionId, StoredSession, Timestamp};
use crate::store::endings::EndingCode;
use crate::store::keys::WaitingField;
use crate::store::record::{decode_session, encode_session, owner_text, refile};
use crate::store::{StoreError, Taken};
use rusqlite::{Connection, OptionalExtension, params};

/// A session's row.
pub(super) struct SessionRow {
    record: Vec<u8>,
    pub(super) mark: Option<Vec<u8>>,
    pub(super) expires_at: i64,
    /// The first value of the session's cookie, where it had several.
    pub(super) first: Option<SessionId>,
    /// Whether the application gave the cookie another value since.
    replaced: bool,
    /// Whether the session kept everything when the cookie got this value.
    pub(super) whole: bool,
}

impl SessionRow {
    /// Finds a session that has not expired.
    pub(super) fn find(
        connection: &Connection,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
        // An expired row exists until it is purged.
        let row = connection
            .prepare_cached(
                "SELECT record, mark, expires_at, first, replaced, whole FROM sessions
                 WHERE id = ?1 AND expires_at > ?2",
            )?
            .query_row(params![id.as_bytes(), millis(now)], |row| {
                Ok(Self {
                    record: row.get(0)?,
                    mark: row.get(1)?,
                    expires_at: row.get(2)?,
                    first: row.get::<_, Option<_>>(3)?.map(SessionId::new),
                    replaced: row.get(4)?,
                    whole: row.get(5)?,
                })
            })
            .optional()?;
        Ok(row)
    }

    pub(super) fn session(&self, id: SessionId) -> Result<StoredSession, StoreError> {
        decode_session(&id, &self.record)
    }

    /// Writes a session that expires at `expires_at`.
    pub(super) fn put(
        connection: &Connection,
        id: SessionId,
        session: &StoredSession,
        mark: Option<&[u8]>,
        expires_at: i64,
    ) -> Result<(), StoreError> {
        connection
            .prepare_cached(
                "INSERT INTO sessions (id, subject, created_at, record, mark, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO UPDATE SET subject = excluded.subject,
                     created_at = excluded.created_at, record = excluded.record,
                     mark = excluded.mark, expires_at = excluded.expires_at",
            )?
            .execute(params![
                id.as_bytes(),
                owner_text(&session.owner),
                millis(session.created_at),
                encode_session(&id, session),
                mark,
                expires_at,
            ])?;
        Ok(())
    }

    /// Keeps the session until then at least; a value that was replaced is not extended.
    pub(super) fn keep_until(
        &self,
        connection: &Connection,
        id: SessionId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        connection
            .prepare_cached("UPDATE sessions SET expires_at = ?2 WHERE id = ?1")?
            .execute(params![id.as_bytes(), self.extended(until)])?;
        Ok(())
    }

    /// The later of `expires_at` and `until`; a value that was replaced is not extended.
    pub(super) fn extended(&self, until: Timestamp) -> i64 {
        if self.replaced {
            self.expires_at
        } else {
            self.expires_at.max(millis(until))
        }
    }
}

/// The ids of a session under every value of its cookie, `id` first.
pub(super) fn every_value(
    connection: &Connection,
    id: SessionId,
) -> Result<Vec<SessionId>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT other.id FROM sessions AS one JOIN sessions AS other ON other.first = one.first
         WHERE one.id = ?1 AND other.id <> ?1",
    )?;
    let others = select
        .query_map([id.as_bytes()], |row| Ok(SessionId::new(row.get(0)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    Ok(std::iter::once(id).chain(others).collect())
}

/// Deletes a session and all it holds, but not its revocation.
pub(super) fn wipe(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    drop_grants(connection, id)?;
    drop_parts(connection, id)?;
    connection
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

pub(super) fn drop_grants(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM grants WHERE session = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

/// Takes away what waits in a session under an id.
pub(super) fn drop_waiting(
    connection: &Connection,
    session: SessionId,
    id: ChallengeId,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM grants WHERE session = ?1 AND field = ?2")?
        .execute(params![session.as_bytes(), WaitingField(id).to_bytes()])?;
    Ok(())
}

/// Records how a session and its parts ended, for the feeds that end their streams.
pub(super) fn note_ending(
    connection: &Connection,
    id: SessionId,
    code: EndingCode,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert =
        connection.prepare_cached("INSERT INTO endings (session, note, at) VALUES (?1, ?2, ?3)")?;
    for id in parts(connection, id)?.into_iter().chain([id]) {
        insert.execute(params![id.as_bytes(), code.as_str(), millis(now)])?;
    }
    Ok(())
}

pub(super) fn parts(connection: &Connection, id: SessionId) -> Result<Vec<SessionId>, StoreError> {
    let mut select = connection.prepare_cached("SELECT part FROM parts WHERE session = ?1")?;
    let parts = select.query_map([id.as_bytes()], |row| Ok(SessionId::new(row.get(0)?)))?;
    Ok(parts.collect::<Result<_, _>>()?)
}

pub(super) fn drop_parts(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM parts WHERE session = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

pub(super) fn note_revoked(
    connection: &Connection,
    id: SessionId,
    until: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO revoked (session, until) VALUES (?1, ?2)
             ON CONFLICT (session) DO UPDATE SET until = max(until, excluded.until)",
        )?
        .execute(params![id.as_bytes(), millis(until)])?;
    Ok(())
}

pub(super) fn revoked_until(
    connection: &Connection,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let until: Option<i64> = connection
        .prepare_cached("SELECT until FROM revoked WHERE session = ?1 AND until > ?2")?
        .query_row(params![id.as_bytes(), millis(now)], |row| row.get(0))
        .optional()?;
    Ok(until.map(timestamp))
}

pub(super) fn refiled(mut record: Vec<u8>, to: SessionId) -> Vec<u8> {
    refile(&mut record, &to);
    record
}

pub(super) const fn taken(written: usize) -> Taken {
    if written == 0 {
        Taken::Before
    } else {
        Taken::Now
    }
}
