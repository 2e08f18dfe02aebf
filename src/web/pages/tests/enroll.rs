//! The pages on which people set things up, in every state.

use super::super::{
    EnrollDone, EnrollField, EnrollForm, EnrollInput, EnrollOverview, EnrollStep, EnrolledItem,
    Site, enroll_overview, enroll_step, qr,
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

/// As people see them, or with `hostile` wherever a text of somebody's stands.
pub(super) fn pages(site: &Site, hostile: Option<&str>) -> Vec<(&'static str, String)> {
    let mut pages = overviews(site, hostile);
    pages.extend(steps(site, hostile));
    pages
}

fn overviews(site: &Site, hostile: Option<&str>) -> Vec<(&'static str, String)> {
    let say = |usual: &str| hostile.unwrap_or(usual).to_owned();
    let empty = EnrollOverview {
        user: say("ada@example.com"),
        items: Vec::new(),
        offers: vec![Factor::Totp, Factor::RecoveryCode],
        done: None,
        back: None,
        anti_forgery: Secret::new(say("anti-forgery-value")),
    };
    let full = EnrollOverview {
        items: vec![
            item(Factor::Passkey, &say("My phone")),
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
        done: Some(EnrollDone::Added(Factor::Passkey)),
        back: LocalPath::parse("/users/42?tab=%3Cb%3E&x=1"),
        ..empty.clone()
    };
    vec![
        ("enroll-nothing", enroll_overview(site, &empty)),
        ("enroll", enroll_overview(site, &full)),
    ]
}

fn steps(site: &Site, hostile: Option<&str>) -> Vec<(&'static str, String)> {
    let t = site.texts();
    let say = |usual: &str| hostile.unwrap_or(usual).to_owned();
    let secret = || Secret::new(say("sealed-step"));
    let step = |heading: &str, lede: &str, form: Option<EnrollForm>| EnrollStep {
        heading: say(heading),
        paragraphs: vec![say(lede)],
        form,
        back: LocalPath::parse("/users/42"),
        ..EnrollStep::default()
    };
    let form = |label: &str, kind, hint: &str, button: &str| {
        Some(EnrollForm {
            hidden: vec![("sealed", secret()), ("anti_forgery", secret())],
            field: Some(EnrollField {
                hint: Some(say(hint)).filter(|hint| !hint.is_empty()),
                value: say(""),
                ..EnrollField::new(&say(label), kind)
            }),
            user: say("ada@example.com"),
            ..EnrollForm::new("enroll/totp", &say(button))
        })
    };
    let (e, label) = (&t.enroll, &t.factor.totp_label);
    let code = form(label, EnrollInput::Code, &e.totp_hint, &e.check);
    let totp = EnrollStep {
        qr: qr(
            "otpauth://totp/app.example.com:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=app.example.com",
        ),
        codes: vec![say("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")],
        ..step(&e.totp_heading, &e.totp_lede, code)
    };
    let wrong = EnrollStep {
        problem: Some(say(&t.prompt.wrong_code)),
        ..totp.clone()
    };
    let email = form(&e.email_label, EnrollInput::Email, "", &t.prompt.email_send);
    let hint = e.password_hint(15);
    let password = form(
        &e.password_label,
        EnrollInput::NewPassword,
        &hint,
        &e.password_set,
    );
    let lede = e.password_lede(site.name());
    let made = EnrollStep {
        paragraphs: vec![say(&e.recovery_keep(site.name())), say(&e.recovery_once)],
        codes: CODES.map(say).into(),
        ..step(&e.recovery_heading, "", None)
    };
    [
        ("enroll-totp", totp),
        ("enroll-wrong", wrong),
        ("enroll-email", step(&e.email_heading, &e.email_lede, email)),
        (
            "enroll-password",
            step(&e.password_heading, &lede, password),
        ),
        (
            "enroll-recovery",
            step(
                &e.recovery_heading,
                &e.recovery_lede,
                Some(EnrollForm::new("enroll/recovery", &e.recovery_make)),
            ),
        ),
        ("enroll-printed", made),
    ]
    .map(|(name, view)| (name, enroll_step(site, &view)))
    .into()
}

const CODES: [&str; 10] = [
    "7K2M-Q9XD-4TRB-W3HN",
    "C8VP-2JEG-ZN5A-6YTS",
    "M4RD-XK7W-9BQF-3CUV",
    "H6TN-5PAZ-J2GE-8WKD",
    "Q3BY-V9SM-7RCX-4FHJ",
    "W5ZK-8DNT-2QGP-M7AE",
    "R9CF-6HVB-XJ3S-5YUN",
    "E2WG-T7KQ-4MPD-9ZRA",
    "N8XJ-3SCY-B6VH-2FTK",
    "Z4QM-9RUE-5WDN-7GBP",
];
