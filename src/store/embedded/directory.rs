//! The directory on disk.

use crate::domain::{User, UserId};
use crate::store::StoreError;
use crate::store::record::{decode_user, encode_user};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn put_user(connection: &Connection, user: &User) -> Result<(), StoreError> {
    let id = user.id.as_str();
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
        params![id, encode_user(user)],
    )?;
    Ok(())
}

pub(super) fn swap_user(
    connection: &Connection,
    before: &User,
    after: &User,
) -> Result<bool, StoreError> {
    let changed = connection.execute(
        "UPDATE users SET record = ?3 WHERE id = ?1 AND record = ?2",
        params![before.id.as_str(), encode_user(before), encode_user(after)],
    )?;
    Ok(changed > 0)
}

pub(super) fn user(connection: &Connection, name: &UserId) -> Result<Option<User>, StoreError> {
    if let Some(user) = by_id(connection, name)? {
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
}

pub(super) fn users(connection: &Connection) -> Result<Vec<User>, StoreError> {
    let mut select = connection.prepare_cached("SELECT id FROM users ORDER BY id")?;
    let ids = select
        .query_map([], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    ids.into_iter()
        .filter_map(|id| by_id(connection, &UserId::new(id)).transpose())
        .collect()
}

pub(super) fn remove_user(connection: &Connection, id: &UserId) -> Result<bool, StoreError> {
    connection.execute("DELETE FROM aliases WHERE user = ?1", [id.as_str()])?;
    connection.execute("DELETE FROM totp WHERE user = ?1", [id.as_str()])?;
    Ok(connection.execute("DELETE FROM users WHERE id = ?1", [id.as_str()])? > 0)
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
