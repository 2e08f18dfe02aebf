//! Where policies come from: files and directories, read with limits, and noticed when they change.

use super::{Policies, compile};
use crate::domain::Groups;
use crate::yaml::{Diagnostic, Diagnostics, MAX_BYTES};
use data_encoding::HEXLOWER;
use ring::digest;
use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The policy files as they were at one moment.
#[derive(Debug)]
pub struct Sources {
    files: Vec<PolicyFile>,
}

/// One file, or why it cannot be read.
#[derive(Debug)]
struct PolicyFile {
    name: String,
    content: Result<Vec<u8>, String>,
}

/// What tells two states of the policy files apart: a digest of their names and contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// Finds out when the policy files have changed.
///
/// It compares contents, not times or inodes: a Kubernetes `ConfigMap` changes by a swapped symlink,
/// an editor by a rename. A change is reported once two looks in a row see the same: the first half of
/// a file that is still being written is a policy, too, only with fewer routes. When to look is the
/// caller's business.
#[derive(Debug)]
pub struct PolicyWatch {
    paths: Vec<PathBuf>,
    /// What was reported last.
    reported: Fingerprint,
    /// What the last look saw.
    seen: Fingerprint,
}

impl Sources {
    /// Reads `paths`, which are files, or directories of `*.yaml` and `*.yml` files.
    pub fn read(paths: &[PathBuf]) -> Self {
        let mut files = Vec::new();
        for path in paths {
            match list(path) {
                Ok(found) => files.extend(found.iter().map(|file| PolicyFile::read(file))),
                Err(reason) => files.push(PolicyFile {
                    name: path.display().to_string(),
                    content: Err(reason),
                }),
            }
        }
        if files.len() > MAX_FILES {
            // The rest is not left out but refused: its routes would guard nothing.
            files.truncate(MAX_FILES);
            files.push(PolicyFile {
                name: "policies".to_owned(),
                content: Err(format!("more than {MAX_FILES} files")),
            });
        }
        Self { files }
    }

    /// Differs from that of any other state of the files.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut context = digest::Context::new(&digest::SHA256);
        // Each with its length: otherwise bytes could move from one file to the next unnoticed.
        let mut add = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        for file in &self.files {
            add(file.name.as_bytes());
            match &file.content {
                Ok(bytes) => add(bytes),
                // That a file cannot be read any more is a change, too.
                Err(reason) => add(reason.as_bytes()),
            }
        }
        let mut bytes = [0; 32];
        let digest = context.finish();
        for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
            *to = *from;
        }
        Fingerprint(bytes)
    }

    /// Compiles all of them, or tells all that is wrong with them; they may name `groups` of people.
    pub fn compile(&self, groups: &Groups) -> Result<Policies, Diagnostics> {
        if self.files.is_empty() {
            let message = "no policy file is named";
            return Err(Diagnostics::from_iter([Diagnostic::whole_file(
                "policies", message,
            )]));
        }
        let unreadable: Diagnostics = self.files.iter().filter_map(PolicyFile::fault).collect();
        let readable = self.files.iter().filter_map(PolicyFile::text);
        match (compile(readable, groups), unreadable) {
            (Ok(policies), unreadable) => unreadable.or(policies),
            (Err(mut mistakes), unreadable) => {
                mistakes.append(unreadable);
                Err(mistakes)
            }
        }
    }
}

impl PolicyFile {
    fn read(path: &Path) -> Self {
        Self {
            name: path.display().to_string(),
            content: content(path),
        }
    }

    fn text(&self) -> Option<(&str, &[u8])> {
        let bytes = self.content.as_ref().ok()?;
        Some((&self.name, bytes))
    }

    fn fault(&self) -> Option<Diagnostic> {
        let reason = self.content.as_ref().err()?;
        Some(Diagnostic::whole_file(&self.name, reason))
    }
}

/// The first half of it, which is enough for people to compare.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(self.0.split_at(16).0))
    }
}

impl PolicyWatch {
    /// The state that was reported last.
    pub const fn reported(&self) -> Fingerprint {
        self.reported
    }

    /// Watches `paths` for changes from the state in `seen`.
    pub const fn new(paths: Vec<PathBuf>, seen: Fingerprint) -> Self {
        Self {
            paths,
            reported: seen,
            seen,
        }
    }

    /// Looks again: the new policies, or what is wrong with them, if the files have changed and
    /// rest since the last look, and `None` otherwise. A broken state is reported once.
    pub fn look(&mut self, groups: &Groups) -> Option<Result<Policies, Diagnostics>> {
        let sources = Sources::read(&self.paths);
        let now = sources.fingerprint();
        let rests = std::mem::replace(&mut self.seen, now) == now;
        if !rests || now == self.reported {
            return None;
        }
        self.reported = now;
        Some(sources.compile(groups))
    }
}

/// The files that a path names, in the order of their names. Hidden ones are left out: editors
/// leave them, and a `ConfigMap` keeps its `..data` there.
fn list(path: &Path) -> Result<Vec<PathBuf>, String> {
    let explain = |error: std::io::Error| format!("cannot be read: {error}");
    if !fs::metadata(path).map_err(explain)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(explain)? {
        let file = entry.map_err(explain)?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let is_yaml = file
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if is_yaml && !name.starts_with('.') {
            files.push(file);
        }
    }
    // More likely a mount that failed than the wish to guard nothing.
    if files.is_empty() {
        return Err("holds no policy file (`*.yaml`, `*.yml`)".to_owned());
    }
    // The system lists them in any order, and the fingerprint depends on it.
    files.sort();
    Ok(files)
}

/// Reads a regular file up to a little over the limit, so that the limit can be told.
fn content(path: &Path) -> Result<Vec<u8>, String> {
    let explain = |error: std::io::Error| format!("cannot be read: {error}");
    // Asked before opening: to open a pipe would wait for its other end.
    if !fs::metadata(path).map_err(explain)?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let file = fs::File::open(path).map_err(explain)?;
    file.take(limit).read_to_end(&mut bytes).map_err(explain)?;
    Ok(bytes)
}

/// How many policy files there may be.
const MAX_FILES: usize = 256;
