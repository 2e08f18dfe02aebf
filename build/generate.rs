//! Writes languages and texts as Rust.

use crate::texts::{Language, PROBLEM, REFERENCE, Text, values};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `src/locale/mod.rs` includes it.
pub(crate) fn locale(languages: &[Language]) -> String {
    let count = languages.len();
    let mut variants = String::new();
    let (mut tags, mut names) = (String::new(), String::new());
    let (mut all, mut rtl) = (Vec::new(), Vec::new());
    for language in languages {
        let variant = camel(&language.tag);
        let default = if language.tag == REFERENCE {
            "#[default]"
        } else {
            ""
        };
        let name = &language.name;
        put(
            &mut variants,
            format_args!("/// {name}.\n{default} {variant},"),
        );
        put(
            &mut tags,
            format_args!("Self::{variant} => {:?},", language.tag),
        );
        put(&mut names, format_args!("Self::{variant} => {name:?},"));
        all.push(format!("Self::{variant}"));
        if language.rtl {
            rtl.push(format!("Self::{variant}"));
        }
    }
    let is_rtl = if rtl.is_empty() {
        "false".to_owned()
    } else {
        format!("matches!(self, {})", rtl.join(" | "))
    };
    format!(
        "/// A language that pages and mails are written in: a file in `locales/`. English stands for all that we do not have.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Locale {{ {variants} }}
        impl Locale {{
            /// All languages.
            pub const ALL: [Self; {count}] = [{all}];
            /// The language tag (RFC 5646), as in `<html lang>` and `Content-Language`.
            pub const fn as_str(self) -> &'static str {{ match self {{ {tags} }} }}
            /// What the language calls itself.
            pub const fn name(self) -> &'static str {{ match self {{ {names} }} }}
            /// Whether it is written from right to left.
            pub const fn is_rtl(self) -> bool {{ {is_rtl} }}
        }}",
        all = all.join(", "),
    )
}

