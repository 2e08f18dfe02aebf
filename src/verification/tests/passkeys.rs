//! Passkeys: added, shown, and every answer that must be refused.

use super::authenticator::{Authenticator, CREATE, GET, Said, USER_PRESENT, USER_VERIFIED};
use super::*;
use crate::domain::{CredentialEntry, Reason};
use crate::verification::{PasskeyOptions, PasskeyRequest};
use serde_json::{Value, json};

/// What a test changes of what an honest browser says.
type Change = fn(&mut Said);

impl Fixture {
    async fn with_passkey_route() -> Self {
        Self::new().await.requiring(&[&[Factor::Passkey]])
    }

    async fn alice(&self) -> User {
        let found = self.verifier.store.user(&UserId::new("alice")).await;
        found.unwrap().unwrap()
    }

    /// What alice has enrolled.
    async fn entries(&self) -> Vec<CredentialEntry> {
        self.alice().await.entries(Factor::Passkey).collect()
    }

    async fn creation(&self, client: &Client) -> PasskeyOptions {
        let options = self.verifier.new_passkey_options(&client.caller()).await;
        options.unwrap().unwrap()
    }

    /// Whether a new passkey of alice is taken.
    async fn add(&self, client: &Client, state: &str, credential: Value) -> bool {
        let answer = json!({ "state": state, "credential": credential });
        let answer = AnswerValue::Text(Secret::new(answer.to_string()));
        let caller = client.caller();
        let added = self
            .verifier
            .add_passkey(&answer, "My phone", Locale::En, &caller);
        // The mail is a task of its own.
        LocalSet::new().run_until(added).await.unwrap()
    }

    /// Alice's new passkey.
    async fn enroll_passkey(&self, id: u8) -> Authenticator {
        let client = Client::number(1);
        let options = self.creation(&client).await;
        let mut key = Authenticator::new(id, &options.public_key);
        let said = key.says(CREATE, &options.public_key);
        let credential = key.register(&said);
        assert!(self.add(&client, &options.state, credential).await);
        key
    }

    async fn request(&self, client: &Client, token: &str) -> PasskeyRequest {
        let requirement = Arc::clone(&self.requirement);
        let caller = client.caller();
        let options = self
            .verifier
            .passkey_options(token, |_| Some(requirement), &caller);
        options.await.unwrap()
    }

    async fn options(&self, client: &Client, token: &str) -> PasskeyOptions {
        match self.request(client, token).await {
            PasskeyRequest::Options(options) => *options,
            PasskeyRequest::Refused(refusal) => panic!("{refusal:?}"),
        }
    }

    async fn show(
        &self,
        client: &Client,
        token: &str,
        state: &str,
        credential: Value,
    ) -> AnswerOutcome {
        let answer = json!({ "state": state, "credential": credential }).to_string();
        self.answer(client, token, Factor::Passkey, &answer).await
    }

    /// The outcome of an answer that `change` has changed.
    async fn shown_with(
        &self,
        key: &mut Authenticator,
        change: impl FnOnce(&mut Said),
    ) -> AnswerOutcome {
        let client = Client::number(1);
        let token = self.challenge(&client);
        let options = self.options(&client, &token).await;
        let mut said = key.says(GET, &options.public_key);
        change(&mut said);
        let credential = key.assert(&said);
        self.show(&client, &token, &options.state, credential).await
    }
}

#[tokio::test]
async fn a_passkey_verifies_and_its_use_is_kept() {
    let fixture = Fixture::with_passkey_route().await;
    let mut key = fixture.enroll_passkey(1).await;
    fixture.wait(Duration::from_mins(1));
    verified(fixture.shown_with(&mut key, |_| {}).await);
    let own = fixture.entries().await;
    let [passkey] = own.as_slice() else {
        panic!("{own:?}");
    };
    assert_eq!(passkey.name, "My phone");
    assert_eq!(passkey.added_at, now());
    assert_eq!(passkey.used_at, Some(fixture.now()));
    // An authenticator need not name the user, and a user may have several.
    let mut other = fixture.enroll_passkey(2).await;
    verified(
        fixture
            .shown_with(&mut key, |said| said.handle = Value::Null)
            .await,
    );
    verified(fixture.shown_with(&mut other, |_| {}).await);
}

