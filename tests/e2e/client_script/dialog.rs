//! The dialog as people use it: by keyboard, with a mistake, after the end of a session, on any screen.

use super::page::{Page, setup};
use crate::oidc::{self, RealProvider};
use crate::support::axe::assert_no_findings;
use crate::support::run;
use crate::support::sidecar::{PASSWORD, USER};
use serde_json::json;

const CALL: &str = "keep(fetch('/act/one/x', { method: 'POST', body: 'it' }))";

#[test]
fn a_wrong_answer_is_told_in_the_dialog_and_the_right_one_goes_on() {
    run(async {
        let page = Page::open().await;
        page.runs(CALL).await;
        page.enters_prompt("Do one thing").await;
        page.browser.fill("#password", "wrong").await;
        page.types("\u{e007}").await;
        page.browser.read("4 attempts left").await;
        // Another language, another way, and back.
        page.browser.click(".languages summary").await;
        page.browser.click("[name=language][value=de]").await;
        page.browser.read("Bestätigen Sie").await;
        page.browser.click("[name=other][value=email_code]").await;
        page.browser.see("button[formaction*='/verify/send']").await;
        page.browser
            .click("button[formaction*='/verify/send']")
            .await;
        let code = page.sidecar.code(1);
        page.browser.fill("#email_code", &code).await;
        page.types("\u{e007}").await;
        page.leaves_prompt().await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        assert_eq!(page.runs("return dialogs").await, 1);
    });
}

#[test]
fn the_keyboard_is_enough_and_the_focus_comes_back() {
    run(async {
        let page = Page::open().await;
        page.runs("first.onclick = () => keep(fetch('/act/one/x')); first.focus()")
            .await;
        page.types("\u{e007}").await;
        page.becomes("the prompt", "document.activeElement.localName === 'step-up' && !!document.activeElement.shadowRoot.querySelector('.shown')").await;
        page.enters_prompt("Do one thing").await;
        page.browser.see("#password:focus").await;
        page.leaves_prompt().await;
        // Escape, in the frame and outside.
        page.types("\u{e00c}").await;
        assert_eq!(page.outcomes(1).await[0][0], 403);
        page.has_no_dialog().await;
        assert_eq!(page.runs("return document.activeElement.id").await, "first");
        page.types("\u{e007}").await;
        page.enters_prompt("Do one thing").await;
        page.browser.see("#password:focus").await;
        page.leaves_prompt().await;
        page.in_dialog("button").await;
        page.runs("document.querySelector('step-up').shadowRoot.querySelector('button').focus()")
            .await;
        page.types("\u{e00c}").await;
        assert_eq!(page.outcomes(2).await[1][0], 403);
        page.types("\u{e007}").await;
        page.enters_prompt("Do one thing").await;
        page.browser.see("#password:focus").await;
        page.types(PASSWORD).await;
        page.types("\u{e007}").await;
        page.leaves_prompt().await;
        assert_eq!(page.outcomes(3).await[2][0], 200);
        assert_eq!(page.runs("return document.activeElement.id").await, "first");
    });
}

#[test]
fn a_session_that_ends_meanwhile_is_told_and_the_page_gets_the_refusal() {
    run(async {
        let page = Page::open().await;
        page.runs(CALL).await;
        page.enters_prompt("Do one thing").await;
        page.sidecar.command(&["session", "revoke", "--user", USER]);
        page.browser.fill("#password", PASSWORD).await;
        page.types("\u{e007}").await;
        let button = page.browser.see("main a.button[href^='/login']").await;
        assert_eq!(
            button.attr("target").await.unwrap().as_deref(),
            Some("_top")
        );
        page.leaves_prompt().await;
        page.in_dialog("button").await.click().await.unwrap();
        let outcome = page.outcomes(1).await;
        assert_eq!(
            (&outcome[0][0], &outcome[0][1]["reason"]),
            (&json!(403), &json!("step-up-required"))
        );
        assert!(page.got().is_empty());
    });
}

