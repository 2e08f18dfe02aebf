//! The sessions of a subject, as their owner may see them.

use super::super::{Call, EndpointError, Known};
use crate::domain::{Mark, Provenance, Session, SessionId, Subject, Timestamp};
use crate::seal::{Keys, Purpose};
use crate::session::over_limits;
use crate::store::Ask;
use crate::web::api::{OwnSessionView, rfc3339};
use data_encoding::BASE64URL_NOPAD;
use std::time::Duration;

/// A session of the caller's subject.
pub(super) struct Listed {
    pub(super) id: SessionId,
    /// What the caller names it by.
    pub(super) handle: String,
    session: Session,
    verified_until: Option<Timestamp>,
    /// Whether the call was made in it.
    pub(super) is_this: bool,
}

/// The sessions of the caller's subject that are alive, at most `most`: this one first, then the newest.
pub(super) async fn listed(
    call: &Call<'_, '_>,
    known: &Known,
    most: usize,
) -> Result<Vec<Listed>, EndpointError> {
    let sessions = &call.web.sessions;
    let (store, options) = (&sessions.store, &sessions.shared.options);
    let now = sessions.shared.clock.now();
    let subject = &known.session.owner;
    let mut all = vec![Listed::this(
        known.id,
        known.session.clone(),
        &sessions.shared.keys,
    )];
    for (id, stored) in store.sessions(Some(subject), most).await? {
        let Ok(session) = stored.known() else {
            continue;
        };
        if session.owner != *subject || over_limits(&session, options, now).is_some() {
            continue;
        }
        // The cookie may have another value by now; the time of its beginning goes along.
        let may_be_this = session.created_at == known.session.created_at;
        if id == known.id || (may_be_this && store.is_same_session(id, known.id).await?) {
            continue;
        }
        all.push(Listed::new(id, session, &sessions.shared.keys));
    }
    Ok(all)
}

impl Listed {
    fn new(id: SessionId, session: Session, keys: &Keys) -> Self {
        Self {
            id,
            handle: handle(&session.owner, session.created_at, keys),
            session,
            verified_until: None,
            is_this: false,
        }
    }

    fn this(id: SessionId, session: Session, keys: &Keys) -> Self {
        Self {
            is_this: true,
            ..Self::new(id, session, keys)
        }
    }

    /// Reads from the store what was verified in it.
    pub(super) async fn read_verified(&mut self, call: &Call<'_, '_>) -> Result<(), EndpointError> {
        let sessions = &call.web.sessions;
        let now = sessions.shared.clock.now();
        let ask = Ask::session(self.id, self.session.browser_key);
        let mark = sessions.store.evidence(ask, now).await?.mark;
        let fresh = call.web.shared.services.settings.fresh;
        self.verified_until = self.verified_until(mark, fresh, now);
        Ok(())
    }

    /// What may be told of it.
    pub(super) fn view(&self) -> OwnSessionView {
        let session = &self.session;
        let from = |what: fn(&Provenance) -> &str| {
            let known = session.provenance.as_ref().map(what);
            known.filter(|known| !known.is_empty()).map(str::to_owned)
        };
        let last = session.seen_at.max(session.created_at);
        OwnSessionView {
            session: (!self.is_this).then(|| self.handle.clone()),
            current: self.is_this,
            browser: from(Provenance::browser),
            system: from(Provenance::system),
            address: from(Provenance::address),
            place: from(Provenance::place),
            signed_in_at: session.authenticated_at.map(rfc3339),
            first_seen_at: rfc3339(session.created_at),
            last_used_at: (last > session.created_at).then(|| rfc3339(last)),
            verified_until: self.verified_until.map(rfc3339),
        }
    }

    /// Until when it opens levels 1 and 2 in its own browser.
    fn verified_until(
        &self,
        mark: Option<Mark>,
        fresh: Duration,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let session = &self.session;
        let is_its = |mark: &Mark| {
            mark.subject == session.owner && Some(mark.browser_key) == session.browser_key
        };
        let verified = mark.filter(is_its).map(|mark| mark.verified_at);
        let times = [verified, session.authenticated_at].into_iter().flatten();
        let latest = times.filter(|at| now.is_within(fresh, *at)).max();
        latest.map(|at| at.after(fresh))
    }
}

/// How many bytes a handle has.
const HANDLE: usize = 16;

/// What a person names one of their own sessions by. It tells nothing of the session's id, is good for this subject
/// alone, and stays while the cookie gets other values. Two sessions that began in the same millisecond share it.
fn handle(subject: &Subject, created_at: Timestamp, keys: &Keys) -> String {
    let began = created_at.as_millis().to_be_bytes();
    let mac = keys.mac(
        Purpose::SessionHandle,
        &[subject.as_str().as_bytes(), &began],
    );
    BASE64URL_NOPAD.encode(mac.get(..HANDLE).unwrap_or_default())
}

/// Whether a text looks like a handle; others are never written into an address.
pub(super) fn is_handle(text: &str) -> bool {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
    bytes.is_ok_and(|bytes| bytes.len() == HANDLE)
}
