//! A real mail server that keeps what it gets: aiosmtpd, in a Python environment under `target`.

use super::port::HeldPort;
use super::process::Process;
use super::tls::TestCa;
use serde::Deserialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The account that the modes with a login take.
pub(crate) const USER: &str = "mailer";
/// Its password.
pub(crate) const PASSWORD: &str = "Mail-pass-1!";

/// How clients must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// No TLS, no login.
    Plain,
    /// A login, without TLS.
    Auth,
    /// STARTTLS, then a login.
    StartTls,
    /// TLS from the first byte, and a login.
    Tls,
}

/// A mail that the server took.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Mail {
    pub(crate) recipients: Vec<String>,
    pub(crate) text: String,
    pub(crate) html: String,
    /// The six-digit numbers in the text.
    pub(crate) codes: Vec<String>,
    pub(crate) encrypted: bool,
    pub(crate) authenticated: bool,
}

/// A running mail server.
pub(crate) struct MailSink {
    server: Process,
    port: HeldPort,
}

impl MailSink {
    /// The plain one that tests share: give each of them addresses of its own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<MailSink> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(Mode::Plain, &[]))
    }

    /// Starts one. `more` makes it misbehave: `--reject REGEX` (550), `--slow SECONDS`,
    /// `--fail-first N` (451).
    pub(crate) fn start(mode: Mode, more: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/support/sink.py");
        let ca = TestCa::shared();
        let port = HeldPort::take();
        let mut command = Command::new(python());
        command.arg(script);
        command.arg("--port").arg(port.addr().port().to_string());
        if mode != Mode::Plain {
            command.args(["--user", USER, "--password", PASSWORD]);
        }
        match mode {
            Mode::Plain | Mode::Auth => {}
            Mode::StartTls => drop(command.arg("--starttls").arg(ca.cert()).arg(ca.key())),
            Mode::Tls => drop(command.arg("--tls").arg(ca.cert()).arg(ca.key())),
        }
        let server = Process::start("the mail sink", command.args(more));
        server.wait_for_line("listening");
        Self { server, port }
    }

    /// The port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port.addr().port()
    }

    /// Kills it; nobody answers at its port.
    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// All mails to `address` so far.
    pub(crate) fn mails_to(&self, address: &str) -> Vec<Mail> {
        mails(&self.server.lines(), address).collect()
    }

    /// Waits until `address` has got its `number`-th mail (from 1), and tells it.
    pub(crate) fn wait_for_mail(&self, address: &str, number: usize) -> Mail {
        let what = format!("that mail {number} to {address} came");
        self.server
            .wait_until(&what, |lines| mails(lines, address).nth(number - 1))
    }

    /// Waits until `address` has got a mail with these words, whatever came before it: several connections to the mail
    /// server may deliver in another order than that of the mails.
    pub(crate) fn wait_for_words(&self, address: &str, words: &str) -> Mail {
        let what = format!("that a mail to {address} says `{words}`");
        self.server.wait_until(&what, |lines| {
            mails(lines, address).find(|mail| mail.text.contains(words))
        })
    }

    /// Waits for the `number`-th mail to `address` and tells the code in it.
    pub(crate) fn wait_for_code(&self, address: &str, number: usize) -> String {
        let mail = self.wait_for_mail(address, number);
        match mail.codes.as_slice() {
            [code] => code.clone(),
            codes => panic!("one code expected, found {codes:?} in {}", mail.text),
        }
    }
}

fn mails(lines: &[String], address: &str) -> impl Iterator<Item = Mail> {
    lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Mail>(line).ok())
        .filter(move |mail| mail.recipients.iter().any(|to| to == address))
}

/// A Python that has aiosmtpd; made once and kept for later runs.
fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail-sink");
        fs::create_dir_all(&home).unwrap();
        // Several test processes may come at once; one of them installs.
        let lock = File::create(home.join("lock")).unwrap();
        lock.lock().unwrap();
        let python = home.join("venv/bin/python");
        let done = home.join("aiosmtpd-1.4.6");
        if !done.exists() {
            let venv = home.join("venv");
            install(Command::new("python3").args(["-m", "venv"]).arg(&venv));
            install(Command::new(&python).args(["-m", "pip", "-q", "install", "aiosmtpd==1.4.6"]));
            File::create(done).unwrap();
        }
        python
    })
}

fn install(command: &mut Command) {
    let output = command
        .output()
        .expect("python3 is there: see scripts/test");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
