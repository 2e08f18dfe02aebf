//! The title of a route: one text, or one for each language.

use super::invalid::valid;
use super::words::phrase;
use crate::domain::Title;
use crate::locale::Locale;
use crate::yaml::{File, Path, Table};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// `title`
#[derive(Debug)]
pub(super) enum RawTitle {
    General(String),
    ByLanguage(Table<String>),
}

/// How long a title may be.
const LONGEST: usize = 120;

impl RawTitle {
    pub(super) fn compile(&self, file: &mut File, at: &Path) -> Option<Title> {
        let texts = match self {
            Self::General(text) => return valid(phrase(text, LONGEST), file, at).map(Title::from),
            Self::ByLanguage(texts) => &texts.0,
        };
        let mut compiled = Vec::new();
        for (tag, text) in texts {
            let at = at.key(tag);
            if Locale::ALL.iter().all(|locale| locale.as_str() != tag) {
                let known = Locale::ALL.map(|locale| format!("`{locale}`")).join(", ");
                let message = format!("`{tag}` is no language of the pages");
                file.report_with_hint(at.clone(), message, format!("one of {known}"));
            }
            compiled
                .extend(valid(phrase(text, LONGEST), file, &at).map(|text| (tag.clone(), text)));
        }
        let english = compiled.iter().find(|(tag, _)| tag == "en");
        let Some((_, general)) = english.or(compiled.first()).cloned() else {
            if texts.is_empty() {
                file.report(at.clone(), "expected a text for at least one language");
            }
            return None;
        };
        Some(Title::new(general, compiled.into_iter().collect()))
    }
}

impl<'de> Deserialize<'de> for RawTitle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TitleVisitor)
    }
}

struct TitleVisitor;

impl<'de> Visitor<'de> for TitleVisitor {
    type Value = RawTitle;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or one for each language, as in `{en: Delete it, de: Löschen}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawTitle, E> {
        Ok(RawTitle::General(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTitle, A::Error> {
        let texts = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawTitle::ByLanguage(texts))
    }
}
