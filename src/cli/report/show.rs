//! A report as text.

use super::files::{FileRead, Joint};
use super::tally::OutcomeCounts;
use super::{AuditReport, Columns};
use crate::cli::output::{Output, plural, printable};
use crate::domain::RouteTable;
use std::io;

pub(super) fn text(report: &AuditReport, most: usize, out: &mut Output) -> io::Result<()> {
    period(report, out)?;
    for file in &report.files {
        writeln!(out, "{}: {}", printable(&file.name), chain(file))?;
        if file.broken > 0 {
            let lines: Vec<_> = file.broken_lines.iter().map(u64::to_string).collect();
            let more = if file.broken > lines.len() as u64 {
                ", …"
            } else {
                ""
            };
            writeln!(
                out,
                "{}: {} not counted, which {} no lines of an audit log: {}{more}",
                printable(&file.name),
                file.broken,
                if file.broken == 1 { "is" } else { "are" },
                lines.join(", ")
            )?;
        }
    }
    for note in &report.notes {
        writeln!(out, "note: {note}")?;
    }
    reasons(report, out)?;
    routes(report, out)?;
    people(report, most, out)?;
    unprovable(report, most, out)?;
    if let Some(unmatched) = unmatched(report) {
        writeln!(out, "\nRoutes that never matched: {}", unmatched.len())?;
        for route in unmatched {
            writeln!(out, "  {route}")?;
        }
    }
    Ok(())
}

fn period(report: &AuditReport, out: &mut Output) -> io::Result<()> {
    let tally = &report.tally;
    let since = tally.since.as_deref();
    let since = since
        .map(|since| format!(" since {since}"))
        .unwrap_or_default();
    match (&tally.first, &tally.last) {
        (Some(first), Some(last)) => {
            let (first, last) = (printable(first), printable(last));
            writeln!(out, "{} events{since}, {first} to {last}", tally.events)?;
        }
        (_, _) => writeln!(out, "no event{since}")?,
    }
    if tally.left_out > 0 {
        let left_out = tally.left_out;
        writeln!(
            out,
            "{left_out} decisions are told apart by neither route nor person: there are too many"
        )?;
    }
    Ok(())
}

/// What is known of the chain of a file.
fn chain(file: &FileRead) -> String {
    if let Some(fault) = &file.chain.fault {
        return format!("chain NOT verified: {fault}; the rest was counted unchecked");
    }
    let (Some(first), Some(last)) = (file.chain.first, file.chain.last) else {
        return "no line of an audit log".to_owned();
    };
    let joint = match file.joint {
        Joint::Begins => "",
        Joint::Continues => ", continues the file before",
        Joint::Elsewhere => ", continues a file that was not read, or not as it was",
    };
    format!("chain ok, number {first} to {last}{joint}")
}

fn reasons(report: &AuditReport, out: &mut Output) -> io::Result<()> {
    let total: u64 = report.tally.decisions.values().sum();
    let anonymous = report.tally.without_person;
    writeln!(
        out,
        "\nDecisions on guarded requests: {total}, of which {anonymous} about nobody who is known"
    )?;
    let mut columns = Columns::new(["outcome", "reason", "count"]);
    for ((outcome, reason), count) in &report.tally.decisions {
        columns.push([outcome.clone(), reason.clone(), count.to_string()]);
    }
    columns.write(out)
}

fn routes(report: &AuditReport, out: &mut Output) -> io::Result<()> {
    writeln!(out, "\nRoutes that matched: {}", report.tally.routes.len())?;
    let heading = [
        "route",
        "level",
        "enforcement",
        "met",
        "passed",
        "would ask",
        "asked",
        "denied",
        "failed",
        "people asked",
    ];
    let mut columns = Columns::new(heading);
    for route in sorted(report) {
        let OutcomeCounts {
            passed,
            would_be_asked,
            asked,
            denied,
            failed,
        } = route.counts;
        let numbers = [
            route.counts.all(),
            passed,
            would_be_asked,
            asked,
            denied,
            failed,
            route.people,
        ];
        let [met, passed, would, asked, denied, failed, people] = numbers.map(|it| it.to_string());
        columns.push([
            printable(route.id),
            route
                .level
                .map(|level| level.to_string())
                .unwrap_or_default(),
            printable(route.enforcement.unwrap_or_default()),
            met,
            passed,
            would,
            asked,
            denied,
            failed,
            people,
        ]);
    }
    columns.write(out)
}

