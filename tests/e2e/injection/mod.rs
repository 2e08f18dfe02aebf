//! The tag of `client.js` in the pages of the application: which answers get it, and that nothing else of them changes.

mod answers;
mod browser;
mod frameworks;
mod heads;

use crate::support::sidecar::{Setup, Sidecar, in_front_of};
use std::fmt::Display;

/// What is put in.
const TAG: &str = "<script src=\"/.stepup/client.js\" defer></script>";
/// A page, in two halves: the tag goes between them.
const PAGE: [&str; 2] = [
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">",
    "<title>Page</title></head><body><p>text</p></body></html>\n",
];

/// A sidecar that puts the tag in.
fn injecting(upstream: impl Display) -> Sidecar {
    setup(upstream).run()
}

fn setup(upstream: impl Display) -> Setup {
    in_front_of(upstream)
        .with("client", "inject: true")
        .with("session", "cookies: [sid]")
}

/// The page as the application sends it.
fn page() -> String {
    PAGE.concat()
}

/// The page as it should come out.
fn tagged() -> String {
    PAGE.join(TAG)
}
