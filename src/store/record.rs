//! The records as they lie in the store: compact, versioned, written by hand.
//!
//! Every record begins with a version and a tag, and names the session (or challenge) it belongs
//! to, which is compared when it is read: an answer that belongs to someone else is an error and
//! never evidence. What a script must compare or replace lies at a fixed place (see below).
//! Any bytes read as a record or as [`StoreError::Corrupt`]; nothing here panics.
//!
//! Users are kept for years, so their record takes additions: after the fields of version 1, version
//! 2 holds credentials by kind until its end, and what this version does not know is kept when it
//! writes the record again. Whatever a later version adds of a user is one more kind. A record is
//! written in version 1 as long as that holds all of it, so that an older sidecar still reads it.
//!
//! The others take no additions: session, mark and grant end with the subject, a code with its hash,
//! and each is kept for minutes or weeks. A field more in one of them is a new version of it, which
//! must be read for as long as the old records are kept. So version 2 of a session has, after the
//! subject and a line feed, which no subject contains, how the name was said, and version 3 after
//! another one from where the session was begun; and version 2 of a mark or grant has, in the same place,
//! the authentication context of a sign-in at the identity provider.

mod approval;
mod grant;
mod session;

pub(crate) use approval::{decode_approval, encode_approval, encode_decision};
pub(crate) use grant::{decode_grant, decode_latest, encode_grant};
pub(crate) use session::{decode_session, encode_session, owner_text};

use super::{SentCode, StoreError};
use crate::domain::{
    BrowserKeyHash, ByteReader, ByteWriter, ChallengeId, Credential, FactorSet, Mark, Secret,
    SessionId, Subject, User, UserId,
};

const VERSION: u8 = 1;
/// Of a user who has credentials that version 1 has no place for.
const USER_WITH_CREDENTIALS: u8 = 2;
/// Of a mark or grant for which somebody signed in at the identity provider in a named way.
const PROOF_WITH_ACR: u8 = 2;
const SESSION: u8 = b'S';
const MARK: u8 = b'M';
const USER: u8 = b'U';
const CODE: u8 = b'C';

/// Where the fixed parts lie, for the scripts that Redis runs. The table counts from 1 as they do.
///
/// | | bytes |
/// |---|---|
/// | session id (session, mark, grant) | 3–34 |
/// | session: seen at | 35–42 |
/// | session: flag and authenticated at | 43–51 |
/// | session: flag and browser key | 52–84 |
/// | session: created at, revoked | 85–93 |
/// | session: subject, up to a line feed if there is one | from 94 |
/// | mark, grant: browser key | 35–66 |
/// | grant: expires at | 67–74 |
/// | grant: its own id | 75–90 |
mod offset {
    pub(super) const SESSION_ID: usize = 2;
    pub(super) const BROWSER: usize = 34;
}

/// Writes a mark.
pub(crate) fn encode_mark(id: &SessionId, mark: &Mark) -> Vec<u8> {
    let subject = mark.subject.as_str().as_bytes();
    let mut out = proof_head(MARK, 75 + subject.len(), mark.acr.as_ref());
    out.array(id.as_bytes())
        .array(mark.browser_key.as_bytes())
        .time(mark.verified_at)
        .byte(mark.factors.bits())
        .array(subject);
    proof_end(out, mark.acr.as_ref())
}

/// Reads the mark of the session `id`.
pub(crate) fn decode_mark(id: &SessionId, bytes: &[u8]) -> Result<Mark, StoreError> {
    mark(id, &mut ByteReader::new(bytes)).ok_or(StoreError::Corrupt { what: "mark" })
}

/// Files a record of a session (session, mark or grant) under another id.
pub(crate) fn refile(record: &mut [u8], to: &SessionId) {
    put_at(record, offset::SESSION_ID, to.as_bytes());
}

/// Hands a mark or grant on to the same browser under its new key.
pub(crate) fn rekey(proof: &mut [u8], browser_key: &BrowserKeyHash) {
    put_at(proof, offset::BROWSER, browser_key.as_bytes());
}

