//! The same as npm asks for it: two addresses in the refusal, and a code at the end of the polls.

use super::{approve, bearing, decide, device, person, setup, text};
use crate::support::accounts::Accounts;
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, ORIGIN, Setup, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use crate::support::until;
use http::Method;
use serde_json::Value;

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: publish, title: Publish, level: 3, match: { path: "/publish/{rest...}" }, inline: { header: npm-otp } }
  - { id: token, title: Create a token, level: 4, match: { path: /token }, inline: { header: npm-otp } }
  - { id: printed, level: 3, match: { path: /printed }, inline: { header: x-printed } }
  - { id: plain, level: 3, match: { path: /plain } }
  - { id: here, level: 3, device: false, match: { path: /here }, inline: { header: npm-otp } }
"#;

const AGENT: &str = "npm/11.19.1 node/v22.22.0 linux x64 workspaces/false";

fn site(store: Store, accounts: &Accounts) -> Setup {
    setup(store, accounts).policy(POLICY)
}

/// npm with a token of alice's.
fn of_alice(sidecar: &Sidecar, accounts: &Accounts) -> Client {
    calling_itself(AGENT, sidecar, accounts)
}

fn calling_itself(agent: &str, sidecar: &Sidecar, accounts: &Accounts) -> Client {
    let token = format!("Bearer {}", accounts.key(USER));
    let npm = sidecar.client().header("authorization", &token);
    npm.header("user-agent", agent)
        .header("npm-auth-type", "web")
}

fn done_path(refused: &Answer) -> String {
    let document = refused.json();
    let path = text(&document["doneUrl"]).strip_prefix(ORIGIN);
    path.unwrap_or_else(|| panic!("{document}")).to_owned()
}

/// A poll that does not come too soon.
async fn poll(npm: &Client, path: &str) -> Answer {
    until("a poll at leisure", async || {
        let polled = npm.get(path).await;
        let is_slow = polled.status == 202 && polled.header("retry-after") == "6";
        Some(polled).filter(|_| !is_slow)
    })
    .await
}

/// A request that npm has filed: the refusal, and where it polls.
async fn filed(npm: &Client, path: &str) -> (Value, String) {
    let refused = npm.post(path).await;
    let (device, path) = (device(&refused), done_path(&refused));
    assert_eq!(poll(npm, &path).await.status, 202);
    (device, path)
}

async fn token(npm: &Client, path: &str) -> String {
    let done = poll(npm, path).await;
    assert_eq!(done.status, 200, "{}", done.text());
    text(&done.json()["token"]).to_owned()
}

fn with_code(npm: &Client, code: &str) -> Client {
    npm.clone().header("npm-otp", code)
}

