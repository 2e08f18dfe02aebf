//! Forged, stale, swapped, doubled and mixed credentials, of each source.

use super::application::basic;
use super::{Credential, OWNER, Person, THIEF, Way, World, assert_own, is_challenged};
use crate::support::becomes;
use crate::support::sidecar::fresh_cookie;
use crate::support::store::on_both_stores;
use crate::support::tokens::{encode, now, signed, usual};
use serde_json::json;

impl World {
    /// What says it is the owner's and is not; the application takes it, unless the application is what says so.
    fn forgeries(&self) -> Vec<Credential> {
        let value = fresh_cookie();
        match self.way {
            Way::AnswerToken => {
                self.application.takes(&value, OWNER);
                vec![Credential::bearer(&value)]
            }
            Way::Basic => ["wrong", "", "App-pass-1"]
                .map(|password| Credential::Header("authorization", basic(OWNER, password)))
                .into(),
            Way::Headers => ["remote_user", "remote.user", "x-remote-user"]
                .map(|name| Credential::Header(name, OWNER.to_owned()))
                .into(),
            Way::Jwt => {
                let unsigned = signed(&json!({ "alg": "none" }), &usual(json!({})), |_| Vec::new());
                let own = self.issuer.token(json!({ "sub": THIEF }));
                let claims = encode(usual(json!({})).to_string().as_bytes());
                let parts: Vec<_> = own.split('.').collect();
                let swapped = format!("{}.{claims}.{}", parts[0], parts[2]);
                [unsigned, swapped]
                    .map(|token| {
                        self.application.takes(&token, OWNER);
                        Credential::bearer(&token)
                    })
                    .into()
            }
            Way::Learn | Way::Records => {
                self.application.takes(&value, OWNER);
                vec![Credential::Cookie(value)]
            }
            Way::Whoami => vec![Credential::Cookie(value)],
        }
    }

    /// Ends what somebody is known by. The application goes on where it is not what says so.
    async fn end(&self, person: &Person) {
        match (&person.credential, self.way) {
            (_, Way::AnswerToken | Way::Learn) => drop(person.client.post("/logout").await),
            // It is over by itself.
            (_, Way::Jwt) => {}
            (Credential::Cookie(value) | Credential::Header(_, value), _) => {
                self.application.forgets(value);
            }
        }
    }

    /// What the application knows the owner by beside what the source reads.
    fn others(&self) -> Vec<Credential> {
        let (cookie, key) = (fresh_cookie(), fresh_cookie());
        let mut others = match self.way {
            // Behind such a proxy an application knows people by nothing else.
            Way::Headers => {
                return ["remote_user", "remote.user"]
                    .map(|name| Credential::Header(name, OWNER.to_owned()))
                    .into();
            }
            Way::AnswerToken | Way::Basic | Way::Jwt => vec![Credential::Cookie(cookie.clone())],
            Way::Learn | Way::Records | Way::Whoami => vec![Credential::bearer(&cookie)],
        };
        others.push(Credential::Header("x-api-key", key.clone()));
        // Of a header that nobody has named knows who asks the application.
        if [Way::Basic, Way::Whoami].contains(&self.way) {
            others.push(Credential::Header("x-unheard-of", key.clone()));
        }
        for value in [cookie, key] {
            self.application.takes(&value, OWNER);
        }
        others
    }
}

