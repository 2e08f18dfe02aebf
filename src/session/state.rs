//! Which session a request belongs to, whose it is by what is remembered and what a source says of it, and
//! whether it has lasted too long.

use super::{Asserted, Caller, Credentials, SessionKey, SessionOptions};
use crate::domain::{Reason, Session, SessionId, SessionState, StoredSession, Timestamp};
use crate::seal::{Keys, Purpose};
use std::time::Duration;

impl SessionOptions {
    /// The session of a request: now, and under the secret before a rotation.
    pub fn identify(
        &self,
        credentials: &Credentials,
        asserted: Option<&Asserted>,
        keys: &Keys,
    ) -> (Option<SessionId>, Option<SessionId>) {
        match (self.key, asserted) {
            (SessionKey::Credential, None) => {
                (credentials.session(keys), credentials.earlier_session(keys))
            }
            // A proxy that authenticates each request may need no credential that reaches us.
            (SessionKey::Credential, Some(_)) if !credentials.is_empty() => {
                (credentials.session(keys), credentials.earlier_session(keys))
            }
            (SessionKey::Credential | SessionKey::Subject, Some(asserted)) => {
                // What may name somebody else beside the cookie counts as ever: only cookies change.
                let beside = credentials.without_cookies();
                let subject = asserted.subject.as_str().as_bytes();
                let parts = [&[b"subject", subject][..], &beside.parts()].concat();
                let earlier = keys
                    .previous_mac(Purpose::Session, &parts)
                    .map(SessionId::new);
                (
                    Some(SessionId::new(keys.mac(Purpose::Session, &parts))),
                    earlier,
                )
            }
            (SessionKey::Subject, None) => (None, None),
        }
    }
}

/// The session of a caller: as it is remembered, unless a trusted proxy asserts another subject,
/// which voids everything that was remembered.
pub fn session_of(
    remembered: Option<StoredSession>,
    caller: &Caller,
    now: Timestamp,
) -> SessionState {
    let asserted = caller.asserted.as_ref().map(|asserted| &asserted.subject);
    let is_kept = |session: &StoredSession| {
        session.revoked || asserted.is_none() || session.owner.subject() == asserted
    };
    match (remembered.filter(is_kept), asserted) {
        (Some(session), _) => match session.known() {
            Ok(session) => SessionState::Known(session),
            Err(session) => SessionState::Disputed(session),
        },
        (None, Some(subject)) => SessionState::Known(Session {
            owner: subject.clone(),
            authenticated_at: None,
            browser_key: None,
            created_at: now,
            seen_at: now,
            revoked: false,
            provenance: None,
        }),
        (None, None) => SessionState::Unknown,
    }
}

/// Tells whether a session has lasted, or was idle, longer than the settings allow.
pub fn over_limits<O>(
    session: &Session<O>,
    options: &SessionOptions,
    now: Timestamp,
) -> Option<Reason> {
    let began = session.authenticated_at.unwrap_or(session.created_at);
    let over = |limit: Option<Duration>, since: Timestamp| {
        limit.is_some_and(|limit| now.since(since) >= limit)
    };
    if session.revoked {
        Some(Reason::SessionRevoked)
    } else if over(options.lifetime, began) || over(options.idle, session.seen_at) {
        Some(Reason::SessionTimedOut)
    } else {
        None
    }
}
