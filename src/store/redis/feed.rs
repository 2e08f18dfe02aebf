//! Subscribes to the channel on which revocations and other endings are announced.

use super::RedisServer;
use super::answer::until;
use crate::domain::{SessionId, Timestamp};
use crate::store::Revoked;
use crate::store::keys::KeySpace;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ProtocolVersion, PushInfo, PushKind, RedisError, Value,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// A subscription, on a connection of its own.
pub(crate) struct RedisFeed {
    connection: MultiplexedConnection,
    lost: Arc<Notify>,
    news: Arc<Notify>,
}

/// What happened on a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedEvent {
    /// The connection is lost.
    Lost,
    /// An ending was written to the stream; it is to be read from there.
    NewEnding,
    /// Nothing happened in the time waited.
    Nothing,
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
        // RESP3 delivers messages as pushes, beside replies to other commands on the same
        // connection.
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        let (lost, news) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (disconnected, announced) = (Arc::clone(&lost), Arc::clone(&news));
        let revoked = revoked.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.deadline))
            .set_push_sender(move |push: PushInfo| {
                if push.kind == PushKind::Disconnection {
                    disconnected.notify_one();
                } else if let Some(payload) = payload(&push) {
                    match read_revocation(payload) {
                        Some((id, end)) => revoked.add(id, end),
                        None => announced.notify_one(),
                    }
                }
                Ok::<(), redis::aio::SendError>(())
            });
        let mut connection = client
            .get_multiplexed_async_connection_with_config(&config)
            .await?;
        connection
            .subscribe(KeySpace::new(&options.prefix).revocations())
            .await?;
        Ok(Self {
            connection,
            lost,
            news,
        })
    }

    /// The next event, waiting for at most `span`.
    pub(crate) async fn next(&self, span: Duration) -> FeedEvent {
        tokio::select! {
            () = self.lost.notified() => return FeedEvent::Lost,
            () = self.news.notified() => return FeedEvent::NewEnding,
            () = sleep(span) => {}
        }
        // A half-open TCP connection (RFC 9293 §3.5.1) delivers nothing and reports no error; only a write finds out.
        let mut ping = Cmd::new();
        ping.arg("PING");
        match self.connection.clone().send_packed_command(&ping).await {
            Ok(_) => FeedEvent::Nothing,
            Err(_) => FeedEvent::Lost,
        }
    }
}

fn payload(push: &PushInfo) -> Option<&[u8]> {
    if push.kind != PushKind::Message {
        return None;
    }
    match push.data.as_slice() {
        [_channel, Value::BulkString(payload)] => Some(payload),
        _ => None,
    }
}

fn read_revocation(payload: &[u8]) -> Option<(SessionId, Timestamp)> {
    let (id, end) = payload.split_first_chunk()?;
    Some((SessionId::new(*id), until(end).ok()?))
}
