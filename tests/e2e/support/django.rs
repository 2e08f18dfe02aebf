//! The stock Django admin of `examples/django-admin`, started by its own script.

use super::process::Watch;
use super::temp::TempDir;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

/// The superuser.
pub(crate) const ADMIN: &str = "admin";
/// Its password.
pub(crate) const ADMIN_PASSWORD: &str = "Admin-pass-1!";

/// A running Django site with a fresh database: `admin`, `alice`, `victim0` to `victim4`.
pub(crate) struct Django {
    state: TempDir,
    addr: SocketAddr,
    _watch: Watch,
}

impl Django {
    /// Starts one. What is installed for it is kept under `target` for the next.
    pub(crate) fn start() -> Self {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("django");
        fs::create_dir_all(&venv).unwrap();
        // Several test processes may come at once; one of them installs.
        let lock = fs::File::create(venv.join("lock")).unwrap();
        lock.lock().unwrap();
        let state = TempDir::new("django");
        let up = script("up.sh", &state)
            .env("DJANGO_VENV", venv.join("venv"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&up.stderr);
        assert!(up.status.success(), "Django does not start: {said}");
        let url = String::from_utf8(up.stdout).unwrap();
        let addr = url.trim().trim_start_matches("http://").parse().unwrap();
        let pid = fs::read_to_string(state.path().join("gunicorn.pid")).unwrap();
        let watch = Watch::over(pid.trim().parse().unwrap());
        Self {
            state,
            addr,
            _watch: watch,
        }
    }

    /// What `manage.py dumpdata` writes of its users.
    pub(crate) fn dumped_users(&self) -> Vec<u8> {
        let site = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/django-admin/site");
        let python = Path::new(env!("CARGO_TARGET_TMPDIR")).join("django/venv/bin/python");
        let dumped = Command::new(python)
            .args(["manage.py", "dumpdata", "auth.user"])
            .current_dir(site)
            .env("DJANGO_STATE", self.state.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&dumped.stderr);
        assert!(dumped.status.success(), "no dump: {said}");
        dumped.stdout
    }

    /// How many sessions it keeps.
    pub(crate) fn sessions(&self) -> u32 {
        let database = self.state.path().join("db.sqlite3");
        let database = rusqlite::Connection::open(database).unwrap();
        let count = "SELECT count(*) FROM django_session";
        database.query_row(count, [], |row| row.get(0)).unwrap()
    }

    /// Where it listens, without Stepgate.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = script("down.sh", &self.state).status();
    }
}

fn script(name: &str, state: &TempDir) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/django-admin");
    let mut command = Command::new(path.join(name));
    command
        .env("DJANGO_STATE", state.path())
        .env("DJANGO_PORT", "0");
    command
}
