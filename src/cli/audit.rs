//! `stepgate audit`.

use super::arguments::{AuditCommand, AuditVerify};
use super::error::CliError;
use super::output::{Output, plural};
use crate::audit::{Report, verify};
use std::fs::File;
use std::io::{self, BufReader};

pub(super) fn run(command: &AuditCommand, out: &mut Output) -> Result<(), CliError> {
    match command {
        AuditCommand::Verify(arguments) => check(arguments, out),
    }
}

fn check(arguments: &AuditVerify, out: &mut Output) -> Result<(), CliError> {
    let name = arguments.file.display().to_string();
    let failed = || CliError::io(format!("cannot read `{name}`"));
    let report = if name == "-" {
        verify(io::stdin().lock()).map_err(failed())?
    } else {
        let file = File::open(&arguments.file).map_err(failed())?;
        verify(BufReader::new(file)).map_err(failed())?
    };
    describe(&report, out)?;
    match &report.fault {
        Some(fault) => Err(CliError::Impossible(format!("{name}: {fault}"))),
        None => Ok(()),
    }
}

fn describe(report: &Report, out: &mut Output) -> io::Result<()> {
    let (Some(first), Some(last)) = (report.first, report.last) else {
        return writeln!(out, "no line of an audit log was read");
    };
    let verdict = if report.fault.is_some() {
        "good so far"
    } else {
        "ok"
    };
    let lines = usize::try_from(report.lines).unwrap_or(usize::MAX);
    writeln!(
        out,
        "{verdict}: {lines} {}, number {first} to {last}",
        plural(lines, "line")
    )?;
    // A file of a rotated log: the operator compares this head with the last one of the file
    // before.
    if first > 1
        && let Some(head) = &report.continues
    {
        writeln!(out, "continues the log whose head is {head}")?;
    }
    for line in &report.torn {
        writeln!(
            out,
            "line {line} was cut off by a crash; the chain vouches for it"
        )?;
    }
    if report.ends_torn {
        writeln!(
            out,
            "the last line is cut off: a crash, and nothing was written since"
        )?;
    }
    match &report.head {
        Some(head) => writeln!(out, "head: {head}"),
        None => Ok(()),
    }
}
