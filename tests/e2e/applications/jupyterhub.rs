//! `JupyterHub` with single sign-on by `OpenID` Connect: it keeps cookies on several paths, a new anti-forgery token
//! after each login, and takes API tokens as well.

use super::{OWNER, OWNERS_PROOF, Site, THIEF, THIEFS_PROOF, prove, python};
use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::node::node;
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::run;
use crate::support::temp::TempDir;
use http::Method;
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

#[test]
fn somebody_signs_in_by_single_sign_on_and_proves_herself_before_she_gets_a_token() {
    run(async {
        let hub = Hub::start();
        let browser = Browser::open().await;
        let url = |target: &str| format!("http://127.0.0.1:{}{target}", hub.site.port());
        browser.goto(&url("/hub/token")).await.unwrap();
        // Nobody is signed in: the login page, which leads to the provider.
        browser.click("#login-main a.btn-jupyter").await;
        browser.fill("input[name=login]", OWNER).await;
        browser.fill("input[name=password]", "whatever").await;
        browser.click("button[type=submit]").await;
        browser.read("Authorize").await;
        browser.click("button[type=submit]").await;
        browser.see("#logout").await;
        hub.site.stepgate.process().wait_for_line("login-observed");

        browser.goto(&url("/hub/token")).await.unwrap();
        browser.read("Make an API token").await;
        browser.fill("#password", "not-the-password").await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("That password is not right").await;
        browser.fill("#password", OWNERS_PROOF).await;
        browser.click("form[action$='/verify'] button").await;
        // The page's own script makes the token: the proof is for both.
        browser.click("#request-token-form button").await;
        browser.read("Your new API Token").await;

        // A script is refused, its page opens the prompt, and the script repeats its call.
        let ask = async |target: &str, method: &str, body: Value| {
            let arguments = vec![json!(target), json!(method), body];
            browser.execute_async(CALLS, arguments).await.unwrap()
        };
        let refused = ask("/hub/api/users/victim", "DELETE", json!({})).await;
        assert_eq!(refused["reason"], "step-up-required", "{refused}");
        let prompt = refused["challenge"]["page_url"].as_str().unwrap();
        browser.goto(&url(prompt)).await.unwrap();
        browser.read("Delete a user").await;
        browser.fill("#password", OWNERS_PROOF).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("You are verified").await;
        browser.goto(&url("/hub/home")).await.unwrap();
        let done = ask("/hub/api/users/victim", "DELETE", json!({})).await;
        assert_eq!(done["status"], 204, "{done}");
    });
}

#[test]
fn a_thief_of_a_cookie_or_a_token_proves_nothing_by_himself() {
    run(async {
        let hub = Hub::start();
        let alice = hub.signed_in(OWNER).await;
        // She has just signed in; creating people is no matter of that.
        let refused = hub.call(&alice, Method::POST, USERS, victims()).await;
        assert_eq!(refused.reason(), "step-up-required");
        let wrong = prove(&alice, &refused, THIEFS_PROOF).await;
        assert_eq!(wrong.reason(), "wrong-answer");
        assert_eq!(prove(&alice, &refused, OWNERS_PROOF).await.status, 200);
        let added = hub.call(&alice, Method::POST, USERS, victims()).await;
        assert_eq!(added.status, 201, "{}", added.text());
        let token = hub.token_of(&alice).await;

        // With the token alone, a script proves itself as well, and deletes one.
        let script = hub.site.client();
        let script = script.header("authorization", &format!("token {token}"));
        let refused = script.delete("/hub/api/users/victim0").await;
        assert_eq!(refused.status, 403, "{}", refused.text());
        let proved = prove(&script, &refused, OWNERS_PROOF).await;
        let key = proved.json()["key"].as_str().unwrap().to_owned();
        let script = script.header("step-up-key", &key);
        assert_eq!(script.delete("/hub/api/users/victim0").await.status, 204);

        let thief = async || {
            let thief = hub.signed_in(THIEF).await;
            let path = "/hub/api/users/mallory/tokens";
            let refused = hub.call(&thief, Method::POST, path, json!({})).await;
            assert_eq!(prove(&thief, &refused, THIEFS_PROOF).await.status, 200);
            thief
        };
        let with_token = thief().await;
        let with_token = with_token.header("authorization", &format!("token {token}"));
        let with_login = thief().await;
        with_login.set_cookie(LOGIN, &alice.cookie(LOGIN).unwrap());
        let with_all = thief().await;
        for name in [LOGIN, "jupyterhub-session-id", "_xsrf"] {
            with_all.set_cookie(name, &alice.cookie(name).unwrap());
        }
        let with_parameter = thief().await;
        let by_parameter = format!("{VICTIM}?token={token}");
        for (what, thief, path) in [
            ("her token", &with_token, VICTIM),
            ("her login", &with_login, VICTIM),
            ("all her cookies", &with_all, VICTIM),
            ("her token in the query", &with_parameter, &by_parameter),
        ] {
            let refused = hub.call(thief, Method::DELETE, path, json!({})).await;
            assert!(!refused.header("step-up").is_empty(), "{what}: {refused:?}");
            if refused.json()["challenge"].is_object() {
                prove(thief, &refused, THIEFS_PROOF).await;
            }
            let refused = hub.call(thief, Method::DELETE, path, json!({})).await;
            assert_ne!(refused.status, 204, "{what}");
        }
        assert_eq!(script.get(VICTIM).await.status, 200);
    });
}

