//! Entity tags of what a browser shows: with a mark, so that they are never those of what a script gets.
//!
//! A strong one names bytes (RFC 9110 §8.8.1), and a page with our tag in it has others. A browser asks by the tag of whatever copy it has,
//! also of one that it got for a script: without the mark, the application would let it show that, without our tag.

use http::HeaderValue;

/// The name of a copy that is shown; `None` if the application's is none (RFC 9110 §8.8.3). That of other bytes is weak.
pub(super) fn mark(tag: &HeaderValue, is_changed: bool) -> Option<HeaderValue> {
    let tag = tag.to_str().ok()?;
    let (rest, mark) = match tag.strip_prefix("W/") {
        Some(rest) => (rest, WEAK),
        None => (tag, STRONG),
    };
    let opaque = rest.strip_prefix('"')?.strip_suffix('"')?;
    let weakness = if is_changed || mark == WEAK { "W/" } else { "" };
    HeaderValue::from_str(&format!("{weakness}\"{opaque}{mark}\"")).ok()
}

/// The tags of a line of `If-None-Match`, or of `If-Range`, that name copies of this kind, as the application knows them; `None` if there
/// is none. What is no list of tags, such as `*` or a date, is kept.
pub(super) fn known(line: &HeaderValue, is_shown: bool) -> Option<HeaderValue> {
    // What stands outside of quotes and inside of them, by turns: no tag has a quote in it.
    let parts: Vec<&str> = line.to_str().unwrap_or_default().split('"').collect();
    if parts.len() < 3 || parts.len().is_multiple_of(2) {
        return Some(line.clone());
    }
    let tags = parts.chunks_exact(2).filter_map(|pair| {
        let [outside, opaque] = pair else { return None };
        let (weak, strong) = (opaque.strip_suffix(WEAK), opaque.strip_suffix(STRONG));
        let (bare, is_weak) = match (weak, strong) {
            (Some(bare), _) if is_shown => (bare, true),
            (None, Some(bare)) if is_shown => (bare, false),
            (None, None) if !is_shown => (*opaque, outside.ends_with("W/")),
            _ => return None,
        };
        Some(format!("{}\"{bare}\"", if is_weak { "W/" } else { "" }))
    });
    let tags = tags.collect::<Vec<_>>().join(", ");
    HeaderValue::from_str(&tags)
        .ok()
        .filter(|line| !line.is_empty())
}

/// The mark of one that was strong.
const STRONG: &str = "+stepgate";
/// The mark of one that was weak.
const WEAK: &str = "+stepgate-w";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_gets_its_own_tag_back() {
        for own in ["\"a\"", "W/\"a\"", "\"\"", "\"a+b, c\""] {
            let own = HeaderValue::from_static(own);
            for is_changed in [true, false] {
                let marked = mark(&own, is_changed).unwrap();
                let is_weak = marked.as_bytes().starts_with(b"W/");
                assert_eq!(is_weak, is_changed || own.as_bytes().starts_with(b"W/"));
                assert_eq!(known(&marked, true).unwrap(), own);
                assert_eq!(known(&marked, false), None);
                assert_eq!(known(&own, false).unwrap(), own);
                assert_eq!(known(&own, true), None);
            }
        }
    }

    #[test]
    fn each_kind_of_copy_is_asked_for_by_its_own_tags() {
        let line = "\"x\", W/\"a+stepgate\",W/\"b+stepgate-w\" ,W/\"y\", \"c+stepgate\"";
        let line = HeaderValue::from_static(line);
        assert_eq!(known(&line, true).unwrap(), "\"a\", W/\"b\", \"c\"");
        assert_eq!(known(&line, false).unwrap(), "\"x\", W/\"y\"");
    }

    #[test]
    fn what_is_no_list_of_tags_is_left_alone() {
        for line in ["*", "a", "\"a", "", "Tue, 01 Jul 2025 00:00:00 GMT"] {
            let line = HeaderValue::from_static(line);
            for is_shown in [true, false] {
                assert_eq!(known(&line, is_shown), Some(line.clone()));
            }
        }
        for tag in ["a", "\"a", "w/\"a\"", ""] {
            assert_eq!(mark(&HeaderValue::from_static(tag), true), None, "{tag}");
        }
    }
}
