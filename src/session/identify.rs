//! Identify: who sends a request, as far as its credentials and a trusted proxy tell.

use crate::domain::Provenance;
use crate::request::context::RequestContext;
use crate::session::sessions::Sessions;
use crate::session::{Asserted, BrowserKeyCookie, Caller, CarriedLines, DoubledCredential};
use crate::verification::hash_browser_key;
use http::{HeaderMap, header};
use std::net::IpAddr;

/// Who sends a request, as far as it tells.
pub(crate) fn identify(
    sessions: &Sessions,
    carried: &CarriedLines,
    headers: &HeaderMap,
    asserted: Option<Asserted>,
) -> Result<Caller, DoubledCredential> {
    let Sessions { shared, recent, .. } = sessions;
    // Where nothing but one line of cookies and one of `Authorization` tells who it is, the same lines tell the same.
    let lines = carried
        .only_lines()
        .filter(|_| asserted.is_none() && !headers.contains_key(BrowserKeyCookie::HEADER));
    if let Some(known) = lines.as_ref().and_then(|lines| recent.find(lines)) {
        return Ok(known);
    }
    let credentials = shared.options.credentials.read(carried)?;
    let (session, earlier) = shared
        .options
        .identify(&credentials, asserted.as_ref(), &shared.keys);
    let limited = shared.options.limits_in_force();
    let presented = shared.browser_key.read(carried, headers);
    let caller = Caller {
        session,
        has_cookie: credentials.has_cookie(),
        earlier,
        alone: credentials.sessions_alone(&shared.keys),
        parts: credentials.cookies_alone(&shared.keys),
        reduced: limited
            .then(|| credentials.reduced_session(&shared.keys))
            .flatten(),
        browser_key: presented.and_then(|key| hash_browser_key(key, &shared.keys)),
        asserted,
    };
    if let Some(lines) = lines {
        recent.note(&lines, caller.clone());
    }
    Ok(caller)
}

/// What a trusted proxy asserts of the caller.
pub(crate) fn asserted(
    sessions: &Sessions,
    context: &RequestContext<'_>,
    headers: &HeaderMap,
) -> Option<Asserted> {
    context
        .is_trusted()
        .then(|| sessions.shared.options.asserted(headers))
        .flatten()
}

/// From where a request comes, as people recognize it. `place` holds no token: it is of the settings.
pub(crate) fn provenance(client: IpAddr, headers: &HeaderMap, place: &str) -> Provenance {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    Provenance::new(client, agent.unwrap_or_default(), place)
}
