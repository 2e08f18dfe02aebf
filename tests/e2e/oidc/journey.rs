//! A person's own browser, which goes to the provider, on another site, and comes back.

use super::providers::{self, RealProvider};
use crate::support::browser::Browser;
use crate::support::sidecar::{self, Sidecar, USER};
use crate::support::store::Store;

/// A provider, and a sidecar that people see at `host`, which is the origin that this tells.
fn at(host: &str) -> (RealProvider, Sidecar, String) {
    let mut provider = RealProvider::at_rest();
    let setup = sidecar::on(Store::Redis).policy(super::POLICY);
    let application = |got: &crate::support::upstream::Got| {
        let form = "<form method=post action=/users/7/delete><input name=reason value=why><button>Go</button></form>";
        match (got.method.as_str(), got.target.as_str()) {
            ("GET", "/form") => {
                crate::support::upstream::answer(200, &[("content-type", "text/html")], form)
            }
            // Such a cookie stays behind where another site leads here.
            ("POST", "/login") => crate::support::upstream::answer(
                302,
                &[
                    ("location", "/home"),
                    (
                        "set-cookie",
                        "sid=strict-0123456789; Path=/; SameSite=Strict; HttpOnly",
                    ),
                ],
                "",
            ),
            ("GET", "/login") => crate::support::upstream::answer(
                200,
                &[("content-type", "text/html")],
                "<form method=post><input name=user><input name=password type=password><button>In</button></form>",
            ),
            _ => crate::support::upstream::text(200, "done"),
        }
    };
    let mut sidecar = setup
        .application(application)
        .line("public_url: http://127.0.0.1:1")
        .with("verification", &providers::settings(provider.addr(), ""))
        .prepare();
    let origin = format!("http://{host}:{}", sidecar.addr().port());
    sidecar.write_private("oidc.secret", providers::SECRET);
    let file = sidecar.path("stepgate.yaml");
    let settings = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        settings.replace("http://127.0.0.1:1\n", &format!("{origin}\n")),
    )
    .unwrap();
    sidecar.enroll();
    sidecar.start();
    provider.start(&sidecar, &origin);
    (provider, sidecar, origin)
}

async fn log_in(browser: &Browser, origin: &str) {
    browser.goto(&format!("{origin}/login")).await.unwrap();
    browser.fill("input[name=user]", USER).await;
    browser.fill("input[name=password]", "App-pass-1!").await;
    browser.click("button").await;
    browser.read("done").await;
}

#[test]
fn a_person_signs_in_afresh_at_the_provider_and_sends_the_form() {
    crate::support::run(async {
        let (_provider, sidecar, origin) = at("127.0.0.1");
        let browser = Browser::open().await;
        log_in(&browser, &origin).await;
        browser.goto(&format!("{origin}/form")).await.unwrap();
        browser.click("button").await;
        browser.read("Delete an account").await;
        let button = "button[formaction$='/oidc/begin']";
        browser.fill("#phrase", "DELETE").await;
        browser.pictures("oidc-prompt").await;
        browser.click(button).await;
        browser.fill("input[name=login]", "mallory").await;
        browser.click("button").await;
        browser.read("with another account").await;
        browser.click(button).await;
        browser.click("a[href*='access_denied']").await;
        browser.read("You did not sign in at Example ID").await;
        browser.click(button).await;
        browser.fill("input[name=login]", USER).await;
        browser.click("button").await;
        browser.read("Nothing has happened yet").await;
        browser.click("button").await;
        browser.read("done").await;
        assert_eq!(sidecar.got("/users/7/delete"), 1);
    });
}

/// The frame is one of another site: it gets no cookie of ours.
#[test]
fn a_frame_on_the_providers_page_ends_what_was_proved_in_this_browser() {
    crate::support::run(async {
        let (provider, sidecar, origin) = at("localhost");
        let browser = Browser::open().await;
        log_in(&browser, &origin).await;
        let keys = format!("{origin}/keys");
        browser.goto(&keys).await.unwrap();
        browser.read("Read the keys").await;
        browser.click("button[formaction$='/oidc/begin']").await;
        browser.fill("input[name=login]", USER).await;
        browser.click("button").await;
        browser.read("done").await;
        let frames = format!("http://{}/frames", provider.addr());
        for wrong in ["?sid=other", "?iss=https://evil.test"] {
            browser.goto(&format!("{frames}{wrong}")).await.unwrap();
            browser.read("Signed out").await;
            browser.goto(&keys).await.unwrap();
            browser.read("done").await;
        }
        browser.goto(&frames).await.unwrap();
        browser.read("Signed out").await;
        browser.goto(&keys).await.unwrap();
        browser.read("Read the keys").await;
        let told = sidecar.events(1, |event| event["event"] == "provider-logout");
        assert_eq!(told.len(), 1);
    });
}
