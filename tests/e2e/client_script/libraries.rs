//! Libraries of pages beside the script: the prompt is in a dialog, once, and what was typed is sent after it.

use super::page::Page;
use crate::clients::{After, Outcome, PAGES, application, policy};
use crate::support::sidecar;
use crate::support::store::Store;

/// Has every page with the script refused and repeated.
pub(crate) async fn journeys() -> Vec<Outcome> {
    let setup = sidecar::on(Store::Embedded).at_localhost();
    let setup = setup.policy(&policy()).application(application);
    let page = Page::of(setup.run(), &[]).await;
    let mut outcomes = Vec::new();
    for one in PAGES {
        let at = format!("/page/{}?script=1", one.name);
        page.goes_to(&at).await;
        page.browser.see("#go").await;
        page.becomes("the script", "!!window.stepgate").await;
        let has_note = page.runs("return !!document.querySelector('#note')").await == true;
        if has_note {
            page.browser.fill("#note", "typed").await;
        }
        page.browser.click("#go").await;
        // Nothing is lost where it only goes to another page.
        if one.after == After::Onward {
            page.browser.see("#password").await;
            continue;
        }
        page.proves("Do it").await;
        page.browser.read("it is done").await;
        page.has_no_dialog().await;
        let got = page.got();
        let [.., sent] = got.as_slice() else {
            panic!("{} sent nothing", one.title);
        };
        let path = format!("/act/{}", one.name);
        assert_eq!(got.iter().filter(|got| got.target == path).count(), 1);
        assert_eq!(sent.header("step-up-client"), "", "{}", one.title);
        let body = String::from_utf8_lossy(&sent.body);
        assert_eq!(body.contains("typed"), has_note, "{}: {body}", one.title);
        outcomes.push(Outcome {
            client: format!(
                "{}, with [`client.js`](clients.md#single-page-applications) ({})",
                one.title, one.package
            ),
            refusal: "403 with `application/problem+json`".to_owned(),
            seen: "the prompt, in a dialog; then the call is repeated, and nothing is lost",
        });
    }
    outcomes
}
