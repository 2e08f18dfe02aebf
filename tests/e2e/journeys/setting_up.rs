//! All that can be set up on the pages but passkeys, with JavaScript and without.

use super::people::{Person, Site};
use crate::support::axe;
use crate::support::mail::MailSink;
use crate::support::sidecar::{PASSWORD, now_secs};
use crate::support::{node, run};
use serde_json::json;
use stepgate::domain::Timestamp;
use stepgate::verification::TotpSecret;

#[test]
fn a_person_sets_up_an_app_an_address_a_password_and_codes_with_javascript() {
    run(async {
        let site = Site::start("");
        let alice = with_a_password(&site).await;
        sets_up_an_app(&alice, async || {
            assert_eq!(scanned(&alice).await, shown(&alice).await);
        })
        .await;
        sets_up_the_rest(&site, &alice).await;
        for page in ["", "/totp", "/email", "/password", "/recovery", "/passkeys"] {
            alice.goto(&format!("/.stepup/enroll{page}")).await;
            axe::assert_no_findings(&alice.browser).await;
            assert_eq!(
                alice.browser.pictures("enroll").await,
                [0, 0],
                "too wide: {page}"
            );
        }
    });
}

#[test]
fn a_person_sets_up_an_app_an_address_a_password_and_codes_without_javascript() {
    run(async {
        let site = Site::start("");
        let alice = with_a_password(&site).await;
        let off = json!({ "value": true });
        alice
            .browser
            .devtools("Emulation.setScriptExecutionDisabled", off)
            .await;
        sets_up_an_app(&alice, async || ()).await;
        sets_up_the_rest(&site, &alice).await;
    });
}

/// Somebody who has a password in the directory, on the page where they set up more.
async fn with_a_password(site: &Site) -> Person<'_> {
    let address = format!("alice.{}", site.sidecar.address);
    site.sidecar.add_user("alice", &address, PASSWORD);
    let alice = site.alice().await;
    alice.goto("/.stepup/enroll").await;
    alice.proves_by_password().await;
    alice.browser.see("#enrolled").await;
    alice
}

async fn sets_up_an_app(person: &Person<'_>, scan: impl AsyncFn()) {
    person.clicks("main a[href*='/enroll/totp']").await;
    let secret = shown(person).await;
    scan().await;
    // One digit amiss, and the secret that the app has stays.
    person.sends_step("totp", "000000").await;
    person.browser.see("#problem[role=alert]").await;
    assert_eq!(shown(person).await, secret);
    let secret = TotpSecret::from_base32(&secret).unwrap();
    let code = secret.code_at(Timestamp::from_millis(now_secs() * 1000));
    person.sends_step("totp", code.expose()).await;
    person.browser.see("main [role=status]").await;
}

/// A password that nobody guesses.
const NEW: &str = "plum kite oval drum";

async fn sets_up_the_rest(site: &Site, person: &Person<'_>) {
    let address = format!("new.{}", site.sidecar.address);
    person.clicks("main a[href*='/enroll/email']").await;
    person.sends_step("email", &address).await;
    person.browser.see("#answer.code").await;
    let code = MailSink::shared().wait_for_code(&address, 1);
    person.sends_step("email", &code).await;
    person.browser.see("main [role=status]").await;

    person.clicks("main a[href*='/enroll/password']").await;
    person.sends_step("password", "passwordpassword").await;
    person.browser.see("#problem[role=alert]").await;
    person.sends_step("password", NEW).await;
    person.browser.see("main [role=status]").await;

    let codes = person.makes_recovery_codes().await;
    person.clicks("main .leave a").await;
    person.browser.see("#enrolled").await;
    let told = site.sidecar.command(&["user", "show", "alice"]);
    for part in ["password", "totp", "recovery_code", "email_code", &address] {
        assert!(told.contains(part), "{part}: {told}");
    }

    person.forgets_confirmations().await;
    person.goto("/.stepup/enroll").await;
    person.answers("password", NEW).await;
    person.browser.see("#enrolled").await;
    person.forgets_confirmations().await;
    person.goto("/.stepup/enroll").await;
    person.answers("recovery_code", &codes[9]).await;
    person.browser.see("#enrolled").await;
}

/// The secret of the app as text.
async fn shown(person: &Person<'_>) -> String {
    let text = person
        .browser
        .see(".codes code")
        .await
        .text()
        .await
        .unwrap();
    text.replace(' ', "")
}

/// The same as an app reads it from the picture.
async fn scanned(person: &Person<'_>) -> String {
    let reader = node::file("jsqr/dist/jsQR.js");
    let read = person
        .browser
        .execute(&format!("{reader}; {SCAN}"), vec![])
        .await
        .unwrap();
    let uri = read.as_str().unwrap_or_else(|| panic!("no code is seen"));
    let secret = uri
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("secret="));
    secret
        .unwrap_or_else(|| panic!("no secret in {uri}"))
        .to_owned()
}

const SCAN: &str = "const side = 640, svg = document.querySelector('svg.qr'), all = svg.viewBox.baseVal; \
    const canvas = document.createElement('canvas'); canvas.width = canvas.height = side; \
    const picture = canvas.getContext('2d'); picture.fillStyle = '#fff'; picture.fillRect(0, 0, side, side); \
    picture.scale(side / all.width, side / all.height); picture.translate(-all.x, -all.y); \
    picture.fillStyle = '#000'; picture.fill(new Path2D(svg.querySelector('path').getAttribute('d'))); \
    return jsQR(picture.getImageData(0, 0, side, side).data, side, side)?.data";
