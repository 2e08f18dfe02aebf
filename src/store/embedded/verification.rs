//! Verification on disk: attempts, codes, steps, and success.

use super::EmbeddedStore;
use super::rows::taken;
use super::schema::millis;
use super::verified::put_verified;
use crate::domain::{
    AttemptCount, ChallengeId, Counter, CounterKey, Factor, FactorSet, Timestamp, UserId,
};
use crate::store::record::{decode_code, encode_code};
use crate::store::{CodeAnswer, SentCode, StoreError, Taken, VerifiedChallenge};
use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

impl EmbeddedStore {
    pub(crate) async fn count_attempt(
        &self,
        counters: &[Counter],
        now: Timestamp,
    ) -> Result<AttemptCount, StoreError> {
        let counters = counters.to_vec();
        self.write(move |connection| count_attempt(connection, &counters, now))
            .await
    }

    pub(crate) async fn uncount_attempt(&self, keys: &[CounterKey]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.write(move |connection| {
            let mut lower = connection.prepare_cached(
                "UPDATE counters SET count = count - 1 WHERE key = ?1 AND count > 0",
            )?;
            for key in &keys {
                lower.execute([key.as_str()])?;
            }
            Ok(())
        })
        .await
    }

    pub(crate) async fn clear_attempts(&self, keys: &[CounterKey]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.write(move |connection| clear_attempts(connection, &keys))
            .await
    }

    pub(crate) async fn note_factor(
        &self,
        challenge: ChallengeId,
        factor: Factor,
        keep: Duration,
    ) -> Result<FactorSet, StoreError> {
        let now = self.clock.now();
        self.write(move |connection| {
            let shown: Option<u8> = connection
                .prepare_cached("SELECT bits FROM factors WHERE challenge = ?1 AND expires_at > ?2")?
                .query_row(params![challenge.as_bytes(), millis(now)], |row| row.get(0))
                .optional()?;
            let shown = FactorSet::from_bits(shown.unwrap_or_default()).with(factor);
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO factors (challenge, bits, expires_at) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    challenge.as_bytes(),
                    shown.bits(),
                    millis(now.after(keep))
                ])?;
            Ok(shown)
        })
        .await
    }

    pub(crate) async fn put_code(
        &self,
        challenge: ChallengeId,
        code: &SentCode,
        _now: Timestamp,
    ) -> Result<(), StoreError> {
        let code = code.clone();
        self.write(move |connection| {
            let record = encode_code(&challenge, &code);
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO codes (challenge, record, expires_at) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![
                    challenge.as_bytes(),
                    record,
                    millis(code.expires_at)
                ])?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn take_code(
        &self,
        challenge: ChallengeId,
        hash: &[u8; 32],
        now: Timestamp,
    ) -> Result<CodeAnswer, StoreError> {
        let hash = *hash;
        self.write(move |connection| {
            let record: Option<Vec<u8>> = connection
                .prepare_cached("SELECT record FROM codes WHERE challenge = ?1")?
                .query_row([challenge.as_bytes()], |row| row.get(0))
                .optional()?;
            let Some(record) = record else {
                return Ok(CodeAnswer::NoneSent);
            };
            let code = decode_code(&challenge, &record)?;
            // A wrong code leaves the record: attempts are bounded by counters, not by the code.
            if let Some(refusal) = code.refuses(&hash, now) {
                return Ok(refusal);
            }
            connection.execute(
                "DELETE FROM codes WHERE challenge = ?1",
                [challenge.as_bytes()],
            )?;
            Ok(CodeAnswer::Matched)
        })
        .await
    }

    pub(crate) async fn take_totp_step(
        &self,
        user: &UserId,
        step: u64,
    ) -> Result<Taken, StoreError> {
        let user = user.clone();
        self.write(move |connection| {
            // SQLite's integers are signed; a step is a number of half minutes since 1970.
            let step = i64::try_from(step).unwrap_or(i64::MAX);
            let written = connection
                .prepare_cached(
                    "INSERT INTO totp (user, step) VALUES (?1, ?2)
                     ON CONFLICT (user) DO UPDATE SET step = excluded.step WHERE step < excluded.step",
                )?
                .execute(params![user.as_str(), step])?;
            Ok(taken(written))
        })
        .await
    }

    pub(crate) async fn put_verified(
        &self,
        verified: &VerifiedChallenge,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let verified = verified.clone();
        self.write(move |connection| put_verified(connection, &verified, now))
            .await
    }
}

fn count_attempt(
    connection: &Connection,
    counters: &[Counter],
    now: Timestamp,
) -> Result<AttemptCount, StoreError> {
    let tallies = counters
        .iter()
        .map(|counter| StoredCounter::find(connection, counter, now))
        .collect::<Result<Vec<_>, _>>()?;
    // All are compared before any is raised: a refused attempt counts nowhere.
    for (counter, tally) in counters.iter().zip(&tallies) {
        if tally.count >= counter.limit {
            return Ok(AttemptCount::Refused {
                key: counter.key.clone(),
                until: tally.until,
            });
        }
    }
    let mut remaining = u32::MAX;
    for (counter, tally) in counters.iter().zip(&tallies) {
        let window = counter
            .window
            .map(|window| tally.until.unwrap_or(now.after(window)));
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO counters (key, count, until) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                counter.key.as_str(),
                tally.count + 1,
                window.map(millis)
            ])?;
        remaining = remaining.min(counter.limit - tally.count - 1);
    }
    Ok(AttemptCount::Counted { remaining })
}

/// A counter as it is stored.
struct StoredCounter {
    count: u32,
    until: Option<Timestamp>,
}

impl StoredCounter {
    fn find(
        connection: &Connection,
        counter: &Counter,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let row: Option<(u32, Option<i64>)> = connection
            .prepare_cached("SELECT count, until FROM counters WHERE key = ?1")?
            .query_row([counter.key.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (count, until) = row.unwrap_or_default();
        // A counter whose limit lost its window by new settings counts on without end.
        let until = until
            .filter(|_| counter.window.is_some())
            .map(|until| Timestamp::from_millis(u64::try_from(until).unwrap_or(0)));
        match until {
            Some(until) if until <= now => Ok(Self {
                count: 0,
                until: None,
            }),
            until => Ok(Self { count, until }),
        }
    }
}

pub(super) fn clear_attempts(
    connection: &Connection,
    keys: &[CounterKey],
) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM counters WHERE key = ?1")?;
    for key in keys {
        delete.execute([key.as_str()])?;
    }
    Ok(())
}
