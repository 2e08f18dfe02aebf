//! The applications that people log in to, and the identity providers beside them: real ones, of packages
//! from the registries of Python and Node, that know nothing of Stepgate.

use crate::support::mail::MailSink;
use crate::support::node::{PACKAGES, node};
use crate::support::process::Process;
use crate::support::redis::Redis;
use crate::support::sidecar::ORIGIN;
use crate::support::temp::TempDir;
use rcgen::{CertificateParams, KeyPair};
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Whose sessions they are.
pub(super) const OWNER: &str = "alice";
/// Who signs up first.
pub(super) const NEWCOMER: &str = "newcomer";
/// The thief, who has an account of his own.
pub(super) const THIEF: &str = "mallory";
/// The password of both, in all of them.
pub(super) const PASSWORD: &str = "App-pass-1!";

/// What runs in Node.
const NODE_SOURCES: [&str; 3] = ["express_site.mjs", "identity_provider.mjs", "serve.mjs"];

/// By which Express signs the cookies of its sessions.
pub(super) const EXPRESS_SECRET: &str = "for-this-test-only-0123456789abcdef";

/// An application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    Django,
    Express,
    Flask,
    Ntlm,
}

/// All of them, running.
pub(super) struct Applications {
    state: TempDir,
    /// Their ports: Django, Flask, NTLM, the client's side of NTLM.
    python: [u16; 4],
    /// The ports of the identity providers and of Express.
    node: [u16; 2],
    _processes: [Process; 2],
    /// Where Express keeps its sessions.
    redis: Redis,
}

impl Applications {
    /// The ones that tests share.
    pub(super) fn shared() -> &'static Self {
        static SHARED: OnceLock<Applications> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    fn start() -> Self {
        let place = installed();
        let state = TempDir::new("applications");
        write_saml_key(&state);
        state.write("express.secret", EXPRESS_SECRET);
        let redis = Redis::start();
        let sources = sources();
        let mut python = Command::new(place.join("python/bin/python"));
        python.arg(sources.join("serve.py"));
        for name in NODE_SOURCES {
            state.write(name, fs::read(sources.join(name)).unwrap());
        }
        let mut node = node(&state);
        node.env("REDIS", redis.url()).arg("serve.mjs");
        let (python, python_ports) = serve("the applications in Python", python, &state);
        let (node, node_ports) = serve("the applications in Node", node, &state);
        Self {
            state,
            python: python_ports,
            node: node_ports,
            _processes: [python, node],
            redis,
        }
    }

    /// Where an application listens, without Stepgate.
    pub(super) fn addr(&self, site: Site) -> SocketAddr {
        local(match site {
            Site::Django => self.python[0],
            Site::Express => self.node[1],
            Site::Flask => self.python[1],
            Site::Ntlm => self.python[2],
        })
    }

    /// Where the identity providers listen.
    pub(super) fn provider(&self) -> SocketAddr {
        local(self.node[0])
    }

    /// What tells the messages that a client of NTLM sends.
    pub(super) fn ntlm_client(&self) -> SocketAddr {
        local(self.python[3])
    }

    /// The Redis in which Express keeps its sessions.
    pub(super) fn redis(&self) -> String {
        self.redis.url()
    }

    /// The public keys of the tokens that Django makes.
    pub(super) fn token_keys(&self) -> PathBuf {
        self.state.path().join("keys.json")
    }
}

/// What they are made of, by name and version.
pub(super) fn packages() -> Vec<(String, String)> {
    let script = fs::read_to_string(sources().join("install")).unwrap();
    let list = script
        .split("=(")
        .nth(1)
        .unwrap()
        .split(')')
        .next()
        .unwrap();
    let python = list.split_whitespace().map(|word| {
        let (name, version) = word.trim_matches('\'').split_once("==").unwrap();
        (name.split('[').next().unwrap(), version)
    });
    let imports = NODE_SOURCES.map(|name| fs::read_to_string(sources().join(name)).unwrap());
    let is_imported = |name: &str| imports.concat().contains(&format!("'{name}'"));
    let node = PACKAGES
        .iter()
        .map(|package| package.rsplit_once('@').unwrap());
    let node = node.filter(|(name, _)| is_imported(name));
    let all = python.chain(node);
    all.map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/compatibility/applications")
}

/// The folder with the packages of Python, which are installed once and kept for later runs.
fn installed() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compatibility");
    fs::create_dir_all(&place).unwrap();
    // Several test processes may come at once; one of them installs.
    let lock = File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let install = Command::new(sources().join("install"))
        .arg(&place)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&install.stderr);
    assert!(install.status.success(), "nothing is installed: {said}");
    place
}

fn serve<const N: usize>(name: &str, mut command: Command, state: &TempDir) -> (Process, [u16; N]) {
    command
        .env("STATE", state.path())
        .env("ORIGIN", ORIGIN)
        .env("PEOPLE", format!("{OWNER},{THIEF}"))
        .env("PASSWORD", PASSWORD)
        .env("SMTP_PORT", MailSink::shared().port().to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let process = Process::start(name, &mut command);
    let ports = process.wait_for("ready, and where", |line| {
        let ports = line.strip_prefix("ready ")?.split(' ');
        let ports: Vec<u16> = ports.map(|port| port.parse().unwrap()).collect();
        ports.try_into().ok()
    });
    (process, ports)
}

/// The key by which the SAML provider signs, and its certificate.
fn write_saml_key(state: &TempDir) {
    let key = include_bytes!("../../fixtures/tokens/rsa.der");
    let key = KeyPair::try_from(&key[..]).unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    state.write("saml.key", key.serialize_pem());
    state.write("saml.crt", certificate.pem());
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
