//! What the pages show of the site: each mistake is told with what would be right.

use super::{Folder, read, with, wrong};
use crate::locale::Locale;

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 3'/>";

fn section(lines: &str) -> String {
    format!("brand: {{ {lines} }}")
}

#[test]
fn a_name_is_also_that_of_mails_and_authenticators() {
    let mail = "mail: { smtp: 'mail:25', security: plain, from: no-reply@example.com }";
    let settings = read(&format!("{}\n{mail}", section("name: Example Shop")));
    assert_eq!(settings.site(), "Example Shop");
    let mail = settings.mail.unwrap();
    assert_eq!(
        (mail.site.as_str(), mail.from_name.as_deref()),
        ("Example Shop", Some("Example Shop"))
    );
    assert_eq!(read(&section("name: Example Shop")).site(), "Example Shop");
    for name in ["''", "' '", "\"a\\nb\"", &"x".repeat(61)] {
        let told = wrong(&section(&format!("name: {name}")));
        assert!(told.contains("no name of 1 to 60 characters"), "{told}");
    }
}

#[test]
fn a_logo_is_a_small_picture() {
    let folder = Folder::new();
    folder.write("logo.svg", SVG);
    folder.write("logo.gif", "GIF89a");
    folder.write(
        "large.svg",
        &format!("{SVG}<!--{}-->", "x".repeat(256 << 10)),
    );
    let told = |logo: &str| folder.parse(&with(&section(&format!("logo: {logo}"))));
    let brand = |logo: &str| told(logo).unwrap().web.site.brand.clone();
    let one = brand("logo.svg").logo.clone().unwrap();
    assert_eq!(
        (one.light.media_type, one.dark.is_none()),
        ("image/svg+xml", true)
    );
    let two = brand("{ light: logo.svg, dark: logo.svg }")
        .logo
        .clone()
        .unwrap();
    assert_eq!(two.dark.unwrap().version, one.light.version);
    for (logo, wanted) in [
        ("none.png", "`none.png` cannot be read: No such file"),
        ("logo.gif", "`logo.gif` is no picture that we know"),
        ("large.svg", "`large.svg` is larger than 256 KiB"),
        ("{ light: logo.svg }", "`dark` is missing"),
        ("[logo.svg]", "a file such as `logo.svg`"),
        (".", "cannot be read: Is a directory"),
    ] {
        let told = told(logo).expect_err(logo);
        assert!(told.contains(wanted), "{logo}: {told}");
    }
}

#[test]
fn colours_are_read_strictly_and_must_stand_out() {
    let colors = |text: &str| section(&format!("colors: {{ {text} }}"));
    let style = |text: &str| read(&colors(text)).web.site.brand.style.clone();
    let one = style("light: { accent: '#7a1f5c' }");
    assert!(
        one.contains("(prefers-color-scheme: light) { :root { --accent: #7a1f5c;"),
        "{one}"
    );
    assert!(
        one.contains("(prefers-color-scheme: dark) { :root { --accent: #"),
        "{one}"
    );
    assert!(!one.contains("--ink"), "{one}");
    assert_eq!(
        style("light: { accent: '#0b6660' }")
            .matches("--ink")
            .count(),
        0
    );
    for (text, wanted) in [
        ("light: { accent: teal }", "`teal` is no colour"),
        ("light: { accent: '#12' }", "in quotes, such as `'#0b6660'`"),
        ("light: { accent: '#fff;}body{' }", "is no colour"),
        ("light: { acent: '#fff' }", "did you mean `accent`?"),
        (
            "light: { accent: '#ffcc00' }",
            "accent `#ffcc00` on surface `#ffffff` has a contrast of 1.51:1, and 4.5:1 is needed (WCAG 2.2)",
        ),
        ("light: { accent: '#ffcc00' }", "`#"),
        ("dark: { text: '#333' }", "text `#333333` on "),
        (
            "light: { accent: '#0b6660', on_accent: '#0a5550' }",
            "on_accent `#0a5550` on accent",
        ),
    ] {
        let told = wrong(&colors(text));
        assert!(told.contains(wanted), "{text}: {told}");
    }
}

#[test]
fn a_style_sheet_follows_ours() {
    let folder = Folder::new();
    folder.write("shop.css", "h1 { font-family: serif; }");
    folder.write("import.css", "@import 'x.css';");
    std::fs::write(folder.0.join("latin.css"), b"/* \xe9 */").unwrap();
    folder.write("large.css", &" ".repeat((64 << 10) + 1));
    let told = |sheet: &str| folder.parse(&with(&section(&format!("style_sheet: {sheet}"))));
    let brand = told("shop.css").unwrap().web.site.brand.clone();
    assert_eq!(brand.style, "h1 { font-family: serif; }");
    assert_eq!(brand.style_version.len(), 12);
    let warned = told("import.css").unwrap().remarks.to_string();
    assert!(warned.contains("`@import` has no effect here"), "{warned}");
    for (sheet, wanted) in [
        ("latin.css", "is no text in UTF-8"),
        ("large.css", "is larger than 64 KiB"),
    ] {
        let told = told(sheet).expect_err(sheet);
        assert!(told.contains(wanted), "{told}");
    }
}

#[test]
fn a_text_is_replaced_by_its_key_and_language() {
    let texts = |text: &str| section(&format!("texts: {{ {text} }}"));
    let settings = read(&texts("page.cancel: { en: Never mind, de: Lieber nicht }"));
    let wording = &settings.web.site.brand.wording;
    assert_eq!(wording.of(Locale::En).page.cancel, "Never mind");
    assert_eq!(wording.of(Locale::De).page.cancel, "Lieber nicht");
    for (text, wanted) in [
        ("page.cancle: { en: x }", "did you mean `page.cancel`?"),
        (
            "greeting: { en: x }",
            "the files of `locales/` name them all",
        ),
        ("page.cancel: { nl: x }", "`nl` is no language of the pages"),
        ("page.cancel: x", "expected a mapping"),
        ("page.cancel: { en: '' }", "page.cancel"),
        (
            "mail.subject: { en: Code }",
            "holds the values none, expected {site}",
        ),
        ("mail.subject: { en: 'Code for {side}' }", "ours is “"),
        (
            "time.minutes.one: { ja: x }",
            "there is no text `time.minutes.one` in `ja`",
        ),
    ] {
        let told = wrong(&texts(text));
        assert!(told.contains(wanted), "{text}: {told}");
        assert!(told.contains("stepgate.yaml:4:"), "{told}");
    }
}
