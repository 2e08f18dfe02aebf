//! The settings file: read, or every mistake told. Nothing that it names is there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use stepgate::settings;

fuzz_target!(|bytes: &[u8]| {
    match settings::parse(Path::new("/nonexistent/stepgate.yaml"), bytes) {
        Ok(settings) => drop(format!("{settings:?}")),
        Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
    }
});
