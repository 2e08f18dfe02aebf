//! The tables of the embedded store.

use crate::domain::Timestamp;
use rusqlite::{Connection, Error, TransactionBehavior};

/// The migrations to the latest schema. One is never changed after a release; a change is a new one.
// Without a rowid the primary key is the table, so that a lookup takes one search. `AUTOINCREMENT`:
// no number is used twice, so that a feed misses no ending.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE sessions (
        id BLOB PRIMARY KEY, subject TEXT NOT NULL, created_at INTEGER NOT NULL,
        record BLOB NOT NULL, mark BLOB, expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX sessions_by_subject ON sessions (subject, created_at);
    CREATE INDEX sessions_by_age ON sessions (created_at);
    CREATE TABLE grants (
        session BLOB NOT NULL, field BLOB NOT NULL, id BLOB NOT NULL, record BLOB NOT NULL,
        taken INTEGER NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (session, field)
    ) WITHOUT ROWID;
    CREATE TABLE revoked (session BLOB PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE answered (challenge BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE factors (
        challenge BLOB PRIMARY KEY, bits INTEGER NOT NULL, expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE codes (
        challenge BLOB PRIMARY KEY, record BLOB NOT NULL, expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE counters (
        key TEXT PRIMARY KEY, count INTEGER NOT NULL, until INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE totp (user TEXT PRIMARY KEY, step INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE users (id TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE aliases (
        alias TEXT PRIMARY KEY, user TEXT NOT NULL, place INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX aliases_by_user ON aliases (user, place);
    CREATE TABLE pings (id INTEGER PRIMARY KEY, at INTEGER NOT NULL);
",
    "
    CREATE TABLE parts (
        session BLOB NOT NULL, part BLOB NOT NULL, PRIMARY KEY (session, part)
    ) WITHOUT ROWID;
",
    "
    ALTER TABLE sessions ADD COLUMN first BLOB;
    ALTER TABLE sessions ADD COLUMN issued_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX sessions_by_first ON sessions (first, issued_at) WHERE first IS NOT NULL;
    CREATE INDEX grants_by_id ON grants (id);
",
    "
    CREATE TABLE endings (
        number INTEGER PRIMARY KEY AUTOINCREMENT, session BLOB NOT NULL, note TEXT NOT NULL,
        at INTEGER NOT NULL
    );
",
    "
    CREATE TABLE kept (name BLOB NOT NULL, value BLOB NOT NULL, expires_at INTEGER NOT NULL);
    CREATE INDEX kept_by_name ON kept (name);
",
    "
    CREATE TABLE approvals (
        id BLOB PRIMARY KEY, record BLOB NOT NULL, decision BLOB, taken_up INTEGER NOT NULL DEFAULT 0,
        asked_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX approvals_by_age ON approvals (asked_at) WHERE decision IS NULL;
",
    // Requests of programs, which nobody finds but by their code.
    "
    ALTER TABLE approvals ADD COLUMN unlisted INTEGER NOT NULL DEFAULT 0;
    DROP INDEX approvals_by_age;
    CREATE INDEX approvals_by_age ON approvals (asked_at) WHERE decision IS NULL AND unlisted = 0;
",
];

/// The latest schema.
pub(super) const LATEST: u32 = 7;

/// Migrates a database; returns its schema if that is later than [`LATEST`].
pub(super) fn migrate(connection: &mut Connection) -> Result<Option<u32>, Error> {
    // Immediate: of two processes that start at once, one reads the version after the other's
    // migration.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > LATEST {
        return Ok(Some(found));
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", LATEST)?;
    transaction.commit()?;
    Ok(None)
}

/// A time as an SQLite integer; one beyond its range becomes the largest.
pub(super) fn millis(time: Timestamp) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A time from an SQLite integer.
pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// Deletes expired rows.
pub(super) fn purge(connection: &Connection, now: Timestamp) -> Result<(), Error> {
    for delete in [
        "DELETE FROM grants WHERE expires_at <= ?1
            OR session NOT IN (SELECT id FROM sessions WHERE expires_at > ?1)",
        "DELETE FROM parts WHERE session NOT IN (SELECT id FROM sessions WHERE expires_at > ?1)",
        // Ids of a live session are kept, so that streams opened under an old value can be ended.
        "DELETE FROM sessions AS old WHERE expires_at <= ?1 AND NOT EXISTS (
            SELECT 1 FROM sessions AS live WHERE live.first = old.first AND live.expires_at > ?1)",
        "DELETE FROM revoked WHERE until <= ?1",
        "DELETE FROM answered WHERE expires_at <= ?1",
        "DELETE FROM factors WHERE expires_at <= ?1",
        "DELETE FROM approvals WHERE expires_at <= ?1",
        "DELETE FROM codes WHERE expires_at <= ?1",
        "DELETE FROM kept WHERE expires_at <= ?1",
        "DELETE FROM counters WHERE until <= ?1",
        // An hour: feeds read them several times a second.
        "DELETE FROM endings WHERE at <= ?1 - 3600000",
    ] {
        connection.execute(delete, [millis(now)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_has_its_number() {
        assert_eq!(MIGRATIONS.len(), LATEST as usize);
    }

    #[test]
    fn a_later_schema_is_not_migrated() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .pragma_update(None, "user_version", LATEST + 1)
            .unwrap();
        assert_eq!(migrate(&mut connection).unwrap(), Some(LATEST + 1));
        let tables: u32 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }
}