/// `JupyterHub` with its proxy and a provider, and Stepgate in front.
struct Hub {
    site: Site,
    provider: SocketAddr,
    _processes: [Process; 3],
    _state: TempDir,
}

impl Hub {
    fn start() -> Self {
        let (state, public) = (TempDir::new("jupyterhub"), HeldPort::take());
        let [provider, proxy, api, hub] = std::array::from_fn(|_| HeldPort::take());
        let public_url = format!("http://{}", public.addr());
        let issuer = format!("http://{}", provider.addr());
        state.write("provider.mjs", include_str!("provider.mjs"));
        let mut command = node(&state);
        command.arg("provider.mjs");
        command.arg(provider.addr().port().to_string());
        command.arg(format!("{public_url}/hub/oauth_callback"));
        let of_provider = Process::start("the provider", &mut command);
        of_provider.wait_for_line("ready");

        let mut command = node(&state);
        command.arg("node_modules/configurable-http-proxy/bin/configurable-http-proxy");
        for (place, port) in [("--ip", &proxy), ("--api-ip", &api)] {
            let port_flag = place.replace("ip", "port");
            command.args([place, "127.0.0.1", &port_flag]);
            command.arg(port.addr().port().to_string());
        }
        command.env("CONFIGPROXY_AUTH_TOKEN", PROXY_TOKEN);
        let of_proxy = Process::start("the hub's proxy", &mut command);
        of_proxy.wait_for_line("Proxying");

        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/jupyterhub");
        let config = fs::read_to_string(example.join("jupyterhub_config.py")).unwrap();
        // Its parts at ports of their own, and nothing on the disk.
        let more = format!(
            "c.JupyterHub.hub_port = {}\nc.ConfigurableHTTPProxy.api_url = 'http://{}'\n\
             c.ConfigurableHTTPProxy.should_start = False\nc.JupyterHub.db_url = 'sqlite://'\n\
             c.JupyterHub.default_url = '/hub/home'\nc.Authenticator.allowed_users = {{'victim'}}\n",
            hub.addr().port(),
            api.addr(),
        );
        state.write("jupyterhub_config.py", config + &more);
        let mut command = python("jupyterhub", &state);
        command
            .env("OIDC_ISSUER", issuer)
            .env("OIDC_CLIENT_ID", "hub")
            .env("OIDC_CLIENT_SECRET", "for-this-test-only-0123456789")
            .env("PUBLIC_URL", public_url)
            .env("BIND_URL", format!("http://{}", proxy.addr()))
            .env("CONFIGPROXY_AUTH_TOKEN", PROXY_TOKEN);
        let of_hub = Process::start("JupyterHub", &mut command);
        of_hub.wait_for_line("JupyterHub is now running");
        Self {
            site: Site::start("jupyterhub", public, proxy.addr()),
            provider: provider.addr(),
            _processes: [of_hub, of_proxy, of_provider],
            _state: state,
        }
    }

    /// The script of a page of somebody who has signed in at the provider.
    async fn signed_in(&self, name: &str) -> Client {
        let client = self.site.script();
        let provider = Client::new(self.provider).navigating();
        let local = |answer: &Answer| {
            let place = answer.header("location").to_owned();
            let place = place.strip_prefix("http://").unwrap_or(&place).to_owned();
            place[place.find('/').unwrap()..].to_owned()
        };
        let sent = client.get("/hub/oauth_login").await;
        let asked = provider.get(&local(&sent)).await;
        let login = [("prompt", "login"), ("login", name), ("password", "x")];
        let next = provider.post_form(&local(&asked), &login).await;
        let asked = provider.get(&local(&next)).await;
        let next = provider
            .post_form(&local(&asked), &[("prompt", "consent")])
            .await;
        let back = provider.get(&local(&next)).await;
        let landed = client.get(&local(&back)).await;
        assert_eq!(landed.status, 302, "{}", landed.text());
        client.get(&local(&landed)).await;
        client
    }

    /// A call of the hub's own pages, with the token against forgeries.
    async fn call(&self, client: &Client, method: Method, path: &str, body: Value) -> Answer {
        let token = client.cookie("_xsrf").unwrap();
        let client = client.clone().header("x-xsrftoken", &token);
        client.call(method, path, body).await
    }

    /// Has a token made.
    async fn token_of(&self, client: &Client) -> String {
        let path = format!("/hub/api/users/{OWNER}/tokens");
        let refused = self.call(client, Method::POST, &path, json!({})).await;
        assert_eq!(prove(client, &refused, OWNERS_PROOF).await.status, 200);
        let made = self.call(client, Method::POST, &path, json!({})).await;
        made.json()["token"].as_str().unwrap().to_owned()
    }
}

fn victims() -> Value {
    json!({ "usernames": ["victim0", "victim1"] })
}

/// What the hub's pages do, and tell what was answered.
const CALLS: &str = "const [target, method, body, done] = arguments;
    const token = document.cookie.match(/_xsrf=([^;]+)/)[1];
    fetch(target, { method, body: JSON.stringify(body), headers: { 'x-xsrftoken': token, 'content-type': 'application/json' } })
      .then(async answer => ({ status: answer.status, ...JSON.parse(await answer.text() || '{}') })).then(done)";
const LOGIN: &str = "jupyterhub-hub-login";
const USERS: &str = "/hub/api/users";
/// Somebody's account: level 4.
const VICTIM: &str = "/hub/api/users/victim1";
const PROXY_TOKEN: &str = "for-this-test-only";
