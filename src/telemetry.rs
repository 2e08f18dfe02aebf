//! Our own log: for people on a terminal, for programs elsewhere; always to stderr, since stdout may
//! carry the audit log.

use std::error::Error;
use std::fmt;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError};

/// How the log is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// For whom.
    pub format: LogFormat,
    /// What is written: `info`, or directives such as `info,stepgate::proxy=debug`.
    pub level: String,
}

/// For whom the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people if stderr is a terminal, for programs otherwise.
    Auto,
    /// For programs: one JSON object a line.
    Json,
    /// For people.
    Pretty,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            format: LogFormat::Auto,
            level: "info".to_owned(),
        }
    }
}

/// A level that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{level}` is not a level: expected `error`, `warn`, `info`, `debug`, `trace` or directives such as `info,stepgate::proxy=debug`"
)]
pub struct WrongLevel {
    level: String,
    #[source]
    source: ParseError,
}

/// Whether a level can be read.
pub fn check_level(level: &str) -> Result<(), WrongLevel> {
    filter(level).map(drop)
}

/// Starts to log; a log that was started before stays as it is.
pub fn start(settings: &LogSettings) -> Result<(), WrongLevel> {
    let filter = filter(&settings.level)?;
    let pretty = match settings.format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Json => false,
        LogFormat::Pretty => true,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if pretty {
        // `pretty` may be chosen where stderr is a file: no escape sequences there.
        let color = std::io::stderr().is_terminal();
        builder.with_target(false).with_ansi(color).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    // Only tests start twice in one process.
    drop(started);
    Ok(())
}

/// Writes an error with all its causes in one line.
pub fn chain(error: &dyn Error) -> String {
    Chain(error).to_string()
}

struct Chain<'e>(&'e dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = self.0.to_string();
        f.write_str(&last)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // Some libraries repeat their cause in their own words.
            if !last.contains(&text) {
                write!(f, ": {text}")?;
                last = text;
            }
            source = cause.source();
        }
        Ok(())
    }
}

fn filter(level: &str) -> Result<EnvFilter, WrongLevel> {
    let wrong = |source| WrongLevel {
        level: level.to_owned(),
        source,
    };
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::WARN.into())
        .parse(level)
        .map_err(wrong)?;
    // Below that they write down what they parse: pages of the application, with what it keeps in them.
    PARSERS.iter().try_fold(filter, |filter, parser| {
        let directive = format!("{parser}=warn").parse().map_err(wrong)?;
        Ok(filter.add_directive(directive))
    })
}

/// The libraries that read pages of the application.
const PARSERS: [&str; 4] = ["cssparser", "html5ever", "markup5ever", "selectors"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_directives_are_read() {
        for level in ["debug", "trace", "html5ever=trace"] {
            let filter = filter(level).unwrap().to_string();
            assert!(filter.contains("html5ever=warn"), "{filter}");
            assert!(!filter.contains("html5ever=trace"), "{filter}");
        }
        for level in ["info", "warn,stepgate=debug", "off"] {
            assert!(check_level(level).is_ok(), "{level}");
        }
        let error = check_level("loud=very").unwrap_err();
        assert!(error.to_string().contains("loud=very"), "{error}");
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = check_level("loud=very").unwrap_err();
        let told = chain(&error);
        assert!(told.starts_with(&format!("{error}: ")), "{told}");
        assert!(!told.contains('\n'), "{told}");
    }
}
