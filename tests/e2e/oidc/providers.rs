//! Identity providers: a real one, and one that says whatever a test wants.

use crate::support::client::{Answer, Client};
use crate::support::node::node;
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::sidecar::{ORIGIN, Setup, Sidecar};
use crate::support::temp::TempDir;
use crate::support::tokens::{encode, now, rsa_public, rsa_token};
use crate::support::upstream::{Got, Reply, Upstream, answer, text};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use url::Url;

pub(crate) const SECRET: &str = "for-this-test-only-0123456789";

/// What `verification` has for a provider there.
pub(crate) fn settings(provider: SocketAddr, more: &str) -> String {
    format!(
        "oidc: {{ issuer: 'http://{provider}', client_id: stepgate, client_secret: {{ file: oidc.secret }}, \
         name: Example ID, algorithms: [ES256, RS256], retry: 1s{more} }}"
    )
}

/// A sidecar in front of the usual application, whose people sign in there.
pub(super) fn run(setup: Setup, provider: SocketAddr, more: &str) -> Sidecar {
    let mut sidecar = setup
        .with("verification", &settings(provider, more))
        .prepare();
    sidecar.write_private("oidc.secret", SECRET);
    sidecar.enroll();
    sidecar.start();
    sidecar
}

/// `oidc-provider`, with people who sign in as they say.
pub(crate) struct RealProvider {
    port: HeldPort,
    dir: TempDir,
    running: Option<Process>,
}

impl RealProvider {
    pub(crate) fn at_rest() -> Self {
        let dir = TempDir::new("provider");
        dir.write("provider.mjs", include_str!("provider.mjs"));
        Self {
            port: HeldPort::take(),
            dir,
            running: None,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.port.addr()
    }

    /// Starts it, with another key than before, for people who see the sidecar at `origin`.
    pub(crate) fn start(&mut self, sidecar: &Sidecar, origin: &str) {
        self.running = None;
        let mut command = node(&self.dir);
        let logout = format!("http://{}/.stepup/oidc/backchannel-logout", sidecar.addr());
        command
            .arg("provider.mjs")
            .env("PORT", self.addr().port().to_string())
            .env("CALLBACK", format!("{origin}/.stepup/oidc/callback"))
            .env("LOGOUT", logout)
            .env(
                "FRAME",
                format!("{origin}/.stepup/oidc/frontchannel-logout"),
            );
        let process = Process::start("the provider", &mut command);
        process.wait_for_line("ready");
        self.running = Some(process);
    }

    pub(super) fn stop(&mut self) {
        self.running = None;
    }

    /// A browser's side of it.
    pub(super) fn client(&self) -> Client {
        Client::new(self.addr()).navigating()
    }
}

/// Goes to where `begin` leads, and does there what `query` says (`login=alice`); tells the target of the callback.
pub(super) async fn sign_in(client: &Client, url: &str, query: &str) -> String {
    let mut next = url.to_owned();
    for _ in 0..8 {
        let url = Url::parse(&next).unwrap();
        if url.path() == "/.stepup/oidc/callback" {
            return target(&url);
        }
        let at = if url.path().starts_with("/interaction/") {
            format!("{}?{query}", url.path())
        } else {
            target(&url)
        };
        let went = client.get(&at).await;
        let to = went.header("location");
        assert!(!to.is_empty(), "{at}: {} {}", went.status, went.text());
        next = url.join(to).unwrap().to_string();
    }
    panic!("it leads nowhere: {next}")
}

pub(super) fn target(url: &Url) -> String {
    let query = url.query().map(|query| format!("?{query}"));
    format!("{}{}", url.path(), query.unwrap_or_default())
}

/// One parameter of a URL.
pub(super) fn parameter(url: &str, name: &str) -> String {
    let base = Url::parse(ORIGIN).unwrap();
    let url = base.join(url).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Where the page leads on by itself.
pub(super) fn onward(page: &Answer) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    let after = page
        .text()
        .split_once("http-equiv=\"refresh\" content=\"0;url=");
    let url = after.and_then(|(_, after)| after.split('"').next());
    let url = url.unwrap_or_else(|| panic!("it stays: {}", page.text()));
    url.replace("&#38;", "&")
}

/// A provider that answers what a test has put there.
pub(crate) struct ForgedProvider {
    state: Arc<Mutex<Forged>>,
    server: Upstream,
}

#[derive(Default)]
pub(crate) struct Forged {
    /// Members of its description, in the place of the usual ones.
    pub(crate) metadata: Value,
    /// Answers to a path, in the place of the usual ones.
    pub(super) replies: Vec<(&'static str, u16, String)>,
    /// A path that is never answered.
    pub(super) hangs: Option<&'static str>,
}

impl ForgedProvider {
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(Forged::default()));
        let known = state.clone();
        Self {
            server: Upstream::start(move |got| known.lock().unwrap().reply(got)),
            state,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// Changes what it answers from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Forged)) {
        let mut state = self.state.lock().unwrap();
        *state = Forged::default();
        change(&mut state);
    }

    /// What it was sent at this path.
    pub(crate) fn got(&self, path: &str) -> Vec<Got> {
        let got = self.server.got().into_iter();
        got.filter(|got| got.target == path).collect()
    }

    /// The claims of an ID token for a sign-in that began at this URL, with others in their place.
    pub(crate) fn token(&self, url: &str, claims: &Value) -> String {
        let mut all = json!({
            "iss": format!("http://{}", self.addr()), "aud": "stepgate", "sub": "alice",
            "auth_time": now(), "iat": now(), "nonce": parameter(url, "nonce"), "sid": "s1",
        });
        for (name, value) in claims.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        rsa_token(all)
    }
}

impl Forged {
    fn reply(&self, got: &Got) -> Reply {
        let path = got.target.split('?').next().unwrap_or_default();
        if self.hangs == Some(path) {
            return Reply::Hang;
        }
        if let Some((_, status, body)) = self.replies.iter().find(|(known, ..)| *known == path) {
            return text(*status, body);
        }
        match path {
            "/.well-known/openid-configuration" => {
                let base = format!("http://{}", got.header("host"));
                let mut metadata = json!({
                    "issuer": base, "authorization_endpoint": format!("{base}/auth"),
                    "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
                    "userinfo_endpoint": format!("{base}/me"),
                    "authorization_response_iss_parameter_supported": true,
                });
                for (name, value) in self.metadata.as_object().into_iter().flatten() {
                    metadata[name] = value.clone();
                }
                answer(200, &[], &metadata.to_string())
            }
            "/keys" => {
                let (n, e) = rsa_public();
                let key = json!({ "kty": "RSA", "kid": "rsa", "n": encode(&n), "e": encode(&e) });
                answer(200, &[], &json!({ "keys": [key] }).to_string())
            }
            _ => text(404, "{}"),
        }
    }
}
