//! A first passkey from the prompt by nothing but the keyboard: counted, with the focus in sight all the way.

use super::people::{Person, Site};
use crate::support::browser::Light;
use crate::support::run;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::key::Key;
use serde_json::json;
use std::cell::Cell;

#[test]
fn a_passkey_is_set_up_from_the_prompt_by_the_keyboard_on_a_phone() {
    run(sets_up_a_passkey(390, 844));
}

#[test]
fn a_passkey_is_set_up_from_the_prompt_by_the_keyboard_at_a_desk() {
    run(sets_up_a_passkey(1280, 800));
}

/// From the prompt, by four pages of which one is typed into, back to what was refused.
async fn sets_up_a_passkey(width: u32, height: u32) {
    let site = Site::start("factors: [passkey]");
    let admin = site.admin().await;
    admin.browser.look_at_size(width, height, Light::Day).await;
    admin.browser.add_authenticator().await;
    let code = site.bootstrap_code("admin");
    admin.asks_to_delete("victim0").await;
    admin.reads("None of the ways").await;

    let keys = Keyboard::of(&admin);
    keys.goes_to("main a.button").await;
    keys.presses(Key::Enter).await;
    // The cursor is where something is to be typed, and on the button where nothing is.
    admin.browser.see("#bootstrap_code:focus").await;
    keys.types(&code).await;
    keys.presses(Key::Enter).await;
    admin.browser.see("#enrolled").await;
    keys.goes_to("main a[href*='/enroll/passkeys']").await;
    keys.presses(Key::Enter).await;
    admin.browser.see("form[data-passkey] button:focus").await;
    keys.presses(Key::Enter).await;
    admin.browser.see("[role=status]").await;
    keys.goes_to("main a.button").await;
    keys.presses(Key::Enter).await;
    admin.browser.see("#content form input[type=submit]").await;
    let (tabs, enters) = (keys.tabs.get(), keys.enters.get());
    assert!(
        tabs <= 6 && enters == 5,
        "Tab {tabs} times, Enter {enters} times"
    );
}

/// What somebody presses who has no other way.
struct Keyboard<'p> {
    person: &'p Person<'p>,
    tabs: Cell<u32>,
    enters: Cell<u32>,
}

impl<'p> Keyboard<'p> {
    fn of(person: &'p Person<'p>) -> Self {
        let (tabs, enters) = (Cell::new(0), Cell::new(0));
        Self {
            person,
            tabs,
            enters,
        }
    }

    async fn presses(&self, key: Key) {
        let counted = if matches!(key, Key::Tab) {
            &self.tabs
        } else {
            &self.enters
        };
        counted.set(counted.get() + 1);
        self.types(&char::from(key).to_string()).await;
    }

    /// Types where the cursor is.
    async fn types(&self, text: &str) {
        let mut keys = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            keys = keys
                .then(KeyAction::Down { value })
                .then(KeyAction::Up { value });
        }
        self.person.browser.perform_actions(keys).await.unwrap();
    }

    /// Presses Tab until this has the focus. Where the focus is can be seen at each step (WCAG 2.2, 2.4.7 and 2.4.11).
    async fn goes_to(&self, css: &str) {
        for _ in 0..20 {
            self.presses(Key::Tab).await;
            let focused = self
                .person
                .browser
                .execute(FOCUSED, vec![json!(css)])
                .await
                .unwrap();
            assert_eq!(focused["isShown"], true, "{focused}");
            if focused["matches"] == true {
                return;
            }
        }
        panic!(
            "no Tab leads to {css}: {}",
            self.person.browser.page_text().await
        );
    }
}

const FOCUSED: &str = "const it = document.activeElement, box = it.getBoundingClientRect(), style = getComputedStyle(it); \
    const isInView = box.width > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth; \
    return { matches: it.matches(arguments[0]), html: it.outerHTML, \
        isShown: isInView && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 }";
