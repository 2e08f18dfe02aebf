//! An entry of `session.cookies`: `sid`, or a mapping with `name` and `path`.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// An entry of `cookies`: a name alone, or a mapping.
#[derive(Debug)]
pub(super) struct RawCookie {
    pub(super) name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) is_mapping: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCookieMapping {
    name: Option<String>,
    path: Option<String>,
}

impl<'de> Deserialize<'de> for RawCookie {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CookieVisitor)
    }
}

struct CookieVisitor;

impl<'de> Visitor<'de> for CookieVisitor {
    type Value = RawCookie;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a cookie, or a mapping with name and path")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<RawCookie, E> {
        Ok(RawCookie {
            name: Some(name.to_owned()),
            path: None,
            is_mapping: false,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawCookie, A::Error> {
        let mapping = RawCookieMapping::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawCookie {
            name: mapping.name,
            path: mapping.path,
            is_mapping: true,
        })
    }
}
