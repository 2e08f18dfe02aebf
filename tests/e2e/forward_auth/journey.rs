//! What people and scripts meet behind a proxy that asks.

use super::front::{ALL, Front, Proxy};
use crate::support::accounts::Mood;
use crate::support::client::{Answer, Client};
use crate::support::run;
use crate::support::sidecar::{COOKIE, PASSWORD, USER};
use http::Method;
use serde_json::json;

/// Types the password into the prompt and presses the button.
async fn answer_prompt(browser: &Client, page: &Answer) -> Answer {
    let mut fields: Vec<_> = ["token", "anti_forgery"]
        .map(|name| (name, page.hidden(name)))
        .into();
    if page.text().contains("name=\"carried\"") {
        fields.push(("carried", page.hidden("carried")));
    }
    fields.extend([("factor", "password".into()), ("answer", PASSWORD.into())]);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    browser.post_form("/.stepup/verify", &fields).await
}

#[test]
fn a_script_passes_where_nothing_guards_and_where_it_has_proved_itself() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let (script, sidecar) = (front.client().fetching(), front.sidecar());
            let free = script.get("/notes/a%2Fb?x=%20&y").await;
            assert_eq!(free.text(), format!("done for {USER}"), "{proxy:?}");
            let got = sidecar.upstream().last();
            assert_eq!(
                (&*got.target, got.header("step-up-assertion")),
                ("/notes/a%2Fb?x=%20&y", "")
            );
            let posted = script.post_form("/notes", &[("text", "a b")]).await;
            assert_eq!(posted.status, 200, "{proxy:?}");
            assert_eq!(sidecar.upstream().last().body, "text=a+b");
            // More than anybody would tell in a question.
            let upload = script.request(Method::PUT, "/notes", vec![b'x'; 300_000]);
            assert_eq!(script.send(upload).await.status, 200, "{proxy:?}");
            assert_eq!(sidecar.upstream().last().body.len(), 300_000, "{proxy:?}");

            let refused = script.call(Method::POST, "/keys", json!({})).await;
            assert_eq!(
                (refused.status.as_u16(), refused.reason()),
                (403, "step-up-required".into())
            );
            assert_eq!(refused.header("step-up"), "challenge", "{proxy:?}");
            assert_eq!(sidecar.got("/keys"), 0, "{proxy:?}");
            script.pass(&refused).await;
            let passed = script
                .call(Method::POST, "/keys", json!({ "name": "ci" }))
                .await;
            assert_eq!(passed.text(), format!("done for {USER}"), "{proxy:?}");
            let got = sidecar.upstream().last();
            assert_eq!(got.body, "{\"name\":\"ci\"}", "{proxy:?}");
            assert_ne!(got.header("step-up-assertion"), "", "{proxy:?}");
            assert!(
                !format!("{:?}", got.headers).contains("step-up-secret"),
                "{proxy:?}"
            );
            let passed = sidecar.events(1, |event| {
                event["path"] == "/keys" && event["outcome"] == "forwarded"
            });
            // Of a client on its own machine, Envoy tells an address of that, which is none of the trusted proxies here.
            if ![Proxy::Envoy, Proxy::EnvoyGrpc].contains(&proxy) {
                assert_eq!(passed[0]["client"], "127.0.0.1", "{proxy:?}");
            }
        }
    });
}

#[test]
fn one_use_is_for_one_request_that_is_told_without_its_body() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let script = front.client().fetching();
            let refused = script.delete("/users/5").await;
            assert_eq!(
                refused.json()["challenge"]["bound"],
                json!([["user", "5"]]),
                "{proxy:?}"
            );
            script.pass(&refused).await;
            for (path, status) in [("/users/6", 403), ("/users/5", 200), ("/users/5", 403)] {
                assert_eq!(script.delete(path).await.status, status, "{proxy:?} {path}");
            }
            assert_eq!(
                (
                    front.sidecar().got("/users/5"),
                    front.sidecar().got("/users/6")
                ),
                (1, 0)
            );
        }
    });
}

