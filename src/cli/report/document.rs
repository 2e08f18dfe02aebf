//! A report as JSON.

use super::AuditReport;
use super::files::{FileRead, Joint};
use super::show::{sorted, unmatched};
use super::tally::{OutcomeCounts, PersonTally};
use serde_json::{Value, json};

/// All of it, with everybody.
pub(super) fn json(report: &AuditReport) -> Value {
    let tally = &report.tally;
    let decisions = tally.decisions.iter().map(|((outcome, reason), count)| {
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        json!({ "outcome": outcome, "reason": reason, "count": count })
    });
    let routes = sorted(report).into_iter().map(|route| {
        let mut document = counts(&route.counts);
        let more = json!({
            "route": route.id, "level": route.level, "enforcement": route.enforcement,
            "met": route.counts.all(), "people_asked": route.people,
        });
        extend(&mut document, more);
        document
    });
    let people = tally.asked();
    let people = people
        .iter()
        .map(|(name, person)| person_json(report, name, person));
    let unprovable = report.unprovable.as_ref().map(|people| {
        let people = people.iter().map(|person| {
            json!({
                "user": person.name, "in_directory": person.in_directory, "factors": person.factors,
                "routes": person.routes,
            })
        });
        people.collect::<Vec<_>>()
    });
    json!({
        "since": tally.since, "from": tally.first, "to": tally.last, "events": tally.events,
        "files": report.files.iter().map(file_json).collect::<Vec<_>>(),
        "notes": report.notes,
        "decisions": decisions.collect::<Vec<_>>(),
        "decisions_about_nobody": tally.without_person,
        "decisions_left_out": tally.left_out,
        "routes": routes.collect::<Vec<_>>(),
        "never_matched": unmatched(report),
        "people": people.collect::<Vec<_>>(),
        "without_usable_factor": unprovable,
    })
}

fn person_json(report: &AuditReport, name: &str, person: &PersonTally) -> Value {
    let mut document = counts(&person.counts);
    let more = json!({
        "user": name, "verified": person.verified, "last": person.last,
        "routes": report.tally.names(&person.routes),
    });
    extend(&mut document, more);
    document
}

fn counts(counts: &OutcomeCounts) -> Value {
    json!({
        "passed": counts.passed, "would_be_asked": counts.would_be_asked, "asked": counts.asked,
        "denied": counts.denied, "failed": counts.failed,
    })
}

fn extend(document: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (document, more) {
        fields.extend(more);
    }
}

fn file_json(file: &FileRead) -> Value {
    let follows = match file.joint {
        Joint::Begins => "begins",
        Joint::Continues => "continues the file before",
        Joint::Elsewhere => "continues a file that was not read",
    };
    json!({
        "file": file.name, "first": file.chain.first, "last": file.chain.last, "head": file.chain.head,
        "chain_verified": file.chain.fault.is_none() && file.chain.first.is_some(),
        "fault": file.chain.fault.as_ref().map(ToString::to_string),
        "joint": follows, "broken_lines": file.broken,
    })
}
