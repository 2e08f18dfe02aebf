//! What a policy means.

use super::*;
use crate::domain::{
    Binding, BodyMatcher, Enforcement, Factor, FactorSet, Field, Groups, HostPattern, Method,
    MethodSet, PathPattern, Reading, Requirement, RiskLevel, Scope, ValueTest,
};
use proptest::prelude::*;
use std::fs;
use std::time::Duration;

fn policies(routes: &str) -> Result<Policies, Diagnostics> {
    let text = format!("version: 1\ndefault: forward\nroutes:\n{routes}");
    compile([("p.yaml", text.as_bytes())], &Groups::default())
}

/// One route: its id and match, and what else is given.
fn route(rest: &str) -> Route {
    let text = format!("  - id: delete-user\n    match: {{path: \"/users/{{id}}\"}}\n    {rest}\n");
    policies(&text).unwrap().routes.remove(0)
}

fn requirement(rest: &str) -> Requirement {
    route(rest).requirement.as_ref().clone()
}

fn matcher(inside: &str) -> crate::domain::Matcher {
    let text = format!("  - id: a\n    level: 3\n    match:\n      {inside}\n");
    policies(&text).unwrap().routes.remove(0).matcher
}

fn set(factors: &[Factor]) -> FactorSet {
    factors.iter().copied().collect()
}

#[test]
fn levels_one_and_two_take_any_factor_and_ten_minutes() {
    for level in [1, 2] {
        let low = requirement(&format!("level: {level}"));
        let nameable: Vec<_> = { Factor::ALL.into_iter() }
            .filter(|factor| factor.is_in_policies())
            .collect();
        assert_eq!(low.factors.mentioned(), set(&nameable));
        assert_eq!(low.max_age, Duration::from_mins(10));
        assert_eq!((low.scope, low.single_use), (Scope::Session, false));
        assert!(!low.factors_narrowed && !low.needs_grant());
    }
}

#[test]
fn level_three_is_a_grant_for_five_minutes() {
    let high = requirement("level: 3");
    let strong = [
        Factor::Passkey,
        Factor::Oidc,
        Factor::Password,
        Factor::Totp,
        Factor::EmailCode,
        Factor::RecoveryCode,
    ];
    assert_eq!(high.factors.mentioned(), set(&strong));
    let critical = requirement("level: 4");
    assert_eq!(critical.factors.mentioned(), set(&strong[..5]));
    assert_eq!(high.max_age, Duration::from_mins(5));
    assert!(high.needs_grant() && !high.single_use);
    assert_eq!(high.bind, Binding::Nothing);
    assert_eq!(high.enforcement, Enforcement::Enforce);
}

#[test]
fn level_four_is_one_request_within_two_minutes() {
    let critical = requirement("level: 4");
    assert_eq!(critical.level, RiskLevel::Critical);
    assert_eq!(critical.max_age, Duration::from_mins(2));
    assert!(critical.needs_grant() && critical.single_use);
    assert_eq!(critical.bind, Binding::Request);
}

#[test]
fn a_route_is_named_after_its_id_unless_it_says_otherwise() {
    let plain = requirement("level: 3");
    assert_eq!(
        (plain.action.as_str(), &*plain.title),
        ("delete-user", "Delete user")
    );
    let named = requirement("level: 3\n    action: account.delete\n    title: Delete an account");
    assert_eq!(named.action.as_str(), "account.delete");
    assert_eq!(&*named.title, "Delete an account");
}

#[test]
fn a_title_may_be_written_for_each_language() {
    let title = |text: &str| {
        requirement(&format!("level: 3\n    title: {text}"))
            .title
            .clone()
    };
    let both = title("{de: Löschen, en: Delete}");
    assert_eq!(
        [both.in_language("de"), both.in_language("ar")],
        ["Löschen", "Delete"]
    );
    assert_eq!(title("{de: Löschen}").in_language("en"), "Löschen");
    assert_eq!(title("Delete").in_language("de"), "Delete");
}

