//! What a verification leaves behind: in the session, the audit log and the store.

use super::{Client, Fixture, PASSWORD, verified};
use crate::audit::{Audit, AuditSettings, AuditTarget, verify};
use crate::clock::Clock;
use crate::domain::{Factor, RiskLevel, Secret, User, UserId};
use crate::locale::Locale;
use crate::store::{EmbeddedOptions, Login, Over, StoreOptions, open};
use crate::verification::tests::now;
use crate::verification::{
    AnswerValue, Answering, Verifier, VerifyError, edit_user, hash_browser_key,
};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn status_tells_what_counts_here_and_lock_drops_it() {
    let mut fixture = Fixture::new().await;
    let mut requirement = (*fixture.requirement).clone();
    requirement.level = RiskLevel::Low;
    requirement.single_use = false;
    fixture.requirement = Arc::new(requirement);
    let mut client = Client::number(1);
    let token = fixture.challenge(&client);
    let success = verified(fixture.right_password(&client, &token).await);
    assert!(
        success.grant.is_none(),
        "a mark is all that level 1 asks for"
    );
    let status = fixture
        .verifier
        .status(&client.claimant(), None)
        .await
        .unwrap();
    assert!(status.mark.is_none(), "the browser key of before");
    client.browser_key = hash_browser_key(
        success.browser_key.expose(),
        &fixture.verifier.services().keys,
    );
    let status = fixture
        .verifier
        .status(&client.claimant(), None)
        .await
        .unwrap();
    assert!(status.mark.is_some());
    assert_eq!(
        status.fresh_until,
        Some(now().after(Duration::from_mins(10)))
    );
    fixture.verifier.lock(&client.caller()).await.unwrap();
    let status = fixture
        .verifier
        .status(&client.claimant(), None)
        .await
        .unwrap();
    assert!(status.mark.is_none() && status.fresh_until.is_none());
    let told = async |at| fixture.verifier.status(&client.claimant(), Some(at)).await;
    let status = told(now()).await.unwrap();
    assert_eq!(
        status.fresh_until,
        Some(now().after(Duration::from_mins(10)))
    );
    let of_tomorrow = now().after(Duration::from_hours(24));
    assert!(told(of_tomorrow).await.unwrap().fresh_until.is_none());
}

#[tokio::test]
async fn a_verification_keeps_the_login_of_the_same_browser() {
    let fixture = Fixture::new().await;
    let mut client = Client::number(1);
    let login = Login {
        id: client.session,
        replaces: None,
        session: crate::domain::Session {
            owner: crate::domain::Owner::Subject(client.subject.clone()),
            authenticated_at: Some(now()),
            browser_key: client.browser_key,
            created_at: now(),
            seen_at: now(),
            provenance: None,
            revoked: false,
        },
        keep: Duration::from_hours(1),
        over: Over::Anything,
    };
    fixture.verifier.store.put_login(&login).await.unwrap();
    let token = fixture.challenge(&client);
    let success = verified(fixture.right_password(&client, &token).await);
    client.browser_key = hash_browser_key(
        success.browser_key.expose(),
        &fixture.verifier.services().keys,
    );
    let crate::domain::SessionState::Known(session) = fixture.evidence(&client).await.session
    else {
        panic!("it is still known");
    };
    assert_eq!(session.authenticated_at, Some(now()));
}

#[tokio::test]
async fn each_step_leaves_one_event_and_none_holds_a_secret() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    fixture.send(&client, &token).await;
    let code = fixture.code();
    fixture
        .answer(&client, &token, Factor::Password, "swordfish")
        .await;
    fixture
        .answer(&client, &token, Factor::EmailCode, &code)
        .await;
    fixture.verifier.lock(&client.caller()).await.unwrap();
    let audit = &fixture.verifier.services().audit;
    assert!(audit.flush(Duration::from_secs(10)));
    let text = std::fs::read_to_string(fixture.folder.join("audit.jsonl")).unwrap();
    let events: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| format!("{} {}", line["event"], line["outcome"]).replace('"', ""))
        .collect();
    assert_eq!(
        events,
        [
            "code-sent succeeded",
            "factor-answered refused",
            "verified succeeded",
            "locked succeeded"
        ]
    );
    assert_eq!(verify(text.as_bytes()).unwrap().fault, None);
    let secrets = [token.as_str(), "swordfish", "a•••"];
    assert!(secrets.iter().all(|secret| !text.contains(secret)));
    assert!(!text.contains(&format!("\"{code}\"")));
}

