//! Checks passwords on worker threads.

use super::argon2id::{MAX_PASSWORD, PasswordError, argon2id, hash_password};
use super::stored::StoredHash;
use super::{PasswordCost, PasswordSettings};
use crate::domain::Secret;
use crate::entropy::Entropy;
use argon2::{Block, Params};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// Too many passwords are being checked already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

/// The answer to checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It is right.
    Right {
        /// The hash was made at a lower cost than is set now, or elsewhere.
        outdated: bool,
    },
    /// It is wrong, or there is none.
    Wrong,
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
        let known = hash.and_then(|hash| {
            let read = StoredHash::read(hash.expose());
            let told = "a password hash in the directory cannot be checked; it counts for none";
            read.inspect_err(|fault| tracing::error!(%fault, "{told}"))
                .ok()
        });
        let is_right = known
            .as_ref()
            .is_some_and(|known| known.matches(password, memory));
        // Timing must not tell who is not in the directory: no password, and a hash that is cheaper to check than ours, take the work of ours.
        if !matches!(known, Some(StoredHash::Argon2(_)))
            && let Ok(stand_in) = StoredHash::read(self.stand_in.expose())
        {
            let _ = stand_in.matches(password, memory);
        }
        match known {
            Some(known) if is_right => Checked::Right {
                outdated: self.is_outdated(&known),
            },
            Some(_) | None => Checked::Wrong,
        }
    }

    /// Whether the configured cost is higher than that of `hash`. A hash that costs more in memory or
    /// passes is kept, so that a change of the settings never weakens one.
    fn is_outdated(&self, hash: &StoredHash) -> bool {
        let StoredHash::Argon2(hash) = hash else {
            return true;
        };
        let PasswordCost {
            memory_kib, passes, ..
        } = self.cost;
        Params::try_from(&**hash).is_ok_and(|params| {
            let (memory, times) = (params.m_cost(), params.t_cost());
            let is_other = hash.algorithm.as_str() != "argon2id" || hash.version != Some(0x13);
            let is_cheaper = (memory, times) != (memory_kib, passes);
            memory <= memory_kib && times <= passes && (is_cheaper || is_other)
        })
    }
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
    async fn a_hash_from_elsewhere_is_outdated() {
        let hash = secret("$2y$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm");
        let checker = checker(1, 8, CHEAP);
        let right = checker.check(secret("correct horse"), Some(hash.clone()));
        assert_eq!(right.await, Ok(Checked::Right { outdated: true }));
        let wrong = checker.check(secret("correct"), Some(hash));
        assert_eq!(wrong.await, Ok(Checked::Wrong));
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
