//! What a client accepts in answer (RFC 9110 §12.5.1), as far as it matters to us.

use crate::locale;
use http::HeaderValue;

/// RFC 9110 §12.5.1, as far as it matters: HTML is named, and not behind JSON.
pub(super) fn prefers_html(accept: Option<&HeaderValue>) -> bool {
    let html = weight_of(&["text/html", "application/xhtml+xml"], accept);
    html > 0 && html >= weight_of(JSON, accept)
}

/// Whether JSON is named.
pub(super) fn asks_for_json(accept: Option<&HeaderValue>) -> bool {
    weight_of(JSON, accept) > 0
}

const JSON: &[&str] = &["application/json", "application/problem+json"];

/// The highest weight of one of these types in `Accept`, in thousandths; 0 if none is named.
fn weight_of(wanted: &[&str], accept: Option<&HeaderValue>) -> u16 {
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let ranges = accept.unwrap_or_default().split(',').filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next()?;
        let quality = parts.find_map(locale::weight).unwrap_or(1000);
        let is_wanted = wanted.iter().any(|known| kind.eq_ignore_ascii_case(known));
        is_wanted.then_some(quality)
    });
    ranges.max().unwrap_or(0)
}
