//! The pages, read as a browser and an attacker would.

mod approval_samples;
mod device_samples;
mod dialog;
mod enroll;
mod samples;
mod well_formed;

use super::*;
use crate::domain::{Alternatives, DisplayName, Factor, FactorSet, Reason, RiskLevel, Secret};
use crate::locale::Locale;
use crate::request::brand::{Brand, Logo, Picture};
use crate::verification::PasswordSource;
use samples::{everything, hostile, prompt_view, site};
use std::time::Duration;
use well_formed::{Tag, attributes, tags};

fn count(html: &str, part: &str) -> usize {
    html.matches(part).count()
}

fn forms(html: &str) -> Vec<&str> {
    html.split("<form ")
        .skip(1)
        .map(|rest| rest.split_once("</form>").unwrap().0)
        // On each page that can be asked for again.
        .filter(|form| !form.contains("action=\"/.stepup/language\""))
        .collect()
}

#[test]
fn every_page_is_well_formed_in_every_language() {
    for locale in Locale::ALL {
        for (name, html) in everything(locale) {
            let tags =
                tags(&html).unwrap_or_else(|error| panic!("{name} {locale}: {error}\n{html}"));
            let of = |wanted: &str| tags.iter().filter(|tag| tag.opens(wanted)).count();
            assert_eq!((of("h1"), of("main"), of("title")), (1, 1, 1), "{name}");
            assert!(
                html.contains(&format!("<html lang=\"{locale}\" dir=")),
                "{name}"
            );
        }
    }
}

#[test]
fn no_page_has_an_inline_script_or_style_or_a_handler() {
    for (name, html) in everything(Locale::En).into_iter().chain(hostile()) {
        for tag in tags(&html).unwrap() {
            let Tag {
                name: element,
                attributes,
                ..
            } = &tag;
            assert!(!["style", "iframe", "object", "base"].contains(&element.as_str()));
            let ours = ["/.stepup/script.js", "/.stepup/dialog.js"];
            let is_ours = tag.value("src").is_some_and(|src| ours.contains(&src));
            assert!(
                element != "script" || !tag.opens("script") || is_ours,
                "{name}: {tag:?}"
            );
            for (attribute, value) in attributes {
                assert_ne!(attribute, "style", "{name}");
                assert!(!attribute.starts_with("on"), "{name}: {attribute}");
                assert!(
                    !value.trim_start().to_lowercase().starts_with("javascript:"),
                    "{name}"
                );
                assert!(attribute != "tabindex", "{name}");
            }
        }
    }
}

