//! Libraries of pages in Chromium: each is refused, leads to the prompt, and does it on the second try.

use super::Outcome;
use super::pages::{After, PAGES, Page, application, policy};
use crate::support::browser::Browser;
use crate::support::sidecar::{self, ORIGIN, PASSWORD, Sidecar, USER};
use crate::support::store::Store;
use fantoccini::Locator;
use http::header::{CONTENT_LENGTH, COOKIE, HOST, HeaderName};

/// Has every page refused and repeated.
pub(super) async fn journeys() -> Vec<Outcome> {
    let sidecar = sidecar::on(Store::Embedded)
        .policy(&policy())
        .application(application)
        .run();
    let resolved = format!("--host-resolver-rules=MAP app.test:80 {}", sidecar.addr());
    let browser = Browser::open_with(&[&resolved]).await;
    browser.goto(&format!("{ORIGIN}/login")).await.unwrap();
    browser.fill("[name=user]", USER).await;
    browser.fill("[name=password]", "App-pass-1!").await;
    browser.click("#go").await;
    browser.read("welcome home").await;
    let mut outcomes = Vec::new();
    for page in PAGES {
        page.journey(&browser).await;
        outcomes.push(Outcome {
            client: format!("{} ({})", page.title, page.package),
            refusal: page.refusal(&sidecar).await,
            seen: match page.after {
                After::Back => "the prompt, then the page again, to repeat the step",
                After::Onward => "the prompt, then what was asked for",
                After::Refill => "the prompt, which says that the form is lost, then the page again, to fill it in",
            },
        });
    }
    outcomes
}

impl Page {
    async fn journey(&self, browser: &Browser) {
        let at = format!("{ORIGIN}/page/{}?x=1", self.name);
        browser.goto(&at).await.unwrap();
        browser.see("#go").await;
        if browser.find(Locator::Css("#note")).await.is_ok() {
            browser.fill("#note", "typed").await;
        }
        browser.click("#go").await;
        let password = browser.see("#password").await;
        let url = browser.current_url().await.unwrap();
        assert_eq!(url.path(), "/.stepup/challenge", "{}", self.title);
        let lost = browser.page_text().await.contains("cannot be kept");
        assert_eq!(lost, self.after == After::Refill, "{}", self.title);
        password.send_keys(PASSWORD).await.unwrap();
        browser.click("form[action$='/verify'] button").await;
        if self.after == After::Refill {
            browser.read("nothing was sent").await;
            browser.click("main a").await;
        }
        if self.after == After::Onward {
            browser.read("it is done").await;
            browser.goto(&at).await.unwrap();
        }
        browser.see("#go").await;
        assert_eq!(browser.current_url().await.unwrap().as_str(), at);
        browser.click("#go").await;
        browser.read("it is done").await;
    }

    /// What the refusal was: the same call once more, of somebody who has proved nothing.
    async fn refusal(&self, sidecar: &Sidecar) -> String {
        let path = format!("/act/{}", self.name);
        let got = sidecar.upstream().got().into_iter();
        let sent = got.rev().find(|got| got.target == path).unwrap();
        let client = sidecar.client();
        client.log_in(USER).await;
        let mut request = client.request(sent.method.clone(), &path, sent.body.clone());
        for (name, value) in &sent.headers {
            if ![HOST, COOKIE, CONTENT_LENGTH].contains(name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        let refused = client.send(request).await;
        assert_eq!(refused.header("step-up"), "challenge", "{refused:?}");
        let named: Vec<_> = NAMING
            .into_iter()
            .filter(|name| refused.headers.contains_key(name))
            .map(|name| format!("`{name}`"))
            .collect();
        let named = if named.is_empty() {
            format!("`{}`", refused.header("content-type"))
        } else {
            named.join(", ")
        };
        format!("{} with {named}", refused.status.as_u16())
    }
}

/// The headers that name the page.
const NAMING: [HeaderName; 4] = [
    HeaderName::from_static("hx-redirect"),
    HeaderName::from_static("location"),
    HeaderName::from_static("x-inertia-location"),
    HeaderName::from_static("x-up-open-layer"),
];
