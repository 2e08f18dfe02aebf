//! What is done in each cell of the table: somebody signs in, asks for something that is guarded, proves
//! who they are and gets it; and a thief gets nothing, whatever of it he carries.

use super::applications::{Applications, THIEF};
use super::logins::Login;
use super::settings::Source;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{HOST, KEY_COOKIE, Sidecar};
use std::fmt::{self, Display, Formatter};

/// The thief's password, with which he proves that he is himself.
pub(super) const THIEFS_PASSWORD: &str = "Mallory-own-pass-2!";

/// Each level twice: as it is, and with a proof that no login can be.
pub(super) const POLICY: &str = "
version: 1
default: forward
routes:
  - { id: level-1, title: Act, level: 1, match: { methods: [POST], path: /act/1 } }
  - { id: level-2, title: Act, level: 2, match: { methods: [POST], path: /act/2 } }
  - { id: level-3, title: Act, level: 3, match: { methods: [POST], path: /act/3 } }
  - { id: level-4, title: Act, level: 4, match: { methods: [POST], path: /act/4 } }
  - { id: proof-1, title: Act, level: 1, factors: [password], match: { methods: [POST], path: /act/11 } }
  - { id: proof-2, title: Act, level: 2, factors: [password], match: { methods: [POST], path: /act/12 } }
";

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The login was seen and is proof enough; afterwards challenged, and satisfied.
    Fresh,
    /// Challenged, and satisfied.
    Asked,
    /// Refused, for this reason.
    Refused(String),
}

/// A kind of login before a source of sessions.
pub(super) struct Pair<'s> {
    pub(super) sidecar: &'s Sidecar,
    pub(super) source: Source,
    pub(super) login: Login,
}

impl Pair<'_> {
    /// Does it all, at each level.
    pub(super) async fn run(&self) -> Vec<Outcome> {
        let thief = self.signed_in(THIEF).await;
        let mut outcomes = Vec::new();
        for level in 1..=4 {
            let owner = self.signed_in(self.login.owner()).await;
            outcomes.push(self.act(&owner, level).await);
            // Whether it works or not: nobody else acts for the owner.
            self.assert_nobody_elses(&owner, &thief, level).await;
        }
        outcomes
    }

    async fn act(&self, owner: &Client, level: u32) -> Outcome {
        let mut path = format!("/act/{level}");
        let mut first = owner.post(&path).await;
        let is_fresh = first.status == 200;
        if is_fresh {
            assert!(level <= 2, "{self}: nothing was proved for level {level}");
            path = format!("/act/{}", 10 + level);
            first = owner.post(&path).await;
        }
        if !is_challenged(&first) {
            assert!(!is_fresh, "{self}: {}", first.text());
            return Outcome::Refused(first.reason());
        }
        owner.pass(&first).await;
        assert_eq!(
            owner.post(&path).await.text(),
            done_for(self.login.owner()),
            "{self}"
        );
        if level == 4 {
            assert!(
                is_challenged(&owner.post(&path).await),
                "{self}: it was spent"
            );
        }
        if is_fresh {
            Outcome::Fresh
        } else {
            Outcome::Asked
        }
    }

    /// Neither somebody with all that the application knows the owner by, nor the thief in a session of his own
    /// with that in its place, and whatever he can prove.
    async fn assert_nobody_elses(&self, owner: &Client, thief: &Client, level: u32) {
        let path = format!("/act/{level}");
        if self.login == Login::Ntlm {
            // There is nothing to steal: the login is the connection's.
            let refused = self.sidecar.script().post(&path).await;
            assert_eq!(refused.reason(), "session-required", "{self}");
            return;
        }
        let refused = thief.post(&path).await;
        if is_challenged(&refused) {
            thief.pass_as_thief(&refused).await;
            assert_eq!(thief.post(&path).await.text(), done_for(THIEF), "{self}");
        }
        let (copy, swapped) = (owner.clone(), owner.clone());
        copy.drop_cookie(KEY_COOKIE);
        if let Some(key) = thief.cookie(KEY_COOKIE) {
            swapped.set_cookie(KEY_COOKIE, &key);
        }
        for stolen in [copy, swapped] {
            let refused = stolen.post(&path).await;
            assert_ne!(refused.text(), done_for(self.login.owner()), "{self}");
            if is_challenged(&refused) {
                stolen.pass_as_thief(&refused).await;
                assert_ne!(
                    stolen.post(&path).await.text(),
                    done_for(self.login.owner()),
                    "{self}"
                );
            }
        }
    }

    /// Somebody who has just signed in, as a page's script.
    async fn signed_in(&self, name: &str) -> Client {
        let client = self.sidecar.script();
        if self.source != Source::Headers {
            return self.login.sign_in(client, name).await;
        }
        // At the proxy in front, which then names them with each request, and passes on what they carry.
        let proxy = Client::new(Applications::shared().addr(self.login.site())).host(HOST);
        let proxy = self.login.sign_in(proxy, name).await;
        let me = proxy.get("/me").await.json();
        // A login of a connection ends with the one to the proxy.
        let client = if self.login == Login::Ntlm {
            client
        } else {
            proxy.at(self.sidecar.addr()).fetching()
        };
        client.header("remote-user", me["user"]["name"].as_str().unwrap())
    }
}

impl Client {
    /// Answers a challenge with the thief's password.
    async fn pass_as_thief(&self, refused: &Answer) {
        self.verify(&refused.token(), ("password", THIEFS_PASSWORD))
            .await;
    }
}

pub(super) fn is_challenged(answer: &Answer) -> bool {
    matches!(answer.status.as_u16(), 401 | 403) && answer.json()["challenge"].is_object()
}

pub(super) fn done_for(name: &str) -> String {
    format!("done for {name}")
}

impl Display for Pair<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} before {}", self.login.name(), self.source.name())
    }
}
