//! Approval by a second person: asked for, decided, taken up, and refused in every other way.

mod attacks;
mod groups;
mod journey;
mod mails;

use crate::support::becomes;
use crate::support::client::{Answer, Client};
use crate::support::mail::MailSink;
use crate::support::sidecar::{self, PASSWORD, Setup, Sidecar};
use crate::support::store::{Store, on_both_stores};
use http::Method;
use serde_json::{Value, json};

/// A payment that one of three people approves, and a key that one of two does.
const POLICY: &str = r"
version: 1
default: forward
routes:
  - id: pay
    title: Pay
    level: 4
    show: { to: form.to, sum: form.sum }
    approval: { by: payroll }
    match: { methods: [POST], path: /pay }
  - id: keys
    title: Create an API key
    level: 3
    bind: [form.name]
    approval: { by: [bob, carol], text: optional, within: 2h }
    match: { methods: [POST], path: /keys }
";

/// A sidecar with alice, bob and carol, who are payroll, and mallory, who is nobody.
fn company(store: Store) -> Sidecar {
    company_with(store, POLICY)
}

fn company_with(store: Store, policy: &str) -> Sidecar {
    peopled(sidecar::on(store).policy(policy))
}

fn peopled(setup: Setup) -> Sidecar {
    let setup = setup.line("groups: { payroll: [alice, Bob, carol] }");
    let mut sidecar = setup.prepare();
    sidecar.enroll();
    for name in ["bob", "carol", "mallory"] {
        sidecar.add_user(name, &address(&sidecar, name), PASSWORD);
    }
    sidecar.start();
    sidecar
}

/// Where somebody gets their mail.
fn address(sidecar: &Sidecar, name: &str) -> String {
    format!("{name}.{}", sidecar.address)
}

async fn pay(client: &Client, sum: &str) -> Answer {
    client
        .post_form("/pay", &[("to", "eve-evergreen"), ("sum", sum)])
        .await
}

/// Proves who one is, and says why.
async fn answer(client: &Client, token: &str, purpose: &str) -> Answer {
    let body =
        json!({ "token": token, "factor": "password", "answer": PASSWORD, "purpose": purpose });
    client.call(Method::POST, "/.stepup/verify", body).await
}

/// Asks for approval of a payment; tells the token of the challenge and the id of the request.
async fn ask(client: &Client, sum: &str) -> (String, String) {
    let token = pay(client, sum).await.token();
    let asked = answer(client, &token, "Invoice 7").await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert_eq!(
        asked.json()["approval"]["state"],
        "pending",
        "{}",
        asked.text()
    );
    let id = asked.json()["approval"]["id"].as_str().unwrap().to_owned();
    (token, id)
}

/// Looks what became of a request, and takes it up if it is approved.
async fn look(client: &Client, token: &str) -> Answer {
    let body = json!({ "token": token });
    client
        .call(Method::POST, "/.stepup/verify/approval", body)
        .await
}

async fn withdraw(client: &Client, token: &str) -> Answer {
    let body = json!({ "token": token, "withdraw": true });
    client
        .call(Method::POST, "/.stepup/verify/approval", body)
        .await
}

/// Somebody in a browser of their own, with a fresh proof.
async fn approver(sidecar: &Sidecar, name: &str) -> Client {
    let client = sidecar.script();
    client.log_in(name).await;
    let challenge = client.get("/.stepup/approvals").await;
    assert_eq!(
        (challenge.status.as_u16(), challenge.reason()),
        (403, "step-up-required".into())
    );
    client.pass(&challenge).await;
    client
}

async fn decide(client: &Client, id: &str, decision: &str) -> Answer {
    let body = json!({ "decision": decision, "word": "as agreed" });
    client
        .call(Method::POST, &format!("/.stepup/approvals/{id}"), body)
        .await
}

/// The ids of the requests that somebody may decide.
async fn open(client: &Client) -> Vec<String> {
    let list = client.get("/.stepup/approvals").await.json();
    let list = list["approvals"].as_array().unwrap().clone();
    let ids = list
        .iter()
        .map(|open| open["id"].as_str().unwrap().to_owned());
    ids.collect()
}

/// What the pages hand on from one to the next.
const PROMPT: &[&str] = &["token", "anti_forgery", "carried"];

/// The state of an answer to whoever asked.
fn state(answer: &Answer) -> Value {
    answer.json()["approval"]["state"].clone()
}

