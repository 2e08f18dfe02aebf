//! What may be written under `brand`.

use crate::yaml::Table;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// `brand`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBrand {
    pub(super) name: Option<String>,
    pub(super) logo: Option<RawLogo>,
    pub(super) colors: Option<RawColors>,
    pub(super) style_sheet: Option<String>,
    pub(super) texts: Option<Table<Table<String>>>,
    pub(super) support: Option<String>,
    pub(super) credit: Option<bool>,
}

/// `colors`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawColors {
    pub(super) light: Option<RawPalette>,
    pub(super) dark: Option<RawPalette>,
}

/// The colours of one scheme.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPalette {
    pub(super) accent: Option<String>,
    pub(super) on_accent: Option<String>,
    pub(super) background: Option<String>,
    pub(super) surface: Option<String>,
    pub(super) text: Option<String>,
    pub(super) soft_text: Option<String>,
}

/// `logo`: one file, or a mapping with `light` and `dark`.
#[derive(Debug)]
pub(super) enum RawLogo {
    One(String),
    Two(RawLogos),
}

impl RawLogo {
    /// The files that are named.
    pub(super) fn files(&self) -> impl Iterator<Item = &String> {
        let (one, two) = match self {
            Self::One(file) => (Some(file), None),
            Self::Two(RawLogos { light, dark }) => (light.as_ref(), dark.as_ref()),
        };
        one.into_iter().chain(two)
    }
}

/// A logo for each scheme.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLogos {
    pub(super) light: Option<String>,
    pub(super) dark: Option<String>,
}

impl<'de> Deserialize<'de> for RawLogo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LogoVisitor)
    }
}

struct LogoVisitor;

impl<'de> Visitor<'de> for LogoVisitor {
    type Value = RawLogo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file such as `logo.svg`, or `{light: logo.svg, dark: logo-dark.svg}`")
    }

    fn visit_str<E: Error>(self, file: &str) -> Result<RawLogo, E> {
        Ok(RawLogo::One(file.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawLogo, A::Error> {
        let logos = RawLogos::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawLogo::Two(logos))
    }
}
