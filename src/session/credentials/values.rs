//! The credentials of one request, and the sessions that they make.

use super::fragments::fragments;
use super::spelling::{readings, reduced, reduced_authorization, split_scheme};
use crate::domain::SessionId;
use crate::seal::{Keys, Purpose};
use std::borrow::Cow;

/// The credentials of one request, in an order of their own: a request is the same however its cookies
/// and headers are ordered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials(Vec<NamedValue>);

/// One of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct NamedValue {
    kind: CredentialKind,
    /// By which it counts, so that none stands for another.
    name: Vec<u8>,
    value: Vec<u8>,
}

/// Where a credential stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CredentialKind {
    Cookie,
    Authorization,
    Key,
}

impl CredentialKind {
    /// Begins its part of what is hashed.
    const fn mark(self) -> &'static [u8] {
        match self {
            Self::Cookie => b"+",
            Self::Authorization => b"-",
            Self::Key => b"#",
        }
    }

    /// The form that all spellings of a value share.
    fn reduced(self, value: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Authorization => Cow::Owned(reduced_authorization(value)),
            Self::Cookie | Self::Key => reduced(value),
        }
    }

    /// Every value that some application may read, in that form.
    fn readings(self, value: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Authorization => vec![reduced_authorization(value)],
            Self::Cookie | Self::Key => readings(value),
        }
    }

    /// The parts of a value that some application may read as all of it, in that form.
    fn fragments(self, value: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Authorization => {
                let (scheme, rest) = split_scheme(value);
                let parts = fragments(rest).into_iter();
                let lines = parts.map(|part| [scheme, &part].join(&b' '));
                lines.map(|line| reduced_authorization(&line)).collect()
            }
            Self::Cookie | Self::Key => fragments(value),
        }
    }
}

impl NamedValue {
    /// The same with another value.
    fn with(&self, value: Vec<u8>) -> Self {
        Self {
            kind: self.kind,
            name: self.name.clone(),
            value,
        }
    }

    /// It and no other.
    fn alone(&self) -> Credentials {
        Credentials(vec![self.clone()])
    }

    fn is_cookie(&self) -> bool {
        self.kind == CredentialKind::Cookie
    }
}

impl Credentials {
    /// One credential and no other.
    pub(super) fn one(kind: CredentialKind, name: Vec<u8>, value: &[u8]) -> Self {
        let value = value.to_vec();
        Self(vec![NamedValue { kind, name, value }])
    }

    /// Adds one that is not there yet.
    pub(super) fn add(&mut self, kind: CredentialKind, name: Vec<u8>, value: Vec<u8>) {
        let added = NamedValue { kind, name, value };
        // Sorted, so that the order on the wire is no part of the hash.
        let at = self.0.partition_point(|other| *other < added);
        self.0.insert(at, added);
    }

    pub(super) fn has(&self, kind: CredentialKind, name: &[u8]) -> bool {
        let mut all = self.0.iter();
        all.any(|one| one.kind == kind && one.name == name)
    }

    /// Puts another value in the place of a cookie's, or takes it away.
    pub(super) fn replace(&mut self, cookie: &[u8], value: Option<&[u8]>) {
        self.0
            .retain(|one| !(one.is_cookie() && one.name == cookie));
        if let Some(value) = value {
            self.add(CredentialKind::Cookie, cookie.to_vec(), value.to_vec());
        }
    }

    /// Puts another `Authorization` in the place of the one that came.
    pub(in crate::session) fn authorize(&mut self, line: &str) {
        self.0
            .retain(|one| one.kind != CredentialKind::Authorization);
        self.add(CredentialKind::Authorization, Vec::new(), line.into());
    }

    /// Whether all of these are among `others`, with the same values, and some are not.
    pub fn are_part_of(&self, others: &Self) -> bool {
        self.0.len() < others.0.len() && self.0.iter().all(|one| others.0.contains(one))
    }

    /// The session these credentials make; `None` if there are none.
    pub fn session(&self, keys: &Keys) -> Option<SessionId> {
        (!self.is_empty()).then(|| SessionId::new(keys.mac(Purpose::Session, &self.parts())))
    }

    /// The sessions that each credential would make alone, where there are several: whoever adds
    /// a credential to an ended session must not make a new session of it.
    pub fn sessions_alone(&self, keys: &Keys) -> Vec<SessionId> {
        // An empty cookie is nobody's: whoever has it revoked must not hit all who carry it.
        let several = self.several();
        let alone = several.filter(|one| !(one.is_cookie() && one.value.is_empty()));
        alone.flat_map(|one| one.alone().sessions(keys)).collect()
    }