/// Writes a user, without the aliases, which are filed beside it.
pub(crate) fn encode_user(user: &User) -> Vec<u8> {
    let password = user.password.as_ref().map(|hash| hash.expose().as_bytes());
    let mut out = ByteWriter::with_capacity(256);
    let version = match user.credentials.as_slice() {
        [] => VERSION,
        _ => USER_WITH_CREDENTIALS,
    };
    out.byte(version)
        .byte(USER)
        .time(user.created_at)
        .text(user.id.as_str())
        .optional_bytes(user.email.as_ref().map(String::as_bytes))
        .optional_bytes(password)
        .optional_bytes(user.totp.as_deref());
    for credential in &user.credentials {
        out.text(&credential.kind).bytes(credential.data.expose());
    }
    out.into_bytes()
}

/// Reads the user `id`.
pub(crate) fn decode_user(
    id: &UserId,
    aliases: Vec<UserId>,
    bytes: &[u8],
) -> Result<User, StoreError> {
    user(aliases, &mut ByteReader::new(bytes))
        .filter(|user| user.id == *id)
        .ok_or(StoreError::Corrupt { what: "user" })
}

/// Writes a code that was sent for `challenge`.
pub(crate) fn encode_code(challenge: &ChallengeId, code: &SentCode) -> Vec<u8> {
    let mut out = head(CODE, 58);
    out.array(challenge.as_bytes())
        .time(code.expires_at)
        .array(&code.hash);
    out.into_bytes()
}

/// Reads the code that was sent for `challenge`.
pub(crate) fn decode_code(challenge: &ChallengeId, bytes: &[u8]) -> Result<SentCode, StoreError> {
    code(challenge, &mut ByteReader::new(bytes)).ok_or(StoreError::Corrupt { what: "code" })
}

/// Reads bytes as a record of every kind, for the fuzzer: what can be read can be written again.
#[cfg(any(test, fuzzing))]
#[allow(clippy::expect_used)] // the fuzzer waits for a panic
pub(crate) fn read_as_every_record(bytes: &[u8]) {
    const AGAIN: &str = "what was read once reads again";
    let id = SessionId::new([7; 32]);
    let challenge = ChallengeId::new([7; 16]);
    if let Ok(session) = decode_session(&id, bytes) {
        decode_session(&id, &encode_session(&id, &session)).expect(AGAIN);
    }
    if let Ok(mark) = decode_mark(&id, bytes) {
        decode_mark(&id, &encode_mark(&id, &mark)).expect(AGAIN);
    }
    if let Some(read) = grant::grant(&id, &mut ByteReader::new(bytes)) {
        decode_grant(&id, &read.key, &encode_grant(&id, &read)).expect(AGAIN);
    }
    if let Some(read) = user(Vec::new(), &mut ByteReader::new(bytes)) {
        decode_user(&read.id, Vec::new(), &encode_user(&read)).expect(AGAIN);
    }
    if let Ok(approval) = decode_approval(&challenge, bytes, None) {
        decode_approval(&challenge, &encode_approval(&approval), None).expect(AGAIN);
        if let Ok(decided) = decode_approval(&challenge, &encode_approval(&approval), Some(bytes)) {
            let decision = decided.decision.as_ref().map(encode_decision);
            decode_approval(&challenge, &encode_approval(&decided), decision.as_deref())
                .expect(AGAIN);
        }
    }
    if let Ok(code) = decode_code(&challenge, bytes) {
        decode_code(&challenge, &encode_code(&challenge, &code)).expect(AGAIN);
    }
}

fn mark(id: &SessionId, reader: &mut ByteReader<'_>) -> Option<Mark> {
    let version = read_proof_head(MARK, reader)?;
    read_owner(id, reader)?;
    let browser_key = BrowserKeyHash::new(reader.array()?);
    let verified_at = reader.time()?;
    let factors = FactorSet::from_bits(reader.byte()?);
    let (subject, acr) = read_proof_end(version, reader)?;
    Some(Mark {
        subject,
        browser_key,
        factors,
        acr,
        verified_at,
    })
}

