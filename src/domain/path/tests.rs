//! Rules about paths.

use super::*;
use std::collections::BTreeSet;

fn refusal(raw: &str) -> Option<Ambiguous> {
    RequestPath::parse(raw, &Accept::default()).err()
}

fn readings(raw: &str) -> BTreeSet<String> {
    readings_with(raw, Accept::default())
}

fn readings_with(raw: &str, accept: Accept) -> BTreeSet<String> {
    let path = RequestPath::parse(raw, &accept).unwrap();
    path.readings().map(str::to_owned).collect()
}

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|reading| (*reading).to_owned()).collect()
}

#[test]
fn what_no_honest_client_sends_is_refused() {
    let dots = |spelling: &str| Some(Ambiguous::DotSegment(spelling.to_owned()));
    let cases = [
        ("", Some(Ambiguous::NotOriginForm)),
        ("*", Some(Ambiguous::NotOriginForm)),
        ("users", Some(Ambiguous::NotOriginForm)),
        ("/a b", Some(Ambiguous::RawByte(b' '))),
        ("/jörg", Some(Ambiguous::RawByte(0xC3))),
        ("/a\\b", Some(Ambiguous::Backslash)),
        ("/a%5cb", Some(Ambiguous::Backslash)),
        ("/a%255Cb", Some(Ambiguous::Backslash)),
        ("/a\0", Some(Ambiguous::Control(0))),
        ("/a\u{7f}", Some(Ambiguous::Control(0x7F))),
        ("/a%00.png", Some(Ambiguous::Control(0))),
        ("/a%7F", Some(Ambiguous::Control(0x7F))),
        ("/a%250a", Some(Ambiguous::Control(10))),
        ("/a%c2%85", Some(Ambiguous::Control(0x85))),
        ("/a%", Some(Ambiguous::MalformedEscape)),
        ("/a%4", Some(Ambiguous::MalformedEscape)),
        ("/a%zz", Some(Ambiguous::MalformedEscape)),
        ("/a%%41", Some(Ambiguous::MalformedEscape)),
        ("/a%u002e", Some(Ambiguous::UnicodeEscape)),
        ("/a%uzz", Some(Ambiguous::UnicodeEscape)),
        ("/a%25u002e", Some(Ambiguous::UnicodeEscape)),
        ("/a#b", Some(Ambiguous::Fragment)),
        ("/%c0%ae", Some(Ambiguous::InvalidUtf8)),
        ("/%ff", Some(Ambiguous::InvalidUtf8)),
        ("/%25ff", Some(Ambiguous::InvalidUtf8)),
        ("/a/../b", dots("..")),
        ("/a/..", dots("..")),
        ("/a/./b", dots(".")),
        ("/.", dots(".")),
        ("/a/%2e%2E/b", dots("..")),
        ("/a/.%2e/b", dots("..")),
        ("/a/..;x/b", dots("..")),
        ("/a/..%3bx/b", dots("..")),
        ("/a/.;/b", dots(".")),
        ("/a/%252e%252e/b", dots("..")),
        ("/a%2f..%2fb", dots("..")),
        ("/a%252f..%252fb", dots("..")),
        ("/a/..%20/b", dots(".. ")),
        ("/a/.../b", dots("...")),
        ("/a/..%23", dots("..")),
    ];
    for (raw, expected) in cases {
        assert_eq!(refusal(raw), expected, "{raw:?}");
    }
}

#[test]
fn a_plain_path_has_one_reading() {
    for raw in [
        "/",
        "/users/42/delete",
        "/Users/a-b_c~d@e",
        "/.env",
        "/.well-known/x",
        "/a+b",
    ] {
        assert_eq!(readings(raw), set(&[raw]), "{raw}");
    }
}

#[test]
fn honest_paths_are_not_refused() {
    for raw in [
        "/100%25",
        "/@scope%2fname",
        "/a..b",
        "/main...feature/x",
        "/caf%C3%A9",
        "/a%20b",
    ] {
        assert_eq!(refusal(raw), None, "{raw}");
    }
}

