//! One view for each page and state.

use super::approval_samples::approval_pages;
use super::device_samples::device_pages;
use super::*;
use crate::domain::{CredentialEntry, StatedPurpose, Timestamp};
use crate::locale::Locale;
use crate::verification::PasswordSource;
use crate::web::api::OwnSessionView;

pub(super) fn site(locale: Locale) -> Site {
    Site {
        locale,
        prefix: "/.stepup".to_owned(),
        host: "app.example.com".to_owned(),
        here: Some(local("/.stepup/challenge?t=SEALED&x=1")),
        brand: std::sync::Arc::default(),
        dialog: false,
    }
}

fn local(path: &str) -> LocalPath {
    LocalPath::parse(path).unwrap()
}

fn sealed(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn pair(label: &str, value: &str) -> (String, String) {
    (label.to_owned(), value.to_owned())
}

pub(super) fn prompt_view() -> Prompt {
    Prompt {
        title: "Delete an account".to_owned(),
        level: RiskLevel::Critical,
        shown: vec![
            pair("user", "42"),
            pair("name", "Ada Lovelace <ada@example.com>"),
        ],
        user: "alice@example.com".to_owned(),
        display: None,
        time_left: Duration::from_secs(290),
        earns: Earns::Once,
        max_age: Duration::from_mins(2),
        alternatives: Alternatives::any_of(&[
            Factor::Passkey,
            Factor::Password,
            Factor::Totp,
            Factor::EmailCode,
        ])
        .unwrap(),
        proven: FactorSet::EMPTY,
        usable: [Factor::Password, Factor::Totp, Factor::EmailCode]
            .into_iter()
            .collect(),
        chosen: None,
        email: Some(EmailCode {
            to: "a•••@example.com".to_owned(),
            sent: true,
            wait: Duration::ZERO,
        }),
        provider: "Example ID".to_owned(),
        passwords: PasswordSource::Directory,
        confirm: Some("DELETE".to_owned()),
        typed: String::new(),
        purpose: None,
        error: None,
        sign_in: None,
        enroll: None,
        offers: vec![Factor::Passkey, Factor::Totp],
        cancel: Some(local("/users/42")),
        token: sealed("sealed-token"),
        anti_forgery: sealed("anti-forgery-value"),
        carried: Some(sealed("sealed-form")),
        refill: false,
    }
}

fn plain() -> Prompt {
    Prompt {
        confirm: None,
        level: RiskLevel::High,
        earns: Earns::Action,
        ..prompt_view()
    }
}

fn only(factor: Factor) -> Prompt {
    Prompt {
        alternatives: Alternatives::any_of(&[factor]).unwrap(),
        usable: FactorSet::EMPTY.with(factor),
        ..plain()
    }
}

/// For an account of which a source tells the name of its person.
fn named(name: &str) -> Prompt {
    Prompt {
        display: DisplayName::of(name),
        ..only(Factor::Password)
    }
}

fn refused(error: PromptError, chosen: Option<Factor>) -> Prompt {
    Prompt {
        error: Some(error),
        chosen,
        ..plain()
    }
}

fn mail(sent: bool, wait: u64) -> EmailCode {
    EmailCode {
        to: "a•••@example.com".to_owned(),
        sent,
        wait: Duration::from_secs(wait),
    }
}

fn asking() -> Vec<(&'static str, Prompt)> {
    let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
    let step_two = Prompt {
        alternatives: Alternatives::new(vec![both, FactorSet::EMPTY.with(Factor::EmailCode)])
            .unwrap(),
        proven: FactorSet::EMPTY.with(Factor::Password),
        ..plain()
    };
    let explained = Prompt {
        purpose: Some(PurposeField {
            required: true,
            typed: None,
        }),
        ..plain()
    };
    let sign_in = Prompt {
        level: RiskLevel::Low,
        earns: Earns::Session,
        title: "Change your display name".to_owned(),
        shown: Vec::new(),
        sign_in: Some("/login".to_owned()),
        max_age: Duration::from_mins(10),
        ..plain()
    };
    let passkey_first = Prompt {
        usable: FactorSet::EMPTY
            .with(Factor::Passkey)
            .with(Factor::Password),
        ..prompt_view()
    };
    let sent = Prompt {
        chosen: Some(Factor::EmailCode),
        email: Some(mail(true, 40)),
        ..plain()
    };
    vec![
        (
            "prompt",
            Prompt {
                email: Some(mail(false, 0)),
                ..prompt_view()
            },
        ),
        ("prompt-password", only(Factor::Password)),
        ("prompt-provider", only(Factor::Oidc)),
        (
            "prompt-name-long",
            named(&"Wolfeschlegelsteinhausenbergerdorff".repeat(3)),
        ),
        ("prompt-name-rtl", named("محمد \u{202e}عبد الله (root)")),
        (
            "prompt-mail",
            Prompt {
                email: Some(mail(false, 0)),
                ..only(Factor::EmailCode)
            },
        ),
        ("prompt-passkey", only(Factor::Passkey)),
        ("prompt-passkey-first", passkey_first),
        ("prompt-mail-sent", sent),
        ("prompt-step-two", step_two),
        ("prompt-purpose", explained),
        ("prompt-sign-in", sign_in),
        (
            "prompt-refill",
            Prompt {
                refill: true,
                ..only(Factor::Password)
            },
        ),
    ]
}

fn failing() -> Vec<(&'static str, Prompt)> {
    let wrong = PromptError::WrongAnswer {
        factor: Factor::Password,
        remaining: 4,
    };
    let too_soon = refused(PromptError::SentTooSoon, Some(Factor::EmailCode));
    let wrong_phrase = Prompt {
        confirm: Some("DELETE".to_owned()),
        error: Some(PromptError::WrongPhrase(Factor::Password)),
        ..only(Factor::Password)
    };
    let too_many = PromptError::TooManyAttempts(Some(Duration::from_mins(14)));
    vec![
        (
            "prompt-mail-too-soon",
            Prompt {
                email: Some(mail(true, 40)),
                ..too_soon
            },
        ),
        (
            "prompt-mail-failed",
            refused(PromptError::MailUnavailable, Some(Factor::EmailCode)),
        ),
        ("prompt-wrong", refused(wrong, Some(Factor::Password))),
        ("prompt-wrong-phrase", wrong_phrase),
        ("prompt-too-many", refused(too_many, None)),
        (
            "prompt-locked",
            refused(PromptError::FactorLocked(Factor::Totp), None),
        ),
        (
            "prompt-unavailable",
            refused(PromptError::Unavailable, None),
        ),
        (
            "prompt-provider-cancelled",
            refused(
                PromptError::SignIn(Reason::SignInCancelled),
                Some(Factor::Oidc),
            ),
        ),
        (
            "prompt-provider-other",
            refused(
                PromptError::SignIn(Reason::SignInOtherAccount),
                Some(Factor::Oidc),
            ),
        ),
        (
            "prompt-provider-not-accepted",
            refused(
                PromptError::SignIn(Reason::SignInNotAccepted),
                Some(Factor::Oidc),
            ),
        ),
        (
            "prompt-provider-unavailable",
            refused(
                PromptError::SignIn(Reason::ProviderUnavailable),
                Some(Factor::Oidc),
            ),
        ),
        (
            "prompt-not-enrolled",
            Prompt {
                usable: FactorSet::EMPTY,
                enroll: Some(local("/.stepup/enroll?back=%2Fsettings")),
                ..plain()
            },
        ),
        (
            "prompt-nothing-enrolled",
            Prompt {
                usable: FactorSet::EMPTY,
                ..plain()
            },
        ),
        ("prompt-recovery", only(Factor::RecoveryCode)),
        ("prompt-bootstrap", only(Factor::BootstrapCode)),
    ]
}

fn confirm_view() -> Confirm {
    Confirm {
        title: "Delete an account".to_owned(),
        shown: vec![pair("user", "42")],
        action: local("/users/42/delete"),
        encoding: FormEncoding::Urlencoded,
        fields: vec![CarriedField::Value("csrf".to_owned(), sealed("abc"))],
        time_left: Some(Duration::from_secs(118)),
        cancel: Some(local("/users/42")),
    }
}

fn own_session(number: u8) -> OwnSessionView {
    let at = |minute: u8| format!("2026-11-27T12:{minute:02}:00Z");
    OwnSessionView {
        session: (number > 0).then(|| format!("handle-{number}")),
        current: number == 0,
        browser: Some("Firefox".to_owned()),
        system: Some("Windows".to_owned()),
        address: Some("203.0.113.7".to_owned()),
        place: Some("app.example.com/login".to_owned()),
        signed_in_at: Some(at(number)),
        first_seen_at: at(number),
        last_used_at: None,
        verified_until: (number == 0).then(|| at(50)),
    }
}

fn sessions_page(state: SessionsState, sessions: Vec<OwnSessionView>) -> SessionsPage {
    SessionsPage {
        sessions,
        state,
        anti_forgery: sealed("anti-forgery-value"),
        sign_out_to: Some("/login".to_owned()),
        cookies: vec!["sid".to_owned(), "app_session_*".to_owned()],
        own_cookie: "__Host-stepgate",
    }
}

fn sessions_pages() -> Vec<(&'static str, SessionsPage)> {
    let all = || {
        let unknown = OwnSessionView {
            browser: None,
            system: None,
            place: None,
            signed_in_at: None,
            last_used_at: Some("2026-11-27T12:40:00Z".to_owned()),
            ..own_session(2)
        };
        vec![own_session(0), own_session(1), unknown]
    };
    let one = SessionsState::Asked { others: false };
    let others = SessionsState::Asked { others: true };
    [
        ("sessions", SessionsState::Shown, all()),
        ("sessions-alone", SessionsState::Shown, vec![own_session(0)]),
        ("sessions-end-one", one, vec![own_session(1)]),
        ("sessions-end-gone", one, Vec::new()),
        (
            "sessions-end-others",
            others,
            vec![own_session(1), own_session(2)],
        ),
        (
            "sessions-ended",
            SessionsState::Ended(2),
            vec![own_session(0)],
        ),
        ("sessions-locked", SessionsState::Locked, all()),
    ]
    .map(|(name, state, sessions)| (name, sessions_page(state, sessions)))
    .into()
}

/// Every page in every state.
pub(super) fn everything(locale: Locale) -> Vec<(String, String)> {
    let site = site(locale);
    let mut pages: Vec<(&str, String)> = asking()
        .into_iter()
        .chain(failing())
        .map(|(name, view)| (name, prompt(&site, &view)))
        .collect();
    let late = Confirm {
        time_left: None,
        ..confirm_view()
    };
    let retype = Confirm {
        encoding: FormEncoding::Multipart,
        fields: vec![
            CarriedField::Password("current_password".to_owned()),
            CarriedField::File("photo".to_owned()),
        ],
        ..confirm_view()
    };
    let framed_view = Framed {
        title: "Delete an account".to_owned(),
        page_url: local("/.stepup/challenge?t=sealed-token"),
    };
    pages.extend([
        ("confirm", confirm(&site, &confirm_view())),
        ("confirm-retype", confirm(&site, &retype)),
        ("confirm-late", confirm(&site, &late)),
        (
            "verified",
            verified(&site, &VerifiedPage::Back(local("/users/42"))),
        ),
        ("verified-close", verified(&site, &caller())),
        (
            "verified-refill",
            verified(&site, &VerifiedPage::Refill(local("/users/42"))),
        ),
        ("framed", framed(&site, &framed_view)),
        (
            "lock",
            lock(&site, Some("anti-forgery-value"), &local("/users/42")),
        ),
        ("locked", lock(&site, None, &local("/"))),
        ("problems", problem_index(&site)),
        ("problem", problem(&site, "step-up-required").unwrap()),
    ]);
    for (name, names, was_refused) in [
        ("passkeys-none", &[][..], false),
        ("passkeys", &["My phone", "Blue key"], false),
        ("passkeys-refused", &["My phone"], true),
    ] {
        pages.push((name, passkeys(&site, &passkeys_view(names, was_refused))));
    }
    let own = sessions_pages().into_iter();
    pages.extend(own.map(|(name, page)| (name, sessions(&site, &page))));
    pages.extend(enroll::pages(&site, None));
    for reason in [
        Reason::SessionDisputed,
        Reason::SessionRequired,
        Reason::SessionRevoked,
        Reason::SessionTimedOut,
    ] {
        let view = SessionView {
            reason,
            login_url: Some("/login".to_owned()),
            request_id: Some("0198c3a2f7".to_owned()),
        };
        pages.push((reason.as_str(), session(&site, &view)));
    }
    for (reason, status) in [
        (Reason::AmbiguousRequest, 400),
        (Reason::ChallengeExpired, 403),
        (Reason::NotFound, 404),
        (Reason::RequestTimeout, 408),
        (Reason::BodyTooLarge, 413),
        (Reason::TargetTooLong, 414),
        (Reason::TooManyAttempts, 429),
        (Reason::HeadTooLarge, 431),
        (Reason::UpstreamUnreachable, 502),
        (Reason::StoreUnavailable, 503),
        (Reason::UpstreamTimeout, 504),
    ] {
        let view = ErrorView {
            reason,
            status,
            request_id: Some("0198c3a2f7".to_owned()),
            retry_after: [429, 503]
                .contains(&status)
                .then_some(Duration::from_secs(5)),
            back: Some(local("/users/42")),
        };
        pages.push((reason.as_str(), error(&site, &view)));
    }
    pages
        .into_iter()
        .map(|(name, html)| (name.to_owned(), html))
        .chain(in_dialog(&site))
        .chain(requests(&site, None))
        .collect()
}

/// The prompt in a dialog of a page of the application, and what comes after it there.
fn in_dialog(site: &Site) -> [(String, String); 4] {
    let site = Site {
        dialog: true,
        ..site.clone()
    };
    let session_view = SessionView {
        reason: Reason::SessionTimedOut,
        login_url: Some("/login".to_owned()),
        request_id: None,
    };
    let error_view = ErrorView {
        reason: Reason::ChallengeExpired,
        status: 403,
        request_id: None,
        retry_after: None,
        back: Some(local("/")),
    };
    [
        ("dialog-prompt".to_owned(), prompt(&site, &prompt_view())),
        ("dialog-verified".to_owned(), verified(&site, &caller())),
        ("dialog-session".to_owned(), session(&site, &session_view)),
        ("dialog-expired".to_owned(), error(&site, &error_view)),
    ]
}

/// What whoever was refused by a script comes to.
pub(super) fn caller() -> VerifiedPage {
    VerifiedPage::Caller {
        token: sealed("sealed-token"),
        back: Some(local("/users/42")),
    }
}

fn passkeys_view(names: &[&str], was_refused: bool) -> PasskeysView {
    let entry = |(id, name): (u8, &&str)| CredentialEntry {
        name: (*name).to_owned(),
        used_at: Some(Timestamp::from_millis(1_790_000_000_000)),
        ..CredentialEntry::new([id; 8], Timestamp::from_millis(1_780_000_000_000))
    };
    PasskeysView {
        entries: { 0.. }.zip(names).map(entry).collect(),
        was_refused,
        back: Some(local("/users/42")),
        anti_forgery: sealed("anti-forgery-value"),
    }
}

/// The pages of what somebody decides.
fn requests(site: &Site, hostile: Option<&str>) -> Vec<(String, String)> {
    [approval_pages(site, hostile), device_pages(site, hostile)].concat()
}

/// Pages whose every value tries to be markup.
pub(super) fn hostile() -> Vec<(String, String)> {
    let evil = "\"><script>alert(1)</script>' onmouseover=\"x\n\r<b>bold\u{202e}{{ 7*7 }}";
    let owned = || evil.to_owned();
    let site = Site {
        locale: Locale::En,
        prefix: "/.stepup".to_owned(),
        host: evil.replace('\u{202e}', ""),
        here: None,
        brand: std::sync::Arc::default(),
        dialog: false,
    };
    let view = Prompt {
        title: owned(),
        shown: vec![(owned(), owned())],
        user: owned(),
        display: DisplayName::of(evil),
        email: Some(EmailCode {
            to: owned(),
            sent: true,
            wait: Duration::from_secs(3),
        }),
        confirm: Some(owned()),
        purpose: Some(PurposeField {
            required: true,
            typed: StatedPurpose::of(evil),
        }),
        token: Secret::new(owned()),
        anti_forgery: Secret::new(owned()),
        carried: Some(Secret::new(owned())),
        error: Some(PromptError::MailUnavailable),
        sign_in: Some(owned()),
        ..prompt_view()
    };
    let wrong = Prompt {
        error: Some(PromptError::WrongPhrase(Factor::Password)),
        ..view.clone()
    };
    let carried = Confirm {
        title: owned(),
        shown: vec![(owned(), owned())],
        fields: vec![
            CarriedField::Value(owned(), Secret::new(owned())),
            CarriedField::Password(owned()),
            CarriedField::File(owned()),
        ],
        ..confirm_view()
    };
    let framed_view = Framed {
        title: owned(),
        page_url: local("/.stepup/challenge?t=x"),
    };
    let error_view = ErrorView {
        reason: Reason::NotFound,
        status: 404,
        request_id: Some(owned()),
        retry_after: None,
        back: None,
    };
    let session_view = SessionView {
        reason: Reason::SessionRequired,
        login_url: Some(format!("/login?next={evil}")),
        request_id: Some(owned()),
    };
    let enroll = enroll::pages(&site, Some(evil));
    let enroll = enroll
        .into_iter()
        .map(|(name, html)| (format!("hostile-{name}"), html));
    let mut pages: Vec<_> = enroll.collect();
    let own = OwnSessionView {
        browser: Some(owned()),
        system: Some(owned()),
        address: Some(owned()),
        place: Some(owned()),
        ..own_session(1)
    };
    let own = SessionsPage {
        anti_forgery: Secret::new(owned()),
        sign_out_to: Some(owned()),
        cookies: vec![owned()],
        ..sessions_page(SessionsState::Shown, vec![own_session(0), own])
    };
    pages.extend([
        (
            "hostile-passkeys".to_owned(),
            passkeys(&site, &passkeys_view(&[evil], true)),
        ),
        ("hostile-sessions".to_owned(), sessions(&site, &own)),
        ("hostile-prompt".to_owned(), prompt(&site, &view)),
        ("hostile-wrong".to_owned(), prompt(&site, &wrong)),
        ("hostile-confirm".to_owned(), confirm(&site, &carried)),
        ("hostile-framed".to_owned(), framed(&site, &framed_view)),
        ("hostile-error".to_owned(), error(&site, &error_view)),
        ("hostile-session".to_owned(), session(&site, &session_view)),
    ]);
    let of_approval = requests(&site, Some(evil)).into_iter();
    pages.extend(
        of_approval
            .filter(|(name, _)| name != "approvals-none")
            .map(|(name, html)| (format!("hostile-{name}"), html)),
    );
    pages
}
