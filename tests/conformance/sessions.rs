//! Sessions: what a login, a rotation, a logout and a revocation leave behind.

use super::on_both_stores;
use super::support::{
    HOUR, MINUTE, PATIENCE, TestStore, browser, grant, grant_key, id, once, session,
};
use std::time::Duration;
use stepgate::domain::{Owner, StoredSession, Subject};
use stepgate::store::{Ask, Carry, Login, Over, Rotated, Rotation};

on_both_stores! {
    a_login_is_known_by_its_id_alone,
    a_login_drops_what_either_id_held,
    of_two_logins_that_are_judged_at_once_the_later_is_not_written,
    a_moved_session_keeps_what_it_held_and_drops_what_the_new_id_held,
    a_session_moved_to_itself_stays,
    a_session_that_was_moved_is_not_moved_away_again,
    a_rotated_session_is_known_by_both_values_with_what_it_held,
    a_rotation_may_carry_the_session_alone,
    a_rotation_may_carry_what_the_one_before_it_did,
    several_successors_are_known_side_by_side,
    a_known_successor_is_left_as_it_was,
    what_was_never_known_is_not_rotated,
    a_replaced_value_is_forgotten_when_its_time_is_over,
    the_oldest_values_of_a_cookie_are_forgotten,
    a_single_use_grant_is_taken_from_all_values_at_once,
    every_value_of_a_cookie_is_locked_ended_and_revoked_together,
    a_login_under_an_old_value_leaves_the_others_behind,
    a_disputed_session_is_nobodys_under_every_value,
    an_ended_session_holds_nothing,
    use_is_noted_and_never_goes_back,
    a_revoked_session_stays_revoked_whoever_logs_in,
    a_revocation_follows_a_moved_session,
    the_parts_of_a_session_are_revoked_with_it,
    the_parts_of_a_revoked_session_that_moves_are_revoked,
    a_locked_session_keeps_nothing_but_itself,
    sessions_are_listed_newest_first,
    an_unknown_session_is_no_evidence,
    how_a_name_was_said_goes_where_the_session_goes,
}

async fn an_unknown_session_is_no_evidence(store: TestStore) {
    let held = store.held(id(1), &[grant_key("a")]).await;
    assert_eq!((held.session, held.mark), (None, None));
    assert!(held.grants.is_empty() && held.claims.is_empty());
}

async fn a_login_is_known_by_its_id_alone(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    assert_eq!(store.held(id(1), &[]).await.session, Some(session));
    assert_eq!(store.held(id(2), &[]).await.session, None);
}

async fn a_login_drops_what_either_id_held(store: TestStore) {
    for number in [1, 2] {
        store.login(id(number), browser(1)).await;
        let grant = grant(grant_key("a"), number, browser(1), store.now());
        store.verify(id(number), browser(1), Some(grant)).await;
    }
    let session = session("alice", browser(2), store.now());
    let login = Login {
        id: id(2),
        replaces: Some(id(1)),
        session: session.clone(),
        keep: HOUR,
        over: Over::Anything,
    };
    store.put_login(&login).await.unwrap();

    let before = store.held(id(1), &[grant_key("a")]).await;
    assert_eq!(
        (before.session, before.mark, before.grants.len()),
        (None, None, 0)
    );
    let after = store.held(id(2), &[grant_key("a")]).await;
    assert_eq!(
        (after.session, after.mark, after.grants.len()),
        (Some(session), None, 0)
    );
}