    /// The sessions that these credentials would make to applications that read them otherwise, all
    /// together and each alone. Empty for values without escapes, capitals and separators.
    pub fn spellings(&self, keys: &Keys) -> Vec<SessionId> {
        let mut found = self.sessions_with(CredentialKind::readings, keys);
        found.extend(self.reduced_session(keys));
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same for parts of their values ([`fragments`]). They are many: for looking up what is in memory.
    pub(super) fn fragments(&self, keys: &Keys) -> Vec<SessionId> {
        self.sessions_with(CredentialKind::fragments, keys)
    }

    /// The sessions with one of the credentials read otherwise, together with the others and alone.
    fn sessions_with(
        &self,
        otherwise: fn(CredentialKind, &[u8]) -> Vec<Vec<u8>>,
        keys: &Keys,
    ) -> Vec<SessionId> {
        let mut found = Vec::new();
        for (at, one) in self.0.iter().enumerate() {
            // What is read as it came is known to who asks, alone and with the others.
            let readings = otherwise(one.kind, &one.value).into_iter();
            for reading in readings.filter(|reading| *reading != one.value) {
                let read = one.with(reading);
                if self.are_several() {
                    let others = self.0.iter().enumerate();
                    let all = others.map(|(other_at, other)| {
                        let other = if other_at == at { &read } else { other };
                        other.with(other.kind.reduced(&other.value).into_owned())
                    });
                    found.extend(Self(all.collect()).sessions(keys));
                }
                if !read.value.is_empty() {
                    found.extend(read.alone().sessions(keys));
                }
            }
        }
        found
    }

    /// Whether one of them is a cookie.
    pub fn has_cookie(&self) -> bool {
        self.0
            .iter()
            .any(|one| one.is_cookie() && !one.value.is_empty())
    }

    /// The session that all spellings of these credentials share, if it is not the one they make as
    /// they are. Nobody's evidence is filed under it.
    pub fn reduced_session(&self, keys: &Keys) -> Option<SessionId> {
        let all = self.0.iter();
        let reduced = all.map(|one| one.with(one.kind.reduced(&one.value).into_owned()));
        let reduced = Self(reduced.collect());
        (reduced != *self).then(|| reduced.session(keys))?
    }

    /// What is revoked with a session: its cookies, each alone, and all that its spellings share.
    ///
    /// `Authorization` and keys beside a cookie are not: they were there before the login, and everybody
    /// may send the same.
    pub fn cookies_alone(&self, keys: &Keys) -> Vec<SessionId> {
        let mut parts: Vec<SessionId> = self.reduced_session(keys).into_iter().collect();
        for one in self.several() {
            if one.is_cookie() && !one.value.is_empty() {
                let alone = one.alone();
                parts.extend(alone.sessions(keys));
                parts.extend(alone.reduced_session(keys));
            }
        }
        parts
    }

    /// The session these credentials make, under each secret that is still read.
    pub fn sessions(&self, keys: &Keys) -> impl Iterator<Item = SessionId> + use<> {
        let both = [self.session(keys), self.earlier_session(keys)];
        both.into_iter().flatten()
    }

    /// The same under the secret before the rotation, if one is under way.
    pub fn earlier_session(&self, keys: &Keys) -> Option<SessionId> {
        if !keys.has_previous() || self.is_empty() {
            return None;
        }
        keys.previous_mac(Purpose::Session, &self.parts())
            .map(SessionId::new)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The credential, its name and value, if it is the only one: of several the application may go by any.
    pub(crate) fn sole(&self) -> Option<(CredentialKind, &[u8], &[u8])> {
        match self.0.as_slice() {
            [one] => Some((one.kind, &one.name, &one.value)),
            [] | [_, ..] => None,
        }
    }

    fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// All of them, where there are several.
    fn several(&self) -> impl Iterator<Item = &NamedValue> {
        let all = self.0.iter();
        all.filter(|_| self.are_several())
    }

    /// All but the cookies.
    pub(in crate::session) fn without_cookies(&self) -> Self {
        let others = self.0.iter().filter(|one| !one.is_cookie());
        Self(others.cloned().collect())
    }

    /// What is hashed.
    pub(in crate::session) fn parts(&self) -> Vec<&[u8]> {
        let all = self.0.iter();
        all.flat_map(|one| [one.kind.mark(), &one.name, &one.value])
            .collect()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials([secret])")
    }
}
