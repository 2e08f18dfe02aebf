//! Which requests are logins and logouts, and which answers say that they succeeded.

use super::*;
use crate::domain::{Accept, Field, Method, MethodSet, Naming, RequestPath, ValueTest};
use http::{HeaderMap, header};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

fn form(name: &str) -> Field {
    Field::Form(name.to_owned())
}

fn json(pointer: &str) -> Field {
    Field::Json(pointer.to_owned())
}

fn query(name: &str) -> Field {
    Field::Query(name.to_owned())
}

fn equals(text: &str) -> ValueTest {
    ValueTest::Equals(text.to_owned())
}

fn watched(method: Method, path: &str, tests: &[(Field, ValueTest)]) -> Watched {
    Watched::new(MethodSet::EMPTY.with(method), path, tests.to_vec()).unwrap()
}

fn login(path: &str, subject: Field, tests: &[(Field, ValueTest)]) -> Arc<LoginRoute> {
    Arc::new(LoginRoute {
        request: watched(Method::Post, path, tests),
        naming: Naming::default(),
        subject: SubjectSource::Request(subject),
        success: vec![Sign::Status(vec![302])],
    })
}

/// A login at `/login` whose subject is a field of a form.
fn usual() -> Learn {
    Learn {
        logins: vec![login("/login", form("user"), &[])],
        logouts: vec![],
    }
}

struct Sent<'r> {
    method: Method,
    target: &'r str,
    kind: &'static str,
    /// `None` if it was not read.
    body: Option<&'r str>,
}

fn post<'r>(target: &'r str, kind: &'static str, body: &'r str) -> Sent<'r> {
    Sent {
        method: Method::Post,
        target,
        kind,
        body: Some(body),
    }
}

fn with_head<T>(sent: &Sent<'_>, headers: &HeaderMap, ask: impl Fn(&RequestHead<'_>) -> T) -> T {
    let (path, query) = sent.target.split_once('?').unwrap_or((sent.target, ""));
    let path = RequestPath::parse(path, &Accept::default()).unwrap();
    ask(&RequestHead::new(sent.method, &path, Some(query), headers))
}

/// What a request turns out to be, with whom it names.
fn found(learn: &Learn, sent: &Sent<'_>) -> String {
    found_with(learn, sent, "lang=en")
}

fn found_with(learn: &Learn, sent: &Sent<'_>, cookies: &str) -> String {
    let headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, sent.kind.parse().unwrap()),
        (header::COOKIE, cookies.parse().unwrap()),
    ]);
    let body = sent
        .body
        .map(|body| Body::read_or_opaque(&headers, body.as_bytes()));
    with_head(sent, &headers, |head| {
        match learn.candidates(head).settle(head, body.as_ref()) {
            Found::Login(attempts) => {
                let names = attempts.iter().map(|one| match &one.typed {
                    Some(subject) => subject.as_str().to_owned(),
                    None => "nobody".to_owned(),
                });
                format!("login of {}", names.collect::<Vec<_>>().join(" or "))
            }
            Found::Logout => "logout".to_owned(),
            Found::Nothing => "nothing".to_owned(),
            Found::Unclear(_) => "unclear".to_owned(),
        }
    })
}

#[test]
fn of_two_fields_of_a_form_one_may_be_asked_to_be_absent() {
    let absent = [(form("username"), ValueTest::Absent)];
    let learn = Learn {
        logins: vec![login("/login", form("user_name"), &absent)],
        logouts: vec![],
    };
    let of = |body| found(&learn, &post("/login", FORM, body));
    assert_eq!(of("user_name=alice&password=x"), "login of alice");
    assert_ne!(
        of("user_name=alice&username=bob&password=x"),
        "login of alice"
    );
}

