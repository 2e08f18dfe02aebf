//! Sessions on disk: logins, use, and how they end.

use super::EmbeddedStore;
use super::rows::{
    SessionRow, drop_grants, drop_parts, every_value, note_ending, note_revoked, parts, refiled,
    revoked_until, wipe,
};
use super::schema::millis;
use crate::domain::{SessionId, StoredSession, Timestamp};
use crate::store::endings::EndingCode;
use crate::store::{Login, Over, StoreError};
use rusqlite::{Connection, params};
use std::time::Duration;

impl EmbeddedStore {
    pub(crate) async fn put_login(&self, login: &Login) -> Result<bool, StoreError> {
        let (login, now) = (login.clone(), self.clock.now());
        self.write(move |connection| {
            if let Over::Known(known) = &login.over
                && let Some(there) = SessionRow::find(connection, login.id, now)?
            {
                let there = there.session(login.id)?;
                if known
                    .as_ref()
                    .is_none_or(|known| !known.is_same_login(&there))
                {
                    return Ok(false);
                }
            }
            if let Some(replaced) = login.replaces {
                wipe(connection, replaced)?;
            }
            // A login begins anew: nothing that was earned under this value counts.
            wipe(connection, login.id)?;
            let until = millis(now.after(login.keep));
            SessionRow::put(connection, login.id, &login.session, None, until)?;
            Ok(true)
        })
        .await
    }

    pub(crate) async fn dispute_session(
        &self,
        id: SessionId,
        disputed: &StoredSession,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let (disputed, now) = (disputed.clone(), self.clock.now());
        self.write(move |connection| {
            let mut known = false;
            for value in every_value(connection, id)? {
                let Some(row) = SessionRow::find(connection, value, now)? else {
                    continue;
                };
                known |= value == id;
                drop_grants(connection, value)?;
                note_ending(connection, value, EndingCode::Locked, now)?;
                let session = StoredSession {
                    owner: disputed.owner.clone(),
                    authenticated_at: None,
                    provenance: None,
                    ..row.session(value)?
                };
                SessionRow::put(connection, value, &session, None, row.expires_at)?;
            }
            if !known {
                wipe(connection, id)?;
                SessionRow::put(connection, id, &disputed, None, millis(now.after(keep)))?;
            }
            Ok(())
        })
        .await?;
        self.news.notify_one();
        Ok(())
    }

    pub(crate) async fn move_session(
        &self,
        from: SessionId,
        to: SessionId,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let revoked = self
            .write(move |connection| move_session(connection, from, to, now))
            .await?;
        if let Some(until) = revoked {
            self.revoked.add(to, until);
        }
        Ok(())
    }

    pub(crate) async fn note_parts(
        &self,
        id: SessionId,
        parts: &[SessionId],
    ) -> Result<(), StoreError> {
        let (noted, now) = (parts.to_vec(), self.clock.now());
        let revoked = self
            .write(move |connection| note_parts(connection, id, &noted, now))
            .await?;
        if let Some(until) = revoked {
            for part in parts {
                self.revoked.add(*part, until);
            }
        }
        Ok(())
    }

    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.write(move |connection| {
            let note = match SessionRow::find(connection, id, now)? {
                Some(_) => EndingCode::LoggedOut,
                None => EndingCode::LoggedOutUnknown,
            };
            for value in every_value(connection, id)? {
                note_ending(connection, value, note, now)?;
                wipe(connection, value)?;
            }
            Ok(())
        })
        .await?;
        // The feed of this process need not wait for its next look.
        self.news.notify_one();
        Ok(())
    }

    pub(crate) async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            let Some(row) = SessionRow::find(connection, id, now)? else {
                return Ok(());
            };
            // A longer life would outlast the revocation.
            if revoked_until(connection, id, now)?.is_some() {
                return Ok(());
            }
            let mut session = row.session(id)?;
            // Concurrent requests may be recorded out of order.
            session.seen_at = session.seen_at.max(now);
            let until = row.extended(now.after(keep));
            SessionRow::put(connection, id, &session, row.mark.as_deref(), until)
        })
        .await
    }

    pub(crate) async fn revoke_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let until = now.after(keep);
        let revoked = self
            .write(move |connection| {
                let mut revoked = Vec::new();
                for value in every_value(connection, id)? {
                    revoked.extend(revoke_value(connection, value, until)?);
                    revoked.push(value);
                }
                Ok(revoked)
            })
            .await?;
        for id in revoked {
            self.revoked.add(id, until);
        }
        Ok(())
    }

    pub(crate) async fn lock_session(&self, id: SessionId) -> Result<(), StoreError> {
        let now = self.clock.now();
        self.write(move |connection| {
            for value in every_value(connection, id)? {
                note_ending(connection, value, EndingCode::Locked, now)?;
                strip_elevation(connection, value, now)?;
            }
            Ok(())
        })
        .await?;
        self.news.notify_one();
        Ok(())
    }
}

/// Returns until when the parts are revoked, if the session is.
fn note_parts(
    connection: &Connection,
    id: SessionId,
    parts: &[SessionId],
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if SessionRow::find(connection, id, now)?.is_none() {
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

/// Returns until when the new id is revoked, if the old one was.
fn move_session(
    connection: &Connection,
    from: SessionId,
    to: SessionId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    if from == to {
        return Ok(None);
    }
    let until = revoked_until(connection, from, now)?;
    let row = SessionRow::find(connection, from, now)?;
    if row.is_none() && until.is_none() {
        // Concurrent requests may move the same session: after the first there is nothing left to move.
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
    SessionRow::put(
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

/// Revokes a session under one value of its cookie, with its parts; returns the parts.
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
    // The session expires with its revocation.
    connection
        .prepare_cached(
            "UPDATE sessions SET mark = NULL,
                 expires_at = (SELECT until FROM revoked WHERE session = ?1) WHERE id = ?1",
        )?
        .execute([id.as_bytes()])?;
    Ok(parts)
}

/// Deletes the elevation of a session under one value of its cookie.
fn strip_elevation(
    connection: &Connection,
    id: SessionId,
    now: Timestamp,
) -> Result<(), StoreError> {
    drop_grants(connection, id)?;
    if let Some(row) = SessionRow::find(connection, id, now)? {
        let session = StoredSession {
            authenticated_at: None,
            ..row.session(id)?
        };
        SessionRow::put(connection, id, &session, None, row.expires_at)?;
    }
    Ok(())
}
