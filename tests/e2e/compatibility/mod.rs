//! Which source of sessions goes with which kind of login: every pair, at every level, with real applications.

mod applications;
mod logins;
mod page;
mod pages;
mod settings;
mod steps;
mod story;
mod switching;

use crate::support::run;
use crate::support::written::assert_written;
use applications::{OWNER, Site};
use futures_util::future::join_all;
use logins::{Login, fields_of_form};
use settings::Source;
use std::sync::Mutex;
use std::thread;
use story::{Outcome, Pair, done_for};

/// What came of each pair, at the levels 1 to 4.
type Outcomes = Vec<(Source, Login, Vec<Outcome>)>;

#[test]
fn the_page_tells_what_came_of_every_login_before_every_source() {
    let told = page::page(&run_all());
    assert_written("docs/compatibility.md", "compatibility", &told);
}

#[test]
fn clicking_twice_on_sign_in_signs_in() {
    run(async {
        for source in [Source::Learn, Source::LearnAndWhoami] {
            let sidecar = source.sidecar(Site::Django);
            let client = sidecar.script();
            let csrf = client.get("/login").await.hidden("csrfmiddlewaretoken");
            let fields = fields_of_form(&csrf, OWNER);
            join_all((0..5).map(|_| client.post_form("/login", &fields))).await;
            let done = client.post("/act/1").await;
            assert_eq!(done.text(), done_for(OWNER), "{source:?}");
            client.earn("/act/3").await;
            let done = client.post("/act/3").await;
            assert_eq!(done.text(), done_for(OWNER), "{source:?}");
        }
    });
}

/// Runs all pairs: those of one application one after the other, the applications side by side.
fn run_all() -> Outcomes {
    let all = Mutex::new(Outcomes::new());
    thread::scope(|scope| {
        for site in [Site::Django, Site::Express, Site::Flask, Site::Ntlm] {
            let all = &all;
            scope.spawn(move || run(run_site(site, all)));
        }
    });
    all.into_inner().unwrap()
}

async fn run_site(site: Site, all: &Mutex<Outcomes>) {
    for source in Source::ALL {
        let sidecar = source.sidecar(site);
        for login in Login::ALL.into_iter().filter(|login| login.site() == site) {
            let pair = Pair {
                sidecar: &sidecar,
                source,
                login,
            };
            let outcomes = pair.run().await;
            all.lock().unwrap().push((source, login, outcomes));
        }
    }
}
