//! What it costs to find the routes of a request, and to read hostile paths.

#![allow(clippy::expect_used)] // a bench ends where its own input is wrong

use criterion::{Criterion, criterion_group, criterion_main};
use http::HeaderMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use stepgate::domain::{
    Accept, Action, Alternatives, Binding, DefaultAction, Enforcement, Factor, Matcher, Method,
    MethodSet, PathPattern, Reading, RequestHead, RequestPath, Requirement, RiskLevel, Route,
    RouteId, RouteTable, Scope, WholeRegex,
};

const HIT: &str = "/service7/users/42/delete7";
const MISS: &str = "/assets/images/logo";
const NEAR_MISS: &str = "/service7/users/42/show";
const HOSTILE: &str = "/service7/%75sers;a=1/4%252f2//delete7.json/";

/// Every hundredth route is a regex.
fn table(size: usize) -> RouteTable {
    let requirement = Arc::new(Requirement {
        action: Action::new("user.delete"),
        title: "Delete a user".into(),
        level: RiskLevel::High,
        factors: Alternatives::any_of(&[Factor::Password]).expect("one factor"),
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
    });
    let routes = (0..size).map(|index| {
        let path = if index % 100 == 99 {
            let regex = format!("/reports{index}/[0-9]+/purge");
            PathPattern::Regex(WholeRegex::new(&regex).expect("a sound regex"))
        } else {
            PathPattern::Template(format!("/service{}/users/{{id}}/delete{index}", index % 97))
        };
        Route {
            id: RouteId::new(format!("route-{index}")),
            matcher: Matcher {
                methods: MethodSet::EMPTY.with(Method::Post).with(Method::Delete),
                path,
                reading: Reading::Every,
                host: None,
                query: vec![],
                headers: vec![],
                body: vec![],
                except: vec![],
            },
            requirement: Arc::clone(&requirement),
        }
    });
    RouteTable::new(routes.collect(), DefaultAction::Forward).expect("a sound table")
}

/// The whole way from the raw path to the routes found, as each request pays for it.
fn find(table: &RouteTable, raw: &str, headers: &HeaderMap) -> usize {
    let Ok(path) = RequestPath::parse(raw, &Accept::default()) else {
        return 0;
    };
    let head = RequestHead::new(Method::Delete, &path, Some("page=2"), headers);
    table.find(&head).matches().len()
}

fn matching(criterion: &mut Criterion) {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("accept", "text/html"),
        ("accept-language", "en"),
        ("cookie", "session=abc"),
        ("sec-fetch-mode", "navigate"),
        ("user-agent", "bench"),
    ] {
        headers.insert(name, value.parse().expect("a sound header"));
    }
    for size in [10, 1_000, 10_000] {
        let table = table(size);
        assert_eq!(find(&table, HIT, &headers), 1);
        assert_eq!(find(&table, MISS, &headers), 0);
        assert_eq!(find(&table, HOSTILE, &headers), 1);
        let mut group = criterion.benchmark_group(format!("find among {size}"));
        for (name, raw) in [
            ("hit", HIT),
            ("miss", MISS),
            ("near miss", NEAR_MISS),
            ("hostile", HOSTILE),
        ] {
            group.bench_function(name, |bencher| {
                bencher.iter(|| find(&table, black_box(raw), &headers));
            });
        }
        group.finish();
    }
}

fn readings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("readings");
    let refused = format!("/{}", "%2541;/.a".repeat(800));
    for (name, raw) in [
        ("plain", "/service7/users/42/delete7"),
        ("trailing slash", "/service7/users/42/"),
        ("asset", "/static/app.4f3a9c.min.js"),
        ("package", "/@scope%2fname"),
        ("hostile", HOSTILE),
        ("refused, 7 KiB", &refused),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                RequestPath::parse(black_box(raw), &Accept::default())
                    .map(|path| path.readings().count())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, matching, readings);
criterion_main!(benches);
