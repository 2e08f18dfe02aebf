//! What follows from an observation: the store holds it, and the client and the audit log hear of it.

use super::Watch;
use super::observation::{Observation, Observed};
use crate::audit::{EventKind, Outcome};
use crate::request::context::RequestContext;
use crate::transport::upstream::UpstreamBody;
use http::{HeaderValue, Response, header};

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
