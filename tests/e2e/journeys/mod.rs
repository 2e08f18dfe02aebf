//! What people go through from end to end, each in a browser, on Redis, in front of an application as it comes: the
//! Django admin.

mod keyboard;
mod people;
mod setting_up;

use crate::oidc::{self, RealProvider};
use crate::support::mail::MailSink;
use crate::support::run;
use crate::support::sidecar::PASSWORD;
use people::Site;

#[test]
fn a_person_sets_up_a_passkey_with_a_code_of_the_operator_and_deletes_an_account_with_it() {
    run(async {
        let site = Site::start("factors: [passkey]");
        let admin = site.admin().await;
        let _phone = admin.browser.add_authenticator().await;
        let code = site.bootstrap_code("admin");

        admin.asks_to_delete("victim0").await;
        admin.reads("None of the ways").await;
        admin.finds_no_barrier().await;
        admin.clicks("main a.button").await;
        admin.answers("bootstrap_code", &code).await;
        admin.adds_a_passkey("My phone").await;
        admin.finds_no_barrier().await;

        // Back to what she was doing.
        admin.clicks("main a.button").await;
        admin.clicks("#content form input[type=submit]").await;
        admin.proves_by_passkey().await;
        admin.confirms_to_delete("victim0").await;
        let verified = site.sidecar.events(1, |event| {
            event["factor"] == "passkey" && event["event"] == "verified"
        });
        assert_eq!(verified[0]["subject"], "admin");
    });
}

#[test]
fn whoever_loses_the_passkey_comes_back_by_a_recovery_code_and_sets_up_another() {
    run(async {
        let site = Site::start("factors: [passkey]");
        let address = format!("admin.{}", site.sidecar.address);
        let add = ["user", "add", "admin", "--email", &address, "--no-password"];
        site.sidecar.command(&add);
        let admin = site.admin().await;
        let phone = admin.browser.add_authenticator().await;
        let code = site.bootstrap_code("admin");
        admin.goto("/.stepup/enroll").await;
        admin.answers("bootstrap_code", &code).await;
        admin.adds_a_passkey("My phone").await;
        let codes = admin.makes_recovery_codes().await;
        admin.finds_no_barrier().await;

        // Down a drain. What was proved before is forgotten, as it is on the next day.
        phone.remove().await;
        let _key = admin.browser.add_authenticator().await;
        admin.forgets_confirmations().await;

        admin.goto("/.stepup/enroll").await;
        admin.proves_by_passkey().await;
        admin.reads("Nothing was confirmed").await;
        admin.finds_no_barrier().await;
        admin.answers("recovery_code", &codes[3]).await;
        admin.adds_a_passkey("My security key").await;
        MailSink::shared().wait_for_words(&address, "A recovery code was used. 9 are left.");
        admin.clicks("button[aria-label*='My phone']").await;
        admin.browser.see("[role=status]").await;
        let left = site.sidecar.command(&["user", "passkeys", "admin"]);
        assert!(
            left.contains("My security key") && !left.contains("My phone"),
            "{left}"
        );

        admin.asks_to_delete("victim1").await;
        admin.proves_by_passkey().await;
        admin.confirms_to_delete("victim1").await;
    });
}

#[test]
fn a_person_of_the_identity_provider_signs_in_there_afresh_and_deletes_an_account() {
    run(async {
        let mut provider = RealProvider::at_rest();
        let settings = oidc::settings(provider.addr(), "");
        let site = Site::start_with(
            "factors: [oidc]",
            |setup| setup.with("verification", &settings),
            |sidecar| sidecar.write_private("oidc.secret", oidc::SECRET),
        );
        provider.start(&site.sidecar, &site.origin());
        let admin = site.admin().await;

        admin.asks_to_delete("victim2").await;
        admin.chooses("oidc").await;
        admin.finds_no_barrier().await;
        admin.clicks("button[formaction$='/oidc/begin']").await;
        admin.browser.fill("input[name=login]", "admin").await;
        admin.clicks("button").await;
        admin.confirms_to_delete("victim2").await;
        assert_eq!(
            site.sidecar.events(1, |event| event["event"] == "verified")[0]["factor"],
            "oidc"
        );
    });
}

#[test]
fn a_person_ends_another_session_of_theirs_and_its_browser_is_refused() {
    run(async {
        let site = Site::start("");
        site.sidecar
            .add_user("admin", "admin@example.test", PASSWORD);
        let library = site.admin().await;
        let home = site.admin().await;

        home.goto("/.stepup/sessions").await;
        home.browser
            .see("form[action$='/sessions/revoke'] button")
            .await;
        home.finds_no_barrier().await;
        home.clicks("form[action$='/sessions/revoke'] button").await;
        home.proves_by_password().await;
        // What ends is named once more.
        home.clicks("form[action$='/sessions/revoke'] button").await;
        home.reads("1 session has ended").await;
        home.finds_no_barrier().await;

        library.goto("/admin/auth/user/").await;
        library.browser.see("#id_username").await;
        let cookie = library.browser.get_named_cookie("sessionid").await;
        assert!(cookie.is_err(), "what is of no use is taken away");
        home.goto("/admin/auth/user/").await;
        home.reads("victim0").await;
    });
}

#[test]
fn what_one_person_asks_for_another_approves_in_a_browser_of_their_own() {
    run(async {
        let site = Site::start("approval: { by: [alice] }");
        site.sidecar
            .add_user("admin", "admin@example.test", PASSWORD);
        let address = format!("alice.{}", site.sidecar.address);
        site.sidecar.add_user("alice", &address, PASSWORD);
        let admin = site.admin().await;
        let alice = site.alice().await;

        admin.asks_to_delete("victim3").await;
        admin.chooses("password").await;
        admin
            .browser
            .fill("#purpose", "Left the company, ticket 7")
            .await;
        admin.proves_by_password().await;
        admin.reads("Waiting for approval").await;
        admin.finds_no_barrier().await;

        let mail = MailSink::shared().wait_for_mail(&address, 1);
        let mut words = mail.text.split_whitespace();
        let link = words.find(|word| word.contains("/approvals/")).unwrap();
        alice.browser.goto(link).await.unwrap();
        alice.proves_by_password().await;
        let request = alice.reads("Do you approve?").await;
        assert!(
            request.contains("admin") && request.contains("ticket 7"),
            "{request}"
        );
        alice.finds_no_barrier().await;
        alice.clicks("button[value=approve]").await;
        alice.reads("alice has approved this").await;

        admin
            .clicks("form[action$='/verify/approval'] button:not([name])")
            .await;
        admin.confirms_to_delete("victim3").await;
    });
}
