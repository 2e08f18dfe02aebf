//! Parts of the documentation that tests write.

use std::path::Path;
use std::{env, fs};

/// Compares a part of a page with what a test found, or writes it there.
///
/// The part begins with a comment that names `tests`, a module of this binary, and ends at the next such comment.
#[allow(clippy::disallowed_methods)] // the switch is for whoever runs the test
pub(crate) fn assert_written(page: &str, tests: &str, told: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let written = fs::read_to_string(&path).unwrap();
    let command = format!("UPDATE_EXPECT=1 cargo test --test e2e {tests}::");
    let begin = format!("{MARK} {command} -->\n");
    let (before, rest) = written.split_once(&begin).unwrap_or_else(|| {
        panic!("{page} has no part that begins with {begin}");
    });
    let end = rest.find(MARK).unwrap_or(rest.len());
    let (part, after) = rest.split_at(end);
    if env::var("UPDATE_EXPECT").is_ok() {
        fs::write(path, format!("{before}{begin}{told}{after}")).unwrap();
    } else {
        assert!(
            told == part,
            "it is otherwise now; `{command}` writes {page}. Now:\n{told}"
        );
    }
}

const MARK: &str = "<!-- Written by a test:";
