//! Counters of what the sidecar does. Every thread writes its own; who reads adds them up.
//!
//! Nothing here is a lock, an allocation or a cache line of two threads on the way of a request. Labels are
//! words of ours and the ids of the policy's routes, so their number is bounded; a route that a reload
//! removes takes its counters along.

mod asked;
mod families;
mod histogram;
mod read;
mod recorded;
mod table;

pub use asked::{AskedOutcome, QuestionForm};
pub(crate) use families::{
    APPROVALS, ASKED, AUDIT_FAILING, AUDIT_LOST, AUDIT_REFUSED, AUDIT_WAITING, BUILD, CODES,
    CONNECTIONS_OPEN, CONNECTIONS_REFUSED, DECISIONS, DEVICES, POLICY, POLICY_LOADED,
    POLICY_OUTDATED, POLICY_RELOADS, POLICY_ROUTES, REQUESTS, SERVING, STARTED, STORE_ERRORS,
    STORE_LATENCY, THROTTLED, UPSTREAM_CONNECTIONS, UPSTREAM_LATENCY, VERIFICATIONS, WHOAMI,
    WHOAMI_LATENCY,
};
pub use families::{FAMILIES, Family, MetricKind};
pub use histogram::{BOUNDS, Distribution};
pub use read::Counts;

use crate::audit::Outcome;
use crate::domain::{Factor, Reason, RouteId, RouteTable, Timestamp};
use crate::policy::Fingerprint;
use arc_swap::ArcSwap;
use histogram::Histogram;
use recorded::APPROVAL_RESULTS;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use table::CounterTable;

/// Reasons, and none.
const REASONS: usize = Reason::ALL.len() + 1;
/// The outcomes of decisions, and that of a request for which there was nothing to decide.
const OUTCOMES: usize = Outcome::ALL.len() + 1;
/// What became of an answer: one of the reasons, or one of these.
const RESULTS: usize = Reason::ALL.len() + 2;
const VERIFIED: usize = Reason::ALL.len();
const ACCEPTED: usize = Reason::ALL.len() + 1;

thread_local! {
    /// Which of the threads of its sidecar this is; 0 for those that serve nobody.
    static THREAD: Cell<usize> = const { Cell::new(0) };
}

/// Gives the calling thread counters of its own: the worker with this number, counted from 0.
pub fn enter_worker(number: usize) {
    THREAD.set(number + 1);
}

/// What all threads of one sidecar count.
#[derive(Debug)]
pub struct Metrics {
    threads: Box<[PerThread]>,
    routes: ArcSwap<HashMap<RouteId, Arc<[RouteCounts]>>>,
    policy: Mutex<PolicyState>,
    /// When the counters began.
    pub started_at: Timestamp,
}

/// What one thread counts. Aligned so that no two of them share a cache line, nor a pair of prefetched ones.
#[derive(Debug, Default)]
#[repr(align(128))]
struct PerThread {
    requests: CounterTable<OUTCOMES, REASONS>,
    asked: CounterTable<{ QuestionForm::ALL.len() }, { AskedOutcome::ALL.len() }>,
    verifications: CounterTable<{ Factor::ALL.len() }, RESULTS>,
    codes: CounterTable<1, REASONS>,
    approvals: CounterTable<1, { APPROVAL_RESULTS.len() }>,
    devices: CounterTable<1, { APPROVAL_RESULTS.len() }>,
    upstream_latency: Histogram,
    upstream_idle: AtomicU64,
    store_latency: Histogram,
    store_errors: CounterTable<1, { StoreFault::ALL.len() }>,
    whoami: CounterTable<1, { WhoamiOutcome::ALL.len() }>,
    whoami_latency: Histogram,
}

/// The decisions of one thread about one route.
#[derive(Debug, Default)]
#[repr(align(128))]
struct RouteCounts(CounterTable<1, OUTCOMES>);

/// Which policies are in force, and what became of the last ones that were read.
#[derive(Clone, Debug, Default)]
pub struct PolicyState {
    /// Differs from that of any other policies.
    pub fingerprint: String,
    /// How many routes they have.
    pub routes: usize,
    /// When they came into force.
    pub loaded_at: Timestamp,
    /// Whether others were read since, and refused.
    pub is_outdated: bool,
    /// How many reloads brought others into force.
    pub reloaded: u64,
    /// How many reloads were refused.
    pub refused: u64,
}

/// What the store failed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// A record could not be read.
    Corrupt,
    /// It answered too late.
    Timeout,
    /// It could not be reached, or refused.
    Unavailable,
}

