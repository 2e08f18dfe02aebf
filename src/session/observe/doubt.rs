//! What cannot be believed: disputed and doubtful sessions.

use super::{Observation, Watch};
use crate::domain::{Owner, SessionId, StoredSession};
use crate::request::context::RequestContext;
use crate::session::change::SessionChange;
use http::HeaderMap;

impl Watch {
    /// All sessions that some application may find in the request.
    pub(super) fn carried_sessions(&self) -> Carried {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        match names.read(&self.carried) {
            Ok(all) => {
                let mut exact: Vec<_> = all.sessions(&shared.keys).collect();
                exact.extend(all.sessions_alone(&shared.keys));
                Carried {
                    exact,
                    spelled: all.spellings(&shared.keys),
                }
            }
            Err(_) => Carried {
                exact: names.sessions_in_doubt(&self.carried, &shared.keys),
                spelled: Vec::new(),
            },
        }
    }

    /// Whether the request carries the key of the browser that a session belongs to, if it has one.
    pub(super) fn is_of_this_browser(&self, session: &StoredSession) -> bool {
        session.browser_key.is_none() || self.browser_keys.contains(&session.browser_key)
    }

    /// What a logout changes of the sessions that the request carries, if it may not be believed of all of
    /// them: what those hold that belong to other browsers is gone in any case.
    pub(super) async fn of_other_browsers(
        &self,
        context: &RequestContext<'_>,
    ) -> Vec<SessionChange> {
        let mut changes = Vec::new();
        for id in self.carried_sessions().all() {
            match self.known.find(id).await {
                Ok(Some(session)) if session.owner == Owner::Spelling => {}
                Ok(Some(session)) if !self.is_of_this_browser(&session) => {
                    changes.push(SessionChange::Locked(id));
                }
                Ok(_) => {}
                Err(_) => changes.push(SessionChange::Unread(id)),
            }
        }
        if !changes.is_empty() {
            tell_of_disbelief(context);
        }
        changes
    }

    /// Somebody may have logged in, and it cannot be told to which session, or who.
    pub(super) async fn disputed(&self, response: &HeaderMap) -> Observation {
        let after = self.change(response).and_then(|(_, after)| after);
        let mut ids: Vec<_> = self.carried_sessions().all().collect();
        ids.extend(after.filter(|after| !ids.contains(after)));
        let mut key = None;
        let mut disputed = Vec::new();
        let mut changes = Vec::new();
        for id in ids {
            match self.known.find(id).await {
                Ok(Some(session)) => {
                    key = key.or(session.browser_key);
                    disputed.push(id);
                }
                Ok(None) => {}
                Err(_) => changes.push(SessionChange::Unread(id)),
            }
        }
        if !disputed.is_empty() {
            disputed.extend(after.filter(|after| !disputed.contains(after)));
        }
        let disputed = disputed.into_iter();
        changes.extend(disputed.map(|id| SessionChange::Disputed(id, key)));
        Observation {
            closes: true,
            ..changes.into()
        }
    }

    /// A session's cookie was set, and no login was declared for it.
    pub(super) async fn tell_undeclared(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        let shared = &self.known.shared;
        let why = if self.candidates.is_empty() {
            "no entry of session.learn.logins is for its path"
        } else {
            "not all that `match` asks for is there, or no field that is named like a password"
        };
        // Where something else names people, or the cookie comes with every answer, it says nothing.
        let tells = shared.options.is_learned_alone() && !shared.rolling.is_rolling();
        let is_new = match self.change(response) {
            Some((before, Some(after))) if tells && before != Some(after) => match before {
                Some(before) => matches!(self.known.find(before).await, Ok(None)),
                None => true,
            },
            Some(_) | None => false,
        };
        self.known
            .unrecognized
            .tell_undeclared(context, why, is_new);
    }

    /// Somebody may have logged in unnoticed, within a session that keeps its cookie.
    pub(super) fn doubtful_if_kept(&self, response: &HeaderMap) -> Option<SessionChange> {
        let (before, after) = self.change(response)?;
        let after = after.filter(|_| before == after)?;
        Some(SessionChange::Doubtful(after))
    }
}

/// The sessions that some application may find in a request.
pub(super) struct Carried {
    /// By the bytes that came, whole or in part.
    pub(super) exact: Vec<SessionId>,
    /// In other spellings.
    pub(super) spelled: Vec<SessionId>,
}

impl Carried {
    pub(super) fn all(self) -> impl Iterator<Item = SessionId> {
        self.exact.into_iter().chain(self.spelled)
    }
}

pub(super) fn tell_of_disbelief(context: &RequestContext<'_>) {
    tracing::warn!(request_id = %context.id, path = context.path(), "a login or logout is not believed: the session is another browser's, another subject's, or disputed already");
}
