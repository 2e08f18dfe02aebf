//! Programs on a command line, as they come: what of a refusal each shows to the person in front of it.

use super::Outcome;
use crate::support::sidecar::{self, Sidecar, USER};
use crate::support::store::Store;
use crate::support::upstream::{Got, Reply, answer, text};
use data_encoding::BASE64;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::task::spawn_blocking;

const POLICY: &str = r#"
version: 1
default: forward
routes:
  - { id: all, title: Deploy, level: 3, match: { path: "/g/{rest...}" } }
  - { id: git, title: Push, level: 3, match: { path: "/r.git/info/refs" } }
  - { id: images, title: Delete an image, level: 3, match: { path: "/v2/{rest...}", except: [{ path: /v2/ }] } }
"#;

const APP_PASSWORD: &str = "App-pass-1!";

/// Wants a password for everything.
fn application(got: &Got) -> Reply {
    let line = format!("Basic {}", pair());
    if got.target.starts_with("/index/") {
        // Of cargo's registry: where crates are sent.
        let api = format!("http://{}/g", got.header("host"));
        return text(200, &format!("{{ \"dl\": \"{api}\", \"api\": \"{api}\" }}"));
    }
    if got.header("authorization") == line {
        return text(200, "{}");
    }
    let version = ("docker-distribution-api-version", "registry/2.0");
    answer(
        401,
        &[("www-authenticate", "Basic realm=x"), version],
        "who?",
    )
}

fn pair() -> String {
    BASE64.encode(format!("{USER}:{APP_PASSWORD}").as_bytes())
}

/// A program, what it is given, and what a person reads in what it says.
struct Run {
    client: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
    refusal: &'static str,
    seen: &'static str,
    /// What it must show, beside the reason.
    shows: &'static str,
}

const MEANING: &str = "needs a fresh proof of identity";
const WHERE: &str = "/.stepup/problems/step-up-required";
const WORDS: &str = "what is asked, how to prove it, the reason and where it is explained";
const PHRASE: &str = "the reason, and where it is explained";

/// Has each program do something that is guarded.
pub(super) async fn refusals() -> Vec<Outcome> {
    let setup = sidecar::on(Store::Embedded).without_logins().policy(POLICY);
    let setup = setup.application(application).at_localhost();
    let sidecar = setup.with("session", "basic: { url: /private/ }").run();
    let mut outcomes = Vec::new();
    for run in runs(&sidecar) {
        outcomes.push(spawn_blocking(move || refused(run)).await.unwrap());
    }
    assert!(
        sidecar
            .upstream()
            .got()
            .iter()
            .all(|got| !got.target.starts_with("/g/"))
    );
    outcomes
}

fn refused(run: Run) -> Outcome {
    let mut command = Command::new(&run.program);
    command.args(&run.arguments).envs(run.environment);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", run.client));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    // Some break lines where they like.
    let words = said.split_whitespace().collect::<Vec<_>>().concat();
    let expected = [run.shows, "step-up-required"];
    for expected in expected.map(|expected| expected.replace(' ', "")) {
        assert!(
            words.contains(&expected),
            "{} does not show {expected}: {said}",
            run.client
        );
    }
    Outcome {
        client: run.client.to_owned(),
        refusal: run.refusal.to_owned(),
        seen: run.seen,
    }
}

