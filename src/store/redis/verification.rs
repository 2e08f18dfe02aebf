//! Verification in Redis: attempts, codes, steps, and success.

use super::answer::{list, next, number, optional_bytes, text};
use super::client::Repeat;
use super::scripts::script;
use super::{MARGIN, RedisStore, taken, ttl};
use crate::domain::{
    AttemptCount, ChallengeId, Counter, CounterKey, Factor, FactorSet, StoredSession, Timestamp,
    UserId,
};
use crate::store::keys::{GrantField, LatestField, WaitingField};
use crate::store::record::{
    decode_code, encode_approval, encode_code, encode_grant, encode_mark, encode_session,
};
use crate::store::{CodeAnswer, SentCode, StoreError, Taken, VerifiedChallenge};
use redis::Cmd;
use std::time::Duration;

impl RedisStore {
    pub(crate) async fn count_attempt(
        &self,
        counters: &[Counter],
        now: Timestamp,
    ) -> Result<AttemptCount, StoreError> {
        if counters.is_empty() {
            return Ok(AttemptCount::Counted {
                remaining: u32::MAX,
            });
        }
        let answer = self
            .client
            .run(
                script!(count_attempt),
                counters.len(),
                // Sent again, one attempt would count as two.
                Repeat::Never,
                |command| {
                    for counter in counters {
                        command.arg(self.keys.counter(&counter.key));
                    }
                    command.arg(now.as_millis()).arg(ttl(MARGIN));
                    for counter in counters {
                        command.arg(counter.limit);
                        match counter.window {
                            None => command.arg(-1).arg(-1),
                            Some(window) => {
                                let window = Duration::from_millis(ttl(window));
                                command.arg(ttl(window)).arg(now.after(window).as_millis())
                            }
                        };
                    }
                },
            )
            .await?;
        read_attempt(counters, answer)
    }

    pub(crate) async fn uncount_attempt(&self, keys: &[CounterKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        // Sent again, it could take back attempts of others.
        self.client
            .run(
                script!(uncount_attempt),
                keys.len(),
                Repeat::Never,
                |command| {
                    for key in keys {
                        command.arg(self.keys.counter(key));
                    }
                },
            )
            .await
            .map(drop)
    }

    pub(crate) async fn clear_attempts(&self, keys: &[CounterKey]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut delete = Cmd::new();
        delete.arg("DEL");
        for key in keys {
            delete.arg(self.keys.counter(key));
        }
        // Sent again, it could delete attempts that were counted in between.
        self.client.ask(&delete, Repeat::Never).await.map(drop)
    }

    pub(crate) async fn note_factor(
        &self,
        challenge: ChallengeId,
        factor: Factor,
        keep: Duration,
    ) -> Result<FactorSet, StoreError> {
        let answer = self
            .client
            .run(script!(note_factor), 1, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.factors(challenge))
                    .arg(factor.as_str())
                    .arg(ttl(keep));
            })
            .await?;
        let words: Result<Vec<String>, _> = list(answer)?.map(text).collect();
        let factors: Result<FactorSet, _> =
            words?.iter().map(|word| word.parse::<Factor>()).collect();
        factors.map_err(|_| StoreError::Corrupt { what: "factor" })
    }

    pub(crate) async fn put_code(
        &self,
        challenge: ChallengeId,
        code: &SentCode,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut set = Cmd::new();
        set.arg("SET")
            .arg(self.keys.code(challenge))
            .arg(encode_code(&challenge, code));
        set.arg("PX")
            .arg(ttl(code.expires_at.since(now).saturating_add(MARGIN)));
        // Sent again, it could bring back a code that was used in between.
        self.client.ask(&set, Repeat::Never).await.map(drop)
    }

    pub(crate) async fn take_code(
        &self,
        challenge: ChallengeId,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<CodeAnswer, StoreError> {
        let key = self.keys.code(challenge);
        let mut get = Cmd::new();
        get.arg("GET").arg(&key);
        let Some(record) = optional_bytes(self.client.ask(&get, Repeat::Harmless).await?)? else {
            return Ok(CodeAnswer::NoneSent);
        };
        let code = decode_code(&challenge, &record)?;
        if let Some(refusal) = code.refuses(hash, now) {
            return Ok(refusal);
        }
        // Compared here, since Lua does not compare in constant time; deleted by the script, so that one call takes it.
        let answer = self
            .client
            .run(script!(take_code), 1, Repeat::Never, |command| {
                command.arg(&key).arg(&record);
            })
            .await?;
        Ok(match taken(&answer)? {
            Taken::Before => CodeAnswer::NoneSent,
            Taken::Now => CodeAnswer::Matched,
        })
    }

    pub(crate) async fn take_totp_step(
        &self,
        user: &UserId,
        step: u64,
    ) -> Result<Taken, StoreError> {
        let answer = self
            .client
            // Sent again, it would find the step taken, by itself.
            .run(script!(take_totp_step), 1, Repeat::Never, |command| {
                command.arg(self.keys.totp(user)).arg(step);
            })
            .await?;
        taken(&answer)
    }

    pub(crate) async fn put_verified(
        &self,
        verified: &VerifiedChallenge,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let id = &verified.session;
        let (ends, waiting) = (&verified.rests_on.ends, &verified.rests_on.waiting);
        let keys = 5 + ends.len() + waiting.len() + verified.clears.len();
        let answer = self
            .client
            // Sent again, it would find the challenge answered, by itself.
            .run(script!(put_verified), keys, Repeat::Never, |command| {
                command.arg(self.keys.session(id));
                command.arg(self.keys.answered(verified.opened_in, verified.challenge));
                command.arg(self.keys.subject(verified.unrecorded.owner.as_str()));
                command
                    .arg(self.keys.approval(verified.challenge))
                    .arg(self.keys.approvals());
                for name in ends {
                    command.arg(self.keys.kept(*name));
                }
                for (session, _) in waiting {
                    command.arg(self.keys.session(session));
                }
                for key in &verified.clears {
                    command.arg(self.keys.counter(key));
                }
                write_session(command, verified, now);
                write_grant(command, verified);
                let fields = waiting.iter().map(|(_, id)| WaitingField(*id).to_bytes());
                command
                    .arg(now.after(verified.keep).as_millis())
                    .arg(id.as_bytes())
                    .arg(ends.len())
                    .arg(verified.rests_on.since.as_millis())
                    .arg(fields.collect::<Vec<_>>().concat());
                match &verified.approval {
                    None => command.arg(""),
                    Some(approval) => command
                        .arg(encode_approval(approval))
                        .arg(ttl(approval.expires_at.since(now).saturating_add(MARGIN)))
                        .arg(approval.expires_at.as_millis())
                        .arg(approval.id.as_bytes()),
                };
            })
            .await?;
        taken(&answer)
    }
}

