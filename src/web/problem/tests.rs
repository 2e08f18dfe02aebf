//! The documents and headers, byte for byte.

use super::*;
use crate::domain::{
    Action, Alternatives, Binding, Challenge, ChallengeId, Demand, Enforcement, Factor,
    RequestDigest, ReturnTarget, RiskLevel, RouteId, Scope, Secret, SessionId, Subject, Timestamp,
};
use crate::verification::AvailableFactors;
use serde_json::{Value, json};
use std::sync::Arc;

fn requirement(title: &str) -> Requirement {
    Requirement {
        action: Action::new("account.delete"),
        title: title.into(),
        level: RiskLevel::Critical,
        factors: Alternatives::any_of(&[Factor::Passkey, Factor::Password, Factor::EmailCode])
            .unwrap(),
        factors_narrowed: false,
        acr: Vec::new(),
        max_age: Duration::from_mins(2),
        scope: Scope::Action,
        single_use: true,
        bind: Binding::Request,
        show: Vec::new(),
        confirm: Some("DELETE".to_owned()),
        approval: None,
        device: true,
        anchor: None,
        inline: None,
        open_for: None,
        enforcement: Enforcement::Enforce,
    }
}

fn challenge() -> Challenge {
    Challenge {
        id: ChallengeId::new([7; 16]),
        session: SessionId::new([1; 32]),
        subject: Subject::new("alice"),
        browser_key: None,
        in_own_session: true,
        route: RouteId::new("delete-user"),
        demand: Demand {
            requirement: Arc::new(requirement("Delete an account")),
            binding: Some(RequestDigest::new([2; 32])),
        },
        shown: vec![("user".to_owned(), "42".to_owned())],
        return_to: ReturnTarget::Caller,
        device: None,
        back: None,
        opened_at: Timestamp::from_millis(1_700_000_000_000),
        expires_at: Timestamp::from_millis(1_700_000_600_000),
    }
}

fn site() -> Site {
    Site {
        locale: Locale::En,
        prefix: "/.stepup".to_owned(),
        host: "app.example.com".to_owned(),
        here: None,
        brand: Arc::default(),
        dialog: false,
    }
}

fn refused() -> Problem {
    let challenge = challenge();
    let available = AvailableFactors {
        alternatives: challenge.demand.requirement.factors.sets().to_vec(),
        email_hint: Some("a•••@example.com".to_owned()),
    };
    let token = Secret::new("sealed".to_owned());
    let view = ChallengeView::new(&challenge, token, &available, &site());
    Problem::new(Reason::StepUpRequired, 403, &site()).with_challenge(view, &site())
}

#[test]
fn a_refusal_has_the_members_that_clients_rely_on() {
    let document: Value = serde_json::from_slice(&refused().to_json()).unwrap();
    assert_eq!(
        document,
        json!({
            "type": "/.stepup/problems/step-up-required",
            "title": "Verification required",
            "status": 403,
            "code": "SENSITIVE_VERIFICATION_REQUIRED",
            "reason": "step-up-required",
            "detail": "“Delete an account” needs a fresh proof of identity.",
            "challenge": {
                "token": "sealed",
                "action": "account.delete",
                "title": "Delete an account",
                "level": 4,
                "factors": [["passkey"], ["password"], ["email_code"]],
                "hints": {"email_code": "a•••@example.com"},
                "confirm": "DELETE",
                "max_age": 120,
                "single_use": true,
                "bound": [["user", "42"]],
                "expires_at": "2023-11-14T22:23:20Z",
                "verify_url": "/.stepup/verify",
                "page_url": "/.stepup/challenge?t=sealed",
                "retry": "repeat_request"
            }
        })
    );
}

#[test]
fn a_problem_without_a_challenge_has_a_code_of_its_own() {
    let mut problem = Problem::new(Reason::StoreUnavailable, 503, &site()).with_request_id("r-1");
    problem.retry_after = Some(retry_after(Duration::from_millis(1_200)));
    let document: Value = serde_json::from_slice(&problem.to_json()).unwrap();
    assert_eq!(document["code"], "STORE_UNAVAILABLE");
    assert_eq!(document["retry_after"], 2);
    assert_eq!(document["request_id"], "r-1");
    assert!(document.get("challenge").is_none() && document.get("login_url").is_none());
}

#[test]
fn the_reason_of_a_challenge_is_kept_in_its_detail() {
    let token = Secret::new("sealed".to_owned());
    let available = AvailableFactors {
        alternatives: Vec::new(),
        email_hint: None,
    };
    let view = ChallengeView::new(&challenge(), token, &available, &site());
    let problem = Problem::new(Reason::GrantSpent, 403, &site()).with_challenge(view, &site());
    assert_eq!(problem.code, CHALLENGE_CODE);
    assert!(
        problem.detail.contains("good for one request"),
        "{}",
        problem.detail
    );
}

#[test]
fn a_token_is_in_the_document_and_in_no_debug_output() {
    assert!(!format!("{:?}", refused().challenge.unwrap().token).contains("sealed"));
}

#[test]
fn the_header_of_a_refusal_is_the_one_of_rfc_9470() {
    assert_eq!(
        www_authenticate(&requirement("Delete an account")),
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"'Delete an account' needs a fresh proof of identity.\", \
         acr_values=\"urn:stepgate:level:4\", max_age=\"120\""
    );
}

#[test]
fn no_title_can_break_out_of_the_header() {
    for title in [
        "a\", realm=\"evil",
        "a\\",
        "a\r\nSet-Cookie: x",
        "Größe ändern",
        "\u{7f}",
    ] {
        let header = www_authenticate(&requirement(title));
        assert_eq!(header.matches('"').count(), 8, "{header}");
        assert!(http::HeaderValue::from_str(&header).is_ok(), "{header}");
        assert!(
            header.contains("This action needs a fresh proof"),
            "{header}"
        );
    }
}
