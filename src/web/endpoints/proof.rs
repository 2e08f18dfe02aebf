//! A fresh proof for what people do on our own pages: a grant, or the ordinary challenge for one.

use super::prompt::document;
use super::{Call, EndpointError, Known};
use crate::audit;
use crate::domain::{Demand, LocalPath, Reason, ReturnTarget, RouteId, Secret, Verdict};
use crate::gate;
use crate::request::client_kind::ClientKind;
use crate::verification::{FirstEnrollment, NewChallenge};
use crate::web::own_action::OwnAction;
use crate::web::{api, respond};
use bytes::Bytes;
use http::Response;
use std::slice;

impl Call<'_, '_> {
    /// Requires a live grant of this session and browser for `action`.
    ///
    /// Without one it fails with the ordinary challenge in it, which [`serve`](super::serve) answers: a browser is led to
    /// the prompt and then to `page`, a path below our prefix such as `enroll`; a program gets the problem document
    /// and repeats its call. To be called after `must_be_ours` and the check of the anti-forgery token, so
    /// that no other site opens a challenge in somebody's browser.
    pub(super) async fn must_be_proven(
        &self,
        known: &Known,
        action: OwnAction,
        page: &str,
    ) -> Result<(), EndpointError> {
        let begins_by_mail =
            action == OwnAction::Enrollment && self.may_begin_by_mail(known).await?;
        let action = if begins_by_mail {
            OwnAction::FirstEnrollment
        } else {
            action
        };
        let sessions = &self.web.sessions;
        let now = sessions.shared.clock.now();
        let Some(demand) = self.demand(action) else {
            return Err(EndpointError::Refused(Reason::MethodNotEnrolled));
        };
        let demands = slice::from_ref(&demand);
        let verdict = gate::preview(&sessions.store, &known.caller, demands, now).await?;
        let (outcome, reason) = match verdict {
            Verdict::Pass(_) => return Ok(()),
            Verdict::Challenge(unmet) => (audit::Outcome::Challenged, unmet.reason),
            Verdict::Deny(unmet) => (audit::Outcome::Denied, unmet.reason),
        };
        let route = action.route();
        let who = (Some(known.id), Some(&known.session.owner));
        let mut event = (self.context).decision(now, outcome, Some(reason), demands, who);
        event.routes = vec![&route];
        sessions.shared.audit.record(&event)?;
        if outcome == audit::Outcome::Denied {
            return Err(EndpointError::Refused(reason));
        }
        let back = self.return_to(page);
        let challenge = challenge(self, known, route.clone(), demand, reason, back);
        Err(EndpointError::Challenged(Box::new(challenge.await?)))
    }

    fn demand(&self, action: OwnAction) -> Option<Demand> {
        let table = self.web.shared.table.load();
        action.demand(self.context.texts(), &table)
    }

    /// Whether a code by mail is proof enough to set something up: the settings say so, the identity provider does not
    /// know the person, and nothing that does not rest on a mailbox was there when it was given. What the person has set up since does not close the page on them.
    async fn may_begin_by_mail(&self, known: &Known) -> Result<bool, EndpointError> {
        let verifier = &self.web.verifier;
        let services = verifier.services();
        let provider = services.oidc.as_ref();
        if services.settings.first_enrollment == FirstEnrollment::Proof
            || provider.is_some_and(|provider| provider.knows(&known.session.owner))
        {
            return Ok(false);
        }
        let account = verifier.account(&known.claimant()).await?;
        if account.strong_factors().is_empty() {
            return Ok(true);
        }
        let sessions = &self.web.sessions;
        let now = sessions.shared.clock.now();
        let Some(demand) = self.demand(OwnAction::FirstEnrollment) else {
            return Ok(false);
        };
        let held = gate::preview(&sessions.store, &known.caller, &[demand], now).await?;
        Ok(match held {
            Verdict::Pass(Some(met)) => !account.had_strong_factor_before(met.proof.at),
            Verdict::Pass(None) | Verdict::Challenge(_) | Verdict::Deny(_) => false,
        })
    }

    /// Where the person goes on after the challenge: never to a form, whose token is of the browser key before it.
    fn return_to(&self, page: &str) -> ReturnTarget {
        let context = self.context;
        let asked = (context.hints.kind == ClientKind::Navigation && context.hints.safe)
            .then(|| LocalPath::parse(context.target()))
            .flatten();
        match context.hints.kind {
            ClientKind::Navigation | ClientKind::Framed | ClientKind::Library(_) => asked
                .or_else(|| LocalPath::parse(&format!("{}/{page}", context.site().prefix)))
                .map_or(ReturnTarget::Caller, ReturnTarget::Path),
            ClientKind::Api
            | ClientKind::Bearer
            | ClientKind::Fetch
            | ClientKind::Rpc(_)
            | ClientKind::WebSocket => ReturnTarget::Caller,
        }
    }
}

/// Answers a call of an own endpoint that needs a fresh proof. It carries no form: a browser goes to the prompt.
async fn challenge(
    call: &Call<'_, '_>,
    known: &Known,
    route: RouteId,
    demand: Demand,
    reason: Reason,
    return_to: ReturnTarget,
) -> Result<Response<Bytes>, EndpointError> {
    let (web, context, claimant) = (call.web, call.context, known.claimant());
    let new = NewChallenge {
        claimant,
        route,
        demand,
        shown: Vec::new(),
        return_to,
        device: None,
        back: context.page_before(),
    };
    let (token, challenge) = web.verifier.open(new);
    let token = Secret::new(token);
    let page_url = api::page_url(&context.site(), &token);
    let title = &challenge.demand.requirement.title;
    match context.hints.kind {
        ClientKind::Navigation => Ok(respond::challenge_redirect(context, &page_url)),
        ClientKind::Framed => Ok(respond::challenge_framed(context, title, &page_url)),
        ClientKind::Library(library) => {
            Ok(respond::challenge_by_library(context, library, &page_url))
        }
        ClientKind::Api
        | ClientKind::Bearer
        | ClientKind::Fetch
        | ClientKind::Rpc(_)
        | ClientKind::WebSocket => {
            let told = (&reason.into(), None);
            document(web, context, &challenge, token, &claimant, told).await
        }
    }
}
