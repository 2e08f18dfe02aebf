//! Servers, files and records for the tests.

#[path = "../e2e/support/port.rs"]
pub(crate) mod port;
#[allow(dead_code)] // the tests of the binary listen to programs more closely
#[path = "../e2e/support/process.rs"]
mod process;
#[path = "../e2e/support/temp.rs"]
pub(crate) mod temp;

use process::Process;
use std::ops::Deref;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use stepgate::clock::Clock;
use stepgate::domain::{
    Action, BrowserKeyHash, ChallengeId, Factor, FactorSet, Grant, GrantId, GrantKey, Mark, Owner,
    Provenance, RequestDigest, RiskLevel, SessionId, StoredSession, Subject, Timestamp,
};
use stepgate::store::{
    Ask, EmbeddedOptions, Held, Login, Over, RedisOptions, RestsOn, Store, StoreError,
    StoreOptions, StoreSource, Taken, VerifiedChallenge, open,
};
use temp::TempDir;
use tokio::task::LocalSet;
use tokio::time::timeout;

pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);
/// Generous, since the tests share a machine; the outages choose their own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The machine may be busy: what must be told apart is a deadline and no end at all.
pub(crate) const SLACK: Duration = Duration::from_secs(5);

/// An open store and all that belongs to it.
pub(crate) struct TestStore {
    pub(crate) source: StoreSource,
    store: Store,
    pub(crate) clock: Clock,
}

