//! Paths: whatever comes is refused or read, and the bytes as they came are the first reading.

use super::valid_text;
use crate::domain::{Accept, Leniency, MAX_READINGS, RequestPath, Template};

const LENIENT: Accept = Accept {
    backslashes: Leniency::Read,
    controls: Leniency::Read,
    dot_segments: Leniency::Read,
    fragments: Leniency::Read,
    invalid_utf8: Leniency::Read,
    malformed_escapes: Leniency::Read,
    raw_bytes: Leniency::Read,
    unicode_escapes: Leniency::Read,
};

pub(super) fn path(raw: &[u8]) {
    let raw = valid_text(raw);
    let _ = Template::parse(raw);
    let strict = RequestPath::parse(raw, &Accept::default());
    let lenient = RequestPath::parse(raw, &LENIENT);
    for path in [&strict, &lenient].into_iter().flatten() {
        assert_eq!(path.readings().next(), Some(raw));
        assert!(path.readings().count() <= MAX_READINGS);
        assert!(path.readings().all(|reading| reading.starts_with('/')));
    }
    // Whatever stands behind a host is read as if the host were not there.
    let named = format!("//host{raw}");
    if let (Ok(path), Ok(named)) = (&strict, RequestPath::parse(&named, &Accept::default())) {
        assert!(
            path.readings()
                .all(|reading| named.readings().any(|other| other == reading))
        );
    }
}
