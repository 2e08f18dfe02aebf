//! Lists in Redis: sessions, revocations, and endings.

use super::RedisStore;
use super::answer::{bytes, list, next, optional_bytes, session_id, text, until};
use super::client::Repeat;
use crate::domain::{SessionId, StoredSession, Subject, Timestamp};
use crate::store::StoreError;
use crate::store::endings::{Ending, EndingCode};
use crate::store::keys::{FIRST_FIELD, REPLACED_FIELD, REVOKED_FIELD, SESSION_FIELD};
use crate::store::record::decode_session;
use redis::Cmd;
use std::collections::HashSet;

/// How many sessions of one subject are read, the ones used last first.
const MOST_OF_A_SUBJECT: usize = 10_000;

/// How many endings are read in one command.
const ENDINGS_AT_ONCE: usize = 1_000;

impl RedisStore {
    pub(crate) async fn sessions(
        &self,
        subject: Option<&Subject>,
        most: usize,
    ) -> Result<Vec<(SessionId, StoredSession)>, StoreError> {
        let mut sessions = match subject {
            Some(subject) => self.sessions_of(subject).await?,
            None => self.all_sessions(most).await?,
        };
        newest(&mut sessions, most);
        Ok(sessions)
    }

    pub(crate) async fn revoked_sessions(
        &self,
        now: Timestamp,
    ) -> Result<Vec<(SessionId, Timestamp)>, StoreError> {
        let mut range = Cmd::new();
        range.arg("ZRANGEBYSCORE").arg(self.keys.revoked());
        range
            .arg(format!("({}", now.as_millis()))
            .arg("+inf")
            .arg("WITHSCORES");
        let mut members = list(self.client.ask(&range, Repeat::Harmless).await?)?;
        let corrupt = || StoreError::Corrupt { what: "revocation" };
        let mut revoked = Vec::with_capacity(members.len() / 2);
        while let Some(id) = members.next() {
            let score = text(next(&mut members)?)?.parse().map_err(|_| corrupt())?;
            revoked.push((
                session_id(&bytes(id)?).ok_or_else(corrupt)?,
                Timestamp::from_millis(score),
            ));
        }
        Ok(revoked)
    }

    /// The endings after the stream entry `after`, and the id of the last entry.
    pub(crate) async fn endings(&self, after: String) -> Result<(Vec<Ending>, String), StoreError> {
        let (mut endings, mut last) = (Vec::new(), after);
        loop {
            let mut range = Cmd::new();
            range
                .arg("XRANGE")
                .arg(self.keys.endings())
                // `(` excludes the entry itself (Redis 6.2, XRANGE).
                .arg(format!("({last}"))
                .arg("+")
                .arg("COUNT")
                .arg(ENDINGS_AT_ONCE);
            let entries = list(self.client.ask(&range, Repeat::Harmless).await?)?;
            let count = entries.len();
            for entry in entries {
                let mut entry = list(entry)?;
                last = text(next(&mut entry)?)?;
                let mut fields = list(next(&mut entry)?)?;
                let (note, id) = (bytes(next(&mut fields)?)?, bytes(next(&mut fields)?)?);
                // A code of a later version is skipped.
                endings.extend(session_id(&id).and_then(|id| EndingCode::ending(id, &note)));
            }
            if count < ENDINGS_AT_ONCE {
                return Ok((endings, last));
            }
        }
    }

    async fn sessions_of(
        &self,
        subject: &Subject,
    ) -> Result<Vec<(SessionId, StoredSession)>, StoreError> {
        let mut range = Cmd::new();
        range
            .arg("ZREVRANGE")
            .arg(self.keys.subject(subject.as_str()))
            .arg(0)
            .arg(MOST_OF_A_SUBJECT - 1);
        let members = list(self.client.ask(&range, Repeat::Harmless).await?)?;
        let mut sessions = SessionList::default();
        for member in members {
            // The index may be stale; the session's own record is authoritative.
            if let Some(id) = session_id(&bytes(member)?)
                && let Some(found) = self.session(id).await?
                && found.session.owner.subject() == Some(subject)
            {
                sessions.add(id, found);
            }
        }
        Ok(sessions.found)
    }

    async fn all_sessions(
        &self,
        most: usize,
    ) -> Result<Vec<(SessionId, StoredSession)>, StoreError> {
        let mut sessions = SessionList::default();
        let mut cursor = "0".to_owned();
        loop {
            // SCAN does not block the server as KEYS does. It may return a key twice (Redis, "SCAN
            // guarantees"); `SessionList` takes each once.
            let mut scan = Cmd::new();
            scan.arg("SCAN")
                .arg(&cursor)
                .arg("MATCH")
                .arg(self.keys.session_pattern());
            scan.arg("COUNT").arg(500);
            let mut answer = list(self.client.ask(&scan, Repeat::Harmless).await?)?;
            cursor = text(next(&mut answer)?)?;
            for key in list(next(&mut answer)?)? {
                if let Some(id) = self.keys.session_of(&bytes(key)?)
                    && let Some(found) = self.session(id).await?
                {
                    sessions.add(id, found);
                }
            }
            // Bounds the memory, and sorts less often than at each page.
            if sessions.found.len() > most.saturating_mul(2) {
                newest(&mut sessions.found, most);
            }
            if cursor == "0" {
                return Ok(sessions.found);
            }
        }
    }

    async fn session(&self, id: SessionId) -> Result<Option<ListedSession>, StoreError> {
        let mut get = Cmd::new();
        get.arg("HMGET")
            .arg(self.keys.session(&id))
            .arg(SESSION_FIELD)
            .arg(REVOKED_FIELD)
            .arg(FIRST_FIELD)
            .arg(REPLACED_FIELD);
        let mut values = list(self.client.ask(&get, Repeat::Harmless).await?)?;
        let Some(record) = optional_bytes(next(&mut values)?)? else {
            return Ok(None);
        };
        let mut session = decode_session(&id, &record)?;
        match optional_bytes(next(&mut values)?)?
            .map(|bytes| until(&bytes))
            .transpose()?
        {
            Some(end) if end <= self.clock.now() => return Ok(None),
            Some(_) => session.revoked = true,
            None => {}
        }
        let first = optional_bytes(next(&mut values)?)?;
        let replaced = optional_bytes(next(&mut values)?)?.is_some();
        Ok(Some(ListedSession {
            session,
            first: first.and_then(|bytes| session_id(&bytes)).unwrap_or(id),
            replaced,
        }))
    }
}

/// A session as it is stored under one value of its cookie.
struct ListedSession {
    session: StoredSession,
    /// The first value that the cookie had.
    first: SessionId,
    /// Whether the application gave it another value since.
    replaced: bool,
}

/// Sessions, each listed once: under a value of its cookie that was not replaced.
#[derive(Default)]
struct SessionList {
    found: Vec<(SessionId, StoredSession)>,
    firsts: HashSet<SessionId>,
}

impl SessionList {
    fn add(&mut self, id: SessionId, stored: ListedSession) {
        if !stored.replaced && self.firsts.insert(stored.first) {
            self.found.push((id, stored.session));
        }
    }
}

fn newest(sessions: &mut Vec<(SessionId, StoredSession)>, most: usize) {
    sessions.sort_by_key(|(id, session)| (std::cmp::Reverse(session.created_at), *id));
    sessions.truncate(most);
}
