//! Absence, which a match finds wherever some application does not see a name.

use super::ask::{Ask, FORM, ask, matcher, table};
use crate::domain::table::RouteTable;
use crate::domain::{BodyMatcher, Method, ValueTest};
use http::HeaderName;

const JSON: &str = "application/json";

fn equals(value: &str) -> ValueTest {
    ValueTest::Equals(value.to_owned())
}

/// Asks for a deletion that is no dry run, in fields of a body.
fn in_body(field: impl Fn(&str, ValueTest) -> BodyMatcher) -> RouteTable {
    let mut deletes = matcher(&[], "/a");
    deletes.body = vec![
        field("do", equals("delete")),
        field("dry", ValueTest::Absent),
    ];
    table(vec![deletes])
}

fn by_form() -> RouteTable {
    in_body(|name, test| BodyMatcher::Form(name.to_owned(), test))
}

fn by_json() -> RouteTable {
    in_body(|name, test| BodyMatcher::Json(format!("/{name}"), test))
}

fn by_query() -> RouteTable {
    let mut deletes = matcher(&[], "/a");
    deletes.query = vec![
        ("do".to_owned(), equals("delete")),
        ("dry".to_owned(), ValueTest::Absent),
    ];
    table(vec![deletes])
}

fn post(kind: &'static str, body: &'static str) -> Ask {
    ask(Method::Post, "/a").body(kind, body)
}

#[test]
fn a_loose_spelling_in_a_query_leaves_the_name_absent() {
    let table = by_query();
    for target in ["/a?do=delete&dry=1", "/a?dry=yes&do=delete", "/a?do=show"] {
        assert!(!ask(Method::Get, target).applies(&table), "{target}");
    }
    for target in [
        "/a?do=delete",
        "/a?do=delete&DRY=1",
        "/a?do=delete&dry[]=1",
        "/a?do=delete&d%72y=1",
        "/a?do=delete&dry%00=1",
        "/a?do=delete&%20dry=1",
        "/a?do=delete;dry=1",
        "/a;x?do=delete&dry=1",
        "/a;dry=1?do=delete",
        "/a%3bx?do=delete&dry=1",
        "/a;do=delete",
        "/a?do=delete&x;dry=1",
        "/a?do=delete&dry=1;",
        "/a?do=delete&dry=1&dry=",
        "/a?do=delete&dry=1&Dry=0",
        "/a?do=delete&dry",
        "/a?do=delete&dry=",
        "/a?do=delete&dry=0",
        "/a?do=delete&dry=false",
        "/a?do=delete&dry=1&x=%26dry%3D",
    ] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
}

#[test]
fn a_loose_spelling_in_a_header_leaves_the_name_absent() {
    let name = HeaderName::from_static("x-dry-run");
    let mut deletes = matcher(&[], "/a");
    deletes.headers = vec![(name, ValueTest::Absent)];
    let table = table(vec![deletes]);
    let get = || ask(Method::Get, "/a");
    assert!(get().applies(&table));
    assert!(!get().header("x-dry-run", "1").applies(&table));
    for (name, value) in [
        ("x_dry_run", "1"),
        ("x-dry.run", "1"),
        ("x-dry-run", ""),
        ("x-dry-run", "0"),
        ("x-dry-run", "1, 0"),
    ] {
        assert!(get().header(name, value).applies(&table), "{name}: {value}");
    }
    let twice = get().header("x-dry-run", "1").header("x-dry-run", "1");
    assert!(twice.applies(&table));
}

#[test]
fn a_loose_spelling_in_a_form_leaves_the_name_absent() {
    let table = by_form();
    assert!(!post(FORM, "do=delete&dry=1").applies(&table));
    assert!(!post(FORM, "do=show").applies(&table));
    assert!(!post(FORM, "").applies(&table));
    for body in [
        "do=delete",
        "do=delete&DRY=1",
        "do=delete&dry[]=1",
        "do=delete&dry.=1",
        "do=delete&+dry=1",
        "do=delete&dry=1&dry=1",
        "do=delete&dry=1&dry[]=0",
        "do=delete&dry=",
        "do=delete&dry=off",
        "do=delete&dry",
    ] {
        assert!(post(FORM, body).applies(&table), "{body}");
    }
    let multipart = |head: &'static str| {
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"do\"\r\n\r\ndelete\r\n\
             --b\r\nContent-Disposition: form-data; name=\"dry\"{head}\r\n\r\n1\r\n--b--\r\n"
        );
        post("multipart/form-data; boundary=b", body.leak())
    };
    assert!(!multipart("").applies(&table));
    // A file is no field to PHP, and a part with a type may be none to others.
    assert!(multipart("; filename=\"x\"").applies(&table));
    assert!(multipart("\r\nContent-Type: text/plain").applies(&table));
}

#[test]
fn a_field_behind_what_applications_drop_is_absent() {
    let dummies = "a=1&".repeat(1_000);
    let body: &'static str = format!("do=delete&{dummies}dry=1").leak();
    assert!(post(FORM, body).applies(&by_form()));
    let target: &'static str = format!("/a?do=delete&{dummies}dry=1").leak();
    assert!(ask(Method::Get, target).applies(&by_query()));
    // What asks for the deletion counts wherever it stands.
    let body: &'static str = format!("{dummies}do=delete").leak();
    assert!(post(FORM, body).applies(&by_form()));
}

