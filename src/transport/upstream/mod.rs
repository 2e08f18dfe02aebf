//! The way to the application: addresses, connections, and a pool of them for each thread.

mod admitted;
mod body;
mod connection;
mod idle;
mod link;
mod options;
mod outgoing;
mod pinned;
mod pool;
mod target;

pub use admitted::Admitted;
pub(crate) use body::UpstreamBody;
pub use options::UpstreamOptions;
pub use outgoing::Outgoing;
pub(crate) use outgoing::OutgoingError;
pub(crate) use pinned::Pinned;
pub(crate) use pool::{Client, Pool, SendError};
pub use target::{ConnectError, Target, TargetError};
