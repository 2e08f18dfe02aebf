//! Our readings against those of real parsers: what any of them takes for a session that we do not
//! know to be there, or for a guarded path or parameter that we do not guard, is a finding.
//!
//! Cases are made from honest ones and from a table of odd ones, by chance that a seed repeats:
//! `DIFFERENTIAL_SEED`. Each subject runs for `DIFFERENTIAL_SECONDS`, a few by default;
//! `scripts/differential` runs for long. A finding is made as short as it stays one, and told with the
//! parser that disagrees. Nothing is skipped: where a parser is missing, all of it fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)] // a broken expectation is a test's way to speak

mod cookies;
mod generator;
mod multipart;
mod paths;
mod queries;
mod readers;

use generator::{Chance, shorter};
use readers::{Ask, Readers, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What is asked at once.
const BATCH: usize = 256;

/// How long findings are made shorter, after which they are told as they are.
const SHORTENING: Duration = Duration::from_secs(30);

/// One input: some texts, and which of the subject's settings they meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    setting: usize,
    texts: Vec<Vec<u8>>,
}

/// What we make of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ours {
    /// It goes no further.
    Refused,
    /// It is guarded, or of no session that is known.
    Guarded,
    /// It goes on.
    Passed,
}

/// What a parser reads and we do not: the words for it, and the parser.
type Finding = (&'static str, String);

/// One kind of text that we and others read.
trait Subject {
    fn name(&self) -> &'static str;

    /// Cases that every parser reads; otherwise one that reads nothing would find nothing.
    fn odd(&self) -> Vec<Case>;

    /// A new one.
    fn case(&self, chance: &mut Chance) -> Case;

    /// What the parsers are asked of it. None if it does not come as far as to an application.
    fn asks(&self, case: &Case) -> Vec<Ask>;

    /// What we make of it, and who disagrees.
    fn judge(&self, case: &Case, answers: &[Vec<Seen>]) -> (Ours, Vec<Finding>);

    /// The case in words.
    fn describe(&self, case: &Case) -> String;
}

/// How many cases of each finding and setting are kept, to be told as short as they get.
const EXAMPLES: usize = 6;

/// And how many of all settings together.
const ALL_EXAMPLES: usize = 10;

/// What came of a run.
#[derive(Default)]
struct Tally {
    cases: usize,
    ours: BTreeMap<Ours, usize>,
    /// How often, and some of the cases.
    found: BTreeMap<Finding, (usize, BTreeSet<Case>)>,
}

impl Tally {
    fn add(&mut self, case: &Case, ours: Ours, findings: Vec<Finding>) {
        self.cases += 1;
        *self.ours.entry(ours).or_default() += 1;
        for finding in findings {
            let (count, examples) = self.found.entry(finding).or_default();
            *count += 1;
            let alike = examples
                .iter()
                .filter(|known| known.setting == case.setting);
            if alike.count() < EXAMPLES && examples.len() < ALL_EXAMPLES {
                examples.insert(case.clone());
            }
        }
    }
}

/// Runs a subject for its time. Panics with everything that was found.
fn run(subject: &impl Subject, readers: &Mutex<Readers>) {
    let seed = setting("DIFFERENTIAL_SEED").unwrap_or(1);
    let seconds = setting("DIFFERENTIAL_SECONDS").unwrap_or(5);
    let versions = locked(readers).versions.join("; ");
    eprintln!("{}: {versions}", subject.name());
    let mut chance = Chance::new(seed);
    let mut tally = Tally::default();
    let mut waiting = subject.odd();
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until || !waiting.is_empty() {
        while waiting.len() < BATCH {
            waiting.push(subject.case(&mut chance));
        }
        let cases: Vec<_> = waiting.drain(..BATCH).collect();
        for (case, (ours, findings)) in cases.iter().zip(look(subject, readers, &cases)) {
            tally.add(case, ours, findings);
        }
    }
    let until = Instant::now() + SHORTENING;
    for (finding, (_, examples)) in &mut tally.found {
        let shrunk = std::mem::take(examples).into_iter();
        examples.extend(shrunk.map(|case| shortest(subject, readers, finding, case, until)));
    }
    let report = report(subject, &tally, seed);
    assert!(tally.found.is_empty(), "{report}");
    eprintln!("{report}");
}

/// What we make of each case, and who disagrees.
fn look(
    subject: &impl Subject,
    readers: &Mutex<Readers>,
    cases: &[Case],
) -> Vec<(Ours, Vec<Finding>)> {
    let asks: Vec<_> = cases.iter().map(|case| subject.asks(case)).collect();
    let mut answers = locked(readers).ask(&asks.concat()).into_iter();
    let judged = cases.iter().zip(asks).map(|(case, asks)| {
        let answers: Vec<_> = answers.by_ref().take(asks.len()).collect();
        subject.judge(case, &answers)
    });
    judged.collect()
}

/// Another subject may have ended with what it found.
fn locked(readers: &Mutex<Readers>) -> MutexGuard<'_, Readers> {
    readers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The case without what it does not need to stay this finding.
fn shortest(
    subject: &impl Subject,
    readers: &Mutex<Readers>,
    finding: &Finding,
    mut case: Case,
    until: Instant,
) -> Case {
    while Instant::now() < until {
        let shorter = shorter(&case);
        let judged = look(subject, readers, &shorter);
        let found = shorter
            .into_iter()
            .zip(judged)
            .find(|(_, (_, findings))| findings.contains(finding));
        match found {
            Some((shorter, _)) => case = shorter,
            None => break,
        }
    }
    case
}

fn report(subject: &impl Subject, tally: &Tally, seed: u64) -> String {
    let mut text = format!("{}: {} cases of seed {seed}", subject.name(), tally.cases);
    for (ours, count) in &tally.ours {
        write!(text, ", {count} {ours:?}").unwrap();
    }
    let total: usize = tally.found.values().map(|(count, _)| count).sum();
    write!(text, ", {total} findings").unwrap();
    for ((what, parser), (count, examples)) in &tally.found {
        write!(text, "\n  {what}, {parser}, {count} times").unwrap();
        for case in examples {
            write!(text, "\n    {}", subject.describe(case)).unwrap();
        }
    }
    text
}

#[allow(clippy::disallowed_methods)] // the switches are for whoever runs the test
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}: no number")),
    )
}

#[test]
fn no_parser_sees_a_session_that_we_do_not() {
    let readers = Readers::shared();
    run(&cookies::Cookies::new(&readers), &readers);
}

#[test]
fn no_router_reaches_a_guarded_path_that_we_do_not_guard() {
    let readers = Readers::shared();
    run(&paths::Paths::new(&readers), &readers);
}

#[test]
fn no_parser_sees_a_guarded_parameter_that_we_do_not() {
    let readers = Readers::shared();
    run(&queries::Queries::new(&readers), &readers);
}
