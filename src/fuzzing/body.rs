//! Bodies: the first line is the content type, the rest the body; it is read strictly or refused.

use crate::domain::Body;
use http::{HeaderMap, HeaderValue};

pub(super) fn body(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let (kind, bytes) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let mut headers = HeaderMap::new();
    if let Ok(kind) = HeaderValue::from_bytes(kind) {
        headers.insert("content-type", kind);
    }
    if let Ok(body) = Body::read(&headers, bytes) {
        assert_eq!(body.bytes(), bytes);
    }
    assert_eq!(Body::read_or_opaque(&headers, bytes).bytes(), bytes);
}
