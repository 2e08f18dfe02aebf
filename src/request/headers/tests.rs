//! Which headers pass, which end here, and which no client may send.

use super::names::{Class, NAMES, PREFIXES, classify, is_plain};
use super::*;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

fn rules() -> HeaderRules {
    HeaderRules {
        identity: vec!["x-company-user".to_owned()],
        rewrite_urls: RewriteUrls::Remove,
        pass: vec!["x_odd_name".to_owned()],
        remove: vec!["x-tenant-path".to_owned()],
        told: vec!["x-account-proof".to_owned(), "remote-account".to_owned()],
        forwarded: ForwardedStyle::XForwarded,
        browser_cookie: "__Host-stepgate".to_owned(),
    }
}

fn left(lines: &[(&'static str, &'static str)], peer: Peer) -> Vec<String> {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    cleanse(&mut headers, &rules(), peer).unwrap();
    headers
        .keys()
        .map(|name| name.as_str().to_owned())
        .collect()
}

#[test]
fn identity_headers_are_nones_to_send_in_any_spelling() {
    let spellings = [
        ("remote-user", "a"),
        ("remote_user", "a"),
        ("x.forwarded.user", "a"),
        ("x_company_user", "a"),
        ("x-company-user", "a"),
        ("x-auth-request-email", "a"),
        ("step_up_key", "a"),
        ("step-up", "a"),
        ("x-stepgate-level", "4"),
        ("x_forwarded_for", "1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-original-url", "/admin"),
        ("x_rewrite_url", "/admin"),
        ("transfer_encoding", "chunked"),
        ("content_length", "3"),
    ];
    assert_eq!(left(&spellings, Peer::Anyone), Vec::<String>::new());
}

#[test]
fn a_trusted_proxy_may_say_who_somebody_is_but_only_in_plain_spelling() {
    let spellings = [
        ("remote-user", "a"),
        ("remote_user", "b"),
        ("x-forwarded-for", "1.2.3.4"),
    ];
    assert_eq!(
        left(&spellings, Peer::Trusted),
        ["remote-user", "x-forwarded-for"]
    );
}

#[test]
fn what_belongs_to_the_ends_stays() {
    let lines = [
        ("cookie", "a=b"),
        ("x-api-version", "2"),
        ("x_odd_name", "1"),
        ("accept", "*/*"),
        ("x-api-key", "k"),
        ("x-auth-token", "k"),
        ("x-access-token", "k"),
        ("x-user-id", "1"),
        ("private-token", "k"),
        ("x-csrf-token", "k"),
        ("x-xsrf-token", "k"),
        ("x-requested-with", "XMLHttpRequest"),
        ("x-http-method-override", "PATCH"),
        ("hx-current-url", "/x"),
        ("destination", "/x"),
        ("x-nextjs-data", "1"),
        ("x-middleware-prefetch", "1"),
    ];
    assert_eq!(
        left(&lines, Peer::Anyone),
        lines.map(|(name, _)| name.to_owned())
    );
}

#[test]
fn names_that_gateways_fold_are_passed_on_only_where_the_settings_name_them() {
    let marks = [
        ("script_name", "/zz"),
        ("path_info", "/zz"),
        ("script.name", "/zz"),
        ("x~script!name", "/zz"),
        ("x_api_version", "2"),
        ("api_key", "k"),
        ("$wsru", "admin"),
        ("!~", "secret"),
        ("x-iisnode-auth_user", "admin"),
        ("x_odd_name", "1"),
    ];
    for peer in [Peer::Anyone, Peer::Trusted] {
        assert_eq!(left(&marks, peer), ["x_odd_name"]);
    }
}

/// Even where the settings are mistaken.
#[test]
fn what_we_tell_the_application_nobody_else_does() {
    for peer in [Peer::Anyone, Peer::Trusted] {
        let spellings = [
            ("x-account-proof", "a"),
            ("x_account_proof", "a"),
            ("x.account.proof", "a"),
            ("remote-account", "a"),
            ("remote_account", "a"),
        ];
        assert_eq!(left(&spellings, peer), Vec::<String>::new());
        // Another one of the kind is a trusted proxy's word.
        let other = left(&[("remote-groups", "a")], peer);
        assert_eq!(other.is_empty(), peer == Peer::Anyone);
    }
}

#[test]
fn no_name_that_stands_for_another_passes() {
    for name in [
        "script_name",
        "x_company_user",
        "x_account_proof",
        "x_forwarded_for",
        "step_up",
    ] {
        let mut rules = rules();
        rules.pass = vec![name.to_owned()];
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static("a"));
        cleanse(&mut headers, &rules, Peer::Anyone).unwrap();
        assert!(headers.is_empty(), "{name}");
    }
}

