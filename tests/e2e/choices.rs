//! What a person chooses on our pages, and what their browser remembers of it: the language, and the way they used last.

use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::run;
use crate::support::sidecar::{self, COOKIE, PASSWORD, Sidecar, USER, application};
use crate::support::store::Store;

const LANGUAGE: &str = "stepgate-language";
const WAY: &str = "stepgate-way";

async fn browser(sidecar: &Sidecar) -> Client {
    let browser = sidecar.browser();
    browser.log_in(USER).await;
    browser
}

fn usual() -> Sidecar {
    let setup = sidecar::on(Store::Embedded).application(application);
    setup.run()
}

/// The prompt for a page.
async fn prompt(browser: &Client, path: &str) -> Answer {
    let refused = browser.get(path).await;
    assert_eq!(refused.status, 303, "{}", refused.text());
    browser.get(refused.header("location")).await
}

/// Presses a button of the prompt; `more` is what was typed, and the button.
async fn press(browser: &Client, page: &Answer, more: &[(&str, &str)]) -> Answer {
    let names = ["token", "anti_forgery", "factor", "carried"];
    let is_there = |name: &&str| page.text().contains(&format!("name=\"{name}\" value="));
    let hidden: Vec<_> = names.into_iter().filter(is_there).collect();
    let hidden = hidden.into_iter().map(|name| (name, page.hidden(name)));
    let mut fields: Vec<_> = hidden.collect();
    fields.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    browser.post_form("/.stepup/verify", &fields).await
}

fn first_way(page: &Answer) -> String {
    page.hidden("factor")
}

#[test]
fn a_language_is_chosen_on_the_prompt_and_nothing_is_lost() {
    run(async {
        let sidecar = usual();
        let browser = browser(&sidecar).await;
        let asked = browser
            .post_form("/users/5/delete", &[("note", "typed before")])
            .await;
        assert!(
            asked.text().contains("<html lang=\"en\""),
            "{}",
            asked.text()
        );
        let carried = asked.hidden("carried");
        // What stands in the field for the answer is not judged.
        let chosen = [("confirm", "DEL"), ("answer", "wrong"), ("language", "de")];
        let mut page = press(&browser, &asked, &chosen).await;
        for _ in 0..8 {
            assert_eq!(page.status, 200, "{}", page.text());
            assert!(page.text().contains("<html lang=\"de\""), "{}", page.text());
            assert_eq!(page.hidden("carried"), carried);
            assert!(page.text().contains("value=\"DEL\""), "{}", page.text());
            assert!(!page.text().contains("role=\"alert\""), "{}", page.text());
            page = press(&browser, &page, &chosen).await;
        }
        let cookie = page.header("set-cookie");
        assert_eq!(
            cookie,
            format!("{LANGUAGE}=de; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax")
        );
        let answered = press(
            &browser,
            &page,
            &[("confirm", "DELETE"), ("answer", PASSWORD)],
        )
        .await;
        assert!(
            answered.text().contains("<html lang=\"de\""),
            "{}",
            answered.text()
        );
        assert!(
            answered.text().contains("typed before"),
            "{}",
            answered.text()
        );
        // Before what the browser prefers, and on every page.
        let english = browser.clone().header("accept-language", "en");
        let problems = english.get("/.stepup/problems").await;
        assert!(problems.text().contains("<html lang=\"de\""));
        browser.get("/anything").await;
        let seen = sidecar.upstream().last();
        let cookies = seen.header("cookie");
        assert!(
            cookies.contains(COOKIE) && !cookies.contains("stepgate"),
            "{cookies}"
        );
    });
}

