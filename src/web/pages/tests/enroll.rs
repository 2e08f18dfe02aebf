//! The pages on which people set things up, in every state.

use super::super::{
    EnrollDone, EnrollField, EnrollForm, EnrollInput, EnrollOverview, EnrollStep, EnrolledItem,
    Site, enroll_overview, enroll_step,
};
use crate::domain::{Factor, LocalPath, Secret};

fn item(factor: Factor, name: &str) -> EnrolledItem {
    EnrolledItem {
        factor,
        id: "0011223344556677".to_owned(),
        name: name.to_owned(),
        added_on: Some("2026-03-01".to_owned()),
        used_on: Some("2026-03-02".to_owned()),
        left: (factor == Factor::RecoveryCode).then_some(7),
    }
}

/// `text` stands wherever a text of somebody's stands.
pub(super) fn pages(site: &Site, text: &str) -> Vec<(&'static str, String)> {
    let owned = || text.to_owned();
    let secret = || Secret::new(owned());
    let empty = EnrollOverview {
        user: owned(),
        items: Vec::new(),
        offers: vec![Factor::Totp, Factor::RecoveryCode],
        done: None,
        back: None,
        anti_forgery: secret(),
    };
    let full = EnrollOverview {
        items: vec![
            item(Factor::Passkey, text),
            item(Factor::RecoveryCode, ""),
            EnrolledItem {
                added_on: None,
                used_on: None,
                ..item(Factor::Password, "")
            },
        ],
        offers: vec![
            Factor::Passkey,
            Factor::Totp,
            Factor::RecoveryCode,
            Factor::Password,
            Factor::EmailCode,
        ],
        done: Some(EnrollDone::Added(Factor::Totp)),
        back: LocalPath::parse("/users/42?tab=%3Cb%3E&x=1"),
        ..empty.clone()
    };
    let step = |kind, problem| EnrollStep {
        heading: owned(),
        paragraphs: vec![owned()],
        problem,
        form: Some(EnrollForm {
            hidden: vec![("sealed", secret()), ("anti_forgery", secret())],
            field: Some(EnrollField {
                hint: Some(owned()),
                value: owned(),
                ..EnrollField::new(text, kind)
            }),
            user: owned(),
            ..EnrollForm::new("enroll/totp", text)
        }),
        back: LocalPath::parse("/users/42"),
        ..EnrollStep::default()
    };
    let totp = EnrollStep {
        qr: Some((2, "M0 0h1v1h-1zM1 1h1v1h-1z".to_owned())),
        codes: vec![owned()],
        ..step(EnrollInput::Code, None)
    };
    let printed = EnrollStep {
        form: None,
        codes: vec![owned(), owned()],
        ..step(EnrollInput::Code, None)
    };
    vec![
        ("enroll-nothing", enroll_overview(site, &empty)),
        ("enroll", enroll_overview(site, &full)),
        ("enroll-totp", enroll_step(site, &totp)),
        (
            "enroll-wrong",
            enroll_step(site, &step(EnrollInput::Code, Some(owned()))),
        ),
        (
            "enroll-email",
            enroll_step(site, &step(EnrollInput::Email, None)),
        ),
        (
            "enroll-password",
            enroll_step(site, &step(EnrollInput::NewPassword, None)),
        ),
        ("enroll-printed", enroll_step(site, &printed)),
    ]
}
