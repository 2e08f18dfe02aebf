//! Patterns: regular expressions, hosts, methods, and tests of values.

use super::invalid::{Invalid, valid};
use super::raw::{RawTest, RawWords};
use crate::domain::{Authority, HostPattern, Method, MethodSet, ValueTest, WholeRegex};
use crate::yaml::{File, Path, Table, clip, nearest};

/// What a bare `true` or `1` is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bare {
    /// JSON has such values besides text.
    Allowed,
    /// All else is text.
    Refused,
}

/// Compiles a regular expression, which covers the whole of what it is held against.
pub(super) fn regex(pattern: &str) -> Result<WholeRegex, Invalid> {
    if pattern.len() > MAX_PATTERN {
        return Err(Invalid::new(format!(
            "regex is longer than {MAX_PATTERN} bytes"
        )));
    }
    let regex = WholeRegex::new(pattern).map_err(|error| explain(&error))?;
    // Paths are matched without regard to letter case, which makes it larger.
    regex.ignoring_case().map_err(|error| explain(&error))?;
    Ok(regex)
}

fn explain(error: &regex::Error) -> Invalid {
    match error {
        regex::Error::CompiledTooBig(_) => Invalid::new("regex is too big")
            .hint("bound what repeats, or use fewer Unicode classes"),
        regex::Error::Syntax(text) => {
            // The crate draws a picture of several lines; its last one says what is wrong.
            let last = text.lines().last().unwrap_or_default();
            let reason = last.trim_start_matches("error: ");
            let invalid = Invalid::new(format!("regex does not compile: {reason}"));
            if reason.contains("look-around") || reason.contains("backreference") {
                return invalid.hint("such a regex could take exponential time; `except` excludes");
            }
            invalid
        }
        _ => Invalid::new(format!("regex does not compile: {error}")),
    }
}

/// Reads a list of methods; no list means all.
pub(super) fn methods(list: Option<&[String]>, file: &mut File, path: &Path) -> Option<MethodSet> {
    let Some(list) = list else {
        return Some(MethodSet::ALL);
    };
    if list.is_empty() {
        file.report_with_hint(path, "no method is named", "leave it out for all methods");
        return None;
    }
    let mut set = Some(MethodSet::EMPTY);
    for (index, word) in list.iter().enumerate() {
        let one = valid(method(word), file, &path.item(index));
        set = set.zip(one).map(|(set, one)| set.with(one));
    }
    // RFC 9110 §9.3.2: a HEAD is a GET without its answer, so what holds for one holds for the other.
    set.map(|set| {
        if set.contains(Method::Get) {
            set.with(Method::Head)
        } else {
            set
        }
    })
}

fn method(word: &str) -> Result<Method, Invalid> {
    match word.parse() {
        Ok(Method::Head) => Err(Invalid::new("HEAD counts as GET everywhere").hint("write `GET`")),
        Ok(method) => Ok(method),
        Err(unknown) => {
            let known: Vec<&str> = Method::ALL.iter().map(|method| method.as_str()).collect();
            let invalid = Invalid::new(unknown.to_string());
            Err(match nearest(word, &known) {
                Some(near) => invalid.hint(format!("did you mean `{near}`?")),
                None => invalid,
            })
        }
    }
}

/// Reads `app.example.com` or `*.example.com`.
pub(super) fn host(text: &str) -> Result<HostPattern, Invalid> {
    let quoted = clip(text);
    if text.contains("://") {
        return Err(Invalid::new(format!("host `{quoted}` has a scheme"))
            .hint("write the name alone: `app.example.com`"));
    }
    // `[::1]` has colons and no port.
    let has_port = !text.starts_with('[') && text.contains(':') || text.contains("]:");
    if has_port {
        return Err(Invalid::new(format!("host `{quoted}` has a port"))
            .hint("hosts are compared without their port"));
    }
    let lower = text.to_ascii_lowercase();
    let (name, is_suffix) = match lower.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (lower.as_str(), false),
    };
    if !Authority::parse(name).is_some_and(|host| host.is_plain_host()) {
        return Err(Invalid::new(format!("`{quoted}` is no host"))
            .hint("expected `app.example.com`, or `*.example.com` for all below it"));
    }
    Ok(if is_suffix {
        HostPattern::Suffix(format!(".{name}"))
    } else {
        HostPattern::Exact(name.to_owned())
    })
}

