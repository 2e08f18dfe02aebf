//! A user of our own directory.

use super::{Credential, CredentialEntry, Factor, FactorSet, Secret, Timestamp, UserId};

/// What the directory knows of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The canonical name, the subject's own.
    pub id: UserId,
    /// Other names the application may use for the same user, canonical too.
    pub aliases: Vec<UserId>,
    /// Where codes are sent.
    pub email: Option<String>,
    /// The hash of the password: a PHC string, or what another program wrote.
    pub password: Option<Secret<String>>,
    /// The TOTP secret, sealed; the store cannot read it.
    pub totp: Option<Vec<u8>>,
    /// What else is enrolled, in the order of the record. What a later version keeps of a user is
    /// here too, so that no edit by this version loses it.
    pub credentials: Vec<Credential>,
    /// When the entry was made.
    pub created_at: Timestamp,
}

impl User {
    /// The kind of the mark on the entries of users whom another source names.
    pub const ELSEWHERE: &str = "known_elsewhere";

    /// A user with nothing enrolled.
    pub const fn new(id: UserId, created_at: Timestamp) -> Self {
        Self {
            id,
            aliases: Vec::new(),
            email: None,
            password: None,
            totp: None,
            credentials: Vec::new(),
            created_at,
        }
    }

    /// A user whom another source names, for what they enroll here: their name and address remain that source's.
    pub fn known_elsewhere(id: UserId, created_at: Timestamp) -> Self {
        let mark = Credential {
            kind: Self::ELSEWHERE.to_owned(),
            data: Secret::new(Vec::new()),
        };
        Self {
            credentials: vec![mark],
            ..Self::new(id, created_at)
        }
    }

    /// Whether the entry was made by [`User::known_elsewhere`].
    pub fn is_known_elsewhere(&self) -> bool {
        self.credentials
            .iter()
            .any(|known| known.kind == Self::ELSEWHERE)
    }

    /// What the person enrolled of a kind, in the order of the record.
    pub fn entries(&self, kind: Factor) -> impl Iterator<Item = CredentialEntry> {
        let of_kind = move |known: &&Credential| known.kind == kind.as_str();
        let of_kind = self.credentials.iter().filter(of_kind);
        of_kind.filter_map(CredentialEntry::read)
    }

    /// Puts an entry in the place of the one with its id, or after all others.
    pub fn put_entry(&mut self, kind: Factor, entry: &CredentialEntry) {
        let written = entry.write(kind.as_str());
        match self.place(kind, entry.id) {
            Some(credential) => *credential = written,
            None => self.credentials.push(written),
        }
    }

    /// Removes the entry with this id; returns whether there was one.
    pub fn remove_entry(&mut self, kind: Factor, id: [u8; 8]) -> bool {
        let before = self.credentials.len();
        self.credentials.retain(|known| !is_entry(known, kind, id));
        self.credentials.len() < before
    }

    /// Removes all entries of a kind, also those that this version cannot read.
    pub fn remove_entries(&mut self, kind: Factor) {
        self.credentials.retain(|known| known.kind != kind.as_str());
    }

    /// The kinds by which the person can prove themselves to whoever does not trust a mailbox.
    pub fn strong_factors(&self) -> FactorSet {
        let kept = [
            (Factor::Password, self.password.is_some()),
            (Factor::Totp, self.totp.is_some()),
            (
                Factor::Passkey,
                self.entries(Factor::Passkey).next().is_some(),
            ),
        ];
        let kept = kept.into_iter().filter(|(_, is_there)| *is_there);
        kept.map(|(factor, _)| factor).collect()
    }

    /// Whether one of [`User::strong_factors`] was there before `at`. Of what an operator set the time is not known.
    pub fn had_strong_factor_before(&self, at: Timestamp) -> bool {
        self.strong_factors().iter().any(|factor| {
            // Without an entry an operator set it, at some time before.
            let mut entries = self.entries(factor).peekable();
            entries.peek().is_none() || entries.any(|entry| entry.added_at < at)
        })
    }

    fn place(&mut self, kind: Factor, id: [u8; 8]) -> Option<&mut Credential> {
        let mut all = self.credentials.iter_mut();
        all.find(|known| is_entry(known, kind, id))
    }
}

fn is_entry(credential: &Credential, kind: Factor, id: [u8; 8]) -> bool {
    credential.kind == kind.as_str()
        && CredentialEntry::read(credential).is_some_and(|entry| entry.id == id)
}