fn user(aliases: Vec<UserId>, reader: &mut ByteReader<'_>) -> Option<User> {
    let version = reader.byte()?;
    (reader.byte()? == USER).then_some(())?;
    let created_at = reader.time()?;
    let id = UserId::new(reader.text()?);
    let email = reader.optional(|reader| reader.text().map(str::to_owned))?;
    let password =
        reader.optional(|reader| reader.text().map(|text| Secret::new(text.to_owned())))?;
    let totp = reader.optional(|reader| reader.bytes().map(<[u8]>::to_vec))?;
    let credentials = match version {
        VERSION => Vec::new(),
        USER_WITH_CREDENTIALS => credentials(reader)?,
        _ => return None,
    };
    reader.end()?;
    Some(User {
        id,
        aliases,
        email,
        password,
        totp,
        credentials,
        created_at,
    })
}

/// All that follows, of any kind.
fn credentials(reader: &mut ByteReader<'_>) -> Option<Vec<Credential>> {
    let mut credentials = Vec::new();
    while !reader.is_empty() {
        credentials.push(Credential {
            kind: reader.text()?.to_owned(),
            data: Secret::new(reader.bytes()?.to_vec()),
        });
    }
    Some(credentials)
}

fn code(challenge: &ChallengeId, reader: &mut ByteReader<'_>) -> Option<SentCode> {
    read_head(CODE, reader)?;
    (reader.array()? == *challenge.as_bytes()).then_some(())?;
    let code = SentCode {
        expires_at: reader.time()?,
        hash: reader.array()?,
    };
    reader.end()?;
    Some(code)
}

fn head(tag: u8, capacity: usize) -> ByteWriter {
    let mut out = ByteWriter::with_capacity(capacity);
    out.byte(VERSION).byte(tag);
    out
}

fn read_head(tag: u8, reader: &mut ByteReader<'_>) -> Option<()> {
    (reader.array()? == [VERSION, tag]).then_some(())
}

/// Begins a mark or grant, whose version says whether an authentication context is at its end.
fn proof_head(tag: u8, capacity: usize, acr: Option<&String>) -> ByteWriter {
    let mut out = ByteWriter::with_capacity(capacity + acr.map_or(0, |acr| 2 + acr.len()));
    let version = acr.map_or(VERSION, |_| PROOF_WITH_ACR);
    out.byte(version).byte(tag);
    out
}

fn proof_end(mut out: ByteWriter, acr: Option<&String>) -> Vec<u8> {
    if let Some(acr) = acr {
        // A line feed behind it as well: one that is cut short is not another.
        out.byte(b'\n').array(acr.as_bytes()).byte(b'\n');
    }
    out.into_bytes()
}

fn read_proof_head(tag: u8, reader: &mut ByteReader<'_>) -> Option<u8> {
    let [version, found] = reader.array()?;
    (found == tag && [VERSION, PROOF_WITH_ACR].contains(&version)).then_some(version)
}

fn read_proof_end(version: u8, reader: &mut ByteReader<'_>) -> Option<(Subject, Option<String>)> {
    let text = reader.rest_text()?;
    if version == VERSION {
        return Some((Subject::new(text), None));
    }
    let (subject, acr) = text.strip_suffix('\n')?.split_once('\n')?;
    Some((Subject::new(subject), Some(acr.to_owned())))
}

fn read_owner(id: &SessionId, reader: &mut ByteReader<'_>) -> Option<()> {
    (reader.array()? == *id.as_bytes()).then_some(())
}

/// Replaces bytes in place; a record too short for it stays as unreadable as it was.
fn put_at(record: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = record.get_mut(at..at.saturating_add(bytes.len())) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests;
