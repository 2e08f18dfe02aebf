//! What the settings show of the site: logo, colours, words and style, on real pages.

use crate::support::browser::{Browser, Light};
use crate::support::mail::MailSink;
use crate::support::run;
use crate::support::sidecar::{self, Sidecar, application};
use crate::support::stepgate;
use crate::support::store::Store;
use http::Method;

/// What an SVG may try that is opened by itself.
const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 90 30' onload='document.title=\"run\"'>\
    <script>document.title = 'run'; fetch('/evil')</script><style>rect { fill: #7a1f5c }</style>\
    <image href='http://127.0.0.1:1/evil'/><rect width='90' height='30'/></svg>";

const BRAND: &str = "brand: { name: 'Example <b>Shop', logo: logo.svg, colors: { light: { accent: '#7a1f5c' } }, style_sheet: shop.css, \
    texts: { about.problems_heading: { en: 'Why <i>not', de: Warum nicht }, mail.heading: { en: 'Hello from {site}.' } } }";

/// A sidecar with all of it.
fn branded() -> Sidecar {
    let setup = sidecar::on(Store::Embedded).application(application);
    let mut sidecar = setup.at_localhost().line(BRAND).prepare();
    sidecar.dir.write("logo.svg", LOGO);
    sidecar
        .dir
        .write("shop.css", "h1 { letter-spacing: 2px; }\n");
    sidecar.enroll();
    sidecar.start();
    sidecar
}

#[test]
fn the_logo_is_served_so_that_it_can_do_nothing() {
    run(async {
        let sidecar = branded();
        let browser = sidecar.browser();
        let page = browser.get("/.stepup/problems").await;
        let (_, rest) = page.text().split_once("<img src=\"").unwrap();
        let (address, rest) = rest.split_once('"').unwrap();
        assert!(
            rest.starts_with(" alt=\"Example &#60;b&#62;Shop\">"),
            "{rest}"
        );
        for (path, cached) in [
            (address, "public, max-age=31536000, immutable"),
            ("/.stepup/logo", "public, max-age=3600"),
            ("/.stepup/logo?AAAAAAAAAAAA", "public, max-age=3600"),
        ] {
            let logo = browser.get(path).await;
            assert_eq!((logo.status.as_u16(), logo.text()), (200, LOGO), "{path}");
            for (name, value) in [
                ("content-type", "image/svg+xml"),
                ("x-content-type-options", "nosniff"),
                ("cache-control", cached),
                ("cross-origin-resource-policy", "same-origin"),
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'; sandbox",
                ),
                ("set-cookie", ""),
            ] {
                assert_eq!(logo.header(name), value, "{path} {name}");
            }
        }
        assert_eq!(browser.get("/.stepup/logo/dark").await.status, 404);
        assert_eq!(browser.get("/.stepup/logo/shop.css").await.status, 404);
        let posted = browser.call(Method::POST, "/.stepup/logo", serde_json::json!({}));
        assert_eq!(posted.await.status, 405);
        let plain = sidecar::in_front_of(sidecar.upstream().addr()).run();
        assert_eq!(plain.browser().get("/.stepup/logo").await.status, 404);
    });
}

#[test]
fn a_browser_shows_colours_words_and_logo() {
    run(async {
        let sidecar = branded();
        let at = format!("http://localhost:{}", sidecar.addr().port());
        let browser = Browser::open().await;
        browser.look(1280, Light::Day).await;
        browser
            .goto(&format!("{at}/.stepup/problems"))
            .await
            .unwrap();
        browser.read("Why <i>not").await;
        let looks = "const of = (css, what) => getComputedStyle(document.querySelector(css))[what]; \
            const logo = document.querySelector('.brand img'); \
            return [of('li a', 'color'), of('h1', 'letterSpacing'), logo.complete && logo.getBoundingClientRect().height > 20, logo.alt]";
        let seen = async || browser.execute(looks, vec![]).await.unwrap();
        let wanted = serde_json::json!(["rgb(122, 31, 92)", "2px", true, "Example <b>Shop"]);
        assert_eq!(seen().await, wanted);
        browser.pictures("brand").await;
        browser.look(390, Light::Night).await;
        let night = seen().await;
        assert_ne!(
            night[0], wanted[0],
            "an accent for light ground is too dark at night"
        );
        // Opened by itself, it is a page of this origin.
        browser.goto(&format!("{at}/.stepup/logo")).await.unwrap();
        browser.see("rect").await;
        assert_eq!(browser.title().await.unwrap(), "");
        assert_eq!(sidecar.got("/evil"), 0);
    });
}

#[test]
fn mails_speak_in_the_words_of_the_site() {
    run(async {
        let sidecar = branded();
        let client = sidecar.script();
        client.log_in(sidecar::USER).await;
        let refused = client
            .call(Method::POST, "/email", serde_json::json!({}))
            .await;
        client.send_code(&refused.token()).await;
        let mail = MailSink::shared().wait_for_mail(&sidecar.address, 1);
        assert!(mail.text.starts_with("Hello from Test."), "{}", mail.text);
    });
}

#[test]
fn what_cannot_be_read_is_refused_before_it_is_served() {
    let sidecar = branded();
    let settings = std::fs::read_to_string(sidecar.path("stepgate.yaml")).unwrap();
    let (mistake, poor) = ("'#ffcc00'", settings.replace("'#7a1f5c'", "'#ffcc00'"));
    sidecar.dir.write("poor.yaml", poor);
    let checked = stepgate::run(&sidecar.dir, &["check", "--config", "poor.yaml"]);
    let told = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(64), "{told}");
    for part in [
        mistake,
        "has a contrast of 1.51:1, and 4.5:1 is needed",
        "is the nearest",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}