#[allow(clippy::too_many_lines)] // a table, one entry a program
fn runs(sidecar: &Sidecar) -> Vec<Run> {
    let authority = sidecar.addr().to_string();
    let url = |path: &str| format!("http://{authority}{path}");
    let own = |path: &str| format!("http://{USER}:App-pass-1%21@{authority}{path}");
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let run = |client, arguments: &[&str]| Run {
        client,
        program: client.into(),
        arguments: words(arguments),
        environment: vec![
            ("HOME", sidecar.path("home").display().to_string()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
        ],
        refusal: "403, plain text",
        seen: WORDS,
        shows: MEANING,
    };
    let phrase = |run: Run| Run {
        refusal: "403, its reason phrase",
        seen: PHRASE,
        shows: WHERE,
        ..run
    };
    let login = format!("{USER}:{APP_PASSWORD}");
    let python = |module: &'static str, arguments: &[&str]| {
        let run = run(module, arguments);
        let program = installed().join("python/bin").join(module);
        phrase(Run { program, ..run })
    };
    let wheel = wheel(sidecar);
    let composer = composer(sidecar, &url("/g"), &authority);
    let gem = gem(sidecar);
    let index = format!("sparse+{}", url("/index/"));
    let manifest = crate_of(sidecar);
    let apt = apt(sidecar, &own("/g/deb"));
    let npm = format!("//{authority}/g/:_auth={}\n", pair());
    let npmrc = sidecar.dir.write("npmrc", npm).display().to_string();
    vec![
        run("git", &["ls-remote", &own("/r.git")]),
        Run {
            refusal: "403, the error of WebDAV",
            ..run(
                "svn",
                &[
                    "--non-interactive",
                    "--no-auth-cache",
                    "--username",
                    USER,
                    "--password",
                    APP_PASSWORD,
                    "ls",
                    &url("/g/repo"),
                ],
            )
        },
        Run {
            refusal: "403, the problem document in lines",
            seen: "the document",
            ..run("curl", &["-s", "-u", &login, &url("/g/x")])
        },
        phrase(run(
            "wget",
            &[
                "--user",
                USER,
                "--password",
                APP_PASSWORD,
                "-O",
                "-",
                &url("/g/x"),
            ],
        )),
        python(
            "pip",
            &[
                "--disable-pip-version-check",
                "download",
                "--no-deps",
                &own("/g/x-1.0-py3-none-any.whl"),
            ],
        ),
        python(
            "twine",
            &[
                "upload",
                "--non-interactive",
                "--disable-progress-bar",
                "-u",
                USER,
                "-p",
                APP_PASSWORD,
                "--repository-url",
                &url("/g/legacy/"),
                &wheel,
            ],
        ),
        Run {
            environment: vec![
                ("GEM_HOST_API_KEY", format!("Basic {}", pair())),
                ("HOME", sidecar.path("home").display().to_string()),
            ],
            ..run("gem", &["push", &gem, "--host", &url("/g")])
        },
        Run {
            program: env!("CARGO").into(),
            refusal: "403, the problem document with `errors`",
            environment: vec![("CARGO_HOME", sidecar.path("cargo").display().to_string())],
            ..run(
                "cargo",
                &[
                    "publish",
                    "--manifest-path",
                    &manifest,
                    "--no-verify",
                    "--allow-dirty",
                    "--index",
                    &index,
                    "--token",
                    &format!("Basic {}", pair()),
                ],
            )
        },
        Run {
            refusal: "403, the problem document with `warning`",
            environment: vec![
                ("COMPOSER_HOME", composer.clone()),
                ("COMPOSER_ALLOW_SUPERUSER", "1".to_owned()),
            ],
            ..run(
                "composer",
                &[
                    "update",
                    "--no-interaction",
                    "--no-ansi",
                    "--working-dir",
                    &composer,
                ],
            )
        },
        Run {
            refusal: "403, the error list of registries of images",
            ..run(
                "skopeo",
                &[
                    "inspect",
                    "--tls-verify=false",
                    "--creds",
                    &login,
                    &format!("docker://{authority}/a/b:1"),
                ],
            )
        },
        phrase(run(
            "apt-get",
            &[
                "-o",
                &format!("Dir::Etc::sourcelist={apt}/sources.list"),
                "-o",
                "Dir::Etc::sourceparts=-",
                "-o",
                &format!("Dir::State::lists={apt}/lists"),
                "-o",
                &format!("Dir::Cache={apt}/cache"),
                "-o",
                "Acquire::http::Proxy=false",
                "-o",
                "APT::Sandbox::User=",
                "update",
            ],
        )),
        Run {
            refusal: "403, the problem document with `error`",
            ..run(
                "npm",
                &[
                    "--userconfig",
                    &npmrc,
                    "--registry",
                    &url("/g/"),
                    "--fetch-retries=0",
                    "--no-update-notifier",
                    "view",
                    "demo",
                ],
            )
        },
    ]
}

/// The folder with the programs of `PyPI`, which are installed once and kept for later runs.
fn installed() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    fs::create_dir_all(&place).unwrap();
    // Several test processes may come at once; one of them installs.
    let lock = File::create(place.join("lock")).unwrap();
    lock.lock().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/clients/install");
    let install = Command::new(script).arg(&place).output().unwrap();
    let said = String::from_utf8_lossy(&install.stderr);
    assert!(install.status.success(), "nothing is installed: {said}");
    place
}

/// A package of Python.
fn wheel(sidecar: &Sidecar) -> String {
    let name = sidecar
        .path("demo_x-1.0-py3-none-any.whl")
        .display()
        .to_string();
    let script = "import sys, zipfile\n\
        wheel = zipfile.ZipFile(sys.argv[1], 'w')\n\
        info = 'demo_x-1.0.dist-info/'\n\
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\\nName: demo-x\\nVersion: 1.0\\n')\n\
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        wheel.writestr(info + 'RECORD', '')\n";
    let made = Command::new("python3")
        .args(["-c", script, &name])
        .status()
        .unwrap();
    assert!(made.success());
    name
}

/// A project of PHP whose packages are at `url`.
fn composer(sidecar: &Sidecar, url: &str, authority: &str) -> String {
    let place = sidecar.path("php");
    fs::create_dir_all(&place).unwrap();
    let project = serde_json::json!({
        "repositories": [{ "type": "composer", "url": url }, { "packagist.org": false }],
        "config": { "secure-http": false, "http-basic": { authority: { "username": USER, "password": APP_PASSWORD } } },
        "require": { "a/b": "*" },
    });
    fs::write(place.join("composer.json"), project.to_string()).unwrap();
    place.display().to_string()
}

/// A package of Rust.
fn crate_of(sidecar: &Sidecar) -> String {
    let place = sidecar.path("crate");
    fs::create_dir_all(place.join("src")).unwrap();
    fs::write(place.join("src/lib.rs"), "").unwrap();
    let manifest = "[workspace]\n[package]\nname = \"demo-x\"\nversion = \"1.0.0\"\nedition = \"2021\"\ndescription = \"x\"\nlicense = \"MIT\"\n";
    fs::write(place.join("Cargo.toml"), manifest).unwrap();
    place.join("Cargo.toml").display().to_string()
}

/// A package of Ruby.
fn gem(sidecar: &Sidecar) -> String {
    let spec = "Gem::Specification.new { |s| s.name = 'demo_x'; s.version = '1.0'; s.summary = 'x'; s.authors = ['x']; s.files = [] }";
    sidecar.dir.write("demo_x.gemspec", spec);
    let mut build = Command::new("gem");
    let built = build
        .args(["build", "-q", "demo_x.gemspec"])
        .current_dir(sidecar.dir.path())
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    sidecar.path("demo_x-1.0.gem").display().to_string()
}

/// Where apt reads of one source, and keeps what it finds.
fn apt(sidecar: &Sidecar, url: &str) -> String {
    let place = sidecar.path("apt");
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(place.join(folder)).unwrap();
    }
    fs::write(
        place.join("sources.list"),
        format!("deb [trusted=yes] {url} x main\n"),
    )
    .unwrap();
    place.display().to_string()
}
