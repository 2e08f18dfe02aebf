//! Properties of paths, of the route table and of the decision, where examples run out.

#![allow(clippy::unwrap_used)] // a test ends where its own input is wrong

#[path = "properties/decisions.rs"]
mod decisions;
#[path = "properties/spellings.rs"]
mod spellings;

use http::HeaderMap;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;
use stepgate::domain::{
    Accept, Action, Alternatives, Applicability, Binding, Body, DefaultAction, Enforcement,
    Exception, Factor, Leniency, Matcher, Method, MethodSet, PathPattern, Reading, RequestHead,
    RequestPath, Requirement, RiskLevel, Route, RouteId, RouteTable, Scope, WholeRegex,
};

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

fn requirement() -> Arc<Requirement> {
    Arc::new(Requirement {
        action: Action::new("a"),
        title: "".into(),
        level: RiskLevel::High,
        factors: Alternatives::any_of(&[Factor::Password]).unwrap(),
        factors_narrowed: false,
        acr: Vec::new(),
        max_age: Duration::from_mins(5),
        scope: Scope::Action,
        single_use: false,
        bind: Binding::Nothing,
        show: vec![],
        confirm: None,
        approval: None,
        device: true,
        anchor: None,
        inline: None,
        open_for: None,
        enforcement: Enforcement::Enforce,
    })
}

fn table(paths: Vec<(PathPattern, Reading)>, except: &[&str]) -> RouteTable {
    let requirement = requirement();
    let except: Vec<Exception> = except
        .iter()
        .map(|path| Exception {
            methods: MethodSet::EMPTY,
            path: Some(PathPattern::Template((*path).to_owned())),
            host: None,
            query: vec![],
            headers: vec![],
        })
        .collect();
    let routes = paths
        .into_iter()
        .enumerate()
        .map(|(index, (path, reading))| Route {
            id: RouteId::new(index.to_string()),
            matcher: Matcher {
                methods: MethodSet::EMPTY,
                path,
                reading,
                host: None,
                query: vec![],
                headers: vec![],
                body: vec![],
                except: except.clone(),
            },
            requirement: Arc::clone(&requirement),
        });
    RouteTable::new(routes.collect(), DefaultAction::Forward).unwrap()
}

fn ask<T>(path: &RequestPath<'_>, then: impl FnOnce(&RequestHead<'_>) -> T) -> T {
    let headers = HeaderMap::new();
    then(&RequestHead::new(Method::Get, path, None, &headers))
}

fn found(table: &RouteTable, path: &RequestPath<'_>) -> Vec<String> {
    let mut ids: Vec<String> = ask(path, |head| {
        table
            .find(head)
            .matches()
            .iter()
            .map(|found| found.route.id.to_string())
            .collect()
    });
    ids.sort();
    ids
}

/// Matches one plain path against one template, the way one would by hand.
fn matches_by_hand(template: &str, path: &str) -> bool {
    let split = |text: &str| -> Vec<String> {
        text.split('/')
            .filter(|segment| !segment.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let (template, path) = (split(template), split(path));
    for (index, segment) in template.iter().enumerate() {
        if segment.ends_with("...}") {
            return true;
        }
        match path.get(index) {
            Some(found) if segment.starts_with('{') || segment == found => {}
            _ => return false,
        }
    }
    template.len() == path.len()
}

prop_compose! {
    fn plain_path()(segments in prop::collection::vec("[abAB]{1,2}", 0..5), end in "/?") -> String {
        if segments.is_empty() { "/".to_owned() } else { format!("/{}{end}", segments.join("/")) }
    }
}

prop_compose! {
    fn template()(segments in prop::collection::vec(prop_oneof!["[ab]{1,2}", Just("{}".to_owned())], 0..5), tail in any::<bool>()) -> String {
        let mut path = String::new();
        for (index, segment) in segments.iter().enumerate() {
            path.push('/');
            path.push_str(&segment.replace("{}", &format!("{{p{index}}}")));
        }
        if tail || path.is_empty() { path + "/{rest...}" } else { path }
    }
}

/// Paths made of what applications disagree about.
fn odd_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-cA-C]",
        Just("/".to_owned()),
        Just("//".to_owned()),
        Just("%2f".to_owned()),
        Just("%252f".to_owned()),
        Just(";x".to_owned()),
        Just("%61".to_owned()),
        Just("%2561".to_owned()),
        Just(".".to_owned()),
        Just("%2e".to_owned()),
        Just("%20".to_owned()),
        Just("%EF%BD%81".to_owned()),
        Just("%E2%80%8B".to_owned()),
        Just(".json".to_owned()),
        Just(".php".to_owned()),
        Just("::$DATA".to_owned()),
        Just("%3f".to_owned()),
        Just("\\".to_owned()),
        Just("%00".to_owned()),
        Just("%c0%af".to_owned()),
        Just("%u002f".to_owned()),
        Just("%".to_owned()),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}