#[test]
fn a_subject_in_a_list_or_in_another_spelling_is_nobody() {
    for (pointer, document, name) in [
        (
            "/user",
            r#"{"user":"alice","password":"x","x":[1]}"#,
            "alice",
        ),
        (
            "/a/user",
            r#"{"a":{"user":"alice"},"password":"x"}"#,
            "alice",
        ),
        ("/user", r#"[{"user":"alice","password":"x"}]"#, "nobody"),
        ("/user", r#"{"user":["alice"],"password":"x"}"#, "nobody"),
        ("/user", r#"{"USER":"alice","password":"x"}"#, "nobody"),
        (
            "/user",
            r#"{"user":"alice","us_er":"bob","password":"x"}"#,
            "nobody",
        ),
        (
            "/user",
            r#"{"user":{"name":"alice"},"password":"x"}"#,
            "nobody",
        ),
        (
            "/a/user",
            r#"{"a":[{"user":"alice"}],"password":"x"}"#,
            "nobody",
        ),
        ("/a/0", r#"{"a":["alice"],"password":"x"}"#, "alice"),
        ("/a/00", r#"{"a":["alice"],"password":"x"}"#, "nobody"),
        ("/a/1", r#"{"a":["alice"],"password":"x"}"#, "nobody"),
        ("/a/0", r#"{"a":[["alice"]],"password":"x"}"#, "nobody"),
        ("/0/user", r#"[{"user":"alice","password":"x"}]"#, "nobody"),
        ("/user", r#"{"user":7,"password":"x"}"#, "7"),
        // Whoever is called so is not who the application finds by it.
        ("/user", r#"{"user":1e1,"password":"x"}"#, "nobody"),
        ("/user", r#"{"user":7.0,"password":"x"}"#, "nobody"),
        ("/user", r#"{"user":-7,"password":"x"}"#, "nobody"),
        (
            "/user",
            r#"{"user":9007199254740993,"password":"x"}"#,
            "nobody",
        ),
        ("/user", r#"{"user":true,"password":"x"}"#, "nobody"),
        ("/user", r#"{"user":null,"password":"x"}"#, "nobody"),
    ] {
        let learn = Learn {
            logins: vec![login("/login", json(pointer), &[])],
            logouts: vec![],
        };
        let told = found(&learn, &post("/login", JSON, document));
        assert_eq!(told, format!("login of {name}"), "{pointer} {document}");
    }
}

#[test]
fn only_a_request_that_is_plainly_a_login_may_be_believed_as_one() {
    let alice = "user=alice&password=x";
    for target in ["/login?next=/a", "/Login/"] {
        assert_eq!(
            found(&usual(), &post(target, FORM, alice)),
            "login of alice",
            "{target}"
        );
    }
    for target in [
        "/login?_method=GET",
        "/login;x",
        "/login.any",
        "/%6cogin",
        "/index.php/login",
    ] {
        assert_eq!(
            found(&usual(), &post(target, FORM, alice)),
            "unclear",
            "{target}"
        );
    }
    let get = |target| Sent {
        method: Method::Get,
        ..post(target, FORM, "")
    };
    assert_eq!(found(&usual(), &get("/login")), "nothing");
    assert_eq!(
        found(&usual(), &get("/login?_method=POST&password=x")),
        "unclear"
    );
}

#[test]
fn a_subject_that_the_request_names_twice_is_nobody() {
    let by_query = Learn {
        logins: vec![login("/login", query("user"), &[])],
        logouts: vec![],
    };
    for (learn, target, body, name) in [
        (usual(), "/login", "user=alice", "alice"),
        (usual(), "/login?user=alice", "user=bob", "nobody"),
        (usual(), "/login?user=alice", "a=b", "nobody"),
        (usual(), "/login", "user=alice&USER=bob", "nobody"),
        (usual(), "/login", "user=alice&user[]=bob", "nobody"),
        (by_query.clone(), "/login?user=alice", "a=b", "alice"),
        (by_query.clone(), "/login?user=alice", "user=bob", "nobody"),
        (
            by_query.clone(),
            "/login?user=alice",
            "USER[]=bob",
            "nobody",
        ),
        (by_query, "/login", "user=bob", "nobody"),
    ] {
        let body = format!("{body}&password=x");
        let told = found(&learn, &post(target, FORM, &body));
        assert_eq!(told, format!("login of {name}"), "{target} {body}");
    }
}

#[test]
fn nobody_logs_in_without_a_password_unless_the_settings_say_how() {
    for (body, told) in [
        ("user=alice&password=x", "login of alice"),
        ("user=alice&login[passwd]=x", "login of alice"),
        ("user=alice&pin=1234", "login of alice"),
        ("user=alice&password=", "nothing"),
        ("user=alice&name=Alice", "nothing"),
        ("user=alice&csrf_token=x", "nothing"),
    ] {
        assert_eq!(found(&usual(), &post("/login", FORM, body)), told, "{body}");
    }
    // One that could not be read, or stands where only some applications look, may hold one.
    let unread = Sent {
        body: None,
        ..post("/login", FORM, "")
    };
    assert_eq!(found(&usual(), &unread), "unclear");
    assert_eq!(
        found(&usual(), &post("/login", "text/plain", "user=alice")),
        "unclear"
    );
    assert_eq!(
        found(&usual(), &post("/login?password=x", FORM, "user=alice")),
        "unclear"
    );
    let by_code = Learn {
        logins: vec![login(
            "/login",
            form("user"),
            &[(form("code"), ValueTest::Present)],
        )],
        logouts: vec![],
    };
    assert_eq!(
        found(&by_code, &post("/login", FORM, "user=alice&code=1")),
        "login of alice"
    );
    assert_eq!(
        found(&by_code, &post("/login", FORM, "user=alice&password=1")),
        "nothing"
    );
}

#[test]
fn a_login_by_another_method_or_by_cookies_is_unclear() {
    let secret = "user=alice&password=x";
    for (method, target, body, told) in [
        (Method::Get, "/login?user=alice&password=x", "", "unclear"),
        (Method::Get, "/login?user=alice&%70assword=x", "", "unclear"),
        (Method::Get, "/login?user=alice", "", "nothing"),
        (Method::Get, "/login?next=/a&csrf_token=x", "", "nothing"),
        (Method::Put, "/login", secret, "unclear"),
        (Method::Patch, "/login", "user=alice", "nothing"),
        (
            Method::Get,
            "/elsewhere?user=alice&password=x",
            "",
            "nothing",
        ),
    ] {
        let sent = Sent {
            method,
            ..post(target, FORM, body)
        };
        assert_eq!(found(&usual(), &sent), told, "{method:?} {target} {body}");
    }
    for (cookies, body, told) in [
        ("user=alice; password=x", "", "unclear"),
        ("password=x", "user=alice", "unclear"),
        ("USER[]=alice; pass_word=y; my_password=x", "", "unclear"),
        ("password=x", "", "nothing"),
        ("user=alice", "", "nothing"),
        (
            "user=alice; lang=de",
            "user=bob&password=x",
            "login of nobody",
        ),
        (
            "USER=bob; user=alice",
            "user=bob&password=x",
            "login of nobody",
        ),
        ("user=al%69ce", "user=bob&password=x", "login of nobody"),
        (
            "user=BOB; users=alice",
            "user=bob&password=x",
            "login of bob",
        ),
    ] {
        let sent = post("/login", FORM, body);
        let told_now = found_with(&usual(), &sent, cookies);
        assert_eq!(told_now, told, "{cookies} {body}");
    }
}

#[test]
fn the_page_of_a_login_has_its_path_and_query() {
    let asks = |route: &LoginRoute, target: &str| {
        let sent = Sent {
            method: Method::Get,
            ..post(target, FORM, "")
        };
        let headers = HeaderMap::new();
        with_head(&sent, &headers, |head| route.request.is_sent_from(head))
    };
    let by_path = login("/login", form("user"), &[]);
    let by_secret = login(
        "/login",
        form("user"),
        &[(form("pass"), ValueTest::Present)],
    );
    for route in [by_path, by_secret] {
        assert!(asks(&route, "/login") && asks(&route, "/login?next=/a"));
        assert!(!asks(&route, "/login/x") && !asks(&route, "/"));
    }
    let by_query = login(
        "/index.php",
        form("user"),
        &[(query("do"), equals("login"))],
    );
    assert!(asks(&by_query, "/index.php?lang=de&do=login"));
    for page in [
        "",
        "?do=home",
        "?do=login&do=home",
        "?DO=login",
        "?do[]=login",
    ] {
        assert!(!asks(&by_query, &format!("/index.php{page}")), "{page}");
    }
    for test in [equals("login"), ValueTest::Present] {
        let by_form = login("/index.php", form("user"), &[(form("task"), test)]);
        assert!(!asks(&by_form, "/index.php"));
    }
}

#[test]
fn a_login_needs_all_that_the_settings_ask_for() {
    let by_query = login(
        "/index.php",
        form("user"),
        &[(query("do"), equals("login"))],
    );
    let by_form = login(
        "/index.php",
        form("user"),
        &[(form("task"), equals("login"))],
    );
    let secret = "user=alice&password=x";
    for (route, target, body, told) in [
        (&by_query, "/index.php?do=login", "", "login of alice"),
        (&by_query, "/index.php?do=search", "", "nothing"),
        (&by_query, "/index.php", "", "nothing"),
        // Some applications take a parameter from either place, the first or the last one.
        (&by_query, "/index.php", "&do=login", "unclear"),
        (&by_query, "/index.php?do=login&do=search", "", "unclear"),
        (&by_query, "/index.php?do=search&DO=login", "", "unclear"),
        (&by_query, "/index.php?do=login", "&do=search", "unclear"),
        (&by_form, "/index.php", "&task=login", "login of alice"),
        (&by_form, "/index.php", "&task=save", "nothing"),
        (&by_form, "/index.php?task=save", "&task=login", "unclear"),
        (&by_form, "/index.php?task=login", "&task=save", "unclear"),
        (&by_form, "/index.php?task=login", "", "unclear"),
    ] {
        let learn = Learn {
            logins: vec![Arc::clone(route)],
            logouts: vec![],
        };
        let body = format!("{secret}{body}");
        assert_eq!(
            found(&learn, &post(target, FORM, &body)),
            told,
            "{target} {body}"
        );
    }
}

#[test]
fn nobody_logs_in_by_a_passive_request() {
    let learn = Learn {
        logins: vec![login("/session", json("/user"), &[])],
        logouts: vec![],
    };
    for (body, told) in [
        (r#"{"user":"alice","password":"x"}"#, "login of alice"),
        (
            r#"{"user":"alice","password":"x","passive":false}"#,
            "login of alice",
        ),
        (r#"{"user":"alice","passive":true}"#, "nothing"),
        // With a password, an application may look at either.
        (
            r#"{"user":"alice","password":"x","passive":true}"#,
            "unclear",
        ),
        (
            r#"{"user":"alice","password":"x","IsPassive":1}"#,
            "unclear",
        ),
        (
            r#"{"user":"alice","password":"x","prompt":"none"}"#,
            "unclear",
        ),
    ] {
        assert_eq!(found(&learn, &post("/session", JSON, body)), told, "{body}");
    }
    let silent = post(
        "/session?silent=true",
        JSON,
        r#"{"user":"alice","password":"x"}"#,
    );
    assert_eq!(found(&learn, &silent), "unclear");
    let declared = Learn {
        logins: vec![login(
            "/session",
            json("/user"),
            &[(json("/auto"), ValueTest::Absent)],
        )],
        logouts: vec![],
    };
    let auto = r#"{"user":"alice","password":"x","auto":1}"#;
    assert_eq!(found(&declared, &post("/session", JSON, auto)), "nothing");
}

#[test]
fn what_stands_beyond_the_limits_of_parsers_names_nobody() {
    let fields = |count: usize| "a=1&".repeat(count) + "user=alice&password=x";
    assert_eq!(
        found(&usual(), &post("/login", FORM, &fields(90))),
        "login of alice"
    );
    for count in [100, 1100] {
        assert_eq!(
            found(&usual(), &post("/login", FORM, &fields(count))),
            "unclear"
        );
    }
    let target = "/login?".to_owned() + &"a=1&".repeat(100);
    assert_eq!(
        found(&usual(), &post(&target, FORM, "user=alice&password=x")),
        "unclear"
    );
    // Nor is it a reason to take a login for nothing.
    let late = "a=1&".repeat(1000) + "passive=1&user=alice";
    assert_eq!(found(&usual(), &post("/login", FORM, &late)), "unclear");
}

#[test]
fn several_entries_may_share_a_path() {
    let learn = Learn {
        logins: vec![
            login("/do", form("user"), &[(form("task"), equals("login"))]),
            login("/do", form("mail"), &[(form("task"), equals("join"))]),
            login("/do", form("name"), &[(form("task"), equals("login"))]),
        ],
        logouts: vec![Arc::new(watched(
            Method::Post,
            "/do",
            &[(form("task"), equals("logout"))],
        ))],
    };
    for (body, told) in [
        ("task=join&mail=alice&password=x", "login of alice"),
        (
            "task=login&user=alice&name=bob&password=x",
            "login of alice or bob",
        ),
        ("task=logout", "logout"),
        ("task=save&password=x", "nothing"),
        ("task=logout&task=login&user=alice&password=x", "unclear"),
    ] {
        assert_eq!(found(&learn, &post("/do", FORM, body)), told, "{body}");
    }
}

#[test]
fn the_cookie_of_an_answer_names_the_user_if_it_is_set_once() {
    let route = LoginRoute {
        subject: SubjectSource::ResponseCookie("who".to_owned()),
        ..Arc::unwrap_or_clone(login("/login", form("user"), &[]))
    };
    let named = |lines: &[&'static str]| {
        let lines = lines.iter().map(|line| {
            let line = http::HeaderValue::from_static(line);
            (header::SET_COOKIE, line)
        });
        let subject = route.subject_in_response(&lines.collect::<HeaderMap>(), None);
        subject.map(|subject| subject.as_str().to_owned())
    };
    for (lines, name) in [
        (&["sid=1", "who=Alice; Path=/"][..], Some("alice")),
        (&["who=alice%40example.test"], Some("alice@example.test")),
        (&["who=\"alice@example.test\""], Some("alice@example.test")),
        (&["sid=1", "whoever=alice"], None),
        (&["who=alice", "who=bob"], None),
        (&["who=alice; Max-Age=0"], None),
        (&["who=%ff"], None),
        // Of people whose names are written so, where nothing is escaped.
        (&["who=al%69ce"], None),
        (&["who=50%"], None),
        (&["who=a%zzlice"], None),
    ] {
        assert_eq!(named(lines).as_deref(), name, "{lines:?}");
    }
}
