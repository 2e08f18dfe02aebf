//! Applications that many people run, unmodified, each behind the real binary with the settings of its example.

mod jupyterhub;
mod octoprint;
mod radicale;
mod verdaccio;

use crate::support::client::{Answer, Client};
use crate::support::port::HeldPort;
use crate::support::stepgate::{self, Stepgate};
use crate::support::temp::TempDir;
use http::Method;
use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Whose account is worth something.
const OWNER: &str = "alice";
/// Somebody with an account, and factors, of his own.
const THIEF: &str = "mallory";
/// The password of both, in all applications.
const APP_PASSWORD: &str = "App-pass-1!";
/// What both prove themselves by.
const OWNERS_PROOF: &str = "Alice-own-pass-2!";
const THIEFS_PROOF: &str = "Mallory-own-pass-3!";

/// Stepgate with the settings of an example, and both people in its directory.
struct Site {
    stepgate: Stepgate,
    dir: TempDir,
    _port: HeldPort,
}

impl Site {
    /// Starts one at `port`, in front of the application that listens at `upstream`.
    fn start(example: &str, port: HeldPort, upstream: SocketAddr) -> Self {
        Self::start_with(example, port, upstream, &[])
    }

    /// The same, with other words in place of some in the settings.
    fn start_with(
        example: &str,
        port: HeldPort,
        upstream: SocketAddr,
        changes: &[(&str, &str)],
    ) -> Self {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = top.join(format!("examples/{example}/stepgate.yaml"));
        let mut settings = fs::read_to_string(file).unwrap();
        let (_, theirs) = settings.split_once("upstream: { url: http://").unwrap();
        let theirs = theirs.split(' ').next().unwrap().to_owned();
        let changes = changes.iter().map(|(from, to)| (*from, (*to).to_owned()));
        for (from, to) in [
            ("127.0.0.1:8080", port.addr().to_string()),
            (&theirs, upstream.to_string()),
            ("../..", top.display().to_string()),
        ]
        .into_iter()
        .chain(changes)
        {
            assert!(settings.contains(from), "no {from} in the example");
            settings = settings.replace(from, &to);
        }
        let dir = TempDir::new(example);
        dir.write("stepgate.yaml", settings);
        let secret = dir.write("secret.key", SECRET);
        fs::set_permissions(secret, Permissions::from_mode(0o600)).unwrap();
        for (name, proof) in [(OWNER, OWNERS_PROOF), (THIEF, THIEFS_PROOF)] {
            stepgate::add_user(&dir, name, &format!("{name}@example.test"), proof);
        }
        Self {
            stepgate: Stepgate::serve(&dir),
            dir,
            _port: port,
        }
    }

    /// The port that people see.
    fn port(&self) -> u16 {
        self.stepgate.addr().port()
    }

    /// A page's script, not logged in.
    fn script(&self) -> Client {
        Client::new(self.stepgate.addr()).fetching()
    }

    /// A command-line client.
    fn client(&self) -> Client {
        Client::new(self.stepgate.addr())
    }
}

/// Answers the challenge of a refusal at the address that it names.
async fn prove(client: &Client, refused: &Answer, password: &str) -> Answer {
    let document = refused.json();
    let address = document["challenge"]["verify_url"].as_str();
    let answer = serde_json::json!({
        "token": refused.token(), "factor": "password", "answer": password,
    });
    client.call(Method::POST, address.unwrap(), answer).await
}

/// The folder with the packages, which are installed once and kept for later runs.
fn installed() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("applications");
        fs::create_dir_all(&place).unwrap();
        // Several test processes may come at once; one of them installs.
        let lock = File::create(place.join("lock")).unwrap();
        lock.lock().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/applications/install");
        let install = Command::new(script).arg(&place).output().unwrap();
        let said = String::from_utf8_lossy(&install.stderr);
        assert!(install.status.success(), "nothing is installed: {said}");
        place
    })
}

/// A module of Python that was installed, to be run in `dir`.
fn python(module: &str, dir: &TempDir) -> Command {
    let mut command = Command::new(installed().join("python/bin/python"));
    command
        .args(["-m", module])
        .current_dir(dir.path())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Stepgate's secret in these tests.
const SECRET: &str = "5b9cfa2f0d6c53b7c2a9c8a0f4f0e5f45d3d8e2a1f7b6c9d0e1f2a3b4c5d6e7f";
