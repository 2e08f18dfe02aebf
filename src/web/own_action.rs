//! What people do on pages of ours that needs a fresh proof, and what each of them requires.
//!
//! They are guarded by the same machinery as routes: a challenge names the reserved route, a grant its reserved
//! action. No policy can name either (`policy::RESERVED_NAMES`).

use crate::domain::{
    Action, Alternatives, Binding, Demand, Enforcement, Factor, FactorSet, Requirement, RiskLevel,
    RouteId, RouteTable, Scope,
};
use crate::locale::Texts;
use std::sync::Arc;
use std::time::Duration;

/// What people do on pages of ours that needs a fresh proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnAction {
    /// Approving what another person asked for.
    Approvals,
    /// Setting up and removing what one proves oneself by.
    Enrollment,
    /// The same for somebody who has nothing set up yet, where the settings let a mailed code begin it.
    FirstEnrollment,
    /// Ending sessions other than this one.
    Sessions,
}

impl OwnAction {
    pub(crate) const ALL: [Self; 4] = [
        Self::Approvals,
        Self::Enrollment,
        Self::FirstEnrollment,
        Self::Sessions,
    ];

    /// Its reserved name, both as a route and as an action.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Approvals => "stepgate.approvals",
            Self::Enrollment => "stepgate.enrollment",
            Self::FirstEnrollment => "stepgate.first-enrollment",
            Self::Sessions => "stepgate.sessions",
        }
    }

    /// The one that `route` stands for, if it is reserved.
    pub(crate) fn of_route(route: &RouteId) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|action| action.name() == route.as_str())
    }

    /// Whether it is about setting something up, for the first time or not.
    pub(crate) const fn is_enrollment(self) -> bool {
        matches!(self, Self::Enrollment | Self::FirstEnrollment)
    }

    pub(crate) fn route(self) -> RouteId {
        RouteId::new(self.name())
    }

    /// What a call for it must meet, beside the routes of `table`.
    pub(crate) fn demand(self, t: &Texts, table: &RouteTable) -> Option<Demand> {
        Some(Demand {
            requirement: self.requirement(t, table)?,
            binding: None,
        })
    }

    /// Level 3: a grant for the action, whatever the session has proved before.
    pub(crate) fn requirement(self, t: &Texts, table: &RouteTable) -> Option<Arc<Requirement>> {
        let takes_codes = self.takes_codes_by_mail(table);
        let factors = self.factors().iter().copied();
        let factors = factors.filter(|factor| takes_codes || *factor != Factor::EmailCode);
        Some(Arc::new(Requirement {
            action: Action::new(self.name()),
            title: self.title(t).into(),
            level: RiskLevel::High,
            factors: Alternatives::any_of(&factors.collect::<Vec<_>>())?,
            factors_narrowed: true,
            acr: Vec::new(),
            max_age: self.max_age(),
            scope: Scope::Action,
            single_use: false,
            bind: Binding::Nothing,
            show: Vec::new(),
            confirm: None,
            approval: None,
            // What opens an account, or ends its sessions, is proved where it is done.
            device: false,
            anchor: None,
            inline: None,
            open_for: None,
            enforcement: Enforcement::Enforce,
        }))
    }

    fn title(self, t: &Texts) -> &str {
        let t = &t.own;
        match self {
            Self::Approvals => &t.approvals,
            Self::Enrollment => &t.enrollment,
            Self::FirstEnrollment => &t.first_enrollment,
            Self::Sessions => &t.sessions,
        }
    }

    /// Whether a code by mail is proof enough for it, where the policies in force may bar such codes (`preset: strict`).
    fn takes_codes_by_mail(self, table: &RouteTable) -> bool {
        let requirements = table.routes().map(|route| &route.requirement);
        let mut guarded = requirements.filter(|requirement| requirement.level >= RiskLevel::High);
        let by_mail = FactorSet::EMPTY.with(Factor::EmailCode);
        let takes = |requirement: &Arc<Requirement>| requirement.factors.satisfied_by(by_mail);
        match self {
            // Nobody approves by less than whoever asks must show.
            Self::Approvals => guarded.all(|one| one.approval.is_none() || takes(one)),
            // Whoever proves by mail elsewhere can end a thief's session.
            Self::Sessions => {
                let mut guarded = guarded.peekable();
                guarded.peek().is_none() || guarded.any(takes)
            }
            Self::Enrollment => false,
            // By a setting of its own.
            Self::FirstEnrollment => true,
        }
    }

    const fn factors(self) -> &'static [Factor] {
        match self {
            // NIST SP 800-63B-4 §3.1.3.1: e-mail is no authenticator, so whoever reads somebody's mail must not be
            // able to enroll one of their own.
            Self::Enrollment => &[
                Factor::Passkey,
                Factor::Oidc,
                Factor::Password,
                Factor::Totp,
                Factor::RecoveryCode,
                Factor::BootstrapCode,
            ],
            // And all else that there may be: whoever has no mailbox is not shut out by the setting.
            Self::FirstEnrollment => &[
                Factor::EmailCode,
                Factor::Passkey,
                Factor::Oidc,
                Factor::Password,
                Factor::Totp,
                Factor::RecoveryCode,
                Factor::BootstrapCode,
            ],
            Self::Approvals | Self::Sessions => &[
                Factor::Passkey,
                Factor::Oidc,
                Factor::Password,
                Factor::Totp,
                Factor::EmailCode,
            ],
        }
    }

    const fn max_age(self) -> Duration {
        match self {
            // Setting up several things at once takes longer than a click.
            Self::Enrollment | Self::FirstEnrollment => Duration::from_mins(10),
            Self::Approvals | Self::Sessions => Duration::from_mins(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Groups;
    use crate::locale::Locale;
    use crate::policy::{self, RESERVED_NAMES};

    fn table(routes: &str) -> RouteTable {
        let policy = format!("version: 1\ndefault: forward\nroutes: [{routes}]\n");
        let mut groups = Groups::default();
        let people = ["alice", "bob"].map(|name| groups.person(name).unwrap());
        groups.add("staff", people.to_vec());
        let policies = policy::compile([("test", policy.as_bytes())], &groups).unwrap();
        policies.into_table().unwrap()
    }

    #[test]
    fn own_actions_require_a_grant_under_names_that_no_policy_can_use() {
        for action in OwnAction::ALL {
            assert!(action.name().starts_with(RESERVED_NAMES));
            assert_eq!(OwnAction::of_route(&action.route()), Some(action));
            let requirement = action.requirement(Texts::of(Locale::En), &table(""));
            assert!(requirement.unwrap().needs_grant());
        }
        assert_eq!(OwnAction::of_route(&RouteId::new("stepgate")), None);
    }
    #[test]
    fn a_code_by_mail_proves_for_our_pages_what_it_proves_for_the_routes() {
        let takes = |action: OwnAction, routes: &str| {
            let requirement = action
                .requirement(Texts::of(Locale::En), &table(routes))
                .unwrap();
            requirement.factors.mentioned().contains(Factor::EmailCode)
        };
        let free = "{ id: free, level: 3, match: { path: /free } }";
        let low = "{ id: low, level: 2, preset: strict, match: { path: /low } }";
        let strict = "{ id: strict, level: 3, preset: strict, match: { path: /strict } }";
        let asks = "{ id: asks, level: 3, bind: request, approval: { by: staff }, match: { path: /asks } }";
        let both = asks.replace("level: 3", "level: 3, factors: [email_code+totp]");
        let barred = asks.replace("level: 3", "level: 3, preset: strict");
        for (routes, approvals, sessions) in [
            (String::new(), true, true),
            (low.to_owned(), true, true),
            (strict.to_owned(), true, false),
            (format!("{strict}, {free}"), true, true),
            (format!("{strict}, {asks}"), true, true),
            (format!("{free}, {barred}"), false, true),
            (format!("{free}, {both}"), false, true),
            (barred, false, false),
        ] {
            assert_eq!(takes(OwnAction::Approvals, &routes), approvals, "{routes}");
            assert_eq!(takes(OwnAction::Sessions, &routes), sessions, "{routes}");
            assert!(!takes(OwnAction::Enrollment, &routes), "{routes}");
            assert!(takes(OwnAction::FirstEnrollment, &routes), "{routes}");
        }
    }
}
