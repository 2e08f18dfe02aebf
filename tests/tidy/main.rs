//! The repository itself: its layers, its measures, and what lies around the code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)] // a broken expectation is a test's way to speak

mod architecture;
mod diagnostics;
mod endpoints;
mod imports;
mod links;
mod locales;
mod map;
mod measures;
mod metrics;
mod policies;
mod readme;
mod settings;
mod shipping;
mod sources;

use std::fs;
use std::path::{Path, PathBuf};

/// A file or directory of the repository.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The text of a file of the repository.
fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
