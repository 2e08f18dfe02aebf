//! `stepgate report`: what an audit log says of a roll-out.

mod document;
mod files;
mod people;
mod show;
mod tally;

use super::arguments::ReportArguments;
use super::error::CliError;
use super::output::Output;
use super::table::Columns;
use crate::audit::AuditTarget;
use crate::clock::Clock;
use crate::domain::{Enforcement, Route, RouteTable};
use crate::policy;
use crate::settings::{self, Settings};
use crate::telemetry;
use crate::yaml::Span;
use files::FileRead;
use jiff::{Timestamp, civil};
use people::Unprovable;
use std::path::PathBuf;
use std::sync::Arc;
use tally::Tally;

/// All that is told.
struct AuditReport {
    files: Vec<FileRead>,
    tally: Tally,
    /// The policies in force; `None` if they cannot be read.
    table: Option<RouteTable>,
    /// People without a usable factor; `None` if the directory cannot be read.
    unprovable: Option<Vec<Unprovable>>,
    /// What could not be found out, and why.
    notes: Vec<String>,
}

pub(super) fn run(arguments: &ReportArguments, out: &mut Output) -> Result<(), CliError> {
    let mut notes = Vec::new();
    let settings = match settings::load(&arguments.config.config) {
        Ok(settings) => Some(settings),
        Err(mistakes) if arguments.files.is_empty() => {
            return Err(CliError::Configuration(mistakes));
        }
        // The log alone tells much, and may have been brought from another machine.
        Err(_) => None,
    };
    let paths = paths(arguments, settings.as_ref())?;
    let table = settings.as_ref().and_then(|settings| {
        let policies = policy::load(&settings.policies, &settings.groups).ok()?;
        policies.into_table().ok()
    });
    if table.is_none() {
        let config = arguments.config.config.display();
        notes.push(format!(
            "`{config}` or its policies cannot be used (`stepgate check` says why): which routes never matched, \
             and who has no usable factor, is not known"
        ));
    }
    let mut tally = Tally::default();
    let since = arguments.since.as_deref();
    tally.since = since
        .map(|text| since_when(text, &Clock::System))
        .transpose()?;
    tally.reporting = table.as_ref().map(|table| {
        let reports = |route: &&Arc<Route>| route.requirement.enforcement == Enforcement::Report;
        let reporting = table.routes().filter(reports);
        reporting.map(|route| route.id.to_string()).collect()
    });
    let files = files::read(&paths, &mut tally)?;
    let mut unprovable = None;
    if let (Some(settings), Some(table)) = (settings, &table) {
        match people::without_factor(settings, table, &tally) {
            Ok((people, note)) => {
                notes.extend(note);
                unprovable = Some(people);
            }
            Err(error) => notes.push(format!(
                "the directory cannot be read ({}): who has no usable factor is not known",
                telemetry::chain(&error)
            )),
        }
    }
    let report = AuditReport {
        files,
        tally,
        table,
        unprovable,
        notes,
    };
    if arguments.json {
        writeln!(out, "{:#}", document::json(&report))?;
    } else {
        show::text(&report, arguments.most, out)?;
    }
    Ok(())
}

/// What is read: what was named, or the log of the settings.
fn paths(
    arguments: &ReportArguments,
    settings: Option<&Settings>,
) -> Result<Vec<PathBuf>, CliError> {
    if !arguments.files.is_empty() {
        return Ok(arguments.files.clone());
    }
    match settings.map(|settings| &settings.audit.target) {
        Some(AuditTarget::File(path)) => Ok(vec![path.clone()]),
        Some(AuditTarget::Stderr | AuditTarget::Stdout) | None => Err(CliError::Usage(
            "the audit log is no file here: name one, or `-` for standard input".to_owned(),
        )),
    }
}

/// A time as lines have it, from `7d`, a day or a point in time.
fn since_when(text: &str, clock: &Clock) -> Result<String, CliError> {
    let wrong = || {
        let message = format!(
            "`{}` is no time: expected such as `24h`, `7d`, `2026-11-20` or `2026-11-20T08:00:00Z`",
            text.escape_debug()
        );
        CliError::Usage(message)
    };
    let now = i64::try_from(clock.now().as_millis()).map_err(|_| wrong())?;
    let millis = if let Some(Span(span)) = Span::read(text) {
        let span = i64::try_from(span.as_millis()).map_err(|_| wrong())?;
        now.saturating_sub(span)
    } else if let Ok(at) = text.parse::<Timestamp>() {
        at.as_millisecond()
    } else {
        let day = text.parse::<civil::Date>().map_err(|_| wrong())?;
        let midnight = day.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        midnight.map_err(|_| wrong())?.timestamp().as_millisecond()
    };
    let at = Timestamp::from_millisecond(millis).map_err(|_| wrong())?;
    Ok(format!("{at:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_an_age_a_day_or_a_point() {
        let clock = Clock::System;
        let since = |text: &str| since_when(text, &clock).ok();
        assert_eq!(
            since("2026-11-20").as_deref(),
            Some("2026-11-20T00:00:00.000Z")
        );
        assert_eq!(
            since("2026-11-20T09:00:00+01:00").as_deref(),
            Some("2026-11-20T08:00:00.000Z")
        );
        assert!(since("1h").unwrap() < since("1m").unwrap());
        for wrong in ["", "7", "yesterday", "2026-13-01", "99999999999999999d"] {
            assert_eq!(since(wrong), None, "{wrong}");
        }
    }
}
