//! The real `stepgate` binary.

use super::process::Process;
use super::temp::TempDir;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, ExitStatus, Output, Stdio};

/// A running `stepgate`.
pub(crate) struct Stepgate {
    process: Process,
    addr: SocketAddr,
}

impl Stepgate {
    /// Runs `stepgate serve` in `dir`, where its `stepgate.yaml` lies, until it listens.
    pub(crate) fn serve(dir: &TempDir) -> Self {
        Self::start(dir, &["serve"])
    }

    /// Runs `stepgate serve` in `dir` with a signal ignored from the start.
    pub(crate) fn serve_ignoring(dir: &TempDir, signal: &str) -> Self {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", "trap '' \"$1\"; exec \"$2\" serve", "sh", signal])
            .arg(env!("CARGO_BIN_EXE_stepgate"))
            .current_dir(dir.path());
        Self::listening(&mut shell)
    }

    /// Runs `stepgate` with `arguments` in `dir` until it says where it listens.
    pub(crate) fn start(dir: &TempDir, arguments: &[&str]) -> Self {
        Self::listening(command(dir).args(arguments))
    }

    fn listening(command: &mut Command) -> Self {
        let process = Process::start("stepgate", command);
        let addr = process.wait_for("listening, and where", |line| {
            line.contains("listening").then(|| address_in(line))?
        });
        Self { process, addr }
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The process, to read its log and to signal it.
    pub(crate) fn process(&self) -> &Process {
        &self.process
    }

    /// The same, to wait for its end and still read what it wrote.
    pub(crate) fn process_mut(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits until it has ended by itself, or as it was asked to before.
    pub(crate) fn wait_exit(mut self) -> ExitStatus {
        self.process.wait_exit()
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.end()
    }

    /// The same, keeping what it wrote.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.process.signal("TERM");
        self.process.wait_exit()
    }
}

/// Runs `stepgate` with `arguments` in `dir` to its end.
pub(crate) fn run(dir: &TempDir, arguments: &[&str]) -> Output {
    command(dir).args(arguments).output().unwrap()
}

/// A `stepgate` to be run in `dir`, seeing nothing of our environment but `PATH`.
pub(crate) fn command(dir: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stepgate"));
    command.current_dir(dir.path()).env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// Adds a user with a password.
pub(crate) fn add_user(dir: &TempDir, name: &str, address: &str, password: &str) {
    let mut adding = command(dir)
        .args(["user", "add", name, "--email", address, "--password-stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = adding.stdin.take().unwrap();
    stdin.write_all(password.as_bytes()).unwrap();
    drop(stdin);
    let added = adding.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&added.stderr);
    assert!(added.status.success(), "no user added: {told}");
}

/// The first loopback address with a port in a line, be the line JSON or prose.
fn address_in(line: &str) -> Option<SocketAddr> {
    let at = line.find("127.0.0.1:")?;
    let rest = &line[at..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}