#[test]
fn what_remains_is_read_in_every_way() {
    let cases: &[(&str, &[&str])] = &[
        ("/users/", &["/users/", "/users"]),
        ("/a%41", &["/a%41", "/aA"]),
        ("/a%2541", &["/a%2541", "/a%41", "/aA"]),
        ("/a%2fb", &["/a%2fb", "/a/b"]),
        ("/a%252fb", &["/a%252fb", "/a%2fb", "/a/b"]),
        ("/a//b", &["/a//b", "/a/b"]),
        ("/a;x/b", &["/a;x/b", "/a/b", "/a"]),
        ("/a.json", &["/a.json", "/a"]),
        ("/a.", &["/a.", "/a"]),
        ("/a%20", &["/a%20", "/a ", "/a"]),
        ("/a::$DATA", &["/a::$DATA", "/a"]),
        ("/a%3fb", &["/a%3fb", "/a?b", "/a"]),
        ("/a.php/b", &["/a.php/b", "/a.php", "/a", "/b"]),
        (
            "/index.php/a/b",
            &["/index.php/a/b", "/index.php", "/index", "/", "/a/b"],
        ),
        ("/a/index.php", &["/a/index.php", "/a/index", "/a/", "/a"]),
        ("/a%2f;x", &["/a%2f;x", "/a%2f", "/a/;x", "/a/", "/a"]),
        ("//x/a", &["//x/a", "/x/a", "/a"]),
        ("///x/a", &["///x/a", "/x/a", "/a"]),
        ("/%2fx/a", &["/%2fx/a", "//x/a", "/x/a", "/a"]),
        ("/;/x/a", &["/;/x/a", "//x/a", "/x/a", "/a", "/"]),
        ("//u@h:1/a", &["//u@h:1/a", "/u@h:1/a", "/a"]),
        ("//x", &["//x", "/x", "/"]),
        ("/a//x/b", &["/a//x/b", "/a/x/b"]),
        ("/%20a", &["/%20a", "/ a", "/a"]),
        (
            "/%EF%BD%81dmin",
            &["/%EF%BD%81dmin", "/\u{FF41}dmin", "/admin"],
        ),
    ];
    for (raw, expected) in cases {
        assert_eq!(readings(raw), set(expected), "{raw}");
    }
}

#[test]
fn a_host_in_the_path_is_seen_in_every_spelling() {
    for raw in ["//x/a", "///x", "/%2fx/a", "/;/x", "/%252fx"] {
        let path = RequestPath::parse(raw, &Accept::default()).unwrap();
        assert!(path.names_host(), "{raw}");
    }
    for raw in ["/", "/a//b", "/a/b/", "/http://x/a"] {
        let path = RequestPath::parse(raw, &Accept::default()).unwrap();
        assert!(!path.names_host(), "{raw}");
    }
}

#[test]
fn more_readings_than_the_bound_are_refused() {
    let raw = "/a%252f%2541;b//c.d.e.f.g.h.i.j/%2520;x/index.html.";
    assert_eq!(refusal(raw), Some(Ambiguous::TooManyReadings));
    let long = format!("/{}", "%2541;/.a".repeat(4000));
    assert_eq!(refusal(&long), Some(Ambiguous::TooManyReadings));
}

#[test]
fn what_is_let_in_is_also_read_as_resolved() {
    type Switch = fn(&mut Accept) -> &mut Leniency;
    let cases: &[(Switch, &str, &str)] = &[
        (|accept| &mut accept.backslashes, "/a%5cb", "/a/b"),
        (|accept| &mut accept.controls, "/a%00.png", "/a"),
        (|accept| &mut accept.controls, "/a%0ab", "/ab"),
        (|accept| &mut accept.dot_segments, "/x/..;y/a", "/a"),
        (|accept| &mut accept.fragments, "/a#b", "/a"),
        (|accept| &mut accept.invalid_utf8, "/a%c0%afb", "/a/b"),
        (
            |accept| &mut accept.invalid_utf8,
            "/a%c0%afb",
            "/a\u{fffd}\u{fffd}b",
        ),
        (|accept| &mut accept.invalid_utf8, "/a%ffb", "/ab"),
        (|accept| &mut accept.malformed_escapes, "/a%zz%41", "/a%zzA"),
        (|accept| &mut accept.malformed_escapes, "/%6=%6@x", "/mix"),
        (|accept| &mut accept.raw_bytes, "/jörg ", "/jörg"),
        (|accept| &mut accept.unicode_escapes, "/%u0061", "/a"),
    ];
    for (switch, raw, expected) in cases {
        let mut accept = Accept::default();
        *switch(&mut accept) = Leniency::Read;
        assert!(refusal(raw).is_some(), "{raw}");
        assert!(readings_with(raw, accept).contains(*expected), "{raw}");
    }
}

#[test]
fn a_question_mark_is_no_digit() {
    let accept = Accept {
        malformed_escapes: Leniency::Read,
        ..Accept::default()
    };
    for (path, query) in [
        ("/a%3", "x"),
        ("/a%3", ""),
        ("/a%", "3"),
        ("/a%", "f=1"),
        ("/a%;", ""),
    ] {
        let read = RequestPath::of_target(path, Some(query), &accept);
        assert_eq!(read, Err(Ambiguous::MalformedEscape), "{path}?{query}");
        assert!(
            RequestPath::of_target(path, None, &accept).is_ok(),
            "{path}"
        );
    }
    for (path, query) in [
        ("/100%", "page=2"),
        ("/100%", ""),
        ("/a%41", "x"),
        ("/a%x", "3"),
    ] {
        assert!(
            RequestPath::of_target(path, Some(query), &accept).is_ok(),
            "{path}?{query}"
        );
    }
}

#[test]
fn letting_one_thing_in_lets_nothing_else_in() {
    let accept = Accept {
        backslashes: Leniency::Read,
        ..Accept::default()
    };
    assert_eq!(
        RequestPath::parse("/a\\..\\b", &accept),
        Err(Ambiguous::DotSegment("..".to_owned()))
    );
}
