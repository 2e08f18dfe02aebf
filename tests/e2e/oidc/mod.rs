//! Step-up at the identity provider: a fresh sign-in of the session's own subject, and nothing else, is a proof.

mod approval;
mod forged;
mod journey;
mod logout;
mod providers;

pub(crate) use providers::{ForgedProvider, RealProvider, SECRET, settings};

use crate::support::client::{Answer, Client};
use crate::support::sidecar::{self, HOST, KEY_COOKIE, ORIGIN, Sidecar, USER};
use crate::support::store::{Store, on_both_stores};
use crate::support::until;
use http::{HeaderValue, Method, Request};
use providers::{onward, parameter, sign_in};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: keys, action: keys.create, title: Create an API key, level: 3, factors: [oidc], match: { methods: [POST], path: /keys } }
  - { id: read, action: keys.read, title: Read the keys, level: 3, factors: [oidc], match: { methods: [GET], path: /keys } }
  - { id: gold, action: keys.gold, title: Strong keys, level: 3, factors: [oidc], oidc: { acr: [gold] }, match: { methods: [POST], path: /gold } }
  - { id: sudo, title: Sudo, level: 2, factors: [oidc], match: { methods: [POST], path: /sudo } }
  - { id: sudo-gold, title: Strong sudo, level: 2, factors: [oidc], oidc: { acr: gold }, match: { methods: [POST], path: /sudo-gold } }
  - { id: both, action: both, title: Both, level: 3, factors: [oidc+totp], oidc: { acr: [gold, silver] }, match: { methods: [POST], path: /both } }
  - { id: strict, action: strict, title: Strict, level: 3, preset: strict, match: { methods: [POST], path: /strict } }
  - { id: pay, title: Pay, level: 4, factors: [oidc], bind: [form.sum], approval: { by: [alice, bob] }, match: { methods: [POST], path: /pay } }
  - { id: delete, action: account.delete, title: Delete an account, level: 4, confirm: DELETE, show: { user: path.id }, match: { methods: [POST], path: "/users/{id}/delete" } }
"#;

/// A sidecar whose people sign in at a real provider.
fn with_provider(store: Store, more: &str) -> (Sidecar, RealProvider) {
    let mut provider = RealProvider::at_rest();
    let sidecar = providers::run(sidecar::on(store).policy(POLICY), provider.addr(), more);
    provider.start(&sidecar, ORIGIN);
    (sidecar, provider)
}

/// Begins as a page's script: the URL of the provider.
async fn begin(script: &Client, token: &str) -> String {
    let begun = script
        .call(
            Method::POST,
            "/.stepup/oidc/begin",
            json!({ "token": token }),
        )
        .await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    begun.json()["url"].as_str().unwrap().to_owned()
}

/// Begins at the button of the prompt page: the URL of the provider.
async fn press(browser: &Client, page: &Answer, more: &[(&str, &str)]) -> Answer {
    assert!(
        page.text().contains("/.stepup/oidc/begin"),
        "{}",
        page.text()
    );
    let mut names = vec!["token", "anti_forgery"];
    if page.text().contains("name=\"carried\"") {
        names.push("carried");
    }
    let hidden: Vec<_> = names
        .iter()
        .map(|name| (*name, page.hidden(name)))
        .collect();
    let mut fields: Vec<_> = hidden
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    fields.extend(more);
    browser.post_form("/.stepup/oidc/begin", &fields).await
}

/// Comes back as a browser does: straight from the provider first, then from the page of ours that it gets.
async fn come_back(browser: &Client, callback: &str) -> Answer {
    let page = browser.send(from_elsewhere(browser, callback)).await;
    let to = onward(&page);
    assert_eq!(to, callback);
    browser.get(&to).await
}

/// A navigation that another site began.
fn from_elsewhere(browser: &Client, path: &str) -> Request<crate::support::client::Body> {
    let mut request = browser.request(Method::GET, path, "");
    let headers = request.headers_mut();
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    request
}

/// A refused post of the user's script, proved by a sign-in as `query` says.
async fn prove(
    sidecar: &Sidecar,
    provider: &RealProvider,
    script: &Client,
    path: &str,
    query: &str,
) -> Answer {
    let token = script.post(path).await.token();
    let url = begin(script, &token).await;
    let callback = sign_in(&provider.client(), &url, query).await;
    let browser = sidecar.browser_of(script);
    let answer = come_back(&browser, &callback).await;
    if let Some(key) = browser.cookie(KEY_COOKIE) {
        script.set_cookie(KEY_COOKIE, &key);
    }
    answer
}

