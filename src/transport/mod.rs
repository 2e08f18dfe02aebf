//! The transport: listeners, TLS, HTTP/1 and HTTP/2, deadlines and limits of clients; connections to the
//! application and tunnels.
//!
//! It knows no policy: a listener serves any `service::Service`.

pub(crate) mod alarm;
pub(crate) mod complaints;
pub(crate) mod connection_auth;
mod connection_limit;
pub(crate) mod drain;
mod gather;
mod limits;
mod listen;
mod response_body;
pub(crate) mod service;
mod speak;
pub(crate) mod status_class;
pub(crate) mod streams;
pub(crate) mod tunnel;
pub mod upstream;
pub(crate) mod watchman;
pub(crate) mod wire;

pub use connection_limit::Census;
pub use limits::ClientLimits;
pub use listen::bind;
pub(crate) use listen::{accept, accept_unix};
pub use upstream::{ConnectError, Target, TargetError, UpstreamOptions};
pub use wire::ClientDeadlines;