#[test]
fn the_choice_of_a_language_leads_nowhere_else() {
    run(async {
        let sidecar = usual();
        let stranger = sidecar.browser();
        let choose = async |language: &str, to: &str| {
            let fields = [("language", language), ("to", to)];
            stranger.post_form("/.stepup/language", &fields).await
        };
        for (to, led) in [
            (
                "/.stepup/challenge?t=abc&x=1",
                "/.stepup/challenge?t=abc&x=1",
            ),
            ("//evil.test", "/"),
            ("/\\evil.test", "/"),
            ("https://evil.test/", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nset-cookie: x=y", "/"),
            ("", "/"),
        ] {
            let answer = choose("fr", to).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("location")),
                (303, led),
                "{to}"
            );
            assert!(
                answer
                    .header("set-cookie")
                    .starts_with(&format!("{LANGUAGE}=fr;"))
            );
        }
        for language in ["", "nl", "FR", "de; Domain=test", "<b>"] {
            let answer = choose(language, "/").await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("set-cookie")),
                (400, ""),
                "{language}"
            );
        }
        let elsewhere = stranger.clone().header("origin", "https://evil.test");
        let fields = [("language", "de"), ("to", "/")];
        let refused = elsewhere.post_form("/.stepup/language", &fields).await;
        assert_eq!(
            (refused.status.as_u16(), refused.header("set-cookie")),
            (403, "")
        );
        assert_eq!(
            stranger.get("/.stepup/language?language=de").await.status,
            405
        );
        // Whatever else stands in the cookie, the browser's own preference counts.
        for value in ["<script>", "xx", "de-DE", "\"de\"", ""] {
            stranger.set_cookie(LANGUAGE, value);
            let page = stranger.get("/.stepup/problems").await;
            assert!(page.text().contains("<html lang=\"en\""), "{value}");
        }
    });
}

#[test]
fn the_way_that_was_used_last_comes_first_and_opens_nothing() {
    run(async {
        let sidecar = usual();
        let browser = browser(&sidecar).await;
        let page = prompt(&browser, "/secrets").await;
        assert_eq!(first_way(&page), "password");
        // A wrong answer is not remembered.
        let wrong = press(&browser, &page, &[("factor", "totp"), ("answer", "000000")]).await;
        assert_eq!(browser.cookie(WAY), None, "{}", wrong.text());
        let page = press(&browser, &page, &[("other", "totp")]).await;
        assert_eq!(first_way(&page), "totp");
        let code = sidecar.totp(0);
        press(&browser, &page, &[("answer", &code)]).await;
        assert_eq!(browser.cookie(WAY).as_deref(), Some("totp"));
        let page = prompt(&browser, "/guarded/more").await;
        assert_eq!(first_way(&page), "totp");
        assert!(page.text().contains("name=\"other\" value=\"password\""));
        // Somebody else's word only names what is accepted and set up anyway.
        for (word, first) in [
            ("email_code", "email_code"),
            ("passkey", "password"),
            ("bootstrap_code", "password"),
            ("oidc", "password"),
            ("<script>", "password"),
            ("", "password"),
        ] {
            browser.set_cookie(WAY, word);
            let page = prompt(&browser, "/guarded/more").await;
            assert_eq!(first_way(&page), first, "{word}");
            assert!(!page.text().contains("<script>"));
        }
        browser.set_cookie(WAY, "email_code");
        let only = browser.post("/totp").await;
        assert_eq!(first_way(&only), "totp", "the policy accepts nothing else");
    });
}

#[test]
fn a_browser_chooses_by_its_keyboard_and_enter_still_answers() {
    run(async {
        let sidecar = sidecar::on(Store::Embedded).application(application);
        let sidecar = sidecar.at_localhost().run();
        let at = format!("http://localhost:{}", sidecar.addr().port());
        let browser = Browser::open().await;
        browser.goto(&format!("{at}/login")).await.unwrap();
        let login = "await fetch('/login', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, \
            body: 'user=alice&password=secret' })";
        let login = format!("const done = arguments[0]; (async () => {{ {login}; done(1) }})()");
        browser.execute_async(&login, vec![]).await.unwrap();
        browser.goto(&format!("{at}/secrets")).await.unwrap();
        browser.click(".languages summary").await;
        browser.click(".languages button[value=fr]").await;
        browser.see("html[lang=fr] input[name=answer]").await;
        browser
            .fill("input[name=answer]", &format!("{PASSWORD}\u{e007}"))
            .await;
        browser.read("done").await;
        assert_eq!(sidecar.got("/secrets"), 1);
    });
}
