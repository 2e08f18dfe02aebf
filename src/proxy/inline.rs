//! Codes that come with the request itself answer the challenge where its route asks for a proof.

use super::demands::Asked;
use super::error::ProxyError;
use super::guard::admit;
use super::outbound::Outbound;
use super::state::Worker;
use crate::domain::{Reason, SessionState, Verdict};
use crate::gate::Admission;
use crate::request::context::RequestContext;
use crate::session::Caller;
use crate::verification::{Refusal, hash_browser_key};
use crate::web::endpoints::{self, InlineOutcome};

/// Has a key that we have handed out counted as such, which no code looks like: some clients send what they were given
/// where the code is wanted. What a code has earned is looked for when it is answered with, where guesses are counted.
pub(super) fn present(worker: &Worker, outbound: &Outbound<'_>, caller: &mut Caller) {
    let keys = &worker.sessions.shared.keys;
    let sent = outbound.inline_code.as_ref();
    let handed_out = || sent.and_then(|sent| hash_browser_key(sent.code.expose(), keys));
    caller.browser_key = caller.browser_key.or_else(handed_out);
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
    let (key, unopened) = match answered.await? {
        InlineOutcome::Earned(key) => (key, None),
        InlineOutcome::Refused(refusal) => return Ok((admission, Some(refusal))),
        // Once more it opens only what it has opened before.
        InlineOutcome::Repeated(key) => (key, Some(Reason::WrongAnswer.into())),
    };
    caller.browser_key = Some(key);
    match admission.verdict {
        Verdict::Challenge((_, outbound)) => {
            let admission = admit(worker, context, asked, caller, outbound).await?;
            let is_open = matches!(admission.verdict, Verdict::Pass(_));
            Ok((admission, unopened.filter(|_| !is_open)))
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
