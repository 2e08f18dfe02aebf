//! What can never be reached, or never come true.

use super::{read, warnings, wrong};

#[test]
fn a_question_reaches_our_own_endpoints() {
    let tenant = r#"{ for: "/{tenant}/{rest...}", url: "/{tenant}/me", subject: { json: /name } }"#;
    let told = wrong(&format!("session: {{ whoami: {tenant} }}"));
    assert!(
        told.contains("stepgate.yaml:4:27: covers Stepgate's own endpoints below `/.stepup/`"),
        "{told}"
    );
    let other = "{ for: /x, url: /me, subject: { json: /name } }";
    let told = wrong(&format!("session: {{ whoami: [{other}, {tenant}] }}"));
    assert!(told.contains("stepgate.yaml:4:77: covers"), "{told}");
    let own = r#"{ for: "/.stepup/{rest...}", url: /me, subject: { json: /name } }"#;
    read(&format!("session: {{ whoami: [{own}, {tenant}] }}"));
    read(&format!(
        "prefix: /acme/.stepup/\nsession: {{ whoami: {tenant} }}"
    ));
    let told = warnings(&format!("session: {{ whoami: {other} }}"));
    assert!(
        told.contains("no question is for Stepgate's own endpoints"),
        "{told}"
    );
    let path = r#"cookies: [{ name: sid, path: "/u/{name}/" }]"#;
    let user = r#"{ for: "/u/{name}/{rest...}", url: "/u/{name}/me", subject: { json: /name } }"#;
    let told = warnings(&format!("session: {{ {path}, whoami: {user} }}"));
    assert!(!told.contains("no question"), "{told}");
}

/// A file with these entries of `logins` and `logouts`, one a line from line 8 on.
fn learned(logins: &[&str], logouts: &[&str]) -> String {
    let list = |entries: &[&str]| {
        let lines = entries
            .iter()
            .map(|entry| format!("      - {{ {entry} }}\n"));
        lines.collect::<String>()
    };
    let mut text = format!(
        "session:\n  cookies: sid\n  learn:\n    logins:\n{}",
        list(logins)
    );
    if !logouts.is_empty() {
        text.push_str("    logouts:\n");
        text.push_str(&list(logouts));
    }
    text
}

const FORM: &str = "subject: { form: user }, success: { location: /home }";
const ANSWER: &str = "success: { json: { /result/uid: present } }";

#[test]
fn a_request_that_excludes_itself_is_no_login() {
    for (entry, mistake) in [
        (
            "path: /l, form: { user: absent }",
            "8:54: the name of the user is never there",
        ),
        (
            "path: /l, query: { user: present }",
            "never there: `match` says otherwise of `query: user`",
        ),
        (
            "path: /l, query: { do: login }, form: { do: login }",
            "8:51: is never so together with `query: do`",
        ),
        (
            "match: { path: /l, query: { do: login }, form: { DO: absent } }",
            "8:60: is never so together",
        ),
        (
            "path: /l, form: { do: login }, json: { /do: login }",
            "8:42: a body cannot be read as form and as json at once",
        ),
        (
            "path: /l, json: { /do: login }",
            "is looked for in a form, and `match` asks for JSON",
        ),
        (
            "path: /l, graphql: { operation: login }",
            "name the argument: `subject: { graphql: /user }`",
        ),
        (
            "path: /l, methods: GET, graphql: { operation: login }",
            "`graphql` reads the body, and the methods named here have none",
        ),
        (
            "path: /.stepup/login",
            "8:17: lies below `/.stepup/`, which is Stepgate's own",
        ),
        ("match: { path: /.StepUp/x }", "8:26: lies below"),
    ] {
        let told = wrong(&learned(&[&format!("{entry}, {FORM}")], &[]));
        assert!(told.contains(mistake), "{entry}: {told}");
    }
    for (entry, mistake) in [
        (
            "path: /l, subject: { json: /a/user }, json: { /a: absent }",
            "the name of the user is never there",
        ),
        (
            "path: /l, subject: { json: /a/user }, json: { /a: present }",
            "the name of the user is never there",
        ),
        (
            "path: /l, subject: { json: /u }, json: { /a/b: x, /a: y }",
            "is never so together",
        ),
        (
            "path: /l, subject: { json: /u }, json: { /user_id: x, /userId: present }",
            "is never so together",
        ),
        (
            "path: /l, subject: { graphql: /user }",
            "is an argument of a GraphQL operation, and `match` names none",
        ),
        (
            "path: /l, subject: { graphql: /password }, graphql: { operation: login }",
            "named like a password",
        ),
        (
            "path: /l, subject: { graphql: user }, graphql: { operation: login }",
            "did you mean `/user`?",
        ),
        (
            "path: /l, subject: { graphql: /user }, graphql: { operation: a-b }",
            "is no GraphQL name",
        ),
    ] {
        let told = wrong(&learned(&[&format!("{entry}, {ANSWER}")], &[]));
        assert!(told.contains(mistake), "{entry}: {told}");
    }
    for right in [
        "path: /l, subject: { json: /params/user }, json: { /method: login, /params/passive: absent }",
        "path: /l, subject: { json: /params/0 }, json: { /method: login, /params/1: present }",
        "path: /l, subject: { form: user }, form: { user: present, pass: present, silent: absent }, query: { silent: absent }",
        "path: /l, subject: { graphql: /input/user }, graphql: { operation: [login, signIn] }",
        // A field that programs fill in and people do not see.
        "path: /l, subject: { form: user_name }, form: { user_name: present, username: absent, pass: present }",
    ] {
        let told = warnings(&learned(&[&format!("{right}, {ANSWER}")], &[]));
        assert!(!told.contains("stepgate.yaml:8"), "{right}: {told}");
    }
}