/// `src/locale/texts.rs` includes it.
pub(crate) fn texts(languages: &[Language]) -> String {
    let Some(reference) = languages.iter().find(|language| language.tag == REFERENCE) else {
        return String::new();
    };
    let sections = sections(reference);
    let mut out = String::new();
    let (mut fields, mut all, mut leaves_of) = (String::new(), String::new(), String::new());
    for (section, texts) in &sections {
        put(&mut out, format_args!("{}", section_type(section, texts)));
        put(
            &mut fields,
            format_args!(
                "/// The texts of `[{section}]`.\npub(crate) {section}: {}Texts,",
                camel(section)
            ),
        );
        for (name, text) in texts {
            put(&mut all, format_args!("{}", leaves(section, name, text)));
            put(
                &mut leaves_of,
                format_args!("{}", leaves_mut(section, name, text)),
            );
        }
    }
    let mut of = String::new();
    for language in languages {
        let constant = language.tag.to_uppercase().replace('-', "_");
        put(
            &mut of,
            format_args!("Locale::{} => &{constant},", camel(&language.tag)),
        );
        put(
            &mut out,
            format_args!("static {constant}: Texts = {};", value(language)),
        );
    }
    put(
        &mut out,
        format_args!(
            "/// Every text, in one language.
            #[derive(Clone, Debug)]
            pub(crate) struct Texts {{ {fields} }}
            impl Texts {{
                /// The texts in `locale`.
                pub(crate) fn of(locale: Locale) -> &'static Self {{ match locale {{ {of} }} }}
                /// Why something was refused.
                // Does a reason lack its words? Each is a section `[problems.WORD]` of `locales/*.toml`.
                pub(crate) const fn problem(&self, reason: Reason) -> &Explanation {{ match reason {{ {problems} }} }}
                /// Every text with its key, such as `page.cancel`.
                #[allow(clippy::too_many_lines)] // as many as there are texts
                #[cfg(test)]
                pub(crate) fn all(&self) -> Vec<(&'static str, &str)> {{ vec![{all}] }}
                /// Each text that can be replaced, by the key that `locales/*.toml` have for it, such as `page.cancel`,
                /// `time.minutes.one` or `problems.not-found.title`.
                #[allow(clippy::too_many_lines)] // as many as there are texts
                pub(super) fn leaves(&mut self) -> Vec<Leaf<'_>> {{ let mut leaves = Vec::new(); {leaves_of} leaves }}
            }}",
            problems = problems(&sections),
        ),
    );
    out
}

type Sections<'l> = BTreeMap<&'l str, Vec<(String, &'l Text)>>;

/// The texts by section, named as fields.
fn sections(language: &Language) -> Sections<'_> {
    let mut sections = Sections::new();
    for ((section, name), text) in &language.texts {
        let name = name.replace('-', "_");
        sections.entry(section).or_default().push((name, text));
    }
    sections
}

/// The struct of a section. A text that holds values is a function of them, so that none is forgotten.
fn section_type(section: &str, texts: &[(String, &Text)]) -> String {
    let (mut fields, mut functions) = (String::new(), String::new());
    for (name, text) in texts {
        let shown: Vec<_> = text.leaves().map(|(_, text)| text).collect();
        let doc = format!("/// `{}`", shown.join("`, `"));
        let kind = match text {
            Text::Plain(_) => "Cow<'static, str>",
            Text::Plural(_) => "Plural",
            Text::Problem(_) => "Explanation",
        };
        let (is_plural, holds) = (
            matches!(text, Text::Plural(_)),
            shown.last().map(|text| values(text)).unwrap_or_default(),
        );
        if !is_plural && holds.is_empty() {
            put(
                &mut fields,
                format_args!("{doc}\npub(crate) {name}: {kind},"),
            );
            continue;
        }
        put(&mut fields, format_args!("{name}: {kind},"));
        let others: Vec<_> = holds
            .iter()
            .filter(|value| !(is_plural && **value == "n"))
            .collect();
        let parameters = joined(
            others
                .iter()
                .map(|value| format!(", {value}: impl fmt::Display")),
        );
        let given = joined(others.iter().map(|value| format!("({value:?}, &{value}),")));
        if is_plural {
            put(
                &mut functions,
                format_args!(
                    "{doc}\npub(crate) fn {name}(&self, n: u64{parameters}) -> String {{ fill(self.{name}.of(n), &[(\"n\", &n), {given}]) }}"
                ),
            );
        } else {
            put(
                &mut functions,
                format_args!(
                    "{doc}\npub(crate) fn {name}(&self{parameters}) -> String {{ fill(&self.{name}, &[{given}]) }}"
                ),
            );
        }
    }
    let name = camel(section);
    format!(
        "/// The texts of `[{section}]`.
        #[derive(Clone, Debug)]
        pub(crate) struct {name}Texts {{ {fields} }}
        impl {name}Texts {{ {functions} }}"
    )
}

/// The texts of a language, as a value.
fn value(language: &Language) -> String {
    let mut fields = String::new();
    for (section, texts) in sections(language) {
        put(
            &mut fields,
            format_args!("{section}: {}Texts {{", camel(section)),
        );
        for (name, text) in texts {
            put(
                &mut fields,
                format_args!("{name}: {},", literal(&language.tag, text)),
            );
        }
        put(&mut fields, format_args!("}},"));
    }
    format!("Texts {{ {fields} }}")
}

fn literal(tag: &str, text: &Text) -> String {
    let borrowed = |text: &str| format!("Cow::Borrowed({text:?})");
    match text {
        Text::Plain(text) => borrowed(text),
        Text::Plural(texts) => {
            let forms = joined(texts.iter().map(|(part, text)| {
                format!("(PluralCategory::{}, {}),", camel(part), borrowed(text))
            }));
            format!(
                "Plural {{ locale: Locale::{}, forms: Cow::Borrowed(&[{forms}]) }}",
                camel(tag)
            )
        }
        Text::Problem(texts) => {
            let parts = PROBLEM.iter().zip(texts);
            let parts = joined(parts.map(|(part, text)| format!("{part}: {},", borrowed(text))));
            format!("Explanation {{ {parts} }}")
        }
    }
}

/// Each text under its key, for tests that go through all.
fn leaves(section: &str, name: &str, text: &Text) -> String {
    match text {
        Text::Plain(_) => format!("(\"{section}.{name}\", &*self.{section}.{name}),"),
        Text::Plural(_) => format!("(\"{section}.{name}\", self.{section}.{name}.of(5)),"),
        Text::Problem(_) => {
            let part = |part: &&str| {
                format!("(\"{section}.{name}.{part}\", &*self.{section}.{name}.{part}),")
            };
            joined(PROBLEM.iter().map(part))
        }
    }
}

/// Each text under its key, to be replaced.
fn leaves_mut(section: &str, name: &str, text: &Text) -> String {
    match text {
        Text::Plain(_) => {
            format!(
                "leaves.extend([Leaf::new(\"{section}.{name}\", \"\", &mut self.{section}.{name})]);"
            )
        }
        Text::Plural(_) => {
            format!("leaves.extend(self.{section}.{name}.leaves(\"{section}.{name}\"));")
        }
        Text::Problem(_) => {
            let key = format!("{section}.{}", name.replace('_', "-"));
            let part = |part: &&str| {
                format!(
                    "leaves.extend([Leaf::new({key:?}, {part:?}, &mut self.{section}.{name}.{part})]);"
                )
            };
            joined(PROBLEM.iter().map(part))
        }
    }
}

fn problems(sections: &Sections<'_>) -> String {
    let entries = sections.get("problems").into_iter().flatten();
    let arms =
        entries.map(|(name, _)| format!("Reason::{} => &self.problems.{name},", camel(name)));
    joined(arms)
}

/// `wrong-answer` and `wrong_answer` as `WrongAnswer`.
fn camel(name: &str) -> String {
    let words = name.split(['-', '_']);
    let words = words.map(|word| {
        let mut chars = word.chars();
        let first = chars.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    });
    words.collect()
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect()
}

/// Adds a line. Writing to a `String` cannot fail.
fn put(out: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{line}");
}