fn templates(of: &[String]) -> Vec<(PathPattern, Reading)> {
    of.iter()
        .map(|path| (PathPattern::Template(path.clone()), Reading::Every))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn parsing_is_total(raw in ".{0,64}", slash in any::<bool>()) {
        let raw = if slash { format!("/{raw}") } else { raw };
        let _strict = RequestPath::parse(&raw, &Accept::default());
        let _lenient = RequestPath::parse(&raw, &LENIENT);
    }

    #[test]
    fn reading_a_body_is_total(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0..4usize) {
        let types = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "application/graphql"];
        let mut headers = HeaderMap::new();
        headers.insert("content-type", types[kind].parse().unwrap());
        let _body = Body::read(&headers, &bytes);
    }

    #[test]
    fn the_bytes_as_they_came_are_the_first_reading_and_none_occurs_twice(raw in odd_path()) {
        if let Ok(path) = RequestPath::parse(&raw, &LENIENT) {
            let readings: Vec<&str> = path.readings().collect();
            prop_assert_eq!(readings[0], raw.as_str());
            let distinct: std::collections::BTreeSet<_> = readings.iter().collect();
            prop_assert_eq!(distinct.len(), readings.len());
        }
    }

    #[test]
    fn what_strict_rules_let_in_lenient_ones_read_no_less(raw in odd_path()) {
        if let (Ok(strict), Ok(lenient)) = (RequestPath::parse(&raw, &Accept::default()), RequestPath::parse(&raw, &LENIENT)) {
            let lenient: Vec<&str> = lenient.readings().collect();
            prop_assert!(strict.readings().all(|reading| lenient.contains(&reading)));
        }
    }

    #[test]
    fn what_is_let_in_has_no_dots_controls_or_backslashes_in_any_reading(raw in odd_path()) {
        if let Ok(path) = RequestPath::parse(&raw, &Accept::default()) {
            for reading in path.readings() {
                prop_assert!(!reading.contains(['\\', '\0']));
                prop_assert!(!reading.split('/').any(|segment| segment == "." || segment == ".."), "{}", reading);
            }
        }
    }

    /// Canonical is canonical twice: the readings of a reading were all there before.
    #[test]
    fn a_reading_reads_as_nothing_new(raw in odd_path()) {
        let Ok(path) = RequestPath::parse(&raw, &Accept::default()) else { return Ok(()) };
        let readings: Vec<&str> = path.readings().collect();
        // Where escapes are left, a reading would be decoded more often than the path was.
        for reading in readings.iter().filter(|r| !r.contains('%') && r.is_ascii() && !r.contains(' ')) {
            let again = RequestPath::parse(reading, &Accept::default());
            let again = again.map_err(|why| TestCaseError::fail(format!("{reading}: {why}")))?;
            for new in again.readings() {
                prop_assert!(readings.contains(&new), "{} of {}", new, reading);
            }
        }
    }

    #[test]
    fn more_readings_never_match_less(raw in odd_path(), of in prop::collection::vec(template(), 1..8)) {
        let Ok(path) = RequestPath::parse(&raw, &Accept::default()) else { return Ok(()) };
        let table = table(templates(&of), &[]);
        let all = found(&table, &path);
        for (index, template) in of.iter().enumerate() {
            // Whatever matches by hand on any one reading was found.
            if path.readings().any(|reading| matches_by_hand(template, reading)) {
                prop_assert!(all.contains(&index.to_string()), "{} {}", raw, template);
            }
        }
    }

    /// To an application that reads a host in front of it, the rest is the whole path.
    #[test]
    fn a_host_in_front_takes_no_guard_away(raw in odd_path(), host in "(/|%2[fF]|;/)[a-c@:.0-9]{1,6}", of in prop::collection::vec(template(), 1..8), except in template()) {
        let named = format!("/{host}{raw}");
        // Whoever undoes the escape of the slash before the host undoes all of them, and so it is with parameters.
        let rest = match host.chars().next() {
            Some('%') => raw.replace("%2f", "/").replace("%2F", "/"),
            Some(';') => raw.split('/').map(|segment| segment.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/"),
            _ => raw,
        };
        let Ok(path) = RequestPath::parse(&rest, &Accept::default()) else { return Ok(()) };
        let Ok(named) = RequestPath::parse(&named, &Accept::default()) else { return Ok(()) };
        let table = table(templates(&of), &[&except]);
        let asked = found(&table, &named);
        prop_assert!(found(&table, &path).iter().all(|id| asked.contains(id)), "{:?}", named);
    }

    #[test]
    fn literal_never_matches_more(raw in odd_path(), of in prop::collection::vec(template(), 1..8)) {
        let Ok(path) = RequestPath::parse(&raw, &Accept::default()) else { return Ok(()) };
        let literal = templates(&of).into_iter().map(|(path, _)| (path, Reading::Literal)).collect();
        let every = found(&table(templates(&of), &[]), &path);
        prop_assert!(found(&table(literal, &[]), &path).iter().all(|id| every.contains(id)));
    }

    #[test]
    fn the_index_agrees_with_matching_by_hand(raw in plain_path(), of in prop::collection::vec(template(), 1..40)) {
        let path = RequestPath::parse(&raw, &Accept::default()).unwrap();
        let mut by_hand: Vec<String> = (0..of.len()).filter(|i| matches_by_hand(&of[*i], &raw)).map(|i| i.to_string()).collect();
        by_hand.sort();
        prop_assert_eq!(found(&table(templates(&of), &[]), &path), by_hand);
    }

    #[test]
    fn the_index_agrees_with_going_through_all_routes(raw in odd_path(), of in prop::collection::vec(template(), 1..20), literal in any::<bool>()) {
        let Ok(path) = RequestPath::parse(&raw, &Accept::default()) else { return Ok(()) };
        let mut paths = templates(&of);
        for regex in ["/[ab]+", "/a/.*", "/(?P<x>b|a/b)"] {
            paths.push((PathPattern::Regex(WholeRegex::new(regex).unwrap()), Reading::Every));
        }
        if literal {
            for (_, reading) in &mut paths { *reading = Reading::Literal; }
        }
        let table = table(paths, &["/a/{x}"]);
        let mut one_by_one: Vec<String> = ask(&path, |head| {
            let explained = table.explain(head, None);
            explained.into_iter().filter(|e| e.verdict == Applicability::Holds).map(|e| e.route.id.to_string()).collect()
        });
        one_by_one.sort();
        prop_assert_eq!(found(&table, &path), one_by_one);
    }

    #[test]
    fn an_exception_holds_only_under_every_reading(raw in odd_path(), except in template()) {
        let Ok(path) = RequestPath::parse(&raw, &Accept::default()) else { return Ok(()) };
        let all = table(templates(&["/{rest...}".to_owned()]), &[&except]);
        if found(&all, &path).is_empty() {
            for reading in path.readings() {
                prop_assert!(matches_by_hand(&except, reading), "{} is {}", raw, reading);
            }
        }
    }

    /// Whatever is asked of a path is asked of everything that can be read as it.
    #[test]
    fn another_reading_never_asks_for_less(raw in odd_path(), of in prop::collection::vec(template(), 1..8), except in template()) {
        let Ok(path) = RequestPath::parse(&raw, &Accept::default()) else { return Ok(()) };
        let table = table(templates(&of), &[&except]);
        let asked = found(&table, &path);
        for reading in path.readings().filter(|r| !r.contains('%') && r.is_ascii() && !r.contains(' ')) {
            let plain = RequestPath::parse(reading, &Accept::default());
            let plain = plain.map_err(|why| TestCaseError::fail(format!("{reading}: {why}")))?;
            for id in found(&table, &plain) {
                prop_assert!(asked.contains(&id), "{} is {} and escapes {}", raw, reading, of[id.parse::<usize>().unwrap()]);
            }
        }
    }
}
