//! The schemas of what clients send and get, from the types themselves.

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};

/// Makes a schema, by a reference where it has a name.
pub(super) type SchemaOf = fn(&mut Schemas) -> Value;

/// The schemas that were asked for so far.
pub(super) struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        // OpenAPI 3.1 §4.8.24: JSON Schema 2020-12, with the named ones at a place of its own.
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        Self {
            taken: settings.clone().for_deserialize().into_generator(),
            given: settings.for_serialize().into_generator(),
        }
    }

    /// All that have a name.
    pub(super) fn into_definitions(mut self) -> Map<String, Value> {
        let mut given = self.given.take_definitions(true);
        given.values_mut().for_each(without_absent_null);
        let mut all = self.taken.take_definitions(true);
        all.extend(given);
        all
    }
}

/// The schema of a body that clients send.
pub(super) fn taken<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    schemas.taken.subschema_for::<T>().to_value()
}

/// The schema of a body that clients get.
pub(super) fn given<T: JsonSchema>(schemas: &mut Schemas) -> Value {
    schemas.given.subschema_for::<T>().to_value()
}

/// An object with one field more.
pub(super) fn with(mut object: Value, name: &str, field: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(name.to_owned(), field);
    }
    object
}

/// What is left out where there is nothing is never `null`.
fn without_absent_null(schema: &mut Value) {
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        if required.iter().any(|required| required == name) {
            continue;
        }
        if let Some(kind) = property.get_mut("type")
            && let Some(types) = kind.as_array_mut()
        {
            types.retain(|kind| kind != "null");
            if let [only] = &mut types[..] {
                *kind = only.take();
            }
        }
        if let Some(ways) = property.get_mut("anyOf").and_then(Value::as_array_mut) {
            ways.retain(|way| way["type"] != "null");
        }
    }
}
