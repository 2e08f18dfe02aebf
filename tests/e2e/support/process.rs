//! Programs that we start, listen to, signal by their id, and never leave behind.

use super::PATIENCE;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// A program that we started. Ends with its owner, and with this process even if that is killed.
pub(crate) struct Process {
    name: String,
    child: Child,
    watch: Option<Watch>,
    log: Arc<Log>,
}

/// Standard output that is not read for now.
pub(crate) struct HeldOutput<'p>(#[allow(dead_code)] MutexGuard<'p, ()>); // dropping it is its use

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    more: Condvar,
    /// Whoever holds it keeps standard output from being read.
    out: Mutex<()>,
}

impl Process {
    /// Starts `command`, keeping what it writes to stdout and stderr.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}; see scripts/test"));
        let log = Arc::new(Log::default());
        follow(child.stdout.take().unwrap(), &log, |log| {
            drop(log.out.lock().unwrap());
        });
        follow(child.stderr.take().unwrap(), &log, |_| {});
        let watch = Some(Watch::over(child.id()));
        Self {
            name: name.to_owned(),
            child,
            watch,
            log,
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// Waits for a line that contains `words`, be it written before or to come, and tells it.
    pub(crate) fn wait_for_line(&self, words: &str) -> String {
        self.wait_for(words, |line| line.contains(words).then(|| line.to_owned()))
    }

    /// Waits for a line in which `find` finds something.
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        self.wait_until(what, |lines| lines.iter().find_map(|line| find(line)))
    }

    /// Waits until `find` finds something in all that was written.
    pub(crate) fn wait_until<T>(&self, what: &str, find: impl Fn(&[String]) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut lines = self.log.lines.lock().unwrap();
        loop {
            if let Some(found) = find(&lines) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{} never said {what}; it said:\n{}",
                self.name,
                lines.join("\n")
            );
            lines = self.log.more.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Reads nothing more of its standard output until what is handed out is dropped.
    pub(crate) fn hold_output(&self) -> HeldOutput<'_> {
        HeldOutput(self.log.out.lock().unwrap())
    }

    /// Sends a signal, by name: `TERM`, `HUP`, `STOP`, `CONT`, `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait_exit(&mut self) -> ExitStatus {
        // The log's readers end with the program, so their silence is the event to wait for.
        let until = Instant::now() + PATIENCE;
        while Arc::strong_count(&self.log) > 1 {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} does not end", self.name);
            let lines = self.log.lines.lock().unwrap();
            drop(self.log.more.wait_timeout(lines, left.min(TICK)).unwrap());
        }
        self.watch = None;
        self.child.wait().unwrap()
    }

    /// Kills it, without asking.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        // Before the id is free again: the watch must not meet somebody else under it.
        self.watch = None;
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) {
    assert!(try_signal(pid, name), "no process {pid} to signal");
}

/// The same to one that may have ended; tells whether it is there.
pub(crate) fn try_signal(pid: u32, name: &str) -> bool {
    let kill = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .stderr(Stdio::null())
        .status();
    kill.is_ok_and(|status| status.success())
}

/// A shell that waits until we are gone, however that happens, and then ends a program of ours.
pub(crate) struct Watch(Child);

impl Watch {
    /// Watches over `pid` until dropped; drop it before that id can be anybody else's.
    pub(crate) fn over(pid: u32) -> Self {
        let shell = Command::new("sh")
            .args(["-c", "read -r _; kill -KILL \"$1\"", "watch"])
            .arg(pid.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(shell.unwrap())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn follow(output: impl Read + Send + 'static, log: &Arc<Log>, before: fn(&Log)) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = Vec::new();
        while matches!(output.read_until(b'\n', &mut line), Ok(1..)) {
            before(&log);
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            log.lines.lock().unwrap().push(text);
            log.more.notify_all();
            line.clear();
        }
        log.more.notify_all();
    });
}

const TICK: Duration = Duration::from_millis(20);
