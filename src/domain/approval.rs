//! Approval by a second person: who may approve, and for what reason they are asked.

use super::display_name::one_line;
use super::{Naming, Subject};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What a route asks for beside the requester's own proof: that somebody else approves (ASVS 5.0, 2.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRule {
    /// The group of the approvers, where the policy names one.
    pub group: Option<String>,
    /// Who may approve.
    pub approvers: Vec<Subject>,
    /// Whether the requester must say why.
    pub purpose: PurposeRule,
    /// How long after the challenge was opened the approval may be given and taken up.
    pub within: Duration,
}

/// Whether a requester must say why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurposeRule {
    /// They may.
    Optional,
    /// They must.
    Required,
}

/// Why a requester wants something, or why an approver does not: one line, cleaned for a page and cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedPurpose(String);

/// The groups of people that policies may name, and how names of people are compared.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    naming: Naming,
    members: BTreeMap<String, Vec<Subject>>,
    is_unread: bool,
}

impl ApprovalRule {
    /// Whether an approval by `approver` counts for `requester`: never their own.
    pub fn accepts(&self, approver: &Subject, requester: &Subject) -> bool {
        approver != requester && self.approvers.contains(approver)
    }

    /// Whether what was said is reason enough.
    pub fn is_explained_by(&self, purpose: Option<&StatedPurpose>) -> bool {
        match self.purpose {
            PurposeRule::Optional => true,
            PurposeRule::Required => purpose.is_some(),
        }
    }
}

impl StatedPurpose {
    /// Characters, at most; a longer text is cut.
    pub const LONGEST: usize = 500;

    /// Cleans a text as [`DisplayName`](super::DisplayName) cleans a name; `None` if nothing of it can be shown.
    pub fn of(text: &str) -> Option<Self> {
        one_line(text, Self::LONGEST).map(Self)
    }

    /// Shows the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StatedPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Groups {
    /// No groups yet, among people whose names compare by `naming`.
    pub const fn new(naming: Naming) -> Self {
        Self {
            naming,
            members: BTreeMap::new(),
            is_unread: false,
        }
    }

    /// The groups of settings that cannot be used: any name may be one, and nobody is in it.
    pub fn unread() -> Self {
        Self {
            is_unread: true,
            ..Self::default()
        }
    }

    /// The subject of a name, if it is one.
    pub fn person(&self, name: &str) -> Option<Subject> {
        self.naming.subject(name)
    }

    /// Adds a group.
    pub fn add(&mut self, name: &str, members: Vec<Subject>) {
        self.members.insert(name.to_owned(), members);
    }

    /// The members of a group, each once; `None` if there is no such group.
    pub fn members(&self, name: &str) -> Option<&[Subject]> {
        // Nobody is in a group that was not read: nothing can be approved by it.
        let known = self.members.get(name).map(Vec::as_slice);
        known.or(self.is_unread.then_some(&[]))
    }

    /// The names of all groups.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Whether they are those of settings that cannot be used.
    pub const fn is_unread(&self) -> bool {
        self.is_unread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_approves_their_own_request() {
        let rule = ApprovalRule {
            group: None,
            approvers: vec![Subject::new("alice"), Subject::new("bob")],
            purpose: PurposeRule::Required,
            within: Duration::from_hours(1),
        };
        let (alice, bob) = (Subject::new("alice"), Subject::new("bob"));
        assert!(rule.accepts(&bob, &alice));
        assert!(!rule.accepts(&alice.clone().said_as("ALICE"), &alice));
        assert!(!rule.accepts(&Subject::new("carol"), &alice));
        assert!(!rule.is_explained_by(StatedPurpose::of(" \u{200b}\n").as_ref()));
        assert!(rule.is_explained_by(StatedPurpose::of("ticket 7").as_ref()));
    }

    #[test]
    fn a_purpose_is_one_short_line() {
        let purpose = StatedPurpose::of("Ticket 7:\r\n wrong\u{202e} account ").unwrap();
        assert_eq!(purpose.as_str(), "Ticket 7: wrong account");
        let long = StatedPurpose::of(&"ä".repeat(10_000)).unwrap();
        assert_eq!(long.as_str().chars().count(), StatedPurpose::LONGEST);
        assert_eq!(StatedPurpose::of(long.as_str()), Some(long));
    }

    #[test]
    fn groups_that_were_not_read_hold_nobody() {
        assert_eq!(Groups::unread().members("any"), Some(&[][..]));
        assert_eq!(Groups::default().members("any"), None);
    }
}
