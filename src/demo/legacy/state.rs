//! The state of the legacy application, in memory: accounts, their notes and keys, and logins.

use crate::demo::accounts::{ALICE, BOB};
use crate::entropy::Entropy;
use std::collections::{BTreeMap, VecDeque};

/// A note of an account.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) id: u64,
    pub(super) text: String,
}

/// An account.
pub(super) struct Account {
    pub(super) email: String,
    /// The passwords are as public as the README; a real application would hash them.
    pub(super) password: String,
    /// Newest first.
    pub(super) notes: VecDeque<Note>,
    /// API keys, newest last.
    pub(super) keys: Vec<String>,
    written: u64,
}

impl Account {
    fn new(email: &str, password: &str) -> Self {
        Self {
            email: email.to_owned(),
            password: password.to_owned(),
            notes: VecDeque::new(),
            keys: Vec::new(),
            written: 0,
        }
    }

    /// Adds a note; the oldest one goes if there are too many.
    pub(super) fn note(&mut self, text: &str) -> Note {
        self.written += 1;
        let note = Note {
            id: self.written,
            text: text.chars().take(NOTE_LENGTH).collect(),
        };
        self.notes.push_front(note.clone());
        self.notes.truncate(MAX_NOTES);
        note
    }

    /// Removes a note; tells whether it was there.
    pub(super) fn discard(&mut self, id: u64) -> bool {
        let before = self.notes.len();
        self.notes.retain(|note| note.id != id);
        self.notes.len() < before
    }
}

/// A login.
#[derive(Clone, Debug)]
pub(super) struct AppLogin {
    pub(super) cookie: String,
    /// Who is logged in.
    pub(super) name: String,
    /// What each of the session's forms must carry.
    pub(super) csrf: String,
}

/// The whole state.
pub(super) struct State {
    pub(super) accounts: BTreeMap<String, Account>,
    sessions: VecDeque<AppLogin>,
    entropy: Entropy,
}

impl State {
    /// The state that a start of the application begins with.
    pub(super) fn fresh() -> Self {
        let mut alice = Account::new(ALICE.email, ALICE.password);
        alice.note("Water the plants");
        alice.note("Renew the passport before June");
        let mut bob = Account::new(BOB.email, BOB.password);
        bob.note("Call Alice back");
        Self {
            accounts: BTreeMap::from([(ALICE.name.to_owned(), alice), (BOB.name.to_owned(), bob)]),
            sessions: VecDeque::new(),
            entropy: Entropy::system(),
        }
    }

    /// Logs in; the cookie's value if name and password belong together.
    pub(super) fn log_in(&mut self, name: &str, password: &str) -> Option<String> {
        let account = self.accounts.get(name)?;
        // Kept as it is, compared as it is, and tried as often as one likes: the application that
        // the demo guards is old.
        if account.password != password {
            return None;
        }
        let cookie = self.random();
        let csrf = self.random();
        self.sessions.push_back(AppLogin {
            cookie: cookie.clone(),
            name: name.to_owned(),
            csrf,
        });
        while self.sessions.len() > MAX_SESSIONS {
            self.sessions.pop_front();
        }
        Some(cookie)
    }

    /// The session that a cookie stands for.
    pub(super) fn session(&self, cookie: &str) -> Option<AppLogin> {
        let known = |session: &&AppLogin| session.cookie == cookie;
        self.sessions.iter().find(known).cloned()
    }

    /// Ends a session.
    pub(super) fn log_out(&mut self, session: &AppLogin) {
        self.sessions.retain(|held| held.cookie != session.cookie);
    }

    /// Deletes an account with everything it has, its logins included.
    pub(super) fn delete(&mut self, name: &str) {
        self.accounts.remove(name);
        self.sessions.retain(|held| held.name != name);
    }

    /// Makes an API key for an account.
    pub(super) fn create_key(&mut self, name: &str) -> Option<String> {
        let key = format!("key_{}", self.random());
        let keys = &mut self.accounts.get_mut(name)?.keys;
        if keys.len() >= MAX_KEYS {
            keys.remove(0);
        }
        keys.push(key.clone());
        Some(key)
    }

    /// Whose an API key is.
    pub(super) fn owner(&self, key: &str) -> Option<&str> {
        let holds = |account: &Account| account.keys.iter().any(|held| held == key);
        self.accounts
            .iter()
            .find_map(|(name, account)| holds(account).then_some(name.as_str()))
    }

    fn random(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.entropy.bytes::<16>())
    }
}

const MAX_KEYS: usize = 20;
const MAX_NOTES: usize = 100;
const MAX_SESSIONS: usize = 1_000;
const NOTE_LENGTH: usize = 500;
