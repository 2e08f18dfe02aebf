//! Whole verifications, against the embedded store and a mail server on a socket.

use super::tests::{keys, now, requirement};
use super::{
    Answer, Answering, Caller, ChallengeView, EmailSubjects, Equipment, Opening, PasswordChecker,
    PasswordCost, PasswordSettings, Refusal, Sending, Success, TotpSecret, VerificationSettings,
    Verifier, factor_keys, hash_browser_key, hash_password,
};
use crate::audit::{Audit, AuditSettings, AuditTarget, verify};
use crate::clock::Clock;
use crate::domain::{
    Alternatives, BrowserKeyHash, ClientKind, Decision, Demand, Evidence, Factor, FactorSet,
    Reason, RequestDigest, Requirement, ReturnTarget, RiskLevel, RouteId, Secret, SessionId,
    SessionState, Subject, Timestamp, User, UserId, decide,
};
use crate::entropy::Entropy;
use crate::locale::Locale;
use crate::mail::Mailer;
use crate::mail::tests::{Manner, mail_server, settings as mail_settings};
use crate::store::{AnyStore, Ask, EmbeddedOptions, Held, Login, Store, StoreOptions, open};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use tokio::task::{JoinSet, LocalSet};

const CHEAP: PasswordCost = PasswordCost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};
const PASSWORD: &str = "correct horse battery staple";

/// A house with one user, `alice`, who has a password, a TOTP secret and a mailbox.
struct House {
    verifier: Verifier<AnyStore>,
    totp: TotpSecret,
    mails: mpsc::Receiver<String>,
    folder: PathBuf,
    requirement: Arc<Requirement>,
}

/// A client: its session, its browser, its address.
#[derive(Clone)]
struct Client {
    session: SessionId,
    subject: Subject,
    browser_key: Option<BrowserKeyHash>,
    address: IpAddr,
}

impl Client {
    fn number(number: u32) -> Self {
        let mut session = [7; 32];
        session[..4].copy_from_slice(&number.to_be_bytes());
        let mut browser_key = session;
        browser_key[31] = 8;
        Self {
            session: SessionId::new(session),
            subject: Subject::new("alice"),
            browser_key: Some(BrowserKeyHash::new(browser_key)),
            address: Ipv4Addr::from_bits(0xc000_0200 + number).into(),
        }
    }

    fn called(subject: &str) -> Self {
        Self {
            subject: Subject::new(subject),
            ..Self::number(1)
        }
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            session: self.session,
            subject: &self.subject,
            browser_key: self.browser_key,
            address: self.address,
            request_id: None,
        }
    }
}

impl House {
    async fn new() -> Self {
        Self::with(Manner::Accepts, VerificationSettings::default()).await
    }

    async fn with(mail: Manner, settings: VerificationSettings) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("stepgate-verification-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let clock = Clock::manual(now());
        let entropy = Entropy::system();
        let options = StoreOptions::Embedded(EmbeddedOptions {
            // A hundred answers at once on a busy machine.
            deadline: Duration::from_secs(30),
            ..EmbeddedOptions::new(folder.join("store.db"))
        });
        let store = open(&options, &clock).unwrap().handle();
        let (port, mails) = mail_server(mail);
        let audit = AuditSettings {
            target: AuditTarget::File(folder.join("audit.jsonl")),
            ..AuditSettings::default()
        };
        let passwords = PasswordSettings {
            cost: CHEAP,
            queue: 200,
            deadline: Duration::from_secs(30),
            ..PasswordSettings::default()
        };
        let equipment = Equipment {
            keys: Arc::new(keys()),
            audit: Audit::start(&audit, clock.clone()).unwrap(),
            mailer: Some(
                Mailer::start(&mail_settings(port), clock.clone(), entropy.clone()).unwrap(),
            ),
            passwords: PasswordChecker::start(&passwords, &entropy).unwrap(),
            clock,
            entropy,
            settings,
        };
        let house = Self {
            totp: TotpSecret::generate(&equipment.entropy),
            verifier: Verifier::new(store, Arc::new(equipment)),
            mails,
            folder,
            requirement: requirement(),
        };
        house.enroll("alice").await;
        house
    }

