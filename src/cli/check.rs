//! `stepgate check`: every mistake of the settings and the policies at once.

mod online;

use super::arguments::CheckArguments;
use super::error::CliError;
use super::output::{Output, plural};
use crate::audit;
use crate::clock::Clock;
use crate::domain::{Groups, TableError};
use crate::policy;
use crate::settings::{self, Settings};
use crate::store::{StoreOptions, open};
use crate::telemetry;
use crate::yaml::{Diagnostic, Diagnostics, Severity};

pub(super) fn run(arguments: &CheckArguments, out: &mut Output) -> Result<(), CliError> {
    let settings = settings::load(&arguments.config.config);
    let settings = match settings {
        Ok(settings) => settings,
        Err(mut mistakes) => {
            // One run reports the mistakes of the policies as well.
            let paths = settings::policy_paths(&arguments.config.config);
            if !paths.is_empty()
                && let Err(more) = policy::load(&paths, &Groups::unread())
            {
                mistakes.append(more);
            }
            return Err(CliError::Configuration(mistakes));
        }
    };
    let policies =
        policy::load(&settings.policies, &settings.groups).map_err(CliError::Configuration)?;
    let (routes, files) = (policies.routes.len(), policies.files.len());
    let (mut remarks, of_policies) = (settings.remarks.clone(), policies.remarks.clone());
    let table = settings.proxy.table(policies);
    if let Ok(table) = &table {
        remarks.append(settings.remarks_on(table));
    }
    remarks.append(of_policies);
    if let Err(error) = audit::probe(&settings.audit.target) {
        let mut remark = of_settings(&settings, &error);
        remark.severity = Severity::Warning;
        remarks.push(remark.hint(
            "`serve` does not start before it can; if another user runs it, run `check` as that user",
        ));
    }
    let mistakes = rest(&settings, table.err());
    if !remarks.is_empty() {
        writeln!(out, "{remarks}")?;
    }
    if !mistakes.is_empty() {
        return Err(CliError::Configuration(mistakes));
    }
    let warnings = remarks
        .iter()
        .filter(|remark| remark.severity == Severity::Warning);
    let warnings = warnings.count();
    if warnings > 0 && arguments.warnings_are_errors {
        let message = format!("{warnings} {}", plural(warnings, "warning"));
        return Err(CliError::Usage(message));
    }
    let (route, file) = (plural(routes, "route"), plural(files, "file"));
    write!(out, "ok: {routes} {route} in {files} {file}")?;
    match warnings {
        0 => writeln!(out)?,
        count => writeln!(out, ", {count} {}", plural(count, "warning"))?,
    }
    if arguments.online {
        online::run(&settings, out)?;
    }
    Ok(())
}

/// What only shows when the parts are put together; nothing is connected or created.
fn rest(settings: &Settings, table: Option<TableError>) -> Diagnostics {
    let mut mistakes = Diagnostics::default();
    if let Some(error) = table {
        mistakes.push(of_settings(settings, &error));
    }
    // The embedded store would be created; an address of Redis is only read.
    if let StoreOptions::Redis(_) = &settings.store
        && let Err(error) = open(&settings.store, &Clock::System)
    {
        mistakes.push(of_settings(settings, &error));
    }
    mistakes
}

fn of_settings(settings: &Settings, error: &dyn std::error::Error) -> Diagnostic {
    let name = settings.file.display().to_string();
    Diagnostic::whole_file(&name, telemetry::chain(error))
}
