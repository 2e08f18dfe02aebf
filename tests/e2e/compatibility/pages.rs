//! Pages of the packages that people log in with, with the tag of `client.js`: the same otherwise.

use super::applications::{Applications, Site};
use crate::support::client::Client;
use crate::support::run;
use crate::support::sidecar::{HOST, in_front_of};
use regex::Regex;

const TAG: &str = "<script src=\"/.stepup/client.js\" defer></script>";

#[test]
fn documents_get_the_tag_and_fragments_do_not() {
    // What is new each time.
    let token = Regex::new("value=\"[A-Za-z0-9_.-]{32,}\"").unwrap();
    run(async {
        let applications = Applications::shared();
        let mut documents = 0;
        for (site, paths) in [
            (
                Site::Django,
                &[
                    "/accounts/login/",
                    "/accounts/signup/",
                    "/account/login/",
                    "/cas/login",
                    "/login",
                    "/nowhere",
                ][..],
            ),
            (Site::Flask, &["/login", "/nowhere"]),
            (Site::Express, &["/nowhere"]),
        ] {
            let addr = applications.addr(site);
            let sidecar = in_front_of(addr).with("client", "inject: true").run();
            for path in paths {
                let ask = async |addr| Client::new(addr).host(HOST).navigating().get(path).await;
                let (direct, through) = (ask(addr).await, ask(sidecar.addr()).await);
                // Express bars all scripts from its page of errors.
                let is_barred = direct.header("content-security-policy").contains("'none'");
                let text = direct.text().to_ascii_lowercase();
                let is_document = text.contains("<html") && !is_barred;
                let count = through.text().matches(TAG).count();
                assert_eq!(count, usize::from(is_document), "{site:?} {path}");
                let plain = through.text().replacen(TAG, "", 1);
                assert_eq!(
                    token.replace_all(&plain, "TOKEN"),
                    token.replace_all(direct.text(), "TOKEN"),
                    "{site:?} {path}"
                );
                assert_eq!(through.status, direct.status);
                documents += count;
            }
        }
        assert!(documents >= 5, "only {documents} are documents");
    });
}
