//! Who may frame the prompt: pages of its own origin, and nothing but the prompt.

use crate::support::client::{Answer, Client};
use crate::support::run;
use crate::support::sidecar::{self, ORIGIN, PASSWORD, Sidecar, USER};
use crate::support::store::Store;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// A browser that loads something into a frame.
fn framing(sidecar: &Sidecar, of: &Client, site: &str) -> Client {
    let client = sidecar
        .client()
        .header("accept", "text/html")
        .header("origin", ORIGIN);
    let client = client
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "iframe")
        .header("sec-fetch-site", site);
    for name in [sidecar::COOKIE, sidecar::KEY_COOKIE] {
        if let Some(value) = of.cookie(name) {
            client.set_cookie(name, &value);
        }
    }
    client
}

fn may_be_framed(answer: &Answer) -> bool {
    let policy = answer.header("content-security-policy");
    let framed = policy.contains("frame-ancestors 'self'");
    assert_ne!(
        framed,
        policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    let older = if framed { "SAMEORIGIN" } else { "DENY" };
    assert_eq!(answer.header("x-frame-options"), older);
    framed
}

fn fields<'f>(
    page: &'f [(&'static str, String); 2],
    more: &[(&'static str, &'f str)],
) -> Vec<(&'static str, &'f str)> {
    let hidden = page.iter().map(|(name, value)| (*name, value.as_str()));
    hidden.chain(more.iter().copied()).collect()
}

fn hidden(page: &Answer) -> [(&'static str, String); 2] {
    ["token", "anti_forgery"].map(|name| (name, page.hidden(name)))
}

#[test]
fn the_prompt_stays_in_its_frame_from_the_first_page_to_the_last() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).run();
        let script = sidecar.logged_in().await;
        let refused = script.post("/keys").await;
        let url = format!("/.stepup/challenge?t={}&dialog=1", refused.token());
        let frame = framing(&sidecar, &script, "same-origin");
        let page = frame.get(&url).await;
        assert!(
            page.text().contains("type=\"password\"") && may_be_framed(&page),
            "{}",
            page.text()
        );
        assert_eq!(page.header("cross-origin-embedder-policy"), "require-corp");
        assert!(!page.text().contains("action=\"/.stepup/verify\""));
        let hidden = hidden(&page);
        for (path, more, shows) in [
            (
                "verify",
                &[("factor", "password"), ("answer", "wrong")][..],
                "attempts left",
            ),
            (
                "verify",
                &[("factor", "password"), ("other", "email_code")],
                "Send me a code",
            ),
            (
                "verify",
                &[("factor", "password"), ("language", "de")],
                "Bestätigen",
            ),
            ("verify/send", &[], "unterwegs"),
        ] {
            let page = frame
                .post_form(&format!("/.stepup/{path}?dialog=1"), &fields(&hidden, more))
                .await;
            assert!(
                may_be_framed(&page) && page.text().contains(shows),
                "{}",
                page.text()
            );
        }
        let right = fields(&hidden, &[("factor", "password"), ("answer", PASSWORD)]);
        let page = frame.post_form("/.stepup/verify?dialog=1", &right).await;
        assert!(may_be_framed(&page), "{page:?}");
        assert!(
            page.text()
                .contains(&format!("data-verified=\"{}\"", hidden[0].1))
        );
        assert!(
            page.text()
                .contains("<script src=\"/.stepup/dialog.js\" defer></script>")
        );
        // What is over is told there, too.
        let page = frame.post_form("/.stepup/verify?dialog=1", &right).await;
        assert!(page.status == 403 && may_be_framed(&page), "{page:?}");
    });
}

