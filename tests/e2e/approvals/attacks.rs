//! Approvals that must not count, and what must not be learned or flooded by them.

use super::{
    POLICY, address, answer, approver, ask, company, company_with, decide, look, open, pay,
    peopled, state, withdraw,
};
use crate::support::mail::MailSink;
use crate::support::sidecar::{self, COOKIE, KEY_COOKIE};
use crate::support::store::on_both_stores;
use crate::support::until;
use bytes::Bytes;
use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use std::fs;

const NOBODY: [&str; 0] = [];

on_both_stores! {
    async fn rule_11_nobody_approves_their_own_request_under_any_name_or_in_any_browser(store: Store) {
        let sidecar = company(store);
        sidecar.command(&["user", "set", "alice", "--alias", "alice@example.test"]);
        let alice = sidecar.logged_in().await;
        let (token, id) = ask(&alice, "10").await;
        // In the same browser she has the proof for our own pages after one more prompt.
        let challenge = alice.get("/.stepup/approvals").await;
        alice.pass(&challenge).await;
        assert_eq!(open(&alice).await, NOBODY);
        assert_eq!(decide(&alice, &id, "approve").await.status, 404);
        // In other browsers, in other spellings, and by an alias.
        for name in ["alice", "ALICE", " Alice ", "alice@example.test"] {
            let other = approver(&sidecar, name).await;
            assert_eq!(open(&other).await, NOBODY, "{name}");
            assert_eq!(decide(&other, &id, "approve").await.status, 404, "{name}");
            assert_eq!(other.get(&format!("/.stepup/approvals/{id}")).await.status, 404, "{name}");
        }
        assert_eq!(state(&look(&alice, &token).await), "pending");
    }

    async fn rule_11_an_approver_in_the_browser_or_session_of_the_requester_does_not_count(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (token, id) = ask(&alice, "10").await;
        let (cookie, key) = (alice.cookie(COOKIE).unwrap(), alice.cookie(KEY_COOKIE).unwrap());
        // Bob in a browser of his own that shows alice's key.
        let bob = approver(&sidecar, "bob").await;
        let own = bob.cookie(KEY_COOKIE).unwrap();
        bob.set_cookie(KEY_COOKIE, &key);
        assert_eq!(decide(&bob, &id, "approve").await.status, 403, "his own proof is of his own key");
        bob.set_cookie(KEY_COOKIE, &own);
        // Bob logs in where alice is: the session is another one, and the browser's key as well.
        alice.drop_cookie(COOKIE);
        alice.log_in("bob").await;
        let challenge = alice.get("/.stepup/approvals").await;
        alice.pass(&challenge).await;
        decide(&alice, &id, "approve").await;
        alice.set_cookie(COOKIE, &cookie);
        let taken = look(&alice, &token).await;
        assert_ne!(taken.json()["verified"], true, "{}", taken.text());
        assert_eq!(pay(&alice, "10").await.status, 403);
        alice.set_cookie(KEY_COOKIE, &key);
        assert_eq!(sidecar.got("/pay"), 0);
    }

    async fn rule_11_an_approval_is_of_one_challenge_and_its_values_alone(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (one, id) = ask(&alice, "10").await;
        let (other, _) = ask(&alice, "9999").await;
        let bob = approver(&sidecar, "bob").await;
        assert_eq!(decide(&bob, &id, "approve").await.json()["state"], "approved");
        assert_eq!(state(&look(&alice, &other).await), "pending", "the other prompt has earned nothing");
        assert_eq!(look(&alice, &one).await.json()["verified"], true);
        assert_eq!(pay(&alice, "9999").await.status, 403);
        let elsewhere = alice.post_form("/pay", &[("to", "mallory"), ("sum", "10")]).await;
        assert_eq!(elsewhere.reason(), "grant-mismatch");
        assert_eq!(pay(&alice, "10").await.status, 200);
        // Replayed.
        assert_eq!(state(&look(&alice, &one).await), "void");
        assert_eq!(state(&look(&alice, &other).await), "pending");
        let again = answer(&alice, &one, "again").await;
        assert_eq!(again.reason(), "challenge-expired");
        assert_eq!(pay(&alice, "10").await.reason(), "grant-spent");
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn rule_11_of_many_decisions_at_once_one_counts(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (bob, carol) = (approver(&sidecar, "bob").await, approver(&sidecar, "carol").await);
        for sum in ["1", "2", "3"] {
            let (token, id) = ask(&alice, sum).await;
            let yes = (0..4).map(|_| decide(&bob, &id, "approve"));
            let no = (0..4).map(|_| decide(&carol, &id, "refuse"));
            let (yes, no, back) = tokio::join!(join_all(yes), join_all(no), withdraw(&alice, &token));
            let last = state(&look(&alice, &token).await);
            let told: Vec<_> = yes.iter().chain(&no).map(|answer| answer.json()["state"].clone()).collect();
            assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
            assert_eq!(state(&back), told[0]);
            // Who asked has taken it up if it was approved.
            let expected = if told[0] == "approved" { serde_json::Value::Null } else { told[0].clone() };
            assert_eq!(last, expected);
            let decisions = sidecar.events(1, |event| {
                event["challenge"] == id.as_str()
                    && ["approval-decided", "approval-withdrawn"].contains(&event["event"].as_str().unwrap())
            });
            assert_eq!(decisions.len(), 1, "{decisions:?}");
        }
    }

    async fn rule_11_an_approval_ends_with_the_session_of_the_requester(store: Store) {
        let often = "limits: { approvals: { attempts: 20 } }";
        let setup = sidecar::on(store).policy(POLICY).with("verification", often);
        let sidecar = peopled(setup);
        let bob = approver(&sidecar, "bob").await;
        for how in ["lock", "logout", "login", "thief"] {
            let alice = sidecar.logged_in().await;
            let (token, id) = ask(&alice, how).await;
            assert_eq!(decide(&bob, &id, "approve").await.json()["state"], "approved");
            let taker = match how {
                "lock" => {
                    assert_eq!(alice.call(Method::POST, "/.stepup/lock", json!({})).await.status, 200);
                    alice
                }
                "logout" => {
                    alice.post("/logout").await;
                    alice.log_in("alice").await;
                    alice
                }
                "login" => {
                    alice.log_in("alice").await;
                    alice
                }
                // With the application's cookie alone.
                _ => sidecar.thief_of(&alice),
            };
            let taken = look(&taker, &token).await;
            assert!(taken.status == 403 || state(&taken) == "void", "{how}: {}", taken.text());
            assert_eq!(pay(&taker, how).await.status, 403, "{how}");
            // Nor after another proof in the same session.
            let again = pay(&taker, "other").await.token();
            answer(&taker, &again, "x").await;
            let taken = look(&taker, &token).await;
            assert!(taken.status == 403 || state(&taken) == "void", "{how}: {}", taken.text());
            assert_eq!(pay(&taker, how).await.status, 403, "{how}");
        }
        assert_eq!(sidecar.got("/pay"), 0);
    }

    async fn rule_11_who_may_not_approve_any_more_has_approved_nothing(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (approved, id) = ask(&alice, "10").await;
        let (open_still, later) = ask(&alice, "11").await;
        let (taken_up, third) = ask(&alice, "12").await;
        let bob = approver(&sidecar, "bob").await;
        for id in [&id, &third] {
            assert_eq!(decide(&bob, id, "approve").await.json()["state"], "approved");
        }
        assert_eq!(look(&alice, &taken_up).await.json()["verified"], true);
        let without_bob = POLICY.replace("by: payroll", "by: [alice, carol]");
        fs::write(sidecar.path("policies/routes.yaml"), without_bob).unwrap();
        until("the new policy", async || {
            let polled = alice.get(&format!("/.stepup/challenge?t={approved}")).await.json();
            (polled["approval"]["state"] == "void").then_some(())
        })
        .await;
        assert_eq!(state(&look(&alice, &approved).await), "void");
        assert_eq!(decide(&bob, &later, "approve").await.status, 404);
        assert_eq!(state(&look(&alice, &open_still).await), "pending");
        for sum in ["10", "11", "12"] {
            assert_eq!(pay(&alice, sum).await.status, 403, "{sum}");
        }
        // Without the rule, a request of before is nothing to decide.
        let carol = approver(&sidecar, "carol").await;
        assert_eq!(open(&carol).await, [later.as_str()]);
        assert_eq!(sidecar.got("/pay"), 0);
    }

    async fn rule_11_other_sites_and_forms_without_our_token_decide_nothing(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (token, id) = ask(&alice, "10").await;
        let bob = approver(&sidecar, "bob").await;
        let path = format!("/.stepup/approvals/{id}");
        let page = sidecar.browser_of(&bob).get(&path).await;
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        let anti_forgery = page.hidden("anti_forgery");
        let form = format!("anti_forgery={anti_forgery}&decision=approve");
        let (forms, json) = ("application/x-www-form-urlencoded", "application/json");
        for (kind, body, from) in [
            (forms, form.as_str(), Some("https://evil.test")),
            (forms, form.as_str(), Some("null")),
            (json, r#"{"decision":"approve"}"#, Some("https://evil.test")),
            (forms, "decision=approve", None),
            (forms, "anti_forgery=x&decision=approve", None),
        ] {
            let mut request = bob.request(Method::POST, &path, Bytes::from(body.to_owned()));
            let headers = request.headers_mut();
            headers.insert("content-type", kind.parse().unwrap());
            if let Some(from) = from {
                headers.remove("sec-fetch-site");
                headers.insert("origin", from.parse().unwrap());
            }
            assert_eq!(bob.send(request).await.status, 403, "{kind} {body} {from:?}");
        }
        for (method, path) in [(Method::POST, "/.stepup/verify/approval"), (Method::PUT, path.as_str())] {
            let mut request = alice.request(method, path, Bytes::from(format!("token={token}&withdraw=yes")));
            request.headers_mut().insert("content-type", forms.parse().unwrap());
            assert!([403, 405].contains(&alice.send(request).await.status.as_u16()));
        }
        assert_eq!(state(&look(&alice, &token).await), "pending");
    }

    async fn rule_11_who_may_not_approve_learns_nothing(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (token, id) = ask(&alice, "10").await;
        let nothing = "00".repeat(16);
        let told = |answer: &crate::support::client::Answer| {
            let mut document = answer.json();
            for varying in ["request_id", "challenge", "instance"] {
                document.as_object_mut().unwrap().remove(varying);
            }
            (answer.status.as_u16(), document)
        };
        // Not signed in, signed in, and with a proof.
        let (stranger, waiting, mallory) = (sidecar.script(), sidecar.script(), approver(&sidecar, "mallory").await);
        waiting.log_in("bob").await;
        for client in [&stranger, &waiting, &mallory] {
            let mut answers = Vec::new();
            for id in [&id, &nothing] {
                let seen = client.get(&format!("/.stepup/approvals/{id}")).await;
                answers.push([told(&seen), told(&decide(client, id, "approve").await)]);
            }
            assert_eq!(answers[0], answers[1]);
            assert!(answers[0].iter().all(|(status, _)| *status >= 400), "{answers:?}");
        }
        assert_eq!(open(&mallory).await, NOBODY);
        for odd in ["", "/", "/x", "/..", "/%2e", &format!("/{id}/"), &format!("/{}", &id[..30])] {
            let answer = mallory.get(&format!("/.stepup/approvals{odd}")).await;
            assert!(odd.is_empty() || [400, 404].contains(&answer.status.as_u16()), "{odd}");
        }
        // The token of a challenge is of no use to an approver, or to anybody else.
        for client in [&waiting, &mallory] {
            assert_eq!(look(client, &token).await.reason(), "challenge-expired");
            assert_eq!(withdraw(client, &token).await.reason(), "challenge-expired");
        }
        assert_eq!(state(&look(&alice, &token).await), "pending");
    }

    async fn rule_11_one_person_cannot_flood_the_others(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        for sum in 0..5 {
            ask(&alice, &sum.to_string()).await;
        }
        for sum in ["6", "7"] {
            let token = pay(&alice, sum).await.token();
            let refused = answer(&alice, &token, "more").await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (429, "too-many-attempts".into()));
            assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
        }
        // Nor in another session.
        let other = sidecar.logged_in().await;
        let token = pay(&other, "8").await.token();
        assert_eq!(answer(&other, &token, "more").await.status, 429);
        let bob = approver(&sidecar, "bob").await;
        assert_eq!(open(&bob).await.len(), 5);
        MailSink::shared().wait_for_mail(&address(&sidecar, "bob"), 5);
        assert_eq!(MailSink::shared().mails_to(&address(&sidecar, "bob")).len(), 5);
    }

    async fn what_is_written_or_shown_is_text_on_every_page(store: Store) {
        let sidecar = company_with(store, &POLICY.replace("title: Pay", "title: \"Pay <i>now</i>\""));
        let alice = sidecar.logged_in().await;
        let evil = "<script>alert(1)</script>\"'&";
        let refused = alice.post_form("/pay", &[("to", evil), ("sum", "\u{202e}1")]).await;
        let token = refused.token();
        answer(&alice, &token, evil).await;
        let id = state_id(&alice.get(&format!("/.stepup/challenge?t={token}")).await);
        let bob = approver(&sidecar, "bob").await;
        let bobs = sidecar.browser_of(&bob);
        let mut pages = vec![bobs.get("/.stepup/approvals").await, bobs.get(&format!("/.stepup/approvals/{id}")).await];
        let body = json!({ "decision": "refuse", "word": evil });
        bob.call(Method::POST, &format!("/.stepup/approvals/{id}"), body).await;
        pages.push(bobs.get(&format!("/.stepup/approvals/{id}")).await);
        pages.push(sidecar.browser_of(&alice).get(&format!("/.stepup/challenge?t={token}")).await);
        for page in &pages {
            assert_eq!(page.status, 200, "{}", page.text());
            assert!(!page.text().contains("<script") && !page.text().contains("<i>"), "{}", page.text());
            assert!(!page.text().contains('\u{202e}'));
        }
        let mail = MailSink::shared().wait_for_mail(&address(&sidecar, "bob"), 1);
        assert!(!mail.html.contains("<i>now") && !mail.html.contains("<script"), "{}", mail.html);
    }
}

fn state_id(answer: &crate::support::client::Answer) -> String {
    answer.json()["approval"]["id"].as_str().unwrap().to_owned()
}
