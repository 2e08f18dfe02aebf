//! The parts of a value that some application may take for all of it, for telling that a session has ended.
//!
//! Parsers begin and end values at bytes of their own choice: `WebOb` skips blanks and quotes and ends at
//! `[`, Ruby's `CGI::Cookie` takes `&` for the next of several values, npm's `cookies` cuts off the last
//! byte of what begins with a quote, and any of them may do so after it has undone escapes. So a value may
//! begin behind any blank, quote or separator of lists, and end before any byte that is no token's.

use super::spelling::{is_escape, reduced};

/// Every part of `value`, reduced, that some application may read in its place.
///
/// Costs one pass where all bytes are a token's. There are no more than some 300, none longer than
/// [`LONGEST`]. Of a value with many separators those at both ends count: a parser reads the first part or
/// the last, or makes a list of all.
pub(super) fn fragments(value: &[u8]) -> Vec<Vec<u8>> {
    let is_whole = |byte: &u8| !(ends_at(*byte) || is_escape(*byte));
    if value.iter().all(is_whole) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut add = |part: &[u8]| {
        let part = reduced(part);
        if part.iter().any(u8::is_ascii_uppercase) {
            found.push(part.to_ascii_lowercase());
        }
        found.push(part.into_owned());
    };
    parts(value, ends_at, &mut add);
    // Who undoes escapes first has a text before it that may hold any byte, so that only separators count.
    parts(&reduced(value), begins_behind, &mut add);
    found.retain(|part| !part.is_empty());
    found.sort_unstable();
    found.dedup();
    found
}

fn parts(text: &[u8], ends_at: fn(u8) -> bool, add: &mut impl FnMut(&[u8])) {
    let mut add = |part: &[u8]| {
        if part.len() <= LONGEST && part.len() < text.len() {
            add(part);
        }
    };
    let (starts, ends) = (starts(text, ends_at), ends(text, ends_at));
    for start in starts {
        let parts = ends.iter().filter_map(|end| text.get(start..*end));
        parts.for_each(&mut add);
    }
    let items = text.split(|byte| begins_behind(*byte));
    let items = items.filter(|item| !item.is_empty()).collect();
    outer(items, MOST_ITEMS).into_iter().for_each(&mut add);
}

/// Where a value may begin: at its beginning, behind all that leads it, behind separators, and behind the
/// last `=`.
fn starts(text: &[u8], ends_at: fn(u8) -> bool) -> Vec<usize> {
    let leading = text.iter().take_while(|byte| ends_at(**byte)).count();
    let runs = outer(runs(text, begins_behind), MOST_RUNS).into_iter();
    // Base64 may begin with `/`.
    let behind = runs.chain([(0, leading)]);
    let mut starts: Vec<_> = behind
        .flat_map(|(_, end)| [end.saturating_sub(1), end])
        .collect();
    starts.push(0);
    starts.extend(text.iter().rposition(|byte| *byte == b'=').map(|at| at + 1));
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Where a value may end: before a separator, or two of them (Base64 ends with `==`), at its end, and
/// where it begins with a quote one byte before that.
fn ends(text: &[u8], ends_at: fn(u8) -> bool) -> Vec<usize> {
    let runs = outer(runs(text, ends_at), MOST_RUNS).into_iter();
    let mut ends: Vec<_> = runs
        .flat_map(|(start, end)| start..=end.min(start + 2))
        .collect();
    ends.push(text.len());
    let first = text.iter().find(|byte| byte.is_ascii_graphic());
    if matches!(first, Some(b'"' | b'\'')) {
        ends.push(text.len() - 1);
    }
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Where bytes of one kind stand together: the first of them, and what follows the last.
fn runs(text: &[u8], is_of_kind: fn(u8) -> bool) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match runs.last_mut() {
            _ if !is_of_kind(*byte) => {}
            Some((_, end)) if *end == at => *end += 1,
            Some(_) | None => runs.push((at, at + 1)),
        }
    }
    runs
}

