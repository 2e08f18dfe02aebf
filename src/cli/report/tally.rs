//! What an audit log says of a roll-out: per route, per person, per reason. Bounded, whatever the log holds.

use crate::domain::{Factor, FactorSet};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The members of a line that are counted.
#[derive(Debug, Deserialize)]
struct AuditLine<'l> {
    #[serde(borrow)]
    time: Cow<'l, str>,
    #[serde(borrow)]
    event: Cow<'l, str>,
    #[serde(borrow)]
    outcome: Cow<'l, str>,
    #[serde(borrow)]
    reason: Option<Cow<'l, str>>,
    #[serde(borrow, default)]
    routes: Vec<Cow<'l, str>>,
    level: Option<u8>,
    #[serde(borrow)]
    enforcement: Option<Cow<'l, str>>,
    #[serde(borrow)]
    subject: Option<Cow<'l, str>>,
    #[serde(borrow)]
    factor: Option<Cow<'l, str>>,
}

/// What is counted of a log.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Lines before it are not counted.
    pub(super) since: Option<String>,
    /// Routes that only report, where the policies are known: the others of a reported request passed.
    pub(super) reporting: Option<BTreeSet<String>>,
    pub(super) events: u64,
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    /// Decisions by outcome and reason.
    pub(super) decisions: BTreeMap<(String, String), u64>,
    pub(super) routes: Vec<RouteTally>,
    route_places: HashMap<String, usize>,
    pub(super) people: HashMap<String, PersonTally>,
    /// Decisions about requests of nobody who is known.
    pub(super) without_person: u64,
    /// Decisions that are not attributed, since there are more people or routes than are kept.
    pub(super) left_out: u64,
}

/// What one route met.
#[derive(Debug, Default)]
pub(super) struct RouteTally {
    pub(super) id: String,
    /// The strictest level of a request that matched it alone.
    pub(super) level: Option<u8>,
    pub(super) enforcement: Option<String>,
    pub(super) counts: OutcomeCounts,
    /// How many people met it.
    pub(super) people: u64,
}

/// Decisions by what became of the request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OutcomeCounts {
    pub(super) passed: u64,
    /// Forwarded, and would have been challenged if the route were enforced.
    pub(super) would_be_asked: u64,
    pub(super) asked: u64,
    pub(super) denied: u64,
    pub(super) failed: u64,
}

impl OutcomeCounts {
    fn count(&mut self, outcome: &str) {
        match outcome {
            "forwarded" => self.passed += 1,
            "reported" => self.would_be_asked += 1,
            "challenged" => self.asked += 1,
            "denied" => self.denied += 1,
            _ => self.failed += 1,
        }
    }

    pub(super) const fn all(&self) -> u64 {
        self.passed + self.would_be_asked + self.asked + self.denied + self.failed
    }
}

/// What one person met.
#[derive(Debug, Default)]
pub(super) struct PersonTally {
    pub(super) counts: OutcomeCounts,
    /// Challenges that were met.
    pub(super) verified: u64,
    /// What was shown.
    pub(super) proven: FactorSet,
    /// Places in [`Tally::routes`], of the routes that asked for something or would have.
    pub(super) routes: Vec<usize>,
    pub(super) last: String,
}

