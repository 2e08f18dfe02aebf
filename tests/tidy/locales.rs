//! The files of texts, as the build script reads them: each mistake is told with file, line and name.

#[path = "../../build/texts.rs"]
#[allow(dead_code)] // the rest is for the build script
mod texts;

use texts::read;

const ENGLISH: &str = "[language]\nname = \"English\"\n[page]\nhello = \"Hello {name}\"\nleft = { one = \"One left\", other = \"{n} left\" }\n";

fn mistakes(tag: &str, text: &str) -> Vec<String> {
    let files = [(tag, text), ("en", ENGLISH)].map(|(tag, text)| (tag.to_owned(), text.to_owned()));
    read(&files).err().unwrap_or_default()
}

#[test]
fn a_mistake_in_a_language_is_told_with_file_and_name() {
    let head = "[language]\nname = \"Deutsch\"\n[page]\n";
    let hello = "hello = \"Hallo {name}\"\n";
    let left = "left = { one = \"Eins\", other = \"{n}\" }\n";
    assert_eq!(
        mistakes("de", &format!("{head}{hello}{left}")),
        Vec::<String>::new()
    );
    for (body, told) in [
        (
            left.to_owned(),
            "locales/de.toml:1: [page] lacks `hello`, which is “Hello {name}” in English",
        ),
        (
            format!("{hello}{left}more = \"x\"\n"),
            "locales/de.toml:6: [page] more: there is no such text in English",
        ),
        (
            format!("{left}hello = \"Hallo {{nam}}\"\n"),
            "locales/de.toml:5: [page] hello: holds the values {nam}, expected {name}",
        ),
        (
            format!("{left}hello = \"Hallo\"\n"),
            "locales/de.toml:5: [page] hello: holds the values none, expected {name}",
        ),
        (
            format!("{left}hello = \"Hallo {{name\"\n"),
            "locales/de.toml:5: [page] hello : expected values as `{name}`, in small letters",
        ),
        (
            format!("{left}hello = \" \"\n"),
            "locales/de.toml:5: [page] hello : is empty",
        ),
        (
            format!("{hello}left = \"{{n}}\"\n"),
            "locales/de.toml:5: [page] left: depends on a number: expected one text for each plural, as in `{ one = \"…\", other = \"…\" }`",
        ),
        (
            format!("{hello}left = {{ other = \"{{n}}\" }}\n"),
            "locales/de.toml:5: [page] left lacks `one`",
        ),
        (
            format!("{hello}left = {{ one = \"1\", few = \"2\", other = \"{{n}}\" }}\n"),
            "locales/de.toml:5: [page] left: `few` is not among `one`, `other`",
        ),
        (
            format!("{hello}left = {{ one = \"1\", other = \"viele\" }}\n"),
            "locales/de.toml:5: [page] left: other: holds the values none, expected {n}",
        ),
        (format!("{left}hello = Hallo\n"), "locales/de.toml:5: "),
    ] {
        let mistakes = mistakes("de", &format!("{head}{body}"));
        assert!(
            mistakes.iter().any(|mistake| mistake.starts_with(told)),
            "{told}\n{mistakes:#?}"
        );
    }
    assert_eq!(
        mistakes("x_y", head),
        ["locales/x_y.toml: `x_y` is no language tag"]
    );
}

#[test]
fn a_language_has_its_own_plurals() {
    let text = "[language]\nname = \"العربية\"\n[page]\nhello = \"{name}\"\nleft = { zero = \"لا\", one = \"واحد\", two = \"اثنان\", few = \"{n} قليل\", many = \"{n} كثير\", other = \"{n}\" }\n";
    assert_eq!(mistakes("ar", text), Vec::<String>::new());
    assert_eq!(
        mistakes("ar", &text.replace("few = \"{n} قليل\", ", "")),
        [
            "locales/ar.toml:5: [page] left lacks `few`",
            "locales/ar.toml:1: [page] lacks `left`, which is “One left”, “{n} left” in English"
        ]
    );
}

#[test]
fn every_text_of_a_problem_is_there() {
    let english = format!("{ENGLISH}[problems.not-found]\ntitle = \"T\"\nmeaning = \"M.\"\n");
    let files = [("en".to_owned(), english)];
    assert_eq!(
        read(&files).err().unwrap_or_default(),
        ["locales/en.toml:6: [problems] not-found lacks `todo`"]
    );
}
