//! Directories that go when their owner goes, or at the latest when this process does.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process, thread};

/// A fresh directory, removed on drop; kept and named if the test failed.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    /// Makes one; `name` is there to be recognized.
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = home().join(format!("{name}-{number}"));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it and tells its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        if thread::panicking() {
            let name = self.0.file_name().unwrap().to_string_lossy();
            let kept = format!("stepgate-kept-{}-{name}", process::id());
            let kept = env::temp_dir().join(kept);
            if fs::rename(&self.0, &kept).is_ok() {
                eprintln!("kept for a look: {}", kept.display());
            }
        } else {
            // A program that is just dying may still write; the broom below comes after it.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// The directory of all that this process makes, with a broom: a shell that waits until we are
/// gone, however that happens, and sweeps. Shared fixtures are never dropped, so it is needed.
fn home() -> &'static Path {
    static HOME: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (path, _) = HOME.get_or_init(|| {
        // Under the system's directory, not under `target`: paths of unix sockets must be short.
        let path = env::temp_dir().join(format!("stepgate-tests-{}", process::id()));
        let broom = Command::new("sh")
            .args([
                "-c",
                "read -r _; rm -rf \"$1\" || { sleep 1; rm -rf \"$1\"; }",
                "broom",
            ])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        (path, broom)
    });
    path
}
