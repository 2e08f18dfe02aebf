//! git over HTTP, as it comes, before a real `git http-backend`: pushes with a one-time code behind the password.

use crate::devices;
use crate::support::run;
use crate::support::sidecar::{self, Sidecar, USER};
use crate::support::store::Store;
use crate::support::temp::TempDir;
use crate::support::upstream::{Got, Reply, answer, text};
use bytes::Bytes;
use data_encoding::BASE64;
use http::Response;
use http_body_util::{BodyExt, Full};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const APP_PASSWORD: &str = "App-pass-1!";

#[test]
fn a_push_brings_its_code_behind_the_password() {
    run(async {
        let site = Repositories::start();
        let refused = site.push("App-pass-1%21", "one", 10);
        assert!(
            refused.contains("remote: Verification required") && refused.contains("403"),
            "{refused}"
        );
        assert!(
            refused.contains("remote: Append a code of your authenticator app"),
            "{refused}"
        );
        // Both at one time: the code of now is an earlier one half a minute later.
        let [earlier, code] = [-1, 0].map(|step| site.sidecar.totp(step));
        let wrong = if code == "000000" { "111111" } else { "000000" };
        let refused = site.push(&format!("App-pass-1%21,{wrong}"), "one", 10);
        assert!(
            refused.contains("remote: Reason: wrong-answer"),
            "{refused}"
        );
        assert_eq!(site.branches(), "");
        // Larger than git sends in one piece: it asks first, with the same password, whether it may.
        let pushed = site.push(&format!("App-pass-1%21,{code}"), "one", 3_000_000);
        assert!(pushed.contains("[new branch]"), "{pushed}");
        assert!(site.branches().contains("one"));
        let spent = site.sidecar.upstream().got();
        let lines = spent
            .iter()
            .filter_map(|got| got.header("authorization").strip_prefix("Basic "));
        let plain = BASE64.encode(format!("{USER}:{APP_PASSWORD}").as_bytes());
        assert!(lines.clone().count() > 2 && lines.clone().all(|line| line == plain));
        // Nobody else's password, and no earlier code.
        let other = site.push(&format!("App-pass-1%21,{earlier}"), "two", 10);
        assert!(other.contains("wrong-answer"), "{other}");
        // Whoever only reads is asked for nothing.
        let read = site.git(&["ls-remote", &site.url("App-pass-1%21")]);
        assert!(read.contains("refs/heads/one"), "{read}");
    });
}

#[test]
fn an_askpass_shows_the_words_and_asks_for_the_code() {
    run(async {
        let site = Repositories::start();
        let asked = site.typed(&[
            ["Password of alice:", APP_PASSWORD],
            ["Code of your", &site.sidecar.totp(0)],
        ]);
        assert!(
            asked.contains("“Push to a repository” needs a fresh proof of identity."),
            "{asked}"
        );
        assert!(
            asked.contains("[new branch]") && site.branches().contains("typed"),
            "{asked}"
        );
    });
}

#[test]
fn a_push_brings_the_key_that_a_script_was_given() {
    run(async {
        let site = Repositories::start();
        let way = "git -c http.extraHeader='Step-Up-Key: KEY'";
        let refused = site.push("App-pass-1%21", "one", 10);
        assert!(refused.contains(way), "{refused}");
        let line = BASE64.encode(format!("{USER}:{APP_PASSWORD}").as_bytes());
        let script = site.sidecar.client();
        let script = script.header("authorization", &format!("Basic {line}"));
        let opens = "/r.git/info/refs?service=git-receive-pack";
        let device = devices::device(&script.get(opens).await);
        devices::poll(&script, &device).await;
        devices::approve(&script, &device).await;
        let granted = devices::poll(&script, &device).await.json();
        let key = format!(
            "http.extraHeader=Step-Up-Key: {}",
            devices::text(&granted["key"])
        );
        let url = site.url("App-pass-1%21");
        let push = [
            "-c",
            &key,
            "-C",
            "work",
            "push",
            &url,
            "HEAD:refs/heads/one",
        ];
        let pushed = site.git(&push);
        assert!(
            pushed.contains("[new branch]") && site.branches().contains("one"),
            "{pushed}"
        );
    });
}

#[test]
fn a_push_that_can_bring_nothing_is_not_told_of_ways() {
    run(async {
        let site = Repositories::guarded_by(
            "  - { id: push, level: 4, factors: [password], match: { path: /r.git/info/refs } }\n",
        );
        let refused = site.push("App-pass-1%21", "one", 10);
        assert!(
            refused.contains("remote: This program cannot bring the proof"),
            "{refused}"
        );
        for way in ["Step-Up-Key", "Append a code", "Prove it in the browser"] {
            assert!(!refused.contains(way), "{way}: {refused}");
        }
    });
}

#[test]
fn a_push_that_is_refused_late_shows_a_status_alone() {
    run(async {
        let site = Repositories::guarded_by(
            "  - { id: push-pack, level: 3, match: { path: /r.git/git-receive-pack } }\n",
        );
        let refused = site.push("App-pass-1%21", "one", 10);
        assert!(
            refused.contains("HTTP 403") && site.branches().is_empty(),
            "{refused}"
        );
    });
}

