//! The settings file: read, or every mistake told. Nothing that it names is there.

use crate::settings;
use std::path::Path;

pub(super) fn settings(bytes: &[u8]) {
    match settings::parse(Path::new("/nonexistent/stepgate.yaml"), bytes) {
        Ok(settings) => drop(format!("{settings:?}")),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
}