#[test]
fn strict_bars_email_codes_above_level_two_for_a_route_or_a_file() {
    let email = set(&[Factor::EmailCode]);
    let strict = requirement("level: 3\n    preset: strict");
    assert!(!strict.factors.satisfied_by(email));
    assert!(
        requirement("level: 2\n    preset: strict")
            .factors
            .satisfied_by(email)
    );
    let text =
        "version: 1\ndefault: deny\npreset: strict\nroutes: [{id: a, level: 4, match: {path: /a}}]";
    let file = compile([("p.yaml", text.as_bytes())], &Groups::default()).unwrap();
    assert!(!file.routes[0].requirement.factors.satisfied_by(email));
    assert!(file.remarks.is_empty(), "{}", file.remarks);
    let again = format!("{text}\n#").replace("level: 4", "level: 4, factors: [email_code]");
    assert!(compile([("p.yaml", again.as_bytes())], &Groups::default()).is_err());
}

#[test]
fn a_proof_may_be_given_elsewhere_unless_the_route_is_strict_or_says_no() {
    for (rest, expected) in [
        ("level: 1", true),
        ("level: 4", true),
        ("level: 4\n    device: false", false),
        ("level: 2\n    preset: strict", true),
        ("level: 3\n    preset: strict", false),
    ] {
        assert_eq!(requirement(rest).device, expected, "{rest}");
    }
}

#[test]
fn alternatives_keep_their_order_and_plus_means_both() {
    let chosen = requirement("level: 3\n    factors: [passkey, password+totp]");
    let both = set(&[Factor::Password, Factor::Totp]);
    assert_eq!(chosen.factors.sets(), [set(&[Factor::Passkey]), both]);
    assert!(chosen.factors_narrowed);
}

#[test]
fn sudo_mode_is_level_three_for_the_session() {
    let sudo = requirement("level: 3\n    scope: session\n    max_age: 15m");
    assert_eq!(
        (sudo.scope, sudo.max_age),
        (Scope::Session, Duration::from_mins(15))
    );
    assert!(!sudo.needs_grant());
}

#[test]
fn what_is_shown_is_what_is_bound() {
    let id = Field::Path("id".to_owned());
    let shown = requirement("level: 3\n    show: {user: path.id}");
    assert_eq!(shown.bind, Binding::Fields(vec![id.clone()]));
    assert_eq!(shown.show, [("user".to_owned(), id.clone())]);
    let low = requirement("level: 2\n    show: {user: path.id}");
    assert_eq!((low.bind, low.show.len()), (Binding::Nothing, 1));
    let more = requirement("level: 4\n    bind: [path.id, json./a/b]\n    show: {user: path.id}");
    assert_eq!(
        more.bind,
        Binding::Fields(vec![id, Field::Json("/a/b".to_owned())])
    );
}

#[test]
fn a_phrase_and_a_page_may_be_named() {
    let full = requirement(
        "level: 3\n    confirm: DELETE\n    anchor: /users/{id}/edit\n    bind: path.id\n    enforcement: report",
    );
    assert_eq!(full.confirm.as_deref(), Some("DELETE"));
    assert_eq!(full.anchor.as_deref(), Some("/users/{id}/edit"));
    assert_eq!(full.enforcement, Enforcement::Report);
}

#[test]
fn every_part_of_a_match_reaches_the_matcher() {
    let full = matcher(
        "{methods: [POST, DELETE], path: '/a/{x}', host: '*.Example.com', reading: literal, query: {q: '1', r: absent}, headers: {X-V: {regex: '2.*'}}, form: {action: present, as_text: {equals: present}}, except: [{path: /a/me, methods: [POST]}]}",
    );
    let methods: MethodSet = [Method::Post, Method::Delete].into_iter().collect();
    assert_eq!(full.methods, methods);
    assert!(matches!(&full.path, PathPattern::Template(path) if path == "/a/{x}"));
    assert_eq!(
        full.host,
        Some(HostPattern::Suffix(".example.com".to_owned()))
    );
    assert_eq!(full.reading, Reading::Literal);
    assert!(
        matches!(&full.query[0], (key, ValueTest::Equals(value)) if key == "q" && value == "1")
    );
    assert!(matches!(&full.query[1].1, ValueTest::Absent));
    assert!(matches!(&full.headers[0].1, ValueTest::Regex(regex) if regex.is_match("2.1")));
    assert!(matches!(
        &full.body[..],
        [
            BodyMatcher::Form(_, ValueTest::Present),
            BodyMatcher::Form(_, ValueTest::Equals(_))
        ]
    ));
    assert_eq!(full.except.len(), 1);
}