on_both_stores! {
    async fn npm_repeats_its_call_with_what_its_owner_has_proved(store: Store) {
        let accounts = Accounts::new();
        let sidecar = site(store, &accounts).run();
        let (npm, alice) = (of_alice(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let before = sidecar.dump();
        let refused = npm.post("/publish/a").await;
        let told = refused.headers.get_all("www-authenticate").iter();
        let told: Vec<_> = told.map(|line| line.to_str().unwrap()).collect();
        assert_eq!((refused.status.as_u16(), told[0]), (401, "OTP"));
        assert_eq!(refused.json()["authUrl"], refused.json()["device"]["verification_uri_complete"]);
        assert_eq!(sidecar.dump(), before, "a refusal writes nothing");
        let path = done_path(&refused);
        let pending = poll(&npm, &path).await;
        assert_eq!((pending.status.as_u16(), pending.text()), (202, "{}"));
        assert_eq!((pending.header("retry-after"), pending.header("cache-control")), ("1", "no-store"));
        approve(&alice, &device(&refused)).await;
        let token = token(&npm, &path).await;
        assert_eq!(poll(&npm, &path).await.status, 400, "taken up once");

        let npm = with_code(&npm, &token);
        for path in ["/publish/a", "/publish/b"] {
            assert_eq!(npm.post(path).await.text(), "done for alice", "one command, several requests");
        }
        for other in ["/token", "/plain"] {
            assert_ne!(npm.post(other).await.status, 200, "{other}");
        }
        // With another token of the same person it is a code, and a wrong one.
        let stolen = with_code(&of_alice(&sidecar, &accounts), &token).post("/publish/c").await;
        assert_eq!(stolen.reason(), "wrong-answer");
        assert_eq!(sidecar.got("/publish/c"), 0);
        let log = sidecar.log();
        let code = path.split_once('=').unwrap().1;
        for secret in [token.as_str(), code] {
            assert!(!sidecar::shows(&log, secret), "{log}");
        }
        assert!(!sidecar.dump().contains(&token));
    }

    async fn what_is_for_one_request_is_spent_by_it(store: Store) {
        let accounts = Accounts::new();
        let sidecar = site(store, &accounts).run();
        let (npm, alice) = (of_alice(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let (device, path) = filed(&npm, "/token").await;
        approve(&alice, &device).await;
        let npm = with_code(&npm, &token(&npm, &path).await);
        assert_eq!(npm.post("/token?other").await.status, 401, "another request");
        assert_eq!(npm.post("/token").await.text(), "done for alice");
        assert_eq!(npm.post("/token").await.status, 401);
        assert_eq!(sidecar.got("/token"), 1);
    }

    async fn a_key_reaches_the_application_nowhere_and_a_code_of_its_own_does(store: Store) {
        let accounts = Accounts::new();
        let sidecar = site(store, &accounts).run();
        let (npm, alice) = (of_alice(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let (device, path) = filed(&npm, "/publish/a").await;
        approve(&alice, &device).await;
        let key = token(&npm, &path).await;
        // npm sends it with all requests of its command.
        for open in ["/open", "/publish/a"] {
            assert_eq!(with_code(&npm, &key).post(open).await.status, 200);
        }
        assert_eq!(with_code(&npm, "123456").post("/open").await.status, 200);
        let sent = sidecar.upstream().got();
        let sent = sent.iter().filter(|got| got.target == "/open" || got.target == "/publish/a");
        let sent: Vec<_> = sent.map(|got| got.header("npm-otp").to_owned()).collect();
        assert_eq!(sent, ["", "", "123456"]);
        // Where no route names the header it means nothing to us, nor opens anything.
        let other = with_code(&npm, &key).header("x-printed", &key);
        assert_eq!(other.post("/plain").await.status, 403);
    }

    async fn only_who_waits_for_a_person_is_named_the_page(store: Store) {
        let accounts = Accounts::new();
        let sidecar = site(store, &accounts).run();
        let npm = of_alice(&sidecar, &accounts);
        let names = |refused: &Answer| !refused.json()["authUrl"].is_null() || !refused.json()["doneUrl"].is_null();
        let bun = calling_itself("Bun/1.4.5 linux x64 workspaces/false", &sidecar, &accounts);
        for program in [&npm, &bun] {
            assert!(names(&program.post("/publish/a").await));
        }
        let older = bearing(&sidecar, &accounts.key(USER));
        for (name, other) in [
            ("no word of it", older.clone()),
            ("asks for a code", older.header("npm-auth-type", "legacy")),
            ("nobody waits", calling_itself(&format!("{AGENT} ci/github-actions"), &sidecar, &accounts)),
            ("polls without a credential", calling_itself("pnpm/12.21.0 npm/? node/? linux x64", &sidecar, &accounts)),
            ("a page", npm.clone().header("origin", ORIGIN)),
            ("a script", npm.clone().header("sec-fetch-site", "same-origin")),
            ("brings a code", with_code(&npm, "000000")),
        ] {
            let refused = other.post("/publish/a").await;
            assert!(!names(&refused) && refused.json()["challenge"].is_object(), "{name}: {}", refused.text());
        }
        for path in ["/plain", "/here", "/printed"] {
            assert!(!names(&npm.post(path).await), "{path}");
        }
        // npm would poll there without its token.
        let elsewhere = site(store, &accounts).line("public_url: http://elsewhere.test").run();
        let refused = of_alice(&elsewhere, &accounts).post("/publish/a").await;
        assert!(!names(&refused) && refused.json()["device"].is_object(), "{}", refused.text());
    }

    async fn polls_end_where_nothing_comes_of_it(store: Store) {
        let accounts = Accounts::new();
        let sidecar = site(store, &accounts).run();
        let (npm, alice) = (of_alice(&sidecar, &accounts), person(&sidecar, &accounts, USER));
        let (device, path) = filed(&npm, "/publish/a").await;
        // Of another session, without one, from a page, and by HEAD.
        let other = of_alice(&sidecar, &accounts);
        let unknown = other.get(&path).await;
        assert_eq!((unknown.status.as_u16(), &unknown.json()["code"]), (400, &"invalid_grant".into()));
        assert_eq!(other.get("/.stepup/device/done?device_code=x").await.status, 400);
        assert_eq!(other.get("/.stepup/device/done").await.reason(), "ambiguous-request");
        assert_eq!(sidecar.client().get(&path).await.status, 401);
        for (name, value) in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "none"), ("origin", "http://evil.test")] {
            let refused = npm.clone().header(name, value).get(&path).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, "cross-site".into()), "{value}");
        }
        for method in [Method::HEAD, Method::POST] {
            assert_eq!(npm.send(npm.request(method, &path, "")).await.status, 405);
        }
        decide(&alice, &device, "deny").await;
        let denied = poll(&npm, &path).await;
        assert_eq!((denied.status.as_u16(), &denied.json()["code"]), (400, &"access_denied".into()));
        assert_eq!(denied.header("npm-notice"), "the owner of the account said no");
        assert!(text(&denied.json()["error"]).starts_with("You have denied this."));
    }

    async fn too_many_requests_are_told_when_to_come_again(store: Store) {
        let accounts = Accounts::new();
        let limits = "limits: { devices_in_session: { attempts: 1, window: 15m } }";
        let sidecar = site(store, &accounts).with("verification", limits).run();
        let npm = of_alice(&sidecar, &accounts);
        filed(&npm, "/publish/a").await;
        let barred = poll(&npm, &done_path(&npm.post("/publish/b").await)).await;
        assert_eq!((barred.status.as_u16(), barred.reason()), (429, "too-many-attempts".into()));
        assert!(barred.header("retry-after").parse::<u64>().unwrap() > 0);
        assert!(barred.header("npm-notice").contains("too-many-attempts") && barred.json()["error"].is_string());
    }

    async fn who_polls_too_fast_is_told_when_to_come_again(store: Store) {
        let accounts = Accounts::new();
        let sidecar = site(store, &accounts).with("verification", "device_interval: 5s").run();
        let npm = of_alice(&sidecar, &accounts);
        let path = done_path(&npm.post("/publish/a").await);
        for wait in ["5", "10"] {
            let waits = npm.get(&path).await;
            assert_eq!((waits.status.as_u16(), waits.header("retry-after")), (202, wait));
        }
    }
}