impl StoreFault {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Corrupt, Self::Timeout, Self::Unavailable];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What came of a question whose a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhoamiOutcome {
    /// The application had said it a moment ago, or was being asked by another request.
    Kept,
    /// It did not answer in time.
    Late,
    /// It named somebody.
    Named,
    /// It said that nobody is signed in.
    Nobody,
    /// Its answer could not be read, or says neither.
    Unclear,
    /// It could not be reached.
    Unreachable,
}

impl WhoamiOutcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Kept,
        Self::Late,
        Self::Named,
        Self::Nobody,
        Self::Unclear,
        Self::Unreachable,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Late => "late",
            Self::Named => "named",
            Self::Nobody => "nobody",
            Self::Unclear => "unclear",
            Self::Unreachable => "unreachable",
        }
    }
}

impl Metrics {
    /// Counters for so many worker threads.
    pub fn new(workers: usize, now: Timestamp) -> Self {
        Self {
            // The first place is for all threads that serve nobody.
            threads: (0..=workers).map(|_| PerThread::default()).collect(),
            routes: ArcSwap::default(),
            policy: Mutex::default(),
            started_at: now,
        }
    }

    fn own(&self) -> Option<&PerThread> {
        // More workers than there are places count nowhere, rather than in another's.
        self.threads.get(THREAD.get())
    }

    /// Counts a request, once its answer is decided: by what the policies led to, or `None` if they had
    /// nothing to say and we answered it ourselves.
    pub fn request(&self, outcome: Option<Outcome>, reason: Option<Reason>) {
        if let Some(own) = self.own() {
            own.requests.add(place(outcome), cause(reason));
        }
    }

    /// Notes how long the application took from the request to the head of its answer.
    pub fn upstream_answered(&self, latency: Duration) {
        if let Some(own) = self.own() {
            own.upstream_latency.add(latency);
        }
    }

    /// Notes how many connections to the application this thread keeps idle.
    pub fn upstream_idle(&self, connections: usize) {
        if let Some(own) = self.own() {
            let connections = u64::try_from(connections).unwrap_or(u64::MAX);
            own.upstream_idle.store(connections, Ordering::Relaxed);
        }
    }

    /// Notes how long the store took, and what it failed with, if it did.
    pub fn store_answered(&self, latency: Duration, fault: Option<StoreFault>) {
        if let Some(own) = self.own() {
            own.store_latency.add(latency);
            if let Some(fault) = fault {
                own.store_errors.add(0, fault as usize);
            }
        }
    }

    /// Counts a question that the application was asked, with how long it took, or need not be.
    pub fn whoami(&self, outcome: WhoamiOutcome, latency: Option<Duration>) {
        if let Some(own) = self.own() {
            own.whoami.add(0, outcome as usize);
            if let Some(latency) = latency {
                own.whoami_latency.add(latency);
            }
        }
    }

    /// Notes the policies that come into force. The counters of routes that they still have go on.
    pub fn policies_in_force(&self, fingerprint: Fingerprint, table: &RouteTable, now: Timestamp) {
        let before = self.routes.load();
        let ids = table.routes().map(|route| &route.id);
        let routes: HashMap<_, _> = ids
            .map(|id| {
                // A counter never falls (OpenMetrics): a route that stays keeps its own.
                let counts = before.get(id).cloned();
                let fresh = || {
                    self.threads
                        .iter()
                        .map(|_| RouteCounts::default())
                        .collect()
                };
                (id.clone(), counts.unwrap_or_else(fresh))
            })
            .collect();
        let mut policy = self.policy();
        policy.fingerprint = fingerprint.to_string();
        policy.routes = table.count();
        policy.loaded_at = now;
        policy.is_outdated = false;
        self.routes.store(Arc::new(routes));
    }

    /// Counts a reload.
    pub fn reloaded(&self, outcome: Outcome) {
        let mut policy = self.policy();
        if outcome == Outcome::Succeeded {
            policy.reloaded += 1;
        } else {
            policy.refused += 1;
            policy.is_outdated = true;
        }
    }

    fn policy(&self) -> MutexGuard<'_, PolicyState> {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The row of an outcome. One more than there are stands for none.
fn place(outcome: Option<Outcome>) -> usize {
    outcome.map_or(Outcome::ALL.len(), |outcome| outcome as usize)
}

fn cause(reason: Option<Reason>) -> usize {
    reason.map_or(Reason::ALL.len(), |reason| reason as usize)
}

#[cfg(test)]
mod tests;
