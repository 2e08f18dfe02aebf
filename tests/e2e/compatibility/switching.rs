//! Django once more: its own second factor, with a thief who has half of it; and administrators who log in as
//! somebody else, by django-hijack (POST, a new cookie) and by django-impersonate (GET, the same cookie).

use super::applications::{Applications, OWNER, Site, THIEF};
use super::logins::{form, path_of};
use super::steps::{
    add_authenticator, code_of_two, name_first, password_of_two, reset_password, sign_up,
};
use super::story::{POLICY, THIEFS_PASSWORD, done_for, is_challenged};
use crate::support::client::{Answer, Client};
use crate::support::sidecar::{PASSWORD, Sidecar, on};
use crate::support::store::{Store, on_both_stores};
use std::fs;
use std::path::Path;

/// With the settings that a section of `docs/sessions.md` shows, but for the lines that hold `without`.
fn sidecar(store: Store, section: &str, without: Option<&str>) -> Sidecar {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sessions.md");
    let docs = fs::read_to_string(docs).unwrap();
    let (_, section) = docs.split_once(&format!("\n## {section}\n")).unwrap();
    let (_, example) = section.split_once("```yaml\nsession:\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let is_kept = |line: &&str| without.is_none_or(|word| !line.contains(word));
    let example: Vec<_> = example.lines().filter(is_kept).collect();
    let mut setup = on(store)
        .in_front_of(Applications::shared().addr(Site::Django))
        .policy(POLICY);
    for line in example.join("\n").replace("\n    ", " ").lines() {
        setup = setup.with("session", line.trim());
    }
    let sidecar = setup.run();
    sidecar.add_user(THIEF, "mallory@example.test", THIEFS_PASSWORD);
    sidecar
}

const SEVERAL_STEPS: &str = "Logins in several steps, sign-up, reset";

/// How an administrator becomes somebody else, and themselves again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    Hijack,
    Impersonate,
}

impl Switch {
    /// The thief is the second who is there.
    async fn start(self, client: &Client) {
        let answer = match self {
            Self::Hijack => post(client, "/hijack/acquire/", ("user_pk", "2")).await,
            Self::Impersonate => client.get("/impersonate/2/").await,
        };
        assert_eq!(answer.header("location"), "/home", "{}", answer.text());
        assert_eq!(acts_for(client).await.as_deref(), Some(THIEF));
    }

    async fn stop(self, client: &Client) {
        let answer = match self {
            Self::Hijack => post(client, "/hijack/release/", ("next", "/home")).await,
            Self::Impersonate => client.get("/impersonate/stop/").await,
        };
        assert_eq!(answer.header("location"), "/home", "{}", answer.text());
        assert_eq!(acts_for(client).await.as_deref(), Some(OWNER));
    }
}

async fn post(client: &Client, path: &str, field: (&str, &str)) -> Answer {
    let csrf = client.cookie("csrftoken").unwrap();
    let fields = [("csrfmiddlewaretoken", &csrf[..]), ("next", "/home"), field];
    client.post_form(path, &fields).await
}

async fn acts_for(client: &Client) -> Option<String> {
    let me = client.get("/me").await.json();
    me["user"]["name"].as_str().map(str::to_owned)
}

async fn prove(client: &Client, refused: &Answer, password: &str) -> bool {
    let token = refused.token();
    client.verify(&token, ("password", password)).await.status == 200
}