/// The arguments of `put_verified` that are about the session.
fn write_session(command: &mut Cmd, verified: &VerifiedChallenge, now: Timestamp) {
    let id = &verified.session;
    let unrecorded = StoredSession {
        browser_key: Some(verified.renewed),
        ..verified.unrecorded.clone().stored()
    };
    let presented = verified.presented.as_ref();
    let mark = verified.mark.as_ref().map(|mark| encode_mark(id, mark));
    command
        .arg(now.as_millis())
        .arg(ttl(verified.challenge_keep.saturating_add(MARGIN)))
        .arg(ttl(verified.keep))
        .arg(presented.map_or(&[][..], |key| key.as_bytes()))
        .arg(verified.renewed.as_bytes())
        .arg(encode_session(id, &unrecorded))
        .arg(mark.unwrap_or_default());
}

/// Those that are about its grant: where it is filed, the grant, and where its second copy is.
fn write_grant(command: &mut Cmd, verified: &VerifiedChallenge) {
    let id = &verified.session;
    match (&verified.grant, verified.waits_for) {
        (None, _) => command.arg("").arg("").arg(""),
        (Some(grant), Some(waits_for)) => command
            .arg(WaitingField(waits_for).to_bytes())
            .arg(encode_grant(id, grant))
            .arg(WaitingField(waits_for).to_bytes()),
        (Some(grant), None) => command
            .arg(GrantField(&grant.key))
            .arg(encode_grant(id, grant))
            .arg(LatestField(&grant.key.action)),
    };
}

fn read_attempt(counters: &[Counter], answer: redis::Value) -> Result<AttemptCount, StoreError> {
    let corrupt = || StoreError::Corrupt { what: "counter" };
    let mut values = list(answer)?;
    let counted = number(&next(&mut values)?)? == 1;
    let second = number(&next(&mut values)?)?;
    if counted {
        let remaining = u32::try_from(second).map_err(|_| corrupt())?;
        return Ok(AttemptCount::Counted { remaining });
    }
    let place = usize::try_from(second - 1).ok();
    let counter = place
        .and_then(|place| counters.get(place))
        .ok_or_else(corrupt)?;
    let until = u64::try_from(number(&next(&mut values)?)?)
        .ok()
        .map(Timestamp::from_millis);
    Ok(AttemptCount::Refused {
        key: counter.key.clone(),
        until,
    })
}
