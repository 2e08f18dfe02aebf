//! `stepgate user import`: many users from one file.

mod formats;
#[cfg(test)]
mod tests;

use super::check_email;
use crate::audit::{EventKind, Outcome};
use crate::cli::arguments::UserImport;
use crate::cli::error::CliError;
use crate::cli::output::{Output, plural};
use crate::cli::store::{Context, act_on_store};
use crate::domain::{Secret, Subject, User, UserId};
use crate::store::{Store, StoreError};
use crate::verification::accept_hash;
use formats::{RowPlace, UserRow};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tokio::task::JoinError;

pub(super) fn run(arguments: &UserImport, out: &mut Output) -> Result<(), CliError> {
    let bytes = content(&arguments.file)?;
    let format = match arguments.format {
        Some(format) => format,
        None => formats::guess(&arguments.file, &bytes),
    };
    let read = formats::read(format, &bytes).map_err(CliError::Impossible)?;
    let mut errors = Output::stderr();
    if !read.unread.is_empty() {
        let columns = read.unread.join("`, `");
        writeln!(errors, "note: not read: `{columns}`")?;
    }
    act_on_store(&arguments.acting, async |context| {
        let mut import = Import {
            context: &context,
            arguments,
            names: HashMap::new(),
            tally: ImportTally::default(),
            progress: Output::stderr(),
        };
        let stopped = import.all(read.rows).await;
        import.tally.tell(arguments.dry_run, out)?;
        stopped
    })
}

/// An import under way.
struct Import<'c> {
    context: &'c Context,
    arguments: &'c UserImport,
    /// The names and aliases that were read so far, and where.
    names: HashMap<UserId, RowPlace>,
    tally: ImportTally,
    progress: Output,
}

/// What became of the rows.
#[derive(Default)]
struct ImportTally {
    added: usize,
    replaced: usize,
    kept: usize,
    refused: usize,
}

/// What is to be written for one row.
struct PlannedWrite {
    user: User,
    /// Whether there is a user of the name.
    replaces: bool,
}

impl Import<'_> {
    async fn all(
        &mut self,
        rows: Vec<Result<UserRow, (RowPlace, String)>>,
    ) -> Result<(), CliError> {
        let count = rows.len();
        let mut rows = rows.into_iter().peekable();
        let mut done = 0;
        while rows.peek().is_some() {
            let some: Vec<_> = rows.by_ref().take(AT_ONCE).collect();
            done += some.len();
            self.some(some).await?;
            if self.progress.is_terminal() {
                let end = if done == count { "\r\x1b[K" } else { "" };
                write!(self.progress, "\r{done} of {count}{end}")?;
            }
        }
        if self.tally.refused > 0 {
            let refused = self.tally.refused;
            let message = format!("{refused} of {count} could not be taken");
            return Err(CliError::Impossible(message));
        }
        Ok(())
    }

    /// Stores some rows at once, so that they share a transaction of the disk.
    async fn some(
        &mut self,
        rows: Vec<Result<UserRow, (RowPlace, String)>>,
    ) -> Result<(), CliError> {
        let mut sought = Vec::new();
        for row in rows {
            match row.and_then(|row| self.user(row)) {
                Err((place, reason)) => self.refuse(place, &reason)?,
                Ok((place, user)) => {
                    let store = self.context.store.clone();
                    let task = async move { find(&store, &user).await.map(|found| (user, found)) };
                    sought.push((place, tokio::task::spawn_local(task)));
                }
            }
        }
        // One after the other and in order: whether a name is taken depends on the rows before.
        let mut writes = Vec::new();
        for (place, task) in sought {
            let (user, found) = task.await.map_err(broken)??;
            let decided = found.and_then(|found| self.decide(place, user, found));
            match decided {
                Ok(None) => self.tally.kept += 1,
                Ok(Some(write)) if self.arguments.dry_run => self.tally.written(&write),
                Ok(Some(write)) => writes.push(write),
                Err(reason) => self.refuse(place, &reason)?,
            }
        }
        self.write(writes).await
    }

    /// Records what is to be written, and writes it.
    async fn write(&mut self, writes: Vec<PlannedWrite>) -> Result<(), CliError> {
        self.record(&writes, Outcome::Succeeded)?;
        let tasks: Vec<_> = (writes.into_iter())
            .map(|write| {
                let store = self.context.store.clone();
                tokio::task::spawn_local(async move {
                    let written = store.put_user(&write.user).await;
                    (write, written)
                })
            })
            .collect();
        let (mut failed, mut error) = (Vec::new(), None);
        for task in tasks {
            let (write, written) = task.await.map_err(broken)?;
            match written {
                Ok(()) => self.tally.written(&write),
                Err(reason) => {
                    failed.push(write);
                    error = Some(reason);
                }
            }
        }
        self.record(&failed, Outcome::Failed)?;
        error.map_or(Ok(()), |error| Err(error.into()))
    }

    fn record(&self, writes: &[PlannedWrite], outcome: Outcome) -> Result<(), CliError> {
        if writes.is_empty() {
            return Ok(());
        }
        let subjects: Vec<_> = (writes.iter())
            .map(|write| Subject::new(write.user.id.as_str()))
            .collect();
        self.context
            .record(writes.iter().zip(&subjects).map(|(write, subject)| {
                let kind = if write.replaces {
                    EventKind::UserChanged
                } else {
                    EventKind::UserAdded
                };
                let mut event = self.context.event(kind, outcome);
                event.subject = Some(subject);
                event
            }))
    }

    /// What is to be written for a user; `None` if the one that there is stays.
    fn decide(
        &mut self,
        place: RowPlace,
        user: User,
        found: Option<User>,
    ) -> Result<Option<PlannedWrite>, String> {
        // `put_user` takes an alias from whoever has it: of two rows the later would rob the earlier.
        for name in user.aliases.iter().chain([&user.id]) {
            if let Some(other) = self.names.get(name) {
                return Err(format!("`{name}` is named before, in {other}"));
            }
        }
        let names = user.aliases.iter().chain([&user.id]).cloned();
        self.names.extend(names.map(|name| (name, place)));
        let replaces = found.is_some();
        Ok(match found {
            Some(_) if !self.arguments.replace => None,
            Some(before) => {
                let user = replaced(before, user);
                Some(PlannedWrite { user, replaces })
            }
            None => Some(PlannedWrite { user, replaces }),
        })
    }

    fn refuse(&mut self, place: RowPlace, reason: &str) -> Result<(), CliError> {
        self.tally.refused += 1;
        let clear = if self.progress.is_terminal() {
            "\r\x1b[K"
        } else {
            ""
        };
        let file = self.arguments.file.display();
        writeln!(self.progress, "{clear}{file}:{place}: {reason}")?;
        Ok(())
    }

    /// The user of a row, if all of it can be used.
    fn user(&self, row: UserRow) -> Result<(RowPlace, User), (RowPlace, String)> {
        let place = row.place;
        let user = self.checked(row).map_err(|reason| (place, reason))?;
        Ok((place, user))
    }

    fn checked(&self, row: UserRow) -> Result<User, String> {
        let naming = self.context.settings.sessions.naming;
        let id = |name: &str| {
            let wrong = || format!("`{}` cannot be a user's name", name.escape_debug());
            naming.user(name).ok_or_else(wrong)
        };
        let mut user = User::new(id(&row.name)?, self.context.clock.now());
        for alias in &row.aliases {
            let alias = id(alias)?;
            if alias != user.id && !user.aliases.contains(&alias) {
                user.aliases.push(alias);
            }
        }
        if let Some(email) = row.email {
            check_email(&email)?;
            user.email = Some(email);
        }
        if let Some(hash) = row.hash {
            accept_hash(hash.expose()).map_err(|fault| format!("the password hash: {fault}"))?;
            user.password = Some(hash);
        }
        Ok(user)
    }
}

