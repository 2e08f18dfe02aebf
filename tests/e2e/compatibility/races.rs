//! Whose session it is after many logins at once, and when it changes hands in the middle of a challenge.

use super::applications::{OWNER, Site, THIEF};
use super::logins::fields_of_form;
use super::settings::Source;
use super::story::{THIEFS_PASSWORD, done_for, is_challenged};
use crate::support::accounts::Accounts;
use crate::support::client::{Answer, Client};
use crate::support::run;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, PASSWORD, Sidecar, fresh_cookie};
use crate::support::store::{Store, on_both_stores};
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use crate::support::upstream::{Got, Reply, answer};
use futures_util::future::{join, join_all};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::json;

/// A source, and what makes a session somebody else's under the same cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A header of the proxy in front.
    Headers,
    /// A token.
    Jwt,
    /// A declared login, to the session that the cookie names.
    Learn,
    /// The application, by a request of which no setting knows.
    Whoami,
}

impl Way {
    const ALL: [Self; 4] = [Self::Headers, Self::Jwt, Self::Learn, Self::Whoami];
}

/// A sidecar with such a source, in front of an application of one cookie.
struct World {
    way: Way,
    issuer: Issuer,
    sidecar: Sidecar,
}

impl World {
    fn new(way: Way, store: Store) -> Self {
        let issuer = Issuer::start();
        let setup = sidecar::on(store).application(one_cookie());
        let setup = match way {
            Way::Headers => setup
                .line("trusted_proxies: [127.0.0.1]")
                .with("session", "headers: { subject: remote-user }"),
            Way::Jwt => {
                let keys = issuer.keys();
                let jwt =
                    format!("jwt: {{ keys: {keys}, issuer: {ISSUER}, audience: {AUDIENCE} }}");
                setup.with("session", &format!("{jwt}\nkey: subject"))
            }
            Way::Learn => setup,
            Way::Whoami => setup.with(
                "session",
                "whoami: { url: /api/me, subject: { json: /user/name } }",
            ),
        };
        let sidecar = setup.run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEFS_PASSWORD);
        Self {
            way,
            issuer,
            sidecar,
        }
    }

    /// A browser that has the cookie, and to which the login page was shown.
    async fn guest(&self, cookie: &str) -> Client {
        let guest = self.sidecar.script();
        if self.way != Way::Jwt {
            guest.set_cookie(COOKIE, cookie);
            guest.get("/login").await;
        }
        guest
    }

    /// The same browser in the session that is now this person's.
    async fn hand_over(&self, browser: &Client, name: &str) -> Client {
        let next = self.sidecar.script();
        for cookie in [COOKIE, KEY_COOKIE] {
            if let Some(value) = browser.cookie(cookie) {
                next.set_cookie(cookie, &value);
            }
        }
        match self.way {
            Way::Headers => return next.header("remote-user", name),
            Way::Jwt => {
                let token = self.issuer.token(json!({ "sub": name }));
                return next.header("authorization", &format!("Bearer {token}"));
            }
            Way::Learn => {
                // In whichever browser that was.
                let elsewhere = self.guest(&browser.cookie(COOKIE).unwrap()).await;
                elsewhere.try_log_in(name).await;
            }
            Way::Whoami => drop(next.post(&format!("/become?{name}")).await),
        }
        next
    }
}

/// An application that makes whoever logs in the owner of the session that there is, in place of a new one.
fn one_cookie() -> impl Fn(&Got) -> Reply + Send + Sync + 'static {
    let accounts = Accounts::new();
    move |got| {
        if got.target != "/login" || got.method != "POST" {
            return accounts.answer(got);
        }
        let accounts = accounts.clone();
        Reply::ByBody(Box::new(move |got| {
            let mut fields = form_urlencoded::parse(&got.body);
            let (_, name) = fields.find(|(key, _)| key == "user").unwrap();
            let mut cookies = got.header("cookie").split("; ");
            let session = cookies.find_map(|pair| pair.strip_prefix("sid=")).unwrap();
            accounts.sign_in_to(session, &name);
            let cookie = format!("{COOKIE}={session}; Path=/; HttpOnly");
            answer(302, &[("location", "/home"), ("set-cookie", &cookie)], "")
        }))
    }
}

