//! The gate: puts the evidence before the decision, and lets out only what was permitted.

mod digest;

pub use digest::digest;

use crate::domain::{
    Claim, Decision, Demand, Enforcement, Evidence, GrantKey, Permit, Reason, Session, SessionId,
    SessionState, Timestamp, Unmet, decide, unmet,
};
use crate::session::{Caller, SessionOptions};
use crate::store::{Ask, Held, Store, StoreError};
use std::time::Duration;

/// What became of a request at the gate.
#[derive(Debug)]
pub struct Admission {
    /// The answer.
    pub outcome: Outcome,
    /// The session as it was found.
    pub session: SessionState,
    /// Demands that are only reported and were not met, by their place, and why.
    pub reported: Vec<(usize, Reason)>,
}

/// The answer to a request.
#[derive(Debug)]
pub enum Outcome {
    /// A verification would meet the demand at this place.
    Challenge(usize, Reason),
    /// No verification of ours would help. The place is that of a demand, if one was not met.
    Deny(Option<usize>, Reason),
    /// It may pass.
    Forward(Permit),
}

/// Decides whether a request of `caller` that makes `demands` may pass.
///
/// One round trip to the store, and none where nothing is demanded and no session limit is in force.
/// More are made for a session that is still filed under the secret before a rotation, for several
/// credentials and for unknown ones in odd spellings under session limits, and to put back what was taken for a request that is refused.
pub async fn admit<S: Store>(
    store: &S,
    sessions: &SessionOptions,
    caller: &Caller,
    demands: &[Demand],
    now: Timestamp,
) -> Result<Admission, StoreError> {
    if sessions.limits_in_force() {
        for alone in &caller.alone {
            if let Some(reason) = ended(store, *alone, sessions, now).await? {
                let outcome = Outcome::Deny(None, reason);
                return Ok(Admission {
                    outcome,
                    session: SessionState::Unknown,
                    reported: Vec::new(),
                });
            }
        }
    }
    let Some(id) = caller.session else {
        return Ok(settle(demands, Evidence::none(), now).0);
    };
    if demands.is_empty() && !sessions.limits_in_force() {
        return Ok(settle(demands, Evidence::none(), now).0);
    }
    let held = fetch(store, id, caller, demands, now).await?;
    // Nobody's, but its time runs out all the same.
    let disputed = held.session.as_ref();
    let disputed = disputed.filter(|session| session.is_disputed()).cloned();
    let evidence = weigh(held, caller, now);
    let over = match (&evidence.session, &disputed, caller.reduced) {
        (SessionState::Known(session), _, _) | (_, Some(session), _) => {
            over_limits(session, sessions, now)
        }
        // Known in another spelling, which only some applications take for the same.
        (_, None, Some(reduced)) => ended(store, reduced, sessions, now).await?,
        (_, None, None) => None,
    };
    if let Some(reason) = over {
        give_back(store, evidence.claims, now).await?;
        let outcome = Outcome::Deny(None, reason);
        return Ok(Admission {
            outcome,
            session: evidence.session,
            reported: Vec::new(),
        });
    }
    let (admission, unspent) = settle(demands, evidence, now);
    give_back(store, unspent, now).await?;
    Ok(admission)
}

/// Tells why a session may not be used any more, if it may not.
async fn ended<S: Store>(
    store: &S,
    session: SessionId,
    sessions: &SessionOptions,
    now: Timestamp,
) -> Result<Option<Reason>, StoreError> {
    let ask = Ask::session(session, None);
    let held = store.evidence(ask, now).await?;
    Ok(held
        .session
        .and_then(|session| over_limits(&session, sessions, now)))
}

/// Tells what [`admit`] would, and takes nothing.
pub async fn preview<S: Store>(
    store: &S,
    caller: &Caller,
    demands: &[Demand],
    now: Timestamp,
) -> Result<Admission, StoreError> {
    let Some(session) = caller.session else {
        return Ok(settle(demands, Evidence::none(), now).0);
    };
    let grants: Vec<GrantKey> = demands.iter().map(Demand::grant_key).collect();
    let ask = Ask {
        session,
        browser: caller.browser_key,
        grants: &grants,
        claims: &[],
    };
    let mut held = store.evidence(ask, now).await?;
    // Judged as if they had been taken.
    let (single_use, kept) = held
        .grants
        .into_iter()
        .partition(|grant| grant.key.single_use);
    held.grants = kept;
    let as_taken = |grant| Claim { session, grant };
    held.claims = Vec::into_iter(single_use).map(as_taken).collect();
    Ok(settle(demands, weigh(held, caller, now), now).0)
}

