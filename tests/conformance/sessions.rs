//! Sessions: what a login, a rotation, a logout and a revocation leave behind.

use super::on_both_stores;
use super::support::{HOUR, House, MINUTE, PATIENCE, browser, grant, grant_key, id, once, session};
use std::time::Duration;
use stepgate::domain::{Session, Subject};
use stepgate::store::{Ask, Carry, Login, Rotated, Rotation, Store};

on_both_stores! {
    a_login_is_known_by_its_id_alone,
    a_login_drops_what_either_id_held,
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
}

async fn an_unknown_session_is_no_evidence(house: House) {
    let held = house.held(id(1), &[grant_key("a")]).await;
    assert_eq!((held.session, held.mark), (None, None));
    assert!(held.grants.is_empty() && held.claims.is_empty());
}

async fn a_login_is_known_by_its_id_alone(house: House) {
    let session = house.login(id(1), browser(1)).await;
    assert_eq!(house.held(id(1), &[]).await.session, Some(session));
    assert_eq!(house.held(id(2), &[]).await.session, None);
}

async fn a_login_drops_what_either_id_held(house: House) {
    for number in [1, 2] {
        house.login(id(number), browser(1)).await;
        let grant = grant(grant_key("a"), number, browser(1), house.now());
        house.verify(id(number), browser(1), Some(grant)).await;
    }
    let session = session("alice", browser(2), house.now());
    let login = Login {
        id: id(2),
        replaces: Some(id(1)),
        session: session.clone(),
        keep: HOUR,
    };
    house.store.put_login(&login).await.unwrap();

    let before = house.held(id(1), &[grant_key("a")]).await;
    assert_eq!(
        (before.session, before.mark, before.grants.len()),
        (None, None, 0)
    );
    let after = house.held(id(2), &[grant_key("a")]).await;
    assert_eq!(
        (after.session, after.mark, after.grants.len()),
        (Some(session), None, 0)
    );
}

async fn a_moved_session_keeps_what_it_held_and_drops_what_the_new_id_held(house: House) {
    let session = house.login(id(1), browser(1)).await;
    let kept = grant(grant_key("kept"), 1, browser(1), house.now());
    let single = grant(once("single", 7), 2, browser(1), house.now());
    house.verify(id(1), browser(1), Some(kept.clone())).await;
    house.verify(id(1), browser(1), Some(single.clone())).await;
    house.login(id(2), browser(9)).await;
    let dropped = grant(grant_key("dropped"), 3, browser(9), house.now());
    house.verify(id(2), browser(9), Some(dropped)).await;

    house.store.move_session(id(1), id(2)).await.unwrap();

    let held = house
        .held(id(2), &[grant_key("kept"), grant_key("dropped")])
        .await;
    assert_eq!(held.session, Some(session.clone()));
    assert_eq!(held.mark.unwrap().browser_key, browser(1));
    assert_eq!(held.grants, [kept]);
    let claims = house
        .claim(id(2), browser(1), &[once("single", 7)])
        .await
        .claims;
    assert_eq!(claims[0].grant, single);
    assert_eq!(house.held(id(1), &[]).await.session, None);
    let listed = house
        .store
        .sessions(Some(&session.subject), 9)
        .await
        .unwrap();
    assert_eq!(listed, [(id(2), session)]);
}

async fn a_session_that_was_moved_is_not_moved_away_again(house: House) {
    let session = house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    for _ in 0..2 {
        house.store.move_session(id(1), id(2)).await.unwrap();
        let held = house.held(id(2), &[grant_key("a")]).await;
        assert_eq!(held.session.as_ref(), Some(&session));
        assert_eq!(held.grants.len(), 1);
    }
}

