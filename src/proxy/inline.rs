//! Codes that come with the request itself answer the challenge where its route asks for a proof.

use super::demands::Asked;
use super::error::ProxyError;
use super::guard::admit;
use super::outbound::Outbound;
use super::state::Worker;
use crate::domain::{SessionState, Verdict};
use crate::gate::Admission;
use crate::request::context::RequestContext;
use crate::session::Caller;
use crate::verification::{Refusal, hash_browser_key, key_of_code};
use crate::web::endpoints;

/// Has a request without a browser key counted as that of whoever has the code: what the code has earned before, if the
/// route lets that open more than one request, is theirs.
pub(super) fn present(worker: &Worker, outbound: &Outbound<'_>, caller: &mut Caller) {
    let keys = &worker.sessions.shared.keys;
    let (Some(sent), Some(session)) = (&outbound.inline_code, caller.session) else {
        return;
    };
    // One that we have handed out is a key by itself; its form is that of no code.
    let handed_out = || hash_browser_key(sent.code.expose(), keys);
    let key = || handed_out().unwrap_or_else(|| key_of_code(&sent.code, session, keys));
    caller.browser_key = Some(caller.browser_key.unwrap_or_else(key));
}

/// Answers the challenge of a refused request with what it brings, and puts it before the gate again. An answer that is
/// not accepted comes back beside the refusal.
pub(super) async fn answer<'p>(
    worker: &Worker,
    context: &RequestContext<'_>,
    asked: &Asked,
    caller: &mut Caller,
    admission: Admission<Outbound<'p>>,
) -> Result<(Admission<Outbound<'p>>, Option<Refusal>), ProxyError> {
    let (Verdict::Challenge((unmet, outbound)), SessionState::Known(session)) =
        (&admission.verdict, &admission.session)
    else {
        return Ok((admission, None));
    };
    let sent = outbound.inline_code.as_ref();
    let Some((sent, (route, demand))) = sent
        .filter(|sent| sent.is_meant(context))
        .zip(asked.of(*unmet))
    else {
        return Ok((admission, None));
    };
    let Some(factor) = sent.factor(&demand.requirement) else {
        return Ok((admission, None));
    };
    let answer = endpoints::InlineAnswer {
        route,
        demand,
        factor,
        code: &sent.code,
    };
    let headers = &outbound.parts.headers;
    let answered = Box::pin(endpoints::answer_inline(
        &worker.web,
        context,
        (caller, session),
        headers,
        answer,
    ));
    match answered.await? {
        Ok(key) => caller.browser_key = Some(key),
        Err(refusal) => return Ok((admission, Some(refusal))),
    }
    match admission.verdict {
        Verdict::Challenge((_, outbound)) => {
            let admission = admit(worker, context, asked, caller, outbound).await?;
            Ok((admission, None))
        }
        verdict @ (Verdict::Deny(_) | Verdict::Pass(_)) => Ok((
            Admission {
                verdict,
                ..admission
            },
            None,
        )),
    }
}
