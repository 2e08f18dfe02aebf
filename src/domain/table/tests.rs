//! Rules about which routes a request belongs to.

use super::*;
use crate::domain::{
    Accept, Action, Alternatives, Binding, Body, BodyMatcher, BodyRefusal, Enforcement, Exception,
    Factor, Field, HostPattern, Matcher, Method, MethodSet, PathPattern, RequestPath, Requirement,
    RiskLevel, Scope, ValueTest, WholeRegex, claimed_methods,
};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";

fn matcher(methods: &[Method], path: &str) -> Matcher {
    Matcher {
        methods: methods.iter().copied().collect(),
        path: PathPattern::Template(path.to_owned()),
        reading: Reading::Every,
        host: None,
        query: vec![],
        headers: vec![],
        body: vec![],
        except: vec![],
    }
}

fn exception(path: &str) -> Exception {
    Exception {
        methods: MethodSet::EMPTY,
        path: Some(PathPattern::Template(path.to_owned())),
        host: None,
        query: vec![],
        headers: vec![],
    }
}

fn route(id: &str, matcher: Matcher) -> Route {
    let requirement = Requirement {
        action: Action::new("a"),
        title: String::new(),
        level: RiskLevel::High,
        factors: Alternatives::any_of(&[Factor::Password]).unwrap(),
        factors_narrowed: false,
        max_age: Duration::from_mins(1),
        scope: Scope::Action,
        single_use: false,
        bind: Binding::Nothing,
        show: vec![],
        confirm: None,
        anchor: None,
        enforcement: Enforcement::Enforce,
    };
    Route {
        id: RouteId::new(id),
        matcher,
        requirement: Arc::new(requirement),
    }
}

fn table(matchers: Vec<Matcher>) -> RouteTable {
    let routes = matchers
        .into_iter()
        .enumerate()
        .map(|(i, m)| route(&i.to_string(), m));
    RouteTable::new(routes.collect(), DefaultAction::Forward).unwrap()
}

/// A request, put before a table.
struct Ask {
    method: Method,
    target: &'static str,
    headers: HeaderMap,
    body: &'static str,
}

fn ask(method: Method, target: &'static str) -> Ask {
    Ask {
        method,
        target,
        headers: HeaderMap::new(),
        body: "",
    }
}

impl Ask {
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
        self
    }

    fn body(mut self, content_type: &'static str, body: &'static str) -> Self {
        self.headers
            .append(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = body;
        self
    }

    fn with<T>(&self, then: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let (path, query) = self
            .target
            .split_once('?')
            .map_or((self.target, None), |(p, q)| (p, Some(q)));
        let path = RequestPath::parse(path, &Accept::default()).unwrap();
        let claimed = claimed_methods(self.method, &self.headers, query);
        then(&RequestHead {
            method: self.method,
            claimed,
            host: "app.example.com",
            path: &path,
            query,
            headers: &self.headers,
        })
    }

    /// The matches, the body read if asked for; what explains says must agree.
    fn settle(&self, table: &RouteTable) -> Result<Vec<Match>, BodyRefusal> {
        self.with(|head| {
            let found = table.find(head);
            if !found.awaits_body() {
                return Ok(found.matches().to_vec());
            }
            let body = Body::read(head.headers, self.body.as_bytes())?;
            let settled = found.settle(head, &body)?;
            let explained = table.explain(head, Some(&body));
            let holding = explained
                .iter()
                .filter(|e| e.verdict == Verdict::Holds)
                .count();
            assert_eq!(holding, settled.len());
            Ok(settled)
        })
    }

    fn applies(&self, table: &RouteTable) -> bool {
        !self.settle(table).unwrap().is_empty()
    }

    fn awaits_body(&self, table: &RouteTable) -> bool {
        self.with(|head| table.find(head).awaits_body())
    }
}

