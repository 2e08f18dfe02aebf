//! Passwords: asked without echo, or read from standard input.

use super::error::CliError;
use super::output::Output;
use crate::domain::Secret;
use std::io::{self, BufRead, IsTerminal, Read};
use zeroize::Zeroize;

/// Reads a new password.
pub(super) fn new_password(name: &str, from_stdin: bool) -> Result<Secret<String>, CliError> {
    let password = if from_stdin {
        first_line()?
    } else {
        ask_twice(name)?
    };
    let length = password.expose().chars().count();
    // NIST SP 800-63B-4 §3.1.1.2: length is what counts, and 15 where it is the only factor.
    if length < SHORTEST {
        let message =
            format!("the password has {length} characters; at least {SHORTEST} are needed");
        return Err(CliError::Usage(message));
    }
    if length < ADVISED {
        let message =
            format!("{length} characters are few; {ADVISED} or more, such as a phrase, are better");
        writeln!(Output::stderr(), "warning: {message}")?;
    }
    Ok(password)
}

fn ask_twice(name: &str) -> Result<Secret<String>, CliError> {
    if !io::stdin().is_terminal() {
        let message = "there is no terminal to ask on; use `--password-stdin` or `--no-password`";
        return Err(CliError::Usage(message.to_owned()));
    }
    let ask = |prompt: String| {
        let failed = CliError::io("cannot ask for the password");
        rpassword::prompt_password(prompt)
            .map(Secret::new)
            .map_err(failed)
    };
    let first = ask(format!("Password for {name}: "))?;
    let second = ask("The same again: ".to_owned())?;
    if first == second {
        Ok(first)
    } else {
        Err(CliError::Usage("the two are not the same".to_owned()))
    }
}

fn first_line() -> Result<Secret<String>, CliError> {
    let mut text = String::new();
    let stdin = io::stdin().lock();
    let read = stdin.take(MOST).read_line(&mut text);
    read.map_err(CliError::io("cannot read the password from standard input"))?;
    let line = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
    text.zeroize();
    Ok(line)
}

const SHORTEST: usize = 8;
const ADVISED: usize = 15;
/// More than any password that is accepted.
const MOST: u64 = 4096;
