//! Sessions, as they lie in the store.

use super::{SESSION, VERSION, read_owner};
use crate::domain::{
    BrowserKeyHash, ByteReader, ByteWriter, Owner, Provenance, SessionId, StoredSession, Subject,
};
use crate::store::StoreError;

/// Of a session whose subject was named in another spelling than the one that stands for all.
const SESSION_WITH_SPELLING: u8 = 2;

/// Of a session of which it is known from where it was begun.
const SESSION_WITH_PROVENANCE: u8 = 3;

/// Writes a session.
pub(crate) fn encode_session(id: &SessionId, session: &StoredSession) -> Vec<u8> {
    let owner = owner_text(&session.owner).as_bytes();
    let browser_key = session.browser_key.as_ref();
    let spelling = session.owner.subject().map(Subject::spelling);
    let provenance = session.provenance.as_ref().map(Provenance::as_text);
    // Each on a line of its own: no name holds a line feed.
    let (version, beside) = match (spelling, provenance) {
        (said, Some(provenance)) => {
            let said = said.unwrap_or_else(|| owner_text(&session.owner));
            (SESSION_WITH_PROVENANCE, format!("\n{said}\n{provenance}"))
        }
        (Some(said), None) if said.as_bytes() != owner => {
            (SESSION_WITH_SPELLING, format!("\n{said}"))
        }
        (_, None) => (VERSION, String::new()),
    };
    let mut out = ByteWriter::with_capacity(93 + owner.len() + beside.len());
    out.byte(version)
        .byte(SESSION)
        .array(id.as_bytes())
        .time(session.seen_at)
        .flag(session.authenticated_at.is_some())
        .time(session.authenticated_at.unwrap_or_default())
        .flag(browser_key.is_some())
        .array(browser_key.map_or(&[0; 32], |key| key.as_bytes()))
        .time(session.created_at)
        .flag(session.revoked)
        .array(owner)
        .array(beside.as_bytes());
    out.into_bytes()
}

/// Reads a session that was filed under `id`.
pub(crate) fn decode_session(id: &SessionId, bytes: &[u8]) -> Result<StoredSession, StoreError> {
    session(id, &mut ByteReader::new(bytes)).ok_or(StoreError::Corrupt { what: "session" })
}

/// Whose a session is, as it is written: no subject has a control character
/// ([`Naming::subject`](crate::domain::Naming::subject)), so these words are nobody's name.
pub(crate) fn owner_text(owner: &Owner) -> &str {
    match owner {
        Owner::Disputed => "\u{1}disputed",
        Owner::Doubtful => "\u{1}doubtful",
        Owner::Spelling => "\u{1}spelling",
        Owner::Subject(subject) => subject.as_str(),
    }
}

/// Whose a session is, as [`owner_text`] writes it, and behind a line feed how the name was said, if otherwise; `None`
/// if it is nobody's name.
pub(super) fn owner(text: &str) -> Option<Owner> {
    let (text, said) = text.split_once('\n').unwrap_or((text, text));
    if text.is_empty() || said.is_empty() {
        return None;
    }
    let unowned = [Owner::Disputed, Owner::Doubtful, Owner::Spelling];
    let mut unowned = unowned.into_iter();
    let known = unowned.find(|owner| owner_text(owner) == text);
    Some(known.unwrap_or_else(|| Owner::Subject(Subject::new(text).said_as(said))))
}

/// The two lines about the owner, and what follows them.
fn lines(text: &str) -> (&str, Option<&str>) {
    let second = text.match_indices('\n').nth(1);
    let parts = second.and_then(|(at, _)| Some((text.get(..at)?, text.get(at + 1..)?)));
    parts.map_or((text, None), |(owner, rest)| (owner, Some(rest)))
}

fn session(id: &SessionId, reader: &mut ByteReader<'_>) -> Option<StoredSession> {
    let [version, tag] = reader.array()?;
    let is_known = [VERSION, SESSION_WITH_SPELLING, SESSION_WITH_PROVENANCE].contains(&version);
    (is_known && tag == SESSION).then_some(())?;
    read_owner(id, reader)?;
    let seen_at = reader.time()?;
    let (authenticated, authenticated_at) = (reader.flag()?, reader.time()?);
    let (keyed, browser_key) = (reader.flag()?, reader.array()?);
    let (created_at, revoked) = (reader.time()?, reader.flag()?);
    // A script may have put another owner behind the head of a later version: what follows is optional.
    let (named, provenance) = lines(reader.rest_text()?);
    Some(StoredSession {
        seen_at,
        authenticated_at: authenticated.then_some(authenticated_at),
        browser_key: keyed.then(|| BrowserKeyHash::new(browser_key)),
        created_at,
        revoked,
        owner: owner(named)?,
        provenance: provenance.map(Provenance::from_text),
    })
}