    async fn enroll(&self, name: &str) {
        let equipment = self.verifier.equipment();
        let id = UserId::new(name);
        let password = Secret::new(PASSWORD.to_owned());
        let user = User {
            aliases: vec![UserId::new(format!("{name}@corp.example"))],
            email: Some(format!("{name}@example.com")),
            password: Some(hash_password(&password, CHEAP, &equipment.entropy).unwrap()),
            totp: Some(self.totp.seal(&id, &equipment.keys, &equipment.entropy)),
            created_at: now(),
            id,
        };
        self.verifier.store.put_user(&user).await.unwrap();
    }

    fn requiring(mut self, alternatives: &[&[Factor]]) -> Self {
        let sets = alternatives
            .iter()
            .map(|set| set.iter().copied().collect())
            .collect();
        let mut requirement = (*self.requirement).clone();
        requirement.factors = Alternatives::new(sets).unwrap();
        self.requirement = Arc::new(requirement);
        self
    }

    fn now(&self) -> Timestamp {
        self.verifier.equipment().clock.now()
    }

    fn wait(&self, span: Duration) {
        self.verifier.equipment().clock.advance(span);
    }

    fn demand(&self) -> Demand {
        Demand {
            requirement: Arc::clone(&self.requirement),
            binding: Some(RequestDigest::new([4; 32])),
        }
    }

    fn challenge(&self, client: &Client) -> String {
        let opening = Opening {
            caller: client.caller(),
            route: RouteId::new("delete-user"),
            demand: self.demand(),
            shown: vec![("user".to_owned(), "42".to_owned())],
            return_to: ReturnTarget::Caller,
            client: ClientKind::Fetch,
        };
        self.verifier.open(opening).0
    }

    async fn answer(&self, client: &Client, token: &str, factor: Factor, answer: &str) -> Answer {
        let answer = Secret::new(answer.to_owned());
        let answering = Answering {
            token,
            factor,
            answer: &answer,
            confirm: None,
            caller: client.caller(),
        };
        let requirement = Arc::clone(&self.requirement);
        self.verifier
            .answer(answering, |_| Some(requirement))
            .await
            .unwrap()
    }

    /// The same answer many times at once.
    async fn answer_at_once(
        self: &Rc<Self>,
        client: &Client,
        token: &str,
        factor: Factor,
        answers: Vec<String>,
    ) -> Vec<Answer> {
        let mut tasks = JoinSet::new();
        let local = LocalSet::new();
        for answer in answers {
            let (house, client, token) = (Rc::clone(self), client.clone(), token.to_owned());
            tasks.spawn_local_on(
                async move { house.answer(&client, &token, factor, &answer).await },
                &local,
            );
        }
        local.run_until(tasks.join_all()).await
    }

    async fn send(&self, client: &Client, token: &str) -> Sending {
        let requirement = Arc::clone(&self.requirement);
        self.verifier
            .send_code(token, |_| Some(requirement), &client.caller(), Locale::En)
            .await
            .unwrap()
    }

