//! Exceptions, which must hold under everything that a request can mean.

use super::ask::{FORM, ask, exception, matcher, table};
use crate::domain::table::RouteTable;
use crate::domain::{
    Exception, HostPattern, Method, MethodSet, PathPattern, ValueTest, WholeRegex,
};
use http::HeaderName;

/// A route for `/users` with one exception, which says only what `write` writes.
fn excepting(write: impl FnOnce(&mut Exception)) -> RouteTable {
    let mut users = matcher(&[], "/users");
    let mut excepted = Exception {
        path: None,
        ..exception("/")
    };
    write(&mut excepted);
    users.except = vec![excepted];
    table(vec![users])
}

fn equals(value: &str) -> ValueTest {
    ValueTest::Equals(value.to_owned())
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
            // ASP.NET joins both to `1,1`.
            (FORM, "dry=1&a=b"),
            (json, r#"{"dry":"1"}"#),
            (json, r#"[{"DRY":"1"}]"#),
        ] {
            assert!(dry().body(kind, other).applies(&equals), "{other}");
            let plain = ask(method, "/users").body(kind, other);
            assert!(plain.applies(&absent), "{other}");
        }
        for (kind, silent) in [(FORM, "a=b"), (json, r#"{"a":"dry"}"#), (FORM, "")] {
            assert!(!dry().body(kind, silent).applies(&equals), "{silent}");
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
fn an_exception_needs_the_plain_name_once() {
    let of = |test| excepting(|except| except.query = vec![("dry".to_owned(), test)]);
    let tables = [
        of(equals("1")),
        of(ValueTest::Present),
        of(ValueTest::Regex(WholeRegex::new("1.*").unwrap())),
    ];
    for target in ["/users?dry=1", "/users?a=b&dry=1&c=dry"] {
        for table in &tables {
            assert!(!ask(Method::Get, target).applies(table), "{target}");
        }
    }
    for target in [
        "/users?DRY=1",
        "/users?dry[]=1",
        "/users?dry%00=1",
        "/users?%20dry=1",
        "/users?+dry=1",
        "/users?d%72y=1",
        "/users?dry=1;x",
        "/users?a;dry=1",
        "/users?dry=1&dry=1",
        "/users?dry=1&Dry=1",
        "/users?dry=1&dry[]=0",
        "/users?dry=1&x=%26dry%3D0",
        "/users??dry=1",
        "/users?d%ry=1",
        "/users?dry=1&?dry=0",
        "/users?dry=%31",
        "/users?dry=1%00",
        "/users?dry",
        "/users?dry=",
        "/users?xdry=1",
    ] {
        for table in &tables {
            assert!(ask(Method::Get, target).applies(table), "{target}");
        }
    }
    // Whoever decodes a path before it is split finds another query in it.
    let rest = excepting(|except| except.query = vec![("dry".to_owned(), equals("1"))]);
    for target in [
        "/users%3fdry=0?dry=1",
        "/users;x?dry=1",
        "/users;?dry=1",
        "/users;dry=1",
        "/users%3bx?dry=1",
    ] {
        assert!(ask(Method::Get, target).applies(&rest), "{target}");
    }
    let plus = of(equals("1+"));
    assert!(ask(Method::Get, "/users?dry=1+").applies(&plus));
    assert!(!ask(Method::Get, "/users?dry=1%2B").applies(&plus));
}

#[test]
fn an_exception_does_not_hold_beside_a_cookie_of_its_name() {
    let dry = excepting(|except| except.query = vec![("dry".to_owned(), equals("1"))]);
    let absent = excepting(|except| except.query = vec![("dry".to_owned(), ValueTest::Absent)]);
    for cookie in [
        "dry=0",
        "a=b; dry=1",
        "dry[]=0",
        "DRY",
        "a=b,dry=0",
        "%64ry=0",
    ] {
        let sent = ask(Method::Get, "/users?dry=1").header("cookie", cookie);
        assert!(sent.applies(&dry), "{cookie}");
        let sent = ask(Method::Get, "/users").header("cookie", cookie);
        assert!(sent.applies(&absent), "{cookie}");
    }
    let sent = ask(Method::Get, "/users?dry=1").header("cookie", "sid=dry; dryer=1");
    assert!(!sent.applies(&dry));
}

#[test]
fn an_exception_by_absence_needs_that_nothing_is_like_the_name() {
    let absent = excepting(|except| except.query = vec![("go".to_owned(), ValueTest::Absent)]);
    for target in ["/users", "/users?a=go", "/users?gone=1"] {
        assert!(!ask(Method::Get, target).applies(&absent), "{target}");
    }
    for target in [
        "/users?go=1",
        "/users?go",
        "/users?GO=",
        "/users?go[x]=1",
        "/users?%67o=1",
        "/users?%2567o=1",
        "/users?x;go=1",
        "/users?x=%26go%3D1",
    ] {
        assert!(ask(Method::Get, target).applies(&absent), "{target}");
    }
    let name = HeaderName::from_static("x-go");
    let absent = excepting(|except| except.headers = vec![(name, ValueTest::Absent)]);
    assert!(!ask(Method::Get, "/users").applies(&absent));
    for name in ["x-go", "x_go", "x.go"] {
        let sent = ask(Method::Get, "/users").header(name, "");
        assert!(sent.applies(&absent), "{name}");
    }
}

#[test]
fn an_exception_by_header_needs_one_plain_line() {
    let name = HeaderName::from_static("x-dry-run");
    let dry = excepting(|except| except.headers = vec![(name, equals("1"))]);
    let get = || ask(Method::Get, "/users");
    assert!(!get().header("x-dry-run", "1").applies(&dry));
    assert!(get().header("x_dry_run", "1").applies(&dry));
    assert!(get().header("x-dry.run", "1").applies(&dry));
    assert!(get().header("x-dry-run", "1, 0").applies(&dry));
    assert!(get().header("x-dry-run", "1,1").applies(&dry));
    for second in ["x-dry-run", "x_dry_run"] {
        let twice = get().header("x-dry-run", "1").header(second, "1");
        assert!(twice.applies(&dry), "{second}");
    }
}

#[test]
fn an_exception_by_host_needs_its_own_spelling() {
    for host in [
        HostPattern::Exact("app.example.com".to_owned()),
        HostPattern::Suffix(".example.com".to_owned()),
    ] {
        let open = excepting(|except| except.host = Some(host));
        let asked = |host| ask(Method::Get, "/users").header("host", host);
        for host in ["app.example.com", "app.example.com:8080"] {
            assert!(!asked(host).applies(&open), "{host}");
        }
        for host in ["App.example.com", "app.example.com.", "app.example.com.:80"] {
            assert!(asked(host).applies(&open), "{host}");
        }
        assert!(ask(Method::Get, "/users").host("").applies(&open));
    }
}

#[test]
fn an_exception_by_method_does_not_hold_beside_a_method_that_we_do_not_know() {
    let reads = excepting(|except| except.methods = MethodSet::EMPTY.with(Method::Post));
    let post = || ask(Method::Post, "/users");
    assert!(
        !post()
            .header("x-http-method-override", "POST")
            .applies(&reads)
    );
    for claimed in ["DELETE", "POST, PUT", "WIPE", "delete;x"] {
        let overridden = post().header("x-http-method-override", claimed);
        assert!(overridden.applies(&reads), "{claimed}");
    }
    assert!(ask(Method::Post, "/users?_method=WIPE").applies(&reads));
    assert!(post().body(FORM, "_METHOD[]=WIPE").applies(&reads));
    assert!(
        post()
            .body("application/json", r#"[{"_method":"put"}]"#)
            .applies(&reads)
    );
}

#[test]
fn an_exception_for_a_script_holds_for_the_script_alone() {
    let mut all = matcher(&[], "/{rest...}");
    all.except = vec![exception("/index.php")];
    let table = table(vec![all]);
    assert!(!ask(Method::Get, "/index.php").applies(&table));
    for target in [
        "/",
        "/index",
        "/index.php/",
        "/index.php/admin",
        "/index.php;x",
        "/index.php.",
        "/Index.php",
        "/index.ph%70",
        "//index.php",
    ] {
        assert!(ask(Method::Get, target).applies(&table), "{target}");
    }
    let mut by_regex = matcher(&[], "/{rest...}");
    let regex = PathPattern::Regex(WholeRegex::new(r"/index\.php").unwrap());
    by_regex.except = vec![Exception {
        path: Some(regex),
        ..exception("/")
    }];
    // An expression says nothing of what an application makes of the words it matches.
    let table = super::table(vec![by_regex]);
    assert!(ask(Method::Get, "/index.php").applies(&table));
}

#[test]
fn explain_says_what_of_an_exception_does_not_hold() {
    let mut users = matcher(&[], "/users/{rest...}");
    let dry = || vec![("dry".to_owned(), equals("1"))];
    users.except = vec![
        exception("/users/me"),
        Exception {
            query: dry(),
            path: None,
            ..exception("/")
        },
        Exception {
            methods: MethodSet::EMPTY.with(Method::Put),
            ..exception("/users/me")
        },
    ];
    let table = table(vec![users]);
    let asked = ask(Method::Post, "/users/me/?DRY=1");
    let told = asked.told(&table);
    assert_eq!(
        told.get(1..).unwrap(),
        [
            "exception 1 does not hold: the path may be read as `/users/me/`",
            "exception 2 does not hold: its query `dry` is not there as asked, or not once and plainly",
            "exception 3 does not hold: the request claims a method that it does not except",
        ]
    );
    let both = ask(Method::Post, "/users/me/?dry=1").body(FORM, "dry=1");
    let told = both.told(&table);
    assert!(
        told.iter()
            .any(|part| part.ends_with("a field of the body is named like its query `dry`"))
    );
    let holds = ask(Method::Get, "/users/me").told(&table);
    assert!(holds.contains(&"exception 1 holds".to_owned()), "{holds:?}");
}
