//! A headless Chromium, driven through chromedriver, with a fresh profile.

use super::process::{Process, try_signal};
use super::temp::TempDir;
use super::{PATIENCE, soon, until};
use fantoccini::elements::Element;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::fs;
use std::ops::Deref;
use std::path::Path;
use std::process::Command;
use url::{ParseError, Url};

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Light {
    Day,
    Night,
}

/// A browser; all of fantoccini's `Client` is reached through it.
pub(crate) struct Browser {
    client: Client,
    chromium: Option<u32>,
    // Dropped after the client: driver first, then the profile it wrote to.
    _driver: Process,
    _profile: TempDir,
}

impl Deref for Browser {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Browser {
    /// Opens one.
    pub(crate) async fn open() -> Self {
        Self::open_with(&[]).await
    }

    /// Opens one with further flags, as in `&["--ignore-certificate-errors"]`.
    pub(crate) async fn open_with(flags: &[&str]) -> Self {
        let profile = TempDir::new("chromium");
        let (driver, port) = (0..TRIES)
            .find_map(|_| start_driver(&profile))
            .expect("a chromedriver with a port");
        let mut all: Vec<String> = FLAGS.iter().chain(flags).map(|&f| f.into()).collect();
        all.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({ "goog:chromeOptions": { "args": all } });
        let url = format!("http://127.0.0.1:{port}");
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = soon("a browser", builder.connect(&url)).await.unwrap();
        let chromium = client
            .capabilities()
            .and_then(|given| given.get("goog:processID")?.as_u64()?.try_into().ok());
        let browser = Self {
            client,
            chromium,
            _driver: driver,
            _profile: profile,
        };
        // Some builds of Chromium give no window the focus where nobody sees one: `:focus` matched nothing then.
        let focused = json!({ "enabled": true });
        browser
            .devtools("Emulation.setFocusEmulationEnabled", focused)
            .await;
        browser
    }

    /// Waits for an element to be there.
    pub(crate) async fn see(&self, css: &str) -> Element {
        let look = || self.client.wait().for_element(Locator::Css(css));
        let mut element = look().await;
        // The page was replaced by another while it was looked at.
        while matches!(&element, Err(error) if error.to_string().contains("aborted by navigation"))
        {
            element = look().await;
        }
        match element {
            Ok(element) => element,
            Err(error) => panic!("no `{css}` ({error}) in {}", self.page_text().await),
        }
    }

    /// Waits until the page's text contains `words`.
    pub(crate) async fn read(&self, words: &str) -> String {
        let reading = async {
            loop {
                let text = self.page_text().await;
                if text.contains(words) {
                    return text;
                }
                // The page is asked again when the browser has painted: no time of our own passes.
                let _ = self.client.execute_async(NEXT_FRAME, vec![]).await;
            }
        };
        if let Ok(text) = tokio::time::timeout(PATIENCE, reading).await {
            return text;
        }
        panic!("`{words}` never shows in {}", self.page_text().await)
    }

    /// Types into a field that is there or comes soon, in place of what it holds.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.see(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks on an element that is there or comes soon.
    pub(crate) async fn click(&self, css: &str) {
        until("a click that meets its element", async || {
            match self.see(css).await.click().await {
                Ok(()) => Some(()),
                // The page was replaced by another between the look and the click.
                Err(error) if error.is_stale_element_reference() => None,
                Err(error) => panic!("`{css}`: {error}"),
            }
        })
        .await;
    }

    /// Goes to the second window, which a click has opened or soon will have; tells the first.
    pub(crate) async fn go_to_second_window(&self) -> WindowHandle {
        let first = self.client.window().await.unwrap();
        let second = async || {
            let windows = self.client.windows().await.unwrap();
            windows.into_iter().find(|window| *window != first)
        };
        let second = until("a second window", second).await;
        self.client.switch_to_window(second).await.unwrap();
        first
    }

    /// The text that a person sees.
    pub(crate) async fn page_text(&self) -> String {
        let text = self
            .client
            .execute("return document.body.innerText", vec![]);
        text.await
            .ok()
            .and_then(|text| text.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Looks at the page as on a screen `width` pixels wide, by day or by night.
    pub(crate) async fn look(&self, width: u32, light: Light) {
        self.look_at_size(width, 900, light).await;
    }

    /// The same on a screen of this height.
    pub(crate) async fn look_at_size(&self, width: u32, height: u32, light: Light) {
        let scheme = match light {
            Light::Day => "light",
            Light::Night => "dark",
        };
        self.devtools(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 }),
        )
        .await;
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
        )
        .await;
    }

