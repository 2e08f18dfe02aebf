//! Revocations: heard of by every sidecar, also by one that was away.

use super::support::temp::TempDir;
use super::support::{Redis, TestStore, embedded, id, in_runtime};
use std::time::Duration;
use stepgate::domain::SessionId;
use stepgate::store::{Revoked, StoreOptions};
use tokio::time::timeout;

async fn heard(revoked: &Revoked, id: SessionId) {
    let hearing = async {
        while !revoked.contains(&id) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), hearing)
        .await
        .expect("the revocation is heard of");
}

#[test]
fn a_revocation_in_redis_reaches_the_other_sidecars() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let options = StoreOptions::Redis(redis.options());
        let (here, there) = (TestStore::open(&options), TestStore::open(&options));
        here.revoke(id(1)).await;
        tokio::task::spawn_local(there.source.feed().run());
        heard(&there.source.revoked(), id(1)).await;
        here.revoke(id(2)).await;
        heard(&there.source.revoked(), id(2)).await;
        here.login(id(3), super::support::browser(1)).await;
        here.move_session(id(2), id(4)).await.unwrap();
        heard(&there.source.revoked(), id(4)).await;
        assert!(!there.source.revoked().contains(&id(3)));
    });
}

#[test]
fn a_sidecar_that_was_cut_off_reads_what_it_missed() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let options = StoreOptions::Redis(redis.options());
        let (here, there) = (TestStore::open(&options), TestStore::open(&options));
        tokio::task::spawn_local(there.source.feed().run());
        here.revoke(id(1)).await;
        heard(&there.source.revoked(), id(1)).await;
        redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        here.revoke(id(2)).await;
        heard(&there.source.revoked(), id(2)).await;
        assert!(there.source.revoked().contains(&id(1)));
    });
}

#[test]
fn a_revocation_by_another_process_is_read_from_the_file() {
    let folder = TempDir::new("store");
    in_runtime(async || {
        let (sidecar, command_line) = (
            TestStore::open(&embedded(&folder)),
            TestStore::open(&embedded(&folder)),
        );
        command_line.revoke(id(1)).await;
        tokio::task::spawn_local(sidecar.source.feed().run());
        heard(&sidecar.source.revoked(), id(1)).await;
        command_line.revoke(id(2)).await;
        heard(&sidecar.source.revoked(), id(2)).await;
        assert_eq!(sidecar.source.revoked().len(), 2);
    });
}
