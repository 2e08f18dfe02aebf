//! Password hashes: argon2id (RFC 9106), computed on worker threads.
//!
//! One check takes a fixed amount of memory and time, so the number of workers, the queue and the wait
//! are limited; beyond that the answer is [`Busy`]. A check for an account without a password takes the
//! same work as any other, so that timing does not tell which accounts have one.

use crate::domain::Secret;
use crate::entropy::Entropy;
use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The longest password that is hashed, in bytes. NIST SP 800-63B-4 §3.1.1.2 asks for at least 64
/// characters; the limit bounds the work that a client can cause.
pub const MAX_PASSWORD: usize = 1024;

/// What one hash costs. The default is the OWASP Password Storage Cheat Sheet's minimum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// How passwords are checked.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// What new hashes cost.
    pub cost: PasswordCost,
    /// How many are checked at once.
    pub threads: usize,
    /// How many may wait.
    pub queue: usize,
    /// How long one may take, waiting included.
    pub deadline: Duration,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            cost: PasswordCost::default(),
            threads: 2,
            queue: 32,
            deadline: Duration::from_secs(5),
        }
    }
}

/// Why a password cannot be hashed; the operator must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The cost is outside what argon2 allows.
    #[error("argon2 cannot be run with these costs: {0}")]
    Cost(argon2::Error),
    /// The password is empty.
    #[error("the password is empty")]
    Empty,
    /// Hashing failed.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    /// The password is too long.
    #[error("the password has {0} bytes; at most {MAX_PASSWORD} are allowed")]
    TooLong(usize),
}

/// Too many passwords are being checked already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// The answer to checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is right.
    Right {
        /// The hash was made at a lower cost than is set now.
        outdated: bool,
    },
    /// It is wrong, or there is none.
    Wrong,
}

/// Hashes a password as a PHC string. Blocks for as long as the cost says: not for an I/O thread.
pub fn hash_password(
    password: &Secret<String>,
    cost: PasswordCost,
    entropy: &Entropy,
) -> Result<Secret<String>, PasswordError> {
    let password = password.expose().as_bytes();
    if password.is_empty() {
        return Err(PasswordError::Empty);
    }
    if password.len() > MAX_PASSWORD {
        return Err(PasswordError::TooLong(password.len()));
    }
    let hash: PasswordHash = argon2id(cost)?
        .hash_password_with_salt(password, &entropy.bytes::<16>())
        .map_err(PasswordError::Hash)?;
    Ok(Secret::new(hash.to_string()))
}

/// Sends passwords to the hash workers. Cheap to clone; shared by all threads.
#[derive(Clone, Debug)]
pub struct PasswordChecker {
    queue: SyncSender<Job>,
    deadline: Duration,
}

#[derive(Debug)]
enum Job {
    Check {
        password: Secret<String>,
        hash: Option<Secret<String>>,
        told: oneshot::Sender<Checked>,
    },
    Hash {
        password: Secret<String>,
        told: oneshot::Sender<Secret<String>>,
    },
}

impl PasswordChecker {
    /// Starts the workers. They end when the last checker is dropped.
    pub fn start(settings: &PasswordSettings, entropy: &Entropy) -> Result<Self, StartError> {
        let worker = HashWorker {
            cost: settings.cost,
            stand_in: stand_in(settings.cost, entropy)?,
            entropy: entropy.clone(),
        };
        let (queue, jobs) = sync_channel(settings.queue);
        let (worker, jobs) = (Arc::new(worker), Arc::new(Mutex::new(jobs)));
        for _ in 0..settings.threads.max(1) {
            let (worker, jobs) = (Arc::clone(&worker), Arc::clone(&jobs));
            thread::Builder::new()
                .name("password".to_owned())
                .spawn(move || worker.run(&jobs))?;
        }
        let deadline = settings.deadline;
        Ok(Self { queue, deadline })
    }

    /// Checks a password against a hash; without one, does the same work and answers `Wrong`.
    pub async fn check(
        &self,
        password: Secret<String>,
        hash: Option<Secret<String>>,
    ) -> Result<Checked, Busy> {
        let (told, answer) = oneshot::channel();
        let job = Job::Check {
            password,
            hash,
            told,
        };
        self.wait(job, answer).await
    }

