//! The chain holds, shows every change, and goes on after a crash.

use super::{Audit, AuditSettings, AuditSetupError, AuditTarget, AuditUnavailable, Event};
use super::{ChainFault, DirectAudit, EventKind};
use super::{OnTrouble, Outcome, Report, verify};
use crate::clock::Clock;
use crate::domain::{Reason, SessionId, Subject, Timestamp};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A directory of its own for each test, removed at the end.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("stepgate-audit-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn log(&self) -> PathBuf {
        self.0.join("audit.jsonl")
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(path: &Path) -> Result<Audit, AuditSetupError> {
    let settings = AuditSettings {
        target: AuditTarget::File(path.to_owned()),
        ..AuditSettings::default()
    };
    Audit::start(&settings, clock())
}

/// What a command does beside a sidecar.
fn act(path: &Path) -> Result<(), AuditSetupError> {
    let target = AuditTarget::File(path.to_owned());
    let event = Event::new(clock().now(), EventKind::UserChanged, Outcome::Succeeded);
    DirectAudit::open(target, clock())?.record([event])
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_790_000_000_123))
}

fn record(audit: &Audit, subject: &str) -> Result<(), AuditUnavailable> {
    let subject = Subject::new(subject);
    let mut event = Event::new(clock().now(), EventKind::Decision, Outcome::Challenged);
    event.subject = Some(&subject);
    event.session = Some(SessionId::new([0xab; 32]));
    event.reason = Some(Reason::StepUpRequired);
    event.path = Some("/users/1?token=hunter2");
    audit.record(&event)
}

fn write(path: &Path, subjects: &[&str]) {
    let audit = start(path).unwrap();
    for subject in subjects {
        record(&audit, subject).unwrap();
    }
    assert!(audit.flush(Duration::from_secs(5)));
}

