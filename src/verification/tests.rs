//! Whole verifications, against the embedded store and a mail server on a socket; and values that the
//! tests of single files share.

mod answers;
mod authenticator;
mod codes;
mod devices;
mod guessing;
mod passkeys;
mod records;

use self::authenticator::ORIGIN;
use crate::audit::{Audit, AuditSettings, AuditTarget};
use crate::clock::Clock;
use crate::domain::{
    Action, Alternatives, Binding, BrowserKeyHash, Challenge, ChallengeId, Demand, Enforcement,
    Evidence, Factor, LocalPath, Origin, RequestDigest, Requirement, ReturnTarget, RiskLevel,
    RouteId, Scope, Secret, SessionId, SessionState, Subject, Timestamp, User, UserId,
};
use crate::entropy::Entropy;
use crate::locale::Locale;
use crate::mail::Mailer;
use crate::mail::tests::{Manner, mail_server, settings as mail_settings};
use crate::seal::Keys;
use crate::store::{Ask, EmbeddedOptions, Held, StoreOptions, open};
use crate::verification::{
    AnswerOutcome, AnswerValue, Answering, Claimant, CountedBy, EndpointCaller, NewChallenge,
    PasswordChecker, PasswordCost, PasswordSettings, Refusal, RelyingParty, Sending, Services,
    Success, TotpSecret, VerificationSettings, Verifier, hash_password,
};
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

pub(super) fn keys() -> Keys {
    let secret = (0..32u8).map(|i| i.wrapping_mul(37)).collect();
    Keys::derive(&Secret::new(secret), None).unwrap()
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

pub(super) fn requirement() -> Arc<Requirement> {
    Arc::new(Requirement {
        action: Action::new("account.delete"),
        title: "Delete an account".into(),
        level: RiskLevel::Critical,
        factors: Alternatives::any_of(&[Factor::Password, Factor::Totp, Factor::EmailCode])
            .unwrap(),
        factors_narrowed: false,
        acr: Vec::new(),
        max_age: Duration::from_mins(2),
        scope: Scope::Action,
        single_use: true,
        bind: Binding::Request,
        show: vec![],
        confirm: None,
        approval: None,
        device: true,
        anchor: None,
        inline: None,
        open_for: None,
        enforcement: Enforcement::Enforce,
    })
}

pub(super) fn challenge() -> Challenge {
    Challenge {
        id: ChallengeId::new([1; 16]),
        session: SessionId::new([2; 32]),
        subject: Subject::new("alice@example.com"),
        browser_key: Some(BrowserKeyHash::new([3; 32])),
        in_own_session: true,
        route: RouteId::new("delete-user"),
        demand: Demand {
            requirement: requirement(),
            binding: Some(RequestDigest::new([4; 32])),
        },
        shown: vec![("user".to_owned(), "42".to_owned())],
        return_to: ReturnTarget::Form(LocalPath::parse("/users/42/delete").unwrap()),
        device: None,
        back: LocalPath::parse("/users/42"),
        opened_at: now(),
        expires_at: now().after(Duration::from_mins(10)),
    }
}

/// A verifier with one user, `alice`, who has a password, a TOTP secret and a mailbox.
struct Fixture {
    verifier: Verifier,
    totp: TotpSecret,
    mails: mpsc::Receiver<String>,
    folder: PathBuf,
    requirement: Arc<Requirement>,
}

/// A client: its session, its browser, its address.
#[derive(Clone)]
struct Client {
    number: u32,
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
            number,
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

    fn claimant(&self) -> Claimant<'_> {
        Claimant {
            session: self.session,
            subject: &self.subject,
            email: None,
            groups: &[],
            display: None,
            browser_key: self.browser_key,
            session_key: None,
        }
    }

    fn caller(&self) -> EndpointCaller<'_> {
        EndpointCaller {
            claimant: self.claimant(),
            // Sessions of different numbers began at different times.
            counted_by: CountedBy::Began(Timestamp::from_millis(self.number.into())),
            address: self.address,
            request_id: None,
            provenance: None,
        }
    }
}

impl Fixture {
    async fn new() -> Self {
        Self::with(Manner::Accepts, &VerificationSettings::default()).await
    }

