//! Lists on disk: sessions, revocations, and endings.

use super::EmbeddedStore;
use super::rows::revoked_until;
use super::schema::{millis, timestamp};
use crate::domain::{SessionId, StoredSession, Subject, Timestamp};
use crate::store::StoreError;
use crate::store::endings::{Ending, EndingCode};
use crate::store::record::decode_session;
use rusqlite::params;

impl EmbeddedStore {
    pub(crate) async fn sessions(
        &self,
        subject: Option<&Subject>,
        most: usize,
    ) -> Result<Vec<(SessionId, StoredSession)>, StoreError> {
        let (subject, now) = (subject.cloned(), self.clock.now());
        self.read(move |connection| {
            // Once for each session: under the newest value of its cookie.
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
                    params![millis(now), subject.as_ref().map(Subject::as_str), most],
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
        })
        .await
    }

    pub(crate) async fn revoked_sessions(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
        self.read(move |connection| {
            let mut select =
                connection.prepare_cached("SELECT session, until FROM revoked WHERE until > ?1")?;
            let rows = select.query_map([millis(now)], |row| {
                Ok((SessionId::new(row.get(0)?), timestamp(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The endings after number `after`, and the number of the last.
    pub(crate) async fn endings(&self, after: i64) -> Result<(Vec<Ending>, i64), StoreError> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT number, session, note FROM endings WHERE number > ?1 ORDER BY number",
            )?;
            let mut rows = select.query([after])?;
            let (mut endings, mut last) = (Vec::new(), after);
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                let note: String = row.get(2)?;
                endings.extend(EndingCode::ending(
                    SessionId::new(row.get(1)?),
                    note.as_bytes(),
                ));
            }
            Ok((endings, last))
        })
        .await
    }
}
