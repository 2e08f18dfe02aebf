//! Headers and queries: a line each, `name: value`; the first line is the query.

use super::header_lines;
use crate::domain::{Accept, Method, RequestPath, claimed_methods};
use crate::locale::Locale;
use crate::session::{CarriedLines, CookieScope, CredentialNames};

pub(super) fn headers(input: &[u8]) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let query = std::str::from_utf8(lines.next().unwrap_or_default()).ok();
    let headers = header_lines(lines);
    for value in headers.values().filter_map(|value| value.to_str().ok()) {
        let _ = Locale::from_accept_language(value);
    }
    let names = CredentialNames::of(&["sessionid"]).expect("a name of a cookie");
    if let Ok(carried) = names.read(&CarriedLines::of(&headers, query.unwrap_or("/"), &names)) {
        // The same lines taken for an answer: a cookie that is set replaces, and nothing else does.
        let scope = CookieScope::new("app.test", "/");
        let after = names.after(&carried, &headers, &scope);
        assert!(names.set_by(&headers, &scope) || after == carried);
    }
    // Whatever else is claimed, a request is never less than its own method.
    let path = RequestPath::parse("/", &Accept::default()).expect("a plain path");
    assert!(claimed_methods(Method::Post, &headers, &path, query).contains(Method::Post));
}
