//! What whoever asked is told of the decision, by a mail whose link only opens their page.

use super::{address, approver, ask, company, decide, look, pay, state, withdraw};
use crate::support::mail::{Mail, MailSink};
use crate::support::sidecar::Sidecar;
use crate::support::store::on_both_stores;

/// The mail about a decision, the only one that the requester has got.
fn told(sidecar: &Sidecar, number: usize) -> Mail {
    MailSink::shared().wait_for_mail(&sidecar.address, number)
}

on_both_stores! {
    async fn whoever_asked_is_told_and_led_to_the_page_that_waits(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await.header("accept-language", "de");
        let (token, id) = ask(&alice, "10").await;
        let bob = approver(&sidecar, "bob").await;
        decide(&bob, &id, "approve").await;
        let mail = told(&sidecar, 1);
        let link = format!("http://app.test/.stepup/approvals/{id}");
        assert!(mail.text.contains(&link) && mail.html.contains(&link), "{}", mail.text);
        for said in ["wurde zugestimmt", "Entschieden von: bob", "Wofür: Pay"] {
            assert!(mail.text.contains(said), "{said}: {}", mail.text);
        }
        for secret in ["Invoice", "as agreed", "eve-evergreen", &token] {
            assert!(!mail.text.contains(secret) && !mail.html.contains(secret), "{secret}");
        }
        // In her own browser it leads to the page that waits, and only looks at it; nowhere else does it.
        let path = format!("/.stepup/approvals/{id}");
        let browser = sidecar.browser_of(&alice);
        let led = browser.get(&path).await;
        assert_eq!((led.status.as_u16(), led.header("location")), (303, &*format!("/.stepup/challenge?t={token}")));
        let page = browser.get(led.header("location")).await;
        assert!(page.text().contains("Approved"), "{}", page.text());
        assert_eq!(pay(&alice, "10").await.status, 403, "a link takes nothing up");
        let elsewhere = sidecar.browser();
        elsewhere.log_in("alice").await;
        for other in [elsewhere, sidecar.browser_of(&sidecar.thief_of(&alice)), sidecar.browser_of(&bob), sidecar.browser()] {
            let answer = other.get(&path).await;
            assert!(!answer.header("location").contains(&token), "{}", answer.header("location"));
            assert!(!answer.text().contains(&token), "{}", answer.text());
        }
        assert_eq!(look(&alice, &token).await.json()["verified"], true);
        assert_eq!(pay(&alice, "10").await.status, 200);
    }

    async fn one_mail_tells_of_one_decision_and_none_of_a_request_that_was_taken_back(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let bob = approver(&sidecar, "bob").await;
        let (token, id) = ask(&alice, "10").await;
        withdraw(&alice, &token).await;
        decide(&bob, &id, "approve").await;
        let (token, id) = ask(&alice, "11").await;
        decide(&bob, &id, "refuse").await;
        decide(&bob, &id, "approve").await;
        assert_eq!(state(&look(&alice, &token).await), "refused");
        let mail = told(&sidecar, 1);
        assert!(mail.text.contains("was not approved"), "{}", mail.text);
        assert!(mail.text.contains(&id), "{}", mail.text);
        // Mails come in their order: after this one, no other of those above can.
        let (_, id) = ask(&alice, "12").await;
        decide(&bob, &id, "approve").await;
        assert!(told(&sidecar, 2).text.contains(&id));
        assert_eq!(MailSink::shared().mails_to(&sidecar.address).len(), 2);
        // He is asked by another connection to the mail server.
        let bobs = address(&sidecar, "bob");
        MailSink::shared().wait_for_mail(&bobs, 3);
        assert_eq!(MailSink::shared().mails_to(&bobs).len(), 3, "asked three times");
    }
}
