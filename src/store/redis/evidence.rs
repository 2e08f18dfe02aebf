//! Evidence in Redis: one command fetches all that a decision rests on.

use super::RedisStore;
use super::answer::{bytes, list, next, until};
use super::client::Repeat;
use super::command::{Argument, write_command};
use super::pipeline::RespCommand;
use super::reply::{BulkStrings, Reply};
use super::scripts::{EVIDENCE, ScriptRef, script};
use crate::domain::{Claim, Grant, GrantKey, SessionId, Timestamp};
use crate::store::keys::{
    GrantField, LatestField, MARK_FIELD, REVOKED_FIELD, SESSION_FIELD, SessionHashKey,
};
use crate::store::record::{
    decode_grant, decode_latest, decode_mark, decode_session, encode_grant,
};
use crate::store::{Ask, Held, StoreError};
use redis::Cmd;

impl RedisStore {
    pub(crate) async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError> {
        let in_mode = |mode| EvidenceCommand {
            mode,
            key: self.keys.session(&ask.session),
            ask,
            now,
        };
        let reply = if ask.claims.is_empty() {
            let command = in_mode(GrantUse::Read);
            self.client.fetch(&command, Repeat::Harmless).await?
        } else {
            let command = |by| in_mode(GrantUse::Take(by));
            // It may have run: sent again it would find the grants taken.
            self.client.fetch_by_script(command, Repeat::Never).await?
        };
        read_held(ask, now, &reply)
    }

    pub(crate) async fn give_back(&self, claim: Claim, _now: Timestamp) -> Result<(), StoreError> {
        let Claim { session, grant } = &claim;
        let taken = [&b"x:"[..], grant.id.as_bytes()].concat();
        self.client
            .run(script!(give_back), 1, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(session))
                    .arg(GrantField(&grant.key))
                    .arg(encode_grant(session, grant))
                    .arg(&taken);
            })
            .await
            .map(drop)
    }

    pub(crate) async fn grants_of(&self, session: SessionId) -> Result<Vec<Grant>, StoreError> {
        let mut all = Cmd::new();
        all.arg("HGETALL").arg(self.keys.session(&session));
        let mut fields = list(self.client.ask(&all, Repeat::Harmless).await?)?;
        let mut grants = Vec::new();
        while let Some(field) = fields.next() {
            let record = bytes(next(&mut fields)?)?;
            if GrantField::is_one(&bytes(field)?) {
                grants.push(decode_latest(&session, &record)?);
            }
        }
        Ok(grants)
    }
}

/// The one command that fetches all that a decision rests on.
struct EvidenceCommand<'a> {
    mode: GrantUse,
    key: SessionHashKey<'a>,
    ask: Ask<'a>,
    now: Timestamp,
}

/// Whether single-use grants are taken.
enum GrantUse {
    Read,
    Take(ScriptRef),
}

impl RespCommand for EvidenceCommand<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let key = Argument::Session(self.key);
        match self.mode {
            GrantUse::Read => {
                let head = [Argument::Text(b"HMGET"), key];
                write_command(out, head.into_iter().chain(fields(self.ask)));
            }
            GrantUse::Take(by) => {
                let [verb, script] = EVIDENCE.command(by);
                let browser = self.ask.browser.as_ref();
                let head = [
                    Argument::Text(verb.as_bytes()),
                    Argument::Text(script.as_bytes()),
                    Argument::Number(1),
                    key,
                    Argument::Number(self.now.as_millis()),
                    Argument::Text(browser.map_or(&[], |key| key.as_bytes())),
                    Argument::Number(self.ask.claims.len() as u64),
                ];
                write_command(out, head.into_iter().chain(fields(self.ask)));
            }
        }
    }
}

/// The fields of the session's hash to fetch; the reply has them in the same order.
fn fields(ask: Ask<'_>) -> impl Iterator<Item = Argument<'_>> + Clone {
    [SESSION_FIELD, REVOKED_FIELD, MARK_FIELD]
        .into_iter()
        .map(|name| Argument::Text(name.as_bytes()))
        .chain(
            ask.latest_actions()
                .map(|action| Argument::Latest(LatestField(action))),
        )
        .chain(
            ask.grants
                .iter()
                .chain(ask.claims)
                .map(|key| Argument::Grant(GrantField(key))),
        )
}

fn read_held(ask: Ask<'_>, now: Timestamp, reply: &Reply) -> Result<Held, StoreError> {
    let id = &ask.session;
    let mut values = reply.bulk_strings(fields(ask).count())?;
    let session = values.next()?;
    let revoked = values.next()?.map(until).transpose()?;
    let mark = values.next()?;
    if revoked.is_some_and(|until| until <= now) {
        // The session expired with its revocation.
        return Ok(Held::default());
    }
    let mut session = session.map(|bytes| decode_session(id, bytes)).transpose()?;
    if let Some(session) = &mut session {
        session.revoked |= revoked.is_some();
    }
    let mut latest = Vec::new();
    for _ in ask.latest_actions() {
        if let Some(bytes) = values.next()? {
            latest.push(decode_latest(id, bytes)?);
        }
    }
    let grants = read_grants(id, ask.grants, &mut values)?;
    let claims = read_grants(id, ask.claims, &mut values)?;
    let claim = |grant| Claim {
        session: *id,
        grant,
    };
    Ok(Held {
        session,
        mark: mark.map(|bytes| decode_mark(id, bytes)).transpose()?,
        grants,
        claims: claims.into_iter().map(claim).collect(),
        latest,
    })
}

fn read_grants(
    id: &SessionId,
    keys: &[GrantKey],
    values: &mut BulkStrings<'_>,
) -> Result<Vec<Grant>, StoreError> {
    let mut grants = Vec::new();
    for key in keys {
        if let Some(bytes) = values.next()? {
            grants.push(decode_grant(id, key, bytes)?);
        }
    }
    Ok(grants)
}
