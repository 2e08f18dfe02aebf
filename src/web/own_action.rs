//! What people do on pages of ours that needs a fresh proof, and what each of them requires.
//!
//! They are guarded by the same machinery as routes: a challenge names the reserved route, a grant its reserved
//! action. No policy can name either (`policy::RESERVED_NAMES`).

use crate::domain::{
    Action, Alternatives, Binding, Demand, Enforcement, Factor, Requirement, RiskLevel, RouteId,
    Scope,
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

    /// What a call for it must meet.
    pub(crate) fn demand(self, t: &Texts) -> Option<Demand> {
        Some(Demand {
            requirement: self.requirement(t)?,
            binding: None,
        })
    }

    /// Level 3: a grant for the action, whatever the session has proved before.
    pub(crate) fn requirement(self, t: &Texts) -> Option<Arc<Requirement>> {
        Some(Arc::new(Requirement {
            action: Action::new(self.name()),
            title: self.title(t).into(),
            level: RiskLevel::High,
            factors: Alternatives::any_of(self.factors())?,
            factors_narrowed: true,
            acr: Vec::new(),
            max_age: self.max_age(),
            scope: Scope::Action,
            single_use: false,
            bind: Binding::Nothing,
            show: Vec::new(),
            confirm: None,
            approval: None,
            anchor: None,
            open_for: None,
            enforcement: Enforcement::Enforce,
        }))
    }

    fn title(self, t: &Texts) -> &str {
        let t = &t.own;
        match self {
            Self::Approvals => &t.approvals,
            Self::Enrollment | Self::FirstEnrollment => &t.enrollment,
            Self::Sessions => &t.sessions,
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
            Self::FirstEnrollment => &[Factor::EmailCode, Factor::BootstrapCode],
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
    use crate::policy::RESERVED_NAMES;

    #[test]
    fn own_actions_require_a_grant_under_names_that_no_policy_can_use() {
        for action in OwnAction::ALL {
            assert!(action.name().starts_with(RESERVED_NAMES));
            assert_eq!(OwnAction::of_route(&action.route()), Some(action));
            assert!(
                action
                    .requirement(Texts::of(crate::locale::Locale::En))
                    .unwrap()
                    .needs_grant()
            );
        }
        assert_eq!(OwnAction::of_route(&RouteId::new("stepgate")), None);
    }
}