/// Puts back what was taken for a request that reached nobody.
pub async fn give_back<S: Store>(
    store: &S,
    claims: Vec<Claim>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for claim in claims {
        store.give_back(claim, now).await?;
    }
    Ok(())
}

async fn fetch<S: Store>(
    store: &S,
    id: SessionId,
    caller: &Caller,
    demands: &[Demand],
    now: Timestamp,
) -> Result<Held, StoreError> {
    let (mut grants, mut claims): (Vec<GrantKey>, Vec<GrantKey>) = (Vec::new(), Vec::new());
    for demand in demands
        .iter()
        .filter(|demand| demand.requirement.needs_grant())
    {
        let enforced = demand.requirement.enforcement == Enforcement::Enforce;
        match demand.requirement.single_use {
            // A route that is only reported must not use up anything.
            true if enforced => push_new(&mut claims, demand.grant_key()),
            true => {}
            false => push_new(&mut grants, demand.grant_key()),
        }
    }
    let ask = |session| Ask {
        session,
        browser: caller.browser_key,
        grants: &grants,
        claims: &claims,
    };
    let held = store.evidence(ask(id), now).await?;
    match (held.session.is_none(), caller.earlier) {
        // The secret was rotated: the session is still filed under the old one.
        (true, Some(earlier)) => {
            store.move_session(earlier, id).await?;
            if !caller.parts.is_empty() {
                store.note_parts(id, &caller.parts).await?;
            }
            store.evidence(ask(id), now).await
        }
        (true | false, _) => Ok(held),
    }
}

fn push_new(keys: &mut Vec<GrantKey>, key: GrantKey) {
    if !keys.contains(&key) {
        keys.push(key);
    }
}

/// Brings together what the store holds and what a trusted proxy asserts.
fn weigh(held: Held, caller: &Caller, now: Timestamp) -> Evidence {
    let Held {
        session,
        mark,
        grants,
        claims,
        latest,
    } = held;
    Evidence {
        session: session_of(session, caller, now),
        browser_key: caller.browser_key,
        asserted_at: caller
            .asserted
            .as_ref()
            .and_then(|asserted| asserted.authenticated_at),
        mark,
        grants,
        claims,
        latest,
    }
}

/// The session of a caller: as it is remembered, unless a trusted proxy asserts another subject,
/// which voids everything that was remembered.
pub fn session_of(remembered: Option<Session>, caller: &Caller, now: Timestamp) -> SessionState {
    match (remembered, &caller.asserted) {
        (Some(session), None) if session.is_disputed() && !session.revoked => {
            SessionState::Disputed
        }
        (Some(session), None) => SessionState::Known(session),
        (Some(session), Some(asserted))
            if session.subject == asserted.subject || session.revoked =>
        {
            SessionState::Known(session)
        }
        (_, Some(asserted)) => SessionState::Known(Session {
            subject: asserted.subject.clone(),
            authenticated_at: None,
            browser_key: None,
            created_at: now,
            seen_at: now,
            revoked: false,
        }),
        (None, None) => SessionState::Unknown,
    }
}

/// Tells whether a session has lasted, or was idle, longer than the settings allow.
pub fn over_limits(session: &Session, options: &SessionOptions, now: Timestamp) -> Option<Reason> {
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

/// Decides, and hands out what must be put back.
fn settle(demands: &[Demand], evidence: Evidence, now: Timestamp) -> (Admission, Vec<Claim>) {
    let session = evidence.session.clone();
    let reported = demands
        .iter()
        .enumerate()
        .filter(|(_, demand)| demand.requirement.enforcement == Enforcement::Report)
        .filter_map(|(index, demand)| Some((index, unmet(demand, &evidence, now)?)))
        .collect();
    let (outcome, unspent) = match decide(demands, evidence, now) {
        Decision::Forward(permit) => (Outcome::Forward(permit), Vec::new()),
        Decision::Challenge(Unmet {
            index,
            reason,
            claims,
        }) => (Outcome::Challenge(index, reason), claims),
        Decision::Deny(Unmet {
            index,
            reason,
            claims,
        }) => (Outcome::Deny(Some(index), reason), claims),
    };
    (
        Admission {
            outcome,
            session,
            reported,
        },
        unspent,
    )
}
