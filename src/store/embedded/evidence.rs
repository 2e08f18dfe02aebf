//! Evidence on disk: all that a decision rests on, in one transaction.

use super::EmbeddedStore;
use super::rows::{SessionRow, revoked_until};
use super::schema::millis;
use super::thread::Access;
use crate::domain::{Claim, Grant, GrantKey, SessionId, Timestamp};
use crate::store::keys::{GrantField, LatestField};
use crate::store::record::{decode_grant, decode_latest, decode_mark, encode_grant};
use crate::store::{Ask, Held, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

impl EmbeddedStore {
    pub(crate) async fn evidence(&self, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError> {
        let (session, browser) = (ask.session, ask.browser);
        let (grants, claims) = (ask.grants.to_vec(), ask.claims.to_vec());
        // Only what may take something waits for the write lock and the disk.
        let access = if claims.is_empty() {
            Access::Read
        } else {
            Access::Write
        };
        let work = move |connection: &Connection| {
            let ask = Ask {
                session,
                browser,
                grants: &grants,
                claims: &claims,
            };
            evidence(connection, ask, now)
        };
        self.thread.run(access, work).await
    }

    pub(crate) async fn give_back(&self, claim: Claim, _now: Timestamp) -> Result<(), StoreError> {
        let Claim { session, grant } = claim;
        self.write(move |connection| {
            // Only a grant that was taken and not deleted since; a newer one in its place is unchanged.
            connection
                .prepare_cached(
                    "UPDATE grants SET taken = 0 WHERE session = ?1 AND field = ?2 AND id = ?3",
                )?
                .execute(params![
                    session.as_bytes(),
                    GrantField(&grant.key).to_bytes(),
                    grant.id.as_bytes()
                ])?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn grants_of(&self, session: SessionId) -> Result<Vec<Grant>, StoreError> {
        self.read(move |connection| {
            let mut select = connection.prepare_cached(
                "SELECT field, record FROM grants WHERE session = ?1 AND taken = 0",
            )?;
            let rows = select
                .query_map([session.as_bytes()], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let grants = rows.iter().filter(|(field, _)| GrantField::is_one(field));
            grants
                .map(|(_, record)| decode_latest(&session, record))
                .collect()
        })
        .await
    }
}

fn evidence(connection: &Connection, ask: Ask<'_>, now: Timestamp) -> Result<Held, StoreError> {
    let id = ask.session;
    let Some(row) = SessionRow::find(connection, id, now)? else {
        return Ok(Held::default());
    };
    let mut session = row.session(id)?;
    session.revoked |= revoked_until(connection, id, now)?.is_some();
    let grants = find(connection, id, ask.grants)?;
    let claims = find(connection, id, ask.claims)?;
    let latest = latest(connection, ask)?;
    // All or none: a request that will be refused uses up nothing.
    let whole = claims.len() == ask.claims.len()
        && !session.revoked
        && claims
            .iter()
            .all(|grant| Some(grant.browser_key) == ask.browser && grant.expires_at > now);
    let claims = if whole {
        take(connection, id, claims)?
    } else {
        Vec::new()
    };
    let mark = row.mark.map(|bytes| decode_mark(&id, &bytes)).transpose()?;
    Ok(Held {
        session: Some(session),
        mark,
        grants,
        claims,
        latest,
    })
}

/// Writes a grant, in place of any other of the same key.
pub(super) fn put_grant(
    connection: &Connection,
    id: SessionId,
    grant: &Grant,
) -> Result<(), StoreError> {
    file_grant(connection, id, &GrantField(&grant.key).to_bytes(), grant)?;
    // The second copy says why a request for other values does not pass.
    file_grant(
        connection,
        id,
        &LatestField(&grant.key.action).to_bytes(),
        grant,
    )
}

/// Files a grant under a field, in place of what is there.
pub(super) fn file_grant(
    connection: &Connection,
    id: SessionId,
    field: &[u8],
    grant: &Grant,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO grants (session, field, id, record, taken, expires_at)
             VALUES (?1, ?2, ?3, ?4, 0, ?5)",
        )?
        .execute(params![
            id.as_bytes(),
            field,
            grant.id.as_bytes(),
            encode_grant(&id, grant),
            millis(grant.expires_at),
        ])?;
    Ok(())
}

fn latest(connection: &Connection, ask: Ask<'_>) -> Result<Vec<Grant>, StoreError> {
    let id = ask.session;
    let mut select =
        connection.prepare_cached("SELECT record FROM grants WHERE session = ?1 AND field = ?2")?;
    let mut grants = Vec::new();
    for action in ask.latest_actions() {
        let field = LatestField(action).to_bytes();
        let record: Option<Vec<u8>> = select
            .query_row(params![id.as_bytes(), field], |row| row.get(0))
            .optional()?;
        if let Some(record) = record {
            grants.push(decode_latest(&id, &record)?);
        }
    }
    Ok(grants)
}

fn find(
    connection: &Connection,
    id: SessionId,
    keys: &[GrantKey],
) -> Result<Vec<Grant>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT record FROM grants WHERE session = ?1 AND field = ?2 AND taken = 0",
    )?;
    let mut grants = Vec::new();
    for key in keys {
        let field = GrantField(key).to_bytes();
        let record: Option<Vec<u8>> = select
            .query_row(params![id.as_bytes(), field], |row| row.get(0))
            .optional()?;
        if let Some(record) = record {
            grants.push(decode_grant(&id, key, &record)?);
        }
    }
    Ok(grants)
}

fn take(
    connection: &Connection,
    id: SessionId,
    grants: Vec<Grant>,
) -> Result<Vec<Claim>, StoreError> {
    // Taken under one value of the cookie, a grant is taken under all.
    let mut update =
        connection.prepare_cached("UPDATE grants SET taken = 1 WHERE id = ?1 AND field = ?2")?;
    for grant in &grants {
        update.execute(params![
            grant.id.as_bytes(),
            GrantField(&grant.key).to_bytes()
        ])?;
    }
    Ok(grants
        .into_iter()
        .map(|grant| Claim { session: id, grant })
        .collect())
}
