//! What the tests of this room share, and the stories of whole verifications.

use crate::domain::{
    Action, Alternatives, Binding, BrowserKeyHash, Challenge, ChallengeId, Demand, Enforcement,
    Factor, LocalPath, RequestDigest, Requirement, ReturnTarget, RiskLevel, RouteId, Scope, Secret,
    SessionId, Subject, Timestamp,
};
use crate::seal::Keys;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn keys() -> Keys {
    let secret = (0..32u8).map(|i| i.wrapping_mul(37)).collect();
    Keys::derive(&Secret::new(secret), None).unwrap()
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000)
}

pub(super) fn requirement() -> Arc<Requirement> {
    Arc::new(Requirement {
        action: Action::new("account.delete"),
        title: "Delete an account".to_owned(),
        level: RiskLevel::Critical,
        factors: Alternatives::any_of(&[Factor::Password, Factor::Totp, Factor::EmailCode])
            .unwrap(),
        factors_narrowed: false,
        max_age: Duration::from_mins(2),
        scope: Scope::Action,
        single_use: true,
        bind: Binding::Request,
        show: vec![],
        confirm: None,
        anchor: None,
        enforcement: Enforcement::Enforce,
    })
}

pub(super) fn challenge() -> Challenge {
    Challenge {
        id: ChallengeId::new([1; 16]),
        session: SessionId::new([2; 32]),
        subject: Subject::new("alice@example.com"),
        browser_key: Some(BrowserKeyHash::new([3; 32])),
        route: RouteId::new("delete-user"),
        demand: Demand {
            requirement: requirement(),
            binding: Some(RequestDigest::new([4; 32])),
        },
        shown: vec![("user".to_owned(), "42".to_owned())],
        return_to: ReturnTarget::Form(LocalPath::parse("/users/42/delete").unwrap()),
        opened_at: now(),
        expires_at: now().after(Duration::from_mins(10)),
    }
}
