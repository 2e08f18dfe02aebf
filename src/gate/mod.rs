//! The gate: puts the evidence before the decision, and lets out only what was permitted.

mod digest;
mod permitted;

pub use digest::digest;
pub use permitted::Permitted;

use crate::domain::{
    Claim, Demand, Enforcement, Evidence, GrantKey, Met, Reason, SessionId, SessionState,
    Timestamp, Unmet, Verdict, decide, unmet,
};
use crate::session::{Caller, SessionOptions, over_limits, session_of};
use crate::store::{Ask, Held, Store, StoreError};

/// A request at the gate: what became of it, and what was found on the way.
#[derive(Debug)]
pub struct Admission<T> {
    /// The request, if it may pass; else why not, and the request back.
    pub verdict: Verdict<Permitted<T>, (Unmet, T)>,
    /// The session as it was found.
    pub session: SessionState,
    /// The strictest demand that it met, if it may pass and an enforced one was made.
    pub met: Option<Met>,
    /// Whether the store remembers another subject's: all that it holds is void.
    pub is_anothers: bool,
    /// Demands that are only reported and were not met, by their place, and why.
    pub reported: Vec<(usize, Reason)>,
}

/// Whether what can be taken once is taken for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spends {
    /// Not for one that nobody asked for, or that shows nothing: it would be gone for the one that follows.
    No,
    /// As a rule.
    Yes,
}

/// Admits `request` at once where it demands nothing and no session limit is in force: then nothing is
/// asked of the store, and it does not matter who sends it. Else gives it back, for [`admit`].
pub fn admit_undemanded<T>(
    sessions: &SessionOptions,
    demands: &[Demand],
    request: T,
) -> Result<Permitted<T>, T> {
    if demands.is_empty() && !sessions.limits_in_force() {
        Ok(Permitted::new(request, Vec::new()))
    } else {
        Err(request)
    }
}

/// Decides whether `request`, which is of `caller` and makes `demands`, may pass.
///
/// One round trip to the store, and none where nothing is demanded and no session limit is in force.
/// More are made for a session that is still filed under the secret before a rotation, for several
/// credentials and for unknown ones in odd spellings under session limits, and to put back what was taken for a request that is refused.
pub async fn admit<T>(
    store: &Store,
    sessions: &SessionOptions,
    caller: &Caller,
    (demands, spends): (&[Demand], Spends),
    request: T,
    now: Timestamp,
) -> Result<Admission<T>, StoreError> {
    if sessions.limits_in_force() {
        for alone in &caller.alone {
            if let Some(reason) = ended(store, *alone, sessions, now).await? {
                return Ok(Admission::over(request, reason, SessionState::Unknown));
            }
        }
    }
    let asks = !demands.is_empty() || sessions.limits_in_force();
    let Some(id) = caller.session.filter(|_| asks) else {
        return Ok(settle(demands, Evidence::none(), request, now).0);
    };
    let held = fetch(store, id, caller, (demands, spends), now).await?;
    let is_anothers = is_anothers(&held, caller);
    let evidence = weigh(held, caller, now);
    let over = match (&evidence.session, caller.reduced) {
        (SessionState::Known(session), _) => over_limits(session, sessions, now),
        (SessionState::Disputed(session), _) => over_limits(session, sessions, now),
        // Known in another spelling, which only some applications take for the same.
        (SessionState::Absent | SessionState::Unknown, Some(reduced)) => {
            ended(store, reduced, sessions, now).await?
        }
        (SessionState::Absent | SessionState::Unknown, None) => None,
    };
    if let Some(reason) = over {
        // The grants were taken in the same round trip that showed the session.
        give_back(store, evidence.claims, now).await?;
        return Ok(Admission::over(request, reason, evidence.session));
    }
    let (admission, unspent) = settle(demands, evidence, request, now);
    give_back(store, unspent, now).await?;
    Ok(Admission {
        is_anothers,
        ..admission
    })
}

/// Whether the subject that a source names for this very request is not the one that the store remembers.
fn is_anothers(held: &Held, caller: &Caller) -> bool {
    let remembered = held
        .session
        .as_ref()
        .and_then(|session| session.owner.subject());
    let named = caller.asserted.as_ref().map(|asserted| &asserted.subject);
    remembered.is_some_and(|remembered| named.is_some_and(|named| named != remembered))
}

/// Why a session may not be used any more, if it may not.
async fn ended(
    store: &Store,
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

/// What [`admit`] would say; it takes nothing: there is no permit in it.
pub async fn preview(
    store: &Store,
    caller: &Caller,
    demands: &[Demand],
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let Some(session) = caller.session else {
        return Ok(decide(demands, &Evidence::none(), now));
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
    Ok(decide(demands, &weigh(held, caller, now), now))
}

/// Puts back what was taken for a request of which no byte was sent.
pub async fn give_back(
    store: &Store,
    claims: Vec<Claim>,
    now: Timestamp,
) -> Result<(), StoreError> {
    for claim in claims {
        store.give_back(claim, now).await?;
    }
    Ok(())
}

async fn fetch(
    store: &Store,
    id: SessionId,
    caller: &Caller,
    (demands, spends): (&[Demand], Spends),
    now: Timestamp,
) -> Result<Held, StoreError> {
    let (mut grants, mut claims): (Vec<GrantKey>, Vec<GrantKey>) = (Vec::new(), Vec::new());
    for demand in demands
        .iter()
        .filter(|demand| demand.requirement.needs_grant())
    {
        let takes = demand.requirement.enforcement == Enforcement::Enforce && spends == Spends::Yes;
        match demand.requirement.single_use {
            // A route that is only reported must not use up anything.
            true if takes => push_new(&mut claims, demand.grant_key()),
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
    // Two routes may ask for one grant: taken twice, it would be missing for the second.
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
        asserted_at: caller.asserted_at(now),
        mark,
        grants,
        claims,
        latest,
    }
}

/// Decides, and hands out what must be put back.
fn settle<T>(
    demands: &[Demand],
    evidence: Evidence,
    request: T,
    now: Timestamp,
) -> (Admission<T>, Vec<Claim>) {
    let reported = demands
        .iter()
        .enumerate()
        .filter(|(_, demand)| demand.requirement.enforcement == Enforcement::Report)
        .filter_map(|(index, demand)| Some((index, unmet(demand, &evidence, now)?)))
        .collect();
    let decided = decide(demands, &evidence, now);
    let Evidence {
        session, claims, ..
    } = evidence;
    let (verdict, met, unspent) = match decided {
        Verdict::Challenge(unmet) => (Verdict::Challenge((unmet, request)), None, claims),
        Verdict::Deny(unmet) => (Verdict::Deny((unmet, request)), None, claims),
        Verdict::Pass(met) => {
            let permitted = Permitted::new(request, claims);
            (Verdict::Pass(permitted), met, Vec::new())
        }
    };
    let admission = Admission {
        verdict,
        session,
        met,
        is_anothers: false,
        reported,
    };
    (admission, unspent)
}

impl<T> Admission<T> {
    /// Of a session that may not be used any more.
    fn over(request: T, reason: Reason, session: SessionState) -> Self {
        let unmet = Unmet {
            index: None,
            reason,
        };
        Self {
            verdict: Verdict::Deny((unmet, request)),
            session,
            met: None,
            is_anothers: false,
            reported: Vec::new(),
        }
    }
}
