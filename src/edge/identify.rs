//! Identify: who sends a request, as far as its credentials and a trusted proxy tell.

use super::house::Worker;
use super::visit::Visit;
use crate::session::{BrowserKeyCookie, Caller, CarriedLines, DoubledCredential, Recognized};
use crate::verification::hash_browser_key;
use http::HeaderMap;

/// Who sends a request, as far as it tells.
pub(super) fn identify(
    visit: &Visit<'_>,
    carried: &CarriedLines,
    headers: &HeaderMap,
) -> Result<Caller, DoubledCredential> {
    let Worker { house, recent, .. } = &**visit.worker;
    let asserted = visit.asserted(headers);
    // Where nothing but one line of cookies tells who it is, the same line tells the same.
    let line = carried
        .only_cookies()
        .filter(|_| asserted.is_none() && !headers.contains_key(BrowserKeyCookie::HEADER));
    if let Some(known) = line.and_then(|line| recent.find(line)) {
        return Ok(known.into());
    }
    let credentials = house.sessions.credentials.read(carried)?;
    let (session, earlier) = house
        .sessions
        .identify(&credentials, asserted.as_ref(), &house.keys);
    let limited = house.sessions.limits_in_force();
    let presented = house.browser_key.read(carried, headers);
    let said = Recognized {
        session,
        earlier,
        alone: credentials.sessions_alone(&house.keys),
        parts: credentials.cookies_alone(&house.keys),
        reduced: limited
            .then(|| credentials.reduced_session(&house.keys))
            .flatten(),
        browser_key: presented.and_then(|key| hash_browser_key(key, &house.keys)),
    };
    if let Some(line) = line {
        recent.note(line, said.clone());
    }
    Ok(Caller {
        asserted,
        ..said.into()
    })
}