#[test]
fn a_guarded_route_is_guarded_under_every_reading() {
    let table = table(vec![matcher(&[Method::Post], "/users/{id}/delete")]);
    for target in [
        "/users/42/delete",
        "/USERS/42/Delete",
        "/users/42/delete/",
        "//users///42/delete",
        "/users/42/delete.json",
        "/users/42/delete;v=1",
        "/users;a/42;b/delete",
        "/users/42/%64elete",
        "/users/42/%2564elete",
        "/users%2f42%2Fdelete",
        "/users%252f42/delete",
        "/users/a%2fb/delete",
        "/users/42/delete.",
        "/users/42/delete%20",
        "/users/42/delete::$DATA",
        "/users./42/delete",
        "/users/42/delete.php/x",
        "/users/42/delete%3fx",
        "/u%C5%BFers/4/delete",
    ] {
        assert!(ask(Method::Post, target).applies(&table), "{target}");
    }
    for target in [
        "/users/42/undelete",
        "/users/delete",
        "/users/42/delete/x",
        "/",
    ] {
        assert!(!ask(Method::Post, target).applies(&table), "{target}");
    }
}

#[test]
fn a_regex_covers_the_whole_path_of_any_reading() {
    let mut regex = matcher(&[], "/");
    regex.path = PathPattern::Regex(WholeRegex::new(r"/wp-admin/(?P<page>\w+)\.php").unwrap());
    let table = table(vec![regex, matcher(&[], "/other")]);
    for target in [
        "/wp-admin/users.php",
        "/WP-admin//users.php",
        "/wp-admin/users.php/",
        "/wp-admin/users.ph%70",
    ] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
    assert!(!ask(Method::Get, "/x/wp-admin/users.php").applies(&table));
    let matches = ask(Method::Get, "/wp-admin/users.php")
        .settle(&table)
        .unwrap();
    assert_eq!(
        matches[0].captures.values("page").collect::<Vec<_>>(),
        ["users"]
    );
}

#[test]
fn literal_takes_the_bytes_as_they_came() {
    let mut literal = matcher(&[], "/users/{id}");
    literal.reading = Reading::Literal;
    let mut regex = matcher(&[], "/");
    regex.path = PathPattern::Regex(WholeRegex::new("/users/[0-9]+").unwrap());
    regex.reading = Reading::Literal;
    for table in [table(vec![literal]), table(vec![regex])] {
        assert!(ask(Method::Get, "/users/42").applies(&table));
        for target in ["/Users/42", "/users/42/", "/users//42", "/%75sers/42"] {
            assert!(!ask(Method::Get, target).applies(&table), "{target}");
        }
    }
}

#[test]
fn every_claimed_method_matches() {
    let table = table(vec![matcher(&[Method::Delete], "/users/{id}")]);
    assert!(ask(Method::Delete, "/users/1").applies(&table));
    assert!(ask(Method::Post, "/users/1?_method=delete").applies(&table));
    assert!(
        ask(Method::Get, "/users/1")
            .header("x-http-method-override", "DELETE")
            .applies(&table)
    );
    assert!(!ask(Method::Get, "/users/1").applies(&table));
    assert!(!ask(Method::Options, "/users/1").applies(&table));
}

#[test]
fn head_matches_get_and_options_matches_a_route_without_methods() {
    let get = table(vec![matcher(&[Method::Get], "/secret")]);
    assert!(ask(Method::Head, "/secret").applies(&get));
    assert!(ask(Method::Options, "/secret").applies(&table(vec![matcher(&[], "/secret")])));
}

