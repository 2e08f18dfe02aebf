//! Settings: one file, read as a whole, with all mistakes reported together.
//!
//! `raw.rs` is what may be written, `compile/` what it means. Secrets come by file or environment
//! and are never shown. What stands in [`Settings`] can be used as it is.

mod compile;
mod options;
mod raw;
mod raw_brand;
mod raw_client;
mod raw_cookie;
mod raw_forward_auth;
mod raw_identity;
mod raw_listen;
mod raw_oidc;
mod raw_session;
mod raw_source;
mod raw_subject;
mod raw_upstream_login;
mod remarks;
mod secret;
#[cfg(test)]
mod tests;

pub use options::{Listener, Settings};
pub use secret::{KeysError, RootSecret, Secrets};

use crate::yaml::{self, Diagnostic, Diagnostics, MAX_BYTES};
use compile::{Draft, compile};
use raw::RawSettings;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Reads the settings from a file, or tells all that is wrong with it.
pub fn load(path: &Path) -> Result<Settings, Diagnostics> {
    let name = path.display().to_string();
    match content(path) {
        Ok(bytes) => parse(path, &bytes),
        Err(error) => {
            let unreadable = Diagnostic::whole_file(&name, format!("cannot be read: {error}"));
            let hint = "name another file with `--config`, or start from \
                        examples/quickstart/stepgate.yaml";
            Err([unreadable.hint(hint)].into_iter().collect())
        }
    }
}

/// Reads settings that are already in memory; relative paths are relative to the folder of `path`.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Settings, Diagnostics> {
    let name = path.display().to_string();
    let (raw, mut file) = yaml::read_hiding::<RawSettings>(SECRET, &name, bytes);
    file.refuse_empty_values();
    let settings = raw.and_then(|raw| {
        let mut draft = Draft {
            shares_store: raw.store.as_ref().is_some_and(|raw| raw.redis.is_some()),
            file: &mut file,
            name: path.to_owned(),
        };
        compile(&raw, &mut draft)
    });
    if settings.is_none() && !file.has_mistakes() {
        file.report(yaml::Path::root(), "these settings could not be understood");
    }
    let (mistakes, remarks) = file.finish();
    match settings {
        Some(settings) => mistakes.or(Settings {
            remarks,
            ..settings
        }),
        None => Err(mistakes),
    }
}

/// The policies that a settings file names, even if the rest of it cannot be used: so that the
/// mistakes of both are reported together.
pub fn policy_paths(path: &Path) -> Vec<PathBuf> {
    let bytes = content(path).unwrap_or_default();
    let name = path.display().to_string();
    let (raw, mut file) = yaml::read_hiding::<RawSettings>(SECRET, &name, &bytes);
    let mut draft = Draft {
        shares_store: false,
        file: &mut file,
        name: path.to_owned(),
    };
    raw.map(|raw| draft.policies(&raw)).unwrap_or_default()
}

fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Fields whose lines are never shown.
const SECRET: &[&str] = &["client_secret", "password"];
