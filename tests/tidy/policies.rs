//! Every policy that we ship, and every snippet of the reference, loads.

use crate::sources::{files, root, short, text};
use std::path::PathBuf;
use stepgate::domain::{
    Accept, Body, Groups, Method, Naming, RequestHead, RequestPath, RouteTable,
};
use stepgate::policy;

/// The packs and the policies of the examples: files that hold routes.
fn shipped() -> Vec<PathBuf> {
    let mut all = files("policies", "yaml");
    all.extend(files("examples", "yaml"));
    all.retain(|path| text(path).lines().any(|line| line.starts_with("routes:")));
    all
}

#[test]
fn every_policy_loads_without_a_warning_and_makes_a_table() {
    assert!(!shipped().is_empty());
    for path in shipped() {
        // The settings that name groups are the site's.
        let policies = policy::load(std::slice::from_ref(&path), &Groups::unread())
            .unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let warnings: Vec<_> = policies.warnings().map(ToString::to_string).collect();
        assert!(warnings.is_empty(), "{}", warnings.concat());
        assert!(!policies.routes.is_empty(), "{}", short(&path));
        policies.into_table().unwrap();
    }
}

#[test]
fn every_snippet_of_the_reference_loads() {
    let page = text(&root().join("docs/policy.md"));
    let (mut snippets, mut groups) = (0, Groups::new(Naming::default(), true));
    let people = ["alice", "bob"].map(|name| groups.person(name).unwrap());
    groups.add("payroll", people.to_vec());
    for (index, block) in page.split("```").enumerate().skip(1).step_by(2) {
        let Some(snippet) = block.strip_prefix("yaml\n") else {
            continue;
        };
        snippets += 1;
        let is_routes = snippet.starts_with("- id:");
        let head = if is_routes {
            "version: 1\ndefault: forward\nroutes:\n"
        } else {
            ""
        };
        let file = format!("{head}{snippet}");
        let name = format!("docs/policy.md, block {}", index.div_ceil(2));
        let policies = policy::compile([(name.as_str(), file.as_bytes())], &groups)
            .unwrap_or_else(|mistakes| panic!("{mistakes}"));
        policies.into_table().unwrap();
    }
    assert!(snippets > 10, "the blocks of the page are no longer found");
}

/// The ids of the routes that a request belongs to.
fn routes_of(table: &RouteTable, method: Method, target: &str, body: &str) -> Vec<String> {
    let (path, query) = target
        .split_once('?')
        .map_or((target, None), |(path, query)| (path, Some(query)));
    let path = RequestPath::parse(path, &Accept::default()).unwrap();
    let mut headers = http::HeaderMap::new();
    if !body.is_empty() {
        let form = "application/x-www-form-urlencoded".parse().unwrap();
        headers.insert(http::header::CONTENT_TYPE, form);
    }
    let head = RequestHead::new(method, &path, query, &headers);
    let body = Body::read(&headers, body.as_bytes()).unwrap();
    let found = table.find(&head).settle(&head, &body).unwrap();
    let mut ids: Vec<_> = found
        .iter()
        .map(|found| {
            found
                .route
                .id
                .as_str()
                .trim_start_matches("django-")
                .to_owned()
        })
        .collect();
    ids.sort();
    ids
}

/// The sensitive requests of the stock admin, as they were seen on the wire.
#[test]
fn the_django_pack_guards_what_the_admin_can_do_to_accounts() {
    let pack = policy::load(
        &[root().join("policies/django-admin.yaml")],
        &Groups::default(),
    )
    .unwrap();
    let table = pack.into_table().unwrap();
    let post = |target: &str, body: &str| routes_of(&table, Method::Post, target, body);
    let token = "csrfmiddlewaretoken=t";
    let selected = format!("{token}&action=delete_selected&_selected_action=5");
    let confirmed = format!("{selected}&post=yes");

    assert_eq!(
        post("/admin/auth/user/5/delete/", &format!("{token}&post=yes")),
        ["object-delete", "user-delete"]
    );
    assert_eq!(
        post("/admin/auth/%75ser%2F5/delete/", token),
        ["object-delete", "user-delete"]
    );
    assert_eq!(
        post("/admin/auth/user/", &confirmed),
        ["object-delete-selected", "user-delete-selected"]
    );
    assert_eq!(
        post(
            "/admin/auth/user/?is_staff__exact=0",
            &format!("{confirmed}&select_across=1")
        ),
        ["object-delete-selected", "user-delete-selected"]
    );
    assert_eq!(
        post("/admin/auth/user/5/password/", token),
        ["user-password"]
    );
    assert_eq!(
        post(
            "/admin/auth/user/5/change/",
            &format!("{token}&is_superuser=on")
        ),
        ["user-change"]
    );
    assert_eq!(post("/admin/auth/user/add/", token), ["user-add"]);
    assert_eq!(post("/admin/password_change/", token), ["own-password"]);
    assert_eq!(post("/admin/auth/group/1/change/", token), ["group-change"]);
    assert_eq!(post("/admin/auth/group/add/", token), ["group-change"]);
    assert_eq!(
        post("/admin/auth/group/", &confirmed),
        ["group-delete-selected", "object-delete-selected"]
    );
    assert_eq!(
        post("/admin/docs/document/", &confirmed),
        ["object-delete-selected"]
    );
    assert_eq!(
        post("/admin/docs/document/7/delete/", token),
        ["object-delete"]
    );

    // What only asks, and what only reads, stays free.
    let none: [&str; 0] = [];
    assert_eq!(post("/admin/auth/user/", &selected), none);
    assert_eq!(post("/admin/login/", token), none);
    assert_eq!(post("/admin/docs/document/add/", token), none);
    for page in [
        "/admin/",
        "/admin/auth/user/5/delete/",
        "/admin/auth/user/5/change/",
    ] {
        assert_eq!(routes_of(&table, Method::Get, page, ""), none);
    }
}