#[tokio::test]
async fn a_dump_of_the_store_holds_nothing_that_opens_anything() {
    let fixture = Fixture::new().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    fixture.send(&client, &token).await;
    let answer = fixture.right_password(&client, &token);
    let success = verified(answer.await);
    let mut dump = Vec::new();
    for file in std::fs::read_dir(&fixture.folder).unwrap() {
        dump.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |secret: &[u8]| dump.windows(secret.len()).any(|window| window == secret);
    assert!(holds(b"alice"), "the dump is one");
    let key = success.browser_key.expose();
    let raw_key = data_encoding::BASE64URL_NOPAD.decode(key.as_bytes());
    let totp = fixture.totp.to_base32();
    let raw_totp = data_encoding::BASE32_NOPAD.decode(totp.expose().as_bytes());
    for secret in [
        PASSWORD.as_bytes(),
        token.as_bytes(),
        key.as_bytes(),
        &raw_key.unwrap(),
        totp.expose().as_bytes(),
        &raw_totp.unwrap(),
    ] {
        assert!(!holds(secret));
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_judged() {
    let fixture = Fixture::new().await;
    let settings = AuditSettings {
        target: AuditTarget::File("/dev/full".into()),
        ..AuditSettings::default()
    };
    let mut services = fixture.verifier.services().clone();
    services.audit = loop {
        // Another test may be writing to the same device.
        match Audit::start(&settings, services.clock.clone()) {
            Ok(audit) => break audit,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let verifier = Verifier::new(fixture.verifier.store.clone(), Arc::new(services));
    let password = AnswerValue::Text(Secret::new(PASSWORD.to_owned()));
    let answering = Answering {
        locale: Locale::En,
        token: &token,
        factor: Factor::Password,
        answer: &password,
        confirm: None,
        purpose: None,
        trial: None,
        key: None,
        caller: client.caller(),
    };
    // The first event is queued before anybody knows that it cannot be written.
    verifier.lock(&client.caller()).await.unwrap();
    while verifier.services().audit.ready().is_ok() {
        tokio::task::yield_now().await;
    }
    let requirement = Arc::clone(&fixture.requirement);
    let answer = verifier.answer(answering, |_| Some(requirement)).await;
    assert!(matches!(answer, Err(VerifyError::Audit(_))));
}

#[tokio::test]
async fn who_is_removed_while_their_record_is_edited_is_not_brought_back() {
    let folder = std::env::temp_dir().join(format!("stepgate-removed-{}", std::process::id()));
    let options = StoreOptions::Embedded(EmbeddedOptions::new(folder.join("store.db")));
    let source = open(&options, &Clock::manual(now())).unwrap();
    let (store, alice) = (source.handle(), UserId::new("alice"));
    let user = User {
        email: Some("alice@example.com".to_owned()),
        ..User::new(alice.clone(), now())
    };
    store.put_user(&user).await.unwrap();
    // An operator is faster than the edit.
    let remove = || {
        let (source, alice) = (source.clone(), alice.clone());
        let operator = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_all().build().unwrap();
            runtime.block_on(async { source.handle().remove_user(&alice).await.unwrap() })
        });
        assert!(operator.join().unwrap());
    };
    let tries = Cell::new(0);
    let edit = |user: &mut User| {
        tries.set(tries.get() + 1);
        if tries.get() == 1 {
            remove();
        }
        // As a code is taken: only where there is one.
        user.email.take()
    };
    assert_eq!(edit_user(&store, &alice, now(), edit).await.unwrap(), None);
    assert_eq!(tries.get(), 2);
    assert_eq!(store.user(&alice).await.unwrap(), None);
    std::fs::remove_dir_all(folder).unwrap();
}
