//! The directory: users by any of their names.

use super::on_both_stores;
use super::support::TestStore;
use stepgate::domain::{Credential, Secret, Timestamp, User, UserId};
use stepgate::store::Taken;

on_both_stores! {
    a_user_is_found_by_id_and_by_every_alias,
    a_record_is_swapped_only_for_what_was_read,
    a_user_is_added_only_under_a_name_that_nobody_has,
    an_alias_of_another_user_moves,
    an_id_goes_before_an_alias,
    a_removed_user_leaves_nothing_behind,
    users_are_listed_by_id,
    a_store_that_works_answers_a_ping,
}

fn user(id: &str, aliases: &[&str]) -> User {
    User {
        aliases: aliases.iter().copied().map(UserId::new).collect(),
        email: Some(format!("{id}@example.com")),
        password: Some(Secret::new(
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        )),
        totp: Some(vec![0, 1, 2, 255]),
        ..User::new(UserId::new(id), Timestamp::from_millis(5))
    }
}

/// A credential of a kind that this version does not know.
fn hologram() -> Credential {
    Credential {
        kind: "hologram".to_owned(),
        data: Secret::new(vec![0, 1, 2, 255]),
    }
}

async fn found(store: &TestStore, name: &str) -> Option<User> {
    store.user(&UserId::new(name)).await.unwrap()
}

async fn a_user_is_found_by_id_and_by_every_alias(store: TestStore) {
    let mut alice = user("alice", &["alice@example.com", "ally"]);
    store.put_user(&alice).await.unwrap();
    for name in ["alice", "alice@example.com", "ally"] {
        assert_eq!(found(&store, name).await, Some(alice.clone()));
    }
    assert_eq!(found(&store, "al").await, None);
    alice.aliases.remove(0);
    (alice.email, alice.password, alice.totp) = (None, None, None);
    alice.credentials = vec![hologram()];
    store.put_user(&alice).await.unwrap();
    assert_eq!(found(&store, "alice@example.com").await, None);
    assert_eq!(found(&store, "ally").await, Some(alice));
}

async fn a_record_is_swapped_only_for_what_was_read(store: TestStore) {
    let read = user("alice", &["ally"]);
    let read = User {
        credentials: vec![hologram(), hologram()],
        ..read
    };
    let renewed = User {
        password: Some(Secret::new("renewed".to_owned())),
        ..read.clone()
    };
    assert!(!store.swap_user(&read, &renewed).await.unwrap());
    assert_eq!(found(&store, "alice").await, None);
    store.put_user(&read).await.unwrap();
    assert!(store.swap_user(&read, &renewed).await.unwrap());
    assert_eq!(found(&store, "ally").await, Some(renewed.clone()));
    // Somebody was faster: theirs stays.
    assert!(!store.swap_user(&read, &user("alice", &[])).await.unwrap());
    assert_eq!(found(&store, "alice").await, Some(renewed));
}

async fn a_user_is_added_only_under_a_name_that_nobody_has(store: TestStore) {
    let alice = User {
        credentials: vec![hologram()],
        ..user("alice", &[])
    };
    assert!(store.add_user(&alice).await.unwrap());
    assert!(!store.add_user(&user("alice", &[])).await.unwrap());
    assert_eq!(found(&store, "alice").await, Some(alice));
    let bob = user("bob", &["bobby"]);
    store.put_user(&bob).await.unwrap();
    assert!(!store.add_user(&user("bobby", &[])).await.unwrap());
    assert_eq!(found(&store, "bobby").await, Some(bob));
    // Of many at once, one.
    let many: Vec<_> = (0..20)
        .map(|number| User {
            email: Some(format!("{number}@example.com")),
            ..user("carol", &[])
        })
        .collect();
    let added = futures_util::future::join_all(many.iter().map(|user| store.add_user(user))).await;
    assert_eq!(
        added
            .into_iter()
            .filter(|added| *added.as_ref().unwrap())
            .count(),
        1
    );
}

async fn an_alias_of_another_user_moves(store: TestStore) {
    store.put_user(&user("alice", &["x", "y"])).await.unwrap();
    store.put_user(&user("bob", &["y", "z"])).await.unwrap();
    assert_eq!(found(&store, "y").await, Some(user("bob", &["y", "z"])));
    assert_eq!(found(&store, "alice").await, Some(user("alice", &["x"])));
    store.remove_user(&UserId::new("alice")).await.unwrap();
    assert_eq!(found(&store, "y").await, Some(user("bob", &["y", "z"])));
}

async fn an_id_goes_before_an_alias(store: TestStore) {
    store.put_user(&user("alice", &["bob"])).await.unwrap();
    assert_eq!(found(&store, "bob").await.unwrap().id, UserId::new("alice"));
    store.put_user(&user("bob", &[])).await.unwrap();
    assert_eq!(found(&store, "bob").await.unwrap().id, UserId::new("bob"));
}

async fn a_removed_user_leaves_nothing_behind(store: TestStore) {
    let alice = UserId::new("alice");
    store.put_user(&user("alice", &["ally"])).await.unwrap();
    assert_eq!(store.take_totp_step(&alice, 7).await.unwrap(), Taken::Now);
    assert!(store.remove_user(&alice).await.unwrap());
    assert!(!store.remove_user(&alice).await.unwrap());
    assert_eq!(found(&store, "ally").await, None);
    assert_eq!(store.take_totp_step(&alice, 7).await.unwrap(), Taken::Now);
}

async fn users_are_listed_by_id(store: TestStore) {
    assert!(store.users().await.unwrap().is_empty());
    let users = [
        user("alice", &["a", "b"]),
        user("bob", &[]),
        user("carol", &["c"]),
    ];
    for user in users.iter().rev() {
        store.put_user(user).await.unwrap();
    }
    assert_eq!(store.users().await.unwrap(), users);
}

async fn a_store_that_works_answers_a_ping(store: TestStore) {
    store.ping().await.unwrap();
}
