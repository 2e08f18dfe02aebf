//! What is read: the counters of all threads, added up.

use super::histogram::Distribution;
use super::recorded::APPROVAL_RESULTS;
use super::table::CounterTable;
use super::{ACCEPTED, Metrics, PolicyState, StoreFault, VERIFIED, WhoamiOutcome, table};
use crate::audit::Outcome;
use crate::domain::{Factor, Reason, RouteId};
use std::sync::atomic::Ordering;

/// Counters as they are read: the values of their labels, and the count. Those at zero may be left out.
pub type Counts<'a, const LABELS: usize> = Vec<([&'a str; LABELS], u64)>;

impl Metrics {
    /// Requests by outcome and reason.
    pub fn requests(&self) -> Counts<'static, 2> {
        let tables = self.threads.iter().map(|thread| &thread.requests);
        table::sum(tables)
            .map(|(outcome, reason, count)| {
                ([outcome_word(outcome), reason_word(reason, "")], count)
            })
            .collect()
    }

    /// Decisions of guarded requests by route and outcome.
    pub fn decisions(&self) -> Vec<(RouteId, &'static str, u64)> {
        let routes = self.routes.load();
        let mut counts = Vec::new();
        for (route, threads) in routes.iter() {
            for (_, outcome, count) in table::sum(threads.iter().map(|thread| &thread.0)) {
                counts.push((route.clone(), outcome_word(outcome), count));
            }
        }
        counts.sort_unstable();
        counts
    }

    /// Answers to challenges by factor and result.
    pub fn verifications(&self) -> Counts<'static, 2> {
        let tables = self.threads.iter().map(|thread| &thread.verifications);
        table::sum(tables)
            .map(|(factor, result, count)| {
                let result = match result {
                    VERIFIED => "verified",
                    ACCEPTED => "accepted",
                    reason => reason_word(reason, ""),
                };
                ([factor_word(factor), result], count)
            })
            .collect()
    }

    /// Codes that were asked for, by result.
    pub fn codes(&self) -> Counts<'static, 1> {
        let tables = self.threads.iter().map(|thread| &thread.codes);
        table::sum(tables)
            .map(|(_, reason, count)| ([reason_word(reason, "sent")], count))
            .collect()
    }

    /// Steps of requests for approval, by what they were.
    pub fn approvals(&self) -> Counts<'static, 1> {
        steps(self.threads.iter().map(|thread| &thread.approvals))
    }

    /// Steps of requests of programs, by what they were.
    pub fn devices(&self) -> Counts<'static, 1> {
        steps(self.threads.iter().map(|thread| &thread.devices))
    }

    /// Answers and codes that were refused by a limit on attempts, by factor.
    pub fn throttled(&self) -> Counts<'static, 1> {
        let is_limit = |word: &str| {
            let limits = [Reason::FactorLocked, Reason::TooManyAttempts];
            limits.iter().any(|limit| limit.as_str() == word)
        };
        let mut counts: Counts<'static, 1> =
            Factor::ALL.map(|factor| ([factor.as_str()], 0)).to_vec();
        let codes = self.codes().into_iter();
        let codes = codes.map(|([result], count)| ([Factor::EmailCode.as_str(), result], count));
        for ([factor, result], count) in self.verifications().into_iter().chain(codes) {
            let own = counts.iter_mut().find(|([word], _)| *word == factor);
            if let Some((_, sum)) = own.filter(|_| is_limit(result)) {
                *sum += count;
            }
        }
        counts
    }

    /// How long the application took.
    pub fn upstream_latency(&self) -> Distribution {
        Distribution::sum(self.threads.iter().map(|thread| &thread.upstream_latency))
    }

    /// How many connections to the application wait for the next request.
    pub fn idle_upstream_connections(&self) -> u64 {
        let idle = self.threads.iter().map(|thread| &thread.upstream_idle);
        idle.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How long the store took.
    pub fn store_latency(&self) -> Distribution {
        Distribution::sum(self.threads.iter().map(|thread| &thread.store_latency))
    }

    /// What the store failed with.
    pub fn store_errors(&self) -> Counts<'static, 1> {
        let tables = self.threads.iter().map(|thread| &thread.store_errors);
        by_word(StoreFault::ALL.map(StoreFault::as_str), tables)
    }

    /// Questions whose a request is, by what came of them.
    pub fn whoami_questions(&self) -> Counts<'static, 1> {
        let tables = self.threads.iter().map(|thread| &thread.whoami);
        by_word(WhoamiOutcome::ALL.map(WhoamiOutcome::as_str), tables)
    }

    /// How long such questions took.
    pub fn whoami_latency(&self) -> Distribution {
        Distribution::sum(self.threads.iter().map(|thread| &thread.whoami_latency))
    }

    /// The policies in force, and their reloads.
    pub fn policy_state(&self) -> PolicyState {
        self.policy().clone()
    }
}

/// The steps of requests that somebody decides.
fn steps<'t>(
    tables: impl Iterator<Item = &'t CounterTable<1, { APPROVAL_RESULTS.len() }>>,
) -> Counts<'static, 1> {
    let word = |result: usize| APPROVAL_RESULTS.get(result).copied().unwrap_or_default();
    table::sum(tables)
        .map(|(_, result, count)| ([word(result)], count))
        .collect()
}

/// The counters of one row, also those at zero, each with the word of its column.
fn by_word<'t, const COLUMNS: usize>(
    words: [&'static str; COLUMNS],
    tables: impl Iterator<Item = &'t CounterTable<1, COLUMNS>>,
) -> Counts<'static, 1> {
    let tables: Vec<_> = tables.collect();
    let sum = |column| tables.iter().map(|table| table.get(0, column)).sum();
    let words = words.into_iter().enumerate();
    words.map(|(column, word)| ([word], sum(column))).collect()
}

pub(super) fn outcome_word(place: usize) -> &'static str {
    Outcome::ALL
        .get(place)
        .map_or("answered", |outcome| outcome.as_str())
}

pub(super) fn reason_word(place: usize, none: &'static str) -> &'static str {
    Reason::ALL
        .get(place)
        .map_or(none, |reason| reason.as_str())
}

pub(super) fn factor_word(place: usize) -> &'static str {
    // `Factor` numbers itself, in the order of `ALL`.
    Factor::ALL.get(place).map_or("", |factor| factor.as_str())
}
