//! Policies: a text that compiles to a table which finds routes for any path, or every mistake told.
//! The first line is a path, the rest the policy.

use crate::domain::{Accept, Groups, Method, RequestHead, RequestPath};
use crate::policy;
use http::HeaderMap;

pub(super) fn policy(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (path, text) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let policies = match policy::compile([("fuzz.yaml", text)], &Groups::default()) {
        Ok(policies) => policies,
        Err(mistakes) => return drop(mistakes.to_string()),
    };
    let Ok(table) = policies.into_table() else {
        return;
    };
    let path = String::from_utf8_lossy(path);
    let Ok(path) = RequestPath::parse(&path, &Accept::default()) else {
        return;
    };
    let headers = HeaderMap::new();
    let head = RequestHead::new(Method::Post, &path, Some("a=1"), &headers);
    let head = head.for_host("app.example.test");
    let _ = table.find(&head);
    let _ = table.explain(&head, None);
}
