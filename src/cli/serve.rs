//! `stepgate serve`.

use super::arguments::Serve;
use super::error::CliError;
use crate::app::{App, Signals};
use crate::settings;
use crate::telemetry;

pub(super) fn run(arguments: &Serve) -> Result<(), CliError> {
    let settings = settings::load(&arguments.config.config).map_err(CliError::Configuration)?;
    let mut log = settings.log.clone();
    if let Some(level) = arguments.log.clone().or_else(level_of_environment) {
        log.level = level;
    }
    telemetry::start(&log)?;
    App::build(settings)?.run(Signals::Process)?;
    Ok(())
}

#[allow(clippy::disallowed_methods)] // the command line reads the environment, and hands on what it says
fn level_of_environment() -> Option<String> {
    std::env::var("STEPGATE_LOG")
        .ok()
        .filter(|level| !level.is_empty())
}
