//! Secrets: by file or by environment, never in the file itself.

use super::{Draft, storage};
use crate::domain::Secret;
use crate::seal::Keys;
use crate::settings::raw::RawSettings;
use crate::settings::raw_source::RawSource;
use crate::settings::secret::{RootSecret, Secrets, decode, is_exposed};
use crate::store::StoreOptions;
use crate::yaml::Path;
use std::io;
use std::os::unix::fs::MetadataExt;
use zeroize::Zeroize;

pub(super) fn compile(
    raw: &RawSettings,
    store: Option<&StoreOptions>,
    draft: &mut Draft<'_>,
) -> Option<Secrets> {
    let at = Path::root();
    let folder = store.and_then(storage::state_folder);
    let current = match (&raw.secret, folder) {
        (Some(source), folder) => {
            // Only for a store of our own: of sidecars that share one, each would make another
            // secret.
            let may_be_made = folder.is_some();
            draft.root_secret(source, may_be_made, &at.key("secret"))
        }
        (None, Some(folder)) => {
            let path = folder.join("secret.key");
            let new = RootSecret::ToBeMade {
                path: path.clone(),
                is_named: false,
            };
            draft.secret_file(&path, Some(new), &at)
        }
        (None, None) if store.is_some() => {
            let hint = "sidecars that share a store share a secret: `openssl rand -hex 32` makes \
                        one, `secret: { file: … }` names it";
            draft.missing(&at, "secret", hint);
            None
        }
        (None, None) => None,
    };
    let previous = match &raw.previous_secret {
        // Never made: one that is not there has sealed nothing.
        Some(source) => match draft.root_secret(source, false, &at.key("previous_secret"))? {
            RootSecret::Given(secret) => Some(secret),
            RootSecret::ToBeMade { .. } => return None,
        },
        None => None,
    };
    let given = match &current {
        Some(RootSecret::Given(secret)) => Some((secret, "secret")),
        Some(RootSecret::ToBeMade { .. }) | None => None,
    };
    let previous_given = previous.as_ref().map(|secret| (secret, "previous_secret"));
    for (secret, field) in given.into_iter().chain(previous_given) {
        if let Err(weak) = Keys::derive(secret, None) {
            draft.file.report(field, weak.to_string());
        }
    }
    Some(Secrets {
        current: current?,
        previous,
    })
}

impl Draft<'_> {
    fn root_secret(
        &mut self,
        source: &RawSource,
        may_be_made: bool,
        at: &Path,
    ) -> Option<RootSecret> {
        match (&source.file, &source.env) {
            (Some(file), None) => {
                let path = self.resolve(file);
                let new = may_be_made.then(|| RootSecret::ToBeMade {
                    path: path.clone(),
                    is_named: true,
                });
                self.secret_file(&path, new, &at.key("file"))
            }
            (None, Some(name)) => {
                let value = self.environment(name, &at.key("env"))?;
                Some(RootSecret::Given(decode(value.into_bytes())))
            }
            (Some(_), Some(_)) | (None, None) => {
                self.one_source(at);
                None
            }
        }
    }

    /// Reads a secret; `new` stands for one that is not there, where one may be made.
    fn secret_file(
        &mut self,
        path: &std::path::Path,
        new: Option<RootSecret>,
        at: &Path,
    ) -> Option<RootSecret> {
        match std::fs::read(path) {
            Ok(bytes) => {
                // Of the file behind every symlink: a volume of Kubernetes consists of links.
                let found = std::fs::metadata(path);
                if let Ok(found) = found
                    && is_exposed(found.mode(), found.uid())
                {
                    let path = path.display();
                    let message = format!("`{path}` can be read by others than its owner");
                    let us = rustix::process::geteuid().as_raw();
                    let hint = match found.uid() {
                        owner if owner == us && us != 0 => format!("`chmod 600 {path}`"),
                        0 if us == 0 => format!(
                            "`chmod 600 {path}`; of a Kubernetes Secret: `defaultMode: 0400`"
                        ),
                        0 => format!(
                            "`chmod 640 {path}`, with a group of ours; of a Kubernetes Secret: \
                             `defaultMode: 0440`"
                        ),
                        _ => format!(
                            "it is another user's: `chown {us} {path}`, and `chmod 600 {path}`"
                        ),
                    };
                    self.file.report_with_hint(at, message, hint);
                }
                Some(RootSecret::Given(decode(bytes)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && new.is_some() => new,
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                if error.kind() == io::ErrorKind::PermissionDenied {
                    let hint = "run this as the user that runs the sidecar (`sudo -u USER stepgate …`); the \
                                file must be that user's, or root's with mode 0440 and a group of that user \
                                (in Kubernetes: `fsGroup`)";
                    self.file.report_with_hint(at, message, hint);
                } else {
                    self.file.report(at, message);
                }
                None
            }
        }
    }

    /// A password: one line of a file, or a variable of the environment.
    pub(super) fn password(&mut self, source: &RawSource, at: &Path) -> Option<Secret<String>> {
        match (&source.file, &source.env) {
            (Some(file), None) => {
                let path = self.resolve(file);
                let mut text = match std::fs::read_to_string(&path) {
                    Ok(text) => text,
                    Err(error) => {
                        let message = format!("`{}` cannot be read: {error}", path.display());
                        self.file.report(at.key("file"), message);
                        return None;
                    }
                };
                let line = Secret::new(text.trim_end_matches(['\r', '\n']).to_owned());
                text.zeroize();
                Some(line)
            }
            (None, Some(name)) => self.environment(name, &at.key("env")).map(Secret::new),
            (Some(_), Some(_)) | (None, None) => {
                self.one_source(at);
                None
            }
        }
    }

    #[allow(clippy::disallowed_methods)] // the one place where the environment is read
    fn environment(&mut self, name: &str, at: &Path) -> Option<String> {
        // Compose sets a variable that nobody gave it to the empty text.
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        if value.is_none() {
            let name = crate::yaml::clip(name);
            let message = format!("the environment has no variable `{name}`, or it is empty");
            self.file.report(at, message);
        }
        value
    }

    fn one_source(&mut self, at: &Path) {
        let message = "expected one of `{ file: … }` and `{ env: … }`";
        self.file.report(at, message);
    }
}
