//! A session's cookie that is replaced or taken away, and what is filed beside the session.

use super::Watch;
use crate::audit::{EventKind, Outcome};
use crate::domain::{Owner, SessionId, StoredSession};
use crate::request::context::RequestContext;
use crate::session::{Credentials, RotatedProofs};
use crate::store::{Carry, Login, Rotated, Rotation};
use http::HeaderMap;

impl Watch {
    /// A logout.
    pub(super) async fn ended(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        let Some((before, after)) = self.change(response) else {
            return;
        };
        // An answer that takes the cookie away has ended the session, whoever asked for it.
        if after.is_some() && !self.is_from_their_browser(context, before).await {
            return self.rotated(context, response).await;
        }
        self.opened.take();
        let both = [before, after.filter(|_| after != before)];
        let spelled = self.reduced(response).0;
        self.known
            .end(context.id, both.into_iter().chain([spelled]).flatten())
            .await;
        if before == after {
            // An application that refuses a logout may answer as if it had carried it out.
            self.doubt(context, after).await;
        }
        if before.is_some() {
            let now = self.known.shared.clock.now();
            let mut event = context.event(now, EventKind::LogoutObserved, Outcome::Succeeded);
            event.session = before;
            self.known.record(context.id, &event);
        }
    }

    /// The application gave the session another cookie, or took it away.
    pub(super) async fn rotated(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        if context.connection.data.is_authenticated() {
            // The new cookie may be that of whoever logged the connection in.
            return self.dispute_all(context, response).await;
        }
        let Some(change) = self.change(response) else {
            return;
        };
        let shared = &self.known.shared;
        let carry = match shared.options.rotation.proofs {
            RotatedProofs::Keep => Carry::Everything,
            RotatedProofs::Auto if shared.rolling.is_rolling() => Carry::Everything,
            RotatedProofs::Auto if !shared.rolling.is_settled() => Carry::LikeBefore,
            RotatedProofs::Auto | RotatedProofs::Drop => Carry::SessionAlone,
        };
        if self.follow(context, change, carry, response).await == Some(Rotated::Followed)
            && shared.rolling.note_renewed()
        {
            let every_answer = shared.rolling.is_rolling();
            tracing::info!(
                every_answer,
                "settled whether the application sets the session's cookie with every answer, and so whether proofs go along with a new value; session.rotation.proofs says it over restarts"
            );
        }
    }

    /// Makes a session known by its new cookie, or ends it if there is none.
    pub(super) async fn follow(
        &self,
        context: &RequestContext<'_>,
        (before, after): (Option<SessionId>, Option<SessionId>),
        carry: Carry,
        response: &HeaderMap,
    ) -> Option<Rotated> {
        let from = before.filter(|_| after != before)?;
        let Some(to) = after else {
            self.opened.take();
            self.known.end(context.id, [from]).await;
            return None;
        };
        let rotation = Rotation {
            from,
            to,
            carry,
            grace: self.known.shared.options.rotation.grace,
        };
        let rotated = self.known.store.rotate_session(&rotation).await;
        let followed = matches!(rotated, Ok(Rotated::Followed));
        let noted = !followed || self.note_parts(context, to, response).await;
        // Not where the cookie comes with every answer: it would be one more write for each. A login in
        // another spelling there needs the proof that nobody was signed in, as everywhere.
        let is_rolling = self.known.shared.rolling.is_rolling();
        let spelled = !followed || is_rolling || self.note_spelling(context, to, response).await;
        if !self.known.tell(context.id, &rotated) || !noted || !spelled {
            let (was, is) = self.reduced(response);
            self.known
                .forgetting
                .forget([from, to].into_iter().chain(was).chain(is));
        }
        rotated.ok()
    }

    /// Files under what all spellings of the credentials share that session `id` belongs to a browser.
    pub(super) async fn note_spelling(
        &self,
        context: &RequestContext<'_>,
        id: SessionId,
        response: &HeaderMap,
    ) -> bool {
        let shared = &self.known.shared;
        let store = &self.known.store;
        let done = match self.reduced(response) {
            (None, None) => return true,
            (Some(before), None) => store.end_session(before).await,
            (before, Some(after)) => match self.known.find(id).await {
                Ok(None) => return true,
                Ok(Some(session)) => {
                    let began = session.authenticated_at.unwrap_or(session.created_at);
                    let login = Login {
                        id: after,
                        replaces: before,
                        session: StoredSession::without_subject(
                            Owner::Spelling,
                            session.browser_key,
                            began,
                        ),
                        keep: shared.options.remember,
                    };
                    store.put_login(&login).await
                }
                Err(error) => Err(error),
            },
        };
        self.known.tell(context.id, &done)
    }

    /// What all spellings of the credentials share, before and after the response, where they are in
    /// another.
    pub(super) fn reduced(&self, response: &HeaderMap) -> (Option<SessionId>, Option<SessionId>) {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        let Ok(before) = names.read(&self.carried) else {
            return (None, None);
        };
        let after = names.after(&before, response);
        let reduced = |credentials: &Credentials| credentials.reduced_session(&shared.keys);
        (reduced(&before), reduced(&after))
    }

    /// Notes what each cookie of a session would be alone, where the response leaves several credentials:
    /// whoever presents one of them must not escape the revocation of all.
    pub(super) async fn note_parts(
        &self,
        context: &RequestContext<'_>,
        id: SessionId,
        response: &HeaderMap,
    ) -> bool {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        let parts = names.read(&self.carried).map_or_else(
            |_| Vec::new(),
            |before| names.after(&before, response).cookies_alone(&shared.keys),
        );
        parts.is_empty()
            || self
                .known
                .tell(context.id, &self.known.store.note_parts(id, &parts).await)
    }
}
