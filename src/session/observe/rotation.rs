//! A session's cookie that is replaced or taken away, and what is filed beside the session.

use super::{Observation, Observed, Watch};
use crate::domain::SessionId;
use crate::request::context::RequestContext;
use crate::session::change::{Beside, SessionChange};
use crate::session::{Credentials, RotatedProofs};
use crate::store::{Carry, Rotation};
use http::HeaderMap;
use std::time::Duration;

impl Watch {
    /// A logout.
    pub(super) async fn ended(
        &self,
        context: &RequestContext<'_>,
        response: &HeaderMap,
    ) -> Observation {
        let Some((before, after)) = self.change(response) else {
            return Observation::default();
        };
        // An answer that takes the cookie away has ended the session, whoever asked for it.
        if after.is_some() {
            let mut changes = self.of_other_browsers(context).await;
            if !changes.is_empty() {
                let mut rotated = self.rotated(context, response).await;
                changes.append(&mut rotated.changes);
                return Observation { changes, ..rotated };
            }
        }
        let both = [before, after.filter(|_| after != before)];
        let ids = both.into_iter().chain([self.reduced(response).0]).flatten();
        let mut changes: Vec<_> = ids.map(SessionChange::Ended).collect();
        if before == after {
            // An application that refuses a logout may answer as if it had carried it out.
            changes.extend(after.map(SessionChange::Doubtful));
        }
        changes.extend(self.left().await);
        let session = self.leaving.first().copied().or(before);
        Observation {
            closes: true,
            event: session.map(Observed::Logout),
            ..changes.into()
        }
    }

    /// What was proved by the person who logs out, if it was in this browser: others of theirs go on.
    async fn left(&self) -> Vec<SessionChange> {
        let mut changes = Vec::new();
        for id in &self.leaving {
            match self.known.find(*id).await {
                Ok(Some(session)) if self.is_of_this_browser(&session) => {
                    changes.push(SessionChange::Locked(*id));
                }
                Ok(_) => {}
                Err(_) => changes.push(SessionChange::Unread(*id)),
            }
        }
        changes
    }

    /// The application gave the session another cookie, or took it away.
    pub(super) async fn rotated(
        &self,
        context: &RequestContext<'_>,
        response: &HeaderMap,
    ) -> Observation {
        if context.connection.data.is_authenticated() {
            // The new cookie may be that of whoever logged the connection in.
            return self.disputed(response).await;
        }
        let Some(change) = self.change(response) else {
            return Observation::default();
        };
        let shared = &self.known.shared;
        let carry = match shared.options.rotation.proofs {
            RotatedProofs::Keep => Carry::Everything,
            RotatedProofs::Auto if shared.rolling.is_rolling() => Carry::Everything,
            RotatedProofs::Auto if !shared.rolling.is_settled() => Carry::LikeBefore,
            RotatedProofs::Auto | RotatedProofs::Drop => Carry::SessionAlone,
        };
        let follows = self.follows(change, carry, response);
        Observation {
            closes: matches!(follows, Some(SessionChange::Ended(_))),
            renews: true,
            ..Vec::from_iter(follows).into()
        }
    }

    /// Makes a session known by its new cookie, or ends it if there is none.
    pub(super) fn follows(
        &self,
        (before, after): (Option<SessionId>, Option<SessionId>),
        carry: Carry,
        response: &HeaderMap,
    ) -> Option<SessionChange> {
        let shared = &self.known.shared;
        let from = before.filter(|_| after != before)?;
        let Some(to) = after else {
            return Some(SessionChange::Ended(from));
        };
        let rotation = Rotation {
            from,
            to,
            carry,
            grace: self.grace(response),
        };
        let mut beside = self.beside(response);
        if shared.rolling.is_rolling() {
            // Where the cookie comes with every answer it would be one more write for each. A login in
            // another spelling there needs the proof that nobody was signed in, as everywhere.
            beside.spelled = (None, None);
        }
        Some(SessionChange::Follows(rotation, beside))
    }

    /// The session before and after the response; `None` if the request's credentials are doubled.
    pub(super) fn change(
        &self,
        response: &HeaderMap,
    ) -> Option<(Option<SessionId>, Option<SessionId>)> {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        let before = names.read(&self.carried).ok()?;
        let after = self.after(&before, response);
        Some((before.session(&shared.keys), after.session(&shared.keys)))
    }

    /// What the client carries after the response.
    fn after(&self, before: &Credentials, response: &HeaderMap) -> Credentials {
        let names = &self.known.shared.options.credentials;
        let mut after = names.after(before, response, &self.scope);
        if let Some(line) = &self.token {
            after.authorize(line.expose());
        }
        after
    }

    /// How long the session stays known by what the client carried before: as ever, where it still does so
    /// outside of the path of the cookie that was added.
    fn grace(&self, response: &HeaderMap) -> Duration {
        let options = &self.known.shared.options;
        let names = &options.credentials;
        let has_paths = names.cookies.iter().any(|name| name.path.is_some());
        let adds = |before: &Credentials| before.are_part_of(&self.after(before, response));
        if has_paths && names.read(&self.carried).is_ok_and(|before| adds(&before)) {
            options.remember
        } else {
            options.rotation.grace
        }
    }

    /// Tells of a session cookie that browsers do not bring to our endpoints.
    pub(super) fn tell_out_of_reach(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        let names = &self.known.shared.options.credentials;
        let is_in_reach = |path: &str| context.options.is_reached_from(path);
        if let Some(cookie) = names.out_of_reach(response, &self.scope, is_in_reach) {
            self.known.warn_of_path(context.id, cookie);
        }
    }

    /// What is stored beside the session that the client carries after the response.
    pub(super) fn beside(&self, response: &HeaderMap) -> Beside {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        let after = names.read(&self.carried);
        let after = after.map(|before| self.after(&before, response));
        Beside {
            parts: after.map_or_else(|_| Vec::new(), |after| after.cookies_alone(&shared.keys)),
            spelled: self.reduced(response),
        }
    }

    /// What all spellings of the credentials share, before and after the response, where they are in
    /// another.
    pub(super) fn reduced(&self, response: &HeaderMap) -> (Option<SessionId>, Option<SessionId>) {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        let Ok(before) = names.read(&self.carried) else {
            return (None, None);
        };
        let after = self.after(&before, response);
        let reduced = |credentials: &Credentials| credentials.reduced_session(&shared.keys);
        (reduced(&before), reduced(&after))
    }
}
