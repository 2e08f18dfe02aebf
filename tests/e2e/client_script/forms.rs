//! Forms with what the prompt page cannot carry: the proof comes before they are sent.

use super::page::{Page, setup};
use crate::support::run;

const FORMS: &str = "<h1>Forms</h1>
<form id=f method=post action='/act/one/form?a=1' enctype=multipart/form-data><input name=action value=shadows><input name=secret type=password>
<input name=file type=file><button id=save name=how value=save>Save</button><button id=other formaction=/act/two/form name=how value=other>Other</button></form>
<form id=apart method=post action=/act/one/apart></form><input form=apart name=secret type=password><button form=apart id=outside>Go</button>
<form id=off method=post action=/act/one/off data-step-up=off><input name=secret type=password value=x><button id=plain>Go</button></form>
<form id=bound method=post action=/act/once/form><input name=secret type=password value=x><button id=whole>Go</button></form>
<form id=page method=post action=/act/one/script><input name=secret type=password value=x><button id=script>Go</button></form>";

async fn open() -> Page {
    let page = Page::of(setup(&[("/forms", FORMS)]).run(), &[]).await;
    page.goes_to("/forms").await;
    page
}

#[test]
fn a_form_with_a_password_is_sent_once_the_proof_is_there() {
    run(async {
        let page = open().await;
        page.runs("window.submits = 0; f.addEventListener('submit', () => sessionStorage.submits = ++submits)").await;
        page.browser.fill("[name=secret]", "kept-1!").await;
        page.browser.click("#save").await;
        // Given up: it stays as it is.
        page.enters_prompt("Do one thing").await;
        page.browser.click("[data-leave]").await;
        page.leaves_prompt().await;
        page.has_no_dialog().await;
        page.browser.click("#save").await;
        page.proves("Do one thing").await;
        let said = page.browser.read("/act/one/form?a=1").await;
        assert!(
            said.contains("kept-1!")
                && said.contains("multipart/form-data")
                && said.contains("save"),
            "{said}"
        );
        assert_eq!(
            page.runs("return sessionStorage.submits").await,
            "2",
            "once for each that somebody pressed"
        );
        assert_eq!(page.got().len(), 1);
        // By another button, for another action; and by one that is open by now.
        page.goes_to("/forms").await;
        page.browser.fill("[name=secret]", "kept-2!").await;
        page.browser.click("#other").await;
        page.proves("Do another thing").await;
        let said = page.browser.read("/act/two/form").await;
        assert!(said.contains("kept-2!") && said.contains("other"), "{said}");
        page.goes_to("/forms").await;
        page.browser.fill("[name=secret]", "kept-3!").await;
        page.browser.click("#save").await;
        page.browser.read("kept-3!").await;
        assert_eq!(page.runs("return dialogs").await, 0);
    });
}

#[test]
fn a_form_has_the_fields_that_name_it_wherever_they_stand() {
    run(async {
        let page = open().await;
        page.browser.fill("[form=apart]", "kept-4!").await;
        page.browser.click("#outside").await;
        page.proves("Do one thing").await;
        page.browser.read("secret=kept-4").await;
    });
}

#[test]
fn other_forms_are_left_to_the_prompt_page() {
    run(async {
        let page = open().await;
        for button in ["#plain", "#whole"] {
            page.goes_to("/forms").await;
            page.browser.click(button).await;
            page.browser.see("#password").await;
            page.becomes("the prompt page", "location.pathname.startsWith('/act/')")
                .await;
        }
        // A page that sends it by script has its own way.
        page.goes_to("/forms").await;
        page.runs(
            "document.querySelector('#page').onsubmit = it => { it.preventDefault(); keep(fetch('/act/one/script', { method: 'POST', body: new FormData(it.target) })) }",
        )
        .await;
        page.browser.click("#script").await;
        page.proves("Do one thing").await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
        assert_eq!(page.got().len(), 1);
    });
}

#[test]
fn a_page_asks_before_it_sends() {
    run(async {
        let page = Page::open().await;
        page.runs("window.told = []; stepgate.verify({ method: 'POST', path: '/act/one/x' }).then(it => told.push(it))").await;
        page.proves("Do one thing").await;
        page.becomes("a word", "told[0] === true").await;
        assert_eq!(
            page.runs("return stepgate.verify({ path: '/act/one/x' })")
                .await,
            true,
            "it is open"
        );
        assert_eq!(
            page.runs("return stepgate.verify({ path: '/elsewhere' })")
                .await,
            true,
            "nobody guards it"
        );
        page.runs("stepgate.verify({ path: '/act/two/x' }).then(it => told.push(it))")
            .await;
        page.enters_prompt("Do another thing").await;
        page.browser.click("[data-leave]").await;
        page.leaves_prompt().await;
        page.becomes("a word", "told[1] === false").await;
        let failed = "return stepgate.verify({ method: 'POST', path: '/act/once/x' }).catch(it => it.problem.reason)";
        assert_eq!(page.runs(failed).await, "ambiguous-request");
        let status = page
            .runs("return stepgate.status({ method: 'POST', path: '/act/one/x' })")
            .await;
        assert_eq!(status["route"]["satisfied"], true);
        assert!(page.got().is_empty());
        // What is bound to the path alone can be proved before, for that path.
        page.runs("stepgate.verify({ method: 'DELETE', path: '/act/delete/7' }).then(it => told.push(it))").await;
        page.proves("Delete it").await;
        page.becomes("a word", "told[2] === true").await;
        page.runs("keep(fetch('/act/delete/7', { method: 'DELETE' }))")
            .await;
        assert_eq!(page.outcomes(1).await[0][0], 200);
    });
}
