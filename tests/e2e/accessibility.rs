//! What axe-core finds on our pages: nothing, on any of them, in any state that the unit tests know. The pages as they
//! are in use are looked at in `journeys`.

use crate::support::axe::{self, Rules};
use crate::support::browser::{Browser, Light};
use crate::support::run;
use crate::support::upstream::{Upstream, answer, text};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

#[test]
fn axe_finds_nothing_on_any_page_that_is_read_from_left_to_right() {
    no_page_has_findings("en", [(1280, Light::Day), (390, Light::Night)]);
}

#[test]
fn axe_finds_nothing_on_any_page_that_is_read_from_right_to_left() {
    no_page_has_findings("ar", [(390, Light::Day), (1280, Light::Night)]);
}

fn no_page_has_findings(locale: &str, looks: [(u32, Light); 2]) {
    let folder = samples();
    let names = names(folder, locale);
    assert!(names.len() > 90, "{names:?}");
    // In parts, each with a deadline of its own.
    for part in names.chunks(32) {
        run(async {
            let found = look_at(folder, part, looks).await;
            assert!(found.is_empty(), "{}", found.join("\n"));
        });
    }
}

/// What is found on each page, for all rules and then for those of looks.
async fn look_at(folder: &'static Path, names: &[String], looks: [(u32, Light); 2]) -> Vec<String> {
    let site = Upstream::start(move |got| {
        let file = folder.join(got.target.trim_start_matches('/'));
        let kind = match file.extension().and_then(OsStr::to_str) {
            Some("css") => "text/css",
            Some("js") => "text/javascript",
            _ => "text/html",
        };
        match fs::read_to_string(file) {
            Ok(page) => answer(200, &[("content-type", kind)], &page),
            Err(_) => text(404, "nothing here"),
        }
    });
    let browser = Browser::open().await;
    let mut found = Vec::new();
    for name in names {
        browser
            .goto(&format!("http://{}/{name}", site.addr()))
            .await
            .unwrap();
        // What the script shows of a passkey's page only in some states.
        browser.execute(SHOW_ALL, vec![]).await.unwrap();
        for ((width, light), rules) in looks.into_iter().zip([Rules::All, Rules::OfLooks]) {
            browser.look(width, light).await;
            let findings = axe::findings(&browser, rules).await.into_iter();
            found.extend(findings.map(|one| format!("{name}, {width}, {light:?}: {one}")));
        }
    }
    found
}

/// Every page in every state and language, written by the unit tests of the pages.
fn samples() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let top = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = top.join("target/tmp/pages");
        // None of an earlier version stays.
        let _ = fs::remove_dir_all(&folder);
        let mut cargo = Command::new(env!("CARGO"));
        let write = ["test", "--locked", "--lib", "pages_can_be_written_out"];
        cargo.args(write).current_dir(top);
        // What is built already is not built again: build scripts look at what cargo tells its tests.
        for (name, _) in env::vars() {
            let mut told = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter();
            if told.any(|kind| name.starts_with(kind)) {
                cargo.env_remove(name);
            }
        }
        cargo.env("STEPGATE_WRITE_PAGES", "1");
        let written = cargo.output().unwrap();
        let told = String::from_utf8_lossy(&written.stderr);
        assert!(written.status.success(), "no pages: {told}");
        folder
    })
}

fn names(folder: &Path, locale: &str) -> Vec<String> {
    let files = fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let ending = format!(".{locale}.html");
    // One that leads on at once is not there to be looked at.
    let mut names: Vec<_> = names
        .filter(|name| name.ends_with(&ending) && !name.starts_with("verified."))
        .collect();
    names.sort_unstable();
    names
}

const SHOW_ALL: &str = "document.querySelectorAll('[data-when]').forEach(it => it.hidden = false)";