async fn of_two_logins_that_are_judged_at_once_the_later_is_not_written(store: TestStore) {
    let login = |name: &str, number, over| Login {
        id: id(1),
        replaces: Some(id(2)),
        session: session(name, browser(number), store.now()),
        keep: HOUR,
        over: Over::Known(over),
    };
    let first = login("alice", 1, None);
    assert!(store.put_login(&first).await.unwrap());
    store.login(id(2), browser(9)).await;
    store.earn(1, grant_key("a")).await;
    for later in [
        login("mallory", 2, None),
        login("alice", 2, None),
        login(
            "mallory",
            2,
            Some(session("mallory", browser(1), store.now())),
        ),
        login("alice", 2, Some(session("alice", browser(2), store.now()))),
    ] {
        assert!(!store.put_login(&later).await.unwrap());
        let held = store.held(id(1), &[grant_key("a")]).await;
        assert_eq!(held.session.as_ref(), Some(&first.session));
        assert_eq!(held.grants.len(), 1);
        assert!(store.held(id(2), &[]).await.session.is_some());
    }
    // Another takes the place of what it was judged by, used or locked since, or gone.
    store
        .touch_session(id(1), store.now().after(MINUTE), HOUR)
        .await
        .unwrap();
    store.lock_session(id(1)).await.unwrap();
    let next = login("mallory", 2, Some(first.session.clone()));
    assert!(store.put_login(&next).await.unwrap());
    assert_eq!(store.held(id(1), &[]).await.session, Some(next.session));
    store.end_session(id(1)).await.unwrap();
    assert!(store.put_login(&first).await.unwrap());
    let last = login("mallory", 2, Some(session("bob", browser(2), store.now())));
    store.end_session(id(1)).await.unwrap();
    assert!(store.put_login(&last).await.unwrap());
}

async fn a_moved_session_keeps_what_it_held_and_drops_what_the_new_id_held(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    let kept = grant(grant_key("kept"), 1, browser(1), store.now());
    let single = grant(once("single", 7), 2, browser(1), store.now());
    store.verify(id(1), browser(1), Some(kept.clone())).await;
    store.verify(id(1), browser(1), Some(single.clone())).await;
    store.login(id(2), browser(9)).await;
    let dropped = grant(grant_key("dropped"), 3, browser(9), store.now());
    store.verify(id(2), browser(9), Some(dropped)).await;

    store.move_session(id(1), id(2)).await.unwrap();

    let held = store
        .held(id(2), &[grant_key("kept"), grant_key("dropped")])
        .await;
    assert_eq!(held.session, Some(session.clone()));
    assert_eq!(held.mark.unwrap().browser_key, browser(1));
    assert_eq!(held.grants, [kept]);
    let claims = store
        .claim(id(2), browser(1), &[once("single", 7)])
        .await
        .claims;
    assert_eq!(claims[0].grant, single);
    assert_eq!(store.held(id(1), &[]).await.session, None);
    let listed = store.sessions(session.owner.subject(), 9).await.unwrap();
    assert_eq!(listed, [(id(2), session)]);
}

async fn a_session_that_was_moved_is_not_moved_away_again(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    for _ in 0..2 {
        store.move_session(id(1), id(2)).await.unwrap();
        let held = store.held(id(2), &[grant_key("a")]).await;
        assert_eq!(held.session.as_ref(), Some(&session));
        assert_eq!(held.grants.len(), 1);
    }
}

async fn a_session_moved_to_itself_stays(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    store.move_session(id(1), id(1)).await.unwrap();
    assert_eq!(store.held(id(1), &[]).await.session, Some(session));
}

/// Another value for the cookie of a session, with all that it holds.
fn rotation(from: u8, to: u8) -> Rotation {
    Rotation {
        from: id(from),
        to: id(to),
        carry: Carry::Everything,
        grace: MINUTE,
    }
}

async fn rotate(store: &TestStore, rotation: Rotation) -> Rotated {
    store.rotate_session(&rotation).await.unwrap()
}

async fn a_rotated_session_is_known_by_both_values_with_what_it_held(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    assert_eq!(rotate(&store, rotation(1, 2)).await, Rotated::Followed);
    for value in [id(1), id(2)] {
        let held = store.held(value, &[grant_key("a")]).await;
        assert_eq!(held.session.as_ref(), Some(&session));
        assert_eq!((held.mark.is_some(), held.grants.len()), (true, 1));
    }
    // They are one session, whoever asks from which.
    for (one, other, same) in [
        (1, 2, true),
        (2, 1, true),
        (1, 1, true),
        (1, 3, false),
        (3, 1, false),
    ] {
        let told = store.is_same_session(id(one), id(other)).await;
        assert_eq!(told.unwrap(), same, "{one} {other}");
    }
    // What is earned from now on is earned under one value.
    let later = grant(grant_key("b"), 2, browser(1), store.now());
    store.verify(id(2), browser(1), Some(later)).await;
    assert_eq!(store.held(id(2), &[grant_key("b")]).await.grants.len(), 1);
    assert!(store.held(id(1), &[grant_key("b")]).await.grants.is_empty());
    // It is listed once, under the value that counts.
    let listed = store.sessions(None, 9).await.unwrap();
    assert_eq!(listed, [(id(2), session.clone())]);
    let of_subject = store.sessions(session.owner.subject(), 9).await;
    assert_eq!(of_subject.unwrap(), [(id(2), session)]);
}

