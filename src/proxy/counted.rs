//! What a request is counted as.

use super::body::ProxyBody;
use super::error::ProxyError;
use crate::audit::Outcome;
use crate::domain::ReasonKind;
use crate::metrics::Metrics;
use crate::request::context::RequestContext;
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
