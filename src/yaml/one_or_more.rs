//! A value, or a list of them: `listen: 127.0.0.1:8080` as well as `listen: [ … ]`.

use super::locate::Path;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use std::fmt;
use std::marker::PhantomData;

/// One, or more of them in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMore<T> {
    items: Vec<T>,
    shape: Shape,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    List,
    Single,
}

impl<T> OneOrMore<T> {
    /// The items.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// The one item, if it is written without a list.
    pub fn single(&self) -> Option<&T> {
        match self.shape {
            Shape::List => None,
            Shape::Single => self.items.first(),
        }
    }

    /// The items, each with the path at which it stands.
    pub fn with_paths(&self, at: &Path) -> impl Iterator<Item = (Path, &T)> {
        self.items
            .iter()
            .enumerate()
            .map(move |(index, item)| match self.shape {
                Shape::List => (at.item(index), item),
                Shape::Single => (at.clone(), item),
            })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMore<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor(PhantomData))
    }
}

struct OneOrMoreVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMoreVisitor<T> {
    type Value = OneOrMore<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one, or a list of them")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMore<T>, E> {
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        T::deserialize(text).map(one)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<OneOrMore<T>, E> {
        T::deserialize(value.into_deserializer()).map(one)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<OneOrMore<T>, E> {
        T::deserialize(number.into_deserializer()).map(one)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<OneOrMore<T>, E> {
        T::deserialize(number.into_deserializer()).map(one)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrMore<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(one)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMore<T>, A::Error> {
        let items = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        Ok(OneOrMore {
            items,
            shape: Shape::List,
        })
    }
}

fn one<T>(item: T) -> OneOrMore<T> {
    OneOrMore {
        items: vec![item],
        shape: Shape::Single,
    }
}
