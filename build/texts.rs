//! Reads the files of texts, and holds each language against English.

// What one text may hold, which `src/locale/` knows as well.
#[path = "../src/locale/values.rs"]
mod values;

use icu_locale_core::Locale;
use icu_plurals::PluralRules;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
pub(crate) use values::values;
use values::{differing, malformed, word};

/// The language that the others are held against.
pub(crate) const REFERENCE: &str = "en";

/// A language, with all its texts.
pub(crate) struct Language {
    /// Its tag (RFC 5646), as in `<html lang>`.
    pub(crate) tag: String,
    /// What it calls itself.
    pub(crate) name: String,
    /// Whether it is written from right to left.
    pub(crate) rtl: bool,
    /// The texts, by section and name.
    pub(crate) texts: BTreeMap<(String, String), Text>,
}

/// One text, or those that belong together.
#[derive(PartialEq, Eq)]
pub(crate) enum Text {
    /// A text; may hold `{values}`.
    Plain(String),
    /// A text that depends on the number `{n}`: one for each plural of the language.
    Plural(BTreeMap<String, String>),
    /// Why something was refused: title, meaning, what to do.
    Problem([String; 3]),
}

/// What an entry of `[problems]` holds, in the order of [`Text::Problem`].
pub(crate) const PROBLEM: [&str; 3] = ["title", "meaning", "todo"];

/// Reads all files, given as tag and text; all mistakes at once.
pub(crate) fn read(files: &[(String, String)]) -> Result<Vec<Language>, Vec<String>> {
    let mut mistakes = Vec::new();
    let mut languages = Vec::new();
    for (tag, text) in files {
        let mut file = File {
            tag,
            text,
            mistakes: &mut mistakes,
        };
        languages.extend(file.language());
    }
    match languages.iter().find(|language| language.tag == REFERENCE) {
        None if mistakes.is_empty() => {
            mistakes.push(format!("locales/{REFERENCE}.toml is missing"));
        }
        None => {}
        Some(reference) => {
            for (language, (tag, text)) in languages.iter().zip(files) {
                File {
                    tag,
                    text,
                    mistakes: &mut mistakes,
                }
                .compare(language, reference);
            }
        }
    }
    if mistakes.is_empty() {
        Ok(languages)
    } else {
        Err(mistakes)
    }
}

/// The plurals of a language (Unicode CLDR).
pub(crate) fn plurals(tag: &str) -> Result<Vec<&'static str>, String> {
    let locale: Locale = tag
        .parse()
        .map_err(|_| format!("locales/{tag}.toml: `{tag}` is no language tag"))?;
    let rules = PluralRules::try_new_cardinal(locale.into());
    let rules = rules.map_err(|error| {
        format!("locales/{tag}.toml: no plurals of this language are known: {error}")
    })?;
    Ok(rules.categories().map(word).collect())
}

/// A file while it is read.
struct File<'f> {
    tag: &'f str,
    text: &'f str,
    mistakes: &'f mut Vec<String>,
}

