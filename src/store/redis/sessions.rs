//! Sessions in Redis: logins, use, and how they end.

use super::answer::{bytes, number, session_id};
use super::client::Repeat;
use super::scripts::script;
use super::{RedisStore, ttl};
use crate::domain::{SessionId, StoredSession, Timestamp};
use crate::store::record::{encode_session, owner_text};
use crate::store::{Login, Over, StoreError};
use std::time::Duration;

impl RedisStore {
    pub(crate) async fn put_login(&self, login: &Login) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let keys = if login.replaces.is_some() { 3 } else { 2 };
        let reply = self
            .client
            .run(script!(put_login), keys, Repeat::Never, |command| {
                command.arg(self.keys.session(&login.id));
                command.arg(self.keys.subject(owner_text(&login.session.owner)));
                if let Some(replaced) = &login.replaces {
                    command.arg(self.keys.session(replaced));
                }
                command
                    .arg(encode_session(&login.id, &login.session))
                    .arg(ttl(login.keep))
                    .arg(login.id.as_bytes())
                    .arg(now.after(login.keep).as_millis())
                    .arg(now.as_millis());
                if let Over::Known(known) = &login.over {
                    let known = known.as_ref();
                    command.arg(known.map_or(Vec::new(), |it| encode_session(&login.id, it)));
                }
            })
            .await?;
        Ok(number(&reply)? == 1)
    }

    pub(crate) async fn move_session(
        &self,
        from: SessionId,
        to: SessionId,
    ) -> Result<(), StoreError> {
        if from == to {
            return Ok(());
        }
        let now = self.clock.now().as_millis();
        self.client
            .run(script!(move_session), 3, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(&from))
                    .arg(self.keys.session(&to))
                    .arg(self.keys.revoked())
                    .arg(from.as_bytes())
                    .arg(to.as_bytes())
                    .arg(self.keys.subjects())
                    .arg(self.keys.revocations())
                    .arg(now);
            })
            .await
            .map(drop)
    }

    pub(crate) async fn note_parts(
        &self,
        id: SessionId,
        parts: &[SessionId],
    ) -> Result<(), StoreError> {
        let parts: Vec<u8> = parts.iter().flat_map(|part| *part.as_bytes()).collect();
        self.client
            .run(script!(note_parts), 2, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.session(&id))
                    .arg(self.keys.revoked())
                    .arg(parts.as_slice())
                    .arg(self.keys.revocations());
            })
            .await
            .map(drop)
    }

    pub(crate) async fn end_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.client
            .run(script!(end_session), 2, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(&id))
                    .arg(self.keys.endings())
                    .arg(self.keys.subjects())
                    .arg(self.keys.revocations());
            })
            .await
            .map(drop)
    }

    pub(crate) async fn dispute_session(
        &self,
        id: SessionId,
        disputed: &StoredSession,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let now = self.clock.now().as_millis();
        self.client
            .run(script!(dispute_session), 2, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.session(&id))
                    .arg(self.keys.endings())
                    .arg(encode_session(&id, disputed))
                    .arg(ttl(keep))
                    .arg(now)
                    .arg(self.keys.revocations());
            })
            .await
            .map(drop)
    }

    pub(crate) async fn touch_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        self.client
            .run(script!(touch_session), 1, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.session(&id))
                    .arg(now.as_millis())
                    .arg(&now.as_millis().to_be_bytes())
                    .arg(ttl(keep))
                    .arg(id.as_bytes())
                    .arg(self.keys.subjects())
                    .arg(now.after(keep).as_millis());
            })
            .await
            .map(drop)
    }

    pub(crate) async fn revoke_session(
        &self,
        id: SessionId,
        now: Timestamp,
        keep: Duration,
    ) -> Result<(), StoreError> {
        let end = now.after(keep);
        let revoked = self
            .client
            .run(script!(revoke_session), 2, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.session(&id))
                    .arg(self.keys.revoked())
                    .arg(now.as_millis())
                    .arg(end.as_millis())
                    .arg(&end.as_millis().to_be_bytes())
                    .arg(ttl(keep.saturating_add(super::MARGIN)))
                    .arg(self.keys.revocations());
            })
            .await?;
        // This process refuses it from here on; the others learn of it by their feeds.
        for id in bytes(revoked)?.chunks(32).filter_map(session_id) {
            self.revoked.add(id, end);
        }
        Ok(())
    }

    pub(crate) async fn lock_session(&self, id: SessionId) -> Result<(), StoreError> {
        self.client
            .run(script!(lock_session), 2, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.session(&id))
                    .arg(self.keys.endings())
                    .arg(self.keys.revocations());
            })
            .await
            .map(drop)
    }
}