#[test]
fn a_success_that_never_comes_is_a_mistake() {
    let of = |rest: &str| learned(&[&format!("path: /l, {rest}")], &[]);
    let typed = "subject: { json: /user }";
    for (rest, mistake) in [
        (
            "success: { status: 204, json: { /a: present } }",
            "an answer with such a status has no body",
        ),
        (
            "success: { status: [204, 304], body: ^ok }",
            "an answer with such a status has no body",
        ),
        (
            "token: { json: /t }, success: { status: 204 }",
            "an answer with such a status has no body",
        ),
        (
            "token: { json: /data/t }, success: { json: { /data: absent } }",
            "`token` needs a value at or below `/data`",
        ),
        (
            "token: { json: /t }, success: { json: { /t: absent } }",
            "`token` needs a value at or below `/t`",
        ),
        (
            "success: { json: { /a: x, /a/b: present } }",
            "another sign needs a value at or below `/a`",
        ),
        (
            "success: { body: ^ok, not_body: ^ok }",
            "is what `body` must match: no answer is a success",
        ),
        ("success: { json: {} }", "nothing is tested here"),
        ("success: { json: { a: x } }", "`a` is not a JSON pointer"),
        ("success: { status: 999 }", "expected 200 to 599"),
    ] {
        let told = wrong(&of(&format!("{typed}, {rest}")));
        assert!(told.contains(mistake), "{rest}: {told}");
    }
    let told = wrong(&of(
        "subject: { response_json: /user }, success: { json: { /user: absent } }",
    ));
    assert!(told.contains("`subject` needs a value"), "{told}");
    for (rest, warning) in [
        (
            "success: { status: 200, location: /home }",
            "such a status seldom has a `Location`",
        ),
        (
            "success: { status: [200, 403], json: { /a: present } }",
            "an error counts as a success here",
        ),
        (
            "success: { status: 200, json: { /errors: absent } }",
            "nothing here is shown after the right password alone",
        ),
    ] {
        let told = warnings(&of(&format!("{typed}, {rest}")));
        assert!(told.contains(warning), "{rest}: {told}");
    }
    for right in [
        "success: { status: [200, 204], json: { /a: present, /a/b: x, /error: absent } }",
        "success: { status: [301, 302], location: /home }",
        "token: { json: /t }, success: { json: { /error: absent } }",
    ] {
        let told = warnings(&of(&format!("{typed}, {right}")));
        assert!(!told.contains("stepgate.yaml:8"), "{right}: {told}");
    }
}

#[test]
fn an_entry_that_another_makes_needless_is_told() {
    let form = format!("path: /login, {FORM}");
    let mail = "path: /login, subject: { form: email }, success: { location: /home }";
    let told = warnings(&learned(&[&form, &form], &[]));
    assert!(
        told.contains("stepgate.yaml:9:9: warning: says what entry 1 of the list says"),
        "{told}"
    );
    let told = wrong(&learned(&[&form, mail], &[]));
    assert!(
        told.contains("stepgate.yaml:9:34: every request that is this login is that of entry 1"),
        "{told}"
    );
    let by_link =
        "path: /magic, subject: { query: user }, methods: GET, success: { location: /home }";
    let told = wrong(&learned(
        &[&form, by_link],
        &["path: /x", "methods: GET, path: /magic"],
    ));
    assert!(
        told.contains("stepgate.yaml:12:9: never reached: each such request is login 2"),
        "{told}"
    );
    let told = warnings(&learned(&[&form], &["path: /login"]));
    assert!(
        told.contains("stepgate.yaml:10:9: warning: each such request with a password is login 1"),
        "{told}"
    );
    let told = warnings(&learned(&[&form], &["path: /x", "path: /X/"]));
    assert!(
        told.contains("stepgate.yaml:11:9: warning: says what an entry before it says"),
        "{told}"
    );
    let rpc = format!(
        "path: /rpc, json: {{ /method: login }}, subject: {{ json: /params/user }}, {ANSWER}"
    );
    let placed = format!(
        "path: /rpc, json: {{ /method: login, /params/1: present }}, subject: {{ json: /params/0 }}, {ANSWER}"
    );
    let graphql = format!(
        "path: /rpc, graphql: {{ operation: login }}, subject: {{ graphql: /user }}, {ANSWER}"
    );
    let logouts = [
        "path: /rpc, json: { /method: logout }",
        "path: /rpc, graphql: { operation: logout }",
    ];
    let told = warnings(&learned(&[&rpc, &placed, &graphql], &logouts));
    assert!(
        !told.contains("entry") && !told.contains("login 1"),
        "{told}"
    );
    // Tried passwords are sent by form or plain JSON.
    let trial = "verification: { upstream_login: { login: /rpc } }";
    let told = wrong(&format!(
        "{}{trial}",
        learned(&[&graphql], &["path: /logout"])
    ));
    assert!(
        told.contains("`/rpc` is the path of no login that can be tried"),
        "{told}"
    );
}