fn people(report: &AuditReport, most: usize, out: &mut Output) -> io::Result<()> {
    let people = report.tally.asked();
    let count = people.len();
    let would = people
        .iter()
        .filter(|(_, person)| person.counts.would_be_asked > 0);
    writeln!(
        out,
        "\nPeople who were asked or would have been: {count} ({} by routes that only report)",
        would.count()
    )?;
    let mut columns = Columns::new([
        "user",
        "would be asked",
        "asked",
        "verified",
        "last",
        "routes",
    ]);
    for (name, person) in people.iter().take(most) {
        columns.push([
            printable(name),
            person.counts.would_be_asked.to_string(),
            person.counts.asked.to_string(),
            person.verified.to_string(),
            printable(&person.last),
            printable(&report.tally.names(&person.routes).join(", ")),
        ]);
    }
    columns.write(out)?;
    more(count, most, out)
}

fn unprovable(report: &AuditReport, most: usize, out: &mut Output) -> io::Result<()> {
    let Some(people) = &report.unprovable else {
        return Ok(());
    };
    let count = people.len();
    writeln!(
        out,
        "\nOf these without a usable factor for a route that they met: {count}"
    )?;
    let mut columns = Columns::new(["user", "directory", "can show", "routes"]);
    for person in people.iter().take(most) {
        let known = if person.in_directory {
            "known"
        } else {
            "unknown"
        };
        columns.push([
            printable(&person.name),
            known.to_owned(),
            person.factors.join(", "),
            printable(&person.routes.join(", ")),
        ]);
    }
    columns.write(out)?;
    more(count, most, out)
}

fn more(count: usize, most: usize, out: &mut Output) -> io::Result<()> {
    match count.checked_sub(most) {
        Some(more @ 1..) => writeln!(
            out,
            "and {more} more {}; `--most` and `--json` show them",
            plural(more, "user")
        ),
        Some(0) | None => Ok(()),
    }
}

/// A route with what the policies say of it, or else the log.
pub(super) struct RouteRow<'r> {
    pub(super) id: &'r str,
    pub(super) level: Option<u8>,
    pub(super) enforcement: Option<&'r str>,
    pub(super) counts: OutcomeCounts,
    pub(super) people: u64,
}

pub(super) fn sorted(report: &AuditReport) -> Vec<RouteRow<'_>> {
    let mut rows: Vec<_> = (report.tally.routes.iter())
        .map(|route| {
            let mut routes = report.table.iter().flat_map(RouteTable::routes);
            let known = routes.find(|known| known.id.as_str() == route.id);
            RouteRow {
                id: &route.id,
                level: known.map_or(route.level, |known| Some(known.requirement.level.number())),
                enforcement: known.map_or(route.enforcement.as_deref(), |known| {
                    Some(known.requirement.enforcement.as_str())
                }),
                counts: route.counts,
                people: route.people,
            }
        })
        .collect();
    // What is met most is looked at first.
    rows.sort_by(|a, b| {
        b.counts
            .all()
            .cmp(&a.counts.all())
            .then_with(|| a.id.cmp(b.id))
    });
    rows
}

/// The routes of the policies that no request of the log matched.
pub(super) fn unmatched(report: &AuditReport) -> Option<Vec<&str>> {
    let table = report.table.as_ref()?;
    let is_met = |id: &str| report.tally.routes.iter().any(|route| route.id == id);
    let routes = table.routes().map(|route| route.id.as_str());
    Some(routes.filter(|id| !is_met(id)).collect())
}