#[test]
fn a_loose_spelling_in_json_leaves_the_name_absent() {
    let table = by_json();
    for body in [
        r#"{"do":"delete","dry":1}"#,
        r#"{"do":"delete","dry":true}"#,
        r#"{"do":"delete","dry":["x"]}"#,
        r#"{"do":"delete","dry":{"a":0}}"#,
        r#"[{"do":"delete","dry":1},{"do":"show","dry":1}]"#,
        r#"{"do":"show"}"#,
        r#"{"do":"delete","\u0064ry":1}"#,
    ] {
        assert!(!post(JSON, body).applies(&table), "{body}");
    }
    for body in [
        r#"{"do":"delete"}"#,
        r#"{"do":"delete","DRY":1}"#,
        r#"{"do":"delete","d_ry":1}"#,
        r#"{"do":"delete","dry[]":1}"#,
        r#"{"do":"delete","dry ":1}"#,
        r#"{"do":"delete","dry\u0000":1}"#,
        r#"{"do":"delete","dry":1,"Dry":1}"#,
        r#"{"do":"delete","dry":null}"#,
        r#"{"do":"delete","dry":false}"#,
        r#"{"do":"delete","dry":0}"#,
        r#"{"do":"delete","dry":""}"#,
        r#"{"do":"delete","dry":[]}"#,
        r#"{"do":"delete","dry":[null]}"#,
        r#"{"do":"delete","dry":{}}"#,
        r#"{"do":"delete","x":{"dry":1}}"#,
        r#"[{"do":"delete"},{"dry":1}]"#,
        r#"[{"do":"delete","dry":1},{"do":"delete"}]"#,
        r#"[[{"do":"delete","dry":1}],{"do":"x"}]"#,
        r#"[{"do":"delete","dry":1},5]"#,
    ] {
        assert!(post(JSON, body).applies(&table), "{body}");
    }
}

#[test]
fn an_absence_below_a_number_needs_it_in_every_item() {
    let mut writes = matcher(&[], "/a");
    writes.body = vec![BodyMatcher::Json(
        "/list/1/dry".to_owned(),
        ValueTest::Absent,
    )];
    let table = table(vec![writes]);
    assert!(!post(JSON, r#"{"list":[{"dry":1},{"dry":1}]}"#).applies(&table));
    for body in [
        r#"{"list":[{"dry":1}]}"#,
        r#"{"list":[{"dry":1},{}]}"#,
        r#"{"list":[{},{"dry":1}]}"#,
        r#"{"list":{"1":{"dry":1},"2":{}}}"#,
        r#"{"list":[]}"#,
        r#"{"list":"x"}"#,
    ] {
        assert!(post(JSON, body).applies(&table), "{body}");
    }
}

#[test]
fn a_body_of_another_type_is_refused_and_an_empty_one_has_nothing() {
    let mut only_absent = matcher(&[], "/a");
    only_absent.body = vec![BodyMatcher::Json("/dry".to_owned(), ValueTest::Absent)];
    let table = table(vec![only_absent]);
    assert!(ask(Method::Post, "/a").applies(&table));
    for (kind, body) in [(FORM, "dry=1"), ("text/plain", r#"{"dry":1}"#), ("", "{}")] {
        assert!(post(kind, body).settle(&table).is_err(), "{kind}");
    }
}

#[test]
fn a_name_in_the_other_place_is_no_presence() {
    // What is asked for stands in the query; whoever reads that alone finds nothing else there.
    let form = by_form();
    for (target, body) in [
        ("/a?do=delete", "dry=1"),
        ("/a?do=delete", "do=delete&dry=1"),
        ("/a?dry=1", "do=delete"),
        ("/a?dry=", "do=delete&dry=1"),
        ("/a?DRY=0", "do=delete&dry=1"),
    ] {
        let sent = ask(Method::Post, target).body(FORM, body);
        assert!(sent.applies(&form), "{target} {body}");
    }
    let json = by_json();
    for (target, body) in [
        ("/a?do=delete", r#"{"dry":1}"#),
        ("/a?dry=0", r#"{"do":"delete","dry":1}"#),
        ("/a?dry=1", r#"{"do":"delete"}"#),
    ] {
        let sent = ask(Method::Post, target).body(JSON, body);
        assert!(sent.applies(&json), "{target} {body}");
    }
    // And the other way round, as CGI.pm does.
    let query = by_query();
    for (kind, body) in [
        (FORM, "do=delete"),
        (FORM, "do=delete&DRY=1"),
        (JSON, r#"{"do":"delete"}"#),
    ] {
        let sent = ask(Method::Post, "/a?dry=1").body(kind, body);
        assert!(sent.applies(&query), "{body}");
    }
    for body in ["dry=0", "dry=", "dry[]=1", "DRY=1"] {
        let sent = ask(Method::Post, "/a?do=delete&dry=1").body(FORM, body);
        assert!(sent.applies(&query), "{body}");
    }
    for (kind, body) in [(FORM, "a=b"), (JSON, r#"{"a":1}"#), (FORM, "do=show")] {
        let sent = ask(Method::Post, "/a?do=delete&dry=1").body(kind, body);
        assert!(!sent.applies(&query), "{body}");
    }
}
