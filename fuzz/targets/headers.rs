//! Headers and queries: a line each, `name: value`; the first line is the query.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use stepgate::domain::{Accept, Method, RequestPath, claimed_methods};
use stepgate::session::{CarriedLines, CookieScope, CredentialNames};
use stepgate::locale::Locale;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let query = std::str::from_utf8(lines.next().unwrap_or_default()).ok();
    let mut headers = HeaderMap::new();
    for line in lines.take(50) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let name = HeaderName::from_bytes(parts.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(parts.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (name, value) {
            if let Ok(text) = value.to_str() {
                let _ = Locale::from_accept_language(text);
            }
            headers.append(name, value);
        }
    }
    let names = CredentialNames::of(&["sessionid"]).unwrap();
    if let Ok(carried) = names.read(&CarriedLines::of(
        &headers,
        query.unwrap_or("/"),
        &names,
    )) {
        // The same lines taken for an answer: a cookie that is set replaces, and nothing else does.
        let scope = CookieScope::new("app.test", "/");
        let after = names.after(&carried, &headers, &scope);
        assert!(names.set_by(&headers, &scope) || after == carried);
    }
    // Whatever else is claimed, a request is never less than its own method.
    let path = RequestPath::parse("/", &Accept::default()).expect("a plain path");
    assert!(claimed_methods(Method::Post, &headers, &path, query).contains(Method::Post));
});
