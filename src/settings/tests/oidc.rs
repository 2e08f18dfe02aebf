//! The identity provider at which people sign in afresh.

use super::{read, warnings, wrong};
use crate::verification::ClientAuthentication;

const USUAL: &str = "issuer: 'https://id.example', client_id: stepgate";

fn section(fields: &str) -> String {
    format!("public_url: https://app.example\nverification: {{ oidc: {{ {fields} }} }}")
}

#[test]
fn a_provider_needs_its_name_and_ours() {
    let settings = read(&section(&format!("{USUAL}, scopes: [profile, openid]")));
    let provider = settings.oidc.unwrap();
    let options = &provider.options;
    assert_eq!(
        options.redirect_uri,
        "https://app.example/.stepup/oidc/callback"
    );
    assert_eq!(
        (&*options.scopes, &*options.subject),
        ("openid profile", "/sub")
    );
    assert_eq!(options.name, "id.example");
    assert!(matches!(options.client, ClientAuthentication::None));
}

#[test]
fn what_is_wrong_with_a_provider_is_told() {
    for (fields, line) in [
        ("client_id: x", "`issuer` is missing"),
        ("issuer: 'https://id.example'", "`client_id` is missing"),
        ("issuer: id.example, client_id: x", "is not a URL"),
        (
            "issuer: 'http://id.example', client_id: x",
            "in the clear everybody on the way can sign in",
        ),
        (
            "issuer: 'https://id.example?x=1', client_id: x",
            "it has a query or a fragment",
        ),
        (
            &format!("{USUAL}, client_auth: post"),
            "`client_secret` is missing",
        ),
        (
            &format!("{USUAL}, client_secret: {{ file: nowhere }}"),
            "cannot be read",
        ),
        (
            &format!("{USUAL}, algorithms: [HS256]"),
            "never by a shared secret",
        ),
        (
            &format!("{USUAL}, algorithms: [none]"),
            "no algorithm that tokens may be signed by",
        ),
        (&format!("{USUAL}, leeway: 10m"), "longer than 5m"),
        (&format!("{USUAL}, subject: sub"), "did you mean `/sub`?"),
        (
            &format!("{USUAL}, subjects: '('"),
            "is no regular expression",
        ),
        (&format!("{USUAL}, scopes: ['a b']"), "is no scope"),
        (
            &format!("{USUAL}, deadline: 0s"),
            "must be longer than `0s`",
        ),
    ] {
        let told = wrong(&section(fields));
        assert!(told.contains(line), "{fields}: {told}");
    }
    let secret = wrong(&section(&format!("{USUAL}, client_secret: hunter2")));
    assert!(!secret.contains("hunter2"), "{secret}");
    let nowhere = wrong(&format!("verification: {{ oidc: {{ {USUAL} }} }}"));
    assert!(nowhere.contains("`public_url` is not set"), "{nowhere}");
}

#[test]
fn a_claim_that_its_owner_may_change_is_warned_of() {
    for claim in ["/email", "/preferred_username", "/upn"] {
        let told = warnings(&section(&format!("{USUAL}, subject: {claim}")));
        assert!(told.contains("may be changed by its owner"), "{told}");
    }
    let told = warnings(&section(USUAL));
    assert!(!told.contains("changed by its owner"), "{told}");
    assert!(
        told.contains("register `https://app.example/.stepup/oidc/callback`"),
        "{told}"
    );
}
