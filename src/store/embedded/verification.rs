//! Verification on disk: attempts, codes, steps, and success.

use super::EmbeddedStore;
use super::approvals::put_request;
use super::evidence::put_grant;
use super::kept::has_ended;
use super::rows::{SessionRow, drop_grants, taken, wipe};
use super::schema::millis;
use crate::domain::{
    AttemptCount, BrowserKeyHash, ChallengeId, Counter, CounterKey, Factor, FactorSet, SessionId,
    StoredSession, Timestamp, UserId,
};
use crate::store::record::{decode_code, encode_code, encode_mark, rekey};
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

fn clear_attempts(connection: &Connection, keys: &[CounterKey]) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM counters WHERE key = ?1")?;
    for key in keys {
        delete.execute([key.as_str()])?;
    }
    Ok(())
}

fn put_verified(
    connection: &Connection,
    verified: &VerifiedChallenge,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let id = verified.session;
    if has_ended(connection, &verified.rests_on, now)? {
        return Ok(Taken::Before);
    }
    // First: of two right answers at once, one goes on.
    if answer_challenge(connection, verified, now)? == Taken::Before {
        return Ok(Taken::Before);
    }
    clear_attempts(connection, &verified.clears)?;
    let until = now.after(verified.keep);
    let known = match SessionRow::find(connection, id, now)? {
        None => None,
        Some(row) => Some((row.session(id)?, row.extended(until))),
    };
    let (session, until) = match known {
        // The session may have changed hands while its challenge was open.
        Some((session, until)) if session.owner.subject() == Some(&verified.unrecorded.owner) => {
            (keep_own(connection, session, verified, now)?, until)
        }
        // There is no record, or one of another subject: start with a new one.
        Some(_) | None => {
            wipe(connection, id)?;
            (verified.unrecorded.clone().stored(), millis(until))
        }
    };
    // Renewed with every proof (ASVS 5.0, 7.2.4): a key that was copied before is of no use after.
    let session = StoredSession {
        browser_key: Some(verified.renewed),
        ..session
    };
    let mark = encode_mark(&id, &verified.mark);
    SessionRow::put(connection, id, &session, Some(&mark), until)?;
    match (&verified.grant, &verified.approval) {
        (None, _) => {}
        (Some(grant), None) => put_grant(connection, id, grant)?,
        (Some(grant), Some(approval)) => put_request(connection, id, grant, approval)?,
    }
    Ok(Taken::Now)
}

/// Keeps what the session holds if this browser earned it; else deletes it.
fn keep_own(
    connection: &Connection,
    session: StoredSession,
    verified: &VerifiedChallenge,
    now: Timestamp,
) -> Result<StoredSession, StoreError> {
    if session.browser_key.is_some() && session.browser_key == verified.presented {
        renew_grants(connection, verified.session, verified.renewed, now)?;
        Ok(session)
    } else {
        drop_grants(connection, verified.session)?;
        // The login was another browser's: that it is fresh must not serve this one.
        Ok(StoredSession {
            authenticated_at: None,
            ..session
        })
    }
}

fn answer_challenge(
    connection: &Connection,
    verified: &VerifiedChallenge,
    now: Timestamp,
) -> Result<Taken, StoreError> {
    let written = connection
        .prepare_cached("INSERT OR IGNORE INTO answered (challenge, expires_at) VALUES (?1, ?2)")?
        .execute(params![
            verified.challenge.as_bytes(),
            millis(now.after(verified.challenge_keep))
        ])?;
    Ok(taken(written))
}

/// Writes the new browser key into the grants of a session, and deletes expired ones.
fn renew_grants(
    connection: &Connection,
    id: SessionId,
    renewed: BrowserKeyHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM grants WHERE session = ?1 AND expires_at <= ?2")?
        .execute(params![id.as_bytes(), millis(now)])?;
    let mut select =
        connection.prepare_cached("SELECT field, record FROM grants WHERE session = ?1")?;
    let held = select
        .query_map([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(Vec<u8>, Vec<u8>)>, _>>()?;
    let mut update = connection
        .prepare_cached("UPDATE grants SET record = ?1 WHERE session = ?2 AND field = ?3")?;
    for (field, mut record) in held {
        rekey(&mut record, &renewed);
        update.execute(params![record, id.as_bytes(), field])?;
    }
    Ok(())
}
