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