async fn a_rotation_may_carry_the_session_alone(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    let alone = Rotation {
        carry: Carry::SessionAlone,
        ..rotation(1, 2)
    };
    assert_eq!(rotate(&store, alone).await, Rotated::Followed);
    let held = store.held(id(2), &[grant_key("a")]).await;
    let bare = StoredSession {
        authenticated_at: None,
        ..session
    };
    assert_eq!(held.session, Some(bare));
    assert_eq!((held.mark, held.grants.len()), (None, 0));
    let before = store.held(id(1), &[grant_key("a")]).await;
    assert_eq!((before.mark.is_some(), before.grants.len()), (true, 1));
}

async fn a_rotation_may_carry_what_the_one_before_it_did(store: TestStore) {
    let like_before = |from, to| Rotation {
        carry: Carry::LikeBefore,
        ..rotation(from, to)
    };
    store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    // There was none before: the session alone.
    rotate(&store, like_before(1, 2)).await;
    assert!(store.held(id(2), &[grant_key("a")]).await.grants.is_empty());
    for (from, to) in [(1, 3), (3, 4), (4, 5)] {
        let rotation = if to == 3 {
            rotation(from, to)
        } else {
            like_before(from, to)
        };
        rotate(&store, rotation).await;
        let held = store.held(id(to), &[grant_key("a")]).await;
        assert_eq!(held.grants.len(), 1, "{to}");
    }
    let alone = Rotation {
        carry: Carry::SessionAlone,
        ..rotation(5, 6)
    };
    rotate(&store, alone).await;
    store
        .verify(
            id(6),
            browser(1),
            Some(grant(grant_key("a"), 6, browser(1), store.now())),
        )
        .await;
    rotate(&store, like_before(6, 7)).await;
    assert!(store.held(id(7), &[grant_key("a")]).await.grants.is_empty());
}

async fn several_successors_are_known_side_by_side(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    for to in 2..8 {
        assert_eq!(rotate(&store, rotation(1, to)).await, Rotated::Followed);
    }
    for value in 1..8 {
        let held = store.held(id(value), &[grant_key("a")]).await;
        assert_eq!(held.session.as_ref(), Some(&session), "{value}");
        assert_eq!(held.grants.len(), 1, "{value}");
    }
    assert_eq!(store.sessions(None, 99).await.unwrap().len(), 1);
}

async fn a_known_successor_is_left_as_it_was(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    let other = session("bob", browser(2), store.now());
    store.record(id(2), other.clone()).await;
    assert_eq!(rotate(&store, rotation(1, 2)).await, Rotated::Known);
    let held = store.held(id(2), &[grant_key("a")]).await;
    assert_eq!((held.session, held.grants.len()), (Some(other), 0));
    assert_eq!(rotate(&store, rotation(1, 1)).await, Rotated::Known);
}

async fn what_was_never_known_is_not_rotated(store: TestStore) {
    assert_eq!(rotate(&store, rotation(1, 2)).await, Rotated::Unknown);
    assert_eq!(store.held(id(2), &[]).await.session, None);
}

