//! Whose session it is after many logins at once, when it changes hands in the middle of a challenge, and who gets
//! a grant that can be used once.

use super::application::basic;
use super::{Credential, OWNER, THIEF, Way, World, assert_own, done_for, is_challenged, prove};
use crate::support::client::Client;
use crate::support::sidecar::{COOKIE, fresh_cookie};
use crate::support::store::on_both_stores;
use futures_util::future::{join, join_all};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::json;

impl World {
    /// A browser that has the cookie of a session, or of whose device this is the name, at the login page.
    async fn guest(&self, session: &str) -> Client {
        let guest = self.sidecar.script();
        match self.way {
            Way::AnswerToken => return guest.header("x-device", session),
            Way::Headers | Way::Jwt => {}
            Way::Basic | Way::Learn | Way::Records | Way::Whoami => {
                guest.set_cookie(COOKIE, session);
                guest.get("/login").await;
            }
        }
        guest
    }

    /// Where people log in.
    fn login(&self) -> &'static str {
        match self.way {
            Way::AnswerToken => "/api/login",
            Way::Basic | Way::Headers | Way::Jwt | Way::Learn | Way::Records | Way::Whoami => {
                "/login"
            }
        }
    }

    /// What names the subject of the session in a browser that is now this person's; at the application's side
    /// that is somebody else's doing, in whichever browser.
    async fn hand_over(&self, browser: &Client, session: &str, name: &str) -> Client {
        let credential = match self.way {
            Way::Headers => Credential::Header("remote-user", name.to_owned()),
            Way::Jwt => self.token(json!({ "sub": name })),
            Way::Basic => {
                let line = basic(name, "App-pass-1!");
                self.application.knows(&line, name);
                Credential::Header("authorization", line)
            }
            Way::AnswerToken | Way::Learn => {
                log_in_if_let(&self.guest(session).await, self.login(), name).await;
                self.credential(session)
            }
            Way::Records | Way::Whoami => {
                self.application.knows(session, name);
                self.credential(session)
            }
        };
        self.carrying(browser, &[&credential])
    }

    /// What stands for the session after a login.
    fn credential(&self, session: &str) -> Credential {
        match self.way {
            Way::AnswerToken => Credential::bearer(&format!("token-of-{session}")),
            Way::Basic | Way::Headers | Way::Jwt | Way::Learn | Way::Records | Way::Whoami => {
                Credential::Cookie(session.to_owned())
            }
        }
    }
}

/// Logs in; there is no answer where the session of the request is disputed meanwhile.
async fn log_in_if_let(client: &Client, path: &str, name: &str) {
    let mut request = client.request(Method::POST, path, format!("user={name}&password=right"));
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    drop(client.try_open(request).await);
}

on_both_stores! {
    async fn logins_at_once_on_one_cookie_make_it_nobody_elses(store: Store) {
        for way in [Way::AnswerToken, Way::Learn, Way::Records, Way::Whoami] {
            let world = World::new(way, store);
            // One alone makes it hers.
            let session = fresh_cookie();
            let guest = world.guest(&session).await;
            log_in_if_let(&guest, world.login(), OWNER).await;
            let owner = world.carrying(&guest, &[&world.credential(&session)]);
            let refused = owner.post("/keys").await;
            prove(&owner, &refused, OWNER).await;
            assert_eq!(owner.post("/keys").await.text(), done_for(OWNER), "{way:?}");
            // Few at once are those that get in between each other's reading and writing.
            for count in [[2; 20].as_slice(), &[3; 10], &[100]].concat() {
                let session = fresh_cookie();
                let guests = join_all((0..count).map(|_| world.guest(&session))).await;
                let people: Vec<_> = guests.iter().zip([OWNER, THIEF].into_iter().cycle()).collect();
                join_all(people.iter().map(|(guest, name)| log_in_if_let(guest, world.login(), name))).await;
                for (guest, name) in people {
                    let carrying = world.carrying(guest, &[&world.credential(&session)]);
                    assert_own(&carrying, name, "", &format!("{way:?}")).await;
                }
            }
        }
    }

    async fn of_two_people_at_once_in_one_browser_only_the_one_who_proved_it_passes(store: Store) {
        for way in [Way::Basic, Way::Headers, Way::Jwt] {
            let world = World::new(way, store);
            let session = fresh_cookie();
            let thief = world.hand_over(&world.guest(&session).await, &session, THIEF).await;
            let refused = thief.post("/keys").await;
            prove(&thief, &refused, THIEF).await;
            let owner = world.hand_over(&thief, &session, OWNER).await;
            let both = (0..50).map(|_| join(owner.post("/keys"), thief.post("/keys")));
            for (owners, _) in join_all(both).await {
                assert!(is_challenged(&owners), "{way:?}: {}", owners.text());
            }
        }
    }

    async fn a_session_that_changes_hands_in_the_middle_of_a_challenge_keeps_no_proof(store: Store) {
        for way in Way::ALL {
            for (first, second) in [(OWNER, THIEF), (THIEF, OWNER)] {
                let world = World::new(way, store);
                let session = fresh_cookie();
                let guest = world.guest(&session).await;
                log_in_if_let(&guest, world.login(), first).await;
                let before = world.carrying(&guest, &[&world.credential(&session)]);
                let before = match way {
                    Way::AnswerToken | Way::Learn => before,
                    Way::Basic | Way::Headers | Way::Jwt | Way::Records | Way::Whoami => world.hand_over(&before, &session, first).await,
                };
                let challenges = [before.post("/keys").await, before.post("/settings").await];
                let refused = before.post("/name").await;
                prove(&before, &refused, first).await;
                assert_eq!(before.post("/name").await.text(), done_for(first), "{way:?}");
                // After it, and at the same moment.
                let after = world.hand_over(&before, &session, second).await;
                prove(&after, &challenges[0], first).await;
                let handing = Box::pin(world.hand_over(&before, &session, second));
                join(handing, prove(&before, &challenges[1], first)).await;
                for path in ["/name", "/keys", "/settings"] {
                    let refused = after.post(path).await;
                    assert_ne!(refused.status, 200, "{way:?} {path}: {first} proved it, for {second}");
                }
            }
        }
    }

    async fn of_requests_at_once_one_gets_a_grant_that_can_be_used_once(store: Store) {
        for way in Way::ALL {
            let world = World::new(way, store);
            let owner = world.sign_in(OWNER).await;
            let mut before = 0;
            for count in [[2; 10].as_slice(), &[20]].concat() {
                let refused = owner.client.post("/pay").await;
                prove(&owner.client, &refused, OWNER).await;
                let all = join_all((0..count).map(|_| owner.client.post("/pay"))).await;
                let done = all.iter().filter(|answer| answer.status == 200);
                assert_eq!(done.count(), 1, "{way:?}");
                before += 1;
                assert_eq!(world.sidecar.got("/pay"), before, "{way:?}");
            }
        }
    }
}
