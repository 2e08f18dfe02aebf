//! The prompt in a dialog of a page of the application, and the script of that page.

use super::samples::{prompt_view, site};
use super::well_formed::{attributes, tags};
use super::*;

fn in_dialog() -> Site {
    Site {
        dialog: true,
        ..site(Locale::En)
    }
}

#[test]
fn every_form_stays_in_the_dialog_and_every_link_leaves_it() {
    let views = [
        prompt_view(),
        Prompt {
            chosen: Some(Factor::EmailCode),
            ..prompt_view()
        },
        Prompt {
            alternatives: Alternatives::any_of(&[Factor::Oidc]).unwrap(),
            usable: FactorSet::EMPTY.with(Factor::Oidc),
            ..prompt_view()
        },
        Prompt {
            level: RiskLevel::Low,
            sign_in: Some("/login".to_owned()),
            ..prompt_view()
        },
        Prompt {
            usable: FactorSet::EMPTY,
            enroll: LocalPath::parse("/.stepup/enroll"),
            ..prompt_view()
        },
    ];
    for view in views {
        let html = prompt(&in_dialog(), &view);
        for tag in tags(&html).unwrap() {
            let target = tag.value("target").or(tag.value("formtarget"));
            for to in ["action", "formaction"].map(|name| tag.value(name)) {
                let Some(to) = to else { continue };
                let stays = to.starts_with("/.stepup/verify") && to.ends_with("?dialog=1");
                // The language is chosen on the way back to the same address.
                assert!(
                    stays || target.is_some() || to == "/.stepup/language",
                    "{tag:?}"
                );
                let is_provider = to == "/.stepup/oidc/begin";
                assert_eq!(is_provider, target == Some("_blank"), "{tag:?}");
                assert_eq!(to == "/.stepup/sign-out", target == Some("_top"), "{tag:?}");
            }
            if tag.opens("a") {
                assert!(
                    target.is_some(),
                    "no page of the application in the frame: {tag:?}"
                );
            }
        }
        assert_eq!(count(&html, "/.stepup/dialog.js"), 1);
        let outside = prompt(&site(Locale::En), &view);
        assert!(!outside.contains("dialog"), "{outside}");
    }
}

#[test]
fn a_page_about_an_end_leads_out_of_the_dialog() {
    let expired = ErrorView {
        reason: Reason::ChallengeExpired,
        status: 403,
        request_id: None,
        retry_after: None,
        back: Some(LocalPath::root()),
    };
    let html = error(&in_dialog(), &expired);
    assert!(
        html.contains(r#"href="/" target="_top" data-leave>"#),
        "{html}"
    );
    let view = SessionView {
        reason: Reason::SessionRevoked,
        login_url: Some("/login".to_owned()),
        request_id: None,
    };
    let html = session(&in_dialog(), &view);
    assert!(html.contains(r#"href="/login" target="_top">"#), "{html}");
}

#[test]
fn whoever_was_refused_is_told_by_the_script_and_the_person_by_the_page() {
    let caller = samples::caller();
    let html = verified(&site(Locale::En), &caller);
    assert!(html.contains(r#"data-verified="sealed-token""#), "{html}");
    assert!(html.contains("You can close this window") && html.contains("href=\"/users/42\""));
    assert_eq!(count(&html, "/.stepup/dialog.js"), 1);
    let html = verified(&in_dialog(), &caller);
    assert!(
        attributes(&html, "href")
            .iter()
            .all(|to| to.contains(".css"))
    );
    assert_eq!(count(&html, "/.stepup/dialog.js"), 1);
}

#[test]
fn the_button_of_the_dialog_is_called_as_on_our_pages() {
    let (_, words) = CLIENT.split_once("const CANCEL = {").unwrap();
    let (words, _) = words.split_once('}').unwrap();
    let words: Vec<_> = words.split(',').map(str::trim).collect();
    for locale in Locale::ALL {
        let start = format!("{locale}: ");
        let word = words.iter().find_map(|word| word.strip_prefix(&start));
        let word: String = serde_json::from_str(word.unwrap()).unwrap();
        assert_eq!(word, Texts::of(locale).page.cancel_dialog, "{locale}");
    }
    assert_eq!(words.len(), Locale::ALL.len());
    assert!(CLIENT.is_ascii());
}