on_both_stores! {
    async fn a_code_by_mail_begins_nothing_for_whom_the_provider_knows(store: Store) {
        let (mut sidecar, _provider) = with_provider(store, "");
        let address = format!("first.{}", sidecar.address);
        sidecar.command(&["user", "add", "bob", "--email", &address, "--no-password"]);
        sidecar.restart_with("verification:", "verification:\n  first_enrollment: email_code");
        let bob = sidecar.script();
        bob.log_in("bob").await;
        let refused = bob.get("/.stepup/enroll").await;
        assert_eq!(refused.json()["challenge"]["factors"], json!([["oidc"]]), "{}", refused.text());
    }

    async fn a_fresh_sign_in_of_the_sessions_subject_is_a_proof(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let script = sidecar.logged_in().await;
        let refused = script.post("/keys").await;
        let challenge = &refused.json()["challenge"];
        assert_eq!(challenge["factors"], json!([["oidc"]]));
        assert_eq!(challenge["hints"]["oidc"], "/.stepup/oidc/begin");
        let url = begin(&script, &refused.token()).await;
        for (name, value) in [
            ("response_type", "code"), ("client_id", "stepgate"), ("scope", "openid"), ("prompt", "login"),
            ("max_age", "0"), ("code_challenge_method", "S256"), ("login_hint", USER), ("acr_values", ""),
            ("redirect_uri", "http://app.test/.stepup/oidc/callback"),
        ] {
            assert_eq!(parameter(&url, name), value, "{name}");
        }
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        assert!(!parameter(&callback, "iss").is_empty(), "{callback}");
        let browser = sidecar.browser_of(&script);
        let done = come_back(&browser, &callback).await;
        assert!(done.text().contains("You are verified"), "{}", done.text());
        script.set_cookie(KEY_COOKIE, &browser.cookie(KEY_COOKIE).unwrap());
        assert_eq!(script.post("/keys").await.status, 200);
        let events = sidecar.events(1, |event| event["event"] == "verified");
        assert_eq!(events[0]["factor"], "oidc");
        assert_eq!(sidecar.events(1, |event| event["event"] == "sign-in-begun").len(), 1);
        // The answer is good once, for its own browser too.
        let again = browser.get(&callback).await;
        assert_eq!(again.status, 403);
        assert!(again.text().contains("This verification has ended"), "{}", again.text());
        // It is a strong one, and stands beside others where the policy names none.
        let strict = script.post("/strict").await.json()["challenge"]["factors"].clone();
        assert_eq!(strict, json!([["oidc"], ["password"], ["totp"]]));
    }

    async fn a_form_and_its_phrase_go_along_to_the_provider_and_come_back(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        let page = browser.post_form("/users/7/delete", &[("reason", "a <b>")]).await;
        assert!(page.text().contains("You sign in once more at Example ID"), "{}", page.text());
        let unconfirmed = press(&browser, &page, &[("confirm", "delete")]).await;
        assert!(unconfirmed.text().contains("Type “DELETE” exactly"), "{}", unconfirmed.text());
        let page = press(&browser, &unconfirmed, &[("confirm", " DELETE ")]).await;
        assert!(page.header("content-security-policy").contains("form-action 'self'"));
        let url = onward(&page);
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        let done = come_back(&browser, &callback).await;
        assert!(done.text().contains("action=\"/users/7/delete\""), "{}", done.text());
        assert!(done.text().contains("a &#60;b&#62;"), "{}", done.text());
        assert_eq!(sidecar.got("/users/7/delete"), 0, "we never replay");
        assert_eq!(browser.post_form("/users/7/delete", &[("reason", "other")]).await.status, 403);
        assert_eq!(browser.post_form("/users/7/delete", &[("reason", "a <b>")]).await.status, 200);
        // A page that was asked for is where one comes back to.
        let page = browser.get("/keys?of=x").await;
        let page = browser.get(page.header("location")).await;
        let url = onward(&press(&browser, &page, &[]).await);
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        let back = come_back(&browser, &callback).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, "/keys?of=x"));
        assert_eq!(browser.get("/keys?of=x").await.status, 200);
    }

    async fn who_cancels_or_is_somebody_else_is_back_at_the_prompt(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        let mut page = browser.post_form("/users/7/delete", &[]).await;
        for (query, words, reason) in [
            ("error=access_denied", "You did not sign in at Example ID", "sign-in-cancelled"),
            ("error=login_required", "You did not sign in at Example ID", "sign-in-cancelled"),
            ("login=mallory", "You signed in at Example ID with another account", "sign-in-other-account"),
            ("login=alice&age=3600", "did not confirm that you signed in just now", "sign-in-not-accepted"),
        ] {
            let url = onward(&press(&browser, &page, &[("confirm", "DELETE")]).await);
            let callback = sign_in(&provider.client(), &url, query).await;
            page = come_back(&browser, &callback).await;
            assert_eq!(page.status, 403, "{query}");
            assert!(page.text().contains(words), "{query}: {}", page.text());
            assert!(!page.text().contains("mallory"), "who else that was is nobody's business");
            assert!(page.text().contains("name=\"carried\""), "the form is lost: {query}");
            let told = sidecar.events(1, |event| event["reason"] == reason);
            assert_eq!(told.last().unwrap()["factor"], "oidc", "{query}");
        }
        let url = onward(&press(&browser, &page, &[("confirm", "DELETE")]).await);
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        let done = come_back(&browser, &callback).await;
        assert!(done.text().contains("action=\"/users/7/delete\""), "{}", done.text());
    }

    async fn what_began_in_one_browser_or_session_ends_in_no_other(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let victim = sidecar.logged_in().await;
        // The thief has her cookie alone, and leads her to finish what he began.
        let thief = sidecar.thief_of(&victim);
        let url = begin(&thief, &thief.post("/keys").await.token()).await;
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        let hers = come_back(&sidecar.browser_of(&victim), &callback).await;
        assert!(hers.text().contains("This verification has ended"), "{}", hers.text());
        // It is spent: he cannot finish it either.
        let his = come_back(&sidecar.browser_of(&thief), &callback).await;
        assert_eq!(his.status, 403);
        assert_eq!(thief.post("/keys").await.status, 403);
        assert_eq!(victim.post("/keys").await.status, 403);
        // An answer to what she began is nothing to him, nor to somebody who has logged in as another.
        for other in [sidecar.thief_of(&victim), { let bob = sidecar.script(); bob.log_in("bob").await; bob }] {
            let url = begin(&victim, &victim.post("/keys").await.token()).await;
            let callback = sign_in(&provider.client(), &url, "login=alice").await;
            let stolen = come_back(&sidecar.browser_of(&other), &callback).await;
            assert_eq!(stolen.status, 403, "{}", stolen.text());
            assert_eq!(other.post("/keys").await.status, 403);
        }
        // A code of his own, put into her callback, is another's sign-in.
        let url = begin(&victim, &victim.post("/keys").await.token()).await;
        let mine = sidecar.logged_in().await;
        let his = begin(&mine, &mine.post("/keys").await.token()).await;
        let code = parameter(&sign_in(&provider.client(), &his, "login=alice").await, "code");
        let issuer = format!("http://{}", provider.addr());
        let injected = format!("/.stepup/oidc/callback?state={}&code={code}&iss={issuer}", parameter(&url, "state"));
        let page = sidecar.browser_of(&victim).get(&injected).await;
        assert!(page.text().contains("did not confirm"), "{}", page.text());
        assert_eq!(victim.post("/keys").await.status, 403);
    }

    async fn a_sign_in_counts_for_the_authentication_contexts_that_it_had(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let script = sidecar.logged_in().await;
        let asked = begin(&script, &script.post("/gold").await.token()).await;
        assert_eq!(parameter(&asked, "acr_values"), "gold");
        let weak = prove(&sidecar, &provider, &script, "/gold", "login=alice&acr=silver").await;
        assert!(weak.text().contains("in the way that this needs"), "{}", weak.text());
        assert_eq!(script.post("/gold").await.status, 403);
        // What a weaker one has proved elsewhere is none here, in the same session.
        prove(&sidecar, &provider, &script, "/sudo", "login=alice&acr=silver").await;
        assert_eq!(script.post("/sudo").await.status, 200);
        assert_eq!(script.post("/sudo-gold").await.status, 403);
        prove(&sidecar, &provider, &script, "/gold", "login=alice&acr=gold").await;
        let proved = sidecar.events(2, |event| event["event"] == "verified");
        assert_eq!(proved[1]["acr"], "gold");
        assert_eq!(script.post("/gold").await.status, 200);
        assert_eq!(script.post("/sudo-gold").await.status, 200);
        // With a second factor after it, what the first had is still known.
        let token = script.post("/both").await.token();
        let url = begin(&script, &token).await;
        let callback = sign_in(&provider.client(), &url, "login=alice&acr=silver").await;
        let browser = sidecar.browser_of(&script);
        let more = come_back(&browser, &callback).await;
        assert!(more.text().contains("Step 2 of 2"), "{}", more.text());
        let passed = script.verify(&token, ("totp", &sidecar.totp(0))).await;
        assert_eq!(passed.json()["verified"], true, "{}", passed.text());
        assert_eq!(script.post("/both").await.status, 200);
    }

    async fn another_claim_may_name_the_subject_and_a_rule_whom_the_provider_knows(store: Store) {
        let more = ", subject: /preferred_username, scopes: [profile], subjects: 'ali.*', login_hint: false";
        let (sidecar, provider) = with_provider(store, more);
        let script = sidecar.logged_in().await;
        let url = begin(&script, &script.post("/keys").await.token()).await;
        assert_eq!((parameter(&url, "scope"), parameter(&url, "login_hint")), ("openid profile".into(), String::new()));
        // The ID token does not have it; `userinfo` does.
        prove(&sidecar, &provider, &script, "/keys", "login=Alice").await;
        assert_eq!(script.post("/keys").await.status, 200);
        let other = prove(&sidecar, &provider, &script, "/gold", "login=bob&acr=gold").await;
        assert!(other.text().contains("with another account"), "{}", other.text());
        let bob = sidecar.script();
        bob.log_in("bob").await;
        assert_eq!(bob.post("/keys").await.reason(), "method-not-enrolled");
    }

    async fn a_program_finishes_by_itself_what_its_window_was_sent_back_with(store: Store) {
        let (sidecar, provider) = with_provider(store, "");
        let script = sidecar.logged_in().await;
        let token = script.post("/keys").await.token();
        let url = begin(&script, &token).await;
        let callback = sign_in(&provider.client(), &url, "login=alice").await;
        let answer = ["state", "code", "iss"].map(|name| (name.to_owned(), json!(parameter(&callback, name))));
        let answer: Value = answer.into_iter().collect::<serde_json::Map<_, _>>().into();
        let body = json!({ "token": token, "factor": "oidc", "answer": answer });
        let done = script.call(Method::POST, "/.stepup/verify", body.clone()).await;
        assert_eq!(done.json()["verified"], true, "{}", done.text());
        assert_eq!(script.post("/keys").await.status, 200);
        let again = script.call(Method::POST, "/.stepup/verify", body).await;
        assert_eq!(again.reason(), "challenge-expired");
        // A text is no answer of a provider.
        let token = script.post("/gold").await.token();
        assert_eq!(script.verify(&token, ("oidc", "code")).await.status, 400);
    }

    async fn keys_of_the_provider_may_change_and_it_may_be_away(store: Store) {
        let (sidecar, mut provider) = with_provider(store, "");
        let script = sidecar.logged_in().await;
        prove(&sidecar, &provider, &script, "/keys", "login=alice").await;
        provider.start(&sidecar, ORIGIN);
        // Its keys are asked for again as soon as they may be; until then nothing is counted.
        let proved = async || {
            // No faster: a session may begin ten sign-ins, whatever comes of them.
            sleep(Duration::from_millis(300)).await;
            prove(&sidecar, &provider, &script, "/gold", "login=alice&acr=gold").await;
            (script.post("/gold").await.status == 200).then_some(())
        };
        until("its new key is known", proved).await;
        // Between the two steps it goes away: nothing is counted, and the person may try again.
        let token = script.post("/sudo-gold").await;
        assert_eq!(token.status, 200, "marked");
        let token = script.post("/users/1/delete").await.token();
        let body = json!({ "token": token, "confirm": "DELETE" });
        let begun = script.call(Method::POST, "/.stepup/oidc/begin", body).await;
        let callback = sign_in(&provider.client(), begun.json()["url"].as_str().unwrap(), "login=alice").await;
        provider.stop();
        let page = come_back(&sidecar.browser_of(&script), &callback).await;
        assert_eq!(page.status, 503);
        assert!(page.text().contains("Example ID does not answer"), "{}", page.text());
    }
}

#[test]
fn a_provider_that_has_never_answered_is_said_to_be_away() {
    crate::support::run(async {
        let mut provider = RealProvider::at_rest();
        let setup = sidecar::on(Store::Embedded).policy(POLICY);
        let sidecar = providers::run(setup, provider.addr(), ", deadline: 1s");
        let script = sidecar.logged_in().await;
        let token = script.post("/keys").await.token();
        let body = json!({ "token": token });
        let away = script
            .call(Method::POST, "/.stepup/oidc/begin", body.clone())
            .await;
        assert_eq!(
            (away.status.as_u16(), away.reason()),
            (503, "provider-unavailable".to_owned())
        );
        provider.start(&sidecar, ORIGIN);
        let there = async || {
            let begun = script
                .call(Method::POST, "/.stepup/oidc/begin", body.clone())
                .await;
            (begun.status == 200).then_some(())
        };
        until("the provider is found", there).await;
        assert_eq!(
            sidecar
                .client()
                .host(HOST)
                .get("/.stepup/oidc/begin")
                .await
                .status,
            405
        );
    });
}