on_both_stores! {
    async fn whoever_logs_in_as_another_proves_anew_and_so_they_do_when_they_are_back(store: Store) {
        for switch in [Switch::Hijack, Switch::Impersonate] {
            // Declared as a login, and in a way of which no setting knows.
            for without in [None, Some("{ match:")] {
                let sidecar = sidecar(store, "Log in as", without);
                let client = sidecar.script();
                form(&client, OWNER).await;
                assert_eq!(client.post("/act/1").await.text(), done_for(OWNER), "fresh");
                client.earn("/act/3").await;
                assert_eq!(client.post("/act/3").await.text(), done_for(OWNER));
                // A grant for one request is live, and a challenge is open.
                client.earn("/act/4").await;
                let open = client.post("/act/12").await;
                switch.start(&client).await;
                let refused = client.post("/act/4").await;
                assert!(is_challenged(&refused), "{switch:?}: {}", refused.text());
                assert!(!prove(&client, &refused, PASSWORD).await, "the administrator's password is not his");
                if open.status != 200 {
                    assert!(!prove(&client, &open, PASSWORD).await, "a challenge of somebody else");
                }
                for path in ["/act/1", "/act/12", "/act/3", "/act/4"] {
                    let refused = client.post(path).await;
                    assert!(is_challenged(&refused), "{switch:?} {path}: {}", refused.text());
                }
                let refused = client.post("/act/3").await;
                assert!(prove(&client, &refused, THIEFS_PASSWORD).await);
                assert_eq!(client.post("/act/3").await.text(), done_for(THIEF));
                switch.stop(&client).await;
                for path in ["/act/4", "/act/3", "/act/12", "/act/1"] {
                    let refused = client.post(path).await;
                    assert!(is_challenged(&refused), "{switch:?} {path}: {}", refused.text());
                }
                let refused = client.post("/act/3").await;
                assert!(!prove(&client, &refused, THIEFS_PASSWORD).await);
                client.earn("/act/3").await;
                assert_eq!(client.post("/act/3").await.text(), done_for(OWNER));
                let passed = sidecar.events(3, |event| {
                    event["path"] == "/act/3" && event["outcome"] == "forwarded"
                });
                let subjects: Vec<_> = passed.iter().map(|event| event["subject"].as_str().unwrap()).collect();
                assert_eq!(subjects, [OWNER, THIEF, OWNER], "{switch:?}");
            }
        }
    }

    async fn the_applications_own_second_factor_ends_a_login_and_half_of_it_none(store: Store) {
        let sidecar = sidecar(store, SEVERAL_STEPS, None);
        let name = format!("two-{store:?}").to_lowercase();
        sidecar.add_user(&name, "two@example.test", PASSWORD);
        sign_up(&sidecar.script(), &name).await;
        let secret = add_authenticator(&name).await;
        let owner = sidecar.script();
        password_of_two(&owner, &name).await;
        // Whoever has the password has no session by it, nor by the cookie of one half.
        let thief = sidecar.script();
        thief.set_cookie("sessionid", &owner.cookie("sessionid").unwrap());
        for client in [&thief, &owner.clone()] {
            for path in ["/act/1", "/act/3"] {
                let refused = client.clone().post(path).await;
                assert_eq!(refused.reason(), "session-required", "{path}");
            }
        }
        code_of_two(&owner, &secret).await;
        assert_eq!(owner.post("/act/1").await.text(), done_for(&name), "fresh");
        owner.earn("/act/3").await;
        assert_eq!(owner.post("/act/3").await.text(), done_for(&name));
        let thief_too = owner.clone();
        thief_too.drop_cookie("stepgate");
        for client in [&thief, &thief_too] {
            for path in ["/act/1", "/act/3"] {
                let refused = client.post(path).await;
                assert_ne!(refused.status, 200, "{path}");
                if is_challenged(&refused) {
                    assert!(!prove(client, &refused, THIEFS_PASSWORD).await, "{path}");
                }
            }
        }
        let logins = sidecar.events(1, |event| event["event"] == "login-observed");
        assert!(logins.iter().all(|event| event["subject"] == name.as_str()), "{logins:?}");
    }

    async fn whoever_signs_up_has_a_new_password_or_sends_a_code_is_fresh(store: Store) {
        let sidecar = sidecar(store, SEVERAL_STEPS, None);
        let name = format!("new-{store:?}").to_lowercase();
        sidecar.add_user(&name, "new@example.test", PASSWORD);
        let clients = [sidecar.script(), sidecar.script(), sidecar.script()];
        sign_up(&clients[0], &name).await;
        name_first(&clients[1], &name).await;
        reset_password(&clients[2], &name).await;
        for client in &clients {
            // The new password has ended the sessions that there were.
            if acts_for(client).await.as_deref() == Some(&name) {
                assert_eq!(client.post("/act/1").await.text(), done_for(&name), "fresh");
                client.earn("/act/3").await;
                assert_eq!(client.post("/act/3").await.text(), done_for(&name));
            } else {
                assert_eq!(client.post("/act/3").await.reason(), "session-required");
            }
        }
        assert_eq!(acts_for(&clients[2]).await, Some(name));
    }

    async fn a_page_for_consent_behind_the_login_keeps_it_fresh(store: Store) {
        let login = r#"{ match: { methods: [GET], path: "/auth/{uid}" }, subject: whoami, success: { status: 303, location: "/interaction/.*" } }"#;
        let sidecar = on(store)
            .in_front_of(Applications::shared().provider())
            .policy(POLICY)
            .with("session", "cookies: [_session, _session.legacy]")
            .with("session", "whoami: { url: /me, subject: { json: /name } }")
            .with("session", &format!("learn: {{ logins: [{login}] }}"))
            .run();
        let client = sidecar.script();
        let begin = "/auth?client_id=shop&response_type=code&scope=openid&nonce=n&code_challenge_method=S256\
                     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&redirect_uri=http%3A%2F%2Fapp.test%2Foauth%2Fcallback";
        let mut place = client.get(begin).await.header("location").to_owned();
        for fields in [[("prompt", "login"), ("login", OWNER), ("password", "any")].as_slice(), &[("prompt", "consent")]] {
            let cookie = client.cookie("_session");
            assert_eq!(client.get(path_of(&place)).await.status, 200);
            let step = client.post_form(path_of(&place), fields).await;
            let ended = client.get(path_of(step.header("location"))).await;
            ended.header("location").clone_into(&mut place);
            assert_ne!(client.cookie("_session"), cookie, "each of the two sets it");
            assert_eq!(client.post("/act/1").await.text(), done_for(OWNER), "fresh: {fields:?}");
        }
        assert!(place.starts_with("http://app.test/oauth/callback?code="), "{place}");
        client.earn("/act/3").await;
        assert_eq!(client.post("/act/3").await.text(), done_for(OWNER));
        let thief = client.clone();
        thief.drop_cookie("stepgate");
        let refused = thief.post("/act/3").await;
        assert!(!prove(&thief, &refused, THIEFS_PASSWORD).await);
    }
}