impl Deref for TestStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl TestStore {
    pub(crate) fn open(options: &StoreOptions) -> Self {
        let clock = clock();
        let source = open(options, &clock).unwrap();
        let store = source.handle();
        Self {
            source,
            store,
            clock,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A login of alice from `browser`.
    pub(crate) async fn login(&self, id: SessionId, browser: BrowserKeyHash) -> StoredSession {
        let session = session("alice", browser, self.now());
        self.record(id, session.clone()).await;
        session
    }

    /// A login that begins this session.
    pub(crate) async fn record(&self, id: SessionId, session: StoredSession) {
        let login = Login {
            id,
            replaces: None,
            session,
            keep: HOUR,
            over: Over::Anything,
        };
        self.store.put_login(&login).await.unwrap();
    }

    /// Revokes a session for an hour.
    pub(crate) async fn revoke(&self, id: SessionId) {
        let revoking = self.store.revoke_session(id, self.now(), HOUR);
        revoking.await.unwrap();
    }

    /// Twenty sessions, each of a subject of its own.
    pub(crate) async fn log_in_twenty(&self) {
        for number in 0..20 {
            let session = session(&format!("subject{number}"), browser(1), self.now());
            self.record(id(number), session).await;
        }
    }

    /// What the store holds for a session, and of `grants`.
    pub(crate) async fn held(&self, id: SessionId, grants: &[GrantKey]) -> Held {
        self.ask(id, grants).await.unwrap()
    }

    /// The same of a store that may not answer.
    pub(crate) async fn ask(&self, id: SessionId, grants: &[GrantKey]) -> Result<Held, StoreError> {
        let ask = Ask {
            session: id,
            browser: None,
            grants,
            claims: &[],
        };
        self.store.evidence(ask, self.now()).await
    }

    /// Asks for the first session until there is an answer again, and tells that.
    pub(crate) async fn recovered(&self) -> Held {
        let asking = async {
            loop {
                if let Ok(held) = self.ask(id(1), &[]).await {
                    return held;
                }
                tokio::task::yield_now().await;
            }
        };
        let recovered = timeout(PATIENCE, asking).await;
        recovered.expect("the store is reached again by itself")
    }

    /// Takes single-use grants.
    pub(crate) async fn claim(
        &self,
        id: SessionId,
        browser: BrowserKeyHash,
        claims: &[GrantKey],
    ) -> Held {
        let ask = Ask {
            session: id,
            browser: Some(browser),
            grants: &[],
            claims,
        };
        self.store.evidence(ask, self.now()).await.unwrap()
    }

    /// A verification of the first session in the first browser, and the grant that it earns there.
    pub(crate) async fn earn(&self, number: u8, key: GrantKey) -> Grant {
        let granted = grant(key, number, browser(1), self.now());
        self.verify(id(1), browser(1), Some(granted.clone())).await;
        granted
    }

    /// A verification by the browser that the session belongs to, which keeps its key.
    pub(crate) async fn verify(
        &self,
        id: SessionId,
        browser: BrowserKeyHash,
        grant: Option<Grant>,
    ) {
        let verified = verified(id, browser, grant, self.now());
        assert_eq!(
            self.store
                .put_verified(&verified, self.now())
                .await
                .unwrap(),
            Taken::Now
        );
    }
}

/// Runs a test on a Redis of its own.
pub(crate) fn on_redis(test: impl AsyncFnOnce(TestStore)) {
    let redis = Redis::start(&[]);
    in_runtime(async || test(TestStore::open(&StoreOptions::Redis(redis.options()))).await);
}

/// Runs a test on a file of its own.
pub(crate) fn on_embedded(test: impl AsyncFnOnce(TestStore)) {
    let folder = TempDir::new("store");
    in_runtime(async || test(TestStore::open(&embedded(&folder))).await);
}

pub(crate) fn embedded(folder: &TempDir) -> StoreOptions {
    let mut options = EmbeddedOptions::new(folder.path().join("state/store.db"));
    options.deadline = PATIENCE;
    StoreOptions::Embedded(options)
}

/// Runs on the shape of runtime that the product has.
pub(crate) fn in_runtime(test: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test());
}

/// Runs `task` `times` over at once, and collects the outcomes.
pub(crate) async fn at_once<T: 'static>(
    times: usize,
    task: impl AsyncFn(usize) -> T + Clone + 'static,
) -> Vec<T> {
    let tasks: Vec<_> = (0..times)
        .map(|number| {
            let task = task.clone();
            tokio::task::spawn_local(async move { task(number).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

/// A `redis-server` of our own, on a socket in a folder of its own.
pub(crate) struct Redis {
    server: Process,
    folder: TempDir,
}

impl Redis {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(TempDir::new("redis"), arguments)
    }

    /// Starts in a folder that the caller has put files into.
    pub(crate) fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let server = launch(&folder, arguments);
        Self { server, folder }
    }

    pub(crate) fn options(&self) -> RedisOptions {
        let mut options = RedisOptions::new(self.url());
        options.deadline = PATIENCE;
        options.connect_timeout = PATIENCE;
        options
    }

    pub(crate) fn url(&self) -> String {
        format!("unix:{}", self.folder.path().join("r.sock").display())
    }

    /// A connection beside the store's own.
    pub(crate) fn client(&self) -> redis::Connection {
        redis::Client::open(self.url())
            .unwrap()
            .get_connection()
            .unwrap()
    }

    pub(crate) fn command(&self, words: &[&str]) -> redis::Value {
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query(&mut self.client()).unwrap()
    }

    /// Stops it where it stands: connections stay open, and nothing answers.
    pub(crate) fn pause(&self) {
        self.server.signal("STOP");
    }

    pub(crate) fn resume(&self) {
        self.server.signal("CONT");
    }

    /// Ends it and starts another in its place, without its data.
    pub(crate) fn restart(&mut self) {
        self.end();
        self.server = launch(&self.folder, &[]);
    }

    pub(crate) fn end(&mut self) {
        self.server.kill();
    }
}

fn launch(folder: &TempDir, arguments: &[&str]) -> Process {
    let server = Process::start(
        "redis-server",
        Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args(["--unixsocket", "r.sock"])
            .args(arguments)
            .current_dir(folder.path()),
    );
    server.wait_for_line("eady to accept connections");
    server
}

/// A clock that stands at the same moment in every test.
pub(crate) fn clock() -> Clock {
    Clock::manual(Timestamp::from_millis(1_800_000_000_000))
}

pub(crate) const fn id(number: u8) -> SessionId {
    SessionId::new([number; 32])
}

pub(crate) const fn browser(number: u8) -> BrowserKeyHash {
    BrowserKeyHash::new([number; 32])
}

pub(crate) const fn challenge(number: u8) -> ChallengeId {
    ChallengeId::new([number; 16])
}

pub(crate) fn session(subject: &str, browser: BrowserKeyHash, now: Timestamp) -> StoredSession {
    StoredSession {
        owner: Owner::Subject(Subject::new(subject)),
        authenticated_at: Some(now),
        browser_key: Some(browser),
        created_at: now,
        seen_at: now,
        revoked: false,
        provenance: Some(Provenance::new(
            [192, 0, 2, 7].into(),
            "Firefox/145.0",
            "app.test/login",
        )),
    }
}

pub(crate) fn grant_key(action: &str) -> GrantKey {
    GrantKey {
        action: Action::new(action),
        binding: None,
        single_use: false,
    }
}

pub(crate) fn once(action: &str, digest: u8) -> GrantKey {
    let binding = Some(RequestDigest::new([digest; 32]));
    GrantKey {
        action: Action::new(action),
        binding,
        single_use: true,
    }
}

/// A grant of alice for ten minutes.
pub(crate) fn grant(key: GrantKey, number: u8, browser: BrowserKeyHash, now: Timestamp) -> Grant {
    Grant {
        id: GrantId::new([number; 16]),
        key,
        level: RiskLevel::Critical,
        subject: Subject::new("alice"),
        browser_key: browser,
        factors: FactorSet::EMPTY.with(Factor::Totp),
        acr: None,
        approved_by: None,
        granted_at: now,
        expires_at: now.after(10 * MINUTE),
    }
}

pub(crate) fn mark(browser: BrowserKeyHash, now: Timestamp) -> Mark {
    Mark {
        subject: Subject::new("alice"),
        browser_key: browser,
        factors: FactorSet::EMPTY.with(Factor::Password),
        acr: None,
        verified_at: now,
    }
}

/// A verification of alice, with a challenge of its own.
pub(crate) fn verified(
    id: SessionId,
    browser: BrowserKeyHash,
    grant: Option<Grant>,
    now: Timestamp,
) -> VerifiedChallenge {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut challenge = [0; 16];
    challenge[..4].copy_from_slice(&COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    VerifiedChallenge {
        opened_in: id,
        challenge: ChallengeId::new(challenge),
        challenge_keep: 10 * MINUTE,
        rests_on: RestsOn::default(),
        session: id,
        unrecorded: session("alice", browser, now).known().unwrap(),
        presented: Some(browser),
        renewed: browser,
        mark: Some(mark(browser, now)),
        grant,
        waits_for: None,
        approval: None,
        clears: Vec::new(),
        keep: HOUR,
    }
}

pub(crate) fn is_unavailable<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Unavailable(_)))
}

pub(crate) fn is_corrupt<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Corrupt { .. }))
}