async fn a_session_moved_to_itself_stays(house: House) {
    let session = house.login(id(1), browser(1)).await;
    house.store.move_session(id(1), id(1)).await.unwrap();
    assert_eq!(house.held(id(1), &[]).await.session, Some(session));
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

async fn rotate(house: &House, rotation: Rotation) -> Rotated {
    house.store.rotate_session(&rotation).await.unwrap()
}

async fn a_rotated_session_is_known_by_both_values_with_what_it_held(house: House) {
    let session = house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    assert_eq!(rotate(&house, rotation(1, 2)).await, Rotated::Followed);
    for value in [id(1), id(2)] {
        let held = house.held(value, &[grant_key("a")]).await;
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
        let told = house.store.is_same_session(id(one), id(other)).await;
        assert_eq!(told.unwrap(), same, "{one} {other}");
    }
    // What is earned from now on is earned under one value.
    let later = grant(grant_key("b"), 2, browser(1), house.now());
    house.verify(id(2), browser(1), Some(later)).await;
    assert_eq!(house.held(id(2), &[grant_key("b")]).await.grants.len(), 1);
    assert!(house.held(id(1), &[grant_key("b")]).await.grants.is_empty());
    // It is listed once, under the value that counts.
    let listed = house.store.sessions(None, 9).await.unwrap();
    assert_eq!(listed, [(id(2), session.clone())]);
    let of_subject = house.store.sessions(Some(&session.subject), 9).await;
    assert_eq!(of_subject.unwrap(), [(id(2), session)]);
}

async fn a_rotation_may_carry_the_session_alone(house: House) {
    let session = house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    let alone = Rotation {
        carry: Carry::SessionAlone,
        ..rotation(1, 2)
    };
    assert_eq!(rotate(&house, alone).await, Rotated::Followed);
    let held = house.held(id(2), &[grant_key("a")]).await;
    let bare = Session {
        authenticated_at: None,
        ..session
    };
    assert_eq!(held.session, Some(bare));
    assert_eq!((held.mark, held.grants.len()), (None, 0));
    let before = house.held(id(1), &[grant_key("a")]).await;
    assert_eq!((before.mark.is_some(), before.grants.len()), (true, 1));
}

async fn a_rotation_may_carry_what_the_one_before_it_did(house: House) {
    let like_before = |from, to| Rotation {
        carry: Carry::LikeBefore,
        ..rotation(from, to)
    };
    house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    // There was none before: the session alone.
    rotate(&house, like_before(1, 2)).await;
    assert!(house.held(id(2), &[grant_key("a")]).await.grants.is_empty());
    for (from, to) in [(1, 3), (3, 4), (4, 5)] {
        let rotation = if to == 3 {
            rotation(from, to)
        } else {
            like_before(from, to)
        };
        rotate(&house, rotation).await;
        let held = house.held(id(to), &[grant_key("a")]).await;
        assert_eq!(held.grants.len(), 1, "{to}");
    }
    let alone = Rotation {
        carry: Carry::SessionAlone,
        ..rotation(5, 6)
    };
    rotate(&house, alone).await;
    house
        .verify(
            id(6),
            browser(1),
            Some(grant(grant_key("a"), 6, browser(1), house.now())),
        )
        .await;
    rotate(&house, like_before(6, 7)).await;
    assert!(house.held(id(7), &[grant_key("a")]).await.grants.is_empty());
}

async fn several_successors_are_known_side_by_side(house: House) {
    let session = house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    for to in 2..8 {
        assert_eq!(rotate(&house, rotation(1, to)).await, Rotated::Followed);
    }
    for value in 1..8 {
        let held = house.held(id(value), &[grant_key("a")]).await;
        assert_eq!(held.session.as_ref(), Some(&session), "{value}");
        assert_eq!(held.grants.len(), 1, "{value}");
    }
    assert_eq!(house.store.sessions(None, 99).await.unwrap().len(), 1);
}

async fn a_known_successor_is_left_as_it_was(house: House) {
    house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    let other = session("bob", browser(2), house.now());
    let login = Login {
        id: id(2),
        replaces: None,
        session: other.clone(),
        keep: HOUR,
    };
    house.store.put_login(&login).await.unwrap();
    assert_eq!(rotate(&house, rotation(1, 2)).await, Rotated::Known);
    let held = house.held(id(2), &[grant_key("a")]).await;
    assert_eq!((held.session, held.grants.len()), (Some(other), 0));
    assert_eq!(rotate(&house, rotation(1, 1)).await, Rotated::Known);
}

async fn what_was_never_known_is_not_rotated(house: House) {
    assert_eq!(rotate(&house, rotation(1, 2)).await, Rotated::Unknown);
    assert_eq!(house.held(id(2), &[]).await.session, None);
}

async fn a_replaced_value_is_forgotten_when_its_time_is_over(house: House) {
    let session = house.login(id(1), browser(1)).await;
    let at_once = Rotation {
        grace: Duration::ZERO,
        ..rotation(1, 2)
    };
    rotate(&house, at_once).await;
    // In Redis its time is told in whole milliseconds.
    let gone = async {
        while house.held(id(1), &[]).await.session.is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    assert_eq!(house.held(id(2), &[]).await.session, Some(session.clone()));
    // Use gives it no more time, and a second successor does not either, nor is that one shortened.
    rotate(&house, rotation(2, 3)).await;
    house
        .store
        .touch_session(id(2), house.now(), HOUR)
        .await
        .unwrap();
    rotate(&house, rotation(2, 4)).await;
    house.clock.advance(MINUTE);
    for value in [3, 4] {
        let held = house.held(id(value), &[]).await;
        assert_eq!(held.session.as_ref(), Some(&session), "{value}");
    }
}

async fn the_oldest_values_of_a_cookie_are_forgotten(house: House) {
    let most = u8::try_from(Rotation::MOST_VALUES).unwrap();
    house.login(id(1), browser(1)).await;
    for to in 2..=most + 3 {
        house.clock.advance(Duration::from_millis(1));
        rotate(&house, rotation(to - 1, to)).await;
    }
    for value in 1..=3 {
        assert_eq!(house.held(id(value), &[]).await.session, None, "{value}");
    }
    for value in [4, most + 3] {
        let held = house.held(id(value), &[]).await;
        assert!(held.session.is_some(), "{value}");
    }
}

async fn a_single_use_grant_is_taken_from_all_values_at_once(house: House) {
    house.login(id(1), browser(1)).await;
    house.earn(1, once("a", 7)).await;
    rotate(&house, rotation(1, 2)).await;
    rotate(&house, rotation(1, 3)).await;
    let mut taken = 0;
    for value in [3, 1, 2, 3] {
        let held = house.claim(id(value), browser(1), &[once("a", 7)]).await;
        taken += held.claims.len();
    }
    assert_eq!(taken, 1);
    // Given back, it is there once again, and not twice.
    house.earn(1, once("b", 7)).await;
    rotate(&house, rotation(1, 4)).await;
    let held = house.claim(id(1), browser(1), &[once("b", 7)]).await;
    for claim in held.claims {
        house.store.give_back(claim, house.now()).await.unwrap();
    }
    taken = 0;
    for value in [4, 1, 4] {
        let held = house.claim(id(value), browser(1), &[once("b", 7)]).await;
        taken += held.claims.len();
    }
    assert_eq!(taken, 1);
}

async fn every_value_of_a_cookie_is_locked_ended_and_revoked_together(house: House) {
    for (first, end) in [(10, "locked"), (20, "ended"), (30, "revoked")] {
        house.login(id(first), browser(1)).await;
        house.earn(first, grant_key("a")).await;
        rotate(&house, rotation(first, first + 1)).await;
        rotate(&house, rotation(first, first + 2)).await;
        let newest = id(first + 2);
        match end {
            "locked" => house.store.lock_session(newest).await.unwrap(),
            "ended" => house.store.end_session(newest).await.unwrap(),
            _ => house
                .store
                .revoke_session(newest, house.now(), HOUR)
                .await
                .unwrap(),
        }
        for value in first..first + 3 {
            let held = house.held(id(value), &[grant_key("a")]).await;
            assert_eq!((held.mark, held.grants.len()), (None, 0), "{end} {value}");
            match (end, held.session) {
                ("locked", Some(session)) => assert_eq!(session.authenticated_at, None),
                ("ended", None) => {}
                ("revoked", Some(session)) => {
                    assert!(session.revoked && house.source.revoked().contains(&id(value)));
                }
                (_, found) => panic!("{end} {value}: {found:?}"),
            }
        }
    }
    // What follows a revoked session is revoked, too.
    rotate(&house, rotation(31, 33)).await;
    let told = house.store.revoked_sessions(house.now()).await.unwrap();
    let mut told: Vec<_> = told.into_iter().map(|(id, _)| id).collect();
    told.sort_unstable();
    assert_eq!(told, [id(30), id(31), id(32), id(33)]);
}

async fn a_login_under_an_old_value_leaves_the_others_behind(house: House) {
    house.login(id(1), browser(1)).await;
    rotate(&house, rotation(1, 2)).await;
    let session = house.login(id(1), browser(3)).await;
    house
        .store
        .revoke_session(id(2), house.now(), HOUR)
        .await
        .unwrap();
    assert_eq!(house.held(id(1), &[]).await.session, Some(session));
}

async fn a_disputed_session_is_nobodys_under_every_value(house: House) {
    house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    rotate(&house, rotation(1, 2)).await;
    let disputed = Session::disputed(Some(browser(1)), house.now());
    for value in [id(2), id(9)] {
        let writing = house.store.dispute_session(value, &disputed, HOUR);
        writing.await.unwrap();
    }
    for value in [1, 2, 9] {
        let held = house.held(id(value), &[grant_key("a")]).await;
        let session = held.session.unwrap();
        assert!(
            session.is_disputed() && session.authenticated_at.is_none(),
            "{value}"
        );
        assert_eq!((held.mark, held.grants.len()), (None, 0), "{value}");
    }
}

async fn an_ended_session_holds_nothing(house: House) {
    house.login(id(1), browser(1)).await;
    house.earn(1, grant_key("a")).await;
    house.store.end_session(id(1)).await.unwrap();
    let held = house.held(id(1), &[grant_key("a")]).await;
    assert_eq!(
        (held.session, held.mark, held.grants.len()),
        (None, None, 0)
    );
    assert!(house.store.sessions(None, 9).await.unwrap().is_empty());
}

async fn use_is_noted_and_never_goes_back(house: House) {
    let session = house.login(id(1), browser(1)).await;
    let later = house.now().after(MINUTE);
    house.store.touch_session(id(1), later, HOUR).await.unwrap();
    house
        .store
        .touch_session(id(1), house.now(), HOUR)
        .await
        .unwrap();
    let expected = Session {
        seen_at: later,
        ..session
    };
    assert_eq!(house.held(id(1), &[]).await.session, Some(expected));
    house.store.touch_session(id(2), later, HOUR).await.unwrap();
    assert_eq!(
        house.held(id(2), &[]).await.session,
        None,
        "use makes no session"
    );
}

async fn a_revoked_session_stays_revoked_whoever_logs_in(house: House) {
    house.login(id(1), browser(1)).await;
    house.earn(1, once("a", 1)).await;
    house
        .store
        .revoke_session(id(1), house.now(), HOUR)
        .await
        .unwrap();

    let held = house.claim(id(1), browser(1), &[once("a", 1)]).await;
    assert!(held.session.unwrap().revoked);
    assert!(held.claims.is_empty());
    let end = house.now().after(HOUR);
    assert_eq!(
        house.store.revoked_sessions(house.now()).await.unwrap(),
        [(id(1), end)]
    );
    assert!(
        house.source.revoked().contains(&id(1)),
        "this process knows at once"
    );
    assert!(!house.source.revoked().contains(&id(2)));
    assert!(house.store.sessions(None, 9).await.unwrap()[0].1.revoked);

    house.login(id(1), browser(2)).await;
    assert!(house.held(id(1), &[]).await.session.unwrap().revoked);
    house.store.end_session(id(1)).await.unwrap();
    house.login(id(1), browser(2)).await;
    house.verify(id(1), browser(2), None).await;
    assert!(house.held(id(1), &[]).await.session.unwrap().revoked);

    house.clock.advance(HOUR);
    assert_eq!(
        house.held(id(1), &[]).await.session,
        None,
        "when it is over nothing revives"
    );
    assert!(
        house
            .store
            .revoked_sessions(house.now())
            .await
            .unwrap()
            .is_empty()
    );
    let session = house.login(id(1), browser(2)).await;
    assert_eq!(house.held(id(1), &[]).await.session, Some(session));
}

async fn a_revocation_follows_a_moved_session(house: House) {
    house.login(id(1), browser(1)).await;
    house
        .store
        .revoke_session(id(1), house.now(), HOUR)
        .await
        .unwrap();
    house.store.move_session(id(1), id(2)).await.unwrap();
    assert!(house.held(id(2), &[]).await.session.unwrap().revoked);
    // What is left behind is revoked still, and so is whatever it is moved to next.
    house.store.move_session(id(1), id(3)).await.unwrap();
    let revoked = house.store.revoked_sessions(house.now()).await.unwrap();
    assert_eq!(revoked.len(), 3);
}

async fn the_parts_of_a_session_are_revoked_with_it(house: House) {
    let (whole, parts) = (id(1), [id(11), id(12)]);
    house.login(whole, browser(1)).await;
    house.store.note_parts(whole, &parts).await.unwrap();
    // What a session earns and loses is no affair of its parts.
    house.verify(whole, browser(1), None).await;
    house.store.lock_session(whole).await.unwrap();
    house
        .store
        .touch_session(whole, house.now(), HOUR)
        .await
        .unwrap();
    house.login(id(2), browser(2)).await;
    house.store.note_parts(id(2), &[id(21)]).await.unwrap();
    house.store.end_session(id(2)).await.unwrap();

    for ended in [whole, id(2)] {
        let revoking = house.store.revoke_session(ended, house.now(), HOUR);
        revoking.await.unwrap();
    }
    let mut revoked = house.store.revoked_sessions(house.now()).await.unwrap();
    revoked.sort_unstable();
    let until = house.now().after(HOUR);
    assert_eq!(
        revoked,
        [id(1), id(2), id(11), id(12)].map(|id| (id, until))
    );
    let known = house.source.revoked();
    assert!(parts.iter().all(|part| known.contains(part)) && !known.contains(&id(21)));
}

async fn the_parts_of_a_revoked_session_that_moves_are_revoked(house: House) {
    house.login(id(1), browser(1)).await;
    house.store.note_parts(id(1), &[id(11)]).await.unwrap();
    house.store.note_parts(id(9), &[id(91)]).await.unwrap();
    for ended in [id(1), id(9)] {
        let revoking = house.store.revoke_session(ended, house.now(), HOUR);
        revoking.await.unwrap();
    }
    house.store.move_session(id(1), id(2)).await.unwrap();
    house.store.note_parts(id(2), &[id(21)]).await.unwrap();
    let revoked = house.store.revoked_sessions(house.now()).await.unwrap();
    let mut revoked: Vec<_> = revoked.into_iter().map(|(id, _)| id).collect();
    revoked.sort_unstable();
    assert_eq!(revoked, [id(1), id(2), id(9), id(11), id(21)]);
}

async fn a_locked_session_keeps_nothing_but_itself(house: House) {
    let session = house.login(id(1), browser(1)).await;
    let keys = [grant_key("a")];
    house.earn(1, keys[0].clone()).await;
    house.earn(2, once("b", 1)).await;
    house.store.lock_session(id(1)).await.unwrap();
    let ask = Ask {
        session: id(1),
        browser: Some(browser(1)),
        grants: &keys,
        claims: &[once("b", 1)],
    };
    let held = house.store.evidence(ask, house.now()).await.unwrap();
    assert_eq!(
        held.session,
        Some(Session {
            authenticated_at: None,
            ..session
        })
    );
    assert_eq!(
        (held.mark, held.grants.len(), held.claims.len()),
        (None, 0, 0)
    );
    house.store.lock_session(id(2)).await.unwrap();
}

async fn sessions_are_listed_newest_first(house: House) {
    for number in 1..=5 {
        house.clock.advance(MINUTE);
        let subject = if number == 3 { "bob" } else { "alice" };
        let session = session(subject, browser(number), house.now());
        let login = Login {
            id: id(number),
            replaces: None,
            session,
            keep: HOUR,
        };
        house.store.put_login(&login).await.unwrap();
    }
    let listed = async |subject: Option<&str>, most| {
        let subject = subject.map(Subject::new);
        let sessions = house.store.sessions(subject.as_ref(), most).await.unwrap();
        sessions.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(listed(Some("alice"), 9).await, [id(5), id(4), id(2), id(1)]);
    assert_eq!(listed(Some("alice"), 2).await, [id(5), id(4)]);
    assert_eq!(listed(Some("bob"), 9).await, [id(3)]);
    assert_eq!(listed(None, 9).await, [id(5), id(4), id(3), id(2), id(1)]);
    assert_eq!(listed(None, 1).await, [id(5)]);
    assert_eq!(listed(Some("carol"), 9).await, []);
}