impl Tally {
    /// Counts a line; returns whether it is one of an audit log.
    pub(super) fn line(&mut self, text: &[u8]) -> bool {
        let Ok(line) = serde_json::from_slice::<AuditLine<'_>>(text) else {
            return false;
        };
        // Both have the same form, to the millisecond and in UTC.
        if self
            .since
            .as_deref()
            .is_some_and(|since| *line.time < *since)
        {
            return true;
        }
        self.events += 1;
        if self.first.is_none() {
            self.first = Some(line.time.to_string());
        }
        self.last = Some(line.time.to_string());
        match &*line.event {
            "decision" => self.decision(&line),
            "verified" | "factor-answered" if line.outcome == "succeeded" => self.proof(&line),
            _ => {}
        }
        true
    }

    fn decision(&mut self, line: &AuditLine<'_>) {
        let reason = line.reason.as_deref().unwrap_or_default();
        let key = (line.outcome.to_string(), reason.to_owned());
        // Both are words of ours; a log that has others is somebody else's.
        if self.decisions.len() < MOST_REASONS || self.decisions.contains_key(&key) {
            *self.decisions.entry(key).or_default() += 1;
        }
        let mut places = Vec::new();
        for id in &line.routes {
            let Some(place) = self.route(id) else {
                self.left_out += 1;
                continue;
            };
            let reports = self
                .reporting
                .as_ref()
                .is_none_or(|all| all.contains(&**id));
            let outcome = match &*line.outcome {
                "reported" if !reports => "forwarded",
                outcome => outcome,
            };
            if let Some(route) = self.routes.get_mut(place) {
                route.counts.count(outcome);
                if line.routes.len() == 1 {
                    route.level = route.level.max(line.level);
                    route.enforcement = line.enforcement.as_deref().map(str::to_owned);
                }
            }
            if matches!(outcome, "reported" | "challenged") {
                places.push(place);
            }
        }
        let Some(subject) = line.subject.as_deref() else {
            self.without_person += 1;
            return;
        };
        let Some(person) = self.person(subject) else {
            self.left_out += 1;
            return;
        };
        person.counts.count(&line.outcome);
        line.time.as_ref().clone_into(&mut person.last);
        places.retain(|place| !person.routes.contains(place));
        places.sort_unstable();
        places.dedup();
        person.routes.extend(&places);
        for place in places {
            if let Some(route) = self.routes.get_mut(place) {
                route.people += 1;
            }
        }
    }

    fn proof(&mut self, line: &AuditLine<'_>) {
        let factor = line
            .factor
            .as_deref()
            .and_then(|word| word.parse::<Factor>().ok());
        let is_verified = line.event == "verified";
        if let Some(person) = line
            .subject
            .as_deref()
            .and_then(|subject| self.person(subject))
        {
            person.verified += u64::from(is_verified);
            if let Some(factor) = factor {
                person.proven = person.proven.with(factor);
            }
        }
    }

    fn route(&mut self, id: &str) -> Option<usize> {
        if let Some(place) = self.route_places.get(id) {
            return Some(*place);
        }
        let place = self.routes.len();
        (place < MOST_ROUTES).then(|| {
            self.route_places.insert(id.to_owned(), place);
            self.routes.push(RouteTally {
                id: id.to_owned(),
                ..RouteTally::default()
            });
            place
        })
    }

    fn person(&mut self, subject: &str) -> Option<&mut PersonTally> {
        if !self.people.contains_key(subject) {
            if self.people.len() >= MOST_PEOPLE {
                return None;
            }
            self.people
                .insert(subject.to_owned(), PersonTally::default());
        }
        self.people.get_mut(subject)
    }

    /// The people who were asked or would have been, the most often first.
    pub(super) fn asked(&self) -> Vec<(&str, &PersonTally)> {
        let times = |person: &PersonTally| person.counts.would_be_asked + person.counts.asked;
        let people = self.people.iter().filter(|(_, person)| times(person) > 0);
        let mut people: Vec<_> = people
            .map(|(name, person)| (name.as_str(), person))
            .collect();
        people.sort_unstable_by(|(name, a), (other, b)| {
            times(b).cmp(&times(a)).then_with(|| name.cmp(other))
        });
        people
    }

    /// The names of routes, by their places.
    pub(super) fn names(&self, places: &[usize]) -> Vec<&str> {
        let names = places.iter().filter_map(|place| self.routes.get(*place));
        names.map(|route| route.id.as_str()).collect()
    }
}

/// How many people are told apart: some hundred bytes each.
const MOST_PEOPLE: usize = 200_000;
const MOST_ROUTES: usize = 10_000;
const MOST_REASONS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(time: &str, outcome: &str, routes: &str, subject: &str) -> String {
        format!(
            "{{\"time\":\"2026-01-0{time}T00:00:00.000Z\",\"event\":\"decision\",\"outcome\":\"{outcome}\",\
             \"reason\":\"x\",\"routes\":[{routes}],\"level\":3,\"subject\":\"{subject}\"}}"
        )
    }

    #[test]
    fn of_a_reported_request_only_the_routes_that_report_would_have_asked() {
        let mut tally = Tally {
            reporting: Some(BTreeSet::from(["a".to_owned()])),
            ..Tally::default()
        };
        assert!(tally.line(line("1", "reported", "\"a\",\"b\"", "ann").as_bytes()));
        let counts: Vec<_> = tally.routes.iter().map(|route| route.counts).collect();
        assert_eq!((counts[0].would_be_asked, counts[0].passed), (1, 0));
        assert_eq!((counts[1].would_be_asked, counts[1].passed), (0, 1));
        let (name, person) = tally.asked()[0];
        assert_eq!((name, tally.names(&person.routes)), ("ann", vec!["a"]));
    }

    #[test]
    fn what_was_before_is_read_and_not_counted() {
        let mut tally = Tally {
            since: Some("2026-01-02T00:00:00.000Z".to_owned()),
            ..Tally::default()
        };
        for day in ["1", "2", "3"] {
            assert!(tally.line(line(day, "challenged", "\"a\"", "ann").as_bytes()));
        }
        assert!(!tally.line(b"{\"time\":1}"));
        assert_eq!(
            (
                tally.events,
                tally.routes[0].counts.asked,
                tally.routes[0].people
            ),
            (2, 2, 1)
        );
    }

    #[test]
    fn no_log_makes_it_keep_more_than_its_bounds() {
        let mut tally = Tally::default();
        for number in 0..MOST_ROUTES + 5 {
            let route = format!("\"r{number}\"");
            tally.line(line("1", "denied", &route, &format!("s{number}")).as_bytes());
        }
        assert_eq!((tally.routes.len(), tally.left_out), (MOST_ROUTES, 5));
    }
}