fn check(path: &Path) -> Report {
    verify(&*fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_line_says_what_happened_and_no_value_ends_it() {
    let place = TempDir::new("line");
    write(&place.log(), &["alice\n{\"seq\":7}"]);
    let text = fs::read_to_string(place.log()).unwrap();
    assert_eq!(text.lines().count(), 1);
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["time"], "2026-09-21T14:13:20.123Z");
    assert_eq!(line["event"], "decision");
    assert_eq!(line["outcome"], "challenged");
    assert_eq!(line["reason"], "step-up-required");
    assert_eq!(line["session"], "abababababababab");
    assert_eq!(line["subject"], "alice\n{\"seq\":7}");
    assert_eq!(line["path"], "/users/1", "a query may hold a token");
    assert_eq!(line["prev"], "0".repeat(64));
}

#[test]
fn the_chain_goes_on_after_a_restart() {
    let place = TempDir::new("restart");
    write(&place.log(), &["a", "b"]);
    write(&place.log(), &["c"]);
    let report = check(&place.log());
    assert_eq!(
        (report.lines, report.last, report.fault),
        (3, Some(3), None)
    );
    let mode = fs::metadata(place.log()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn every_change_of_a_line_is_found() {
    let place = TempDir::new("change");
    write(&place.log(), &["a", "b", "c"]);
    let text = fs::read_to_string(place.log()).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let fault = |text: String| verify(text.as_bytes()).unwrap().fault;
    let changed = text.replace("\"b\"", "\"x\"");
    assert_eq!(fault(changed), Some(ChainFault::Changed { line: 3 }));
    let removed = format!("{}\n{}\n", lines[0], lines[2]);
    assert_eq!(fault(removed), Some(ChainFault::Changed { line: 2 }));
    let swapped = format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]);
    assert_eq!(fault(swapped), Some(ChainFault::Changed { line: 2 }));
    let doubled = format!("{}\n{}\n", lines[0], lines[0]);
    assert_eq!(fault(doubled), Some(ChainFault::Changed { line: 2 }));
    let foreign = format!("{}\nhello\n{}\n", lines[0], lines[1]);
    assert_eq!(fault(foreign), Some(ChainFault::Unreadable { line: 2 }));
    let endless = format!("{}\n{}\n", lines[0], "x".repeat(200_000));
    assert_eq!(fault(endless), Some(ChainFault::Unreadable { line: 2 }));
    assert_eq!(fault(text), None);
}

#[test]
fn a_line_cut_off_by_a_crash_is_reported_and_vouched_for() {
    let place = TempDir::new("torn");
    write(&place.log(), &["a", "b"]);
    let mut text = fs::read(place.log()).unwrap();
    text.truncate(text.len() - 20);
    fs::write(place.log(), &text).unwrap();
    let report = check(&place.log());
    assert!(report.ends_torn && report.fault.is_none());
    write(&place.log(), &["c"]);
    let report = check(&place.log());
    assert_eq!(report.fault, None);
    assert_eq!(report.torn, [2]);
    // What the crash left is part of the chain too.
    let text = fs::read_to_string(place.log()).unwrap();
    let changed = text.replacen("\"b\"", "\"x\"", 1);
    assert_ne!(changed, text);
    let fault = verify(changed.as_bytes()).unwrap().fault;
    assert_eq!(fault, Some(ChainFault::Changed { line: 3 }));
}

#[test]
fn the_first_line_may_be_cut_off_too() {
    let place = TempDir::new("first");
    write(&place.log(), &["a"]);
    let mut text = fs::read(place.log()).unwrap();
    text.truncate(40);
    fs::write(place.log(), &text).unwrap();
    write(&place.log(), &["b"]);
    let report = check(&place.log());
    assert_eq!(
        (report.fault, report.torn, report.lines),
        (None, vec![1], 2)
    );
}

#[test]
fn a_renamed_file_is_left_and_the_chain_goes_on_in_the_new_one() {
    let place = TempDir::new("rotate");
    let audit = start(&place.log()).unwrap();
    record(&audit, "a").unwrap();
    assert!(audit.flush(Duration::from_secs(5)));
    let old = place.0.join("audit.1");
    fs::rename(place.log(), &old).unwrap();
    audit.reopen();
    record(&audit, "b").unwrap();
    assert!(audit.flush(Duration::from_secs(5)));
    let (old, new) = (check(&old), check(&place.log()));
    assert_eq!((old.lines, old.fault), (1, None));
    assert_eq!((new.first, new.fault), (Some(2), None));
    assert_eq!(old.head, new.continues);
}

#[test]
fn a_file_that_is_no_log_is_left_alone() {
    let place = TempDir::new("foreign");
    fs::write(place.log(), "my notes\n").unwrap();
    assert!(matches!(
        start(&place.log()),
        Err(AuditSetupError::NotALog { .. })
    ));
    assert_eq!(fs::read_to_string(place.log()).unwrap(), "my notes\n");
}

#[test]
fn several_writers_share_a_log_and_its_chain() {
    let place = TempDir::new("several");
    let sidecars = [start(&place.log()).unwrap(), start(&place.log()).unwrap()];
    std::thread::scope(|scope| {
        for sidecar in &sidecars {
            scope.spawn(|| {
                for number in 0..1_000 {
                    record(sidecar, &format!("sidecar {number}")).unwrap();
                    if number % 50 == 0 {
                        assert!(sidecar.flush(Duration::from_secs(5)));
                    }
                }
            });
        }
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..50 {
                    act(&place.log()).unwrap();
                }
            });
        }
    });
    for sidecar in sidecars {
        assert!(sidecar.flush(Duration::from_secs(5)));
    }
    let report = check(&place.log());
    assert_eq!((report.lines, report.fault), (2_100, None));
}

