//! Rotation in Redis: the values of one session's cookie.

use super::answer::number;
use super::client::Repeat;
use super::scripts::script;
use super::{RedisStore, ttl};
use crate::domain::SessionId;
use crate::store::{Carry, Rotated, Rotation, StoreError};

impl RedisStore {
    pub(crate) async fn rotate_session(&self, rotation: &Rotation) -> Result<Rotated, StoreError> {
        let Rotation {
            from,
            to,
            carry,
            grace,
        } = rotation;
        let now = self.clock.now().as_millis();
        let reply = self
            .client
            .run(script!(rotate_session), 3, Repeat::Never, |command| {
                command
                    .arg(self.keys.session(from))
                    .arg(self.keys.session(to))
                    .arg(self.keys.revoked())
                    .arg(from.as_bytes())
                    .arg(to.as_bytes())
                    .arg(self.keys.subjects())
                    .arg(self.keys.revocations())
                    .arg(now)
                    .arg(ttl(*grace))
                    .arg(match carry {
                        Carry::Everything => "all",
                        Carry::LikeBefore => "like before",
                        Carry::SessionAlone => "alone",
                    })
                    .arg(Rotation::MOST_VALUES)
                    .arg(Rotation::MOST_NAMES);
            })
            .await?;
        match number(&reply)? {
            0 => Ok(Rotated::Unknown),
            1 => Ok(Rotated::Followed),
            _ => Ok(Rotated::Known),
        }
    }

    pub(crate) async fn is_same_session(
        &self,
        one: SessionId,
        other: SessionId,
    ) -> Result<bool, StoreError> {
        if one == other {
            return Ok(true);
        }
        let reply = self
            .client
            .run(script!(is_same_session), 1, Repeat::Harmless, |command| {
                command.arg(self.keys.session(&other)).arg(one.as_bytes());
            })
            .await?;
        Ok(number(&reply)? == 1)
    }
}
