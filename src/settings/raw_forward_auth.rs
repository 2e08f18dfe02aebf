//! `forward_auth`, as it may be written.

use super::raw_listen::RawListen;
use super::raw_source::RawSource;
use crate::yaml::{OneOrMore, Size};
use serde::Deserialize;
use serde::de::value::{I64Deserializer, StrDeserializer};
use serde::de::{Deserializer, Error, IntoDeserializer, Visitor};
use std::fmt;

/// `forward_auth`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawForwardAuth {
    pub(super) listen: Option<OneOrMore<RawListen>>,
    pub(super) secret: Option<RawSource>,
    pub(super) body: Option<RawBodies>,
}

/// `body`
#[derive(Clone, Copy, Debug)]
pub(super) enum RawBodies {
    All(bool),
    UpTo(Size),
}

impl<'de> Deserialize<'de> for RawBodies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BodiesVisitor)
    }
}

struct BodiesVisitor;

impl Visitor<'_> for BodiesVisitor {
    type Value = RawBodies;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false, or a size such as `64KiB`")
    }

    fn visit_bool<E: Error>(self, all: bool) -> Result<RawBodies, E> {
        Ok(RawBodies::All(all))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<RawBodies, E> {
        let size: StrDeserializer<'_, E> = text.into_deserializer();
        Size::deserialize(size).map(RawBodies::UpTo)
    }

    fn visit_i64<E: Error>(self, bytes: i64) -> Result<RawBodies, E> {
        let size: I64Deserializer<E> = bytes.into_deserializer();
        Size::deserialize(size).map(RawBodies::UpTo)
    }
}
