//! Proxies that ask.

use super::Folder;
use crate::domain::TableError;
use crate::policy;
use crate::proxy::Role;
use crate::request::ToldBodies;
use crate::settings::Settings;
use crate::transport::{ListenAddress, Target};

const HEADERS: &str = "session: { headers: { subject: x-user } }";
const ASKED: &str = "forward_auth: { listen: 127.0.0.1:9180, secret: { file: ask } }";

/// Settings without an application; the secret is the one that is written.
pub(super) fn parse(secret: &str, more: &str) -> Result<Settings, String> {
    let folder = Folder::new();
    folder.write("ask", secret);
    folder.parse(&format!("version: 1\npolicies: p.yaml\n{more}\n"))
}

fn told(more: &str) -> String {
    parse(&"a".repeat(32), more).expect_err("this must not be taken")
}

#[test]
fn a_sidecar_that_is_asked_needs_no_application() {
    let more = format!("{ASKED}\n{HEADERS}\ntrusted_proxies: [127.0.0.1]");
    let settings = parse(&format!("{}\n", "a".repeat(32)), &more).unwrap();
    assert_eq!(settings.proxy.upstream.target, Target::Absent);
    let roles = settings.listeners.iter().map(|listener| listener.role);
    assert_eq!(roles.collect::<Vec<_>>(), [Role::Public, Role::Asked]);
    let asking = settings.proxy.asking.as_ref().unwrap();
    assert_eq!(
        (asking.secret.expose().len(), asking.bodies),
        (32, ToldBodies::None)
    );
    let others = HEADERS.to_owned() + "\ntrusted_proxies: [127.0.0.1]";
    let told = parse("", &others).expect_err("there is an application without it");
    assert!(told.contains("`upstream` is missing"), "{told}");
}

#[test]
fn what_rests_on_the_applications_answers_is_refused() {
    for (more, expected) in [
        (
            "session: { cookies: [sid], learn: { logins: [] } }",
            "`learn` rests on the application's answers",
        ),
        (
            "session: { basic: {} }",
            "`basic` rests on the application's answers",
        ),
        (
            "session: { cookies: [sid] }",
            "nothing tells whose a session is",
        ),
        (
            "session: { cookies: [sid], whoami: { url: /me, subject: { json: /name } } }",
            "`session.whoami` and `verification.upstream_login` ask the application",
        ),
        (
            "session: { headers: { subject: x-user }, credentials: { json: [/key] } }",
            "keys in the body of a request are not told",
        ),
    ] {
        let told = told(&format!("{ASKED}\n{more}\ntrusted_proxies: [127.0.0.1]"));
        assert!(told.contains(expected), "{more}: {told}");
    }
}

#[test]
fn nobody_else_can_ask() {
    let missing = told(&format!("{ASKED}\n{HEADERS}"));
    assert!(
        missing.contains(
            "`trusted_proxies` is missing: what the proxy says of its clients is not believed"
        ),
        "{missing}"
    );
    let trusting = format!("{HEADERS}\ntrusted_proxies: [127.0.0.1]\n");
    for (section, expected) in [
        ("{ secret: { file: ask } }", "`listen` is missing"),
        ("{ listen: 127.0.0.1:9180 }", "`secret` is missing"),
        (
            "{ listen: 127.0.0.1:8080, secret: { file: ask } }",
            "`127.0.0.1:8080` is listened on twice",
        ),
        (
            "{ listen: host, secret: { file: ask } }",
            "`host` is not an address with a port",
        ),
        (
            "{ listen: 'unix:', secret: { file: ask } }",
            "or `unix:/run/stepgate/ask.sock`",
        ),
        (
            "{ listen: 127.0.0.1:9180, secret: { file: ask }, body: 0 }",
            "0 bytes are none",
        ),
        (
            "{ listen: 127.0.0.1:9180, secret: { file: ask }, body: some }",
            "expected a size such as `4096`",
        ),
        (
            "{ listen: 127.0.0.1:9180, secret: { file: ask }, body: [] }",
            "expected true, false, or a size such as `64KiB`",
        ),
        (
            "{ listen: ['unix:a', 'unix:./a', 'unix:a'], secret: { file: ask } }",
            "listened on twice",
        ),
        (
            "{ listen: { address: 'unix:a', tls: {} }, secret: { file: ask } }",
            "a socket in the file system has no use for `tls`",
        ),
        (
            "{ listen: { address: '127.0.0.1:9180', tls: { certificate: ask, key: ask, client_ca: none.pem } }, secret: { file: ask } }",
            "none.pem` cannot be read",
        ),
    ] {
        let told = told(&format!("{trusting}forward_auth: {section}"));
        assert!(told.contains(expected), "{section}: {told}");
    }
    for secret in ["", "short", &"a b".repeat(20), &"\u{e4}".repeat(40)] {
        let told = parse(secret, &format!("{trusting}{ASKED}")).expect_err("a weak secret");
        assert!(
            told.contains("expected at least 32 letters"),
            "{secret}: {told}"
        );
    }
}

#[test]
fn proxies_alone_come_by_a_socket_in_the_file_system() {
    let asked = "forward_auth: { listen: 'unix:ask.sock', secret: { file: ask } }";
    let more = format!("{asked}\n{HEADERS}\ntrusted_proxies: [127.0.0.1]");
    let settings = parse(&"a".repeat(32), &more).unwrap();
    let asked = settings.listeners.last().unwrap();
    assert_eq!(asked.role, Role::Asked);
    assert!(matches!(&asked.address, ListenAddress::Unix(path) if path.ends_with("ask.sock")));
    let told = told(&format!("{more}\nlisten: unix:/run/all.sock"));
    assert!(
        told.contains("only proxies that ask come by a socket"),
        "{told}"
    );
}

#[test]
fn routes_that_rest_on_a_body_are_refused_where_none_is_told() {
    let routes = r#"
version: 1
default: forward
routes:
  - { id: whole, title: A, level: 4, match: { methods: [POST], path: /a } }
  - { id: shown, title: A, level: 3, show: { to: form.to }, match: { methods: [POST], path: /b } }
  - { id: matched, title: A, level: 3, match: { methods: [POST], path: /c, form: { a: "1" } } }
  - { id: query, title: A, level: 4, bind: [query.id], match: { methods: [POST], path: /d } }
  - { id: page, title: A, level: 4, bind: [query.id], match: { methods: [GET], path: /d } }
  - { id: path, title: A, level: 4, bind: [path.id], match: { methods: [POST], path: "/e/{id}" } }
  - { id: high, title: A, level: 3, open_for: 5m, match: { methods: [POST], path: /f } }
"#;
    for (body, refused) in [
        ("false", true),
        ("true", false),
        ("64KiB", false),
        ("65536", false),
    ] {
        let more = format!(
            "{HEADERS}\ntrusted_proxies: [127.0.0.1]\nforward_auth: {{ listen: 127.0.0.1:9180, secret: {{ file: ask }}, body: {body} }}"
        );
        let settings = parse(&"a".repeat(32), &more).unwrap();
        let policies = policy::compile([("r.yaml", routes.as_bytes())], &settings.groups).unwrap();
        match settings.proxy.table(policies) {
            Ok(table) => {
                let told = settings.remarks_on(&table).to_string();
                let named = "`open_for` of route `high` has no effect";
                assert!(!refused && told.contains(named), "{told}");
            }
            Err(error @ TableError::Bodies(_)) => {
                let told = error.to_string();
                let named = "do not tell: `whole`, `shown`, `matched`, `query`; without";
                assert!(refused && told.contains(named), "{told}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}