    /// The code in the next mail.
    fn code(&self) -> String {
        let mail = self.mails.recv_timeout(Duration::from_secs(10)).unwrap();
        mail.lines()
            .map(str::trim)
            .find(|line| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit()))
            .unwrap()
            .to_owned()
    }

    fn totp_code(&self) -> String {
        self.totp.code_at(self.now()).expose().clone()
    }

    async fn evidence(&self, client: &Client) -> Evidence {
        let wanted = [self.demand().grant_key()];
        let ask = Ask {
            session: client.session,
            browser: client.browser_key,
            grants: &[],
            claims: &wanted,
        };
        let Held {
            session,
            mark,
            grants,
            claims,
        } = self.verifier.store.evidence(ask, self.now()).await.unwrap();
        Evidence {
            session: session.map_or(SessionState::Unknown, SessionState::Known),
            browser_key: client.browser_key,
            mark,
            grants,
            claims,
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn verified(answer: Answer) -> Success {
    let Answer::Verified(success) = answer else {
        panic!("not verified: {answer:?}");
    };
    *success
}

fn refused(answer: Answer) -> Refusal {
    let Answer::Refused(refusal) = answer else {
        panic!("not refused: {answer:?}");
    };
    refusal
}

fn refused_code(sending: Sending) -> Refusal {
    match sending {
        Sending::Refused(refusal) => refusal,
        Sending::Sent { .. } => panic!("sent"),
    }
}

#[tokio::test]
async fn the_right_password_opens_the_request_once_and_in_this_browser_alone() {
    let house = House::new().await;
    let mut client = Client::number(1);
    let before = client.clone();
    let token = house.challenge(&client);
    let answer = house.answer(&client, &token, Factor::Password, PASSWORD);
    let success = verified(answer.await);
    assert_eq!(success.expires_at, now().after(Duration::from_mins(2)));
    // A copied application cookie, with the browser key of before, is not enough.
    let copied = decide(
        &[house.demand()],
        house.evidence(&before).await,
        house.now(),
    );
    assert!(matches!(copied, Decision::Challenge(_)));
    client.browser_key = hash_browser_key(
        success.browser_key.expose(),
        &house.verifier.equipment().keys,
    );
    let demands = [house.demand()];
    let first = decide(&demands, house.evidence(&client).await, house.now());
    assert!(matches!(first, Decision::Forward(_)));
    let second = decide(&demands, house.evidence(&client).await, house.now());
    assert!(matches!(second, Decision::Challenge(_)));
}

#[tokio::test]
async fn an_alias_is_the_same_user() {
    let house = House::new().await;
    let client = Client::called("alice@corp.example");
    let token = house.challenge(&client);
    let code = house.totp_code();
    verified(house.answer(&client, &token, Factor::Totp, &code).await);
}

#[tokio::test]
async fn nobody_no_factor_and_a_wrong_answer_are_told_in_the_same_words() {
    let house = House::new().await;
    let bare = User {
        id: UserId::new("bob"),
        aliases: vec![],
        email: None,
        password: None,
        totp: None,
        created_at: now(),
    };
    house.verifier.store.put_user(&bare).await.unwrap();
    for factor in [Factor::Password, Factor::Totp, Factor::EmailCode] {
        let mut told = Vec::new();
        for (number, name) in ["alice", "bob", "nobody"].into_iter().enumerate() {
            let client = Client {
                subject: Subject::new(name),
                ..Client::number(u32::try_from(number).unwrap())
            };
            let token = house.challenge(&client);
            told.push(refused(
                house.answer(&client, &token, factor, "123457").await,
            ));
        }
        assert_eq!(told[0].reason, Reason::WrongAnswer);
        assert!(told.iter().all(|refusal| *refusal == told[0]), "{told:?}");
    }
}

#[tokio::test]
async fn five_wrong_answers_end_a_challenge() {
    let house = House::new().await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    for left in [4, 3, 2, 1, 0] {
        let refusal = refused(house.answer(&client, &token, Factor::Password, "x").await);
        assert_eq!(refusal.reason, Reason::WrongAnswer);
        assert_eq!(refusal.attempts_left, Some(left));
    }
    let refusal = refused(
        house
            .answer(&client, &token, Factor::Password, PASSWORD)
            .await,
    );
    assert_eq!(refusal.reason, Reason::TooManyAttempts);
    // A new challenge is to be had at once.
    let token = house.challenge(&client);
    verified(
        house
            .answer(&client, &token, Factor::Password, PASSWORD)
            .await,
    );
}

#[tokio::test]
async fn of_a_hundred_wrong_codes_at_once_five_are_judged() {
    let house = Rc::new(House::new().await);
    let client = Client::number(1);
    let token = house.challenge(&client);
    house.send(&client, &token).await;
    let code: u32 = house.code().parse().unwrap();
    let wrong = (1..=100)
        .map(|n| format!("{:06}", (code + n) % 1_000_000))
        .collect();
    let answers = house
        .answer_at_once(&client, &token, Factor::EmailCode, wrong)
        .await;
    let refusals = answers.into_iter().map(refused);
    let judged = refusals.filter(|refusal| refusal.reason == Reason::WrongAnswer);
    assert_eq!(judged.count(), 5);
}

#[tokio::test]
async fn a_challenge_is_met_once_however_often_it_is_answered_at_once() {
    let house = Rc::new(House::new().await);
    let client = Client::number(1);
    let token = house.challenge(&client);
    let right = vec![PASSWORD.to_owned(); 5];
    let answers = house
        .answer_at_once(&client, &token, Factor::Password, right)
        .await;
    let met = answers
        .iter()
        .filter(|answer| matches!(answer, Answer::Verified(_)));
    assert_eq!(met.count(), 1);
}

#[tokio::test]
async fn a_totp_code_is_accepted_once() {
    let house = Rc::new(House::new().await);
    let client = Client::number(1);
    let code = house.totp_code();
    let (first, second) = (house.challenge(&client), house.challenge(&client));
    verified(house.answer(&client, &first, Factor::Totp, &code).await);
    let refusal = refused(house.answer(&client, &second, Factor::Totp, &code).await);
    assert_eq!(refusal.reason, Reason::WrongAnswer);
    house.wait(Duration::from_secs(30));
    let code = house.totp_code();
    let at_once = house
        .answer_at_once(&client, &second, Factor::Totp, vec![code; 4])
        .await;
    let met = at_once
        .iter()
        .filter(|answer| matches!(answer, Answer::Verified(_)));
    assert_eq!(met.count(), 1);
}

#[tokio::test]
async fn a_mailed_code_is_good_for_its_challenge_and_once() {
    let house = House::new().await;
    let client = Client::number(1);
    let (token, other) = (house.challenge(&client), house.challenge(&client));
    let sent = house.send(&client, &token).await;
    let Sending::Sent {
        hint, expires_at, ..
    } = sent
    else {
        panic!("{sent:?}");
    };
    assert_eq!(hint, "a•••@example.com");
    assert_eq!(expires_at, now().after(Duration::from_mins(10)));
    let code = house.code();
    let elsewhere = house.answer(&client, &other, Factor::EmailCode, &code);
    assert_eq!(refused(elsewhere.await).reason, Reason::WrongAnswer);
    let spaced = format!(" {} {}", &code[..3], &code[3..]);
    verified(
        house
            .answer(&client, &token, Factor::EmailCode, &spaced)
            .await,
    );
    refused(
        house
            .answer(&client, &token, Factor::EmailCode, &code)
            .await,
    );
}

#[tokio::test]
async fn a_mailed_code_is_over_when_its_time_is() {
    let settings = VerificationSettings {
        code_life: Duration::from_mins(1),
        ..VerificationSettings::default()
    };
    let house = House::with(Manner::Accepts, settings).await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    house.send(&client, &token).await;
    let code = house.code();
    house.wait(Duration::from_mins(1));
    let late = house.answer(&client, &token, Factor::EmailCode, &code);
    assert_eq!(refused(late.await).reason, Reason::WrongAnswer);
}

#[tokio::test]
async fn another_code_costs_an_attempt_and_half_a_minute() {
    let house = House::new().await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    house.send(&client, &token).await;
    let first = house.code();
    house.wait(Duration::from_secs(10));
    let refusal = refused_code(house.send(&client, &token).await);
    assert_eq!(refusal.reason, Reason::TooManyAttempts);
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(20)));
    house.wait(Duration::from_secs(20));
    assert!(matches!(
        house.send(&client, &token).await,
        Sending::Sent { .. }
    ));
    let second = house.code();
    let wrong = if first == second { "x" } else { &first };
    let refusal = refused(
        house
            .answer(&client, &token, Factor::EmailCode, wrong)
            .await,
    );
    assert_eq!(refusal.attempts_left, Some(3), "a resend and an answer");
    verified(
        house
            .answer(&client, &token, Factor::EmailCode, &second)
            .await,
    );
}

