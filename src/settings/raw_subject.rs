//! The `subject` of a login: `whoami`, or a mapping that says where the name stands.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};
use std::fmt;

/// `subject`: `whoami`, or where the name stands.
#[derive(Debug)]
pub(super) enum RawSubject {
    Whoami,
    Named(RawNamed),
}

/// Where the name stands.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNamed {
    pub(super) form: Option<String>,
    pub(super) graphql: Option<String>,
    pub(super) json: Option<String>,
    pub(super) query: Option<String>,
    pub(super) response_cookie: Option<String>,
    pub(super) response_header: Option<String>,
    pub(super) response_json: Option<String>,
}

impl<'de> Deserialize<'de> for RawSubject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SubjectVisitor)
    }
}

struct SubjectVisitor;

impl<'de> Visitor<'de> for SubjectVisitor {
    type Value = RawSubject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`whoami`, or where the name stands, such as `{ form: username }`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawSubject, E> {
        match text {
            "whoami" => Ok(RawSubject::Whoami),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawSubject, A::Error> {
        RawNamed::deserialize(MapAccessDeserializer::new(map)).map(RawSubject::Named)
    }
}
