//! What real clients make of a refusal: libraries of pages in a real browser, and programs.

mod attacks;
mod guide;
mod libraries;
mod loads;
mod pages;
mod programs;
mod rpc;

pub(crate) use pages::{After, PAGES, application, policy};

use crate::client_script;
use crate::support::run;
use crate::support::written::assert_written;
use std::fmt::Write;

/// What a client was told, and what became of it.
pub(crate) struct Outcome {
    /// The client, with its version.
    pub(crate) client: String,
    /// What the refusal was.
    pub(crate) refusal: String,
    /// What a person sees.
    pub(crate) seen: &'static str,
}

#[test]
fn the_page_tells_what_each_client_makes_of_a_refusal() {
    let mut outcomes = Vec::new();
    // Each with a deadline of its own.
    run(async { outcomes.extend(libraries::journeys().await) });
    run(async { outcomes.extend(client_script::library_journeys().await) });
    run(async { outcomes.extend(client_script::journeys().await) });
    run(async { outcomes.extend(loads::outcomes().await) });
    run(async { outcomes.extend(rpc::calls().await) });
    run(async { outcomes.extend(programs::refusals().await) });
    let mut told = INTRODUCTION.to_owned();
    for outcome in outcomes {
        let (client, refusal, seen) = (outcome.client, outcome.refusal, outcome.seen);
        writeln!(told, "| {client} | {refusal} | {seen} |").unwrap();
    }
    assert_written("docs/compatibility.md", "clients", &told);
}

const INTRODUCTION: &str = "
## Clients

What real clients are answered when a guarded request lacks a proof, and what a person sees then. Tests run each of them, and write this part.

| Client | A refused call is answered with | What a person sees |
|---|---|---|
";