#[test]
fn what_is_named_twice_or_comes_too_late_is_told() {
    for (twice, mistake) in [
        ("headers: [x-key, X-Key]", "`x-key` is named twice"),
        ("query: [key, key]", "`key` is named twice"),
        ("json: [/a, /a]", "`/a` is named twice"),
        (
            "public: [x-api-key, x-api-key]",
            "`x-api-key` is named twice",
        ),
    ] {
        let told = wrong(&format!(
            "session: {{ cookies: sid, credentials: {{ {twice} }} }}"
        ));
        assert!(told.contains(mistake), "{twice}: {told}");
    }
    for (cookies, warned) in [
        (
            "[app_sess_1, 'app_sess_*']",
            "`app_sess_1` is one of `app_sess_*` already",
        ),
        (
            "['app_*', 'app_sess_*']",
            "`app_sess_*` is one of `app_*` already",
        ),
        (
            "['app_sess_*', 'app_*']",
            "`app_sess_*` is one of `app_*` already",
        ),
        (
            "[sid, { name: sid, path: /a/ }]",
            "`sid` is one of `sid` already",
        ),
    ] {
        let told = warnings(&format!("session: {{ cookies: {cookies} }}"));
        assert!(told.contains(warned), "{cookies}: {told}");
    }
    let paths = "[{ name: sid, path: /b/ }, { name: sid, path: /a/ }]";
    let told = warnings(&format!("session: {{ cookies: {paths} }}"));
    assert!(!told.contains("already"), "{told}");
    let question =
        |path: &str| format!("{{ for: \"{path}\", url: /me, subject: {{ json: /name }} }}");
    for (first, second, late) in [
        ("/{rest...}", "/a", true),
        ("/u/{rest...}", "/u/{name}/{rest...}", true),
        ("/u/{name}", "/U/{other}/", true),
        ("/u/{rest...}", "/u/{other...}", true),
        ("/u/{rest...}", "/u", true),
        ("/{rest...}", "/{other...}", true),
        ("/u/{name}", "/u/{rest...}", false),
        ("/u/{name}/{rest...}", "/{rest...}", false),
        // What is left of them is `/u` and `/`.
        ("/u/{name}/{rest...}", "/u/{rest...}", false),
        ("/{tenant}/{rest...}", "/{rest...}", false),
    ] {
        let (first, second) = (question(first), question(second));
        let text = format!("session:\n  whoami: [{first}, {second}]");
        let told = if late { wrong(&text) } else { warnings(&text) };
        assert_eq!(told.contains("never asked"), late, "{text}: {told}");
    }
    for (own, place) in [
        (
            "whoami: { url: /.stepup/status, subject: { json: /name } }",
            "4:27",
        ),
        ("basic: { url: /.stepup/ }", "4:26"),
        ("cookies: sid, login_page: /.stepup/verify", "4:38"),
    ] {
        let told = wrong(&format!("session: {{ {own} }}"));
        assert!(
            told.contains(&format!("{place}: lies below `/.stepup/`")),
            "{own}: {told}"
        );
    }
}

#[test]
fn a_route_that_guards_the_operation_of_a_login_is_warned_of() {
    let graphql = format!(
        "path: /graphql, graphql: {{ operation: login }}, subject: {{ graphql: /user }}, {ANSWER}"
    );
    let rpc = format!(
        "path: /rpc, json: {{ /method: login }}, subject: {{ json: /params/user }}, {ANSWER}"
    );
    let settings = read(&learned(&[&graphql, &rpc], &[]));
    for (body, path, warns) in [
        (
            "graphql: { operation: [deleteUser, login] }",
            "/graphql",
            true,
        ),
        ("graphql: { operation: deleteUser }", "/graphql", false),
        ("json: { /method: { regex: 'log.*' } }", "/rpc", true),
        ("json: { /method: user.delete }", "/rpc", false),
    ] {
        let route = format!(
            "{{ id: a, action: a, title: A, level: 1, match: {{ methods: [POST], path: {path}, {body} }} }}"
        );
        let policy = format!("version: 1\ndefault: forward\nroutes: [{route}]\n");
        let policies = crate::policy::compile(
            [("p.yaml", policy.as_bytes())],
            &crate::domain::Groups::default(),
        )
        .unwrap();
        let table = policies.into_table().unwrap();
        let told = settings.remarks_on(&table).to_string();
        assert_eq!(told.contains("guards the login"), warns, "{body}: {told}");
    }
}
