//! The way to the application: addresses, connections, and a pool of them for each thread.

mod body;
mod link;
mod pinned;
mod pool;
mod target;

pub(crate) use body::{Outgoing, OutgoingError, UpstreamBody};
pub(crate) use pinned::Pinned;
pub use pool::UpstreamOptions;
pub(crate) use pool::{Client, Pool, SendError};
pub use target::{ConnectError, Target, TargetError};