async fn a_replaced_value_is_forgotten_when_its_time_is_over(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    let at_once = Rotation {
        grace: Duration::ZERO,
        ..rotation(1, 2)
    };
    rotate(&store, at_once).await;
    // In Redis its time is told in whole milliseconds.
    let gone = async {
        while store.held(id(1), &[]).await.session.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    assert_eq!(store.held(id(2), &[]).await.session, Some(session.clone()));
    // Use gives it no more time, and a second successor does not either, nor is that one shortened.
    rotate(&store, rotation(2, 3)).await;
    store.touch_session(id(2), store.now(), HOUR).await.unwrap();
    rotate(&store, rotation(2, 4)).await;
    store.clock.advance(MINUTE);
    for value in [3, 4] {
        let held = store.held(id(value), &[]).await;
        assert_eq!(held.session.as_ref(), Some(&session), "{value}");
    }
}

async fn the_oldest_values_of_a_cookie_are_forgotten(store: TestStore) {
    let most = u8::try_from(Rotation::MOST_VALUES).unwrap();
    store.login(id(1), browser(1)).await;
    for to in 2..=most + 3 {
        store.clock.advance(Duration::from_millis(1));
        rotate(&store, rotation(to - 1, to)).await;
    }
    for value in 1..=3 {
        assert_eq!(store.held(id(value), &[]).await.session, None, "{value}");
    }
    for value in [4, most + 3] {
        let held = store.held(id(value), &[]).await;
        assert!(held.session.is_some(), "{value}");
    }
}

async fn a_single_use_grant_is_taken_from_all_values_at_once(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, once("a", 7)).await;
    rotate(&store, rotation(1, 2)).await;
    rotate(&store, rotation(1, 3)).await;
    let mut taken = 0;
    for value in [3, 1, 2, 3] {
        let held = store.claim(id(value), browser(1), &[once("a", 7)]).await;
        taken += held.claims.len();
    }
    assert_eq!(taken, 1);
    // Given back, it is there once again, and not twice.
    store.earn(1, once("b", 7)).await;
    rotate(&store, rotation(1, 4)).await;
    let held = store.claim(id(1), browser(1), &[once("b", 7)]).await;
    for claim in held.claims {
        store.give_back(claim, store.now()).await.unwrap();
    }
    taken = 0;
    for value in [4, 1, 4] {
        let held = store.claim(id(value), browser(1), &[once("b", 7)]).await;
        taken += held.claims.len();
    }
    assert_eq!(taken, 1);
}

async fn every_value_of_a_cookie_is_locked_ended_and_revoked_together(store: TestStore) {
    for (first, end) in [(10, "locked"), (20, "ended"), (30, "revoked")] {
        store.login(id(first), browser(1)).await;
        store.earn(first, grant_key("a")).await;
        rotate(&store, rotation(first, first + 1)).await;
        rotate(&store, rotation(first, first + 2)).await;
        let newest = id(first + 2);
        match end {
            "locked" => store.lock_session(newest).await.unwrap(),
            "ended" => store.end_session(newest).await.unwrap(),
            _ => store.revoke(newest).await,
        }
        for value in first..first + 3 {
            let held = store.held(id(value), &[grant_key("a")]).await;
            assert_eq!((held.mark, held.grants.len()), (None, 0), "{end} {value}");
            match (end, held.session) {
                ("locked", Some(session)) => assert_eq!(session.authenticated_at, None),
                ("ended", None) => {}
                ("revoked", Some(session)) => {
                    assert!(session.revoked && store.source.revoked().contains(&id(value)));
                }
                (_, found) => panic!("{end} {value}: {found:?}"),
            }
        }
    }
    // What follows a revoked session is revoked, too.
    rotate(&store, rotation(31, 33)).await;
    let told = store.revoked_sessions(store.now()).await.unwrap();
    let mut told: Vec<_> = told.into_iter().map(|(id, _)| id).collect();
    told.sort_unstable();
    assert_eq!(told, [id(30), id(31), id(32), id(33)]);
}

async fn a_login_under_an_old_value_leaves_the_others_behind(store: TestStore) {
    store.login(id(1), browser(1)).await;
    rotate(&store, rotation(1, 2)).await;
    let session = store.login(id(1), browser(3)).await;
    store.revoke(id(2)).await;
    assert_eq!(store.held(id(1), &[]).await.session, Some(session));
}

async fn a_disputed_session_is_nobodys_under_every_value(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    rotate(&store, rotation(1, 2)).await;
    let disputed = StoredSession::without_subject(Owner::Disputed, Some(browser(1)), store.now());
    for value in [id(2), id(9)] {
        let writing = store.dispute_session(value, &disputed, HOUR);
        writing.await.unwrap();
    }
    for value in [1, 2, 9] {
        let held = store.held(id(value), &[grant_key("a")]).await;
        let session = held.session.unwrap();
        assert!(
            session.owner == Owner::Disputed && session.authenticated_at.is_none(),
            "{value}"
        );
        assert_eq!((held.mark, held.grants.len()), (None, 0), "{value}");
    }
}

