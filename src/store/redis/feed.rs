//! Hears of revocations as they are announced.

use super::RedisServer;
use super::requests::until;
use crate::domain::SessionId;
use crate::store::Revoked;
use crate::store::keys::KeySpace;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ProtocolVersion, PushInfo, PushKind, RedisError, Value,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A subscription, on a connection of its own.
pub(crate) struct RedisFeed {
    connection: MultiplexedConnection,
    lost: Arc<Notify>,
}

impl RedisFeed {
    /// Subscribes; from here on what is announced goes into `revoked`.
    pub(crate) async fn subscribe(
        server: &RedisServer,
        revoked: &Revoked,
    ) -> Result<Self, RedisError> {
        let RedisServer {
            client, options, ..
        } = server;
        let info = client.get_connection_info().clone();
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let (revoked, lost) = (revoked.clone(), Arc::new(Notify::new()));
        let disconnected = Arc::clone(&lost);
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.deadline))
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    disconnected.notify_one();
                } else if let Some((id, end)) = read_message(&push) {
                    revoked.add(id, end);
                }
                Ok::<(), redis::aio::SendError>(())
            });
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        connection
            .subscribe(KeySpace::new(&options.prefix).revocations())
            .await?;
        Ok(Self { connection, lost })
    }

    /// Tells whether the subscription was lost, having waited for at most `span`.
    pub(crate) async fn is_lost_within(&self, span: Duration) -> bool {
        if timeout(span, self.lost.notified()).await.is_ok() {
            return true;
        }
        // A half-open connection hears nothing, and says nothing either.
        let mut ping = Cmd::new();
        ping.arg("PING");
        self.connection
            .clone()
            .send_packed_command(&ping)
            .await
            .is_err()
    }
}

fn read_message(push: &PushInfo) -> Option<(SessionId, crate::domain::Timestamp)> {
    if push.kind != PushKind::Message {
        return None;
    }
    let [_channel, Value::BulkString(payload)] = push.data.as_slice() else {
        return None;
    };
    let (id, end) = payload.split_first_chunk()?;
    Some((SessionId::new(*id), until(end).ok()?))
}
