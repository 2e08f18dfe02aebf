//! The way to the application: addresses, connections, and a pool of them for each thread.

mod admitted;
mod body;
mod link;
mod pinned;
mod pool;
mod target;

pub use admitted::Admitted;
pub(crate) use body::UpstreamBody;
pub use body::{Outgoing, OutgoingError};
pub(crate) use pinned::Pinned;
pub use pool::UpstreamOptions;
pub(crate) use pool::{Client, Pool, SendError};
pub use target::{ConnectError, Target, TargetError};