on_both_stores! {
    async fn no_forged_credential_is_the_owners(store: Store) {
        for way in Way::ALL {
            let world = World::new(way, store);
            world.proven(OWNER).await;
            let thief = world.proven(THIEF).await;
            for forged in world.forgeries() {
                let client = world.carrying(&thief.client, &[&forged]);
                let why = format!("{way:?} {forged:?}");
                assert_ne!(client.post("/keys").await.status, 200, "{why}");
                assert_own(&client, THIEF, "", &why).await;
            }
        }
    }

    async fn what_is_over_is_nobodys_any_more(store: Store) {
        // A proxy says it anew with each request.
        for way in Way::ALL.into_iter().filter(|way| *way != Way::Headers) {
            let world = World::new(way, store);
            let thief = world.proven(THIEF).await;
            let mut owner = world.proven(OWNER).await;
            if way == Way::Jwt {
                owner.credential = world.token(json!({ "exp": now() + 3 }));
                owner.client = world.carrying(&owner.client, &[&owner.credential]);
                assert_eq!(owner.client.post("/keys").await.status, 200);
            }
            world.end(&owner).await;
            let over = becomes(401, async || owner.client.post("/keys").await).await;
            // Whether a logout was carried out cannot be told where the application lets the cookie be.
            let reasons = ["session-required", "session-disputed"];
            assert!(reasons.contains(&over.reason().as_str()), "{way:?}: {}", over.text());
            assert_ne!(owner.client.post("/settings").await.status, 200, "{way:?}");
            let stolen = world.carrying(&thief.client, &[&owner.credential]);
            assert_own(&stolen, THIEF, "", &format!("{way:?}")).await;
        }
    }

    async fn a_proof_of_one_browser_is_none_for_another_session(store: Store) {
        for way in Way::ALL {
            let world = World::new(way, store);
            let (owner, thief) = (world.proven(OWNER).await, world.proven(THIEF).await);
            let why = format!("{way:?}");
            for (key, credential) in [(&thief, &owner), (&owner, &thief)] {
                let swapped = world.carrying(&key.client, &[&credential.credential]);
                for path in ["/keys", "/settings"] {
                    let refused = swapped.post(path).await;
                    assert_ne!(refused.status, 200, "{why} {path}: {}", refused.text());
                }
                assert_own(&swapped, THIEF, "", &why).await;
            }
        }
    }

    async fn of_two_credentials_none_is_the_other_ones(store: Store) {
        for way in Way::ALL {
            let world = World::new(way, store);
            let (owner, thief) = (world.proven(OWNER).await, world.proven(THIEF).await);
            let both = [&owner.credential, &thief.credential];
            let mut doubled = vec![both.to_vec(), vec![both[1], both[0]]];
            let joined = match both {
                [Credential::Header(name, hers), Credential::Header(_, his)] => vec![
                    Credential::Header(name, format!("{his}, {hers}")),
                    Credential::Header(name, format!("{hers}, {his}")),
                ],
                _ => Vec::new(),
            };
            doubled.extend(joined.iter().map(|line| vec![line]));
            for credentials in doubled {
                let client = world.carrying(&thief.client, &credentials);
                assert_own(&client, THIEF, "", &format!("{way:?} {credentials:?}")).await;
            }
        }
    }

    async fn beside_something_of_the_owners_the_thiefs_own_proof_is_none(store: Store) {
        for way in Way::ALL {
            let world = World::new(way, store);
            let thief = world.proven(THIEF).await;
            for other in world.others() {
                let mixed = world.carrying(&thief.client, &[&thief.credential, &other]);
                let why = format!("{way:?} {other:?}");
                let refused = mixed.post("/keys").await;
                assert!(!is_challenged(&refused) || way == Way::Headers, "{why}: {}", refused.text());
                assert_own(&mixed, THIEF, "", &why).await;
            }
            if way != Way::Headers {
                let token = fresh_cookie();
                world.application.takes(&token, OWNER);
                let query = format!("?access_token={token}");
                assert_own(&thief.client, THIEF, &query, &format!("{way:?}")).await;
                if ![Way::AnswerToken, Way::Learn].contains(&way) {
                    let refused = thief.client.post_form("/keys", &[("access_token", &token)]).await;
                    assert!(!is_challenged(&refused) && refused.status != 200, "{way:?}: {}", refused.text());
                }
                let own = thief.client.post("/keys").await;
                assert_eq!(own.text(), "done for mallory", "{way:?}");
            }
        }
    }
}