    async fn with(mail: Manner, settings: &VerificationSettings) -> Self {
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
        let services = Services {
            keys: Arc::new(keys()),
            audit: Audit::start(&audit, clock.clone()).unwrap(),
            mailer: Some(
                Mailer::start(&mail_settings(port), clock.clone(), entropy.clone()).unwrap(),
            ),
            oidc: None,
            passwords: PasswordChecker::start(&passwords, &entropy).unwrap(),
            clock,
            entropy,
            passkeys: Some(
                RelyingParty::new(None, &Origin::parse(ORIGIN).unwrap(), "Example").unwrap(),
            ),
            settings: *settings,
        };
        let fixture = Self {
            totp: TotpSecret::generate(&services.entropy),
            verifier: Verifier::new(store, Arc::new(services)),
            mails,
            folder,
            requirement: requirement(),
        };
        fixture.enroll("alice").await;
        fixture
    }

    async fn enroll(&self, name: &str) {
        let services = self.verifier.services();
        let id = UserId::new(name);
        let password = Secret::new(PASSWORD.to_owned());
        let user = User {
            aliases: vec![UserId::new(format!("{name}@corp.example"))],
            email: Some(format!("{name}@example.com")),
            password: Some(hash_password(&password, CHEAP, &services.entropy).unwrap()),
            totp: Some(self.totp.seal(&id, &services.keys, &services.entropy)),
            ..User::new(id, now())
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
        self.verifier.services().clock.now()
    }

    fn wait(&self, span: Duration) {
        self.verifier.services().clock.advance(span);
    }

    fn demand(&self) -> Demand {
        Demand {
            requirement: Arc::clone(&self.requirement),
            binding: Some(RequestDigest::new([4; 32])),
        }
    }

    fn challenge(&self, client: &Client) -> String {
        self.challenge_for(client, RequestDigest::new([4; 32]))
    }

    fn challenge_for(&self, client: &Client, request: RequestDigest) -> String {
        let new = NewChallenge {
            claimant: client.claimant(),
            route: RouteId::new("delete-user"),
            demand: Demand {
                binding: Some(request),
                ..self.demand()
            },
            shown: vec![("user".to_owned(), "42".to_owned())],
            return_to: ReturnTarget::Caller,
            device: None,
            back: None,
        };
        self.verifier.open(new).0
    }

    async fn answer(
        &self,
        client: &Client,
        token: &str,
        factor: Factor,
        answer: &str,
    ) -> AnswerOutcome {
        let answer = AnswerValue::Text(Secret::new(answer.to_owned()));
        let answering = Answering {
            locale: Locale::En,
            token,
            factor,
            answer: &answer,
            confirm: None,
            purpose: None,
            trial: None,
            key: None,
            caller: client.caller(),
        };
        let requirement = Arc::clone(&self.requirement);
        self.verifier
            .answer(answering, |_| Some(requirement))
            .await
            .unwrap()
    }

    async fn right_password(&self, client: &Client, token: &str) -> AnswerOutcome {
        self.answer(client, token, Factor::Password, PASSWORD).await
    }

    /// The same answer many times at once.
    async fn answer_at_once(
        self: &Rc<Self>,
        client: &Client,
        token: &str,
        factor: Factor,
        answers: Vec<String>,
    ) -> Vec<AnswerOutcome> {
        let mut tasks = JoinSet::new();
        let local = LocalSet::new();
        for answer in answers {
            let (fixture, client, token) = (Rc::clone(self), client.clone(), token.to_owned());
            tasks.spawn_local_on(
                async move { fixture.answer(&client, &token, factor, &answer).await },
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
            latest,
        } = self.verifier.store.evidence(ask, self.now()).await.unwrap();
        Evidence {
            asserted_at: None,
            session: session
                .and_then(|session| session.known().ok())
                .map_or(SessionState::Unknown, SessionState::Known),
            browser_key: client.browser_key,
            mark,
            grants,
            claims,
            latest,
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn verified(answer: AnswerOutcome) -> Success {
    let AnswerOutcome::Verified(success) = answer else {
        panic!("not verified: {answer:?}");
    };
    *success
}

fn refused(answer: AnswerOutcome) -> Refusal {
    let AnswerOutcome::Refused(refusal) = answer else {
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