/// The first and the last `most` of a list.
fn outer<T>(mut list: Vec<T>, most: usize) -> Vec<T> {
    if list.len() > 2 * most {
        list.drain(most..list.len() - most);
    }
    list
}

const fn begins_behind(byte: u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\'' | b'&' | b',')
}

/// Whether some parser ends a value before this byte: those that are no token's (RFC 9110 §5.6.2), and two
/// that are.
const fn ends_at(byte: u8) -> bool {
    begins_behind(byte)
        || matches!(byte, b'(' | b')' | b'/' | b':'..=b'@' | b'['..=b']' | b'{' | b'}')
}

/// How many runs of separators count at either end of a value, and how many items of a list.
const MOST_RUNS: usize = 3;
const MOST_ITEMS: usize = 8;

/// Browsers keep no cookie of more bytes (RFC 6265bis §5.6).
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_be_a_part_of_what_came() {
        let token = b"s3cr.et-1~x";
        for [before, after] in [
            ["", "["],
            ["", "]"],
            ["", "\\"],
            ["", "\\x"],
            ["", "=="],
            ["", " x"],
            ["", "<x>"],
            ["", "@x@y@z@a@b@c@d"],
            [" ", " 1"],
            ["  \t ", " 1 2 3"],
            [" \"", "\"x"],
            ["\"", "'"],
            ["\"", "x"],
            ["'", "'"],
            ["'", "\""],
            ["&", ""],
            ["&&&&&", "&&&&&"],
            ["a&", "&b"],
            ["a&b&c&d&e&f&", "&b&b&b&b&b&b"],
            ["a, ", ",b"],
            ["x=", ""],
            ["(", ")"],
            ["{\"id\":\"", "\"}"],
            ["[\"", "\",1]"],
            ["\u{a0}", "\u{3000}"],
            ["%20", "%26x"],
            ["%22", "%00x"],
            ["a%26", ""],
        ] {
            let value = [before.as_bytes(), token, after.as_bytes()].concat();
            let found = fragments(&value);
            let shown = String::from_utf8_lossy(&value);
            assert!(found.iter().any(|part| part == token), "{shown}: {found:?}");
        }
    }

    #[test]
    fn a_part_may_hold_separators_itself() {
        for value in [
            "YWJj/ZGVm+Zw==",
            "/9j/4AAQ=",
            "s:id.sig/na+ture=",
            "a:b@c",
            "id\\1",
        ] {
            let reduced = reduced(value.as_bytes()).into_owned();
            for [before, after] in [
                ["", "["],
                [" ", " 1"],
                ["\"", "\"x"],
                ["&", "&"],
                ["a,", ",b"],
            ] {
                let whole = format!("{before}{value}{after}");
                let found = fragments(whole.as_bytes());
                assert!(found.contains(&reduced), "{whole}: {found:?}");
            }
        }
    }

    #[test]
    fn what_is_plain_has_no_parts_and_what_is_odd_not_too_many() {
        for value in ["", "k3v9-_.~", "eyJhIjoxfQ.Zm9v", "5f!#$*+^`|"] {
            assert_eq!(
                fragments(value.as_bytes()),
                Vec::<Vec<u8>>::new(),
                "{value}"
            );
        }
        // What Express, Rails, Laravel and Flask send.
        for (value, most) in [
            ("s%3Aj4Xw.k%2Bx%2Fy", 0),
            ("BAh7%2BCE%3D--a1b2", 1),
            ("eyJpdiI6IkFB%3D", 0),
            ("5f1b2c3d4e:1700000000", 2),
            ("YWJj/ZGVm/Zz8=.aBc", 14),
        ] {
            let found = fragments(value.as_bytes());
            assert!(found.len() <= most, "{value}: {found:?}");
        }
        let json = format!("{{{}}}", "\"key\":[\"a b\", 'c'],".repeat(50));
        for value in [
            json,
            "&,".repeat(8000),
            "A[ \"".repeat(9000),
            "%".repeat(9000),
        ] {
            assert!(fragments(value.as_bytes()).len() < 300);
        }
    }
}
