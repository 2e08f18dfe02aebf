//! Attacks that each source of sessions meets, before an application that is as bad as can be: it acts for the
//! owner as soon as anything in a request is hers.

mod application;
mod credentials;
mod races;

use crate::support::client::{Answer, Client};
use crate::support::redis::Redis;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE, PASSWORD, Sidecar, USER, fresh_cookie};
use crate::support::store::Store;
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use application::{Application, basic};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whose sessions they are.
const OWNER: &str = USER;
/// The thief, who has an account and a password of his own.
const THIEF: &str = "mallory";
const THIEFS_PASSWORD: &str = "Mallory-own-pass-2!";

/// What names the subject of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The token in the answer to a login, one for each device.
    AnswerToken,
    /// A password that the application takes.
    Basic,
    /// A header of the proxy in front.
    Headers,
    /// A signed token.
    Jwt,
    /// A declared login, to the session that the cookie names.
    Learn,
    /// The application's own record of the session.
    Records,
    /// The application, which is asked.
    Whoami,
}

impl Way {
    const ALL: [Self; 7] = [
        Self::AnswerToken,
        Self::Basic,
        Self::Headers,
        Self::Jwt,
        Self::Learn,
        Self::Records,
        Self::Whoami,
    ];
}

/// What a request carries for somebody.
#[derive(Clone, Debug)]
enum Credential {
    /// The value of the session's cookie.
    Cookie(String),
    /// A line of a header.
    Header(&'static str, String),
}

impl Credential {
    fn bearer(token: &str) -> Self {
        Self::Header("authorization", format!("Bearer {token}"))
    }
}

/// Somebody in a browser.
struct Person {
    credential: Credential,
    client: Client,
}

/// A sidecar with one source before the application.
struct World {
    way: Way,
    issuer: Issuer,
    application: Application,
    sidecar: Sidecar,
}

impl World {
    fn new(way: Way, store: Store) -> Self {
        let issuer = Issuer::start();
        let records = (way == Way::Records).then(|| Arc::new(Redis::start()));
        let source = match &records {
            Some(redis) => format!(
                "redis: {{ server: {{ url: '{}' }}, cookie: {COOKIE}, key: 'sess:{{id}}', subject: /name }}",
                redis.url()
            ),
            None => source(way, &issuer),
        };
        let application = Application::new(records);
        let known = application.clone();
        let mut setup = sidecar::on(store).application(move |got| known.answer(got));
        if [Way::Basic, Way::Headers, Way::Jwt, Way::Records].contains(&way) {
            setup = setup.without_logins();
        }
        if way == Way::Headers {
            setup = setup.line("trusted_proxies: [127.0.0.1]");
        }
        let sidecar = setup
            .with("session", &source)
            .with("verification", LIMITS)
            .run();
        sidecar.add_user(THIEF, "mallory@example.test", THIEFS_PASSWORD);
        Self {
            way,
            issuer,
            application,
            sidecar,
        }
    }

    /// Signs somebody in, in a browser of their own.
    async fn sign_in(&self, name: &str) -> Person {
        let browser = self.sidecar.script();
        let credential = match self.way {
            Way::AnswerToken => {
                let fields = [("user", name), ("password", "App-pass-1!")];
                let answer = browser.post_form("/api/login", &fields).await;
                Credential::bearer(answer.json()["access_token"].as_str().unwrap())
            }
            Way::Basic => {
                let line = basic(name, "App-pass-1!");
                self.application.knows(&line, name);
                Credential::Header("authorization", line)
            }
            Way::Headers => Credential::Header("remote-user", name.to_owned()),
            Way::Jwt => self.token(json!({ "sub": name })),
            Way::Learn | Way::Whoami => {
                browser.log_in(name).await;
                Credential::Cookie(browser.cookie(COOKIE).unwrap())
            }
            Way::Records => {
                let id = fresh_cookie();
                self.application.knows(&id, name);
                Credential::Cookie(id)
            }
        };
        Person {
            client: self.carrying(&browser, &[&credential]),
            credential,
        }
    }

    /// The same, who has proved it for `/keys` and `/settings`.
    async fn proven(&self, name: &str) -> Person {
        let person = self.sign_in(name).await;
        let refused = person.client.post("/keys").await;
        assert!(
            is_challenged(&refused),
            "{:?}: {}",
            self.way,
            refused.text()
        );
        prove(&person.client, &refused, name).await;
        for path in ["/keys", "/settings"] {
            let done = person.client.post(path).await;
            assert_eq!(done.text(), done_for(name), "{:?}", self.way);
        }
        person
    }

    /// A signed token, for whoever its claims say.
    fn token(&self, claims: Value) -> Credential {
        let name = claims["sub"].as_str().unwrap_or(OWNER).to_owned();
        let token = self.issuer.token(claims);
        self.application.takes(&token, &name);
        Credential::bearer(&token)
    }

    /// A page's script with the key of that browser and these credentials, in their order.
    fn carrying(&self, browser: &Client, credentials: &[&Credential]) -> Client {
        let mut script = self.sidecar.script();
        if let Some(key) = browser.cookie(KEY_COOKIE) {
            script.set_cookie(KEY_COOKIE, &key);
        }
        let mut cookies = Vec::new();
        for credential in credentials {
            match credential {
                Credential::Cookie(value) => cookies.push(value.as_str()),
                Credential::Header(name, line) => script = script.header(name, line),
            }
        }
        if !cookies.is_empty() {
            script.set_cookie(COOKIE, &cookies.join(&format!("; {COOKIE}=")));
        }
        script
    }
}

/// The line of `session` for a source.
fn source(way: Way, issuer: &Issuer) -> String {
    match way {
        Way::AnswerToken => "learn: { logins: [{ path: /api/login, subject: { form: user }, token: { json: /access_token } }], \
                             logouts: [{ path: /logout }] }"
            .to_owned(),
        Way::Basic => "basic: { url: /me, keep: 1s }".to_owned(),
        Way::Headers => "headers: { subject: remote-user }".to_owned(),
        Way::Jwt => format!(
            "jwt: {{ keys: {}, issuer: {ISSUER}, audience: {AUDIENCE}, leeway: 0s }}\nkey: subject",
            issuer.keys()
        ),
        Way::Learn => "login_page: /login".to_owned(),
        Way::Records => unreachable!("it has a server of its own"),
        Way::Whoami => "whoami: { url: /me, subject: { json: /name }, confirm: [1, 2, 3, 4] }".to_owned(),
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

/// Whatever somebody carries and can prove, nothing is done for anybody else. `query` stands after each path.
async fn assert_own(client: &Client, name: &str, query: &str, why: &str) {
    for path in ["/low", "/keys", "/settings", "/pay"] {
        let path = format!("{path}{query}");
        let mut answer = client.post(&path).await;
        if is_challenged(&answer) {
            prove(client, &answer, name).await;
            answer = client.post(&path).await;
        }
        let told = answer.text();
        assert!(
            answer.status != 200 || told == done_for(name),
            "{why}: {name} at {path}: {told}"
        );
    }
}

fn is_challenged(answer: &Answer) -> bool {
    matches!(answer.status.as_u16(), 401 | 403) && answer.json()["challenge"].is_object()
}

fn done_for(name: &str) -> String {
    format!("done for {name}")
}

/// The thief answers wrong more often than a person does.
const LIMITS: &str = "limits: { address: { attempts: 1000 }, session: { attempts: 1000 }, session_total: { attempts: 1000 } }";