#[tokio::test]
async fn the_options_ask_for_user_verification_by_a_passkey_of_the_user() {
    let fixture = Fixture::with_passkey_route().await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let none = fixture.request(&client, &token).await;
    let PasskeyRequest::Refused(refusal) = none else {
        panic!("{none:?}");
    };
    assert_eq!(refusal.reason, Reason::MethodNotEnrolled);
    let options = fixture.creation(&client).await.public_key;
    assert_eq!(
        options["authenticatorSelection"]["userVerification"],
        "required"
    );
    assert_eq!(
        options["authenticatorSelection"]["residentKey"],
        "preferred"
    );
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["rp"]["id"], "app.example.com");
    assert!(
        !options.to_string().contains("\"YWxpY2U"),
        "the handle is no name: {options}"
    );
    fixture.enroll_passkey(1).await;
    let options = fixture.options(&client, &token).await.public_key;
    assert_eq!(options["userVerification"], "required");
    assert_eq!(options["rpId"], "app.example.com");
    let id = data_encoding::BASE64URL_NOPAD.encode(&[1; 16]);
    let allowed = json!([{ "type": "public-key", "id": id, "transports": ["internal", "hybrid"] }]);
    assert_eq!(options["allowCredentials"], allowed);
    let again = fixture.creation(&client).await.public_key;
    assert_eq!(again["excludeCredentials"][0]["id"], id);
}

#[tokio::test]
async fn an_assertion_that_is_not_what_was_asked_for_is_refused() {
    let fixture = Fixture::with_passkey_route().await;
    let mut key = fixture.enroll_passkey(1).await;
    verified(fixture.shown_with(&mut key, |_| {}).await);
    let changes: [(&str, Change); 12] = [
        ("another origin", |said| {
            said.origin = "https://evil.example";
        }),
        ("an origin below", |said| {
            said.origin = "https://x.app.example.com";
        }),
        ("an origin above", |said| {
            said.origin = "https://example.com";
        }),
        ("another port", |said| {
            said.origin = "https://app.example.com:8443";
        }),
        ("another scheme", |said| {
            said.origin = "http://app.example.com";
        }),
        ("another relying party", |said| said.rp_id = "example.com"),
        ("another challenge", |said| {
            said.challenge = json!("AAAAAAAAAAAAAAAAAAAAAA");
        }),
        ("a registration", |said| said.kind = CREATE),
        ("no user verification", |said| said.flags = USER_PRESENT),
        ("nobody there", |said| said.flags = USER_VERIFIED),
        ("a frame of another origin", |said| said.cross_origin = true),
        ("another user's handle", |said| {
            said.handle = json!("AAAAAAAAAAAAAAAAAAAAAA");
        }),
    ];
    for (what, change) in changes {
        fixture.wait(Duration::from_hours(1));
        let refusal = refused(fixture.shown_with(&mut key, change).await);
        assert_eq!(refusal.reason, Reason::WrongAnswer, "{what}");
    }
    fixture.wait(Duration::from_hours(1));
    let mut stranger = Authenticator::new(1, &Value::Null);
    stranger.counter = 100;
    let forged = fixture.shown_with(&mut stranger, |said| said.handle = Value::Null);
    assert_eq!(refused(forged.await).reason, Reason::WrongAnswer);
    let mut unknown = Authenticator::new(9, &Value::Null);
    let unknown = fixture.shown_with(&mut unknown, |said| said.handle = Value::Null);
    assert_eq!(refused(unknown.await).reason, Reason::WrongAnswer);
    verified(fixture.shown_with(&mut key, |_| {}).await);
}