#[test]
fn who_waits_for_approval_waits_in_the_dialog() {
    const POLICY: &str = "version: 1\ndefault: forward\nroutes:\n  - { id: keys, title: Create a key, level: 3, approval: { by: [bob], text: optional }, match: { methods: [POST], path: /keys } }\n";
    run(async {
        let sidecar = sidecar::on(Store::Embedded).policy(POLICY).run();
        sidecar.add_user("bob", &format!("bob.{}", sidecar.address), PASSWORD);
        let script = sidecar.logged_in().await;
        let refused = script.post("/keys").await;
        let frame = framing(&sidecar, &script, "same-origin");
        let page = frame
            .get(&format!(
                "/.stepup/challenge?t={}&dialog=1",
                refused.token()
            ))
            .await;
        let right = [("factor", "password"), ("answer", PASSWORD)];
        let waiting = frame
            .post_form("/.stepup/verify?dialog=1", &fields(&hidden(&page), &right))
            .await;
        assert!(
            may_be_framed(&waiting)
                && waiting
                    .text()
                    .contains("action=\"/.stepup/verify/approval?dialog=1\""),
            "{}",
            waiting.text()
        );
        let again = frame
            .post_form(
                "/.stepup/verify/approval?dialog=1",
                &fields(&hidden(&waiting), &[]),
            )
            .await;
        assert!(may_be_framed(&again) && !again.text().contains("data-verified"));
        let bob = sidecar.script();
        bob.log_in("bob").await;
        let challenge = bob.get("/.stepup/approvals").await;
        bob.pass(&challenge).await;
        let list = bob.get("/.stepup/approvals").await.json();
        let id = list["approvals"][0]["id"].as_str().unwrap().to_owned();
        let decided = serde_json::json!({ "decision": "approve" });
        assert_eq!(
            bob.call(
                http::Method::POST,
                &format!("/.stepup/approvals/{id}"),
                decided
            )
            .await
            .status,
            200
        );
        let taken = frame
            .post_form(
                "/.stepup/verify/approval?dialog=1",
                &fields(&hidden(&again), &[]),
            )
            .await;
        assert!(
            may_be_framed(&taken) && taken.text().contains("data-verified"),
            "{}",
            taken.text()
        );
    });
}

#[test]
fn nobody_else_frames_it_and_nothing_else_is_framed() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).run();
        let script = sidecar.logged_in().await;
        let refused = script.post("/keys").await;
        let url = format!("/.stepup/challenge?t={}", refused.token());
        for site in ["cross-site", "same-site"] {
            let page = framing(&sidecar, &script, site)
                .get(&format!("{url}&dialog=1"))
                .await;
            assert!(!page.text().contains("type=\"password\""), "{site}");
        }
        let own = framing(&sidecar, &script, "same-origin");
        for asked in ["", "&dialog=0", "&dialog"] {
            let page = own.get(&format!("{url}{asked}")).await;
            assert!(!page.text().contains("type=\"password\""), "{asked}");
        }
        // At the top it is the page that it always is.
        let browser = sidecar.browser_of(&script);
        let page = browser.get(&format!("{url}&dialog=1")).await;
        assert!(
            page.text().contains("type=\"password\"")
                && !may_be_framed(&page)
                && !page.text().contains("dialog=1\"")
        );
        for path in [
            "approvals",
            "enroll",
            "lock",
            "oidc/callback?state=x",
            "problems",
            "sessions",
            "sessions/revoke?others=1",
        ] {
            let mark = if path.contains('?') { '&' } else { '?' };
            let page = own.get(&format!("/.stepup/{path}{mark}dialog=1")).await;
            let policy = page.header("content-security-policy");
            let only_link = policy.contains("form-action 'none'");
            assert!(
                policy.contains("frame-ancestors 'none'") || only_link || page.status == 303,
                "{path}: {page:?}"
            );
        }
        assert!(!page_of_application(&own).await);
        // A form that was carried has its one button at the top.
        let form = browser.post_form("/keys", &[("name", "ci")]).await;
        let mut hidden = hidden(&form).to_vec();
        hidden.push(("carried", form.hidden("carried")));
        hidden.extend([
            ("factor", "password".to_owned()),
            ("answer", PASSWORD.to_owned()),
        ]);
        let sent: Vec<_> = hidden
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let framed = framing(&sidecar, &browser, "same-origin");
        let page = framed.post_form("/.stepup/verify?dialog=1", &sent).await;
        assert!(!page.text().contains("name=\"name\""), "{}", page.text());
    });
}

