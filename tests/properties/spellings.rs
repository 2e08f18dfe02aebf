//! What some parser ignores never takes a guard away.

use super::requirement;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::sync::{Arc, LazyLock};
use stepgate::domain::{
    Accept, Body, BodyMatcher, DefaultAction, Exception, Matcher, Method, MethodSet, PathPattern,
    Reading, RequestHead, RequestPath, Route, RouteId, RouteTable, ValueTest, WholeRegex,
};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn equals(value: &str) -> ValueTest {
    ValueTest::Equals(value.to_owned())
}

fn named(name: &str, test: ValueTest) -> (String, ValueTest) {
    (name.to_owned(), test)
}

fn excepting(write: impl FnOnce(&mut Exception)) -> Matcher {
    let mut exception = Exception {
        methods: MethodSet::EMPTY,
        path: None,
        host: None,
        query: vec![],
        headers: vec![],
    };
    write(&mut exception);
    Matcher {
        except: vec![exception],
        ..matching(|_| ())
    }
}

fn matching(write: impl FnOnce(&mut Matcher)) -> Matcher {
    let mut matcher = Matcher {
        methods: MethodSet::EMPTY,
        path: PathPattern::Template("/a/{x}".to_owned()),
        reading: Reading::Every,
        host: None,
        query: vec![],
        headers: vec![],
        body: vec![],
        except: vec![],
    };
    write(&mut matcher);
    matcher
}

/// One route for each way in which a guard can hang on a name, each in a table of its own.
static TABLES: LazyLock<Vec<RouteTable>> = LazyLock::new(|| {
    let dry = || HeaderName::from_static("x-dry-run");
    let regex = || ValueTest::Regex(WholeRegex::new("1|yes").unwrap());
    let form = |name: &str, test| BodyMatcher::Form(name.to_owned(), test);
    let json = |name: &str, test| BodyMatcher::Json(name.to_owned(), test);
    let path = |text: &str| Some(PathPattern::Template(text.to_owned()));
    let matchers = [
        excepting(|e| e.query = vec![named("dry", equals("1"))]),
        excepting(|e| e.query = vec![named("dry", ValueTest::Present)]),
        excepting(|e| e.query = vec![named("dry", regex())]),
        excepting(|e| e.query = vec![named("do", ValueTest::Absent)]),
        excepting(|e| e.headers = vec![(dry(), equals("1"))]),
        excepting(|e| e.headers = vec![(dry(), ValueTest::Absent)]),
        excepting(|e| e.path = path("/a/b")),
        excepting(|e| e.methods = MethodSet::EMPTY.with(Method::Get)),
        matching(|m| {
            m.query = vec![
                named("do", equals("delete")),
                named("dry", ValueTest::Absent),
            ];
        }),
        matching(|m| m.query = vec![named("dry", ValueTest::Absent)]),
        matching(|m| m.headers = vec![(dry(), ValueTest::Absent)]),
        matching(|m| {
            m.body = vec![form("do", equals("delete")), form("dry", ValueTest::Absent)];
        }),
        matching(|m| {
            m.body = vec![
                json("/do", equals("delete")),
                json("/dry", ValueTest::Absent),
            ];
        }),
        matching(|m| m.body = vec![json("/list/0/do", equals("delete"))]),
        matching(|m| m.body = vec![json("/list/0/dry", ValueTest::Absent)]),
    ];
    let table = |matcher| {
        let route = Route {
            id: RouteId::new("a"),
            matcher,
            requirement: Arc::clone(&requirement()),
        };
        RouteTable::new(vec![route], DefaultAction::Forward).unwrap()
    };
    matchers.into_iter().map(table).collect()
});