#[tokio::test]
async fn nobody_is_bombed_with_codes() {
    let house = House::new().await;
    let mut sent = 0;
    for number in 0..20 {
        let client = Client::number(number);
        let token = house.challenge(&client);
        if let Sending::Sent { .. } = house.send(&client, &token).await {
            sent += 1;
        }
    }
    assert_eq!(sent, 5);
    house.wait(Duration::from_mins(15));
    let client = Client::number(99);
    let token = house.challenge(&client);
    assert!(matches!(
        house.send(&client, &token).await,
        Sending::Sent { .. }
    ));
}

#[tokio::test]
async fn a_mail_server_that_refuses_is_told_and_can_be_tried_again_at_once() {
    let house = House::with(Manner::Refuses, VerificationSettings::default()).await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    for _ in 0..2 {
        let refusal = refused_code(house.send(&client, &token).await);
        assert_eq!(refusal.reason, Reason::MailUnavailable);
    }
}

#[tokio::test]
async fn a_token_is_worth_nothing_in_other_hands() {
    let house = House::new().await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    let other_session = Client {
        session: SessionId::new([9; 32]),
        ..client.clone()
    };
    let other_browser = Client {
        browser_key: Some(BrowserKeyHash::new([9; 32])),
        ..client.clone()
    };
    let no_browser = Client {
        browser_key: None,
        ..client.clone()
    };
    let other_subject = Client {
        subject: Subject::new("bob"),
        ..client.clone()
    };
    for thief in [other_session, other_browser, no_browser, other_subject] {
        let answer = house.answer(&thief, &token, Factor::Password, PASSWORD);
        assert_eq!(refused(answer.await).reason, Reason::ChallengeExpired);
        let sending = refused_code(house.send(&thief, &token).await);
        assert_eq!(sending.reason, Reason::ChallengeExpired);
    }
    house.wait(Duration::from_mins(10));
    let late = house.answer(&client, &token, Factor::Password, PASSWORD);
    assert_eq!(refused(late.await).reason, Reason::ChallengeExpired);
}