    /// Takes pictures of the page at both widths, by day and by night, as `NAME-WIDTH-LIGHT.png`
    /// under `target/tmp/screens/`; tells for each width by how much the page is too wide.
    pub(crate) async fn pictures(&self, name: &str) -> Vec<i64> {
        let screens = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screens");
        fs::create_dir_all(&screens).unwrap();
        let mut excess = Vec::new();
        for width in [1280, 390] {
            for (light, word) in [(Light::Day, "day"), (Light::Night, "night")] {
                self.look(width, light).await;
                let picture = self.client.screenshot().await.unwrap();
                fs::write(screens.join(format!("{name}-{width}-{word}.png")), picture).unwrap();
            }
            let wide = self.client.execute(TOO_WIDE, vec![]).await.unwrap();
            excess.push(wide.as_i64().unwrap());
        }
        excess
    }

    /// A command of the `DevTools` protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.issue(Method::POST, "goog/cdp/execute", body).await
    }

    /// Gives the browser an authenticator that keeps passkeys and verifies its user (WebAuthn Level 3, §11).
    pub(crate) async fn add_authenticator(&self) -> Authenticator<'_> {
        let options = json!({
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": true,
            "hasUserVerification": true, "isUserVerified": true, "isUserConsenting": true,
        });
        let id = self
            .issue(Method::POST, "webauthn/authenticator", options)
            .await;
        Authenticator {
            browser: self,
            path: format!("webauthn/authenticator/{}", id.as_str().unwrap()),
        }
    }

    async fn issue(&self, method: Method, path: &str, body: Value) -> Value {
        let command = FurtherCommand {
            method,
            path: path.to_owned(),
            body,
        };
        self.client.issue_cmd(command).await.unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // chromedriver, killed, would leave its browser behind. One that is gone may be why a test
        // failed: a second panic here would end all the others.
        if let Some(pid) = self.chromium.take() {
            try_signal(pid, "KILL");
        }
    }
}

/// An authenticator of the browser.
pub(crate) struct Authenticator<'b> {
    browser: &'b Browser,
    path: String,
}

impl Authenticator<'_> {
    /// The passkeys that it keeps.
    pub(crate) async fn credentials(&self) -> Vec<Value> {
        let path = format!("{}/credentials", self.path);
        let told = self.browser.issue(Method::GET, &path, Value::Null).await;
        told.as_array().unwrap().clone()
    }

    /// Takes it away, with all that it keeps.
    pub(crate) async fn remove(self) {
        self.browser
            .issue(Method::DELETE, &self.path, Value::Null)
            .await;
    }

    /// Whether it knows its user's finger by now.
    pub(crate) async fn verifies_user(&self, verifies: bool) {
        let body = json!({ "isUserVerified": verifies });
        self.browser
            .issue(Method::POST, &format!("{}/uv", self.path), body)
            .await;
    }
}

/// A command of `WebDriver` that fantoccini does not know, below the path of the session.
#[derive(Debug)]
struct FurtherCommand {
    method: Method,
    path: String,
    body: Value,
}

impl WebDriverCompatibleCommand for FurtherCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        let body = (!self.body.is_null()).then(|| self.body.to_string());
        (self.method.clone(), body)
    }
}

const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];
const NEXT_FRAME: &str = "requestAnimationFrame(() => setTimeout(arguments[0], 20))";
const TOO_WIDE: &str = "const e = document.documentElement; return e.scrollWidth - e.clientWidth";

/// How often a driver is started that finds no port.
const TRIES: usize = 5;

/// Starts a driver; `None` if it finds no port. It takes one that is free for IPv6, which somebody may have for IPv4.
fn start_driver(profile: &TempDir) -> Option<(Process, u16)> {
    let driver = Process::start(
        "chromedriver",
        Command::new("chromedriver")
            .arg("--port=0")
            .env("HOME", profile.path()),
    );
    let port: Option<u16> = driver.wait_for("its port", |line| {
        if line.contains("port not available") {
            return Some(None);
        }
        let (_, rest) = line.split_once("started successfully on port ")?;
        rest.trim_end_matches('.').parse().ok().map(Some)
    });
    Some((driver, port?))
}
