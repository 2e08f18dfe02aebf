//! The store in Redis (7 or later, or Valkey).

mod answer;
mod approvals;
mod client;
mod command;
mod connection;
mod dial;
mod directory;
mod driver;
mod evidence;
mod feed;
mod kept;
mod listing;
mod pipeline;
mod reconnect;
mod records;
mod reply;
mod rotation;
mod scripts;
mod sessions;
mod verification;

pub(crate) use self::feed::{FeedEvent, RedisFeed};
pub use self::records::{ReadOnlyRedis, RedisRecords};
#[cfg(any(test, fuzzing))]
pub(crate) use self::reply::read_as_replies;

use self::answer::number;
use self::client::{RedisClient, Repeat};
use self::connection::Timeouts;
use self::dial::{Dialer, FirstCommand};
use crate::clock::Clock;
use crate::domain::Secret;
use crate::store::keys::KeySpace;
use crate::store::{OpenError, Revoked, StoreError, Taken};
use redis::io::tcp::TcpSettings;
use redis::{Client, Cmd, ConnectionInfo, IntoConnectionInfo, TlsCertificates};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Expiry is checked by our clock; the TTL in Redis only frees memory. It is this much longer, so that a
/// server whose clock runs ahead never deletes a counter or a used code too early.
const MARGIN: Duration = Duration::from_mins(1);
/// The longest TTL; a longer one is shortened to it.
const LONGEST: Duration = Duration::from_hours(10 * 366 * 24);

/// Where Redis is, and its deadlines.
#[derive(Clone, Debug)]
pub struct RedisOptions {
    /// `redis://host:port/db`, `rediss://…` for TLS, or `unix:/path?db=0`; without a password.
    pub url: String,
    /// The ACL user, if not the default one.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret<String>>,
    /// The authority that signed the server's certificate (PEM), if not one the system trusts.
    pub ca_file: Option<PathBuf>,
    /// What all keys begin with.
    pub prefix: String,
    /// How long a reply may take.
    pub deadline: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
}

impl RedisOptions {
    /// The defaults, for the server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            username: None,
            password: None,
            ca_file: None,
            prefix: "sg:".to_owned(),
            deadline: Duration::from_millis(250),
            connect_timeout: Duration::from_secs(1),
        }
    }
}

/// A server to connect to.
#[derive(Debug)]
pub(crate) struct RedisServer {
    client: Client,
    dialer: Arc<Dialer>,
    options: RedisOptions,
}

impl RedisServer {
    /// Reads the address and the certificates; nothing is connected yet.
    pub(crate) fn new(options: RedisOptions) -> Result<Self, OpenError> {
        Self::open(options, FirstCommand::LoadScript)
    }

    fn open(options: RedisOptions, first: FirstCommand) -> Result<Self, OpenError> {
        let info = options
            .url
            .as_str()
            .into_connection_info()
            .map_err(OpenError::Url)?;
        // The address stands in our log.
        if info.redis_settings().password().is_some() {
            return Err(OpenError::PasswordInUrl);
        }
        let info = match &options.ca_file {
            None => info,
            Some(path) => trusting(info, path)?,
        };
        // No CLIENT SETINFO: an ACL user may not have it.
        let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(username) = &options.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &options.password {
            settings = settings.set_password(password.expose());
        }
        let info = info
            .set_tcp_settings(TcpSettings::default().set_nodelay(true))
            .set_redis_settings(settings);
        let dialer = Arc::new(Dialer::new(&info, options.ca_file.as_deref(), first)?);
        let client = Client::open(info).map_err(OpenError::Url)?;
        Ok(Self {
            client,
            dialer,
            options,
        })
    }
}

fn trusting(info: ConnectionInfo, path: &PathBuf) -> Result<ConnectionInfo, OpenError> {
    let root_cert = std::fs::read(path).map_err(|source| OpenError::CaFile {
        path: path.clone(),
        source,
    })?;
    let certificates = TlsCertificates {
        client_tls: None,
        root_cert: Some(root_cert),
    };
    let client = Client::build_with_tls(info, certificates).map_err(OpenError::Url)?;
    Ok(client.get_connection_info().clone())
}

/// One thread's handle on the store in Redis; clones share its connection.
#[derive(Clone, Debug)]
pub struct RedisStore {
    client: RedisClient,
    keys: KeySpace,
    clock: Clock,
    revoked: Revoked,
}

impl RedisStore {
    /// Starts to connect, as a task of the calling runtime, which reconnects from then on.
    pub(crate) fn open(server: &RedisServer, clock: Clock, revoked: Revoked) -> Self {
        let RedisServer {
            dialer, options, ..
        } = server;
        let timeouts = Timeouts {
            reply: options.deadline,
            connect: options.connect_timeout,
        };
        Self {
            client: RedisClient::open(Arc::clone(dialer), timeouts),
            keys: KeySpace::new(&options.prefix),
            clock,
            revoked,
        }
    }

    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        let mut set = Cmd::new();
        set.arg("SET")
            .arg(self.keys.ping())
            .arg(1)
            .arg("PX")
            .arg(60_000);
        // A write: on a read-only server no attempt could be counted.
        self.client.ask(&set, Repeat::Harmless).await.map(drop)
    }

    /// The eviction policy of the server, if that may delete keys when memory is full; `None` if it deletes
    /// nothing.
    pub async fn evicting_policy(&self) -> Result<Option<String>, StoreError> {
        let mut info = Cmd::new();
        info.arg("INFO").arg("memory");
        let text = answer::text(self.client.ask(&info, Repeat::Harmless).await?)?;
        let policy = text
            .lines()
            .find_map(|line| line.strip_prefix("maxmemory_policy:"));
        Ok(policy
            .map(str::trim)
            .filter(|policy| *policy != "noeviction")
            .map(str::to_owned))
    }
}

/// A TTL in milliseconds.
fn ttl(keep: Duration) -> u64 {
    u64::try_from(keep.clamp(Duration::from_millis(1), LONGEST).as_millis()).unwrap_or(u64::MAX)
}

fn taken(answer: &redis::Value) -> Result<Taken, StoreError> {
    Ok(if number(answer)? == 1 {
        Taken::Now
    } else {
        Taken::Before
    })
}
