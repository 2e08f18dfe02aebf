//! What cannot be believed: disputed and doubtful sessions.

use super::Watch;
use crate::domain::{Owner, SessionId, StoredSession};
use crate::request::context::RequestContext;
use crate::session::GuestCookie;
use crate::store::Login;
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

    /// Whether a logout may be believed of all sessions that the request carries. What those hold that
    /// belong to other browsers is gone in any case.
    pub(super) async fn is_from_their_browser(
        &self,
        context: &RequestContext<'_>,
        before: Option<SessionId>,
    ) -> bool {
        let mut believed = true;
        for id in self.carried_sessions().all() {
            match self.known.find(id).await {
                Ok(Some(session)) if session.owner == Owner::Spelling => {}
                Ok(Some(session)) if !self.is_of_this_browser(&session) => {
                    believed = false;
                    if !self
                        .known
                        .tell(context.id, &self.known.store.lock_session(id).await)
                    {
                        self.known.forgetting.forget([id]);
                    }
                }
                Ok(_) => {}
                Err(_) => {
                    self.known.forgetting.forget(before);
                    return false;
                }
            }
        }
        if !believed {
            tell_of_disbelief(context);
        }
        believed
    }

    /// Somebody may have logged in, and it cannot be told to which session, or who.
    pub(super) async fn dispute_all(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        self.opened.take();
        let after = self.change(response).and_then(|(_, after)| after);
        let mut ids: Vec<_> = self.carried_sessions().all().collect();
        ids.extend(after.filter(|after| !ids.contains(after)));
        let mut key = None;
        let mut disputed = Vec::new();
        for id in ids {
            match self.known.find(id).await {
                Ok(Some(session)) => {
                    key = key.or(session.browser_key);
                    disputed.push(id);
                }
                Ok(None) => {}
                Err(_) => self.known.forgetting.forget([id]),
            }
        }
        if !disputed.is_empty() {
            disputed.extend(after.filter(|after| !disputed.contains(after)));
        }
        let shared = &self.known.shared;
        let nobody = StoredSession::without_subject(Owner::Disputed, key, shared.clock.now());
        for id in disputed {
            let store = &self.known.store;
            let done = store.dispute_session(id, &nobody, shared.options.remember);
            if !self.known.tell(context.id, &done.await) {
                self.known.forgetting.forget([id]);
            }
        }
    }

    /// Somebody may have logged in unnoticed, within a session that keeps its cookie.
    pub(super) async fn doubt_if_kept(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        if let Some((before, after)) = self.change(response)
            && before == after
        {
            self.doubt(context, after).await;
        }
    }

    /// Notes that somebody may be signed in to a session that is not known. Who is refused for it loses
    /// its cookie, and may log in afresh.
    pub(super) async fn doubt(&self, context: &RequestContext<'_>, session: Option<SessionId>) {
        let Some(id) = session else { return };
        match self.known.find(id).await {
            Ok(Some(known)) if known.owner != Owner::Doubtful => {}
            Ok(_) => {
                let login = Login {
                    id,
                    replaces: None,
                    session: StoredSession::without_subject(
                        Owner::Doubtful,
                        None,
                        self.known.shared.clock.now(),
                    ),
                    keep: GuestCookie::LIFE,
                };
                if !self
                    .known
                    .tell(context.id, &self.known.store.put_login(&login).await)
                {
                    self.known.forgetting.forget([id]);
                }
            }
            Err(_) => self.known.forgetting.forget([id]),
        }
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