on_both_stores! {
    async fn what_somebody_else_approved_is_done_once_and_both_are_recorded(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let refused = pay(&alice, "10").await;
        let challenge = &refused.json()["challenge"];
        assert_eq!(challenge["approval"]["state"], "unasked");
        assert_eq!(challenge["approval"]["purpose"], "required");
        assert_eq!(challenge["bound"], json!([["POST", "/pay"], ["to", "eve-evergreen"], ["sum", "10"]]));
        let token = refused.token();
        // Without a reason nobody is asked, and no attempt is counted.
        let unexplained = alice.verify(&token, ("password", PASSWORD)).await;
        assert_eq!(unexplained.status, 400);
        assert!(unexplained.text().contains("`purpose`"), "{}", unexplained.text());
        let asked = answer(&alice, &token, " Invoice\n 7\u{202e} ").await;
        assert_eq!((asked.json()["verified"].clone(), state(&asked)), (json!(false), json!("pending")));
        let id = asked.json()["approval"]["id"].as_str().unwrap().to_owned();
        assert_eq!(pay(&alice, "10").await.status, 403, "not yet");
        assert_eq!(state(&look(&alice, &token).await), "pending");

        let bob = approver(&sidecar, "bob").await;
        assert_eq!(open(&bob).await, [id.as_str()]);
        let seen = bob.get(&format!("/.stepup/approvals/{id}")).await.json();
        assert_eq!(seen["requester"], "alice");
        assert_eq!(seen["purpose"], "Invoice 7");
        assert_eq!(seen["bound"], json!([["POST", "/pay"], ["to", "eve-evergreen"], ["sum", "10"]]));
        assert_eq!(seen["state"], "pending", "to open it decides nothing");
        let decided = decide(&bob, &id, "approve").await;
        assert_eq!(decided.json()["state"], "approved", "{}", decided.text());
        assert_eq!(open(&bob).await, [""; 0]);

        let polled = alice.get(&format!("/.stepup/challenge?t={token}")).await.json();
        assert_eq!(polled["approval"]["state"], "approved");
        assert_eq!(polled["approval"]["decided_by"], "bob");
        assert_eq!(pay(&alice, "10").await.status, 403, "a look at it takes nothing up");
        let taken = look(&alice, &token).await;
        assert_eq!(taken.json()["verified"], true, "{}", taken.text());
        assert_eq!(pay(&alice, "10").await.status, 200);
        assert_eq!(pay(&alice, "10").await.reason(), "grant-spent");
        assert_eq!(sidecar.got("/pay"), 1);

        let steps = sidecar.events(3, |event| {
            event["challenge"] == id.as_str() && event["event"] != "decision"
        });
        let names: Vec<_> = steps.iter().map(|step| step["event"].as_str().unwrap()).collect();
        assert_eq!(names, ["approval-requested", "approval-decided", "verified"].as_slice(), "{steps:?}");
        assert_eq!((&steps[0]["subject"], &steps[0]["text"]), (&json!("alice"), &json!("Invoice 7")));
        assert_eq!((&steps[1]["subject"], &steps[1]["requester"]), (&json!("bob"), &json!("alice")));
        assert_eq!((&steps[1]["outcome"], &steps[1]["text"]), (&json!("succeeded"), &json!("as agreed")));
        assert_eq!((&steps[2]["subject"], &steps[2]["approver"]), (&json!("alice"), &json!("bob")));
        let dump = sidecar.dump();
        for secret in ["Invoice", "as agreed", "eve-evergreen"] {
            assert!(!dump.contains(secret), "{secret} is readable in the store");
        }
    }

    async fn approvers_get_a_mail_whose_link_only_opens_the_page(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (token, id) = ask(&alice, "10").await;
        for name in ["bob", "carol"] {
            let mail = MailSink::shared().wait_for_mail(&address(&sidecar, name), 1);
            let link = format!("http://app.test/.stepup/approvals/{id}");
            assert!(mail.text.contains(&link) && mail.html.contains(&link), "{}", mail.text);
            assert!(mail.text.contains("alice") && !mail.text.contains("Invoice"), "{}", mail.text);
        }
        assert_eq!(MailSink::shared().mails_to(&sidecar.address).len(), 0, "nobody is asked to approve their own");
        assert_eq!(MailSink::shared().mails_to(&address(&sidecar, "mallory")).len(), 0);
        // A mail scanner, signed in or not.
        let bob = approver(&sidecar, "bob").await;
        for client in [&sidecar.browser(), &bob] {
            for query in ["", "?decision=approve", "?approve"] {
                client.get(&format!("/.stepup/approvals/{id}{query}")).await;
            }
        }
        assert_eq!(state(&look(&alice, &token).await), "pending");
    }

    async fn what_is_refused_or_taken_back_opens_nothing(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let (token, id) = ask(&alice, "10").await;
        let bob = approver(&sidecar, "bob").await;
        assert_eq!(decide(&bob, &id, "refuse").await.json()["state"], "refused");
        let told = look(&alice, &token).await.json();
        assert_eq!((&told["verified"], &told["approval"]["state"]), (&json!(false), &json!("refused")));
        assert_eq!((&told["approval"]["decided_by"], &told["approval"]["word"]), (&json!("bob"), &json!("as agreed")));
        assert_eq!(decide(&bob, &id, "approve").await.json()["state"], "refused", "decided once");
        assert_eq!(state(&withdraw(&alice, &token).await), "refused");
        assert_eq!(pay(&alice, "10").await.status, 403);

        let (token, id) = ask(&alice, "11").await;
        assert_eq!(state(&withdraw(&alice, &token).await), "withdrawn");
        assert_eq!(decide(&bob, &id, "approve").await.json()["state"], "withdrawn");
        assert_eq!(open(&bob).await, [""; 0]);
        assert_eq!(state(&look(&alice, &token).await), "withdrawn");
        assert_eq!(pay(&alice, "11").await.status, 403);
        let kinds = sidecar.events(1, |event| event["event"] == "approval-withdrawn");
        assert_eq!(kinds.len(), 1);
    }

    async fn people_wait_and_go_on_without_javascript_and_without_typing_anything_twice(store: Store) {
        let sidecar = company(store);
        let browser = sidecar.browser();
        browser.log_in("alice").await;
        let page = pay(&browser, "10").await;
        assert!(page.text().contains("name=\"purpose\"") && page.text().contains("required"), "{}", page.text());
        let fields = |page: &Answer, names: &[&'static str]| {
            names.iter().map(|name| (*name, page.hidden(name))).collect::<Vec<_>>()
        };
        let send = async |path: &str, mut fields: Vec<(&'static str, String)>, more: &[(&'static str, &str)]| {
            fields.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            browser.post_form(path, &fields).await
        };
        let why = ("purpose", "Invoice <b>7</b> & \"co\"");
        // A wrong password costs nothing that was written.
        let again = send("/.stepup/verify", fields(&page, PROMPT), &[("factor", "password"), ("answer", "wrong"), why]).await;
        assert!(again.text().contains("Invoice &#60;b&#62;7&#60;/b&#62; &#38; &#34;co&#34;</textarea>"), "{}", again.text());
        let silent = send("/.stepup/verify", fields(&again, PROMPT), &[("factor", "password"), ("answer", PASSWORD), ("purpose", " ")]).await;
        assert!(silent.text().contains("Please say why you need this"), "{}", silent.text());
        let waiting = send("/.stepup/verify", fields(&silent, PROMPT), &[("factor", "password"), ("answer", PASSWORD), why]).await;
        assert_eq!(waiting.status, 200);
        assert!(waiting.text().contains("Waiting for approval"), "{}", waiting.text());
        assert!(!waiting.text().contains("http-equiv"), "it moves only when it is told to");
        let still = send("/.stepup/verify/approval", fields(&waiting, PROMPT), &[]).await;
        assert!(still.text().contains("Waiting for approval"), "{}", still.text());
        // Reloaded, or opened again from the history.
        let token = still.hidden("token");
        let reloaded = browser.get(&format!("/.stepup/challenge?t={token}")).await;
        assert!(reloaded.text().contains("Waiting for approval"), "{}", reloaded.text());

        let bob = approver(&sidecar, "bob").await;
        let bobs = sidecar.browser_of(&bob);
        let list = bobs.get("/.stepup/approvals").await;
        let link = list.text().split("href=\"").find(|rest| rest.starts_with("/.stepup/approvals/")).unwrap();
        let link = link.split('"').next().unwrap().to_owned();
        let request = bobs.get(&link).await;
        for shown in ["alice", "Invoice &#60;b&#62;7", "eve-evergreen", "/pay", "127.0.0.1"] {
            assert!(request.text().contains(shown), "{shown}: {}", request.text());
        }
        let anti_forgery = request.hidden("anti_forgery");
        let decision = [("anti_forgery", anti_forgery.as_str()), ("decision", "approve"), ("word", "fine")];
        let decided = bobs.post_form(&link, &decision).await;
        assert!(decided.text().contains("bob</span> has approved") || decided.text().contains("has approved this"), "{}", decided.text());

        let confirm = send("/.stepup/verify/approval", fields(&still, PROMPT), &[]).await;
        assert!(confirm.text().contains("action=\"/pay\""), "{}", confirm.text());
        let values = [("to", confirm.hidden("to")), ("sum", confirm.hidden("sum"))];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(browser.post_form("/pay", &values).await.status, 200);
        assert_eq!(sidecar.got("/pay"), 1);
    }

    async fn a_key_at_level_3_opens_for_its_own_name_for_a_while(store: Store) {
        let sidecar = company(store);
        let alice = sidecar.logged_in().await;
        let create = async |name: &str| alice.post_form("/keys", &[("name", name)]).await;
        let refused = create("ci").await;
        assert_eq!(refused.json()["challenge"]["approval"]["purpose"], "optional");
        let token = refused.token();
        let asked = alice.verify(&token, ("password", PASSWORD)).await;
        assert_eq!(state(&asked), "pending", "{}", asked.text());
        let id = asked.json()["approval"]["id"].as_str().unwrap().to_owned();
        let carol = approver(&sidecar, "carol").await;
        assert_eq!(decide(&carol, &id, "approve").await.json()["state"], "approved");
        look(&alice, &token).await;
        for _ in 0..2 {
            assert_eq!(create("ci").await.status, 200);
        }
        assert_eq!(create("other").await.reason(), "grant-mismatch");
    }

    async fn an_operator_sees_who_approves_and_how_often(store: Store) {
        let sidecar = company(store);
        let told = sidecar.command(&["explain", "POST", "/pay"]);
        assert!(told.contains("approval   by one of alice, bob, carol (group payroll), within 1h"), "{told}");
        let checked = sidecar.command(&["check"]);
        assert!(!checked.contains("approval"), "{checked}");
    }
    async fn nobody_approves_by_a_mailed_code_what_takes_no_codes(store: Store) {
        let sidecar = company(store);
        let by_mail = async |client: &Client, name: &str, number: usize| {
            let challenge = client.get("/.stepup/approvals").await;
            let token = challenge.token();
            let sent = client.call(Method::POST, "/.stepup/verify/send", json!({ "token": token })).await;
            assert_eq!(sent.status, 200, "{}", sent.text());
            let code = MailSink::shared().wait_for_code(&address(&sidecar, name), number);
            (token, code)
        };
        let (bob, carol) = (sidecar.script(), sidecar.script());
        bob.log_in("bob").await;
        carol.log_in("carol").await;
        let (token, code) = by_mail(&bob, "bob", 1).await;
        assert_eq!(bob.verify(&token, ("email_code", &code)).await.json()["verified"], true);
        assert_eq!(bob.get("/.stepup/approvals").await.status, 200);
        let (token, code) = by_mail(&carol, "carol", 1).await;
        // What was proved, and what is being proved, is none under the policy that comes.
        std::fs::write(sidecar.path("policies/routes.yaml"), POLICY.replace("level: 4", "level: 4\n    preset: strict")).unwrap();
        becomes(403, async || bob.get("/.stepup/approvals").await).await;
        let late = carol.verify(&token, ("email_code", &code)).await;
        assert_eq!((late.status.as_u16(), late.reason()), (403, "method-not-enrolled".into()));
        let factors = carol.get("/.stepup/approvals").await.json()["challenge"]["factors"].clone();
        assert_eq!(factors, json!([["password"]]));
    }
}

#[test]
fn requests_that_others_approve_leave_no_request_out() {
    crate::support::run(async {
        let often = "limits: { approvals: { attempts: 300, window: 1h }, session: { attempts: 300, window: 1h }, session_total: { attempts: 300, window: 1h } }";
        // Mallory may approve keys, and no payment.
        let policy = POLICY.replace("[bob, carol]", "[mallory]");
        let setup = sidecar::on(Store::Embedded).policy(&policy);
        let sidecar = peopled(setup.with("verification", often));
        let alice = sidecar.logged_in().await;
        let refused = alice.post_form("/keys", &[("name", "first")]).await;
        let asked = answer(&alice, &refused.token(), "").await;
        let id = asked.json()["approval"]["id"].as_str().unwrap().to_owned();
        for sum in 0..201 {
            ask(&alice, &sum.to_string()).await;
        }
        assert_eq!(open(&approver(&sidecar, "mallory").await).await, [id]);
        assert_eq!(open(&approver(&sidecar, "bob").await).await.len(), 200);
    });
}
