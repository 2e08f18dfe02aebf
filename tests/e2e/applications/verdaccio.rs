//! Verdaccio, a registry of packages, and the npm client as it comes: it is asked for a one-time code and sends it.

mod browser;

use super::{APP_PASSWORD, OWNER, OWNERS_PROOF, Site, THIEF, installed, prove};
use crate::support::client::Client;
use crate::support::port::HeldPort;
use crate::support::process::Process;
use crate::support::sidecar::now_secs;
use crate::support::temp::TempDir;
use crate::support::{run, stepgate};
use ::stepgate::domain::Timestamp;
use ::stepgate::verification::TotpSecret;
use http::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn the_npm_client_brings_a_code_with_its_request() {
    run(async {
        let registry = Registry::start().await;
        let npm = |arguments: &[&str]| registry.npm(OWNER, arguments);
        // Without a terminal it says what to do.
        let refused = said(&npm(&["publish"]), false);
        assert!(
            refused.contains("EOTP") && refused.contains("--otp=CODE"),
            "{refused}"
        );
        assert!(
            refused.contains("step-up-required"),
            "its notice: {refused}"
        );
        let wrong = said(&npm(&["publish", "--otp=000000"]), false);
        assert!(
            wrong.contains("EOTP") && wrong.contains("wrong-answer"),
            "{wrong}"
        );
        // A code counts until the end of the next step: npm may take its time.
        let [first, second] = [0, 1].map(|step| format!("--otp={}", registry.code(step)));
        said(&npm(&["publish", &first]), true);
        // Publishing again is the same action, and what the code has earned lasts.
        registry
            .state
            .write("package.json", r#"{"name":"demo-x","version":"1.0.1"}"#);
        said(&npm(&["publish", &first]), true);
        // One version is taken back by two requests, which one code opens.
        let again = said(
            &npm(&["unpublish", "demo-x@1.0.0", "--force", &second]),
            true,
        );
        assert!(again.contains("- demo-x@1.0.0"), "{again}");
        let left = said(&npm(&["view", "demo-x", "versions"]), true);
        assert!(left.contains("1.0.1") && !left.contains("1.0.0"), "{left}");
        // And for its owner.
        let stolen = said(&registry.npm(THIEF, &["publish", &second]), false);
        assert!(!stolen.contains("+ demo-x"), "{stolen}");
    });
}

#[test]
fn the_npm_client_asks_the_person_for_a_code() {
    run(async {
        let registry = Registry::start().await;
        let [first, second] = [0, 1].map(|step| registry.code(step));
        let asked = registry.typed(OWNER, &["publish"], &first);
        assert!(
            asked.contains("This operation requires a one-time password."),
            "{asked}"
        );
        assert!(asked.contains("+ demo-x@1.0.0"), "{asked}");
        let asked = registry.typed(OWNER, &["unpublish", "demo-x", "--force"], &second);
        assert!(asked.contains("- demo-x"), "{asked}");
        let wrong = registry.in_terminal(OWNER, &["publish"], &json!([["Enter OTP:", "000000"]]));
        let told = String::from_utf8_lossy(&wrong.stdout);
        assert!(
            !wrong.status.success() && told.contains("wrong-answer"),
            "{told}"
        );
    });
}

#[test]
fn a_code_for_one_request_is_spent_by_it() {
    run(async {
        let registry = Registry::start().await;
        let code = registry.code(0);
        let create = |code: &str| {
            let talk = json!([["npm password:", APP_PASSWORD], ["Enter OTP:", code]]);
            registry.in_terminal(OWNER, &["token", "create"], &talk)
        };
        // What the registry makes of it is the registry's: it may not know the form of this npm.
        let asked = create(&code);
        let asked = String::from_utf8_lossy(&asked.stdout).into_owned();
        assert!(!asked.contains("EOTP"), "{asked}");
        // The same code once more, for the same: it is spent.
        let replayed = said(&create(&code), false);
        assert!(replayed.contains("wrong-answer"), "{replayed}");
    });
}

#[test]
fn other_programs_answer_the_challenge_of_the_registry_as_ever() {
    run(async {
        let registry = Registry::start().await;
        let token = registry.token(OWNER).await;
        let client = registry
            .site
            .client()
            .header("authorization", &format!("Bearer {token}"));
        let refused = client
            .call(Method::POST, "/-/npm/v1/tokens", json!({}))
            .await;
        let challenges: Vec<_> = refused.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(
            (refused.status.as_u16(), challenges.len()),
            (401, 2),
            "{}",
            refused.text()
        );
        let proved = prove(&client, &refused, OWNERS_PROOF).await;
        assert_eq!(proved.status, 200, "{}", proved.text());
        let key = proved.json()["key"].as_str().unwrap().to_owned();
        let wanted = json!({ "password": APP_PASSWORD, "readonly": false, "cidr_whitelist": [] });
        let other = client.clone().header("step-up-key", &key);
        let refused = other.call(Method::POST, "/-/npm/v1/tokens", wanted).await;
        assert_eq!(
            refused.reason(),
            "grant-mismatch",
            "another body: {}",
            refused.text()
        );
    });
}

/// Verdaccio with Stepgate in front, and a package to be published.
struct Registry {
    site: Site,
    totp: TotpSecret,
    state: TempDir,
    _process: Process,
}

impl Registry {
    async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same, with other words in place of some in the settings.
    async fn start_with(changes: &[(&str, &str)]) -> Self {
        let (state, port) = (TempDir::new("verdaccio"), HeldPort::take());
        state.write("config.yaml", CONFIG);
        state.write("package.json", r#"{"name":"demo-x","version":"1.0.0"}"#);
        let program = installed().join("verdaccio/node_modules/verdaccio/bin/verdaccio");
        let mut command = Command::new("node");
        command.arg(program).args([
            "--config",
            "config.yaml",
            "--listen",
            &port.addr().to_string(),
        ]);
        let process = Process::start("Verdaccio", command.current_dir(state.path()));
        process.wait_for_line("http address");
        let site = Site::start_with("verdaccio", HeldPort::take(), port.addr(), changes);
        let added = stepgate::run(&site.dir, &["user", "totp", OWNER]);
        let told = String::from_utf8_lossy(&added.stdout).into_owned();
        let base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
        let mut words = told.split_whitespace();
        let secret = words.find(|word| word.len() >= 26 && word.chars().all(base32));
        let totp = TotpSecret::from_base32(secret.unwrap_or_else(|| panic!("{told}"))).unwrap();
        let registry = Self {
            site,
            totp,
            state,
            _process: process,
        };
        for name in [OWNER, THIEF] {
            let token = registry.token(name).await;
            let line = format!("//127.0.0.1:{}/:_authToken={token}\n", registry.site.port());
            registry.state.write(name, line);
        }
        registry
    }

    /// Signs somebody up; the registry hands out a token.
    async fn token(&self, name: &str) -> String {
        let account = json!({ "name": name, "password": APP_PASSWORD, "email": "x@example.test" });
        let path = format!("/-/user/org.couchdb.user:{name}");
        let client: Client = self.site.client();
        let mut made = client.call(Method::PUT, &path, account.clone()).await;
        if made.status != 201 {
            let line = data_encoding::BASE64.encode(format!("{name}:{APP_PASSWORD}").as_bytes());
            let client = client.header("authorization", &format!("Basic {line}"));
            made = client
                .call(Method::PUT, &format!("{path}/-rev/undefined"), account)
                .await;
        }
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["token"].as_str().unwrap().to_owned()
    }

    fn code(&self, step: i64) -> String {
        let at = now_secs().checked_add_signed(30 * step).unwrap();
        self.totp
            .code_at(Timestamp::from_millis(at * 1000))
            .expose()
            .clone()
    }

    /// The arguments of npm for somebody, who has no file of her own but this one.
    fn arguments(&self, name: &str, arguments: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let place = |name: &str| self.state.path().join(name).display().to_string();
        all.push(format!("--registry=http://127.0.0.1:{}/", self.site.port()));
        all.push(format!("--userconfig={}", place(name)));
        all.push(format!("--cache={}", place("cache")));
        all.extend(["--fetch-retries=0", "--no-update-notifier"].map(str::to_owned));
        all
    }

    fn npm(&self, name: &str, arguments: &[&str]) -> Output {
        let mut npm = Command::new("npm");
        let npm = npm
            .args(self.arguments(name, arguments))
            .current_dir(self.state.path());
        npm.output().unwrap()
    }

    fn terminal(&self, name: &str, arguments: &[&str], talk: &Value) -> Command {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/applications/terminal.py");
        let mut terminal = Command::new("python3");
        terminal
            .arg(script)
            .arg(talk.to_string())
            .arg("npm")
            .args(self.arguments(name, arguments));
        terminal.current_dir(self.state.path());
        terminal
    }

    /// In a terminal whose person has npm ask for a code.
    fn in_terminal(&self, name: &str, arguments: &[&str], talk: &Value) -> Output {
        let mut arguments = arguments.to_vec();
        arguments.push("--auth-type=legacy");
        self.terminal(name, &arguments, talk).output().unwrap()
    }

    /// What the person sees who types the code that she is asked for.
    fn typed(&self, name: &str, arguments: &[&str], code: &str) -> String {
        said(
            &self.in_terminal(name, arguments, &json!([["Enter OTP:", code]])),
            true,
        )
    }
}

/// What a program said, which ended well or not.
fn said(output: &Output, ends_well: bool) -> String {
    let told = [&output.stdout[..], &output.stderr].concat();
    let told = String::from_utf8_lossy(&told).into_owned();
    assert_eq!(output.status.success(), ends_well, "{told}");
    told
}

const CONFIG: &str = "\
storage: storage
auth: { htpasswd: { file: htpasswd, max_users: 10 } }
security: { api: { jwt: { sign: { expiresIn: 29d } } } }
uplinks: {}
packages: { '**': { access: $all, publish: $authenticated, unpublish: $authenticated } }
userRateLimit: { windowMs: 1000, max: 10000 }
log: { type: stdout, format: pretty, level: http }
";
