//! On the way of a request: one command fetches all a decision rests on.

use super::answer::{list, next, optional_bytes};
use super::link::Repeat;
use super::{RedisStore, scripts};
use crate::domain::{Claim, Grant, GrantKey, SessionId, Timestamp};
use crate::store::keys::{GrantField, LatestField, MARK_FIELD, REVOKED_FIELD, SESSION_FIELD};
use crate::store::record::{
    decode_grant, decode_latest, decode_mark, decode_session, encode_grant,
};
use crate::store::{Ask, Held, StoreError};
use redis::{Cmd, Value};

impl RedisStore {
    pub(super) async fn fetch_evidence(
        &self,
        ask: Ask<'_>,
        now: Timestamp,
    ) -> Result<Held, StoreError> {
        let answer = if ask.claims.is_empty() {
            let fields = 3 + 2 * ask.grants.len();
            let mut command = Cmd::with_capacity(2 + fields, 96 + 48 * fields);
            command.arg("HMGET").arg(self.keys.session(&ask.session));
            write_fields(&mut command, ask);
            self.link.ask(&command, Repeat::Harmless).await?
        } else {
            self.link
                .run(&scripts::EVIDENCE, 1, Repeat::Never, |command| {
                    command
                        .arg(self.keys.session(&ask.session))
                        .arg(now.as_millis());
                    command.arg(ask.browser.as_ref().map_or(&[][..], |key| key.as_bytes()));
                    command.arg(ask.claims.len());
                    write_fields(command, ask);
                })
                .await?
        };
        read_held(ask, now, answer)
    }

    pub(super) async fn return_claim(&self, claim: &Claim) -> Result<(), StoreError> {
        let Claim { session, grant } = claim;
        let taken = [&b"x:"[..], grant.id.as_bytes()].concat();
        self.link
            .run(&scripts::GIVE_BACK, 1, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(session))
                    .arg(GrantField(&grant.key))
                    .arg(encode_grant(session, grant))
                    .arg(&taken);
            })
            .await
            .map(drop)
    }
}

fn write_fields(command: &mut Cmd, ask: Ask<'_>) {
    command
        .arg(SESSION_FIELD)
        .arg(REVOKED_FIELD)
        .arg(MARK_FIELD);
    for action in ask.told_of() {
        command.arg(LatestField(action));
    }
    for key in ask.grants.iter().chain(ask.claims) {
        command.arg(GrantField(key));
    }
}

fn read_held(ask: Ask<'_>, now: Timestamp, answer: Value) -> Result<Held, StoreError> {
    let id = &ask.session;
    let mut values = list(answer)?;
    let session = optional_bytes(next(&mut values)?)?;
    let revoked = optional_bytes(next(&mut values)?)?
        .map(|bytes| until(&bytes))
        .transpose()?;
    let mark = optional_bytes(next(&mut values)?)?;
    if revoked.is_some_and(|until| until <= now) {
        // The revocation is over, and with it the session.
        return Ok(Held::default());
    }
    let mut session = session
        .map(|bytes| decode_session(id, &bytes))
        .transpose()?;
    if let Some(session) = &mut session {
        session.revoked |= revoked.is_some();
    }
    let mut latest = Vec::new();
    for _ in ask.told_of() {
        if let Some(bytes) = optional_bytes(next(&mut values)?)? {
            latest.push(decode_latest(id, &bytes)?);
        }
    }
    let grants = read_grants(id, ask.grants, &mut values)?;
    let claims = read_grants(id, ask.claims, &mut values)?;
    Ok(Held {
        session,
        mark: mark.map(|bytes| decode_mark(id, &bytes)).transpose()?,
        grants,
        claims: claims
            .into_iter()
            .map(|grant| Claim {
                session: *id,
                grant,
            })
            .collect(),
        latest,
    })
}

fn read_grants(
    id: &SessionId,
    keys: &[GrantKey],
    values: &mut impl Iterator<Item = Value>,
) -> Result<Vec<Grant>, StoreError> {
    let mut grants = Vec::new();
    for key in keys {
        if let Some(bytes) = optional_bytes(next(values)?)? {
            grants.push(decode_grant(id, key, &bytes)?);
        }
    }
    Ok(grants)
}

/// The end of a revocation.
pub(super) fn until(bytes: &[u8]) -> Result<Timestamp, StoreError> {
    let millis = bytes.try_into().map(u64::from_be_bytes);
    millis
        .map(Timestamp::from_millis)
        .map_err(|_| StoreError::Corrupt { what: "revocation" })
}