#[test]
fn a_person_meets_the_prompt_on_the_same_host_and_comes_back() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let (browser, target) = (front.client().navigating(), "/secrets/a%2Fb?page=2&x=%2F");
            let away = browser.get(target).await;
            assert_eq!(away.status, 303, "{proxy:?}: {}", away.text());
            let prompt = away.header("location");
            assert!(
                prompt.starts_with("/.stepup/challenge?t="),
                "{proxy:?}: {prompt}"
            );
            let page = browser.get(prompt).await;
            let back = answer_prompt(&browser, &page).await;
            assert_eq!(
                (back.status.as_u16(), back.header("location")),
                (303, target),
                "{proxy:?}"
            );
            assert_eq!(browser.get(target).await.text(), format!("done for {USER}"));
            assert_eq!(
                front.sidecar().upstream().last().target,
                target,
                "{proxy:?}"
            );

            // A form: whoever sends us what it refused, sends its body, which comes back as one button.
            let browser = front.client().navigating();
            let page = browser.post_form("/keys", &[("name", "ci")]).await;
            assert_eq!(page.status, 403, "{proxy:?}");
            let onward = answer_prompt(&browser, &page).await;
            assert_eq!(onward.status, 200, "{proxy:?}: {}", onward.text());
            let carries = onward.text().contains("action=\"/keys\"");
            assert_eq!(
                carries,
                ![Proxy::Caddy, Proxy::Traefik].contains(&proxy),
                "{proxy:?}: {}",
                onward.text()
            );
            assert_eq!(front.sidecar().got("/keys"), 0, "{proxy:?}");
            let done = browser.post_form("/keys", &[("name", "ci")]).await;
            assert_eq!(done.status, 200, "{proxy:?}");
        }
    });
}

#[test]
fn whoever_is_not_signed_in_is_sent_to_the_login_or_told_so() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            let away = front.guest().navigating().get("/secrets/a").await;
            assert_eq!(
                (away.status.as_u16(), away.header("location")),
                (303, "/login"),
                "{proxy:?}"
            );
            let told = front.guest().fetching().post("/keys").await;
            assert_eq!(
                (told.status.as_u16(), told.reason()),
                (401, "session-required".into())
            );
            assert_eq!(told.header("www-authenticate"), "Bearer", "{proxy:?}");
            assert_eq!(
                front.guest().navigating().get("/login").await.status,
                200,
                "{proxy:?}"
            );
        }
    });
}

/// Or a session whose cookie is another each time would be lost.
#[test]
fn a_cookie_that_whoami_renews_reaches_the_client() {
    run(async {
        for proxy in ALL {
            let front = Front::start(proxy).await;
            front.asked.accounts.set(Mood::Renewing);
            let script = front.client().fetching();
            let cookie = || script.cookie(COOKIE).unwrap();
            let before = cookie();
            let refused = script.call(Method::POST, "/keys", json!({})).await;
            assert_eq!(refused.reason(), "step-up-required", "{proxy:?}");
            assert_ne!(cookie(), before, "{proxy:?}: refused");
            script.pass(&refused).await;
            let before = cookie();
            let passed = script.call(Method::POST, "/keys", json!({})).await;
            assert_eq!(passed.text(), format!("done for {USER}"), "{proxy:?}");
            assert_ne!(cookie(), before, "{proxy:?}: admitted");
            let lines = passed.headers.get_all("set-cookie").iter().count();
            assert_eq!(lines, 1, "{proxy:?}");
        }
    });
}

#[test]
fn where_nobody_answers_the_proxy_nothing_passes() {
    run(async {
        for proxy in ALL {
            let mut front = Front::start(proxy).await;
            let script = front.client().fetching();
            let refused = script.post("/keys").await;
            script.pass(&refused).await;
            front.asked.sidecar.kill();
            let before = front.reached();
            for path in ["/keys", "/notes"] {
                let answer = script.post(path).await;
                front.assert_not_reached(before, &answer, &format!("{proxy:?} {path}"));
            }
        }
    });
}
