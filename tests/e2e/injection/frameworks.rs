//! Pages of real frameworks: with the tag, and the same otherwise.

use super::{TAG, injecting};
use crate::support::browser::Browser;
use crate::support::client::{Answer, Client};
use crate::support::django::{ADMIN, ADMIN_PASSWORD, Django};
use crate::support::run;
use regex::Regex;
use serde_json::json;

/// The text of a page, but for the tokens that it holds anew each time.
fn text(answer: &Answer) -> String {
    let token = Regex::new("name=\"csrfmiddlewaretoken\" value=\"[^\"]*\"").unwrap();
    token.replace_all(answer.text(), "TOKEN").into_owned()
}

#[test]
fn the_pages_of_django_are_the_same_but_for_the_tag_and_work() {
    run(async {
        let django = Django::start();
        let sidecar = injecting(django.addr());
        for path in ["/admin/login/", "/no/such/page"] {
            let ask = async |addr| {
                Client::new(addr)
                    .host("localhost")
                    .navigating()
                    .get(path)
                    .await
            };
            let (direct, through) = (ask(django.addr()).await, ask(sidecar.addr()).await);
            assert_eq!(through.status, direct.status);
            assert_eq!(through.text().matches(TAG).count(), 1, "{path}");
            assert_eq!(text(&through).replacen(TAG, "", 1), text(&direct), "{path}");
        }
        let browser = Browser::open().await;
        let address = format!("http://localhost:{}/admin/", sidecar.addr().port());
        browser.goto(&address).await.unwrap();
        browser.fill("#id_username", ADMIN).await;
        browser.fill("#id_password", ADMIN_PASSWORD).await;
        browser.click("[type=submit]").await;
        browser.read("Site administration").await;
        let first = "return document.scripts[0].outerHTML";
        let first = browser.execute(first, vec![]).await.unwrap();
        assert_eq!(first, json!(TAG.replace(" defer", " defer=\"\"")));
    });
}
