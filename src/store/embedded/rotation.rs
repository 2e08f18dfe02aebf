//! Rotation on disk: the values of one session's cookie.

use super::EmbeddedStore;
use super::rows::{
    SessionRow, drop_grants, every_value, note_revoked, refiled, revoked_until, wipe,
};
use super::schema::millis;
use crate::domain::{SessionId, StoredSession, Timestamp};
use crate::store::{Carry, Rotated, Rotation, StoreError};
use rusqlite::{Connection, params};

impl EmbeddedStore {
    pub(crate) async fn rotate_session(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let (rotation, now) = (*rotation, self.clock.now());
        let (rotated, revoked) = self
            .write(move |connection| rotate_session(connection, rotation, now))
            .await?;
        if let Some(until) = revoked {
            self.revoked.add(rotation.to, until);
        }
        Ok(rotated)
    }

    pub(crate) async fn is_same_session(
        &self,
        one: SessionId,
        other: SessionId,
    ) -> Result<bool, StoreError> {
        self.read(move |connection| Ok(every_value(connection, other)?.contains(&one)))
            .await
    }
}

/// Returns as well until when the successor is revoked, if the session was.
fn rotate_session(
    connection: &Connection,
    rotation: Rotation,
    now: Timestamp,
) -> Result<(Rotated, Option<Timestamp>), StoreError> {
    let Rotation {
        from,
        to,
        carry,
        grace,
    } = rotation;
    let until = revoked_until(connection, from, now)?;
    // A revocation follows its session to the new value.
    if let Some(until) = until {
        note_revoked(connection, to, until)?;
    }
    let Some(row) = SessionRow::find(connection, from, now)? else {
        return Ok((Rotated::Unknown, until));
    };
    if SessionRow::find(connection, to, now)?.is_some() {
        return Ok((Rotated::Known, until));
    }
    // An expired row exists until it is purged.
    wipe(connection, to)?;
    let first = row.first.unwrap_or(from);
    let full = longest(connection, first)?.max(row.expires_at);
    let session = row.session(from)?;
    let whole = match carry {
        Carry::Everything => true,
        Carry::LikeBefore => row.whole,
        Carry::SessionAlone => false,
    };
    let (session, mark) = if whole {
        (session, row.mark.map(|record| refiled(record, to)))
    } else {
        let stale = StoredSession {
            authenticated_at: None,
            ..session
        };
        (stale, None)
    };
    SessionRow::put(connection, to, &session, mark.as_deref(), full)?;
    if whole {
        copy_grants(connection, from, to)?;
    }
    replace(connection, from, millis(now.after(grace)))?;
    connection
        .prepare_cached("UPDATE sessions SET first = ?1, issued_at = ?2, whole = ?3 WHERE id = ?4")?
        .execute(params![first.as_bytes(), millis(now), whole, to.as_bytes()])?;
    forget_oldest(connection, first)?;
    Ok((Rotated::Followed, until))
}

/// When the last value of a session's cookie expires.
fn longest(connection: &Connection, first: SessionId) -> Result<i64, StoreError> {
    let end: Option<i64> = connection
        .prepare_cached("SELECT max(expires_at) FROM sessions WHERE first = ?1")?
        .query_row([first.as_bytes()], |row| row.get(0))?;
    Ok(end.unwrap_or_default())
}

/// Records that a value was replaced. A second successor does not extend its expiry.
fn replace(connection: &Connection, id: SessionId, until: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE sessions SET first = coalesce(first, id), replaced = 1,
                 expires_at = min(expires_at, ?2) WHERE id = ?1 AND replaced = 0",
        )?
        .execute(params![id.as_bytes(), until])?;
    Ok(())
}

fn copy_grants(connection: &Connection, from: SessionId, to: SessionId) -> Result<(), StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT field, id, record, expires_at FROM grants WHERE session = ?1 AND taken = 0",
    )?;
    let held = select
        .query_map([from.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<Vec<(Vec<u8>, Vec<u8>, Vec<u8>, i64)>, _>>()?;
    for (field, id, record, expires_at) in held {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO grants (session, field, id, record, taken, expires_at)
                 VALUES (?1, ?2, ?3, ?4, 0, ?5)",
            )?
            .execute(params![
                to.as_bytes(),
                field,
                id,
                refiled(record, to),
                expires_at
            ])?;
    }
    Ok(())
}

/// Ends the session under the oldest values, and deletes the oldest of those.
fn forget_oldest(connection: &Connection, first: SessionId) -> Result<(), StoreError> {
    for id in beyond(connection, first, Rotation::MOST_VALUES)? {
        drop_grants(connection, id)?;
        connection
            .prepare_cached("UPDATE sessions SET replaced = 1, expires_at = 0 WHERE id = ?1")?
            .execute([id.as_bytes()])?;
    }
    for id in beyond(connection, first, Rotation::MOST_NAMES)? {
        wipe(connection, id)?;
    }
    Ok(())
}

/// The values of a cookie without the newest.
fn beyond(
    connection: &Connection,
    first: SessionId,
    newest: u32,
) -> Result<Vec<SessionId>, StoreError> {
    // SQLite has OFFSET only with a LIMIT; -1 is none.
    let mut select = connection.prepare_cached(
        "SELECT id FROM sessions WHERE first = ?1 ORDER BY issued_at DESC, id LIMIT -1 OFFSET ?2",
    )?;
    let oldest = select.query_map(params![first.as_bytes(), newest], |row| {
        Ok(SessionId::new(row.get(0)?))
    })?;
    Ok(oldest.collect::<Result<_, _>>()?)
}
