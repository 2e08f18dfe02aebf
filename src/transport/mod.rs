//! The transport: listeners, TLS, HTTP/1 and HTTP/2, deadlines and limits of clients; connections to the
//! application and tunnels.
//!
//! It knows no policy: a listener serves any `service::Service`.

mod address;
pub(crate) mod connection_auth;
mod connection_limit;
pub mod document;
pub(crate) mod drain;
mod gather;
mod http_server;
pub(crate) mod idle_reaper;
mod limits;
mod listen;
pub(crate) mod log_limit;
mod response_body;
pub(crate) mod service;
pub(crate) mod status_class;
pub(crate) mod streams;
pub(crate) mod timer;
pub(crate) mod tunnel;
pub mod upstream;
mod web_socket;
pub(crate) mod wire;

pub use address::{ListenAddress, UnixSocket};
pub use connection_limit::ConnectionLimit;
pub use limits::ClientLimits;
pub use listen::{ListenSocket, bind};
pub(crate) use listen::{accept, accept_unix};
pub use upstream::{ConnectError, Target, TargetError, UpstreamOptions};
pub use wire::ClientDeadlines;
