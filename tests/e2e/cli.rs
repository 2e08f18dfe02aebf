//! The command line, as people and scripts meet it.

use crate::support::process::Process;
use crate::support::stepgate::{Stepgate, command, run};
use crate::support::temp::TempDir;
use crate::support::tls::TestCa;
use serde_json::Value;
use std::io::Write;
use std::process::{Command, Output, Stdio};

const SETTINGS: &str = "version: 1
listen: 127.0.0.1:0
public_url: http://127.0.0.1
upstream: { url: \"http://127.0.0.1:9\" }
policies: policies
session: { cookies: sid, learn: { logins: [{ path: /login, subject: { form: user }, success: { status: 302, location: /home, cookie: sid } }] } }
mail: { smtp: \"127.0.0.1:9\", security: plain, from: a@example.test, site: Example }
audit: { target: audit.log }
";

const POLICY: &str = "version: 1
default: forward
routes:
  - id: delete-user
    action: user.delete
    title: Delete a user
    match: { methods: [POST, DELETE], path: \"/users/{id}/delete\", except: [{ path: /users/me/delete }] }
    level: 4
    factors: [password+totp, email_code]
    confirm: DELETE
  - id: bulk
    match: { methods: [POST], path: /users, form: { action: delete } }
    level: 3
";

fn folder() -> TempDir {
    let dir = TempDir::new("cli");
    dir.write("stepgate.yaml", SETTINGS);
    dir.write("policies/users.yaml", POLICY);
    dir
}

/// What a command that works says.
fn said(dir: &TempDir, arguments: &[&str]) -> String {
    let output = run(dir, arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{arguments:?}: {}",
        stderr_of(&output)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code and the error of a command that fails.
fn refused(dir: &TempDir, arguments: &[&str]) -> (i32, String) {
    let output = run(dir, arguments);
    (output.status.code().unwrap(), stderr_of(&output))
}

fn stderr_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that reads a line.
fn fed(dir: &TempDir, arguments: &[&str], line: &str) -> Output {
    let mut child = command(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses may end before it reads: its output tells.
    let _ = child.stdin.take().unwrap().write_all(line.as_bytes());
    child.wait_with_output().unwrap()
}

fn add_alice(dir: &TempDir) {
    let add = [
        "user",
        "add",
        "Alice",
        "--email",
        "alice@example.test",
        "--password-stdin",
    ];
    let added = fed(dir, &add, "correct horse battery\n");
    assert!(added.status.success(), "{}", stderr_of(&added));
}

#[test]
fn a_check_that_finds_nothing_counts_what_it_read() {
    assert!(said(&folder(), &["check"]).ends_with("ok: 2 routes in 1 file\n"));
}

#[test]
fn a_check_tells_the_mistakes_of_settings_and_policies_at_once() {
    let dir = folder();
    dir.write("stepgate.yaml", SETTINGS.replace("cookies", "cokies"));
    dir.write(
        "policies/users.yaml",
        POLICY.replace("level: 4", "level: 9"),
    );
    dir.write(
        "policies/other.yaml",
        "version: 1\ndefault: allow\nroutes: []\n",
    );
    let (code, told) = refused(&dir, &["check"]);
    assert_eq!(code, 64, "{told}");
    for part in [
        "stepgate.yaml:6:12: unknown field `cokies`",
        "did you mean `cookies`?",
        "policies/users.yaml:8:12: ",
        "policies/other.yaml:2:10: ",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
}

#[test]
fn a_key_of_another_certificate_is_named() {
    let dir = folder();
    let (one, other) = (TestCa::new(), TestCa::new());
    let (certificate, key) = (one.cert(), other.key());
    let tls = format!(
        "{{ address: \"127.0.0.1:0\", tls: {{ certificate: '{}', key: '{}' }} }}",
        certificate.display(),
        key.display()
    );
    dir.write(
        "stepgate.yaml",
        SETTINGS.replace("listen: 127.0.0.1:0", &format!("listen: {tls}")),
    );
    let (code, told) = refused(&dir, &["check"]);
    let expected = format!(
        "`{}` is not the key of the first certificate in `{}`",
        key.display(),
        certificate.display()
    );
    assert!(code == 64 && told.contains(&expected), "{code} {told}");
}

#[test]
fn a_warning_fails_a_check_only_if_asked_to() {
    let dir = folder();
    dir.write("stepgate.yaml", SETTINGS.replace("mail: ", "# mail: "));
    let told = said(&dir, &["check"]);
    assert!(
        told.contains("there is no `mail`") && told.contains("1 warning"),
        "{told}"
    );
    assert_eq!(refused(&dir, &["check", "--warnings-are-errors"]).0, 64);
}

#[test]
fn exit_codes_tell_bad_configuration_from_a_failed_start() {
    let dir = folder();
    let (code, told) = refused(&dir, &["serve", "-c", "nowhere.yaml"]);
    assert!(
        code == 64 && told.contains("nowhere.yaml: cannot be read"),
        "{told}"
    );
    assert_eq!(refused(&dir, &["serv"]).0, 64);
    assert_eq!(refused(&dir, &["serve", "--log", "loud=very"]).0, 64);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    dir.write("stepgate.yaml", SETTINGS.replace("127.0.0.1:0", &address));
    let (code, told) = refused(&dir, &["serve"]);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains(&format!(
            "cannot listen on `{address}`: Address already in use"
        )),
        "{told}"
    );
}

#[test]
fn every_command_helps_with_examples() {
    let dir = TempDir::new("cli");
    for command in [
        "",
        "serve",
        "check",
        "explain",
        "demo",
        "user",
        "user add",
        "user import",
        "user list",
        "user passkeys",
        "user passwd",
        "user totp",
        "user remove",
        "user set",
        "user show",
        "user unlock",
        "session",
        "session list",
        "session lock",
        "session revoke",
        "audit",
        "audit verify",
        "learn",
        "report",
        "completions",
        "man",
    ] {
        let arguments: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let help = said(&dir, &arguments);
        assert!(help.contains("Example"), "{command}: {help}");
    }
}

#[test]
fn completions_name_every_command_and_parse() {
    let dir = TempDir::new("cli");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&dir, &["completions", shell]);
        for word in ["explain", "report", "unlock", "warnings-are-errors"] {
            assert!(script.contains(word), "{shell}: no `{word}`");
        }
        if shell == "bash" {
            let script = dir.write("stepgate.bash", script);
            let parsed = Command::new("bash").arg("-n").arg(script).output().unwrap();
            assert!(parsed.status.success(), "{}", stderr_of(&parsed));
        }
    }
}

#[test]
fn the_manual_has_a_page_of_each_command() {
    let dir = TempDir::new("cli");
    let page = said(&dir, &["man"]);
    assert!(page.contains(".TH stepgate 1") && page.contains("stepgate explain"));
    assert_eq!(said(&dir, &["man", "--into", "made/man1"]), "");
    for name in ["stepgate.1", "stepgate-serve.1", "stepgate-user-add.1"] {
        let path = dir.path().join("made/man1").join(name);
        assert!(path.exists(), "no {name}");
        // Without a formatter there is nothing that could find a mistake in a page.
        let Ok(formatted) = Command::new("man")
            .args(["--warnings", "-l"])
            .arg(&path)
            .output()
        else {
            continue;
        };
        assert_eq!(stderr_of(&formatted), "", "{name}");
    }
    assert_eq!(refused(&dir, &["man", "--into", "/dev/null/man1"]).0, 1);
}

#[test]
fn a_secret_that_is_named_and_missing_is_made_with_a_warning() {
    let dir = folder();
    dir.write(
        "stepgate.yaml",
        format!("{SETTINGS}secret: {{ file: new.key }}\n"),
    );
    let warning = "the file of `secret` was not there, and a new secret was made";
    let stepgate = Stepgate::serve(&dir);
    let line = stepgate.process().wait_for_line(warning);
    assert!(line.contains("new.key") && line.contains("WARN"), "{line}");
    assert_eq!(stepgate.terminate().code(), Some(0));

    let stepgate = Stepgate::serve(&dir);
    let log = stepgate.process().lines().join("\n");
    assert!(!log.contains(warning), "{log}");
    assert_eq!(stepgate.terminate().code(), Some(0));

    dir.write(
        "stepgate.yaml",
        format!("{SETTINGS}secret: {{ file: /proc/new.key }}\n"),
    );
    let (code, told) = refused(&dir, &["serve"]);
    assert_eq!(code, 64, "{told}");
    assert!(
        told.contains("there is no secret file `/proc/new.key`"),
        "{told}"
    );
}

#[test]
fn a_hangup_tells_of_settings_that_have_changed() {
    let dir = folder();
    let stepgate = Stepgate::serve(&dir);
    let hang_up = |reloads: usize| {
        stepgate.process().signal("HUP");
        stepgate.process().wait_until("a reload", |lines| {
            let done = lines.iter().filter(|line| line.contains("were reloaded"));
            (done.count() >= reloads).then_some(())
        });
    };
    hang_up(1);
    hang_up(2);
    let log = stepgate.process().lines().join("\n");
    assert!(!log.contains("restart to apply it"), "{log}");
    dir.write(
        "stepgate.yaml",
        format!("{SETTINGS}log: {{ level: debug }}\n"),
    );
    hang_up(3);
    let line = stepgate.process().wait_for_line("restart to apply it");
    assert!(
        line.contains("stepgate.yaml") && line.contains("WARN"),
        "{line}"
    );
    assert_eq!(stepgate.terminate().code(), Some(0));
}

#[test]
fn explain_says_which_routes_hold_and_what_would_pass() {
    let dir = folder();
    let told = said(&dir, &["explain", "POST", "/users//42/%64elete"]);
    for part in [
        "readings",
        "Route `delete-user` applies",
        "yes  path `/users/{id}/delete`",
        "requires level 4 (critical)",
        "password and totp, or email_code",
        "the person types `DELETE`",
        "1 other route has another path",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    let told = said(&dir, &["explain", "DELETE", "/users/me/delete"]);
    assert!(
        told.contains("`delete-user` does not apply") && told.contains("forwarded"),
        "{told}"
    );
    let form = said(
        &dir,
        &["explain", "POST", "/users", "--form", "action=delete"],
    );
    assert!(form.contains("`bulk` applies"), "{form}");
    let other = said(
        &dir,
        &["explain", "POST", "/users", "--form", "action=list"],
    );
    assert!(other.contains("`bulk` does not apply"), "{other}");
    let dots = said(&dir, &["explain", "GET", "/a/../users"]);
    assert!(dots.contains("ambiguous-request"), "{dots}");
    assert_eq!(refused(&dir, &["explain", "GET", "users"]).0, 64);
}

#[test]
fn explain_tells_by_what_a_user_could_pass() {
    let dir = folder();
    add_alice(&dir);
    let told = said(
        &dir,
        &["explain", "DELETE", "/users/7/delete", "--user", "ALICE"],
    );
    assert!(
        told.contains("delete-user: can be met by email_code"),
        "{told}"
    );
    let told = said(
        &dir,
        &["explain", "DELETE", "/users/7/delete", "--user", "bob"],
    );
    assert!(
        told.contains("knows no user `bob`") && told.contains("cannot be met"),
        "{told}"
    );
    let whoami = "whoami: { url: /me, subject: { json: /user }, email: { json: /email } }, learn:";
    dir.write("stepgate.yaml", SETTINGS.replace("learn:", whoami));
    let told = said(
        &dir,
        &["explain", "DELETE", "/users/7/delete", "--user", "bob"],
    );
    assert!(
        told.contains("can be met by email_code, if the application or the proxy names an address"),
        "{told}"
    );
}

#[test]
fn users_come_and_go_and_no_secret_is_shown() {
    let dir = folder();
    add_alice(&dir);
    let again = fed(
        &dir,
        &["user", "add", "alice", "--password-stdin"],
        "correct horse battery\n",
    );
    assert!(stderr_of(&again).contains("is known already"));
    let list = said(&dir, &["user", "list"]);
    assert!(
        list.starts_with("NAME ") && list.contains("password, email_code"),
        "{list}"
    );
    let list: Value = serde_json::from_str(&said(&dir, &["user", "list", "--json"])).unwrap();
    assert_eq!(list[0]["name"], "alice");
    assert!(!list.to_string().contains("argon2"), "{list}");

    let enrolled = said(&dir, &["user", "totp", "alice"]);
    assert!(
        enrolled.contains("otpauth://totp/Example:alice?"),
        "{enrolled}"
    );
    let list: Value = serde_json::from_str(&said(&dir, &["user", "list", "--json"])).unwrap();
    assert_eq!(
        list[0]["factors"],
        serde_json::json!(["password", "totp", "email_code"])
    );

    said(&dir, &["user", "unlock", "alice"]);
    said(&dir, &["user", "remove", "alice"]);
    assert_eq!(refused(&dir, &["user", "remove", "alice"]).0, 1);
    assert_eq!(said(&dir, &["user", "list", "--json"]).trim(), "[]");
    let log = said(&dir, &["audit", "verify", "audit.log"]);
    assert!(log.starts_with("ok: 4 lines"), "{log}");
}

#[test]
fn a_password_is_long_enough_and_never_an_argument() {
    let dir = folder();
    let short = fed(
        &dir,
        &["user", "add", "bob", "--password-stdin"],
        "seven77\n",
    );
    assert_eq!(short.status.code(), Some(64));
    assert!(stderr_of(&short).contains("at least 8"));
    let few = fed(
        &dir,
        &["user", "add", "bob", "--password-stdin"],
        "eight888\n",
    );
    assert!(few.status.success() && stderr_of(&few).contains("15 or more"));
    let nobody_to_ask = fed(&dir, &["user", "add", "carol"], "");
    assert!(stderr_of(&nobody_to_ask).contains("no terminal"));
}

#[test]
fn an_audit_log_that_cannot_be_opened_is_warned_of_and_nothing_is_made() {
    let dir = folder();
    let with = |target: &str| {
        let target = format!("audit: {{ target: {target} }}");
        dir.write(
            "stepgate.yaml",
            SETTINGS.replace("audit: { target: audit.log }", &target),
        );
        let told = said(&dir, &["check"]);
        (told.contains("audit log"), told)
    };
    assert!(!with("audit.log").0 && !dir.path().join("audit.log").exists());
    assert!(!with("stdout").0);
    dir.write("notes.txt", "my notes\n");
    for (target, why) in [
        ("policies", "cannot be opened: Is a directory"),
        ("nowhere/audit.log", "cannot be opened: No such file"),
        ("notes.txt", "is not an audit log"),
    ] {
        let (_, told) = with(target);
        assert!(
            told.contains(why) && told.contains("as that user"),
            "{told}"
        );
    }
}

#[test]
fn an_audit_log_that_was_touched_is_found_out() {
    let dir = folder();
    add_alice(&dir);
    said(&dir, &["user", "unlock", "alice"]);
    let path = dir.path().join("audit.log");
    let log = std::fs::read_to_string(&path)
        .unwrap()
        .replacen("alice", "mallory", 1);
    dir.write("audit.log", log);
    let (code, told) = refused(&dir, &["audit", "verify", "audit.log"]);
    assert_eq!(code, 1);
    assert!(told.contains("line 2 does not continue"), "{told}");
}

#[test]
fn a_sidecar_starts_reloads_and_ends_when_asked_to() {
    let dir = folder();
    let stepgate = Stepgate::serve(&dir);
    let ready = stepgate.process().wait_for_line("\"ready\"");
    assert!(ready.contains("\"routes\":2"), "{ready}");
    // A sidecar that runs is in nobody's way, and the secret it made is taken.
    said(&dir, &["session", "list"]);

    dir.write(
        "policies/users.yaml",
        "version: 1\ndefault: forward\nroutes: [{}]\n",
    );
    stepgate
        .process()
        .wait_for_line("the new policies are refused; the old ones stay");
    dir.write(
        "policies/users.yaml",
        "version: 1
default: forward
routes: [{ id: edit, level: 3, match: { methods: [POST], path: /edit }, anchor: /form }]
",
    );
    // The page of the form is no route of the policy's.
    assert!(said(&dir, &["check"]).ends_with("ok: 1 route in 1 file\n"));
    let reloaded = stepgate
        .process()
        .wait_for_line("the policies were reloaded");
    assert!(reloaded.contains("\"routes\":1"), "{reloaded}");
    stepgate.process().signal("HUP");
    stepgate.process().wait_until("a second reload", |lines| {
        let reloads = lines.iter().filter(|line| line.contains("were reloaded"));
        (reloads.count() >= 2).then_some(())
    });
    assert_eq!(stepgate.terminate().code(), Some(0));
    let log = said(&dir, &["audit", "verify", "audit.log"]);
    // The watcher may also have met a file half-way written, and said so.
    assert!(log.starts_with("ok: "), "{log}");
    let recorded = std::fs::read_to_string(dir.path().join("audit.log")).unwrap();
    assert!(
        recorded.matches("policies-loaded").count() >= 3,
        "{recorded}"
    );
}

#[test]
fn the_demo_takes_the_next_port_and_leaves_nothing() {
    let dir = TempDir::new("cli");
    let home = dir.path().join("tmp");
    std::fs::create_dir(&home).unwrap();
    let _taken = std::net::TcpListener::bind("127.0.0.1:8080");
    let mut process = Process::start("demo", command(&dir).arg("demo").env("TMPDIR", &home));
    process.wait_for_line("What to try");
    process.wait_for_line("taking 80");
    process.wait_for_line("listening on http://127.0.0.1:80");
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 1);
    process.signal("INT");
    assert_eq!(process.wait_exit().code(), Some(0));
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 0);
}

#[test]
fn an_import_takes_hashes_from_a_column_named_password_and_no_plain_password() {
    let dir = folder();
    dir.write(
        "users.csv",
        "name,email,password\n\
         ann,ann@example.test,$2y$04$4SrwL6c6r26f5DVb4ONveu0FzjiABwb8BMVVhjBE..cno0gq3VOFm\n\
         ben,ben@example.test,correct horse battery\n",
    );
    let (code, told) = refused(&dir, &["user", "import", "users.csv"]);
    assert_eq!(code, 1, "{told}");
    assert!(
        told.contains("users.csv:line 3: the password hash"),
        "{told}"
    );
    assert!(told.contains("`stepgate user passwd` sets one"), "{told}");
    assert!(!told.contains("correct horse"), "{told}");
    assert!(said(&dir, &["user", "show", "ann"]).contains("password, email_code"));
    assert!(
        refused(&dir, &["user", "show", "ben"])
            .1
            .contains("there is no user `ben`")
    );
}

#[test]
fn list_show_and_explain_agree_on_factors() {
    let dir = folder();
    add_alice(&dir);
    let explain = ["explain", "DELETE", "/users/5/delete", "--user", "alice"];
    for (settings, factors) in [
        (SETTINGS.to_owned(), "password, email_code"),
        (SETTINGS.replace("mail: ", "# mail: "), "password"),
        (
            SETTINGS
                .replace("mail: ", "verification: { upstream_login: {} }\n# mail: ")
                .replace(" }] } }", " }], logouts: [{ path: /logout }] } }"),
            "password",
        ),
    ] {
        dir.write("stepgate.yaml", settings);
        let listed = said(&dir, &["user", "list", "--json"]);
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let listed = listed[0]["factors"].as_array().unwrap().iter();
        let listed: Vec<_> = listed.map(|word| word.as_str().unwrap()).collect();
        assert_eq!(listed.join(", "), factors);
        let shown = said(&dir, &["user", "show", "alice"]);
        assert!(
            shown.contains(&format!("factors        {factors}\n")),
            "{shown}"
        );
        let told = said(&dir, &explain);
        let told = told.split("can show: ").nth(1).unwrap();
        let mut told: Vec<_> = told.split('.').next().unwrap().split(", ").collect();
        let mut expected: Vec<_> = factors.split(", ").collect();
        told.sort_unstable();
        expected.sort_unstable();
        assert_eq!(told, expected);
    }
    // With the application's own passwords, whoever signs in there has one.
    let stranger = said(&dir, &["user", "show", "bob"]);
    assert!(stranger.contains("factors        password\n"), "{stranger}");
    assert!(stranger.contains("knows nobody of this name"), "{stranger}");
}