/// A request that may be guarded.
#[derive(Clone, Debug)]
struct Sent {
    method: Method,
    path: String,
    pairs: Vec<String>,
    headers: Vec<(&'static str, String)>,
    body: Sending,
}

#[derive(Clone, Debug)]
enum Sending {
    Nothing,
    Fields(Vec<String>),
    Json(String),
}

/// Tells for each table whether the request is guarded, or refused.
fn guarded(sent: &Sent) -> Vec<bool> {
    let mut headers = HeaderMap::new();
    for (name, value) in &sent.headers {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    let bytes = match &sent.body {
        Sending::Nothing => String::new(),
        Sending::Fields(fields) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(FORM));
            fields.join("&")
        }
        Sending::Json(text) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
            text.clone()
        }
    };
    let query = sent.pairs.join("&");
    let query = (!sent.pairs.is_empty()).then_some(query.as_str());
    let Ok(path) = RequestPath::parse(&sent.path, &Accept::default()) else {
        return vec![true; TABLES.len()];
    };
    let head = RequestHead::new(sent.method, &path, query, &headers);
    let is_guarded = |table: &RouteTable| {
        let found = table.find(&head);
        if !found.awaits_body() {
            return !found.is_empty();
        }
        let settled = Body::read(&headers, bytes.as_bytes());
        let settled = settled.and_then(|body| found.settle(&head, &body));
        !settled.is_ok_and(|matches| matches.is_empty())
    };
    TABLES.iter().map(is_guarded).collect()
}

fn pair() -> impl Strategy<Value = String> {
    let pairs = [
        "do=delete",
        "do=show",
        "dry=1",
        "dry=yes",
        "dry=",
        "a=b",
        "dry=0",
    ];
    prop::sample::select(pairs.to_vec()).prop_map(str::to_owned)
}

fn json() -> impl Strategy<Value = String> {
    let texts = [
        r#"{"do":"delete"}"#,
        r#"{"do":"delete","dry":1}"#,
        r#"{"do":"delete","dry":null}"#,
        r#"{"do":"show","dry":true}"#,
        r#"[{"do":"delete","dry":1}]"#,
        r#"{"list":[{"do":"delete"}]}"#,
        r#"{"list":[{"do":"show","dry":1}]}"#,
        r#"{"list":{"0":{"do":"delete"}}}"#,
        "{}",
    ];
    prop::sample::select(texts.to_vec()).prop_map(str::to_owned)
}

prop_compose! {
    fn sent()(
        method in prop::sample::select(&[Method::Get, Method::Post, Method::Put][..]),
        path in prop::sample::select(&["/a/b", "/a/c"][..]),
        pairs in prop::collection::vec(pair(), 0..4),
        is_dry in any::<bool>(),
        body in prop_oneof![
            Just(Sending::Nothing),
            prop::collection::vec(pair(), 0..4).prop_map(Sending::Fields),
            json().prop_map(Sending::Json),
        ],
    ) -> Sent {
        let headers = if is_dry { vec![("x-dry-run", "1".to_owned())] } else { vec![] };
        Sent { method, path: path.to_owned(), pairs, headers, body }
    }
}