#[tokio::test]
async fn a_session_that_guesses_is_barred_and_the_owner_is_not() {
    let house = House::new().await;
    let thief = Client::number(1);
    let mut judged = 0;
    for _ in 0..4 {
        let token = house.challenge(&thief);
        for _ in 0..5 {
            let refusal = refused(house.answer(&thief, &token, Factor::Password, "x").await);
            judged += u32::from(refusal.reason == Reason::WrongAnswer);
        }
    }
    assert_eq!(judged, 10);
    let token = house.challenge(&thief);
    let refusal = refused(house.answer(&thief, &token, Factor::Password, "x").await);
    assert_eq!(refusal.reason, Reason::TooManyAttempts);
    assert_eq!(refusal.retry_after, Some(Duration::from_mins(15)));
    let owner = Client::number(2);
    let token = house.challenge(&owner);
    verified(
        house
            .answer(&owner, &token, Factor::Password, PASSWORD)
            .await,
    );
}

#[tokio::test]
async fn one_session_never_locks_the_factor() {
    let house = House::new().await;
    let thief = Client::number(1);
    let mut judged = 0;
    for _ in 0..50 {
        for _ in 0..2 {
            let token = house.challenge(&thief);
            for _ in 0..5 {
                let refusal = refused(house.answer(&thief, &token, Factor::Totp, "x").await);
                assert_ne!(refusal.reason, Reason::FactorLocked);
                judged += u32::from(refusal.reason == Reason::WrongAnswer);
            }
        }
        house.wait(Duration::from_mins(16));
    }
    assert_eq!(judged, 40);
}

#[tokio::test]
async fn a_hundred_failures_lock_the_factor_until_an_operator_unlocks_it() {
    let house = House::new().await;
    for number in 0..20 {
        let client = Client::number(number);
        let token = house.challenge(&client);
        for _ in 0..5 {
            let refusal = refused(house.answer(&client, &token, Factor::Password, "x").await);
            assert_eq!(refusal.reason, Reason::WrongAnswer);
        }
    }
    house.wait(Duration::from_hours(1000));
    let owner = Client::number(500);
    let token = house.challenge(&owner);
    let refusal = refused(
        house
            .answer(&owner, &token, Factor::Password, PASSWORD)
            .await,
    );
    assert_eq!(refusal.reason, Reason::FactorLocked);
    // The other factors are not locked.
    let code = house.totp_code();
    verified(house.answer(&owner, &token, Factor::Totp, &code).await);
    let unlocked = factor_keys(&UserId::new("alice"), &house.verifier.equipment().keys);
    house
        .verifier
        .store
        .clear_attempts(&unlocked)
        .await
        .unwrap();
    let token = house.challenge(&owner);
    verified(
        house
            .answer(&owner, &token, Factor::Password, PASSWORD)
            .await,
    );
}

#[tokio::test]
async fn plus_means_that_both_are_shown() {
    let house = House::new()
        .await
        .requiring(&[&[Factor::Password, Factor::Totp]]);
    let client = Client::number(1);
    let token = house.challenge(&client);
    let answer = house
        .answer(&client, &token, Factor::Password, PASSWORD)
        .await;
    let Answer::MoreNeeded { remaining, view } = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(remaining, [FactorSet::EMPTY.with(Factor::Totp)]);
    assert!(view.shown_factors.contains(Factor::Password));
    let again = house.answer(&client, &token, Factor::Password, PASSWORD);
    assert!(matches!(again.await, Answer::MoreNeeded { .. }));
    let code = house.totp_code();
    let success = verified(house.answer(&client, &token, Factor::Totp, &code).await);
    let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
    assert_eq!(success.mark.factors, both);
    assert_eq!(success.grant.unwrap().factors, both);
}

