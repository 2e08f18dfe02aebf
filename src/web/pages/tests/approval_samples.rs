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

fn request(state: ApprovalState, text: &str) -> ApprovalView {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let is_decided = !matches!(state, ApprovalState::Pending);
    ApprovalView {
        id: ChallengeId::new([7; 16]),
        state,
        requester: Subject::new(text),
        from: "192.0.2.1".parse().ok(),
        action: Action::new("pay"),
        title: text.into(),
        level: RiskLevel::Critical,
        shown: vec![
            ("POST".to_owned(), "/pay".to_owned()),
            (text.to_owned(), text.to_owned()),
        ],
        purpose: StatedPurpose::of(text),
        asked_at: at,
        expires_at: at.after(Duration::from_hours(1)),
        decided: is_decided.then(|| DecidedBy {
            by: Subject::new(text),
            at,
            word: StatedPurpose::of(text),
        }),
    }
}

/// All pages of approval that show `text`.
pub(super) fn approval_pages(site: &Site, text: &str) -> Vec<(String, String)> {
    let mut pages = vec![
        ("approvals-none".to_owned(), approvals(site, &[])),
        (
            "approvals".to_owned(),
            approvals(site, &STATES.map(|state| request(state, text))),
        ),
    ];
    for state in STATES {
        let word = state.as_str();
        let page = WaitingPage {
            view: request(state, text),
            token: Secret::new("sealed-token".to_owned()),
            anti_forgery: Secret::new("anti-forgery-value".to_owned()),
            carried: Some(Secret::new("sealed-form".to_owned())),
            cancel: LocalPath::parse("/"),
        };
        pages.push((format!("waiting-{word}"), waiting(site, &page)));
        let page = ApprovalPage {
            view: request(state, text),
            anti_forgery: Secret::new("anti-forgery-value".to_owned()),
        };
        pages.push((format!("approval-{word}"), approval(site, &page)));
    }
    pages
}

#[test]
fn a_page_that_waits_reloads_nothing_and_what_is_over_has_no_form() {
    for (name, html) in approval_pages(&site(Locale::En), "alice") {
        assert!(!html.contains("http-equiv"), "{name}");
        let is_open = ["waiting-pending", "waiting-approved", "approval-pending"].contains(&&*name);
        assert_eq!(forms(&html).len(), usize::from(is_open), "{name}: {html}");
        for form in forms(&html) {
            assert!(form.contains("name=\"anti_forgery\" value=\"anti-forgery-value\""));
            assert_eq!(form.contains("sealed-token"), name.starts_with("waiting"));
        }
    }
}