#[test]
fn who_asks_for_another_path_is_not_heard() {
    let lines: Vec<_> = [
        "script-name",
        "path-info",
        "x-script-name",
        "x-forwarded-script-name",
        "x-forwarded-prefix",
        "x-forwarded-uri",
        "x-original-url",
        "x-original-anything",
        "x-rewrite-url",
        "x-override-url",
        "x-http-destinationurl",
        "x-proxy-url",
        "x-waws-unencoded-url",
        "x-matched-path",
        "request-uri",
        "base-url",
        "proxy",
        "x-tenant-path",
    ]
    .map(|name| (name, "/x"))
    .into();
    let none = Vec::<String>::new();
    assert_eq!(left(&lines, Peer::Anyone), none);
    // Most proxies pass on what they do not know, so a trusted one may repeat its client's words.
    assert_eq!(left(&lines, Peer::Trusted), none);
    for (rewrite_urls, peer, is_heard) in [
        (RewriteUrls::Proxies, Peer::Anyone, false),
        (RewriteUrls::Proxies, Peer::Trusted, true),
        (RewriteUrls::Pass, Peer::Anyone, true),
    ] {
        let mut rules = rules();
        rules.rewrite_urls = rewrite_urls;
        let mut headers: HeaderMap = lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        cleanse(&mut headers, &rules, peer).unwrap();
        assert_eq!(headers.contains_key("x-script-name"), is_heard);
        assert!(!headers.contains_key("x-tenant-path"));
    }
}

#[test]
fn one_that_asks_for_another_path_may_be_passed_by_name() {
    let mut rules = rules();
    rules.pass = vec!["x-base-url".to_owned()];
    let mut headers = HeaderMap::new();
    headers.insert("x-base-url", HeaderValue::from_static("/x"));
    headers.insert("x-script-name", HeaderValue::from_static("/x"));
    cleanse(&mut headers, &rules, Peer::Anyone).unwrap();
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-base-url"]);
}

#[test]
fn what_is_told_apart_by_one_look_is_none_of_the_table() {
    for name in [
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "origin",
        "pragma",
        "referer",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-fetch-user",
        "upgrade-insecure-requests",
        "user-agent",
    ] {
        assert_eq!(classify(name), Class::EndToEnd, "{name}");
    }
}

#[test]
fn every_name_of_the_table_is_removed_and_in_one_class_only() {
    let mut seen = std::collections::HashSet::new();
    for (class, names) in NAMES.iter().chain(PREFIXES) {
        assert!(names.is_sorted(), "{class:?}: keep the names in order");
        for name in *names {
            assert!(seen.insert(name), "{name} twice");
            assert!(is_plain(name), "{name}");
            assert_eq!(classify(name), *class, "{name}");
            assert_eq!(left(&[(name, "/x")], Peer::Anyone), Vec::<String>::new());
        }
    }
    // A prefix within another would never be reached, or change what a longer name means.
    let prefixes: Vec<_> = PREFIXES.iter().flat_map(|(_, names)| *names).collect();
    for one in &prefixes {
        let within = prefixes.iter().filter(|other| other.starts_with(**one));
        assert_eq!(within.count(), 1, "{one}");
    }
}

#[test]
fn the_documentation_lists_what_the_table_holds() {
    let page = include_str!("../../../docs/headers.md");
    for (class, heading) in [
        (Class::Rewrite, "## Path, host and method"),
        (Class::Identity, "## Who somebody is"),
        (Class::Forwarding, "## Where a client comes from"),
    ] {
        let (_, section) = page.split_once(heading).expect(heading);
        let section = section.split("\n## ").next().unwrap();
        let listed = section.split('`').skip(1).step_by(2);
        let mut listed: Vec<_> = listed.map(str::to_ascii_lowercase).collect();
        listed.sort();
        let of = |table: &[(Class, &[&str])], mark: &str| -> Vec<String> {
            let names = table.iter().filter(|(of, _)| *of == class);
            names
                .flat_map(|(_, names)| *names)
                .map(|name| format!("{name}{mark}"))
                .collect()
        };
        let mut held = of(NAMES, "");
        held.extend(of(PREFIXES, "*"));
        held.sort();
        assert_eq!(listed, held, "{heading}");
    }
}

#[test]
fn connection_names_end_here_but_cannot_steal() {
    assert_eq!(
        left(
            &[("connection", "close, my-hop"), ("my-hop", "1")],
            Peer::Anyone
        ),
        Vec::<String>::new()
    );
    for word in [
        "cookie",
        "Authorization",
        "X-Forwarded-For",
        "content-length",
        "step-up-key",
        "host",
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_str(word).unwrap());
        assert!(
            cleanse(&mut headers, &rules(), Peer::Anyone).is_err(),
            "{word}"
        );
    }
}

#[test]
fn our_cookie_is_taken_out_and_the_others_stay_as_they_are() {
    let mut headers = HeaderMap::new();
    headers.append(
        header::COOKIE,
        HeaderValue::from_static("a=1; __Host-stepgate=xyz; b=\"2, 3\""),
    );
    headers.append(
        header::COOKIE,
        HeaderValue::from_static("__Host-stepgate=xyz"),
    );
    remove_cookie(&mut headers, "__Host-stepgate");
    let left: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
    assert_eq!(left, ["a=1; b=\"2, 3\""]);
}