#[tokio::test]
async fn a_known_password_buys_no_further_guesses_at_the_code() {
    let house = House::new()
        .await
        .requiring(&[&[Factor::Password, Factor::Totp], &[Factor::EmailCode]]);
    let thief = Client::number(1);
    let mut judged = 0;
    for _ in 0..20 {
        let token = house.challenge(&thief);
        house
            .answer(&thief, &token, Factor::Password, PASSWORD)
            .await;
        for _ in 0..5 {
            if let Answer::Refused(refusal) = house.answer(&thief, &token, Factor::Totp, "x").await
            {
                judged += u32::from(refusal.reason == Reason::WrongAnswer);
            }
        }
    }
    assert_eq!(judged, 10);
}

#[tokio::test]
async fn a_phrase_is_asked_for_before_anything_is_judged() {
    let mut house = House::new().await;
    let mut requirement = (*house.requirement).clone();
    requirement.confirm = Some("DELETE".to_owned());
    house.requirement = Arc::new(requirement);
    let client = Client::number(1);
    let token = house.challenge(&client);
    let password = Secret::new(PASSWORD.to_owned());
    let answer = async |confirm| {
        let answering = Answering {
            token: &token,
            factor: Factor::Password,
            answer: &password,
            confirm,
            caller: client.caller(),
        };
        let requirement = Arc::clone(&house.requirement);
        let answer = house.verifier.answer(answering, |_| Some(requirement));
        answer.await.unwrap()
    };
    for typed in [None, Some(""), Some("delete"), Some("DELETE it")] {
        assert!(matches!(answer(typed).await, Answer::Unconfirmed));
    }
    verified(answer(Some(" DELETE ")).await);
}

#[tokio::test]
async fn a_route_that_is_gone_or_stricter_by_now_applies_as_it_is_now() {
    let house = House::new().await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    let gone = house.verifier.read(&token, |_| None, &client.caller());
    assert!(gone.is_none());
    let house = house.requiring(&[&[Factor::Totp]]);
    let answer = house.answer(&client, &token, Factor::Password, PASSWORD);
    assert_eq!(refused(answer.await).reason, Reason::MethodNotEnrolled);
}

#[tokio::test]
async fn a_challenge_shows_what_this_subject_can_show() {
    let house = House::new().await.requiring(&[
        &[Factor::Passkey],
        &[Factor::EmailCode],
        &[Factor::Password],
    ]);
    let view = async |client: &Client| -> ChallengeView {
        let token = house.challenge(client);
        let requirement = Arc::clone(&house.requirement);
        let read = house
            .verifier
            .read(&token, |_| Some(requirement), &client.caller());
        house.verifier.view(&read.unwrap()).await.unwrap()
    };
    let alice = view(&Client::number(1)).await;
    let sets: Vec<_> = [Factor::EmailCode, Factor::Password]
        .map(|factor| FactorSet::EMPTY.with(factor))
        .into();
    assert_eq!(alice.alternatives, sets);
    assert_eq!(alice.email_hint.as_deref(), Some("a•••@example.com"));
    assert_eq!(alice.bound, [("user".to_owned(), "42".to_owned())]);
    let nobody = view(&Client::called("nobody@example.com")).await;
    assert!(nobody.alternatives.is_empty() && nobody.email_hint.is_none());
}

#[tokio::test]
async fn an_address_stands_for_itself_if_the_settings_say_so() {
    let settings = VerificationSettings {
        email_subjects: EmailSubjects::Trusted,
        ..VerificationSettings::default()
    };
    let house = House::with(Manner::Accepts, settings).await;
    let client = Client::called("guest@example.com");
    let token = house.challenge(&client);
    house.send(&client, &token).await;
    let code = house.code();
    verified(
        house
            .answer(&client, &token, Factor::EmailCode, &code)
            .await,
    );
}

