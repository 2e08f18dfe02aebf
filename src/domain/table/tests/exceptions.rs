//! Exceptions, which must hold under everything that a request can mean.

use super::ask::{FORM, ask, exception, matcher, table};
use crate::domain::{Exception, Method, MethodSet, ValueTest};

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