#[test]
fn json_and_graphql_are_matched_by_their_own_words() {
    let json = matcher("{path: /a, json: {/delete: true, /n: 5, /s: x}}");
    let values: Vec<_> = json
        .body
        .iter()
        .map(|test| match test {
            BodyMatcher::Json(pointer, ValueTest::Equals(value)) => format!("{pointer}={value}"),
            other @ (BodyMatcher::Form(..) | BodyMatcher::GraphQl(_) | BodyMatcher::Json(..)) => {
                panic!("{other:?}")
            }
        })
        .collect();
    assert_eq!(values, ["/delete=true", "/n=5", "/s=x"]);
    let graphql = matcher("{path_regex: '/(v1|v2)/graphql', graphql: {operation: deleteUser}}");
    assert!(matches!(&graphql.body[..], [BodyMatcher::GraphQl(names)] if names == &["deleteUser"]));
}

#[test]
fn files_are_merged_and_must_agree() {
    let text = |default: &str, id: &str| {
        format!(
            "version: 1\ndefault: {default}\nroutes:\n  - {{id: {id}, level: 1, match: {{path: /{id}}}}}\n"
        )
    };
    let (a, b) = (text("deny", "a"), text("deny", "b"));
    let merged = compile(
        [("a", a.as_bytes()), ("b", b.as_bytes())],
        &Groups::default(),
    )
    .unwrap();
    let ids: Vec<_> = merged
        .routes
        .iter()
        .map(|route| route.id.as_str())
        .collect();
    assert_eq!((ids, merged.default), (vec!["a", "b"], DefaultAction::Deny));
    let other = text("forward", "a");
    let mistakes = compile(
        [("a", a.as_bytes()), ("b", other.as_bytes())],
        &Groups::default(),
    )
    .unwrap_err();
    assert_eq!(
        mistakes.to_string(),
        "b:2:10: `default` is `forward` here and `deny` at a:2:10\n    2 | default: forward\n      |          ^\n      hint: all files must agree\n\nb:4:10: `a` is the id of another route too\n    4 |   - {id: a, level: 1, match: {path: /a}}\n      |          ^\n      hint: the other one is at a:4:10\n"
    );
}

#[test]
fn mistakes_do_not_shift_the_places_of_others() {
    let mistakes =
        policies("  - nonsense\n  - {id: a, level: 7, match: {path: /a}}\n").unwrap_err();
    let places: Vec<_> = mistakes
        .iter()
        .map(|one| one.position.unwrap().to_string())
        .collect();
    assert_eq!(places, ["4:5", "5:20"]);
}

#[test]
fn what_deserves_a_look_is_told() {
    let odd = policies(
        "  - {id: a, level: 3, match: {path: /a, reading: literal}}\n  - {id: b, level: 1, match: {path: /b}, enforcement: report}\n",
    )
    .unwrap();
    assert_eq!(odd.warnings().count(), 2);
    assert_eq!(odd.remarks.len(), 3);
    let idle = policies("  []\n").unwrap();
    assert_eq!(idle.warnings().count(), 1);
}

