//! What a request is counted as.

use super::body::ProxyBody;
use super::error::ProxyError;
use crate::audit::Outcome;
use crate::domain::ReasonKind;
use crate::metrics::{AskedOutcome, Metrics, QuestionForm};
use crate::request::context::RequestContext;
use crate::request::question::Convention;
use crate::web::respond;
use http::Response;

/// Counts a request whose answer is decided.
pub(crate) fn count(
    metrics: &Metrics,
    context: &RequestContext<'_>,
    answered: Result<&Response<ProxyBody>, &ProxyError>,
) {
    let (outcome, reason) = match (answered, context.decided()) {
        (Err(error), _) => {
            // Whatever was decided, nothing came of it.
            let reason = error.reason();
            let outcome = if reason.kind() == ReasonKind::Fault {
                Outcome::Failed
            } else {
                Outcome::Denied
            };
            (Some(outcome), Some(reason))
        }
        (Ok(_), Some((outcome, reason))) => (Some(outcome), reason),
        (Ok(response), None) if response.body().is_streamed() || respond::admits(response) => {
            (Some(Outcome::Forwarded), None)
        }
        (Ok(_), None) => (None, None),
    };
    metrics.request(outcome, reason);
}

/// Counts a question of a proxy.
pub(super) fn count_question(
    metrics: &Metrics,
    convention: Option<Convention>,
    context: &RequestContext<'_>,
    answered: Result<&Response<ProxyBody>, &ProxyError>,
) {
    let form = match convention {
        Some(Convention::Envoy) => QuestionForm::Envoy,
        Some(Convention::EnvoyGrpc) => QuestionForm::EnvoyGrpc,
        Some(Convention::Forwarded) => QuestionForm::Forward,
        Some(Convention::Nginx) => QuestionForm::Nginx,
        None => QuestionForm::Unknown,
    };
    let is_challenge = matches!(context.decided(), Some((Outcome::Challenged, _)));
    let outcome = match answered {
        Ok(response) if respond::admits(response) => AskedOutcome::Admitted,
        // One that only reports is admitted, whatever it lacks.
        Ok(_) if is_challenge => AskedOutcome::Challenged,
        Err(ProxyError::Question(error))
            if error.is_about_asker() || respond::RpcFault::of(error).is_some() =>
        {
            AskedOutcome::Unanswered
        }
        Err(error) if error.reason().kind() == ReasonKind::Fault => AskedOutcome::Failed,
        Ok(_) | Err(_) => AskedOutcome::Denied,
    };
    metrics.asked(form, outcome);
}