#[tokio::test]
async fn status_tells_what_counts_here_and_lock_drops_it() {
    let mut house = House::new().await;
    let mut requirement = (*house.requirement).clone();
    requirement.level = RiskLevel::Low;
    requirement.single_use = false;
    house.requirement = Arc::new(requirement);
    let mut client = Client::number(1);
    let token = house.challenge(&client);
    let success = verified(
        house
            .answer(&client, &token, Factor::Password, PASSWORD)
            .await,
    );
    assert!(
        success.grant.is_none(),
        "a mark is all that level 1 asks for"
    );
    let status = house.verifier.status(&client.caller()).await.unwrap();
    assert!(status.mark.is_none(), "the browser key of before");
    client.browser_key = hash_browser_key(
        success.browser_key.expose(),
        &house.verifier.equipment().keys,
    );
    let status = house.verifier.status(&client.caller()).await.unwrap();
    assert!(status.mark.is_some());
    assert_eq!(
        status.fresh_until,
        Some(now().after(Duration::from_mins(10)))
    );
    house.verifier.lock(&client.caller()).await.unwrap();
    let status = house.verifier.status(&client.caller()).await.unwrap();
    assert!(status.mark.is_none() && status.fresh_until.is_none());
}

#[tokio::test]
async fn a_verification_keeps_the_login_of_the_same_browser() {
    let house = House::new().await;
    let mut client = Client::number(1);
    let login = Login {
        id: client.session,
        replaces: None,
        session: crate::domain::Session {
            subject: client.subject.clone(),
            authenticated_at: Some(now()),
            browser_key: client.browser_key,
            created_at: now(),
            seen_at: now(),
            revoked: false,
        },
        keep: Duration::from_hours(1),
    };
    house.verifier.store.put_login(&login).await.unwrap();
    let token = house.challenge(&client);
    let success = verified(
        house
            .answer(&client, &token, Factor::Password, PASSWORD)
            .await,
    );
    client.browser_key = hash_browser_key(
        success.browser_key.expose(),
        &house.verifier.equipment().keys,
    );
    let status = house.verifier.status(&client.caller()).await.unwrap();
    assert_eq!(status.session.unwrap().authenticated_at, Some(now()));
}

#[tokio::test]
async fn each_step_leaves_one_event_and_none_holds_a_secret() {
    let house = House::new().await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    house.send(&client, &token).await;
    let code = house.code();
    house
        .answer(&client, &token, Factor::Password, "swordfish")
        .await;
    house
        .answer(&client, &token, Factor::EmailCode, &code)
        .await;
    house.verifier.lock(&client.caller()).await.unwrap();
    let audit = &house.verifier.equipment().audit;
    assert!(audit.flush(Duration::from_secs(10)));
    let text = std::fs::read_to_string(house.folder.join("audit.jsonl")).unwrap();
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
    let house = House::new().await;
    let client = Client::number(1);
    let token = house.challenge(&client);
    house.send(&client, &token).await;
    let answer = house.answer(&client, &token, Factor::Password, PASSWORD);
    let success = verified(answer.await);
    let mut dump = Vec::new();
    for file in std::fs::read_dir(&house.folder).unwrap() {
        dump.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |secret: &[u8]| dump.windows(secret.len()).any(|window| window == secret);
    assert!(holds(b"alice"), "the dump is one");
    let key = success.browser_key.expose();
    let raw_key = data_encoding::BASE64URL_NOPAD.decode(key.as_bytes());
    let totp = house.totp.to_base32();
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
    let house = House::new().await;
    let settings = AuditSettings {
        target: AuditTarget::File("/dev/full".into()),
        ..AuditSettings::default()
    };
    let mut equipment = house.verifier.equipment().clone();
    equipment.audit = loop {
        // Another test may be writing to the same device.
        match Audit::start(&settings, equipment.clock.clone()) {
            Ok(audit) => break audit,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let client = Client::number(1);
    let token = house.challenge(&client);
    let verifier = Verifier::new(house.verifier.store.clone(), Arc::new(equipment));
    let password = Secret::new(PASSWORD.to_owned());
    let answering = Answering {
        token: &token,
        factor: Factor::Password,
        answer: &password,
        confirm: None,
        caller: client.caller(),
    };
    // The first event is queued before anybody knows that it cannot be written.
    verifier.lock(&client.caller()).await.unwrap();
    while verifier.equipment().audit.ready().is_ok() {
        tokio::task::yield_now().await;
    }
    let requirement = Arc::clone(&house.requirement);
    let answer = verifier.answer(answering, |_| Some(requirement)).await;
    assert!(matches!(answer, Err(super::VerifyError::Audit(_))));
}
