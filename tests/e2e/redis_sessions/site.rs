//! The Express site, of packages from the registry of Node.

use crate::support::node::node;
use crate::support::process::Process;
use crate::support::redis::Redis;
use crate::support::temp::TempDir;
use std::net::{Ipv4Addr, SocketAddr};

/// The site, running until it is dropped.
pub(super) struct Site {
    port: u16,
    _process: Process,
    _state: TempDir,
}

impl Site {
    /// Starts one that keeps its sessions there, and signs their cookies so.
    pub(super) fn start(redis: &Redis, secret: &str) -> Self {
        let state = TempDir::new("redis-sessions");
        state.write("site.mjs", include_str!("site.mjs"));
        let mut node = node(&state);
        node.arg("site.mjs")
            .env("REDIS", redis.url())
            .env("SECRET", secret)
            .env("NODE_ENV", "production");
        let process = Process::start("the site", &mut node);
        let port = process.wait_for("ready, and where", |line| {
            line.strip_prefix("ready ")?.parse().ok()
        });
        Self {
            port,
            _process: process,
            _state: state,
        }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}