#[test]
fn a_passkey_is_asked_for_in_the_dialog() {
    run(async {
        let page = Page::open().await;
        let _phone = page.browser.add_authenticator().await;
        page.goes_to("/.stepup/enroll/passkeys").await;
        page.browser.fill("#password", PASSWORD).await;
        page.browser.click("form[action$='/verify'] button").await;
        page.browser.fill("#name", "Phone").await;
        page.browser.click("form[data-passkey] button").await;
        page.browser.see("[role=status]").await;
        page.goes_to("/page").await;
        page.runs("keep(fetch('/act/key/x'))").await;
        page.enters_prompt("Use the key").await;
        page.browser
            .click("form[data-passkey=get] button[data-when]")
            .await;
        page.leaves_prompt().await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        let verified = page.sidecar.events(1, |event| {
            event["event"] == "verified" && event["factor"] == "passkey"
        });
        assert_eq!(verified[0]["subject"], USER);
    });
}

#[test]
fn a_sign_in_at_the_provider_is_in_a_window_and_the_dialog_goes_on() {
    const POLICY: &str = "version: 1\ndefault: forward\nroutes:\n  - { id: one, title: Do one thing, level: 3, factors: [oidc], match: { path: /act/one/x } }\n";
    run(async {
        let mut provider = RealProvider::at_rest();
        let setup = setup(&[]).policy(POLICY);
        let mut sidecar = setup
            .with("verification", &oidc::settings(provider.addr(), ""))
            .prepare();
        sidecar.write_private("oidc.secret", oidc::SECRET);
        sidecar.enroll();
        sidecar.start();
        let origin = format!("http://localhost:{}", sidecar.addr().port());
        provider.start(&sidecar, &origin);
        let page = Page::of(sidecar, &[]).await;
        page.runs(CALL).await;
        page.enters_prompt("Do one thing").await;
        page.browser
            .click("button[formaction$='/oidc/begin']")
            .await;
        page.leaves_prompt().await;
        page.browser.go_to_second_window().await;
        page.browser.fill("input[name=login]", USER).await;
        page.browser.click("button").await;
        page.browser.read("You can close this window").await;
        page.leaves_prompt().await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        page.has_no_dialog().await;
    });
}

#[test]
fn the_dialog_says_what_it_is_and_axe_finds_nothing() {
    run(async {
        let page = Page::open().await;
        page.runs("document.documentElement.lang = 'fr'; document.body.innerHTML = '<main><h1>Une page</h1><p>Des mots</p></main>'").await;
        page.runs("keep(fetch('/act/delete/42', { method: 'POST' }))")
            .await;
        page.in_dialog("iframe.shown").await;
        let told = page
            .runs(
                "const root = document.querySelector('step-up').shadowRoot; const [frame, button] = root.querySelector('dialog').children;
                return [root.querySelector('dialog').ariaLabel, frame.title, button.ariaLabel]",
            )
            .await;
        assert_eq!(
            told,
            json!([
                "Verification required: Delete it",
                "Verification required: Delete it",
                "Annuler"
            ])
        );
        let tree = page
            .browser
            .devtools("Accessibility.getFullAXTree", json!({}))
            .await;
        let nodes = tree["nodes"].as_array().unwrap();
        let role = |role: &str| {
            nodes
                .iter()
                .find(|node| node["role"]["value"] == role)
                .unwrap()
        };
        let dialog = role("dialog");
        assert_eq!(dialog["name"]["value"], "Verification required: Delete it");
        let modal = dialog["properties"].as_array().unwrap();
        assert!(
            modal
                .iter()
                .any(|one| one["name"] == "modal" && one["value"]["value"] == true),
            "{dialog}"
        );
        assert_no_findings(&page.browser).await;
        let excess = page.browser.pictures("client-dialog").await;
        assert_eq!(excess, [0, 0]);
        page.enters_prompt("Delete it").await;
        assert_no_findings(&page.browser).await;
        let wide = "const e = document.documentElement; return e.scrollWidth - e.clientWidth";
        assert_eq!(page.browser.execute(wide, vec![]).await.unwrap(), 0);
    });
}
