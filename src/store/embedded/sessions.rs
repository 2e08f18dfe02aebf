//! Sessions on disk: logins, rotation, use, revocation.

use super::millis;
use super::values::every_value;
use crate::domain::{Session, SessionId, Subject, Timestamp};
use crate::store::endings::{Ending, Note};
use crate::store::record::{decode_session, encode_session, refile};
use crate::store::{Login, StoreError};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

/// A session's row.
pub(super) struct Row {
    record: Vec<u8>,
    pub(super) mark: Option<Vec<u8>>,
    pub(super) expires_at: i64,
    /// The first value of the session's cookie, where it had several.
    pub(super) first: Option<SessionId>,
    /// Whether the application gave the cookie another value since.
    replaced: bool,
    /// Whether all went along when the cookie got this value.
    pub(super) whole: bool,
}

impl Row {
    /// Finds a session whose time is not over.
    pub(super) fn find(
        connection: &Connection,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Self>, StoreError> {
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

    pub(super) fn session(&self, id: SessionId) -> Result<Session, StoreError> {
        decode_session(&id, &self.record)
    }

    /// Writes a session, to be remembered until `expires_at`.
    pub(super) fn put(
        connection: &Connection,
        id: SessionId,
        session: &Session,
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
                session.subject.as_str(),
                millis(session.created_at),
                encode_session(&id, session),
                mark,
                expires_at,
            ])?;
        Ok(())
    }

    /// The later of what it has and `until`; no later for a value that was replaced.
    pub(super) fn extended(&self, until: Timestamp) -> i64 {
        if self.replaced {
            self.expires_at
        } else {
            self.expires_at.max(millis(until))
        }
    }
}

pub(super) fn put_login(
    connection: &Connection,
    login: &Login,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(replaced) = login.replaces {
        wipe(connection, replaced)?;
    }
    wipe(connection, login.id)?;
    Row::put(
        connection,
        login.id,
        &login.session,
        None,
        millis(now.after(login.keep)),
    )
}

/// Forgets all that a session holds, but not that it is revoked.
pub(super) fn wipe(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    drop_grants(connection, id)?;
    drop_parts(connection, id)?;
    connection
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

/// Notes how a session ended, and its parts, for whoever holds something open for it.
pub(super) fn note_ending(
    connection: &Connection,
    id: SessionId,
    note: Note,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut insert =
        connection.prepare_cached("INSERT INTO endings (session, note, at) VALUES (?1, ?2, ?3)")?;
    for id in parts(connection, id)?.into_iter().chain([id]) {
        insert.execute(params![id.as_bytes(), note.as_str(), millis(now)])?;
    }
    Ok(())
}

/// The endings after the one of this number, and the number of the last.
pub(super) fn endings(
    connection: &Connection,
    after: i64,
) -> Result<(Vec<Ending>, i64), StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT number, session, note FROM endings WHERE number > ?1 ORDER BY number",
    )?;
    let mut rows = select.query([after])?;
    let (mut endings, mut last) = (Vec::new(), after);
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        let note: String = row.get(2)?;
        endings.extend(Note::of(SessionId::new(row.get(1)?), note.as_bytes()));
    }
    Ok((endings, last))
}

fn parts(connection: &Connection, id: SessionId) -> Result<Vec<SessionId>, StoreError> {
    let mut select = connection.prepare_cached("SELECT part FROM parts WHERE session = ?1")?;
    let parts = select.query_map([id.as_bytes()], |row| Ok(SessionId::new(row.get(0)?)))?;
    Ok(parts.collect::<Result<_, _>>()?)
}

