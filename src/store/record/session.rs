//! Sessions, as they lie in the store.

use super::{SESSION, VERSION, read_owner};
use crate::domain::{
    BrowserKeyHash, ByteReader, ByteWriter, Owner, SessionId, StoredSession, Subject,
};
use crate::store::StoreError;

/// Of a session whose subject was named in another spelling than the one that stands for all.
const SESSION_WITH_SPELLING: u8 = 2;

/// Writes a session.
pub(crate) fn encode_session(id: &SessionId, session: &StoredSession) -> Vec<u8> {
    let owner = owner_text(&session.owner).as_bytes();
    let browser_key = session.browser_key.as_ref();
    let spelling = session.owner.subject().map(Subject::spelling);
    let spelling = spelling.filter(|said| said.as_bytes() != owner);
    let (version, beside) = match spelling {
        None => (VERSION, 0),
        Some(said) => (SESSION_WITH_SPELLING, 1 + said.len()),
    };
    let mut out = ByteWriter::with_capacity(93 + owner.len() + beside);
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
        .array(owner);
    if let Some(said) = spelling {
        out.byte(b'\n').array(said.as_bytes());
    }
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

/// Whose a session is, as [`owner_text`] writes it, and how the name was said; `None` if it is nobody's name.
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

fn session(id: &SessionId, reader: &mut ByteReader<'_>) -> Option<StoredSession> {
    let [version, tag] = reader.array()?;
    let is_known = [VERSION, SESSION_WITH_SPELLING].contains(&version);
    (is_known && tag == SESSION).then_some(())?;
    read_owner(id, reader)?;
    let seen_at = reader.time()?;
    let (authenticated, authenticated_at) = (reader.flag()?, reader.time()?);
    let (keyed, browser_key) = (reader.flag()?, reader.array()?);
    Some(StoredSession {
        seen_at,
        authenticated_at: authenticated.then_some(authenticated_at),
        browser_key: keyed.then(|| BrowserKeyHash::new(browser_key)),
        created_at: reader.time()?,
        revoked: reader.flag()?,
        owner: owner(reader.rest_text()?)?,
    })
}