/// The user of the same name, or why there can be none of these names.
async fn find(store: &Store, user: &User) -> Result<Result<Option<User>, String>, StoreError> {
    let mut found = None;
    // The name last: what is found by it is the user to replace.
    for name in user.aliases.iter().chain([&user.id]) {
        match store.user(name).await? {
            None => {}
            Some(known) if known.id == user.id => found = Some(known),
            Some(known) => {
                let reason = format!("`{name}` is known already, as user `{}`", known.id);
                return Ok(Err(reason));
            }
        }
    }
    Ok(Ok(found))
}

fn broken(error: JoinError) -> CliError {
    CliError::io("the import broke off")(error.into())
}

/// A user whose address, password and aliases are those of the file, as far as it has any.
fn replaced(before: User, by: User) -> User {
    User {
        email: by.email.or(before.email),
        password: by.password.or(before.password),
        aliases: if by.aliases.is_empty() {
            before.aliases
        } else {
            by.aliases
        },
        ..before
    }
}

impl ImportTally {
    fn written(&mut self, write: &PlannedWrite) {
        if write.replaces {
            self.replaced += 1;
        } else {
            self.added += 1;
        }
    }

    fn tell(&self, dry_run: bool, out: &mut Output) -> io::Result<()> {
        let Self {
            added,
            replaced,
            kept,
            refused,
        } = self;
        let would = if dry_run { "would have " } else { "" };
        writeln!(
            out,
            "{would}added {added} {}, replaced {replaced}, kept {kept} that there were; {refused} not taken",
            plural(*added, "user")
        )
    }
}

fn content(path: &Path) -> Result<Vec<u8>, CliError> {
    let what = format!("cannot read `{}`", path.display());
    let read = || {
        let mut bytes = Vec::new();
        let source: Box<dyn Read> = if path == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path)?)
        };
        source.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(CliError::io(what))?;
    if bytes.len() as u64 > MOST_BYTES {
        let message = "more than 256 MiB: divide the file, and import the parts";
        return Err(CliError::Impossible(message.to_owned()));
    }
    Ok(bytes)
}

/// How many are stored at once; the disk commits as many in one transaction.
const AT_ONCE: usize = 64;
const MOST_BYTES: u64 = 256 << 20;