#[test]
fn a_method_in_a_form_counts() {
    let table = table(vec![matcher(&[Method::Delete], "/users/{id}")]);
    assert!(
        ask(Method::Post, "/users/1")
            .body(FORM, "a=b&_method=delete")
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users/1")
            .body(FORM, "a=b")
            .applies(&table)
    );
    assert!(!ask(Method::Post, "/users/1").applies(&table));
    assert!(
        ask(Method::Post, "/users/1")
            .body("application/json", r#"{"_method":"delete"}"#)
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users/1")
            .body("application/json", r#"{"a":"delete"}"#)
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users/1")
            .body("text/plain", "_method=delete")
            .awaits_body(&table)
    );
    let doubled = ask(Method::Post, "/users/1")
        .body(FORM, "a=b")
        .body(FORM, "a=b");
    assert_eq!(
        doubled.settle(&table).unwrap_err(),
        BodyRefusal::DoubledContentType
    );
}

#[test]
fn a_parameter_counts_wherever_an_application_finds_it() {
    let wanted = || ValueTest::Equals("delete".to_owned());
    let mut by_form = matcher(&[Method::Post], "/admin");
    by_form.body = vec![BodyMatcher::Form("action".to_owned(), wanted())];
    let by_form = table(vec![by_form]);
    assert!(
        ask(Method::Post, "/admin?action=delete")
            .body(FORM, "action=view")
            .applies(&by_form)
    );
    assert!(ask(Method::Post, "/admin?action=delete").applies(&by_form));
    let mut by_json = matcher(&[Method::Post], "/admin");
    by_json.body = vec![BodyMatcher::Json("/action".to_owned(), wanted())];
    assert!(
        ask(Method::Post, "/admin?action=delete")
            .body("application/json", "{}")
            .applies(&table(vec![by_json]))
    );
    let mut by_query = matcher(&[Method::Post], "/admin");
    by_query.query = vec![("action".to_owned(), wanted())];
    let by_query = table(vec![by_query]);
    for (kind, body, applies) in [
        (FORM, "action=delete", true),
        (FORM, "action=view", false),
        ("application/json", r#"{"action":"delete"}"#, true),
        ("application/json", r#"{"x":{"action":"delete"}}"#, false),
    ] {
        let asked = ask(Method::Post, "/admin?x=1").body(kind, body);
        assert_eq!(asked.applies(&by_query), applies, "{body}");
    }
}

#[test]
fn every_value_of_a_query_and_a_header_counts() {
    let mut with_query = matcher(&[], "/a");
    with_query.query = vec![("confirm".to_owned(), ValueTest::Equals("1".to_owned()))];
    let with_query = table(vec![with_query]);
    for target in [
        "/a?confirm=1",
        "/a?confirm=0&confirm=1",
        "/a?%63onfirm=%31",
        "/a?x;confirm=1",
        "/a?Confirm[]=1",
    ] {
        assert!(ask(Method::Get, target).applies(&with_query), "{target}");
    }
    assert!(!ask(Method::Get, "/a?confirm=2").applies(&with_query));
    let mut with_header = matcher(&[], "/a");
    let name = HeaderName::from_static("x-api-version");
    with_header.headers = vec![(name, ValueTest::Equals("2".to_owned()))];
    let with_header = table(vec![with_header]);
    let twice = ask(Method::Get, "/a")
        .header("x-api-version", "1")
        .header("x-api-version", "2");
    assert!(twice.applies(&with_header));
    assert!(!ask(Method::Get, "/a").applies(&with_header));
}

#[test]
fn a_host_limits_a_route() {
    let on = |host: HostPattern| {
        let mut limited = matcher(&[], "/a");
        limited.host = Some(host);
        table(vec![limited])
    };
    let get = ask(Method::Get, "/a");
    assert!(get.applies(&on(HostPattern::Suffix(".example.com".to_owned()))));
    assert!(!get.applies(&on(HostPattern::Exact("example.com".to_owned()))));
}

#[test]
fn an_exception_holds_only_under_every_reading() {
    let mut users = matcher(&[], "/users/{rest...}");
    users.except = vec![exception("/users/me/draft"), exception("/users/{id}/view/")];
    let table = table(vec![users]);
    for target in ["/users/me/draft", "/users/42/view/"] {
        assert!(!ask(Method::Get, target).applies(&table), "{target}");
    }
    for target in [
        "/users/ME/draft",
        "/users/me/draft/",
        "/users//me/draft",
        "/users/me/draft;x",
        "/users/me/dra%66t",
        "/users/me%2fdraft",
        "/users/a%2fdelete/view/",
        "/users/42/view",
        "/users/me/draft.json",
    ] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
}

#[test]
fn an_exception_holds_only_for_every_claimed_method() {
    let mut users = matcher(&[], "/users");
    users.except = vec![Exception {
        methods: MethodSet::EMPTY.with(Method::Post),
        ..exception("/users")
    }];
    let table = table(vec![users]);
    assert!(
        !ask(Method::Post, "/users")
            .body("application/json", "{}")
            .applies(&table)
    );
    assert!(ask(Method::Get, "/users").applies(&table));
    assert!(ask(Method::Post, "/users?_method=delete").applies(&table));
    assert!(
        ask(Method::Post, "/users")
            .body(FORM, "_method=delete")
            .applies(&table)
    );
    assert!(
        !ask(Method::Post, "/users")
            .body(FORM, "a=b")
            .applies(&table)
    );
}

#[test]
fn an_exception_needs_every_value_of_its_query() {
    let mut users = matcher(&[], "/users");
    let dry = vec![("dry".to_owned(), ValueTest::Equals("1".to_owned()))];
    users.except = vec![Exception {
        query: dry,
        path: None,
        ..exception("/")
    }];
    let table = table(vec![users]);
    assert!(!ask(Method::Get, "/users?dry=1").applies(&table));
    for target in ["/users", "/users?dry=1&dry=0", "/users?dry=1&DRY=0"] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
}

#[test]
fn an_exception_by_query_does_not_hold_against_a_field_of_the_body() {
    let of = |test| {
        let mut users = matcher(&[], "/users");
        users.except = vec![Exception {
            query: vec![("dry".to_owned(), test)],
            path: None,
            ..exception("/")
        }];
        table(vec![users])
    };
    let equals = of(ValueTest::Equals("1".to_owned()));
    let absent = of(ValueTest::Absent);
    let json = "application/json";
    for method in [Method::Post, Method::Patch] {
        let dry = || ask(method, "/users?dry=1");
        for (kind, other) in [
            (FORM, "dry=0"),
            (FORM, "dry=1&DRY[]=0"),
            (json, r#"{"dry":0}"#),
            (json, r#"{"dry":[]}"#),
        ] {
            assert!(dry().body(kind, other).applies(&equals), "{other}");
            let plain = ask(method, "/users").body(kind, other);
            assert!(plain.applies(&absent), "{other}");
        }
        for (kind, agreeing) in [(FORM, "dry=1&a=b"), (json, r#"{"dry":"1"}"#), (FORM, "")] {
            assert!(!dry().body(kind, agreeing).applies(&equals), "{agreeing}");
        }
        // What is only in the body is not what the exception asks for.
        let elsewhere = ask(method, "/users").body(FORM, "dry=1");
        assert!(elsewhere.applies(&equals));
        assert!(!ask(method, "/users").body(FORM, "a=b").applies(&absent));
        // A body that cannot be read disputes everything.
        let broken = dry().body("application/json", "{");
        assert!(broken.settle(&equals).is_err());
    }
    assert!(!ask(Method::Get, "/users?dry=1").awaits_body(&equals));
}

#[test]
fn a_query_is_looked_for_in_bodies_of_every_method() {
    let mut deletes = matcher(&[], "/users");
    deletes.query = vec![("action".to_owned(), ValueTest::Equals("delete".to_owned()))];
    let table = table(vec![deletes]);
    for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
        let sent = |body| ask(method, "/users").body(FORM, body);
        assert!(sent("action=delete").applies(&table), "{method:?}");
        assert!(!sent("action=show").applies(&table), "{method:?}");
    }
}

#[test]
fn a_route_that_reads_the_body_waits_for_it_and_never_waves_through() {
    let mut admin = matcher(&[Method::Post], "/admin/{model}/");
    let is_delete = ValueTest::Equals("delete_selected".to_owned());
    admin.body = vec![BodyMatcher::Form("action".to_owned(), is_delete)];
    let table = table(vec![admin]);
    let post = || ask(Method::Post, "/admin/users/");
    assert!(
        post()
            .body(
                FORM,
                "action=delete_selected&_selected_action=1&_selected_action=2"
            )
            .applies(&table)
    );
    assert!(!post().body(FORM, "action=export").applies(&table));
    assert!(!post().applies(&table));
    let refusal = |ask: Ask| ask.settle(&table).unwrap_err();
    assert!(matches!(
        refusal(post().body("text/plain", "a")),
        BodyRefusal::OtherContentType { .. }
    ));
    assert!(matches!(
        refusal(post().body("application/json", "{}")),
        BodyRefusal::OtherContentType { .. }
    ));
    assert!(matches!(
        refusal(post().body(FORM, "a=%")),
        BodyRefusal::Unreadable(_)
    ));
    assert!(
        !ask(Method::Post, "/other")
            .body("text/plain", "a")
            .awaits_body(&table)
    );
}

#[test]
fn graphql_is_found_wherever_servers_look_for_it() {
    let mut graphql = matcher(&[], "/graphql");
    graphql.body = vec![BodyMatcher::GraphQl(vec!["deleteUser".to_owned()])];
    let table = table(vec![graphql]);
    let json = |body| ask(Method::Post, "/graphql").body("application/json", body);
    assert!(json(r#"{"query":"mutation { x: deleteUser(id: 1) }"}"#).applies(&table));
    assert!(json(r#"[{"query":"{ me }"},{"query":"mutation { deleteUser }"}]"#).applies(&table));
    assert!(ask(Method::Get, "/graphql?query=%7BdeleteUser%7D").applies(&table));
    assert!(
        ask(Method::Post, "/graphql")
            .body("application/graphql", "{deleteUser}")
            .applies(&table)
    );
    assert!(
        ask(Method::Post, "/graphql")
            .body(FORM, "query=%7BdeleteUser%7D")
            .applies(&table)
    );
    assert!(json(r#"{"query":"{ me }","Query":"{ deleteUser }"}"#).applies(&table));
    assert!(!json(r#"{"query":"{ me }"}"#).applies(&table));
    assert!(!ask(Method::Get, "/graphql?query=%7Bme+%7Bid%7D%7D").applies(&table));
    assert!(!ask(Method::Get, "/graphql").applies(&table));
    for unreadable in [
        r#"{"extensions":{}}"#,
        r#"{"query":5}"#,
        "5",
        r#"{"query":"{"}"#,
    ] {
        assert!(json(unreadable).settle(&table).is_err(), "{unreadable}");
    }
    assert!(
        ask(Method::Get, "/graphql?extensions=%7B%7D")
            .settle(&table)
            .is_err()
    );
}

#[test]
fn all_routes_that_match_are_found_once() {
    let table = table(vec![
        matcher(&[], "/users/{id}"),
        matcher(&[], "/users/{rest...}"),
        matcher(&[], "/users/42/"),
        matcher(&[], "/users/43"),
    ]);
    let matches = ask(Method::Get, "/users/42/").settle(&table).unwrap();
    let mut ids: Vec<_> = matches
        .iter()
        .map(|found| found.route.id.as_str())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["0", "1", "2"]);
}

#[test]
fn captures_hold_what_every_reading_holds() {
    let table = table(vec![matcher(&[], "/users/{id}")]);
    let of = |target| {
        let matches = ask(Method::Get, target).settle(&table).unwrap();
        matches[0]
            .captures
            .values("id")
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("/users/42"), ["42"]);
    assert_eq!(of("/users/42;43"), ["42;43", "42"]);
}

#[test]
fn a_table_with_mistakes_is_none() {
    let twice = vec![
        route("a", matcher(&[], "/a")),
        route("a", matcher(&[], "/b")),
    ];
    let error = |routes| RouteTable::new(routes, DefaultAction::Deny).unwrap_err();
    assert!(matches!(error(twice), TableError::DoubledId(_)));
    assert!(matches!(
        error(vec![route("a", matcher(&[], "a"))]),
        TableError::Template { .. }
    ));
    let mut empty = matcher(&[], "/a");
    empty.except = vec![Exception {
        path: None,
        ..exception("/")
    }];
    assert!(matches!(
        error(vec![route("a", empty)]),
        TableError::EmptyException(_)
    ));
}

#[test]
fn the_page_that_hosts_a_form_asks_for_what_the_form_will_need() {
    let mut form = route("form", matcher(&[Method::Post], "/users/{id}/password"));
    let mut requirement = Requirement::clone(&form.requirement);
    requirement.anchor = Some("/users/{id}/edit".to_owned());
    requirement.show = vec![
        ("user".to_owned(), Field::Path("id".to_owned())),
        ("name".to_owned(), Field::Form("name".to_owned())),
    ];
    form.requirement = Arc::new(requirement);
    let table = RouteTable::new(vec![form], DefaultAction::Forward).unwrap();
    let found = |asked: Ask| asked.settle(&table).unwrap();

    for method in [Method::Get, Method::Head] {
        let page = found(ask(method, "/users/5/edit"));
        assert_eq!(page.len(), 1);
        assert_eq!(page[0].route.id.as_str(), "form#anchor");
        let requirement = &page[0].route.requirement;
        assert_eq!(requirement.action.as_str(), "a");
        assert_eq!(requirement.show.len(), 1);
    }
    assert_eq!(found(ask(Method::Post, "/users/5/password")).len(), 1);
    // What is sent to the page is not the page, whatever a form's body claims to be.
    let sent = ask(Method::Post, "/users/5/edit").body(FORM, "_method=GET");
    assert_eq!(found(sent).len(), 0);
    assert_eq!(found(ask(Method::Get, "/users/5/password")).len(), 0);
}