#[test]
fn ids_are_unique_and_whatever_refers_to_one_finds_it() {
    for (name, html) in everything(Locale::De).into_iter().chain(hostile()) {
        let ids = attributes(&html, "id");
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{name}: {ids:?}");
        for reference in ["for", "aria-describedby", "aria-labelledby"] {
            for value in attributes(&html, reference) {
                for id in value.split(' ') {
                    assert!(
                        ids.iter().any(|known| known == id),
                        "{name}: {reference}={id}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_visible_input_has_a_label() {
    for (name, html) in everything(Locale::En) {
        let labels = attributes(&html, "for");
        for tag in tags(&html).unwrap().iter().filter(|tag| tag.opens("input")) {
            let hidden = tag.value("type") == Some("hidden") || tag.value("hidden").is_some();
            let labelled = tag
                .value("id")
                .is_some_and(|id| labels.iter().any(|l| l == id));
            assert!(hidden || labelled, "{name}: {tag:?}");
        }
    }
}

#[test]
fn every_value_is_escaped_wherever_it_is_shown() {
    for (name, html) in hostile() {
        let ours = html.replacen(r#"<script src="/.stepup/script.js" defer></script>"#, "", 1);
        assert!(!ours.contains("<script"), "{name}: {html}");
        assert!(!html.contains("<b>bold"), "{name}");
        assert!(
            html.contains("&#60;script&#62;"),
            "{name}: the value is shown, as text"
        );
        let tags = tags(&html).unwrap_or_else(|error| panic!("{name}: {error}\n{html}"));
        assert!(
            tags.iter().all(|tag| tag.value("onmouseover").is_none()),
            "{name}"
        );
    }
}

#[test]
fn the_name_of_a_person_hides_that_of_their_account_nowhere() {
    for name in [
        "Bob (root)",
        "(",
        "שרה",
        &"\u{301}".repeat(9),
        &"x".repeat(900),
    ] {
        let view = Prompt {
            display: DisplayName::of(name),
            ..prompt_view()
        };
        let html = prompt(&site(Locale::En), &view);
        assert!(
            html.contains(" (\u{2068}alice@example.com\u{2069})</bdi>"),
            "{html}"
        );
    }
}

#[test]
fn every_form_of_ours_carries_what_ties_it_to_the_browser() {
    let html = prompt(&site(Locale::En), &prompt_view());
    for form in forms(&html) {
        assert!(
            form.starts_with("method=\"post\" action=\"/.stepup/verify"),
            "{form}"
        );
        assert!(form.contains("name=\"anti_forgery\" value=\"anti-forgery-value\""));
        assert!(form.contains("name=\"token\" value=\"sealed-token\""));
        assert!(form.contains("name=\"carried\" value=\"sealed-form\""));
    }
}

#[test]
fn a_passkey_is_asked_for_by_the_script_and_the_page_says_so_without_it() {
    for locale in Locale::ALL {
        for (name, html) in everything(locale) {
            let asks = name.starts_with("prompt-passkey");
            let adds = name.starts_with("passkeys");
            assert_eq!(html.contains("/script.js"), asks || adds, "{name}");
            assert_eq!(
                count(&html, "data-passkey=\"get\""),
                usize::from(asks),
                "{name}"
            );
        }
    }
    let view = Prompt {
        usable: FactorSet::EMPTY
            .with(Factor::Passkey)
            .with(Factor::Password),
        ..prompt_view()
    };
    assert!(asks_for_passkey(&view));
    let html = prompt(&site(Locale::En), &view);
    // Until the script runs, what is seen is that it must, and no button that does nothing.
    let button = r#"data-when="ready cancelled failed" hidden disabled>Use your passkey"#;
    assert!(html.contains(button), "{html}");
    let without = r#"data-when="no-script">A passkey needs JavaScript"#;
    assert!(html.contains(without), "{html}");
    // Beside another way it is offered at the field.
    let chosen = Prompt {
        chosen: Some(Factor::Password),
        ..view.clone()
    };
    let html = prompt(&site(Locale::En), &chosen);
    assert!(html.contains(r#"data-passkey="offer""#), "{html}");
    assert!(
        html.contains(r#"current-password webauthn" required"#),
        "{html}"
    );
    let too_many = Prompt {
        error: Some(PromptError::TooManyAttempts(None)),
        ..view
    };
    assert!(!asks_for_passkey(&too_many));
    assert!(!prompt(&site(Locale::En), &too_many).contains("<script"));
}

#[test]
fn no_link_and_no_address_holds_a_token() {
    for (name, html) in everything(Locale::En) {
        for attribute in ["href", "action", "src"] {
            for value in attributes(&html, attribute) {
                let documented = name == "framed" && value == "/.stepup/challenge?t=sealed-token";
                assert!(documented || !value.contains("sealed"), "{name}: {value}");
            }
        }
    }
}

#[test]
fn a_password_is_asked_for_in_a_way_that_password_managers_understand() {
    let mut view = prompt_view();
    view.user = "alice".to_owned();
    // One that may be another than the application's is kept apart from it.
    for (passwords, section) in [
        (PasswordSource::UpstreamLogin, ""),
        (PasswordSource::Directory, "section-confirmation "),
    ] {
        view.passwords = passwords;
        let html = prompt(&site(Locale::En), &view);
        let user = format!(
            r#"<input type="text" value="alice" autocomplete="{section}username" readonly hidden>"#
        );
        let password =
            format!(r#"type="password" autocomplete="{section}current-password" required"#);
        assert!(html.contains(&user) && html.contains(&password), "{html}");
    }
    view.chosen = Some(Factor::Totp);
    let html = prompt(&site(Locale::En), &view);
    assert_eq!(count(&html, r#"autocomplete="one-time-code""#), 1);
    assert_eq!(count(&html, r#"inputmode="numeric""#), 1);
    assert!(!html.contains("onpaste") && !html.contains("maxlength"));
}

#[test]
fn the_phrase_is_typed_once_whichever_way_is_chosen() {
    let view = Prompt {
        typed: "DEL".to_owned(),
        ..prompt_view()
    };
    for factor in [Factor::Password, Factor::Totp, Factor::EmailCode] {
        let view = Prompt {
            chosen: Some(factor),
            ..view.clone()
        };
        let html = prompt(&site(Locale::En), &view);
        assert_eq!(count(&html, r#"name="confirm" type="text" value="DEL""#), 1);
        assert_eq!(count(&html, r#"name="other""#), 2, "{html}");
    }
    // Also where nothing can be typed yet.
    let view = Prompt {
        chosen: Some(Factor::EmailCode),
        email: Some(EmailCode {
            sent: false,
            ..view.email.clone().unwrap()
        }),
        ..view
    };
    let html = prompt(&site(Locale::En), &view);
    assert_eq!(
        count(&html, r#"type="hidden" name="confirm" value="DEL""#),
        1
    );
}

#[test]
fn the_page_says_which_password_is_meant_and_nothing_of_levels() {
    for (passwords, words) in [
        (PasswordSource::Directory, "Your confirmation password"),
        (PasswordSource::UpstreamLogin, "with which you sign in here"),
    ] {
        let view = Prompt {
            passwords,
            ..prompt_view()
        };
        let html = prompt(&site(Locale::En), &view);
        assert!(html.contains(words), "{html}");
        assert!(!html.to_lowercase().contains("level"), "{html}");
    }
}

#[test]
fn the_site_is_called_and_credited_as_the_settings_say() {
    let mut site = site(Locale::En);
    let brand = Brand {
        name: Some("Shop <b>& Sons".to_owned()),
        support: Some("https://example.com/help?a=1&b=2".to_owned()),
        is_credited: false,
        style_version: "abc".to_owned(),
        ..Brand::default()
    };
    site.brand = brand.clone().into();
    let html = prompt(&site, &prompt_view());
    assert_eq!(
        count(&html, "Shop &#60;b&#62;&#38; Sons"),
        3,
        "title, head and words"
    );
    assert!(html.contains(r#"<a href="https://example.com/help?a=1&#38;b=2">Get help</a>"#));
    assert!(
        !html.contains("Stepgate") && !html.contains("app.example.com"),
        "{html}"
    );
    assert!(html.contains(r#"href="/.stepup/style.css?abc""#), "{html}");
    let picture = |version: &str| Picture {
        bytes: "…".into(),
        media_type: "image/png",
        version: version.to_owned(),
    };
    let mut logo = Logo {
        light: picture("1"),
        dark: None,
    };
    let mut page = |logo: &Logo| {
        let logo = Some(logo.clone());
        site.brand = Brand {
            logo,
            ..brand.clone()
        }
        .into();
        prompt(&site, &prompt_view())
    };
    let image = r#"<img src="/.stepup/logo?1" alt="Shop &#60;b&#62;&#38; Sons">"#;
    let html = page(&logo);
    assert!(html.contains(image) && !html.contains("<source"), "{html}");
    assert!(!html.contains(r#"class="host""#), "{html}");
    logo.dark = Some(picture("2"));
    let html = page(&logo);
    let dark = r#"<source srcset="/.stepup/logo/dark?2" media="(prefers-color-scheme: dark)">"#;
    assert!(html.contains(image) && html.contains(dark), "{html}");
    tags(&html).unwrap();
}

#[test]
fn a_form_that_was_not_carried_leaves_no_field() {
    let mut view = prompt_view();
    view.carried = None;
    assert!(!prompt(&site(Locale::En), &view).contains("name=\"carried\""));
}

#[test]
fn two_factors_are_two_steps() {
    let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
    let mail = FactorSet::EMPTY.with(Factor::EmailCode);
    let mut view = prompt_view();
    view.alternatives = Alternatives::new(vec![mail, both]).unwrap();
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains(r#"name="factor" value="email_code""#) && !html.contains("Step 1"));
    assert!(html.contains(r#"name="other" value="password""#));
    assert!(!html.contains(r#"value="totp""#));
    view.chosen = Some(Factor::Password);
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains("Step 1 of 2"));

    view.proven = FactorSet::EMPTY.with(Factor::Password);
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains("Step 2 of 2") && html.contains("Password: done"));
    assert!(html.contains(r#"value="totp""#) && !html.contains(r#"value="password""#));
    assert!(
        html.contains(r#"name="factor" value="totp""#),
        "what was begun comes first"
    );
}

#[test]
fn an_alternative_that_cannot_be_completed_is_not_begun() {
    let both = FactorSet::EMPTY.with(Factor::Password).with(Factor::Totp);
    let mut view = prompt_view();
    view.alternatives = Alternatives::new(vec![both]).unwrap();
    view.usable = FactorSet::EMPTY.with(Factor::Password);
    view.enroll = LocalPath::parse("/.stepup/enroll");
    let html = prompt(&site(Locale::En), &view);
    assert!(forms(&html).is_empty());
    assert!(html.contains(r#"href="/.stepup/enroll""#));
    assert!(html.contains("None of the ways that this action accepts is set up"));
    assert!(html.contains("Password + Authenticator app"));
}

#[test]
fn a_wrong_answer_is_told_at_its_input() {
    let mut view = prompt_view();
    view.chosen = Some(Factor::Totp);
    view.error = Some(PromptError::WrongAnswer {
        factor: Factor::Totp,
        remaining: 3,
    });
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains(r#"role="alert" id="problem""#));
    assert!(html.contains("3 attempts left."));
    assert_eq!(count(&html, "aria-invalid"), 1);
    assert!(html.contains(r#"aria-describedby="problem""#));
    assert!(html.contains("<title>Error: Confirm that it’s you: Delete an account"));
    assert_eq!(count(&html, " autofocus"), 1);
}

#[test]
fn too_many_attempts_leave_nothing_to_answer() {
    let mut view = prompt_view();
    view.error = Some(PromptError::TooManyAttempts(Some(Duration::from_secs(61))));
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains("You can try again in 61 seconds."));
    assert!(forms(&html).is_empty());
    assert!(!html.contains("None of the ways"));
}

#[test]
fn a_locked_factor_is_not_offered_and_the_others_are() {
    let mut view = prompt_view();
    view.error = Some(PromptError::FactorLocked(Factor::Password));
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains("“Password” is locked") && html.contains("another way"));
    assert!(!html.contains(r#"type="password""#) && html.contains(r#"value="totp""#));
}

#[test]
fn a_code_can_be_typed_only_once_it_was_sent() {
    let mut view = prompt_view();
    view.chosen = Some(Factor::EmailCode);
    view.email.as_mut().unwrap().sent = false;
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains("Send me a code") && html.contains("a•••@example.com"));
    assert!(!html.contains(r#"name="answer""#));

    view.email = Some(EmailCode {
        to: "a•••@example.com".to_owned(),
        sent: true,
        wait: Duration::from_millis(39_500),
    });
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains(r#"name="answer""#));
    assert!(html.contains("another code in 40 seconds"));
    assert!(html.contains("Send another code"));
}

#[test]
fn a_mail_that_failed_is_said_so() {
    let mut view = prompt_view();
    view.error = Some(PromptError::MailUnavailable);
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains("The e-mail to a•••@example.com could not be sent."));
}

#[test]
fn signing_in_again_comes_first_where_it_is_enough() {
    let mut view = prompt_view();
    view.level = RiskLevel::Low;
    view.sign_in = Some("/login?next=/x".to_owned());
    let html = prompt(&site(Locale::En), &view);
    assert!(html.find("Sign out and in again") < html.find("class=\"way\""));
    assert!(html.contains(r#"class="quiet" aria-describedby="again">Sign out and in again"#));
    assert!(html.contains("action=\"/.stepup/sign-out\""), "{html}");
    view.usable = FactorSet::EMPTY;
    let html = prompt(&site(Locale::En), &view);
    assert!(html.contains(r#"<button type="submit" aria-describedby="again">"#));
    assert!(!html.contains("None of the ways"), "it is a way by itself");
    view.usable = prompt_view().usable;

    view.level = RiskLevel::Critical;
    let html = prompt(&site(Locale::En), &view);
    assert!(!html.contains("in again"), "a sign-in earns no grant");
}

#[test]
fn a_sign_in_page_must_be_a_web_address() {
    for url in [
        "javascript:alert(1)",
        "//evil.example",
        "data:text/html,x",
        "https://a b",
        "",
    ] {
        assert_eq!(web_address(url), None, "{url}");
    }
    assert!(web_address("https://sso.example.com/login?rd=1").is_some());
    assert!(web_address("/login").is_some());
}

#[test]
fn the_button_posts_the_fields_as_they_were() {
    let view = Confirm {
        title: "Delete an account".to_owned(),
        shown: vec![("User".to_owned(), "42".to_owned())],
        action: LocalPath::parse("/users/42/delete?really=1&x=2").unwrap(),
        encoding: FormEncoding::Urlencoded,
        fields: vec![
            CarriedField::Value(
                "note".to_owned(),
                Secret::new("a\r\nb\rc \"<>&'".to_owned()),
            ),
            CarriedField::Password("pw".to_owned()),
            CarriedField::Value("go".to_owned(), Secret::new("1".to_owned())),
        ],
        time_left: Some(Duration::from_secs(100)),
        cancel: None,
    };
    let site = Site {
        here: None,
        ..site(Locale::En)
    };
    let html = confirm(&site, &view);
    assert_eq!(forms(&html).len(), 1);
    assert!(html.contains(r#"action="/users/42/delete?really=1&#38;x=2""#));
    assert!(html.contains(r#"enctype="application/x-www-form-urlencoded""#));
    assert!(html.contains(r#"value="a&#13;&#10;b&#13;c &#34;&#60;&#62;&#38;&#39;""#));
    let names = attributes(&html, "name");
    let fields: Vec<_> = names
        .iter()
        .filter(|n| ["note", "pw", "go"].contains(&n.as_str()))
        .collect();
    assert_eq!(fields, ["note", "pw", "go"], "in their order");
    assert!(html.contains("type it again"));
    assert!(
        !html.contains("anti_forgery") && !html.contains("name=\"token\""),
        "nothing of ours goes to the application"
    );
    let button = html.split("<button").nth(1).unwrap();
    assert!(button.contains("Delete an account") && button.contains("42"));
    assert_eq!(count(&html, "<button"), 1);
}

#[test]
fn a_framed_page_opens_a_window_that_knows_nothing_of_the_frame() {
    let (_, html) = everything(Locale::En)
        .into_iter()
        .find(|(name, _)| name == "framed")
        .unwrap();
    assert!(html.contains(r#"target="_blank" rel="noopener""#));
    assert!(forms(&html).is_empty());
}

#[test]
fn languages_are_chosen_where_nothing_is_lost() {
    let site = site(Locale::De);
    let view = prompt_view();
    let html = prompt(&site, &view);
    // Enter in a field presses the first button of its form.
    let (form, rest) = html.split_once("</form>").unwrap();
    let first = form.find("<button").unwrap();
    assert!(form[first..].starts_with("<button type=\"submit\">Bestätigen"));
    assert_eq!(count(form, "name=\"language\""), 0);
    for (tag, name) in [("ar", "العربية"), ("de", "Deutsch"), ("ja", "日本語")] {
        let button = format!("name=\"language\" value=\"{tag}\" lang=\"{tag}\"");
        assert!(
            rest.contains(&button) && rest.contains(&format!(">{name}</button>")),
            "{rest}"
        );
    }
    assert_eq!(
        count(rest, "form=\"way\" formnovalidate"),
        Locale::ALL.len()
    );
    assert_eq!(count(rest, "aria-current=\"true\""), 1);
    assert!(
        !html.contains("/language\""),
        "it would lose what was typed"
    );
    let elsewhere = problem_index(&site);
    assert!(elsewhere.contains(r#"<form method="post" action="/.stepup/language">"#));
    assert!(elsewhere.contains(r#"name="to" value="/.stepup/challenge?t=SEALED&#38;x=1""#));
    let nowhere = problem_index(&Site { here: None, ..site });
    assert!(!nowhere.contains("name=\"language\""));
}

#[test]
fn every_reason_has_a_page_and_nothing_else_has() {
    for locale in Locale::ALL {
        let index = problem_index(&site(locale));
        for reason in Reason::ALL {
            let html = problem(&site(locale), reason.as_str()).unwrap();
            assert!(
                html.contains(&*Texts::of(locale).problem(*reason).todo),
                "{reason}"
            );
            assert!(index.contains(&format!("/.stepup/problems/{reason}\"")));
        }
        assert_eq!(problem(&site(locale), "no-such-reason"), None);
    }
}

#[test]
fn headers_are_sound_and_forbid_scripts_and_frames() {
    for headers in [HEADERS, CONFIRM_HEADERS] {
        for (name, value) in headers {
            assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok());
            assert!(http::HeaderValue::from_str(value).is_ok());
        }
        let (_, policy) = headers[1];
        assert!(policy.contains("default-src 'none'") && policy.contains("base-uri 'none'"));
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
        assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
    }
}

#[test]
fn going_on_is_a_navigation_of_its_own() {
    // Not a redirect of the form, which `form-action 'self'` would stop at the first other origin.
    let back = LocalPath::parse("/pay?order=1&x=\"2").unwrap();
    let html = verified(&site(Locale::En), &VerifiedPage::Back(back));
    assert!(
        html.contains(r#"<meta http-equiv="refresh" content="0;url=/pay?order=1&#38;x=&#34;2">"#)
    );
    assert!(html.contains(r#"href="/pay?order=1&#38;x=&#34;2""#));
    let caller = samples::caller();
    let html = verified(&site(Locale::En), &caller);
    assert!(!html.contains("http-equiv"));
}

#[test]
fn no_value_turns_the_words_around_it() {
    for (name, html) in hostile() {
        let text: String = html
            .split('>')
            .filter_map(|part| part.split('<').next())
            .collect();
        assert!(!text.contains('\u{202e}'), "{name}");
        // Where it stands in a field alone.
        let is_typed = name == "hostile-device-unknown";
        assert!(text.contains('\u{fffd}') || is_typed, "{name}");
    }
}

#[test]
fn every_class_on_a_page_is_known_to_the_style_sheet() {
    for (name, html) in everything(Locale::En) {
        for class in attributes(&html, "class")
            .iter()
            .flat_map(|value| value.split(' '))
        {
            assert!(STYLE.contains(&format!(".{class}")), "{name}: {class}");
        }
    }
}

#[test]
fn who_has_nothing_is_told_of_what_they_can_set_up() {
    let told = |offers: &[Factor]| {
        let oidc_or_totp = Alternatives::any_of(&[Factor::Oidc, Factor::Totp]).unwrap();
        let view = Prompt {
            alternatives: oidc_or_totp,
            usable: FactorSet::EMPTY,
            enroll: LocalPath::parse("/.stepup/enroll"),
            offers: offers.to_vec(),
            ..prompt_view()
        };
        let html = prompt(&site(Locale::En), &view);
        (
            html.contains("Single sign-on"),
            html.contains("Authenticator app"),
        )
    };
    assert_eq!(told(&[Factor::Totp]), (false, true));
    assert_eq!(told(&[Factor::Passkey]), (true, true));
}

/// Writes all pages to `target/tmp/pages`, to be looked at in a browser.
#[test]
fn pages_can_be_written_out_to_be_looked_at() {
    #[allow(clippy::disallowed_methods)] // a switch for whoever works on the pages
    let wanted = std::env::var("STEPGATE_WRITE_PAGES").is_ok();
    for locale in Locale::ALL {
        for (name, html) in everything(locale).into_iter().chain(hostile()) {
            assert!(html.starts_with("<!doctype html>"), "{name}");
            if wanted {
                let folder =
                    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/pages");
                std::fs::create_dir_all(folder.join(".stepup")).unwrap();
                std::fs::write(folder.join(".stepup/style.css"), STYLE).unwrap();
                std::fs::write(folder.join(".stepup/script.js"), SCRIPT).unwrap();
                std::fs::write(folder.join(".stepup/dialog.js"), DIALOG).unwrap();
                std::fs::write(folder.join(".stepup/client.js"), CLIENT).unwrap();
                std::fs::write(folder.join(format!("{name}.{locale}.html")), html).unwrap();
            }
        }
    }
}

#[test]
fn to_have_nothing_set_up_is_told_and_is_no_error() {
    let pages = everything(Locale::En).into_iter();
    let mut seen = 0;
    for (name, html) in pages {
        if ["prompt-not-enrolled", "prompt-nothing-enrolled"].contains(&&*name) {
            seen += 1;
            assert!(
                html.contains("<title>Confirm that it’s you: "),
                "{name}: {html}"
            );
            assert!(!html.contains("role=\"alert\""), "{name}");
            assert!(
                html.contains("<div class=\"notice\" role=\"status\" id=\"problem\">"),
                "{name}"
            );
        }
    }
    assert_eq!(seen, 2);
}