/// Something that a parser ignores, or reads as another parser does not.
#[derive(Clone, Debug)]
enum Noise {
    Pair(String, prop::sample::Index),
    Behind(&'static str, prop::sample::Index),
    Header(&'static str, &'static str),
    Path(&'static str),
    Field(String, prop::sample::Index),
    Member(&'static str),
    Listed(&'static str, &'static str),
}

/// A parameter in a spelling that not every parser takes for a name of ours.
fn odd_pair() -> impl Strategy<Value = String> {
    let name = prop::sample::select(&["dry", "do"][..]);
    let spelling = prop::sample::select(
        &[
            "{N}", "{n}[]", "{n}[0]", "[{n}]", "%20{n}", "+{n}", "{n}%00", "{n}%00x", "{e}",
            "{n}+", "{n}[x", "x%26{n}",
        ][..],
    );
    let value = prop::sample::select(&["=1", "=", "", "=0", "=delete", "=%31", "=1;x", "=%zz"][..]);
    let odd = (name, spelling, value).prop_map(|(name, spelling, value)| {
        let upper = name.to_uppercase();
        let escaped = name.replacen('d', "%64", 1);
        let spelled = spelling.replace("{N}", &upper).replace("{n}", name);
        format!("{}{value}", spelled.replace("{e}", &escaped))
    });
    let junk = prop::sample::select(&["", "x", "x=1", "=", "?", "utm=1", "x;y", "&", "a=%26"][..]);
    prop_oneof![odd, junk.prop_map(str::to_owned), Just("x=1&".repeat(101))]
}

fn noise() -> impl Strategy<Value = Noise> {
    let headers = [
        ("x_dry_run", "1"),
        ("x.dry.run", "1"),
        ("x-dry-run", "1"),
        ("x-dry-run", "0"),
        ("x-dry-run", "1, 0"),
        ("x-dry-runs", "1"),
        ("cookie", "dry=1; a=b"),
        ("cookie", "do=show"),
        ("x-unknown", "dry=1"),
        ("x-http-method-override", "GET"),
        ("x-http-method-override", "WIPE"),
    ];
    let tails = [
        "/", "//", ";x", ";dry=1", ".", "%20", ".json", "::$DATA", "%3fdry=1", ".php/x",
    ];
    let members = [
        r#""DRY":1"#,
        r#""d_ry":1"#,
        r#""dry[]":1"#,
        r#""Do":"x""#,
        r#""x":{"dry":1}"#,
    ];
    let lists = [
        ("[", "]"),
        ("[[", "]]"),
        (r#"[{"x":1},"#, "]"),
        ("[5,", ",null]"),
    ];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (odd_pair(), index()).prop_map(|(pair, at)| Noise::Pair(pair, at)),
        1 => (prop::sample::select(&[";x", ";", ";dry=1"][..]), index()).prop_map(|(tail, at)| Noise::Behind(tail, at)),
        2 => prop::sample::select(headers.to_vec()).prop_map(|(name, value)| Noise::Header(name, value)),
        2 => prop::sample::select(tails.to_vec()).prop_map(Noise::Path),
        2 => (odd_pair(), index()).prop_map(|(pair, at)| Noise::Field(pair, at)),
        1 => prop::sample::select(members.to_vec()).prop_map(Noise::Member),
        1 => prop::sample::select(lists.to_vec()).prop_map(|(open, close)| Noise::Listed(open, close)),
    ]
}

fn with(sent: &Sent, noise: &[Noise]) -> Sent {
    let mut noisy = sent.clone();
    for one in noise {
        match (one, &mut noisy.body) {
            (Noise::Pair(pair, at), _) => {
                let at = at.index(noisy.pairs.len() + 1);
                noisy.pairs.insert(at, pair.clone());
            }
            (Noise::Behind(tail, at), _) if !noisy.pairs.is_empty() => {
                let at = at.index(noisy.pairs.len());
                noisy
                    .pairs
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|pair| pair.push_str(tail));
            }
            // A first line is what the rule asks for; one beside another is noise.
            (Noise::Header("x-dry-run", _), _) if sent.headers.is_empty() => {}
            (Noise::Header(name, value), _) => noisy.headers.push((name, (*value).to_owned())),
            // One tail: what several make together is the affair of paths.
            (Noise::Path(tail), _) => noisy.path = format!("{}{tail}", sent.path),
            (Noise::Field(pair, at), Sending::Fields(fields)) => {
                fields.insert(at.index(fields.len() + 1), pair.clone());
            }
            (Noise::Member(member), Sending::Json(text)) => {
                *text = text
                    .replacen('{', &format!("{{{member},"), 1)
                    .replace(",}", "}");
            }
            (Noise::Listed(open, close), Sending::Json(text)) => {
                *text = format!("{open}{text}{close}");
            }
            (Noise::Behind(..) | Noise::Field(..) | Noise::Member(_) | Noise::Listed(..), _) => {}
        }
    }
    noisy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_some_parser_ignores_never_takes_a_guard_away(
        sent in sent(), noise in prop::collection::vec(noise(), 1..4),
    ) {
        let noisy = with(&sent, &noise);
        let (before, after) = (guarded(&sent), guarded(&noisy));
        for (route, (before, after)) in before.iter().zip(&after).enumerate() {
            prop_assert!(!before || *after, "route {route}: {noisy:?}");
        }
    }
}

/// Properties of what is always guarded, or never, would prove nothing.
#[test]
fn the_requests_are_guarded_often_enough() {
    let mut runner = TestRunner::deterministic();
    let mut counts = vec![0; TABLES.len()];
    for _ in 0..1_000 {
        let sent = sent().new_tree(&mut runner).unwrap().current();
        for (count, guarded) in counts.iter_mut().zip(guarded(&sent)) {
            *count += usize::from(guarded);
        }
    }
    for (route, count) in counts.iter().enumerate() {
        assert!((50..990).contains(count), "route {route}: {count} of 1000");
    }
}