async fn an_ended_session_holds_nothing(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, grant_key("a")).await;
    store.end_session(id(1)).await.unwrap();
    let held = store.held(id(1), &[grant_key("a")]).await;
    assert_eq!(
        (held.session, held.mark, held.grants.len()),
        (None, None, 0)
    );
    assert!(store.sessions(None, 9).await.unwrap().is_empty());
}

async fn use_is_noted_and_never_goes_back(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    let later = store.now().after(MINUTE);
    store.touch_session(id(1), later, HOUR).await.unwrap();
    store.touch_session(id(1), store.now(), HOUR).await.unwrap();
    let expected = StoredSession {
        seen_at: later,
        ..session
    };
    assert_eq!(store.held(id(1), &[]).await.session, Some(expected));
    store.touch_session(id(2), later, HOUR).await.unwrap();
    assert_eq!(
        store.held(id(2), &[]).await.session,
        None,
        "use makes no session"
    );
}

async fn a_revoked_session_stays_revoked_whoever_logs_in(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.earn(1, once("a", 1)).await;
    store.revoke(id(1)).await;

    let held = store.claim(id(1), browser(1), &[once("a", 1)]).await;
    assert!(held.session.unwrap().revoked);
    assert!(held.claims.is_empty());
    let end = store.now().after(HOUR);
    assert_eq!(
        store.revoked_sessions(store.now()).await.unwrap(),
        [(id(1), end)]
    );
    assert!(
        store.source.revoked().contains(&id(1)),
        "this process knows at once"
    );
    assert!(!store.source.revoked().contains(&id(2)));
    assert!(store.sessions(None, 9).await.unwrap()[0].1.revoked);

    store.login(id(1), browser(2)).await;
    assert!(store.held(id(1), &[]).await.session.unwrap().revoked);
    store.end_session(id(1)).await.unwrap();
    store.login(id(1), browser(2)).await;
    store.verify(id(1), browser(2), None).await;
    assert!(store.held(id(1), &[]).await.session.unwrap().revoked);

    store.clock.advance(HOUR);
    assert_eq!(
        store.held(id(1), &[]).await.session,
        None,
        "when it is over nothing revives"
    );
    assert!(
        store
            .revoked_sessions(store.now())
            .await
            .unwrap()
            .is_empty()
    );
    let session = store.login(id(1), browser(2)).await;
    assert_eq!(store.held(id(1), &[]).await.session, Some(session));
}

async fn a_revocation_follows_a_moved_session(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.revoke(id(1)).await;
    store.move_session(id(1), id(2)).await.unwrap();
    assert!(store.held(id(2), &[]).await.session.unwrap().revoked);
    // What is left behind is revoked still, and so is whatever it is moved to next.
    store.move_session(id(1), id(3)).await.unwrap();
    let revoked = store.revoked_sessions(store.now()).await.unwrap();
    assert_eq!(revoked.len(), 3);
}

async fn the_parts_of_a_session_are_revoked_with_it(store: TestStore) {
    let (whole, parts) = (id(1), [id(11), id(12)]);
    store.login(whole, browser(1)).await;
    store.note_parts(whole, &parts).await.unwrap();
    // What a session earns and loses is no affair of its parts.
    store.verify(whole, browser(1), None).await;
    store.lock_session(whole).await.unwrap();
    store.touch_session(whole, store.now(), HOUR).await.unwrap();
    store.login(id(2), browser(2)).await;
    store.note_parts(id(2), &[id(21)]).await.unwrap();
    store.end_session(id(2)).await.unwrap();

    for ended in [whole, id(2)] {
        store.revoke(ended).await;
    }
    let mut revoked = store.revoked_sessions(store.now()).await.unwrap();
    revoked.sort_unstable();
    let until = store.now().after(HOUR);
    assert_eq!(
        revoked,
        [id(1), id(2), id(11), id(12)].map(|id| (id, until))
    );
    let known = store.source.revoked();
    assert!(parts.iter().all(|part| known.contains(part)) && !known.contains(&id(21)));
}

