//! What may be written in a policy file. Plain types; what they mean is checked in `compile.rs`.

use super::title::RawTitle;
use crate::yaml::{OneOrMore, Span, Table};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// One policy file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    pub(super) version: Option<i64>,
    pub(super) default: Option<RawDefault>,
    pub(super) preset: Option<RawPreset>,
    pub(super) routes: Option<Vec<RawRoute>>,
}

/// `default`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawDefault {
    Deny,
    Forward,
}

/// `preset`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawPreset {
    Strict,
}

/// An entry of `routes`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    pub(super) id: Option<String>,
    pub(super) action: Option<String>,
    pub(super) title: Option<RawTitle>,
    pub(super) r#match: Option<RawMatch>,
    pub(super) level: Option<RawLevel>,
    pub(super) factors: Option<Vec<String>>,
    pub(super) oidc: Option<RawRouteOidc>,
    pub(super) preset: Option<RawPreset>,
    pub(super) max_age: Option<Span>,
    pub(super) scope: Option<RawScope>,
    pub(super) single_use: Option<bool>,
    pub(super) bind: Option<OneOrMore<String>>,
    pub(super) show: Option<Table<String>>,
    pub(super) confirm: Option<String>,
    pub(super) approval: Option<RawApproval>,
    pub(super) inline: Option<RawInline>,
    pub(super) device: Option<bool>,
    pub(super) anchor: Option<String>,
    pub(super) open_for: Option<Span>,
    pub(super) enforcement: Option<RawEnforcement>,
}

/// `oidc`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRouteOidc {
    pub(super) acr: Option<OneOrMore<String>>,
}

/// `level`: a number; whether it is that of a level is checked with the rest of the route.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawLevel(pub(super) i64);

impl<'de> Deserialize<'de> for RawLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LevelVisitor)
    }
}

struct LevelVisitor;

impl Visitor<'_> for LevelVisitor {
    type Value = RawLevel;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("1 (low), 2 (medium), 3 (high) or 4 (critical)")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<RawLevel, E> {
        Ok(RawLevel(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<RawLevel, E> {
        // What is larger than any `i64` is as little a level as this one.
        Ok(RawLevel(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

/// `approval`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawApproval {
    pub(super) by: Option<OneOrMore<String>>,
    pub(super) text: Option<RawPurpose>,
    pub(super) within: Option<Span>,
}

/// `inline`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawInline {
    pub(super) challenge: Option<String>,
    pub(super) header: Option<String>,
    pub(super) factor: Option<String>,
}

/// `approval.text`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawPurpose {
    Optional,
    Required,
}

/// `scope`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawScope {
    Action,
    Session,
}

/// `enforcement`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawEnforcement {
    Enforce,
    Report,
}

/// `match`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMatch {
    pub(super) methods: Option<Vec<String>>,
    pub(super) path: Option<String>,
    pub(super) path_regex: Option<String>,
    pub(super) reading: Option<RawReading>,
    pub(super) host: Option<String>,
    pub(super) query: Option<Table<RawTest>>,
    pub(super) headers: Option<Table<RawTest>>,
    pub(super) form: Option<Table<RawTest>>,
    pub(super) json: Option<Table<RawTest>>,
    pub(super) graphql: Option<RawGraphQl>,
    pub(super) except: Option<Vec<RawExcept>>,
}

/// `reading`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawReading {
    Every,
    Literal,
}

/// `graphql`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGraphQl {
    pub(super) operation: Option<OneOrMore<String>>,
}

/// An entry of `except`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExcept {
    pub(super) methods: Option<Vec<String>>,
    pub(super) path: Option<String>,
    pub(super) path_regex: Option<String>,
    pub(super) host: Option<String>,
    pub(super) query: Option<Table<RawTest>>,
    pub(super) headers: Option<Table<RawTest>>,
}

/// What a value must be: `"text"`, `present`, `absent`, `{equals: …}` or `{regex: …}`.
#[derive(Debug)]
pub(crate) enum RawTest {
    /// A bare number or truth value: what JSON has besides text.
    Bare(String),
    /// Text, or one of the words `present` and `absent`.
    Text(String),
    Words(RawWords),
}

/// `{equals: …}` or `{regex: …}`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWords {
    pub(super) equals: Option<String>,
    pub(super) regex: Option<String>,
}

impl<'de> Deserialize<'de> for RawTest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TestVisitor)
    }
}

struct TestVisitor;

impl<'de> Visitor<'de> for TestVisitor {
    type Value = RawTest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text in quotes, `present`, `absent`, `{equals: …}` or `{regex: …}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawTest, E> {
        Ok(RawTest::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<RawTest, E> {
        Ok(RawTest::Bare(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<RawTest, E> {
        Ok(RawTest::Bare(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<RawTest, E> {
        Ok(RawTest::Bare(value.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawTest, A::Error> {
        RawWords::deserialize(MapAccessDeserializer::new(map)).map(RawTest::Words)
    }
}
