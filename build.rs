//! Turns `locales/*.toml` into the types of `src/locale/`: a text that is missing, unknown or holds other values stops
//! the build, with file and line.

#[path = "build/generate.rs"]
mod generate;
#[path = "build/texts.rs"]
mod texts;

use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

/// Where the languages are; each is a file, named by its tag (RFC 5646).
const FOLDER: &str = "locales";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={FOLDER}");
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(mistakes) => {
            for mistake in mistakes {
                println!("cargo::error={mistake}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Vec<String>> {
    let failed = |error: std::io::Error| vec![format!("{FOLDER}: {error}")];
    let mut files = Vec::new();
    for entry in fs::read_dir(FOLDER).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let (Some("toml"), Some(tag)) = (
            path.extension().and_then(|it| it.to_str()),
            path.file_stem().and_then(|it| it.to_str()),
        ) {
            files.push((tag.to_owned(), fs::read_to_string(&path).map_err(failed)?));
        }
    }
    files.sort();
    let languages = texts::read(&files)?;
    let folder = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(folder.join("locale.rs"), generate::locale(&languages)).map_err(failed)?;
    fs::write(folder.join("texts.rs"), generate::texts(&languages)).map_err(failed)
}