#[tokio::test]
async fn a_counter_that_does_not_grow_is_refused() {
    let fixture = Fixture::with_passkey_route().await;
    let mut key = fixture.enroll_passkey(1).await;
    verified(fixture.shown_with(&mut key, |said| said.counter = 7).await);
    for counter in [0, 6, 7] {
        let shown = fixture.shown_with(&mut key, |said| said.counter = counter);
        assert_eq!(
            refused(shown.await).reason,
            Reason::WrongAnswer,
            "{counter}"
        );
    }
    verified(fixture.shown_with(&mut key, |said| said.counter = 8).await);
    // An authenticator that keeps no counter says 0 each time (WebAuthn Level 3, §6.1.1).
    let client = Client::number(1);
    let options = fixture.creation(&client).await;
    let mut key = Authenticator::new(2, &options.public_key);
    let mut said = key.says(CREATE, &options.public_key);
    said.counter = 0;
    let credential = key.register(&said);
    assert!(fixture.add(&client, &options.state, credential).await);
    for _ in 0..2 {
        verified(fixture.shown_with(&mut key, |said| said.counter = 0).await);
    }
}

#[tokio::test]
async fn rule_4_the_state_of_a_ceremony_is_used_once() {
    let fixture = Fixture::new()
        .await
        .requiring(&[&[Factor::Passkey, Factor::Password]]);
    let mut key = fixture.enroll_passkey(1).await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let options = fixture.options(&client, &token).await;
    let said = key.says(GET, &options.public_key);
    let first = fixture
        .show(&client, &token, &options.state, key.assert(&said))
        .await;
    assert!(
        matches!(first, AnswerOutcome::MoreNeeded { .. }),
        "{first:?}"
    );
    let replayed = fixture
        .show(&client, &token, &options.state, key.assert(&said))
        .await;
    assert_eq!(refused(replayed).reason, Reason::WrongAnswer);
    // The counter of the authenticator is higher, and its challenge has been answered all the same.
    let said = key.says(GET, &options.public_key);
    let again = fixture
        .show(&client, &token, &options.state, key.assert(&said))
        .await;
    assert_eq!(refused(again).reason, Reason::WrongAnswer);
}