impl File<'_> {
    fn language(&mut self) -> Option<Language> {
        let document = match DeTable::parse(self.text) {
            Ok(document) => document,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                self.mistake(at, error.message());
                return None;
            }
        };
        let plurals = match plurals(self.tag) {
            Ok(plurals) => plurals,
            Err(mistake) => {
                self.mistakes.push(mistake);
                return None;
            }
        };
        let mut language = Language {
            tag: self.tag.to_owned(),
            name: String::new(),
            rtl: false,
            texts: BTreeMap::new(),
        };
        for (section, entries) in document.get_ref() {
            let Some(table) = entries.get_ref().as_table() else {
                self.mistake(section.span().start, "expected a section, such as `[page]`");
                continue;
            };
            for (name, value) in table {
                let key = (section.get_ref().to_string(), name.get_ref().to_string());
                match (key.0.as_str(), key.1.as_str(), value.get_ref()) {
                    ("language", "name", DeValue::String(own)) => language.name = own.to_string(),
                    ("language", "right_to_left", DeValue::Boolean(rtl)) => language.rtl = *rtl,
                    ("language", ..) => self.mistake(
                        name.span().start,
                        "expected `name` (text) or `right_to_left` (true)",
                    ),
                    _ => {
                        if let Some(text) = self.entry(&key, value, &plurals) {
                            language.texts.insert(key, text);
                        }
                    }
                }
            }
        }
        if language.name.is_empty() {
            self.mistake(0, "[language] lacks `name`: what the language calls itself");
        }
        Some(language)
    }

    fn entry(
        &mut self,
        key: &(String, String),
        value: &Spanned<DeValue<'_>>,
        plurals: &[&str],
    ) -> Option<Text> {
        let is_problem = key.0 == "problems";
        let is_name = |char: char| {
            char.is_ascii_lowercase()
                || char.is_ascii_digit()
                || char == '_'
                || (is_problem && char == '-')
        };
        if !key.1.chars().all(is_name) {
            self.mistake(
                value.span().start,
                &format!("`{}` is no name: small letters, digits and `_`", key.1),
            );
            return None;
        }
        let Some(table) = value.get_ref().as_table() else {
            return self
                .text(key, "", value)
                .map(Text::Plain)
                .filter(|_| !is_problem);
        };
        let wanted: &[&str] = if is_problem { &PROBLEM } else { plurals };
        let mut texts = BTreeMap::new();
        for (part, value) in table {
            if wanted.contains(&part.get_ref().as_ref()) {
                texts.extend(
                    self.text(key, part.get_ref(), value)
                        .map(|text| (part.get_ref().to_string(), text)),
                );
            } else {
                self.mistake(
                    part.span().start,
                    &format!(
                        "[{}] {}: `{}` is not among {}",
                        key.0,
                        key.1,
                        part.get_ref(),
                        listed(wanted)
                    ),
                );
            }
        }
        let missing: Vec<_> = wanted
            .iter()
            .copied()
            .filter(|part| !table.contains_key(*part))
            .collect();
        if !missing.is_empty() {
            self.mistake(
                value.span().start,
                &format!("[{}] {} lacks {}", key.0, key.1, listed(&missing)),
            );
            return None;
        }
        Some(if is_problem {
            Text::Problem(PROBLEM.map(|part| texts.remove(part).unwrap_or_default()))
        } else {
            Text::Plural(texts)
        })
    }

    fn text(
        &mut self,
        key: &(String, String),
        part: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<String> {
        let mut mistake = |what: &str| {
            self.mistake(
                value.span().start,
                &format!("[{}] {} {part}: {what}", key.0, key.1),
            );
            None
        };
        let Some(text) = value.get_ref().as_str() else {
            return mistake("expected a text in quotes");
        };
        match malformed(text) {
            Some(what) => mistake(what),
            None => Some(text.to_owned()),
        }
    }

    fn compare(&mut self, language: &Language, reference: &Language) {
        for (key, text) in &reference.texts {
            match language.texts.get(key) {
                None => self.mistake(
                    0,
                    &format!(
                        "[{}] lacks `{}`, which is {} in English",
                        key.0,
                        key.1,
                        text.example()
                    ),
                ),
                Some(own) => self.compare_text(key, own, text),
            }
        }
        for key in language
            .texts
            .keys()
            .filter(|key| !reference.texts.contains_key(*key))
        {
            self.mistake(
                self.at(key),
                &format!("[{}] {}: there is no such text in English", key.0, key.1),
            );
        }
    }

    fn compare_text(&mut self, key: &(String, String), own: &Text, reference: &Text) {
        let mistake = match (own, reference) {
            (Text::Problem(_), Text::Problem(_)) => own.leaves().find_map(|(part, text)| {
                (!values(text).is_empty()).then(|| format!("{part} holds values, and none is known"))
            }),
            (Text::Plain(own), Text::Plain(reference)) => differing(own, reference, ""),
            (Text::Plural(own), Text::Plural(reference)) => {
                let whole = reference.get("other").map(String::as_str).unwrap_or_default();
                own.iter().find_map(|(part, text)| {
                    differing(text, whole, part).map(|what| format!("{part}: {what}"))
                })
            }
            (_, Text::Plural(_)) => Some("depends on a number: expected one text for each plural, as in `{ one = \"…\", other = \"…\" }`".to_owned()),
            _ => Some(format!("expected {}", reference.example())),
        };
        if let Some(mistake) = mistake {
            self.mistake(self.at(key), &format!("[{}] {}: {mistake}", key.0, key.1));
        }
    }

    /// Where a text stands, to the line.
    fn at(&self, (section, name): &(String, String)) -> usize {
        let header = format!("[{section}]");
        let (from, start) = match self.text.find(&format!("[{section}.{name}]")) {
            Some(at) => return at,
            None => (
                self.text.find(&header).unwrap_or_default(),
                format!("\n{name} "),
            ),
        };
        let rest = self.text.get(from..).unwrap_or_default();
        rest.find(&start).map_or(from, |at| from + at + 1)
    }

    fn mistake(&mut self, at: usize, what: &str) {
        let line = 1 + self
            .text
            .bytes()
            .take(at)
            .filter(|byte| *byte == b'\n')
            .count();
        self.mistakes
            .push(format!("locales/{}.toml:{line}: {what}", self.tag));
    }
}

impl Text {
    /// The texts, each with the name of its part.
    pub(crate) fn leaves(&self) -> Box<dyn Iterator<Item = (&str, &str)> + '_> {
        match self {
            Self::Plain(text) => Box::new(std::iter::once(("", text.as_str()))),
            Self::Plural(texts) => Box::new(
                texts
                    .iter()
                    .map(|(part, text)| (part.as_str(), text.as_str())),
            ),
            Self::Problem(texts) => {
                Box::new(PROBLEM.into_iter().zip(texts.iter().map(String::as_str)))
            }
        }
    }

    fn example(&self) -> String {
        let texts: Vec<_> = self.leaves().map(|(_, text)| format!("“{text}”")).collect();
        texts.join(", ")
    }
}

fn listed(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
