//! What an answer changes of what the store holds of sessions, and the one place that writes it.

use crate::domain::{BrowserKeyHash, Owner, SessionId, StoredSession};
use crate::request::request_id::RequestId;
use crate::session::GuestCookie;
use crate::session::sessions::Sessions;
use crate::store::{Login, Over, Rotated, Rotation, StoreError};

/// One change of what is known of a session.
#[derive(Debug)]
pub(crate) enum SessionChange {
    /// A session begins. Whatever its cookie held before is dropped; if that is another login at the same time, it
    /// is disputed.
    Begins(Box<Login>, Beside),
    /// Its cookie has another value.
    Follows(Rotation, Beside),
    /// It loses all that it has earned, and stays whose it is.
    Locked(SessionId),
    /// Whose it is cannot be told any more.
    Disputed(SessionId, Option<BrowserKeyHash>),
    /// Somebody may be signed in to it, if it is not known. Who is refused for it loses its cookie, and may
    /// log in afresh.
    Doubtful(SessionId),
    /// It ends.
    Ended(SessionId),
    /// What is known of it could not be read, so it is not known whether it must change: it is forgotten.
    Unread(SessionId),
}

/// What is stored beside a session.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// What each of its cookies would be alone, where it has several: whoever presents one of them must
    /// not escape the revocation of all.
    pub(crate) parts: Vec<SessionId>,
    /// What all spellings of its credentials share, before and after the answer, where they are in another:
    /// it is noted that this belongs to a browser.
    pub(crate) spelled: (Option<SessionId>, Option<SessionId>),
}

/// What became of changes.
#[derive(Debug)]
pub(crate) struct Applied {
    /// Whether all of them were written.
    pub(crate) all: bool,
    /// Whether a session got another value of its cookie.
    pub(crate) followed: bool,
}

/// What became of one change.
enum Written {
    /// The session is disputed: there was another login at the same time.
    Disputed,
    Done,
    Rotated(Rotated),
}

impl SessionChange {
    /// The sessions that must be forgotten if it cannot be written.
    fn sessions(&self) -> Vec<SessionId> {
        let (ids, beside) = match self {
            Self::Begins(login, beside) => (vec![Some(login.id), login.replaces], Some(beside)),
            Self::Follows(rotation, beside) => {
                (vec![Some(rotation.from), Some(rotation.to)], Some(beside))
            }
            Self::Locked(id)
            | Self::Disputed(id, _)
            | Self::Doubtful(id)
            | Self::Ended(id)
            | Self::Unread(id) => (vec![Some(*id)], None),
        };
        let spelled = beside.map(|beside| beside.spelled).unwrap_or_default();
        let spelled = [spelled.0, spelled.1];
        ids.into_iter().chain(spelled).flatten().collect()
    }
}

impl Sessions {
    /// Writes changes one after the other. If one cannot be written, it and all that follow it are undone as
    /// soon as the store answers again: their sessions are forgotten.
    pub(crate) async fn apply(
        &self,
        request: RequestId,
        changes: impl IntoIterator<Item = SessionChange>,
    ) -> Applied {
        let mut applied = Applied {
            all: true,
            followed: false,
        };
        let mut changes = changes.into_iter();
        while let Some(change) = changes.next() {
            let ids = change.sessions();
            // Whoever it is now, nobody was told yet.
            self.source.asker.answers().forget(&ids);
            let written = self.write(change).await;
            self.tell(request, &written);
            match written {
                Ok(Written::Done | Written::Rotated(Rotated::Known | Rotated::Unknown)) => {}
                Ok(Written::Rotated(Rotated::Followed)) => applied.followed = true,
                Ok(Written::Disputed) => {
                    applied.all = false;
                    tracing::warn!(request_id = %request, "two logins to one session at the same time: whose it is, the application alone knows");
                }
                Err(_) => {
                    applied.all = false;
                    let rest = changes.by_ref();
                    let rest: Vec<_> = rest.flat_map(|change| change.sessions()).collect();
                    self.forgetting.forget(ids.into_iter().chain(rest));
                }
            }
        }
        applied
    }

    async fn write(&self, change: SessionChange) -> Result<Written, StoreError> {
        let (store, shared) = (&self.store, &self.shared);
        match change {
            SessionChange::Begins(login, beside) => {
                if !store.put_login(&login).await? {
                    self.dispute(login.id, None).await?;
                    return Ok(Written::Disputed);
                }
                self.write_beside(login.id, beside).await?;
            }
            SessionChange::Follows(rotation, beside) => {
                let rotated = store.rotate_session(&rotation).await?;
                if rotated == Rotated::Followed {
                    self.write_beside(rotation.to, beside).await?;
                }
                return Ok(Written::Rotated(rotated));
            }
            SessionChange::Locked(id) => store.lock_session(id).await?,
            SessionChange::Disputed(id, key) => self.dispute(id, key).await?,
            SessionChange::Doubtful(id) => {
                let known = self.find(id).await?;
                let is_known = |known: &StoredSession| known.owner != Owner::Doubtful;
                if !known.as_ref().is_some_and(is_known) {
                    let now = shared.clock.now();
                    let login = Login {
                        id,
                        replaces: None,
                        session: StoredSession::without_subject(Owner::Doubtful, None, now),
                        keep: GuestCookie::LIFE,
                        over: Over::Known(known),
                    };
                    store.put_login(&login).await?;
                }
            }
            SessionChange::Ended(id) => store.end_session(id).await?,
            SessionChange::Unread(id) => self.forgetting.forget([id]),
        }
        Ok(Written::Done)
    }

    async fn dispute(&self, id: SessionId, key: Option<BrowserKeyHash>) -> Result<(), StoreError> {
        let nobody = StoredSession::without_subject(Owner::Disputed, key, self.shared.clock.now());
        let keep = self.shared.options.remember;
        self.store.dispute_session(id, &nobody, keep).await
    }

    async fn write_beside(&self, id: SessionId, beside: Beside) -> Result<(), StoreError> {
        let store = &self.store;
        match beside.spelled {
            (None, None) => {}
            (Some(before), None) => store.end_session(before).await?,
            (before, Some(after)) => {
                if let Some(session) = self.find(id).await? {
                    let began = session.authenticated_at.unwrap_or(session.created_at);
                    let key = session.browser_key;
                    let login = Login {
                        id: after,
                        replaces: before,
                        session: StoredSession::without_subject(Owner::Spelling, key, began),
                        keep: self.shared.options.remember,
                        over: Over::Anything,
                    };
                    store.put_login(&login).await?;
                }
            }
        }
        if !beside.parts.is_empty() {
            store.note_parts(id, &beside.parts).await?;
        }
        Ok(())
    }
}