#[test]
fn a_changed_content_is_noticed_and_told_once() {
    let dir = std::env::temp_dir().join(format!("stepgate-policy-{}", std::process::id()));
    let (one, two) = (dir.join("..one"), dir.join("..two"));
    fs::create_dir_all(&one).unwrap();
    fs::create_dir_all(&two).unwrap();
    let good = "version: 1\ndefault: forward\nroutes: [{id: a, level: 1, match: {path: /a}}]\n";
    fs::write(one.join("p.yaml"), good).unwrap();
    fs::write(two.join("p.yaml"), "version: 2").unwrap();
    fs::write(dir.join("note.txt"), "not a policy").unwrap();
    // As Kubernetes mounts a ConfigMap: a link to the data, and links to its files.
    let swap = |target: &str| {
        let fresh = dir.join("..fresh");
        std::os::unix::fs::symlink(target, &fresh).unwrap();
        fs::rename(&fresh, dir.join("..data")).unwrap();
    };
    swap("..one");
    std::os::unix::fs::symlink("..data/p.yaml", dir.join("p.yaml")).unwrap();

    let sources = Sources::read(std::slice::from_ref(&dir));
    let policies = sources.compile(&Groups::default()).unwrap();
    assert_eq!((policies.routes.len(), policies.files.len()), (1, 1));
    let mut watch = PolicyWatch::new(vec![dir.clone()], sources.fingerprint());
    assert!(watch.look(&Groups::default()).is_none());
    swap("..two");
    assert!(
        watch.look(&Groups::default()).is_none(),
        "it may still change"
    );
    assert!(watch.look(&Groups::default()).unwrap().is_err());
    assert!(watch.look(&Groups::default()).is_none());
    swap("..one");
    assert!(watch.look(&Groups::default()).is_none());
    swap("..two");
    assert!(watch.look(&Groups::default()).is_none());
    assert!(watch.look(&Groups::default()).is_none(), "as it was told");
    swap("..one");
    assert!(watch.look(&Groups::default()).is_none());
    assert_eq!(
        watch
            .look(&Groups::default())
            .unwrap()
            .unwrap()
            .routes
            .len(),
        1
    );
    fs::remove_dir_all(&dir).unwrap();
    assert!(watch.look(&Groups::default()).is_none());
    assert!(watch.look(&Groups::default()).unwrap().is_err());
}

#[test]
fn what_cannot_be_read_is_a_mistake() {
    let gone = load(&[PathBuf::from("/nonexistent/p.yaml")], &Groups::default()).unwrap_err();
    assert!(
        gone.to_string()
            .starts_with("/nonexistent/p.yaml: cannot be read: ")
    );
    let pipe = load(&[PathBuf::from("/dev/null")], &Groups::default()).unwrap_err();
    assert_eq!(pipe.to_string(), "/dev/null: not a regular file\n");
    assert!(load(&[], &Groups::default()).is_err());
}

/// Pieces of policies, so that random files get past the first brace.
fn fragment() -> impl Strategy<Value = String> {
    let known = [
        "version: 1\n",
        "default: forward\n",
        "routes:\n",
        "  - id: a\n",
        "    level: 4\n",
        "    match: {path: /a/{x}, ",
        "path_regex: '(a|",
        "methods: [GET, ",
        "form: {a: ",
        "}}\n",
        "]",
        "    show: {a: path.x}\n",
        "    bind: [",
        "request",
        "json./a",
        "    factors: [a+",
        "    max_age: 9",
        "m\n",
        "    except:\n",
        "      - ",
        "&a ",
        "*a ",
        "\u{e000}",
        "\t",
        "- ",
        "%",
        "    match:\n      path: /",
        "      query: {a: 1}\n",
        "    confirm: ''\n",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => ".{0,6}".prop_map(|text| text),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = compile([("p", bytes.as_slice())], &Groups::default()).map_err(|mistakes| mistakes.to_string());
    }

    #[test]
    fn no_text_makes_the_compiler_panic(parts in prop::collection::vec(fragment(), 0..40)) {
        let text = parts.concat();
        let result = compile([("p", text.as_bytes())], &Groups::default()).map_err(|mistakes| mistakes.to_string());
        // A file is either used or told why not.
        prop_assert!(result.err().is_none_or(|told| !told.is_empty()));
    }
}
