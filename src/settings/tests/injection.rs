//! Which pages load our script, as it may be written.

use super::{read, warnings, wrong};

#[test]
fn no_page_loads_our_script_unless_the_settings_say_so() {
    assert!(read("").proxy.injection.is_none());
    assert!(
        read("client: { inject: false, pages: /a }")
            .proxy
            .injection
            .is_none()
    );
    let all = read("client: { inject: true }").proxy.injection.unwrap();
    assert!(all.pages.iter().all(|page| page.covers("/any/path")) && all.except.is_empty());
    let some = "client: { inject: true, pages: [/a, '/b/{rest...}'], except: '/b/c' }";
    let some = read(some).proxy.injection.unwrap();
    assert_eq!((some.pages.len(), some.except.len()), (2, 1));
}

#[test]
fn what_cannot_be_meant_is_told() {
    for (section, expected) in [
        ("{ inject: yes }", "expected true or false, found `yes`"),
        ("{ inject: true, pages: [a] }", "`a`"),
        ("{ inject: true, except: ['/a/{'] }", "stepgate.yaml:4:"),
        (
            "{ inject: true, except: '/{all...}' }",
            "no page of `/{rest...}` is left by `except`",
        ),
        (
            "{ inject: true, pages: [/x, '/a/{id}'], except: ['/a/{rest...}'] }",
            "no page of `/a/{id}` is left by `except`",
        ),
        ("{ injection: true }", "unknown field `injection`"),
    ] {
        let told = wrong(&format!("client: {section}"));
        assert!(told.contains(expected), "{section}: {told}");
    }
    let told = warnings("client: { pages: [/a] }");
    assert!(
        told.contains("`pages` and `except` have no effect without `inject`"),
        "{told}"
    );
    let asked = "trusted_proxies: [127.0.0.1]\nforward_auth: { listen: 127.0.0.1:9180, secret: { file: ask } }\nsession: { headers: { subject: x-user } }";
    let told = super::forward_auth::parse(
        &"a".repeat(32),
        &format!("client: {{ inject: true }}\n{asked}"),
    );
    let settings = told.unwrap();
    assert!(settings.proxy.injection.is_none());
    let told = settings.remarks.to_string();
    assert!(
        told.contains("with `forward_auth` no page comes by here"),
        "{told}"
    );
}