#[tokio::test]
async fn of_many_equal_assertions_at_once_one_is_judged() {
    let fixture = Rc::new(Fixture::with_passkey_route().await);
    let mut key = fixture.enroll_passkey(1).await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let options = fixture.options(&client, &token).await;
    let credential = key.shown(&options.public_key);
    let answer = json!({ "state": options.state, "credential": credential }).to_string();
    let answers = vec![answer; 5];
    let outcomes = fixture.answer_at_once(&client, &token, Factor::Passkey, answers);
    let outcomes = outcomes.await;
    let right = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, AnswerOutcome::Verified(_)));
    assert_eq!(right.count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn a_state_counts_in_its_own_challenge_for_five_minutes() {
    let fixture = Fixture::with_passkey_route().await;
    fixture.enroll("bob").await;
    let mut key = fixture.enroll_passkey(1).await;
    let client = Client::number(1);
    let (token, other) = (fixture.challenge(&client), fixture.challenge(&client));
    let options = fixture.options(&client, &token).await;
    let credential = key.shown(&options.public_key);
    let wrong = async |client: &Client, token: &str, state: &str| {
        let shown = fixture.show(client, token, state, credential.clone());
        assert_eq!(refused(shown.await).reason, Reason::WrongAnswer);
    };
    // Another prompt of the same browser; another subject with alice's passkey; what is no state.
    wrong(&client, &other, &options.state).await;
    let bob = Client {
        subject: Subject::new("bob"),
        ..Client::number(2)
    };
    wrong(&bob, &fixture.challenge(&bob), &options.state).await;
    wrong(&client, &token, "").await;
    fixture.wait(Duration::from_mins(5));
    wrong(&client, &token, &options.state).await;
    let creation = fixture.creation(&client).await;
    wrong(&client, &token, &creation.state).await;
}

#[tokio::test]
async fn a_passkey_that_was_removed_meanwhile_proves_nothing() {
    let fixture = Fixture::with_passkey_route().await;
    let mut key = fixture.enroll_passkey(1).await;
    let client = Client::number(1);
    let token = fixture.challenge(&client);
    let options = fixture.options(&client, &token).await;
    let user = fixture.alice().await;
    let mut after = user.clone();
    assert!(after.remove_entry(Factor::Passkey, fixture.entries().await[0].id));
    let store = &fixture.verifier.store;
    assert!(store.swap_user(&user, &after).await.unwrap());
    let credential = key.shown(&options.public_key);
    let shown = fixture
        .show(&client, &token, &options.state, credential)
        .await;
    assert_eq!(refused(shown).reason, Reason::WrongAnswer);
}

#[tokio::test]
async fn a_registration_that_is_not_what_was_asked_for_is_refused() {
    let fixture = Fixture::with_passkey_route().await;
    let client = Client::number(1);
    let changes: [(&str, Change); 7] = [
        ("another origin", |said| {
            said.origin = "https://evil.example";
        }),
        ("another relying party", |said| said.rp_id = "evil.example"),
        ("another challenge", |said| {
            said.challenge = json!("AAAAAAAAAAAAAAAAAAAAAA");
        }),
        ("an assertion", |said| said.kind = GET),
        ("no user verification", |said| said.flags = USER_PRESENT),
        ("nobody there", |said| said.flags = USER_VERIFIED),
        ("a frame of another origin", |said| said.cross_origin = true),
    ];
    for (what, change) in changes {
        let options = fixture.creation(&client).await;
        let mut key = Authenticator::new(1, &options.public_key);
        let mut said = key.says(CREATE, &options.public_key);
        change(&mut said);
        let taken = fixture
            .add(&client, &options.state, key.register(&said))
            .await;
        assert!(!taken, "{what}");
    }
    let options = fixture.creation(&client).await;
    let mut key = Authenticator::new(1, &options.public_key);
    let credential = key.made(&options.public_key);
    // Another session, another browser.
    let other = Client {
        browser_key: Client::number(2).browser_key,
        ..client.clone()
    };
    assert!(
        !fixture
            .add(&Client::number(2), &options.state, credential.clone())
            .await
    );
    assert!(
        !fixture
            .add(&other, &options.state, credential.clone())
            .await
    );
    assert!(
        fixture
            .add(&client, &options.state, credential.clone())
            .await
    );
    // Once; and the same passkey not twice.
    assert!(!fixture.add(&client, &options.state, credential).await);
    let options = fixture.creation(&client).await;
    let credential = key.made(&options.public_key);
    assert!(!fixture.add(&client, &options.state, credential).await);
}

#[tokio::test]
async fn a_passkey_has_a_name_on_one_line() {
    let fixture = Fixture::with_passkey_route().await;
    fixture.enroll_passkey(1).await;
    let id = fixture.entries().await[0].id_text();
    let client = Client::number(1);
    let name_of = async |name: &str| {
        let caller = client.caller();
        let renamed = fixture.verifier.rename_passkey(&id, name, &caller);
        assert!(renamed.await.unwrap());
        fixture.entries().await[0].name.clone()
    };
    assert_eq!(name_of("  Blue\nkey\u{202e} ").await, "Bluekey");
    assert_eq!(name_of(&"ä".repeat(100)).await.chars().count(), 60);
    assert_eq!(name_of(" \u{200b} ").await, "passkey");
    for (client, id) in [(Client::number(1), "00"), (Client::called("bob"), &*id)] {
        let caller = client.caller();
        let renamed = fixture.verifier.rename_passkey(id, "x", &caller);
        assert!(!renamed.await.unwrap());
    }
}
