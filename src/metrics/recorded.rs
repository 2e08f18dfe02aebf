//! What is counted of events: decisions, answers and codes, where they are recorded.

use super::{ACCEPTED, Metrics, RouteCounts, THREAD, VERIFIED, cause, place};
use crate::audit::{Event, EventKind, Observer, Outcome};

impl Metrics {
    fn decided(&self, event: &Event<'_>) {
        let routes = self.routes.load();
        for route in &event.routes {
            let counts = routes.get(*route).and_then(|all| all.get(THREAD.get()));
            if let Some(RouteCounts(counts)) = counts {
                counts.add(0, place(Some(event.outcome)));
            }
        }
    }
}

/// Decisions, answers and codes are counted where they are recorded, each exactly once.
impl Observer for Metrics {
    fn recorded(&self, event: &Event<'_>) {
        let answered = |result: usize| {
            if let (Some(own), Some(factor)) = (self.own(), event.factor) {
                own.verifications.add(factor as usize, result);
            }
        };
        let approval = |result: usize| {
            if let Some(own) = self.own() {
                own.approvals.add(0, result);
            }
        };
        let device = |result: usize| {
            if let Some(own) = self.own() {
                own.devices.add(0, result);
            }
        };
        let refused = event.reason.map(|reason| reason as usize);
        match event.kind {
            EventKind::ApprovalDecided if event.outcome == Outcome::Succeeded => approval(APPROVED),
            EventKind::ApprovalDecided => approval(REFUSED),
            EventKind::ApprovalRequested => {
                answered(VERIFIED);
                approval(REQUESTED);
            }
            EventKind::ApprovalWithdrawn => approval(WITHDRAWN),
            EventKind::CodeSent => {
                if let Some(own) = self.own() {
                    own.codes.add(0, cause(event.reason));
                }
            }
            EventKind::Decision => self.decided(event),
            EventKind::DeviceDecided if event.outcome == Outcome::Succeeded => {
                answered(VERIFIED);
                device(APPROVED);
            }
            EventKind::DeviceDecided => device(REFUSED),
            EventKind::DeviceRequested => device(REQUESTED),
            EventKind::DeviceTakenUp => device(TAKEN_UP),
            EventKind::FactorAnswered => answered(refused.unwrap_or(ACCEPTED)),
            EventKind::Verified if event.approver.is_some() => approval(TAKEN_UP),
            EventKind::Verified => answered(VERIFIED),
            EventKind::EventsLost
            | EventKind::FactorUnlocked
            | EventKind::Locked
            | EventKind::LogResumed
            | EventKind::LoginObserved
            | EventKind::LogoutObserved
            | EventKind::PoliciesLoaded
            | EventKind::ProviderLogout
            | EventKind::SessionMoved
            | EventKind::SessionRevoked
            | EventKind::SignInBegun
            | EventKind::SignedOut
            | EventKind::Started
            | EventKind::StreamsEnded
            | EventKind::Stopped
            | EventKind::FactorRemoved
            | EventKind::FactorSet
            | EventKind::UserAdded
            | EventKind::UserChanged
            | EventKind::UserRemoved => {}
        }
    }
}

/// What became of requests for approval and of those of programs, each step once.
pub(super) const APPROVAL_RESULTS: [&str; 5] =
    ["approved", "refused", "requested", "taken-up", "withdrawn"];
const APPROVED: usize = 0;
const REFUSED: usize = 1;
const REQUESTED: usize = 2;
const TAKEN_UP: usize = 3;
const WITHDRAWN: usize = 4;
