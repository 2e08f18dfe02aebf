//! Logins in several steps.

use super::warnings;

fn told(entry: &str, more: &str) -> String {
    let entry =
        format!("{{ path: /verify, {entry}, success: {{ status: 302, location: /home }} }}");
    warnings(&format!(
        "session: {{ cookies: [sid], {more} learn: {{ logins: [{entry}] }} }}"
    ))
}

#[test]
fn a_step_that_names_the_user_without_a_password_is_warned_of() {
    for (subject, field) in [
        ("form: user", "form: { code: present }"),
        ("form: user", "form: { otp: { regex: '[0-9]{6}' } }"),
        ("json: /user", "json: { /code: present }"),
    ] {
        let entry = format!("subject: {{ {subject} }}, {field}");
        let warned = told(&entry, "");
        assert!(
            warned.contains("the name of an earlier step") && warned.contains("subject: whoami"),
            "{warned}"
        );
        let whoami = "whoami: { url: /me, subject: { json: /name } },";
        assert!(!told(&entry, whoami).contains("earlier"), "{entry}");
    }
    for entry in [
        "subject: { form: user }",
        "subject: { form: user }, form: { user_pass: present, code: present }",
        "subject: { response_json: /user }, form: { code: present }",
    ] {
        assert!(!told(entry, "").contains("earlier"), "{entry}");
    }
}