/// Reads the tests of a table of parameters, headers or fields, each under its own name.
pub(crate) fn named_tests(
    table: &Table<RawTest>,
    bare: Bare,
    file: &mut File,
    path: &Path,
) -> Option<Vec<(String, ValueTest)>> {
    tests(table, bare, |name| Ok(name.to_owned()), file, path)
}

/// Reads the tests of a table, each under the name that `name` makes of its key.
pub(super) fn tests<N>(
    table: &Table<RawTest>,
    bare: Bare,
    name: impl Fn(&str) -> Result<N, Invalid>,
    file: &mut File,
    path: &Path,
) -> Option<Vec<(N, ValueTest)>> {
    // It would hold for every request.
    if table.0.is_empty() {
        file.report(path, "nothing is tested here");
        return None;
    }
    let mut tests = Some(Vec::new());
    for (key, raw) in &table.0 {
        let name = valid(name(key), file, &path.name(key));
        let at = path.key(key);
        // Its mistake is reported; without the faulty value it would be reported again, as one that
        // names neither.
        if let RawTest::Words(_) = raw
            && file.has_mistakes_at(&at)
        {
            continue;
        }
        let test = valid(test(raw, bare), file, &at);
        tests = tests.zip(name.zip(test)).map(|(mut tests, one)| {
            tests.push(one);
            tests
        });
    }
    tests
}

fn test(raw: &RawTest, bare: Bare) -> Result<ValueTest, Invalid> {
    match raw {
        RawTest::Text(word) if word == "present" => Ok(ValueTest::Present),
        RawTest::Text(word) if word == "absent" => Ok(ValueTest::Absent),
        RawTest::Text(text) => Ok(ValueTest::Equals(text.clone())),
        RawTest::Bare(text) if bare == Bare::Allowed => Ok(ValueTest::Equals(text.clone())),
        RawTest::Bare(text) => Err(Invalid::new(format!("expected text, found `{text}`"))
            .hint(format!("in quotes it is text: `\"{text}\"`"))),
        RawTest::Words(RawWords {
            equals,
            regex: pattern,
        }) => match (equals, pattern) {
            (Some(text), None) => Ok(ValueTest::Equals(text.clone())),
            (None, Some(pattern)) => regex(pattern).map(ValueTest::Regex),
            (Some(_), Some(_)) | (None, None) => {
                Err(Invalid::new("expected either `equals` or `regex`"))
            }
        },
    }
}

/// How long a regex may be.
const MAX_PATTERN: usize = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regex_covers_all_or_nothing() {
        let pattern = regex("/a|/b").unwrap();
        assert!(pattern.is_match("/b") && !pattern.is_match("/bb") && !pattern.is_match("x/a"));
        assert!(!regex("/a").unwrap().is_match("/a\n"));
        assert!(regex("a)|(?:b").is_err());
        assert!(regex("(?:[a-z]{1000}){1000}").is_err());
    }

    #[test]
    fn a_host_is_a_name_or_what_lies_below_one() {
        assert_eq!(
            host("App.example.com").unwrap(),
            HostPattern::Exact("app.example.com".to_owned())
        );
        assert_eq!(
            host("*.example.com").unwrap(),
            HostPattern::Suffix(".example.com".to_owned())
        );
        assert!(host("[::1]").is_ok());
        for wrong in [
            "", "a:80", "[::1]:80", "http://a", "a/b", "a b", "*", "a.*.b", "a..b", "é",
        ] {
            assert!(host(wrong).is_err(), "{wrong}");
        }
    }
}