/// A bare repository behind Stepgate, and one to push from.
struct Repositories {
    sidecar: Sidecar,
    dir: TempDir,
}

impl Repositories {
    fn start() -> Self {
        let guide = fs::read_to_string(top().join("examples/clients/git/README.md")).unwrap();
        let (_, policy) = guide.split_once("```yaml\n").unwrap();
        let policy = policy.split("```").next().unwrap();
        let indented: Vec<_> = policy.lines().map(|line| format!("  {line}\n")).collect();
        Self::guarded_by(&indented.concat())
    }

    fn guarded_by(routes: &str) -> Self {
        let dir = TempDir::new("git");
        let (place, policy) = (
            dir.path().to_owned(),
            format!("version: 1\ndefault: forward\nroutes:\n{routes}"),
        );
        let setup = sidecar::on(Store::Embedded)
            .without_logins()
            .policy(&policy)
            .at_localhost();
        let setup = setup.application(move |got| application(&place, got));
        let sidecar = setup
            .with(
                "session",
                "basic: { url: /private/, one_time_code: appended }",
            )
            .with("verification", "device_interval: 20ms")
            .run();
        let site = Self { sidecar, dir };
        site.git(&["init", "--quiet", "--bare", "r.git"]);
        site.git(&["-C", "r.git", "config", "http.receivepack", "true"]);
        site.git(&["init", "--quiet", "work"]);
        site
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut git = Command::new("git");
        git.args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.test",
            "-c",
            "credential.helper=",
        ]);
        git.args(arguments)
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path());
        git.env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        git
    }

    fn git(&self, arguments: &[&str]) -> String {
        said(&self.command(arguments).output().unwrap())
    }

    fn url(&self, password: &str) -> String {
        format!("http://{USER}:{password}@{}/r.git", self.sidecar.addr())
    }

    /// Pushes a branch with one file of that many bytes, which do not get smaller.
    fn push(&self, password: &str, branch: &str, size: usize) -> String {
        self.commit(size);
        self.git(&[
            "-C",
            "work",
            "push",
            &self.url(password),
            &format!("HEAD:refs/heads/{branch}"),
        ])
    }

    fn commit(&self, size: usize) {
        let mut noise = fs::File::open("/dev/urandom").unwrap();
        let mut file = fs::File::create(self.dir.path().join("work/file")).unwrap();
        std::io::copy(&mut std::io::Read::take(&mut noise, size as u64), &mut file).unwrap();
        self.git(&["-C", "work", "add", "file"]);
        self.git(&["-C", "work", "commit", "--quiet", "-m", "another"]);
    }

    /// Pushes in a terminal, by the askpass of the example.
    fn typed(&self, talk: &[[&str; 2]]) -> String {
        self.commit(10);
        let url = format!("http://{USER}@{}/r.git", self.sidecar.addr());
        let mut terminal = Command::new("python3");
        terminal
            .arg(top().join("tests/e2e/applications/terminal.py"))
            .arg(json!(talk).to_string());
        let git = self.command(&[
            "-c",
            "credential.useHttpPath=true",
            "-C",
            "work",
            "push",
            &url,
            "HEAD:refs/heads/typed",
        ]);
        terminal
            .arg(git.get_program())
            .args(git.get_args())
            .current_dir(self.dir.path());
        terminal
            .env("HOME", self.dir.path())
            .env("GIT_ASKPASS", top().join("examples/clients/git/askpass"));
        said(&terminal.output().unwrap())
    }

    /// What has arrived.
    fn branches(&self) -> String {
        self.git(&["-C", "r.git", "branch", "--list"])
    }
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// Wants a password for everything, and hands on to git's own program.
fn application(place: &Path, got: &Got) -> Reply {
    let line = format!(
        "Basic {}",
        BASE64.encode(format!("{USER}:{APP_PASSWORD}").as_bytes())
    );
    if got.header("authorization") != line {
        return answer(401, &[("www-authenticate", "Basic realm=x")], "who?");
    }
    if !got.target.starts_with("/r.git") {
        return text(200, "private");
    }
    let place = place.to_owned();
    Reply::ByBody(Box::new(move |got| backend(&place, got)))
}

/// Runs `git http-backend`, a program of CGI (RFC 3875).
fn backend(place: &Path, got: &Got) -> Reply {
    let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
    let mut git = Command::new("git");
    git.arg("http-backend")
        .env("GIT_PROJECT_ROOT", place)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("HOME", place);
    git.env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_USER", USER);
    git.env("REQUEST_METHOD", got.method.as_str())
        .env("CONTENT_LENGTH", got.body.len().to_string());
    git.env("CONTENT_TYPE", got.header("content-type"))
        .env("HTTP_CONTENT_ENCODING", got.header("content-encoding"));
    let mut git = git
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&got.body).unwrap();
    let told = git.wait_with_output().unwrap().stdout;
    let end = told
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap();
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&told[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(&value[..3]),
            _ => response.header(name, value),
        };
    }
    let body = Full::new(Bytes::copy_from_slice(&told[end + 4..]));
    Reply::Answer(
        response
            .body(body.map_err(|never| match never {}).boxed())
            .unwrap(),
    )
}
