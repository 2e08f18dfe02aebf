//! The sites: one of packages from the registry of Node, one of those of Python.

use crate::support::process::Process;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What a site is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Django's sessions, Strawberry and jsonrpcserver: a login gives a new cookie.
    Django,
    /// Express' sessions, Yoga and jayson: a login keeps the cookie that there is.
    Express,
    /// The same, where everybody gets a session.
    ExpressForGuests,
}

/// A site, running until it is dropped.
pub(super) struct Site {
    port: u16,
    _process: Process,
}

impl Site {
    pub(super) fn start(kind: Kind) -> Self {
        let place = installed();
        let mut command = match kind {
            Kind::Django => Command::new(place.join("python/bin/python")),
            Kind::Express | Kind::ExpressForGuests => Command::new("node"),
        };
        let script = match kind {
            Kind::Django => "site.py",
            Kind::Express | Kind::ExpressForGuests => "site.mjs",
        };
        let guests = (kind == Kind::ExpressForGuests).to_string();
        command
            .arg(place.join(script))
            .env("GUESTS", guests)
            .env("NODE_ENV", "production");
        let process = Process::start("the site", &mut command);
        let port = process.wait_for("ready, and where", |line| {
            line.strip_prefix("ready ")?.parse().ok()
        });
        Self {
            port,
            _process: process,
        }
    }

    pub(super) fn addr(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

/// The folder with the packages, which are installed once and kept for later runs.
fn installed() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("operations");
        fs::create_dir_all(&place).unwrap();
        // Several test processes may come at once; one of them installs.
        let lock = File::create(place.join("lock")).unwrap();
        lock.lock().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/operations/install");
        let install = Command::new(script).arg(&place).output().unwrap();
        let said = String::from_utf8_lossy(&install.stderr);
        assert!(install.status.success(), "nothing is installed: {said}");
        place
    })
}
