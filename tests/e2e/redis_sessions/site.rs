//! The Express site, of packages from the registry of Node.

use crate::support::process::Process;
use crate::support::redis::Redis;
use crate::support::temp::TempDir;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 4] = [
    "connect-redis@10.0.0",
    "express@5.3.0",
    "express-session@1.19.0",
    "redis@6.3.1",
];

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
        // Node finds packages beside the file that asks for them, and nowhere else.
        symlink(
            installed().join("node_modules"),
            state.path().join("node_modules"),
        )
        .unwrap();
        state.write("site.mjs", include_str!("site.mjs"));
        let mut node = Command::new("node");
        node.arg(state.path().join("site.mjs"))
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

/// The folder with the packages, which are installed once and kept for later runs.
fn installed() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("redis-sessions");
    fs::create_dir_all(&place).unwrap();
    // Several test processes may come at once; one of them installs.
    let lock = File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let wanted = PACKAGES.join(" ");
    let done = place.join("installed");
    if fs::read_to_string(&done).unwrap_or_default() != wanted {
        fs::write(place.join("package.json"), "{ \"private\": true }").unwrap();
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund"]);
        let output = npm.args(PACKAGES).current_dir(&place).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "nothing is installed: {said}");
        fs::write(done, wanted).unwrap();
    }
    place
}
