//! npm has its person open a page, and goes on when she has proved there who she is.

use super::{APP_PASSWORD, OWNER, OWNERS_PROOF, Registry, said};
use crate::applications::prove;
use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::process::Process;
use crate::support::run;
use http::Method;
use serde_json::json;

/// npm polls as often as it can be told to.
const OFTEN: (&str, &str) = (
    "\nsession:",
    "\nverification: { device_interval: 1s }\nsession:",
);

/// npm in a terminal, and the page that it names.
struct Waiting {
    npm: Process,
    address: String,
}

impl Waiting {
    fn of(registry: &Registry, arguments: &[&str]) -> Self {
        let mut terminal = registry.terminal(OWNER, arguments, &json!([]));
        let npm = Process::start("npm", &mut terminal);
        let address = npm.wait_for("an address", |line| {
            let at = line
                .find("http://")
                .filter(|_| line.contains("user_code="))?;
            Some(line[at..].trim().to_owned())
        });
        Self { npm, address }
    }

    fn code(&self) -> &str {
        self.address.split_once("user_code=").unwrap().1
    }

    /// What it has said at its end.
    fn said(mut self, ends_well: bool) -> String {
        let ended = self.npm.wait_exit();
        let told = self.npm.lines().join("\n");
        assert_eq!(ended.success(), ends_well, "{told}");
        told
    }
}

/// The owner with the password of her account, as her browser sends it.
fn owner(registry: &Registry) -> Client {
    let line = data_encoding::BASE64.encode(format!("{OWNER}:{APP_PASSWORD}").as_bytes());
    let client = registry.site.client();
    client.header("authorization", &format!("Basic {line}"))
}

/// She finds what npm asks for, which its first poll makes known to her, and decides.
async fn decide(registry: &Registry, waiting: &Waiting, decision: &str) {
    let owner = owner(registry);
    let path = format!("/.stepup/device?user_code={}", waiting.code());
    crate::support::until("the first poll", async || {
        let found = owner.get(&path).await;
        (found.status == 200).then_some(())
    })
    .await;
    let body = json!({ "user_code": waiting.code(), "decision": decision });
    let decided = owner.call(Method::POST, "/.stepup/device", body).await;
    if decision == "approve" {
        let proved = prove(&owner, &decided, OWNERS_PROOF).await;
        assert_eq!(proved.status, 200, "{}", proved.text());
    }
}

#[test]
fn a_person_in_chromium_approves_what_npm_publishes() {
    run(async {
        let registry = Registry::start_with(&[OFTEN]).await;
        let waiting = Waiting::of(&registry, &["publish"]);
        let browser = Browser::open().await;
        // What she types into the window that asks for the password of her account.
        let login = format!("http://{OWNER}:{APP_PASSWORD}@");
        let address = waiting.address.replacen("http://", &login, 1);
        browser.goto(&address).await.unwrap();
        let seen = browser.read("A program asks").await;
        for shown in [
            waiting.code(),
            "Publish, deprecate or hand over a package",
            "/demo-x",
            "npm/",
            OWNER,
        ] {
            assert!(seen.contains(shown), "{shown}: {seen}");
        }
        browser.click("button[value=approve]").await;
        browser.fill("#password", OWNERS_PROOF).await;
        browser.click("form[action$='/verify'] button").await;
        browser.read("You have approved this").await;
        let told = waiting.said(true);
        assert!(told.contains("+ demo-x@1.0.0"), "{told}");
    });
}

#[test]
fn one_approval_is_for_all_requests_of_a_command() {
    run(async {
        let registry = Registry::start_with(&[OFTEN]).await;
        for version in ["1.0.0", "1.0.1"] {
            let package = json!({ "name": "demo-x", "version": version });
            registry.state.write("package.json", package.to_string());
            let waiting = Waiting::of(&registry, &["publish"]);
            decide(&registry, &waiting, "approve").await;
            waiting.said(true);
        }
        // npm polls by the method of the call that was refused: here PUT and DELETE.
        for words in [
            &["dist-tag", "add", "demo-x@1.0.0", "old"][..],
            &["dist-tag", "rm", "demo-x", "old"],
            &["unpublish", "demo-x@1.0.0", "--force"],
        ] {
            let waiting = Waiting::of(&registry, words);
            decide(&registry, &waiting, "approve").await;
            waiting.said(true);
        }
        let left = said(&registry.npm(OWNER, &["view", "demo-x", "versions"]), true);
        assert!(left.contains("1.0.1") && !left.contains("1.0.0"), "{left}");
    });
}

#[test]
fn a_token_is_revoked_after_an_approval() {
    run(async {
        let registry = Registry::start_with(&[OFTEN]).await;
        let (client, path) = (owner(&registry), "/-/npm/v1/tokens");
        let wanted = json!({ "password": APP_PASSWORD, "readonly": false, "cidr_whitelist": [] });
        let refused = client.call(Method::POST, path, wanted.clone()).await;
        let proved = prove(&client, &refused, OWNERS_PROOF).await.json();
        let client = client.header("step-up-key", proved["key"].as_str().unwrap());
        let made = client.call(Method::POST, path, wanted).await.json();
        let waiting = Waiting::of(
            &registry,
            &["token", "revoke", made["key"].as_str().unwrap()],
        );
        decide(&registry, &waiting, "approve").await;
        let told = waiting.said(true);
        assert!(told.contains("Removed 1 token"), "{told}");
    });
}

#[test]
fn npm_says_why_it_ends_without_an_approval() {
    run(async {
        let registry = Registry::start_with(&[OFTEN]).await;
        let waiting = Waiting::of(&registry, &["publish"]);
        decide(&registry, &waiting, "deny").await;
        let told = waiting.said(false);
        for said in [
            "the owner of the account said no",
            "E400",
            "You have denied this. Nothing has happened.",
        ] {
            assert!(told.contains(said), "{said}: {told}");
        }
        let life =
            "\nverification: { device_interval: 1s, challenge_life: 2s, code_life: 1s }\nsession:";
        let registry = Registry::start_with(&[(OFTEN.0, life)]).await;
        let told = Waiting::of(&registry, &["publish"]).said(false);
        for said in ["the code has expired", "E400", "This request has ended."] {
            assert!(told.contains(said), "{said}: {told}");
        }
    });
}

#[test]
fn where_nobody_waits_npm_asks_for_a_code() {
    run(async {
        let registry = Registry::start_with(&[OFTEN]).await;
        // Without a terminal npm names both addresses and ends; its notice says what else helps.
        let ended = said(&registry.npm(OWNER, &["publish"]), false);
        for told in [
            "step-up-required",
            "or repeat the command with --otp=CODE",
            "/.stepup/device?user_code=",
        ] {
            assert!(ended.contains(told), "{told}: {ended}");
        }
        let mut ci = std::process::Command::new("npm");
        ci.args(registry.arguments(OWNER, &["publish"]));
        ci.env("GITHUB_ACTIONS", "true").env("CI", "true");
        let ended = ci.current_dir(registry.state.path()).output().unwrap();
        let ended = said(&ended, false);
        assert!(
            ended.contains("passing --otp=<code>") && !ended.contains("user_code"),
            "{ended}"
        );
        // A code that is wrong asks for another, and a right one does as ever.
        let wrong = said(&registry.npm(OWNER, &["publish", "--otp=000000"]), false);
        assert!(
            wrong.contains("passing --otp=<code>") && wrong.contains("wrong-answer"),
            "{wrong}"
        );
        let code = format!("--otp={}", registry.code(0));
        said(&registry.npm(OWNER, &["publish", &code]), true);
    });
}
