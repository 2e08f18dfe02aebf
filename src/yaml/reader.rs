//! From the tree to typed values: a serde reader whose faults name the node they are about.

use super::fault::Fault;
use super::node::{Node, Value};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use std::collections::HashSet;

/// Reads one node as a value of some type, passing over the nodes found faulty before.
#[derive(Clone, Copy)]
pub(super) struct NodeReader<'a> {
    pub(super) node: &'a Node,
    pub(super) passed_over: &'a HashSet<u32>,
}

impl<'a> NodeReader<'a> {
    fn of(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    fn passes_over(self, node: &Node) -> bool {
        self.passed_over.contains(&node.id)
    }
}

impl<'de> Deserializer<'de> for NodeReader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let result = match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Int(value) => visit_int(*value, visitor),
            Value::List(items) => visitor.visit_seq(Items {
                reader: self,
                rest: items.iter(),
            }),
            Value::Map(entries) => visitor.visit_map(MapEntries {
                reader: self,
                rest: entries.iter(),
                value: None,
            }),
            Value::Null => visitor.visit_unit(),
            Value::Text(text) => visitor.visit_str(text),
        };
        result.map_err(|fault| fault.at(self.node))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            // `key:` with nothing behind it: whether that may be is asked of the whole file, in `refuse_empty_values`.
            Value::Null => visitor.visit_none(),
            Value::Bool(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Text(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = visitor.visit_newtype_struct(self);
        result.map_err(|fault| fault.at(self.node))
    }

    /// Fields have names: a list of their values is not what was meant.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Map(_) => self.deserialize_any(visitor),
            Value::Bool(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::List(_)
            | Value::Null
            | Value::Text(_) => {
                let message = format!("expected a mapping, found {}", self.node);
                Err(Fault::new(message).at(self.node))
            }
        }
    }

    /// A word is a variant without a value, a mapping of one entry is one with a value.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match (&self.node.value, self.node.entries()) {
            (Value::Text(word), _) => visitor.visit_enum(word.as_str().into_deserializer()),
            // What is below was reported already; another report of the same place would say less.
            (_, [(key, value)]) if self.passes_over(key) || self.passes_over(value) => Err(Fault {
                is_echo: true,
                ..Fault::new("passed over".to_owned())
            }),
            (_, [(key, value)]) => match key.as_text() {
                Some(word) => visitor.visit_enum(Variant {
                    word,
                    key,
                    value: self.of(value),
                }),
                None => Err(not_a_name(key)),
            },
            _ => Err(Fault::new(format!(
                "expected one of {}, found {}",
                variants.join(", "),
                self.node
            ))),
        };
        result.map_err(|fault| fault.at(self.node))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

fn visit_int<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, Fault> {
    match (i64::try_from(value), u64::try_from(value)) {
        // Signed first: serde's numbers of every width take it, and say in their own words what does not fit.
        (Ok(value), _) => visitor.visit_i64(value),
        (_, Ok(value)) => visitor.visit_u64(value),
        _ => visitor.visit_i128(value),
    }
}

fn not_a_name(key: &Node) -> Fault {
    Fault::new(format!("expected a name, found {key}"))
        .hint("in quotes it is text".to_owned())
        .at(key)
}

struct Items<'a> {
    reader: NodeReader<'a>,
    rest: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let reader = self.reader;
        // One that was reported is as if it were not there, so that those behind it are read as well.
        let next = self.rest.find(|node| !reader.passes_over(node));
        let read = |node| {
            let result = seed.deserialize(reader.of(node));
            result.map_err(|fault| fault.at(node))
        };
        next.map(read).transpose()
    }
}

struct MapEntries<'a> {
    reader: NodeReader<'a>,
    rest: std::slice::Iter<'a, (Node, Node)>,
    value: Option<&'a Node>,
}

impl<'de> MapAccess<'de> for MapEntries<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let reader = self.reader;
        let next = self
            .rest
            .find(|(key, value)| !reader.passes_over(key) && !reader.passes_over(value));
        let Some((key, value)) = next else {
            return Ok(None);
        };
        self.value = Some(value);
        // Only text is a name: serde would take the number 0 for the first field.
        let Some(name) = key.as_text() else {
            return Err(not_a_name(key));
        };
        let name: StrDeserializer<'_, Fault> = name.into_deserializer();
        let result = seed.deserialize(name).map(Some);
        result.map_err(|fault| fault.at(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(node) = self.value.take() else {
            return Err(Fault::new("a value without a name".to_owned()));
        };
        let result = seed.deserialize(self.reader.of(node));
        result.map_err(|fault| fault.at(node))
    }
}

struct Variant<'a> {
    word: &'a str,
    key: &'a Node,
    value: NodeReader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = NodeReader<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, NodeReader<'a>), Fault> {
        let word: StrDeserializer<'_, Fault> = self.word.into_deserializer();
        let variant = seed.deserialize(word).map_err(|fault| fault.at(self.key))?;
        Ok((variant, self.value))
    }
}

impl<'de> VariantAccess<'de> for NodeReader<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.node.value {
            Value::Null => Ok(()),
            Value::Bool(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Text(_) => {
                Err(Fault::new(format!("expected nothing, found {}", self.node)).at(self.node))
            }
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let result = seed.deserialize(self);
        result.map_err(|fault| fault.at(self.node))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }
}
