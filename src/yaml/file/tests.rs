//! What a file tells of its mistakes.

use super::*;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Garden {
    name: Option<String>,
    #[serde(default)]
    beds: Vec<Bed>,
    water: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bed {
    plant: String,
    #[allow(dead_code)] // read for its type
    rows: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Secret {
    #[allow(dead_code)] // read for its type
    Env(String),
}

fn mistakes(text: &str) -> Vec<String> {
    let (_, file) = read_hiding::<Garden>(&["water"], "g.yaml", text.as_bytes());
    let (mistakes, _) = file.finish();
    let head = |one: &Diagnostic| one.to_string().lines().next().unwrap().to_owned();
    mistakes.iter().map(head).collect()
}

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = "nmae: Eden\nbeds:\n  - plant: rose\n    rows: many\n  - rows: 900\n  - plant: 7\n  - plant: fig\n    plant: ivy\n  - just text\n";
    assert_eq!(
        mistakes(text),
        [
            "g.yaml:1:1: unknown field `nmae`",
            "g.yaml:4:11: expected a whole number up to 255, found `many`",
            "g.yaml:5:5: `plant` is missing",
            "g.yaml:5:11: expected a whole number up to 255, found `900`",
            "g.yaml:6:12: expected text, found `7`",
            "g.yaml:8:5: `plant` is given twice",
            "g.yaml:9:5: expected a mapping, found `just text`",
        ]
    );
}

#[test]
fn what_remains_is_read() {
    let (garden, file) = read::<Garden>("g", b"name: Eden\nbeds: [{plant: a}, 7, {plant: b}]");
    let garden = garden.unwrap();
    let plants: Vec<_> = garden.beds.iter().map(|bed| bed.plant.as_str()).collect();
    assert_eq!(
        (garden.name.as_deref(), plants),
        (Some("Eden"), vec!["a", "b"])
    );
    assert!(garden.water.is_none());
    assert!(file.has_mistakes());
}

#[test]
fn a_secret_is_never_shown() {
    for text in [
        "water: hunter2",
        "watr: hunter2",
        "water: {env: [hunter2]}",
        "water: {hunter2: x}",
        "water: >\n  hunter2\n",
    ] {
        let (_, file) = read_hiding::<Garden>(&["water"], "g.yaml", text.as_bytes());
        let (mistakes, _) = file.finish();
        assert_eq!(mistakes.len(), 1, "{mistakes}");
        assert!(!mistakes.to_string().contains("hunter2"), "{mistakes}");
    }
}

#[test]
fn a_file_that_blows_up_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text = format!("{text}a{level}: &a{level} [{below}]\n");
    }
    assert!(mistakes(&text)[0].ends_with("too many values"));
    let long = format!(
        "a: &a {}\nb: [{}]",
        "x".repeat(50_000),
        "*a, ".repeat(1_000)
    );
    assert!(mistakes(&long)[0].ends_with("too many values"));
}

#[test]
fn a_file_too_deep_or_too_large_is_refused() {
    assert_eq!(mistakes(&"[".repeat(40).replace('[', "[[")).len(), 1);
    let deep = format!("beds: {}{}", "[".repeat(60), "]".repeat(60));
    assert!(mistakes(&deep)[0].ends_with("nested more than 32 deep"));
    assert!(mistakes(&"# x\n".repeat(MAX_BYTES))[0].ends_with("larger than 1024 KiB"));
}

#[test]
fn what_would_take_the_scanner_minutes_is_refused_at_once() {
    for unit in ["[", "{", "[{", "{a: ", "[a, ", "{? ", "['],', ", "[\"]\","] {
        let found = mistakes(&unit.repeat(MAX_BYTES / unit.len()));
        assert!(
            found[0].ends_with("too many brackets on one line"),
            "{found:?}"
        );
    }
    let crowd = format!("{}\n", "[\"]\",".repeat(990));
    let found = mistakes(&crowd.repeat(MAX_BYTES / crowd.len()));
    assert!(found[0].ends_with("nested more than 32 deep"), "{found:?}");
}

#[test]
fn fillings_without_sense_are_mistakes() {
    let crowd = format!("{}\n", "[".repeat(60));
    let units = [
        "- ", "? ", "[\n", "&a ", "'", "\"\\n", "a: b: ", "!", "a\n", "%", "|\n ", &crowd,
    ];
    for unit in units {
        assert_ne!(
            mistakes(&unit.repeat(5_000 / unit.len())),
            [""; 0],
            "{unit:?}"
        );
    }
}

#[test]
fn a_flood_of_mistakes_has_an_end() {
    let text = format!("beds:\n{}", "  - 7\n".repeat(5_000));
    let found = mistakes(&text);
    assert_eq!(found.len(), MAX_SHOWN + 1);
    assert!(found[MAX_SHOWN].starts_with("g.yaml: and "));
}

#[test]
fn a_byte_order_mark_is_no_content() {
    let told = |bytes: &[u8]| {
        let (_, file) = read::<Garden>("g.yaml", bytes);
        file.finish().0.to_string()
    };
    let marked = |text: &str| told(format!("\u{feff}{text}").as_bytes());
    for text in ["name: x\nwrong: 1\n", "wrong: 1\n", "", "# only this\n"] {
        assert_eq!(marked(text), told(text.as_bytes()));
    }
    assert!(told(b"\xff\xfen\0a\0").contains("this is UTF-16; save the file as UTF-8"));
}

#[test]
fn bytes_that_are_not_text_are_pointed_at() {
    let (_, file) = read::<Garden>("g.yaml", b"name: x\nb\xffd");
    let (mistakes, _) = file.finish();
    assert!(mistakes.to_string().starts_with("g.yaml:2:2: not UTF-8"));
}

#[test]
fn a_number_in_quotes_is_told_how_to_be_one() {
    let (_, file) = read::<Garden>("g", b"beds: [{plant: a, rows: '7'}]");
    let told = file.finish().0.to_string();
    assert!(
        told.contains("found `7`") && told.contains("write it without them"),
        "{told}"
    );
}
