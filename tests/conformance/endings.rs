//! Endings: told by every sidecar's feed, each once and in their order.

use super::support::temp::TempDir;
use super::support::{Redis, TestStore, browser, embedded, id, in_runtime};
use std::time::Duration;
use stepgate::store::EndingCause::{Locked, LoggedOut, Revoked};
use stepgate::store::{Ending, EndingCause, StoreOptions};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

async fn next(heard: &mut UnboundedReceiver<Ending>) -> Ending {
    let ending = timeout(Duration::from_secs(10), heard.recv()).await;
    ending.expect("an ending is heard of").unwrap()
}

fn ending(number: u8, cause: EndingCause, known: bool) -> Ending {
    Ending {
        session: id(number),
        cause,
        known,
    }
}

async fn told_by_every_feed(options: &StoreOptions) {
    let (here, there) = (TestStore::open(options), TestStore::open(options));
    let mut heard = Vec::new();
    for store in [&here, &there] {
        heard.push(store.source.endings().subscribe());
        tokio::task::spawn_local(store.source.feed().run());
    }
    here.login(id(1), browser(1)).await;
    here.note_parts(id(1), &[id(2), id(3)]).await.unwrap();
    here.lock_session(id(1)).await.unwrap();
    here.end_session(id(1)).await.unwrap();
    // What is not on record may be anybody's.
    there.end_session(id(1)).await.unwrap();
    for heard in &mut heard {
        let mut told = Vec::new();
        while told.len() < 7 {
            told.push(next(heard).await);
        }
        told[..3].sort_by_key(|ending| *ending.session.as_bytes());
        told[3..6].sort_by_key(|ending| *ending.session.as_bytes());
        let of = |cause| [1, 2, 3].map(|number| ending(number, cause, true));
        assert_eq!(told[..3], of(Locked));
        assert_eq!(told[3..6], of(LoggedOut));
        assert_eq!(told[6], ending(1, LoggedOut, false));
    }
    // A login, a rotation and a question end nothing; a revocation is told once by each.
    here.login(id(4), browser(1)).await;
    here.move_session(id(4), id(5)).await.unwrap();
    here.revoke(id(5)).await;
    here.revoke(id(5)).await;
    here.end_session(id(6)).await.unwrap();
    for heard in &mut heard {
        let mut told = [next(heard).await, next(heard).await];
        told.sort_by_key(|ending| *ending.session.as_bytes());
        assert_eq!(
            told,
            [ending(5, Revoked, true), ending(6, LoggedOut, false)]
        );
    }
}

#[test]
fn every_feed_tells_every_ending_once_on_the_embedded_store() {
    let folder = TempDir::new("store");
    in_runtime(async || told_by_every_feed(&embedded(&folder)).await);
}

#[test]
fn every_feed_tells_every_ending_once_on_redis() {
    let redis = Redis::start(&[]);
    in_runtime(async || told_by_every_feed(&StoreOptions::Redis(redis.options())).await);
}

#[test]
fn a_feed_that_was_cut_off_tells_what_it_missed_and_nothing_twice() {
    let redis = Redis::start(&[]);
    in_runtime(async || {
        let options = StoreOptions::Redis(redis.options());
        let (here, there) = (TestStore::open(&options), TestStore::open(&options));
        let mut heard = there.source.endings().subscribe();
        tokio::task::spawn_local(there.source.feed().run());
        for number in 1..=5 {
            here.end_session(id(number)).await.unwrap();
            assert_eq!(next(&mut heard).await, ending(number, LoggedOut, false));
            redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        }
        // What a later version announces or notes is passed over.
        redis.command(&["PUBLISH", "sg:revocations", "something else"]);
        redis.command(&["XADD", "sg:endings", "*", "z", "?"]);
        here.end_session(id(6)).await.unwrap();
        assert_eq!(next(&mut heard).await, ending(6, LoggedOut, false));
        // A server that lost everything begins a new list.
        redis.command(&["FLUSHALL"]);
        here.end_session(id(7)).await.unwrap();
        assert_eq!(next(&mut heard).await, ending(7, LoggedOut, false));
    });
}