fn drop_parts(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM parts WHERE session = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

/// Notes the parts of a session; tells until when they are revoked, if the session is.
pub(super) fn note_parts(
    connection: &Connection,
    id: SessionId,
    parts: &[SessionId],
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if Row::find(connection, id, now)?.is_none() {
        return Ok(None);
    }
    drop_parts(connection, id)?;
    let until = revoked_until(connection, id, now)?;
    for part in parts {
        connection
            .prepare_cached("INSERT OR IGNORE INTO parts (session, part) VALUES (?1, ?2)")?
            .execute(params![id.as_bytes(), part.as_bytes()])?;
        if let Some(until) = until {
            note_revoked(connection, *part, until)?;
        }
    }
    Ok(until)
}

pub(super) fn drop_grants(connection: &Connection, id: SessionId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM grants WHERE session = ?1")?
        .execute([id.as_bytes()])?;
    Ok(())
}

/// Moves a session; tells until when the new id is revoked, if the old one was.
pub(super) fn move_session(
    connection: &Connection,
    from: SessionId,
    to: SessionId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if from == to {
        return Ok(None);
    }
    let until = revoked_until(connection, from, now)?;
    let row = Row::find(connection, from, now)?;
    if row.is_none() && until.is_none() {
        // Two requests may follow the same change: what the first moved is not there for the second.
        return Ok(None);
    }
    wipe(connection, to)?;
    if let Some(until) = until {
        note_revoked(connection, to, until)?;
    }
    let Some(row) = row else {
        return Ok(until);
    };
    let mark = row.mark.clone().map(|record| refiled(record, to));
    Row::put(
        connection,
        to,
        &row.session(from)?,
        mark.as_deref(),
        row.expires_at,
    )?;
    let mut grants =
        connection.prepare_cached("SELECT field, record FROM grants WHERE session = ?1")?;
    let held = grants
        .query_map([from.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(Vec<u8>, Vec<u8>)>, _>>()?;
    for (field, record) in held {
        connection
            .prepare_cached(
                "UPDATE grants SET session = ?1, record = ?2 WHERE session = ?3 AND field = ?4",
            )?
            .execute(params![
                to.as_bytes(),
                refiled(record, to),
                from.as_bytes(),
                field
            ])?;
    }
    if row.first.is_some() {
        connection
            .prepare_cached(
                "UPDATE sessions SET (first, issued_at, replaced, whole) =
                     (SELECT first, issued_at, replaced, whole FROM sessions WHERE id = ?2)
                 WHERE id = ?1",
            )?
            .execute(params![to.as_bytes(), from.as_bytes()])?;
    }
    wipe(connection, from)?;
    Ok(until)
}

pub(super) fn refiled(mut record: Vec<u8>, to: SessionId) -> Vec<u8> {
    refile(&mut record, &to);
    record
}

pub(super) fn touch(
    connection: &Connection,
    id: SessionId,
    now: Timestamp,
    keep: Duration,
) -> Result<(), StoreError> {
    let Some(row) = Row::find(connection, id, now)? else {
        return Ok(());
    };
    if revoked_until(connection, id, now)?.is_some() {
        return Ok(());
    }
    let mut session = row.session(id)?;
    session.seen_at = session.seen_at.max(now);
    Row::put(
        connection,
        id,
        &session,
        row.mark.as_deref(),
        row.extended(now.after(keep)),
    )
}

/// Revokes a session under every value of its cookie, with the parts of each; tells which those are.
pub(super) fn revoke(
    connection: &Connection,
    id: SessionId,
    until: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let mut revoked = Vec::new();
    for value in every_value(connection, id)? {
        revoked.extend(revoke_value(connection, value, until)?);
        revoked.push(value);
    }
    Ok(revoked)
}

fn revoke_value(
    connection: &Connection,
    id: SessionId,
    until: Timestamp,
) -> Result<Vec<SessionId>, StoreError> {
    let parts = parts(connection, id)?;
    for part in &parts {
        note_revoked(connection, *part, until)?;
    }
    note_revoked(connection, id, until)?;
    drop_grants(connection, id)?;
    // When the revocation is over the session is no session any more.
    connection
        .prepare_cached(
            "UPDATE sessions SET mark = NULL,
                 expires_at = (SELECT until FROM revoked WHERE session = ?1) WHERE id = ?1",
        )?
        .execute([id.as_bytes()])?;
    Ok(parts)
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

pub(super) fn revoked(
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT session, until FROM revoked WHERE until > ?1")?;
    let rows = select.query_map([millis(now)], |row| {
        Ok((SessionId::new(row.get(0)?), timestamp(row.get(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops mark, grants and freshness of a session under one value of its cookie.
pub(super) fn strip_elevation(
    connection: &Connection,
    id: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    drop_grants(connection, id)?;
    if let Some(row) = Row::find(connection, id, now)? {
        let session = Session {
            authenticated_at: None,
            ..row.session(id)?
        };
        Row::put(connection, id, &session, None, row.expires_at)?;
    }
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    subject: Option<&Subject>,
    most: usize,
    now: Timestamp,
) -> Result<Vec<(SessionId, Session)>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT id, record FROM sessions AS one
         WHERE expires_at > ?1 AND (?2 IS NULL OR subject = ?2) AND replaced = 0
             AND NOT EXISTS (SELECT 1 FROM sessions AS other WHERE other.first = one.first
                 AND other.replaced = 0 AND other.expires_at > ?1
                 AND (other.issued_at, other.id) > (one.issued_at, one.id))
         ORDER BY created_at DESC, id LIMIT ?3",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = select
        .query_map(
            params![millis(now), subject.map(Subject::as_str), most],
            |row| Ok((SessionId::new(row.get(0)?), row.get::<_, Vec<u8>>(1)?)),
        )?
        .collect::<Result<Vec<_>, _>>()?;
    rows.into_iter()
        .map(|(id, record)| {
            let mut session = decode_session(&id, &record)?;
            session.revoked |= revoked_until(connection, id, now)?.is_some();
            Ok((id, session))
        })
        .collect()
}

fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}
