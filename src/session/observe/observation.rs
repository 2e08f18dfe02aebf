//! What an answer says of sessions, and what follows from it.

use super::Watch;
use crate::audit::{EventKind, Outcome};
use crate::domain::{Secret, SessionId, Subject};
use crate::request::context::RequestContext;
use crate::session::change::SessionChange;
use crate::transport::upstream::UpstreamBody;
use http::{HeaderValue, Response, header};

/// What an answer says of sessions.
#[derive(Debug, Default)]
pub(super) struct Observation {
    pub(super) changes: Vec<SessionChange>,
    /// Whether what is open for the session may end by it, but not the request that it answers.
    pub(super) closes: bool,
    /// Whether it may be one of many by which the application renews the cookie with every answer.
    pub(super) renews: bool,
    /// What the audit log hears.
    pub(super) event: Option<Observed>,
}

/// What was observed, in the words of the audit log.
#[derive(Debug)]
pub(super) enum Observed {
    /// A login that is believed.
    Login {
        id: SessionId,
        subject: Subject,
        /// The key of the browser that the session belongs to.
        key: Secret<String>,
    },
    /// A logout.
    Logout(SessionId),
}

impl From<Vec<SessionChange>> for Observation {
    fn from(changes: Vec<SessionChange>) -> Self {
        Self {
            changes,
            ..Self::default()
        }
    }
}

impl Watch {
    /// Has the store hold what was observed; then the client and the audit log hear of it.
    pub(super) async fn conclude(
        &self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
        observation: Observation,
    ) {
        let shared = &self.known.shared;
        let applied = self.known.apply(context.id, observation.changes).await;
        if observation.renews && applied.followed && shared.rolling.note_renewed() {
            let every_answer = shared.rolling.is_rolling();
            tracing::info!(
                every_answer,
                "settled whether the application sets the session's cookie with every answer, and so whether proofs go along with a new value; session.rotation.proofs says it over restarts"
            );
        }
        match observation.event {
            Some(Observed::Login { id, subject, key }) => {
                let outcome = if applied.all {
                    let drop = shared.guest.is_carried(&self.carried);
                    let drop = drop.then(|| shared.guest.drop());
                    let cookies = drop.into_iter().chain([shared.browser_key.set(&key)]);
                    for cookie in cookies.flat_map(HeaderValue::try_from) {
                        response.headers_mut().append(header::SET_COOKIE, cookie);
                    }
                    Outcome::Succeeded
                } else {
                    Outcome::Failed
                };
                let mut event =
                    context.event(shared.clock.now(), EventKind::LoginObserved, outcome);
                event.session = Some(id);
                event.subject = Some(&subject);
                self.known.record(context.id, &event);
            }
            Some(Observed::Logout(id)) => {
                let now = shared.clock.now();
                let mut event = context.event(now, EventKind::LogoutObserved, Outcome::Succeeded);
                event.session = Some(id);
                self.known.record(context.id, &event);
            }
            None => {}
        }
    }
}
