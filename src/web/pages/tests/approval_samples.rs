//! The pages of approval, in every state.

use super::*;
use crate::domain::{Action, ChallengeId, StatedPurpose, Subject, Timestamp};
use crate::verification::{ApprovalState, ApprovalView, DecidedBy};

const STATES: [ApprovalState; 5] = [
    ApprovalState::Approved,
    ApprovalState::Pending,
    ApprovalState::Refused,
    ApprovalState::Void,
    ApprovalState::Withdrawn,
];

fn request(state: ApprovalState, hostile: Option<&str>) -> ApprovalView {
    let say = |usual| hostile.unwrap_or(usual);
    let at = Timestamp::from_millis(1_800_000_000_000);
    let is_decided = !matches!(state, ApprovalState::Pending);
    ApprovalView {
        id: ChallengeId::new([7; 16]),
        state,
        requester: Subject::new(say("ada@example.com")),
        from: "192.0.2.1".parse().ok(),
        action: Action::new("pay"),
        title: say("Pay an invoice").into(),
        level: RiskLevel::Critical,
        shown: vec![
            (say("to").to_owned(), say("Example Ltd").to_owned()),
            ("sum".to_owned(), "1,200.00".to_owned()),
        ],
        purpose: StatedPurpose::of(say("Invoice 7, due on Friday")),
        asked_at: at,
        expires_at: at.after(Duration::from_hours(1)),
        decided: is_decided.then(|| DecidedBy {
            by: Subject::new(say("bob@example.com")),
            at,
            word: StatedPurpose::of(say("As we agreed")),
        }),
    }
}

/// All pages of approval, as people see them, or with `hostile` wherever a text of somebody's stands.
pub(super) fn approval_pages(site: &Site, hostile: Option<&str>) -> Vec<(String, String)> {
    let mut pages = vec![
        ("approvals-none".to_owned(), approvals(site, &[])),
        (
            "approvals".to_owned(),
            approvals(site, &STATES.map(|state| request(state, hostile))),
        ),
    ];
    for state in STATES {
        let word = state.as_str();
        let page = WaitingPage {
            view: request(state, hostile),
            token: Secret::new("sealed-token".to_owned()),
            anti_forgery: Secret::new("anti-forgery-value".to_owned()),
            carried: Some(Secret::new("sealed-form".to_owned())),
            cancel: LocalPath::parse("/"),
        };
        pages.push((format!("waiting-{word}"), waiting(site, &page)));
        let page = ApprovalPage {
            view: request(state, hostile),
            anti_forgery: Secret::new("anti-forgery-value".to_owned()),
        };
        pages.push((format!("approval-{word}"), approval(site, &page)));
    }
    pages
}

#[test]
fn a_page_that_waits_reloads_nothing_and_what_is_over_has_no_form() {
    for (name, html) in approval_pages(&site(Locale::En), None) {
        assert!(!html.contains("http-equiv"), "{name}");
        let is_open = ["waiting-pending", "waiting-approved", "approval-pending"].contains(&&*name);
        assert_eq!(forms(&html).len(), usize::from(is_open), "{name}: {html}");
        for form in forms(&html) {
            assert!(form.contains("name=\"anti_forgery\" value=\"anti-forgery-value\""));
            assert_eq!(form.contains("sealed-token"), name.starts_with("waiting"));
        }
    }
}

#[test]
fn what_is_decided_is_not_asked_again() {
    for (name, html) in approval_pages(&site(Locale::En), None) {
        let asks = html.contains("Do you approve?");
        assert_eq!(asks, name == "approval-pending", "{name}");
    }
    let (_, html) = { approval_pages(&site(Locale::En), None).into_iter() }
        .find(|(name, _)| name == "approval-refused")
        .unwrap();
    assert!(
        html.contains("<title>Not approved: Pay an invoice"),
        "{html}"
    );
}
