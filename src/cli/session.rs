//! `stepgate session`.

use super::arguments::{SessionChoice, SessionCommand, SessionListArguments};
use super::error::CliError;
use super::output::{Output, plural};
use super::store::{Context, act_on_store, on_store};
use super::table::Columns;
use crate::audit::{EventKind, Outcome};
use crate::domain::{Owner, Provenance, SessionId, StoredSession, Subject};
use crate::store::StoreError;
use crate::web::api::rfc3339;
use serde_json::json;

pub(super) fn run(command: SessionCommand, out: &mut Output) -> Result<(), CliError> {
    match command {
        SessionCommand::List(arguments) => list(&arguments, out),
        SessionCommand::Lock(arguments) => act(&arguments, Act::Lock, out),
        SessionCommand::Revoke(arguments) => act(&arguments, Act::Revoke, out),
    }
}

fn list(arguments: &SessionListArguments, out: &mut Output) -> Result<(), CliError> {
    on_store(&arguments.list.config.config, async |context| {
        let subject = subject(&context, arguments.user.as_deref())?;
        let mut sessions = context
            .store
            .sessions(subject.as_ref(), arguments.most)
            .await?;
        // Those are marks that one session has several spellings, and no sessions of their own.
        sessions.retain(|(_, session)| session.owner != Owner::Spelling);
        if arguments.list.json {
            let sessions: Vec<_> = sessions.iter().map(as_json).collect();
            writeln!(out, "{:#}", json!(sessions))?;
            return Ok(());
        }
        let mut columns =
            Columns::new(["session", "user", "signed in", "last seen", "from", "state"]);
        for (id, session) in &sessions {
            columns.push([
                short(*id),
                owner(session).to_owned(),
                session.authenticated_at.map(rfc3339).unwrap_or_default(),
                rfc3339(session.seen_at),
                from(session),
                state(session).to_owned(),
            ]);
        }
        columns.write(out)?;
        Ok(())
    })
}

/// What an operator does to sessions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Lock,
    Revoke,
}

impl Act {
    const fn kind(self) -> EventKind {
        match self {
            Self::Lock => EventKind::Locked,
            Self::Revoke => EventKind::SessionRevoked,
        }
    }

    async fn on(self, id: SessionId, context: &Context) -> Result<(), StoreError> {
        let keep = context.settings.sessions.remember;
        match self {
            Self::Lock => context.store.lock_session(id).await,
            Self::Revoke => {
                let now = context.clock.now();
                context.store.revoke_session(id, now, keep).await
            }
        }
    }

    const fn past(self) -> &'static str {
        match self {
            Self::Lock => "locked",
            Self::Revoke => "revoked",
        }
    }
}

fn act(arguments: &SessionChoice, act: Act, out: &mut Output) -> Result<(), CliError> {
    act_on_store(&arguments.acting, async |context| {
        let subject = subject(&context, arguments.user.as_deref())?;
        let sessions = context.store.sessions(subject.as_ref(), MOST).await?;
        let chosen: Vec<_> = match &arguments.id {
            Some(id) => vec![only(sessions, id)?],
            None => (sessions.into_iter())
                .filter(|(_, session)| session.owner != Owner::Spelling)
                .collect(),
        };
        if let Some(subject) = subject.filter(|_| chosen.is_empty()) {
            let message = format!("no session of `{subject}` is known");
            return Err(CliError::Impossible(message));
        }
        let (over, chosen): (Vec<_>, Vec<_>) =
            chosen.into_iter().partition(|(_, session)| session.revoked);
        for (id, session) in &chosen {
            let (kind, change) = (act.kind(), act.on(*id, &context));
            let mut event = context.event(kind, Outcome::Succeeded);
            event.subject = session.owner.subject();
            event.session = Some(*id);
            context.act(event, change).await?;
            let (done, id, owner) = (act.past(), short(*id), owner(session));
            writeln!(out, "{done} session {id} of `{owner}`")?;
        }
        let (count, done) = (chosen.len(), act.past());
        write!(out, "{count} {} {done}", plural(count, "session"))?;
        match (over.len(), act) {
            (0, _) => writeln!(out)?,
            (over, Act::Revoke) => writeln!(out, ", {over} had been before")?,
            (over, Act::Lock) => writeln!(out, ", {over} had been revoked before")?,
        }
        Ok(())
    })
}

/// The one session whose id begins so.
fn only(
    sessions: Vec<(SessionId, StoredSession)>,
    beginning: &str,
) -> Result<(SessionId, StoredSession), CliError> {
    let beginning = beginning.to_ascii_lowercase();
    // A few digits with one mistyped would end somebody else's session.
    if beginning.len() < SHORTEST {
        let message = format!(
            "`{beginning}` is too short: give the first {SHORTEST} digits of the session or more, as \
             `stepgate session list` shows them"
        );
        return Err(CliError::Usage(message));
    }
    let begins = |(id, _): &(SessionId, StoredSession)| id.to_hex().starts_with(&beginning);
    let mut found = sessions.into_iter().filter(begins);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            let message = format!("several sessions begin with `{beginning}`");
            Err(CliError::Usage(message))
        }
        (None, _) => {
            let message = format!("there is no session `{beginning}`");
            Err(CliError::Impossible(message))
        }
    }
}

fn subject(context: &Context, name: Option<&str>) -> Result<Option<Subject>, CliError> {
    let id = name.map(|name| context.user_id(name)).transpose()?;
    Ok(id.map(|id| Subject::new(id.as_str())))
}

const fn state(session: &StoredSession) -> &'static str {
    if session.revoked { "revoked" } else { "alive" }
}

/// The user to show; a disputed session has none.
fn owner(session: &StoredSession) -> &str {
    session
        .owner
        .subject()
        .map_or("(disputed)", Subject::as_str)
}

/// Browser, system and address, as far as they are known.
fn from(session: &StoredSession) -> String {
    let known = session.provenance.iter();
    let words = known.flat_map(|from| [from.browser(), from.system(), from.address()]);
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

fn short(id: SessionId) -> String {
    id.to_hex().chars().take(SHOWN).collect()
}

/// One thing that is known of where a session was begun.
fn known(session: &StoredSession, what: impl Fn(&Provenance) -> &str) -> Option<&str> {
    let known = session.provenance.as_ref().map(what);
    known.filter(|known| !known.is_empty())
}

fn as_json((id, session): &(SessionId, StoredSession)) -> serde_json::Value {
    json!({
        "session": id.to_hex(),
        "user": owner(session),
        "authenticated_at": session.authenticated_at.map(rfc3339),
        "created_at": rfc3339(session.created_at),
        "seen_at": rfc3339(session.seen_at),
        "browser": known(session, Provenance::browser),
        "system": known(session, Provenance::system),
        "address": known(session, Provenance::address),
        "place": known(session, Provenance::place),
        "state": state(session),
    })
}

/// How many digits of an id are shown, and how many must be given.
const SHOWN: usize = 16;
const SHORTEST: usize = 8;
/// How many sessions are looked at.
const MOST: usize = 100_000;