/// Whether a guarded page in a frame shows a prompt.
async fn page_of_application(own: &Client) -> bool {
    let page = own.get("/secrets?dialog=1").await;
    page.text().contains("type=\"password\"")
}

#[test]
fn old_browsers_tell_nothing_and_hold_the_policy_against_whoever_frames_it() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).run();
        let script = sidecar.logged_in().await;
        let refused = script.post("/keys").await;
        let old = sidecar.client().header("accept", "text/html");
        old.set_cookie(sidecar::COOKIE, &script.cookie(sidecar::COOKIE).unwrap());
        let page = old
            .get(&format!(
                "/.stepup/challenge?t={}&dialog=1",
                refused.token()
            ))
            .await;
        assert!(may_be_framed(&page));
        let page = old
            .get(&format!("/.stepup/challenge?t={}", refused.token()))
            .await;
        assert!(!may_be_framed(&page));
    });
}

#[test]
fn a_challenge_ahead_is_for_scripts_of_the_site_alone() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded)
            .line("cors_origins: [https://spa.example]")
            .run();
        let script = sidecar.logged_in().await;
        let ahead = "/.stepup/challenge?method=POST&path=/keys";
        let refused = script.get(ahead).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("step-up")),
            (403, "challenge")
        );
        script.pass(&refused).await;
        assert_eq!(script.get(ahead).await.json()["satisfied"], true);
        assert_eq!(script.post("/keys").await.status, 200);
        let other = sidecar.client();
        other.log_in(USER).await;
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://evil.test"),
            ("origin", "null"),
        ] {
            let refused = other.clone().header(name, value).get(ahead).await;
            assert_eq!(
                (refused.status.as_u16(), refused.reason().as_str()),
                (403, "cross-site"),
                "{name}: {value}"
            );
        }
        let listed = other
            .clone()
            .header("origin", "https://spa.example")
            .get(ahead)
            .await;
        assert_eq!(
            listed.header("access-control-allow-origin"),
            "https://spa.example"
        );
        assert!(!listed.token().is_empty());
        let browser = sidecar.browser();
        browser.log_in(USER).await;
        assert_eq!(
            browser.get(ahead).await.status,
            404,
            "no link puts a prompt before anybody"
        );
        let nobody = sidecar.script().get(ahead).await;
        assert_eq!(nobody.reason(), "session-required");
        for (path, reason) in [
            ("/pay", "ambiguous-request"),
            ("/name", "ambiguous-request"),
            ("/%2e%2e%2f", "ambiguous-request"),
        ] {
            let refused = other
                .get(&format!("/.stepup/challenge?method=POST&path={path}"))
                .await;
            assert_eq!(refused.reason(), reason, "{path}");
        }
        let unknown = other.get("/.stepup/challenge?method=BREW&path=/keys").await;
        assert_eq!(unknown.reason(), "ambiguous-request");
    });
}

#[test]
fn the_script_is_small_for_everybody_and_loaded_once() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).run();
        let client = sidecar.client();
        let script = client.get("/.stepup/client.js").await;
        assert_eq!(
            script.header("content-type"),
            "text/javascript; charset=utf-8"
        );
        assert_eq!(script.header("cache-control"), "public, max-age=3600");
        assert_eq!(script.header("access-control-allow-origin"), "*");
        assert_eq!(
            script.header("cross-origin-resource-policy"),
            "cross-origin"
        );
        assert_eq!(
            script.text(),
            include_str!("../../../packaging/npm/client.js")
        );
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&script.body).unwrap();
        let size = gzip.finish().unwrap().len();
        assert!(size < 6 * 1024, "{size} bytes");
        let tag = script.header("etag");
        for known in [tag.to_owned(), format!("W/{tag}")] {
            let again = client
                .clone()
                .header("if-none-match", &known)
                .get("/.stepup/client.js")
                .await;
            assert_eq!(
                (again.status.as_u16(), again.text(), again.header("etag")),
                (304, "", tag)
            );
        }
        let again = client
            .clone()
            .header("if-none-match", "\"other\"")
            .get("/.stepup/client.js")
            .await;
        assert_eq!(again.status, 200);
    });
}
