//! Single fields of our JSON: secrets, and answers that are a text or an object.

use crate::domain::Secret;
use crate::verification::AnswerValue;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};
use std::fmt;

pub(super) fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Secret<String>, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

pub(super) fn answer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AnswerValue, D::Error> {
    deserializer.deserialize_any(AnswerVisitor)
}

/// Takes a text or an object, and nothing else.
struct AnswerVisitor;

impl<'de> Visitor<'de> for AnswerVisitor {
    type Value = AnswerValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or an object")
    }

    fn visit_str<E>(self, text: &str) -> Result<AnswerValue, E> {
        Ok(AnswerValue::Text(Secret::new(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AnswerValue, A::Error> {
        let object = serde_json::Map::deserialize(MapAccessDeserializer::new(map))?;
        let text = serde_json::Value::Object(object).to_string();
        Ok(AnswerValue::Json(Secret::new(text)))
    }
}

pub(super) fn shown_secret<S: Serializer>(
    secret: &Secret<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[allow(clippy::ref_option)] // the signature is serde's
pub(super) fn optional_secret<S: Serializer>(
    secret: &Option<Secret<String>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match secret {
        None => serializer.serialize_none(),
        Some(secret) => serializer.serialize_str(secret.expose()),
    }
}

/// The same, as the description of our endpoints has it.
pub(super) fn answer_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "object"] })
}
