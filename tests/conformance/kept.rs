//! Values that are kept under a name: each once, and taken once.

use super::on_both_stores;
use super::support::{MINUTE, TestStore, at_once};
use std::time::Duration;
use stepgate::domain::KeptName;
use stepgate::store::Taken;

on_both_stores! {
    a_value_is_kept_once_beside_others_of_its_name,
    of_many_who_keep_one_value_one_is_the_first,
    of_many_who_take_what_is_kept_one_gets_it,
    what_is_kept_ends,
}

const NAME: KeptName = KeptName::new([1; 32]);
const OTHER: KeptName = KeptName::new([2; 32]);

async fn a_value_is_kept_once_beside_others_of_its_name(store: TestStore) {
    let (now, until) = (store.now(), store.now().after(MINUTE));
    let odd: &[u8] = b"\0\xff\r\n";
    for (value, taken) in [
        (odd, Taken::Now),
        (b"two", Taken::Now),
        (odd, Taken::Before),
    ] {
        assert_eq!(store.keep(NAME, value, until, now).await.unwrap(), taken);
    }
    assert!(store.take_kept(OTHER, now).await.unwrap().is_empty());
    let mut values = store.take_kept(NAME, now).await.unwrap();
    values.sort();
    assert_eq!(values, [odd, b"two"]);
    assert!(store.take_kept(NAME, now).await.unwrap().is_empty());
    assert_eq!(store.keep(NAME, odd, until, now).await.unwrap(), Taken::Now);
}

async fn of_many_who_keep_one_value_one_is_the_first(store: TestStore) {
    let stores = [store.clone(), store.source.handle()];
    let (now, until) = (store.now(), store.now().after(MINUTE));
    let kept = at_once(100, async move |number| {
        let kept = stores[number % 2].keep(NAME, b"", until, now).await;
        kept.unwrap()
    });
    let first = kept.await.into_iter().filter(|kept| *kept == Taken::Now);
    assert_eq!(first.count(), 1);
}

async fn of_many_who_take_what_is_kept_one_gets_it(store: TestStore) {
    let stores = [store.clone(), store.source.handle()];
    let (now, until) = (store.now(), store.now().after(MINUTE));
    store.keep(NAME, b"once", until, now).await.unwrap();
    let taken = at_once(100, async move |number| {
        let taken = stores[number % 2].take_kept(NAME, now).await;
        taken.unwrap().len()
    });
    assert_eq!(taken.await.into_iter().sum::<usize>(), 1);
}

async fn what_is_kept_ends(store: TestStore) {
    let brief = Duration::from_millis(100);
    let now = store.now();
    store
        .keep(NAME, b"brief", now.after(brief), now)
        .await
        .unwrap();
    // A later value keeps those before it as long.
    store
        .keep(OTHER, b"one", now.after(brief), now)
        .await
        .unwrap();
    store
        .keep(OTHER, b"two", now.after(MINUTE), now)
        .await
        .unwrap();
    store.clock.advance(2 * brief);
    // Redis has a clock of its own.
    tokio::time::sleep(2 * brief).await;
    assert!(store.take_kept(NAME, store.now()).await.unwrap().is_empty());
    assert_eq!(store.take_kept(OTHER, store.now()).await.unwrap().len(), 2);
}
