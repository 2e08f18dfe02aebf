//! The command line: what can be asked of `stepgate`, and how it answers.
//!
//! Answers go to stdout, logs and errors to stderr. Exit codes: 0 all is well, 1 it did not work,
//! 64 it was asked wrongly or the configuration is bad (`EX_USAGE` of sysexits).

mod arguments;
mod ask;
mod audit;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod error;
mod explain;
mod generate;
mod learn;
mod operator;
mod output;
mod report;
mod serve;
mod session;
mod store;
mod table;
mod totp;
mod user;

pub use error::CliError;

use arguments::{Cli, Command};
use clap::Parser;
use output::Output;
use std::process::ExitCode;

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed stdout or stderr leaves no way to report that it is closed.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(BAD_CONFIGURATION)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match dispatch(cli, &mut Output::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

fn dispatch(cli: Cli, out: &mut Output) -> Result<(), CliError> {
    match cli.command {
        Command::Audit(command) => audit::run(&command, out),
        Command::Check(arguments) => check::run(&arguments, out),
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::run(arguments, out),
        #[cfg(not(feature = "demo"))]
        Command::Demo(_) => Err(CliError::Impossible(NO_DEMO.to_owned())),
        Command::Completions(arguments) => generate::completions(&arguments, out),
        Command::Explain(arguments) => explain::run(&arguments, out),
        Command::Learn(arguments) => learn::run(&arguments, out),
        Command::Man(arguments) => generate::man(&arguments, out),
        Command::Report(arguments) => report::run(&arguments, out),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Session(command) => session::run(command, out),
        Command::User(command) => user::run(command, out),
    }
}

/// The configuration, or the command line, is wrong.
const BAD_CONFIGURATION: u8 = 64;
#[cfg(not(feature = "demo"))]
const NO_DEMO: &str = "this build has no demo; in a checkout of the source, \
                       `cargo run --release -- demo` runs it";
