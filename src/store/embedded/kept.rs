//! Values that are kept for a while, on disk.

use super::EmbeddedStore;
use super::rows::taken;
use super::schema::millis;
use crate::domain::{KeptName, Timestamp};
use crate::store::{RestsOn, StoreError, Taken};
use rusqlite::{Connection, params};

impl EmbeddedStore {
    pub(crate) async fn keep(
        &self,
        name: KeptName,
        value: &[u8],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let value = value.to_vec();
        self.write(move |connection| {
            let written = connection
                .prepare_cached(
                    "INSERT INTO kept (name, value, expires_at) SELECT ?1, ?2, ?3 WHERE NOT EXISTS (
                        SELECT 1 FROM kept WHERE name = ?1 AND value = ?2 AND expires_at > ?4)",
                )?
                .execute(params![
                    name.as_bytes(),
                    value,
                    millis(until),
                    millis(now)
                ])?;
            connection
                .prepare_cached("UPDATE kept SET expires_at = max(expires_at, ?2) WHERE name = ?1")?
                .execute(params![name.as_bytes(), millis(until)])?;
            Ok(taken(written))
        })
        .await
    }

    pub(crate) async fn take_kept(
        &self,
        name: KeptName,
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        self.write(move |connection| {
            let mut take = connection
                .prepare_cached("DELETE FROM kept WHERE name = ?1 RETURNING value, expires_at")?;
            let rows = take.query_map([name.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows: Vec<(Vec<u8>, i64)> = rows.collect::<Result<_, _>>()?;
            let live = rows.into_iter().filter(|(_, until)| *until > millis(now));
            Ok(live.map(|(value, _)| value).collect())
        })
        .await
    }
}

/// Whether any of what a verification rests on has ended since it began.
pub(super) fn has_ended(
    connection: &Connection,
    rests_on: &RestsOn,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let since = RestsOn::end(rests_on.since);
    for name in &rests_on.ends {
        let mut find = connection.prepare_cached(
            "SELECT 1 FROM kept WHERE name = ?1 AND value >= ?2 AND expires_at > ?3",
        )?;
        if find.exists(params![name.as_bytes(), since, millis(now)])? {
            return Ok(true);
        }
    }
    Ok(false)
}
