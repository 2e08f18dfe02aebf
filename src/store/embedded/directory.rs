//! The directory on disk.

use super::EmbeddedStore;
use crate::domain::{User, UserId};
use crate::store::StoreError;
use crate::store::record::{decode_user, encode_user};
use rusqlite::{Connection, OptionalExtension, params};

impl EmbeddedStore {
    pub(crate) async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        let user = user.clone();
        self.write(move |connection| {
            let id = user.id.as_str();
            // An alias that was taken away must not find the user any more.
            connection.execute("DELETE FROM aliases WHERE user = ?1", [id])?;
            for (place, alias) in user.aliases.iter().enumerate() {
                connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO aliases (alias, user, place) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![
                        alias.as_str(),
                        id,
                        i64::try_from(place).unwrap_or(i64::MAX)
                    ])?;
            }
            connection.execute(
                "INSERT OR REPLACE INTO users (id, record) VALUES (?1, ?2)",
                params![id, encode_user(&user)],
            )?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn add_user(&self, user: &User) -> Result<bool, StoreError> {
        let user = user.clone();
        self.write(move |connection| {
            let id = user.id.as_str();
            let added = connection.execute(
                "INSERT OR IGNORE INTO users (id, record)
                 SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM aliases WHERE alias = ?1)",
                params![id, encode_user(&user)],
            )?;
            Ok(added > 0)
        })
        .await
    }

    pub(crate) async fn swap_user(&self, before: &User, after: &User) -> Result<bool, StoreError> {
        let (before, after) = (before.clone(), after.clone());
        self.write(move |connection| {
            // Only if nothing has changed since: a password set meanwhile by an operator is kept.
            let changed = connection.execute(
                "UPDATE users SET record = ?3 WHERE id = ?1 AND record = ?2",
                params![
                    before.id.as_str(),
                    encode_user(&before),
                    encode_user(&after)
                ],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    pub(crate) async fn user(&self, name: &UserId) -> Result<Option<User>, StoreError> {
        let name = name.clone();
        self.read(move |connection| {
            if let Some(user) = by_id(connection, &name)? {
                return Ok(Some(user));
            }
            let owner: Option<String> = connection
                .prepare_cached("SELECT user FROM aliases WHERE alias = ?1")?
                .query_row([name.as_str()], |row| row.get(0))
                .optional()?;
            match owner {
                None => Ok(None),
                Some(owner) => by_id(connection, &UserId::new(owner)),
            }
        })
        .await
    }

    pub(crate) async fn users(&self) -> Result<Vec<User>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT id FROM users ORDER BY id")?;
            let ids = select
                .query_map([], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            ids.into_iter()
                .filter_map(|id| by_id(connection, &UserId::new(id)).transpose())
                .collect()
        })
        .await
    }

    pub(crate) async fn remove_user(&self, id: &UserId) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |connection| {
            connection.execute("DELETE FROM aliases WHERE user = ?1", [id.as_str()])?;
            connection.execute("DELETE FROM totp WHERE user = ?1", [id.as_str()])?;
            Ok(connection.execute("DELETE FROM users WHERE id = ?1", [id.as_str()])? > 0)
        })
        .await
    }
}

fn by_id(connection: &Connection, id: &UserId) -> Result<Option<User>, StoreError> {
    let record: Option<Vec<u8>> = connection
        .prepare_cached("SELECT record FROM users WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?;
    let Some(record) = record else {
        return Ok(None);
    };
    let mut select =
        connection.prepare_cached("SELECT alias FROM aliases WHERE user = ?1 ORDER BY place")?;
    let aliases = select.query_map([id.as_str()], |row| row.get::<_, String>(0))?;
    let aliases = aliases
        .map(|alias| alias.map(UserId::new))
        .collect::<Result<Vec<_>, _>>()?;
    decode_user(id, aliases, &record).map(Some)
}
