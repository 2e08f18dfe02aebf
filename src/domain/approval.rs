//! Approval by a second person: who may approve, and for what reason they are asked.

use super::display_name::one_line;
use super::{Naming, Subject};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What a route asks for beside the requester's own proof: that somebody else approves (ASVS 5.0, 2.3.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRule {
    /// The group of the approvers, where the policy names one of the settings.
    pub group: Option<String>,
    /// Who may approve.
    pub approvers: Vec<Subject>,
    /// Whoever is in one of these groups may as well, by the word of the source that names them.
    pub asserted: Vec<String>,
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
    /// Whether the source of subjects says which groups they are in.
    is_asserted: bool,
    is_unread: bool,
}

/// Who approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// One of the names by which the policy, or the source, knew them.
    pub subject: Subject,
    /// The group of the source that they were in when they did, where they approved as one of it.
    pub group: Option<String>,
}

impl ApprovalRule {
    /// Whether an approval by `approver` counts for `requester`: never their own.
    pub fn accepts(&self, approver: &Approver, requester: &Subject) -> bool {
        approver.subject != *requester
            && match &approver.group {
                None => self.approvers.contains(&approver.subject),
                Some(group) => self.asserted.contains(group),
            }
    }

    /// As whom somebody of these `names` may approve: by one of them, or as one of the `groups` that the source says the
    /// first of them is in.
    pub fn approver(
        &self,
        names: &[Subject],
        groups: &[String],
        requester: &Subject,
    ) -> Option<Approver> {
        let by_name = names.iter().map(|name| (name, None));
        let in_group = groups.iter().map(|group| (names.first(), Some(group)));
        let in_group = in_group.filter_map(|(name, group)| Some((name?, group)));
        let approvers = by_name.chain(in_group).map(|(subject, group)| Approver {
            subject: subject.clone(),
            group: group.cloned(),
        });
        let mut approvers = approvers.filter(|one| self.accepts(one, requester));
        approvers.next()
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
    /// No groups yet, among people whose names compare by `naming`; there are others if the source `is_asserted` to say
    /// which groups people are in.
    pub const fn new(naming: Naming, is_asserted: bool) -> Self {
        Self {
            naming,
            members: BTreeMap::new(),
            is_asserted,
            is_unread: false,
        }
    }

    /// The groups of settings that cannot be used: any name may be one, and nobody is in it.
    pub fn unread() -> Self {
        Self {
            is_asserted: true,
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

    /// Whether somebody may be in groups that are not named here, by the word of the source.
    pub const fn are_asserted(&self) -> bool {
        self.is_asserted
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
        let rule = rule();
        let alice = Subject::new("alice");
        let by = |name: &str| Approver {
            subject: Subject::new(name),
            group: None,
        };
        assert!(rule.accepts(&by("bob"), &alice));
        let herself = Approver {
            subject: alice.clone().said_as("ALICE"),
            group: Some("payroll".to_owned()),
        };
        assert!(!rule.accepts(&herself, &alice));
        assert!(!rule.accepts(&by("carol"), &alice));
        assert!(!rule.is_explained_by(StatedPurpose::of(" \u{200b}\n").as_ref()));
        assert!(rule.is_explained_by(StatedPurpose::of("ticket 7").as_ref()));
    }

    fn rule() -> ApprovalRule {
        ApprovalRule {
            group: None,
            approvers: vec![Subject::new("alice"), Subject::new("bob")],
            asserted: vec!["payroll".to_owned()],
            purpose: PurposeRule::Required,
            within: Duration::from_hours(1),
        }
    }

    #[test]
    fn somebody_approves_by_a_name_or_as_one_of_a_group_and_as_what_counts_later() {
        let (mut rule, alice) = (rule(), Subject::new("alice"));
        let may = |rule: &ApprovalRule, names: &[&str], groups: &[&str]| {
            let names: Vec<_> = names.iter().map(|&name| Subject::new(name)).collect();
            let groups: Vec<_> = groups.iter().map(|&group| group.to_owned()).collect();
            let approver = rule.approver(&names, &groups, &alice)?;
            Some((approver.subject.as_str().to_owned(), approver.group))
        };
        let payroll = Some("payroll".to_owned());
        let of = |name: &str, group: &Option<String>| Some((name.to_owned(), group.clone()));
        assert_eq!(may(&rule, &["rob", "bob"], &["payroll"]), of("bob", &None));
        assert_eq!(
            may(&rule, &["carol"], &["x", "payroll"]),
            of("carol", &payroll)
        );
        for groups in [&["x"][..], &["Payroll", "payrolls", ""], &[]] {
            assert_eq!(may(&rule, &["carol"], groups), None, "{groups:?}");
        }
        assert_eq!(may(&rule, &["alice"], &["payroll"]), None);
        assert_eq!(may(&rule, &[], &["payroll"]), None);
        // The policy in force when it is used counts.
        let carol = Approver {
            subject: Subject::new("carol"),
            group: payroll,
        };
        assert!(rule.accepts(&carol, &alice));
        rule.asserted = vec!["board".to_owned()];
        assert!(!rule.accepts(&carol, &alice));
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