#[test]
fn a_writer_goes_on_after_a_line_that_another_could_not_finish() {
    let place = TempDir::new("unfinished");
    let sidecar = start(&place.log()).unwrap();
    record(&sidecar, "a").unwrap();
    assert!(sidecar.flush(Duration::from_secs(5)));
    act(&place.log()).unwrap();
    let file = fs::OpenOptions::new().write(true).open(place.log());
    let file = file.unwrap();
    file.set_len(file.metadata().unwrap().len() - 9).unwrap();
    record(&sidecar, "b").unwrap();
    assert!(sidecar.flush(Duration::from_secs(5)));
    let report = check(&place.log());
    assert_eq!((report.fault, report.torn), (None, vec![2]));
    // `copytruncate`: the chain goes on in the emptied file.
    file.set_len(0).unwrap();
    record(&sidecar, "c").unwrap();
    assert!(sidecar.flush(Duration::from_secs(5)));
    act(&place.log()).unwrap();
    let after = check(&place.log());
    assert_eq!((after.lines, after.fault), (2, None));
    assert_eq!(after.continues, report.head);
}

#[test]
fn a_lock_that_is_never_released_ends_in_an_error() {
    let place = TempDir::new("locked");
    act(&place.log()).unwrap();
    let held = fs::File::open(place.log()).unwrap();
    held.lock().unwrap();
    assert!(matches!(
        act(&place.log()),
        Err(AuditSetupError::Open { .. })
    ));
    drop(held);
    act(&place.log()).unwrap();
    assert_eq!((check(&place.log()).lines), 2);
}

#[test]
fn what_cannot_be_recorded_is_refused_or_lost_as_the_settings_say() {
    for on_trouble in [OnTrouble::Refuse, OnTrouble::Drop] {
        let settings = AuditSettings {
            // A device that is always full.
            target: AuditTarget::File("/dev/full".into()),
            queue: 4,
            on_trouble,
        };
        let audit = Audit::start(&settings, clock()).unwrap();
        let refused = (0..1_000).filter(|_| record(&audit, "a").is_err()).count();
        assert_eq!(refused > 0, on_trouble == OnTrouble::Refuse);
        assert!(!audit.flush(Duration::from_millis(1)));
    }
}

#[test]
fn a_log_that_cannot_be_opened_again_is_written_nowhere_else() {
    let place = TempDir::new("gone");
    // A device that is always full, and then a folder in its place.
    std::os::unix::fs::symlink("/dev/full", place.log()).unwrap();
    let audit = start(&place.log()).unwrap();
    fs::remove_file(place.log()).unwrap();
    fs::create_dir(place.log()).unwrap();
    record(&audit, "a").unwrap();
    assert!(!audit.flush(Duration::from_millis(1_200)));
    assert_eq!(record(&audit, "b"), Err(AuditUnavailable));
    fs::remove_dir(place.log()).unwrap();
    assert!(audit.flush(Duration::from_secs(5)));
    let text = fs::read_to_string(place.log()).unwrap();
    assert!(text.contains(r#""subject":"a""#) && !text.contains(r#""subject":"b""#));
    assert_eq!(
        (check(&place.log()).lines, check(&place.log()).fault),
        (1, None)
    );
}

#[test]
fn many_events_at_once_are_written_in_their_order() {
    let place = TempDir::new("many");
    let audit = start(&place.log()).unwrap();
    let subjects: Vec<_> = (0..2_000).map(|number| format!("{number:0200}")).collect();
    for subject in &subjects {
        record(&audit, subject).unwrap();
    }
    assert!(audit.flush(Duration::from_secs(5)));
    let report = check(&place.log());
    assert_eq!((report.lines, report.fault), (2_000, None));
    let text = fs::read_to_string(place.log()).unwrap();
    for (line, subject) in text.lines().zip(&subjects) {
        assert!(line.contains(subject));
    }
}

#[test]
fn checking_is_total_on_any_bytes() {
    let mut noise = Vec::new();
    for length in [0, 1, 10, 1_000] {
        for byte in [0, b'\n', b'{', 0xff] {
            noise.write_all(&vec![byte; length]).unwrap();
            verify(&*noise).unwrap();
        }
    }
}
