//! What only the file on disk can be asked: it outlives us, and others may open it.

use super::support::temp::TempDir;
use super::support::{
    HOUR, MINUTE, PATIENCE, SLACK, TestStore, browser, challenge, clock, embedded, grant_key, id,
    in_runtime, is_corrupt, once,
};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;
use stepgate::domain::{AttemptCount, Counter, CounterKey, Factor, UserId};
use stepgate::store::{EmbeddedOptions, OpenError, StoreError, StoreOptions, Taken, open};
use tokio::time::{Instant, timeout};

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("state/store.db")
}

fn beside(folder: &TempDir) -> rusqlite::Connection {
    rusqlite::Connection::open(file(folder)).unwrap()
}

#[test]
fn everything_outlives_the_process() {
    let folder = TempDir::new("store");
    let counters = [Counter {
        key: CounterKey::new("a"),
        limit: 1,
        window: None,
    }];
    in_runtime(async || {
        let store = TestStore::open(&embedded(&folder));
        store.login(id(1), browser(1)).await;
        store.earn(1, grant_key("a")).await;
        store.earn(2, once("b", 1)).await;
        store.revoke(id(2)).await;
        store.count_attempt(&counters, store.now()).await.unwrap();
        store
            .take_totp_step(&UserId::new("alice"), 7)
            .await
            .unwrap();
        store
            .note_factor(challenge(1), Factor::Totp, MINUTE)
            .await
            .unwrap();
    });
    in_runtime(async || {
        let store = TestStore::open(&embedded(&folder));
        let held = store.held(id(1), &[grant_key("a")]).await;
        assert!(held.session.is_some() && held.mark.is_some());
        assert_eq!(held.grants.len(), 1);
        assert_eq!(
            store
                .claim(id(1), browser(1), &[once("b", 1)])
                .await
                .claims
                .len(),
            1
        );
        assert_eq!(store.revoked_sessions(store.now()).await.unwrap().len(), 1);
        let refused = store.count_attempt(&counters, store.now()).await.unwrap();
        assert!(matches!(refused, AttemptCount::Refused { .. }));
        let step = store
            .take_totp_step(&UserId::new("alice"), 7)
            .await
            .unwrap();
        assert_eq!(step, Taken::Before);
        let shown = store
            .note_factor(challenge(1), Factor::Password, MINUTE)
            .await
            .unwrap();
        assert!(shown.contains(Factor::Totp));
    });
}

#[test]
fn a_session_that_nobody_uses_is_forgotten() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        let store = TestStore::open(&embedded(&folder));
        store.login(id(1), browser(1)).await;
        store.clock.advance(HOUR / 2);
        store.touch_session(id(1), store.now(), HOUR).await.unwrap();
        store.clock.advance(HOUR / 2 + MINUTE);
        assert!(store.held(id(1), &[]).await.session.is_some());
        store.clock.advance(HOUR / 2);
        assert!(store.held(id(1), &[]).await.session.is_none());
        // The next job comes after the file was tidied up.
        store.ping().await.unwrap();
        let rows: u32 = beside(&folder)
            .query_row("SELECT count(*) FROM sessions", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0);
    });
}

#[test]
fn two_processes_share_the_file() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        let (one, other) = (
            TestStore::open(&embedded(&folder)),
            TestStore::open(&embedded(&folder)),
        );
        one.login(id(1), browser(1)).await;
        assert!(other.held(id(1), &[]).await.session.is_some());
        let stores = [one.clone(), other.clone()];
        let now = one.now();
        let attempts = super::support::at_once(100, async move |number| {
            let key = CounterKey::new("a");
            let counters = [Counter {
                key,
                limit: 5,
                window: None,
            }];
            stores[number % 2]
                .count_attempt(&counters, now)
                .await
                .unwrap()
        })
        .await;
        let counted = attempts
            .iter()
            .filter(|a| matches!(a, AttemptCount::Counted { .. }))
            .count();
        assert_eq!(counted, 5);
    });
}

#[test]
fn the_file_and_its_folder_are_ours_alone() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        TestStore::open(&embedded(&folder)).ping().await.unwrap();
        let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path().join("state")), 0o700);
        for entry in std::fs::read_dir(folder.path().join("state")).unwrap() {
            assert_eq!(mode(entry.unwrap().path()), 0o600);
        }
    });
}

#[test]
fn a_spoilt_record_on_disk_is_an_error_and_never_evidence() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        let store = TestStore::open(&embedded(&folder));
        for (number, spoil) in [
            "UPDATE sessions SET record = x'00'",
            "UPDATE sessions SET mark = x'00'",
            "UPDATE grants SET record = x'00'",
            "UPDATE sessions SET record = (SELECT record FROM grants)",
        ]
        .into_iter()
        .enumerate()
        {
            store.login(id(1), browser(1)).await;
            store.earn(1, grant_key("a")).await;
            beside(&folder).execute(spoil, []).unwrap();
            assert!(
                is_corrupt(&store.ask(id(1), &[grant_key("a")]).await),
                "spoilt {number}"
            );
        }
    });
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        TestStore::open(&embedded(&folder)).ping().await.unwrap();
        beside(&folder)
            .pragma_update(None, "user_version", 999)
            .unwrap();
        let refused = open(&embedded(&folder), &clock()).unwrap_err();
        assert!(matches!(refused, OpenError::NewerSchema { found: 999, .. }));
    });
}

#[test]
fn a_file_that_is_no_store_is_refused() {
    let folder = TempDir::new("store");
    let text = "not a database, but long enough to be taken for one ";
    folder.write("state/store.db", text.repeat(9));
    let refused = open(&embedded(&folder), &clock()).unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }));
}

#[test]
fn a_file_that_another_holds_is_told_within_the_deadline() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        let deadline = Duration::from_millis(200);
        let options = EmbeddedOptions {
            path: file(&folder),
            deadline,
        };
        let patient = TestStore::open(&embedded(&folder));
        patient.login(id(1), browser(1)).await;
        let store = TestStore::open(&StoreOptions::Embedded(options));
        let holder = beside(&folder);
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        let start = Instant::now();
        let outcome = store.ping().await;
        assert!(
            matches!(
                outcome,
                Err(StoreError::Timeout { .. } | StoreError::Unavailable(_))
            ),
            "{outcome:?}"
        );
        assert!(start.elapsed() < deadline + SLACK);
        holder.execute_batch("ROLLBACK").unwrap();
        let answers = async { while store.ping().await.is_err() {} };
        let answers = timeout(PATIENCE, answers).await;
        answers.expect("the store takes something again by itself");
        assert!(patient.held(id(1), &[]).await.session.is_some());
    });
}
