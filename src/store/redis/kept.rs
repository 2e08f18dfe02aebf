//! Values that are kept for a while, in Redis.

use super::answer::{bytes, list};
use super::client::Repeat;
use super::scripts::script;
use super::{RedisStore, taken, ttl};
use crate::domain::{KeptName, Timestamp};
use crate::store::{StoreError, Taken};

impl RedisStore {
    pub(crate) async fn keep(
        &self,
        name: KeptName,
        value: &[u8],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        // Sent again, it would find the value, by itself.
        let answer = self.client.run(script!(keep), 1, Repeat::Never, |command| {
            command.arg(self.keys.kept(name));
            command.arg(value).arg(ttl(until.since(now)));
        });
        taken(&answer.await?)
    }

    pub(crate) async fn take_kept(
        &self,
        name: KeptName,
        _now: Timestamp,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        // Sent again, it would find nothing left.
        let answer = self
            .client
            .run(script!(take_kept), 1, Repeat::Never, |command| {
                command.arg(self.keys.kept(name));
            });
        list(answer.await?)?.map(bytes).collect()
    }
}