    /// Hashes a password at today's cost, in the same queue as the checks.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, Busy> {
        let (told, answer) = oneshot::channel();
        self.wait(Job::Hash { password, told }, answer).await
    }

    async fn wait<T>(&self, job: Job, answer: oneshot::Receiver<T>) -> Result<T, Busy> {
        self.queue.try_send(job).map_err(|_| Busy)?;
        match timeout(self.deadline, answer).await {
            Ok(Ok(told)) => Ok(told),
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }
}

/// A hash of no password, with the parameters of new hashes, to check against where a user has none.
/// Its tag is random rather than computed, which saves a start the time and memory of a hash.
fn stand_in(cost: PasswordCost, entropy: &Entropy) -> Result<Secret<String>, PasswordError> {
    // The settings are checked here, as they would be by hashing.
    let _ = argon2id(cost)?;
    let PasswordCost {
        memory_kib,
        passes,
        lanes,
    } = cost;
    let base64 = &data_encoding::BASE64_NOPAD;
    let salt = base64.encode(&entropy.bytes::<16>());
    let tag = base64.encode(&entropy.bytes::<32>());
    let phc = format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${tag}");
    Ok(Secret::new(phc))
}

/// Why the checker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings do not work.
    #[error("passwords cannot be checked")]
    Settings(#[from] PasswordError),
    /// A thread cannot be started.
    #[error("a password thread cannot be started")]
    Thread(#[from] io::Error),
}

/// What one worker thread needs.
struct HashWorker {
    cost: PasswordCost,
    /// Checked against where a user has no password.
    stand_in: Secret<String>,
    entropy: Entropy,
}

impl HashWorker {
    fn run(&self, jobs: &Mutex<Receiver<Job>>) {
        // One buffer for the life of the thread: allocating 19 MiB for each check fragments the heap.
        let mut memory = Vec::new();
        loop {
            let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(job) = next else { return };
            // A caller that gave up at its deadline has closed the channel: skip its work.
            match job {
                Job::Check {
                    password,
                    hash,
                    told,
                } if !told.is_closed() => {
                    let _ = told.send(self.check(&password, hash.as_ref(), &mut memory));
                }
                Job::Hash { password, told } if !told.is_closed() => {
                    if let Ok(hash) = hash_password(&password, self.cost, &self.entropy) {
                        let _ = told.send(hash);
                    }
                }
                Job::Check { .. } | Job::Hash { .. } => {}
            }
        }
    }

    fn check(
        &self,
        password: &Secret<String>,
        hash: Option<&Secret<String>>,
        memory: &mut Vec<Block>,
    ) -> Checked {
        let password = password.expose().as_bytes();
        if password.len() > MAX_PASSWORD {
            return Checked::Wrong;
        }
        let known = hash.and_then(|hash| readable(hash.expose()));
        if hash.is_some() && known.is_none() {
            tracing::error!("a password hash in the directory is unreadable; it counts for none");
        }
        let Some(known) = known else {
            if let Some(stand_in) = readable(self.stand_in.expose()) {
                let _ = matches(password, &stand_in, memory);
            }
            return Checked::Wrong;
        };
        if matches(password, &known, memory) {
            let outdated = self.is_outdated(&known);
            Checked::Right { outdated }
        } else {
            Checked::Wrong
        }
    }

    /// Whether the configured cost is higher than that of `hash`. A hash that costs more in memory or
    /// passes is kept, so that a change of the settings never weakens one.
    fn is_outdated(&self, hash: &PasswordHash) -> bool {
        let PasswordCost {
            memory_kib, passes, ..
        } = self.cost;
        Params::try_from(hash).is_ok_and(|params| {
            let (memory, times) = (params.m_cost(), params.t_cost());
            let is_other = hash.algorithm.as_str() != "argon2id" || hash.version != Some(0x13);
            let is_cheaper = (memory, times) != (memory_kib, passes);
            memory <= memory_kib && times <= passes && (is_cheaper || is_other)
        })
    }
}

/// Reads an argon2 PHC string whose cost is at most 2 GiB and 64 passes: a record in the store must not
/// decide how much memory we take.
fn readable(hash: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(hash).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let argon2 = hash.algorithm.as_str().starts_with("argon2");
    let whole = hash.salt.is_some() && hash.hash.is_some();
    let bearable = params.m_cost() <= 2 * 1024 * 1024 && params.t_cost() <= 64;
    (argon2 && whole && bearable).then_some(hash)
}

/// Hashes `password` with the parameters of `known`, in `memory`, and compares in constant time. Invalid
/// parameters do not match.
fn matches(password: &[u8], known: &PasswordHash, memory: &mut Vec<Block>) -> bool {
    let mut computed = || {
        let params = Params::try_from(known).ok()?;
        let algorithm = Algorithm::new(known.algorithm.as_str()).ok()?;
        let version = match known.version {
            Some(version) => Version::try_from(version).ok()?,
            None => Version::V0x10,
        };
        let (salt, expected) = (known.salt.as_ref()?, known.hash.as_ref()?);
        if memory.len() < params.block_count() {
            memory.resize(params.block_count(), Block::default());
        }
        let mut tag = vec![0; expected.as_bytes().len()];
        let argon2 = Argon2::new(algorithm, version, params);
        argon2
            .hash_password_into_with_memory(password, salt.as_ref(), &mut tag, &mut memory[..])
            .ok()?;
        Some(tag.ct_eq(expected.as_bytes()).into())
    };
    let is_right = computed().unwrap_or(false);
    // The buffer is reused, and holds values derived from the password.
    memory.fill(Block::default());
    is_right
}

fn argon2id(cost: PasswordCost) -> Result<Argon2<'static>, PasswordError> {
    let params =
        Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(PasswordError::Cost)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PasswordCost = PasswordCost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn checker(threads: usize, queue: usize, cost: PasswordCost) -> PasswordChecker {
        let settings = PasswordSettings {
            cost,
            threads,
            queue,
            ..PasswordSettings::default()
        };
        PasswordChecker::start(&settings, &Entropy::system()).unwrap()
    }

    #[tokio::test]
    async fn the_right_password_is_right_and_no_other() {
        let checker = checker(1, 8, CHEAP);
        let hash = hash_password(&secret("correct horse"), CHEAP, &Entropy::system()).unwrap();
        let check = async |password: &str, hash: Option<&Secret<String>>| {
            checker
                .check(secret(password), hash.cloned())
                .await
                .unwrap()
        };
        let right = Checked::Right { outdated: false };
        assert_eq!(check("correct horse", Some(&hash)).await, right);
        for wrong in ["", "correct", "correct horse ", "Correct horse"] {
            assert_eq!(check(wrong, Some(&hash)).await, Checked::Wrong);
        }
        assert_eq!(check("correct horse", None).await, Checked::Wrong);
        for unreadable in ["", "$2b$12$abc", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ"] {
            let hash = secret(unreadable);
            assert_eq!(check("", Some(&hash)).await, Checked::Wrong);
        }
    }

    #[tokio::test]
    async fn a_hash_of_a_lower_cost_is_outdated_and_none_of_a_higher() {
        let cost = |memory_kib, passes| PasswordCost {
            memory_kib,
            passes,
            lanes: 1,
        };
        let today = cost(128, 2);
        let checker = checker(1, 8, today);
        for (then, outdated) in [
            (cost(64, 1), true),
            (cost(128, 1), true),
            (cost(64, 2), true),
            (today, false),
            (cost(256, 1), false),
            (cost(64, 3), false),
            (cost(256, 3), false),
        ] {
            let hash = hash_password(&secret("x"), then, &Entropy::system()).unwrap();
            let checked = checker.check(secret("x"), Some(hash)).await;
            assert_eq!(checked, Ok(Checked::Right { outdated }), "{then:?}");
        }
        let renewed = checker.hash(secret("x")).await.unwrap();
        assert!(
            renewed
                .expose()
                .starts_with("$argon2id$v=19$m=128,t=2,p=1$")
        );
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_at_once() {
        let checker = checker(1, 1, PasswordCost::default());
        let checks = (0..8).map(|_| {
            let checker = checker.clone();
            tokio::spawn(async move { checker.check(secret("x"), None).await })
        });
        let checks: Vec<_> = checks.collect();
        let mut busy = 0;
        for check in checks {
            busy += usize::from(check.await.unwrap() == Err(Busy));
        }
        assert!((1..8).contains(&busy), "{busy} of 8 were busy");
    }

    #[test]
    fn the_default_cost_is_what_owasp_asks_for() {
        let hash =
            hash_password(&secret("x"), PasswordCost::default(), &Entropy::system()).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    #[test]
    fn an_endless_password_is_refused() {
        let error = hash_password(&secret(&"x".repeat(1025)), CHEAP, &Entropy::system());
        assert_eq!(error.unwrap_err(), PasswordError::TooLong(1025));
    }
}