async fn the_parts_of_a_revoked_session_that_moves_are_revoked(store: TestStore) {
    store.login(id(1), browser(1)).await;
    store.note_parts(id(1), &[id(11)]).await.unwrap();
    store.note_parts(id(9), &[id(91)]).await.unwrap();
    for ended in [id(1), id(9)] {
        store.revoke(ended).await;
    }
    store.move_session(id(1), id(2)).await.unwrap();
    store.note_parts(id(2), &[id(21)]).await.unwrap();
    let revoked = store.revoked_sessions(store.now()).await.unwrap();
    let mut revoked: Vec<_> = revoked.into_iter().map(|(id, _)| id).collect();
    revoked.sort_unstable();
    assert_eq!(revoked, [id(1), id(2), id(9), id(11), id(21)]);
}

async fn a_locked_session_keeps_nothing_but_itself(store: TestStore) {
    let session = store.login(id(1), browser(1)).await;
    let keys = [grant_key("a")];
    store.earn(1, keys[0].clone()).await;
    store.earn(2, once("b", 1)).await;
    store.lock_session(id(1)).await.unwrap();
    let ask = Ask {
        session: id(1),
        browser: Some(browser(1)),
        grants: &keys,
        claims: &[once("b", 1)],
    };
    let held = store.evidence(ask, store.now()).await.unwrap();
    assert_eq!(
        held.session,
        Some(StoredSession {
            authenticated_at: None,
            ..session
        })
    );
    assert_eq!(
        (held.mark, held.grants.len(), held.claims.len()),
        (None, 0, 0)
    );
    store.lock_session(id(2)).await.unwrap();
}

async fn sessions_are_listed_newest_first(store: TestStore) {
    for number in 1..=5 {
        store.clock.advance(MINUTE);
        let subject = if number == 3 { "bob" } else { "alice" };
        let session = session(subject, browser(number), store.now());
        store.record(id(number), session).await;
    }
    let listed = async |subject: Option<&str>, most| {
        let subject = subject.map(Subject::new);
        let sessions = store.sessions(subject.as_ref(), most).await.unwrap();
        sessions.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Some("alice"), 9).await, [id(5), id(4), id(2), id(1)]);
    assert_eq!(listed(Some("alice"), 2).await, [id(5), id(4)]);
    assert_eq!(listed(Some("bob"), 9).await, [id(3)]);
    assert_eq!(listed(None, 9).await, [id(5), id(4), id(3), id(2), id(1)]);
    assert_eq!(listed(None, 1).await, [id(5)]);
    assert_eq!(listed(Some("carol"), 9).await, []);
}

async fn how_a_name_was_said_goes_where_the_session_goes(store: TestStore) {
    let alice = Subject::new("alice");
    let said = StoredSession {
        owner: Owner::Subject(alice.clone().said_as("Alice")),
        ..session("alice", browser(1), store.now())
    };
    store.record(id(1), said).await;
    let spelling = async |number| {
        let session = store.held(id(number), &[]).await.session?;
        Some(session.owner.subject()?.spelling().to_owned())
    };
    let expected = Some("Alice".to_owned());
    assert_eq!(spelling(1).await, expected);
    // Whoever verifies is the same subject, however their name is said there.
    store.verify(id(1), browser(1), None).await;
    assert!(store.held(id(1), &[]).await.mark.is_some());
    assert_eq!(spelling(1).await, expected);
    store.touch_session(id(1), store.now(), HOUR).await.unwrap();
    store.rotate_session(&rotation(1, 2)).await.unwrap();
    assert_eq!(spelling(2).await, expected);
    store.move_session(id(2), id(3)).await.unwrap();
    assert_eq!(spelling(3).await, expected);
    let listed = async || {
        let listed = store.sessions(Some(&alice), 9).await.unwrap();
        listed.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert!(listed().await.contains(&id(3)));
    store.end_session(id(3)).await.unwrap();
    assert!(!listed().await.contains(&id(3)));
    let said = StoredSession {
        owner: Owner::Subject(alice.clone().said_as("ALICE")),
        ..session("alice", browser(1), store.now())
    };
    store.record(id(4), said).await;
    let disputed = StoredSession::without_subject(Owner::Disputed, None, store.now());
    store.dispute_session(id(4), &disputed, HOUR).await.unwrap();
    assert_eq!(
        store.held(id(4), &[]).await.session.unwrap().owner,
        Owner::Disputed
    );
}
