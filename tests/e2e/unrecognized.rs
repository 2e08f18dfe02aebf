//! Settings that recognize nobody: the log says so at its usual level, and not with every request.

use crate::support::sidecar::{self, Sidecar, USER};
use crate::support::store::Store;

/// A sidecar whose settings tell a login so, and whose log is as it is shipped.
fn with_login(cookies: &str, login: &str) -> Sidecar {
    sidecar::on(Store::Embedded)
        .line("threads: 1")
        .line("log: { format: json, level: info }")
        .with(
            "session",
            &format!("cookies: [{cookies}]\nlearn: {{ logins: [{login}] }}"),
        )
        .run()
}

/// How many lines of the log have these words.
fn told(sidecar: &Sidecar, words: &str) -> usize {
    let lines = sidecar.process().lines();
    lines.iter().filter(|line| line.contains(words)).count()
}

#[tokio::test]
async fn a_wrong_sign_of_success_is_told_once_a_minute() {
    for (cookies, success, missing) in [
        ("sid", "status: 200, cookie: sid", "status"),
        (
            "sid",
            "status: 302, location: /start, cookie: sid",
            "location",
        ),
        (
            "session",
            "status: 302, location: /home, cookie: session",
            "cookie",
        ),
    ] {
        let login =
            format!("{{ path: /login, subject: {{ form: user }}, success: {{ {success} }} }}");
        let sidecar = with_login(cookies, &login);
        for _ in 0..3 {
            assert_eq!(sidecar.script().try_log_in(USER).await.status, 302);
        }
        let line = sidecar.process().wait_for_line("looks like a success");
        assert!(
            line.contains(&format!("\"missing\":\"{missing}\"")),
            "{line}"
        );
        assert!(
            line.contains("\"level\":\"WARN\"") && line.contains("/login"),
            "{line}"
        );
        // A minute may end between them.
        assert!(told(&sidecar, "looks like a success") <= 2, "{success}");
    }
}

#[tokio::test]
async fn a_login_at_another_path_than_declared_is_told_and_so_is_who_is_refused_for_it() {
    let sidecar = with_login(
        "sid",
        "{ path: /signin, subject: { form: user }, success: { status: 302, location: /home, cookie: sid } }",
    );
    let client = sidecar.script();
    assert_eq!(client.try_log_in(USER).await.status, 302);
    let line = sidecar.process().wait_for_line("is no declared login");
    assert!(
        line.contains("\"path\":\"/login\"") && line.contains("WARN"),
        "{line}"
    );
    assert_eq!(client.post("/keys").await.reason(), "session-required");
    sidecar
        .process()
        .wait_for_line("no login was recognized since the start");
    for _ in 0..3 {
        client.post("/keys").await;
    }
    assert!(told(&sidecar, "no login was recognized") <= 2);
}

#[tokio::test]
async fn right_settings_are_not_warned_of() {
    let sidecar = sidecar::on(Store::Embedded).line("threads: 1").run();
    let stranger = sidecar.script();
    stranger.set_cookie("sid", "of-yesterday");
    sidecar.script().log_in(USER).await;
    sidecar.process().wait_for_line("learned a login");
    // Answers that are no success: a form again, an error, a new session of an unknown one.
    let fields = [("user", USER), ("password", "x")];
    sidecar.script().post_form("/login?same", &fields).await;
    assert_eq!(stranger.post("/keys").await.status, 401);
    assert_eq!(sidecar.script().post("/rotate").await.status, 200);
    for words in ["is no declared login", "no login was recognized"] {
        let lines = sidecar.process().lines();
        let warned = |line: &&String| line.contains(words) && line.contains("WARN");
        assert_eq!(lines.iter().find(warned), None);
    }
}
