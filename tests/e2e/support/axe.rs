//! axe-core, which finds what keeps people from using a page: names that are missing, contrast that is too low, roles
//! that do not fit. All of its rules count, those of WCAG 2.2 and those of good practice.

use super::browser::Browser;
use super::node;
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Which of its rules.
#[derive(Clone, Copy)]
pub(crate) enum Rules {
    All,
    /// Those that say something else by another light, or on another screen.
    OfLooks,
}

/// What it finds on the page that the browser shows, with all that is folded unfolded.
pub(crate) async fn findings(browser: &Browser, rules: Rules) -> Vec<String> {
    static SOURCE: OnceLock<String> = OnceLock::new();
    let source = SOURCE.get_or_init(|| node::file("axe-core/axe.min.js"));
    let has_it = browser.execute("return !!window.axe", vec![]).await;
    if has_it.unwrap() != json!(true) {
        browser.execute(source, vec![]).await.unwrap();
    }
    let some = match rules {
        Rules::All => Value::Null,
        Rules::OfLooks => json!(["color-contrast", "target-size"]),
    };
    let told = browser.execute_async(RUN, vec![some]).await.unwrap();
    let Value::Array(found) = told else {
        panic!("axe-core says {told}")
    };
    found
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect()
}

/// Asserts that it finds nothing.
pub(crate) async fn assert_no_findings(browser: &Browser) {
    let found = findings(browser, Rules::All).await;
    let at = browser.current_url().await.unwrap();
    assert!(found.is_empty(), "{at}:\n{}", found.join("\n"));
}

// A color that is on its way to another is not looked at.
const RUN: &str = "const [some, done] = arguments; \
    document.querySelectorAll('details').forEach(it => it.open = true); \
    document.getAnimations().forEach(it => it.finish()); \
    const told = ({ id, help, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html}: ${failureSummary}`); \
    axe.run({ resultTypes: ['violations'], ...(some && { runOnly: some }) }).then(it => done(it.violations.flatMap(told)), error => done(String(error)))";
