//! The directory in Redis.

use super::RedisStore;
use super::answer::{bytes, list, next, number, text};
use super::client::Repeat;
use super::scripts::script;
use crate::domain::{User, UserId};
use crate::store::StoreError;
use crate::store::record::{decode_user, encode_user};
use redis::Value;

impl RedisStore {
    pub(crate) async fn put_user(&self, user: &User) -> Result<(), StoreError> {
        // The aliases are stored one to a line; no canonical name has a line break.
        if user
            .aliases
            .iter()
            .any(|alias| alias.as_str().contains('\n'))
        {
            return Err(StoreError::Corrupt { what: "user" });
        }
        self.client
            .run(script!(put_user), 3, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.users())
                    .arg(self.keys.aliases())
                    .arg(self.keys.names());
                command.arg(user.id.as_str()).arg(encode_user(user));
                for alias in &user.aliases {
                    command.arg(alias.as_str());
                }
            })
            .await
            .map(drop)
    }

    pub(crate) async fn add_user(&self, user: &User) -> Result<bool, StoreError> {
        let added = self
            .client
            .run(script!(add_user), 2, Repeat::Never, |command| {
                command.arg(self.keys.users()).arg(self.keys.aliases());
                command.arg(user.id.as_str()).arg(encode_user(user));
            })
            .await?;
        Ok(number(&added)? == 1)
    }

    pub(crate) async fn swap_user(&self, before: &User, after: &User) -> Result<bool, StoreError> {
        let swapped = self
            .client
            .run(script!(swap_user), 1, Repeat::Never, |command| {
                command
                    .arg(self.keys.users())
                    .arg(before.id.as_str())
                    .arg(encode_user(before))
                    .arg(encode_user(after));
            })
            .await?;
        Ok(number(&swapped)? == 1)
    }

    pub(crate) async fn user(&self, name: &UserId) -> Result<Option<User>, StoreError> {
        let answer = self
            .client
            .run(script!(user), 3, Repeat::Harmless, |command| {
                command
                    .arg(self.keys.users())
                    .arg(self.keys.aliases())
                    .arg(self.keys.names());
                command.arg(name.as_str());
            })
            .await?;
        let mut values = list(answer)?;
        values
            .next()
            .map(|id| read_user(id, &mut values))
            .transpose()
    }

    pub(crate) async fn users(&self) -> Result<Vec<User>, StoreError> {
        let answer = self
            .client
            .run(script!(users), 2, Repeat::Harmless, |command| {
                command.arg(self.keys.users()).arg(self.keys.names());
            })
            .await?;
        let mut values = list(answer)?;
        let mut users = Vec::with_capacity(values.len() / 3);
        while let Some(id) = values.next() {
            users.push(read_user(id, &mut values)?);
        }
        users.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(users)
    }

    pub(crate) async fn remove_user(&self, id: &UserId) -> Result<bool, StoreError> {
        let answer = self
            .client
            .run(script!(remove_user), 4, Repeat::Never, |command| {
                command
                    .arg(self.keys.users())
                    .arg(self.keys.aliases())
                    .arg(self.keys.names());
                command.arg(self.keys.totp(id)).arg(id.as_str());
            })
            .await?;
        Ok(number(&answer)? > 0)
    }
}

fn read_user(id: Value, rest: &mut impl Iterator<Item = Value>) -> Result<User, StoreError> {
    let id = UserId::new(text(id)?);
    let record = bytes(next(rest)?)?;
    let aliases = text(next(rest)?)?;
    let aliases = aliases.lines().map(UserId::new).collect();
    decode_user(&id, aliases, &record)
}
