//! A proof that came with the request itself: the same as a call of `verify`, for a challenge that nobody had to see.

use super::{EndpointError, Known};
use crate::domain::{
    BrowserKeyHash, Demand, Factor, Reason, ReturnTarget, RouteId, Secret, Session,
};
use crate::request::context::RequestContext;
use crate::session::{Caller, provenance};
use crate::verification::{
    AnswerOutcome, AnswerValue, Answering, NewChallenge, Refusal, key_of_code,
};
use crate::web::Web;
use http::HeaderMap;

/// What was not met, and what the request brings for it.
pub(crate) struct InlineAnswer<'a> {
    pub(crate) route: &'a RouteId,
    pub(crate) demand: &'a Demand,
    pub(crate) factor: Factor,
    pub(crate) code: &'a Secret<String>,
}

/// What comes of it.
pub(crate) enum InlineOutcome {
    /// It was right. What it has earned belongs to this key.
    Earned(BrowserKeyHash),
    /// It was not accepted.
    Refused(Refusal),
    /// It has earned something before, which belongs to this key.
    Repeated(BrowserKeyHash),
}

/// Answers a challenge that is opened for it.
pub(crate) async fn answer(
    web: &Web,
    context: &RequestContext<'_>,
    (caller, session): (&Caller, &Session),
    headers: &HeaderMap,
    answer: InlineAnswer<'_>,
) -> Result<InlineOutcome, EndpointError> {
    let id = caller
        .session
        .ok_or(EndpointError::Refused(Reason::SessionRequired))?;
    let known = Known {
        caller: caller.clone(),
        session: session.clone(),
        id,
        name: context.id,
        client: context.client,
        provenance: provenance(context.client, headers, ""),
    };
    let claimant = known.claimant();
    // A key that belongs to the session already stays; any other could be one that somebody else chose.
    let key = claimant
        .browser_key
        .filter(|key| claimant.session_key == Some(*key))
        .unwrap_or_else(|| key_of_code(answer.code, id, &web.sessions.shared.keys));
    let (token, _) = web.verifier.open(NewChallenge {
        claimant,
        route: answer.route.clone(),
        demand: answer.demand.clone(),
        shown: Vec::new(),
        return_to: ReturnTarget::Caller,
        device: None,
        back: None,
    });
    let value = AnswerValue::Text(answer.code.clone());
    let answering = Answering {
        token: &token,
        factor: answer.factor,
        answer: &value,
        confirm: None,
        purpose: None,
        // No password comes in a header.
        trial: None,
        key: Some(key),
        caller: known.caller(),
        locale: context.locale(),
    };
    let requirement = |route: &RouteId| web.requirement(route, context.locale());
    let outcome = web.verifier.answer(answering, requirement).await?;
    known.note_parts(web, &outcome).await?;
    Ok(match outcome {
        AnswerOutcome::Verified(_) => InlineOutcome::Earned(key),
        AnswerOutcome::Repeated => InlineOutcome::Repeated(key),
        AnswerOutcome::Refused(refusal) => InlineOutcome::Refused(refusal),
        AnswerOutcome::Malformed => InlineOutcome::Refused(Reason::WrongAnswer.into()),
        // By the policies in force now, which a reload has changed, it is not enough.
        AnswerOutcome::MoreNeeded { .. }
        | AnswerOutcome::Unconfirmed { .. }
        | AnswerOutcome::Unexplained
        | AnswerOutcome::Waiting(_) => InlineOutcome::Refused(Reason::StepUpRequired.into()),
    })
}