/// Answers a challenge with the person's own password.
async fn prove(client: &Client, refused: &Answer, name: &str) {
    let password = if name == OWNER {
        PASSWORD
    } else {
        THIEFS_PASSWORD
    };
    client
        .verify(&refused.token(), ("password", password))
        .await;
}

/// Logs in; there is no answer where the session of the request is disputed meanwhile.
async fn log_in_if_let(client: &Client, name: &str) {
    let form = format!("user={name}&password=right");
    let mut request = client.request(Method::POST, "/login", form);
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    drop(client.try_open(request).await);
}

/// Whatever somebody can get and prove, nothing is done for anybody else.
async fn assert_own(client: &Client, name: &str) {
    for path in ["/low", "/keys"] {
        let mut answer = client.post(path).await;
        if is_challenged(&answer) {
            prove(client, &answer, name).await;
            answer = client.post(path).await;
        }
        let told = answer.text();
        assert!(
            answer.status != 200 || told == done_for(name),
            "{name} {path}: {told}"
        );
    }
}

on_both_stores! {
    async fn logins_at_once_on_one_cookie_make_it_nobody_elses(store: Store) {
        for way in [Way::Learn, Way::Whoami] {
            let world = World::new(way, store);
            // Few at once are those that get in between each other's reading and writing.
            for count in [[2; 20].as_slice(), &[3; 10], &[100]].concat() {
                let cookie = fresh_cookie();
                let guests = join_all((0..count).map(|_| world.guest(&cookie))).await;
                let people: Vec<_> = guests.iter().zip([OWNER, THIEF].into_iter().cycle()).collect();
                join_all(people.iter().map(|(guest, name)| log_in_if_let(guest, name))).await;
                for (guest, name) in people {
                    assert_own(guest, name).await;
                }
            }
        }
    }

    async fn of_two_people_at_once_in_one_browser_only_the_one_who_proved_it_passes(store: Store) {
        for way in [Way::Headers, Way::Jwt] {
            let world = World::new(way, store);
            let guest = world.guest(&fresh_cookie()).await;
            let thief = world.hand_over(&guest, THIEF).await;
            let refused = thief.post("/keys").await;
            prove(&thief, &refused, THIEF).await;
            let owner = world.hand_over(&thief, OWNER).await;
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
                let guest = world.guest(&fresh_cookie()).await;
                let before = match way {
                    Way::Learn => {
                        guest.try_log_in(first).await;
                        guest
                    }
                    Way::Headers | Way::Jwt | Way::Whoami => world.hand_over(&guest, first).await,
                };
                let challenges = [before.post("/keys").await, before.post("/settings").await];
                let refused = before.post("/name").await;
                prove(&before, &refused, first).await;
                assert_eq!(before.post("/name").await.status, 200, "{way:?}");
                // After it, and at the same moment.
                let after = world.hand_over(&before, second).await;
                prove(&after, &challenges[0], first).await;
                let handing = Box::pin(world.hand_over(&before, second));
                join(handing, prove(&before, &challenges[1], first)).await;
                for path in ["/name", "/keys", "/settings"] {
                    let refused = after.post(path).await;
                    assert_ne!(refused.status, 200, "{way:?} {path}: {first} proved it, for {second}");
                }
            }
        }
    }
}

#[test]
fn clicking_twice_on_sign_in_signs_in() {
    run(async {
        for source in [Source::Learn, Source::LearnAndWhoami] {
            let sidecar = source.sidecar(Site::Django);
            let client = sidecar.script();
            let csrf = client.get("/login").await.hidden("csrfmiddlewaretoken");
            let fields = fields_of_form(&csrf, OWNER);
            join_all((0..5).map(|_| client.post_form("/login", &fields))).await;
            assert_eq!(
                client.post("/act/1").await.text(),
                done_for(OWNER),
                "{source:?}"
            );
            client.earn("/act/3").await;
            assert_eq!(
                client.post("/act/3").await.text(),
                done_for(OWNER),
                "{source:?}"
            );
        }
    });
}
