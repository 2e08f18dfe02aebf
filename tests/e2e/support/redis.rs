//! A real `redis-server`.

use super::port::HeldPort;
use super::process::Process;
use super::temp::TempDir;
use std::net::SocketAddr;
use std::process::Command;

/// A Redis on a port of its own, persisting nothing.
pub(crate) struct Redis {
    dir: TempDir,
    port: HeldPort,
    arguments: Vec<String>,
    server: Option<Process>,
}

impl Redis {
    /// Starts one.
    pub(crate) fn start() -> Self {
        Self::start_with(&["--maxmemory-policy", "noeviction"])
    }

    /// Starts one with further arguments, as in `&["--maxmemory", "1mb"]`.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut redis = Self {
            dir: TempDir::new("redis"),
            port: HeldPort::take(),
            arguments: arguments.iter().map(|&argument| argument.into()).collect(),
            server: None,
        };
        redis.restart();
        redis
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Its address as a setting.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.addr())
    }

    /// A connection that blocks, for a look inside or to count.
    pub(crate) fn connect(&self) -> redis::Connection {
        redis::Client::open(self.url())
            .unwrap()
            .get_connection()
            .unwrap()
    }

    /// How many commands it has run for its clients since it started, this one not counted.
    pub(crate) fn commands(&self) -> u64 {
        let stats: String = redis::cmd("INFO")
            .arg("commandstats")
            .query(&mut self.connect())
            .unwrap();
        stats
            .lines()
            .filter_map(|line| line.strip_prefix("cmdstat_")?.split_once(':'))
            .filter(|(name, _)| !matches!(*name, "info" | "hello" | "client|setinfo"))
            .filter_map(|(_, figures)| figures.strip_prefix("calls=")?.split(',').next())
            .map(|calls| calls.parse::<u64>().unwrap())
            .sum()
    }

    /// Everything that is stored, keys and values as text; for tests of what must not be there.
    pub(crate) fn dump(&self) -> String {
        let mut connection = self.connect();
        let mut keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        // In whatever order its table has them, which changes as that grows.
        keys.sort();
        let mut dump = String::new();
        for key in keys {
            let value: Vec<u8> = redis::cmd("DUMP").arg(&key).query(&mut connection).unwrap();
            dump.push_str(&String::from_utf8_lossy(&key));
            dump.push('\n');
            dump.push_str(&String::from_utf8_lossy(&value));
            dump.push('\n');
        }
        dump
    }

    /// Stops it in its tracks (SIGSTOP): connections stay open, nothing answers.
    pub(crate) fn freeze(&self) {
        self.process().signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.process().signal("CONT");
    }

    /// Kills it; what it held is gone.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Starts it anew, empty, at the same address.
    pub(crate) fn restart(&mut self) {
        self.server = None;
        let server = Process::start(
            "redis-server",
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port"])
                .arg(self.addr().port().to_string())
                .args(["--save", "", "--appendonly", "no", "--dir"])
                .arg(self.dir.path())
                .args(&self.arguments),
        );
        server.wait_for_line("Ready to accept connections");
        self.server = Some(server);
    }

    fn process(&self) -> &Process {
        self.server.as_ref().expect("Redis was killed")
    }
}
