//! Rules about which routes a request belongs to.

mod absence;
mod ask;
mod bodies;
mod exceptions;

use super::*;
use crate::domain::{
    Exception, Field, HostPattern, Method, PathPattern, Requirement, ValueTest, WholeRegex,
};
use ask::{Ask, FORM, ask, exception, matcher, route, table};
use http::header::HeaderName;

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
        "/users//delete",
        "/users/%2f/delete",
        "/users/;x/delete",
        "/user%73//delete/",
    ] {
        assert!(ask(Method::Post, target).applies(&table), "{target}");
    }
    for target in [
        "/users/42/undelete",
        "/users/delete",
        "/users//",
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
    for target in [
        "/users/1?_method=delete",
        // To whoever splits the target there.
        "/users/1;_method=delete",
        "/users/1%3F_method=delete",
        "/users/1;x?y&_method=delete",
    ] {
        let posted = ask(Method::Post, target).header("content-type", "text/plain");
        assert!(posted.applies(&table), "{target}");
    }
    assert!(!ask(Method::Get, "/users/1;_methods=delete").applies(&table));
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
fn a_request_that_names_no_host_may_be_for_any() {
    let mut limited = matcher(&[], "/a");
    limited.host = Some(HostPattern::Exact("other.example.com".to_owned()));
    let limited = table(vec![limited]);
    assert!(!ask(Method::Get, "/a").applies(&limited));
    assert!(ask(Method::Get, "/a").host("").applies(&limited));
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
