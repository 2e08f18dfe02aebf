//! An entry of `listen`: `127.0.0.1:8080`, or a mapping with `address` and `tls`.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;

/// An entry of `listen`: an address alone, or a mapping.
#[derive(Debug)]
pub(super) struct RawListen {
    pub(super) address: Option<String>,
    pub(super) tls: Option<RawTls>,
    pub(super) is_mapping: bool,
}

/// `tls`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
    pub(super) client_ca: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawListenMapping {
    address: Option<String>,
    tls: Option<RawTls>,
}

impl<'de> Deserialize<'de> for RawListen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListenVisitor)
    }
}

struct ListenVisitor;

impl<'de> Visitor<'de> for ListenVisitor {
    type Value = RawListen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address such as `127.0.0.1:8080`, or a mapping with address and tls")
    }

    fn visit_str<E: Error>(self, address: &str) -> Result<RawListen, E> {
        Ok(RawListen {
            address: Some(address.to_owned()),
            tls: None,
            is_mapping: false,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawListen, A::Error> {
        let mapping = RawListenMapping::deserialize(MapAccessDeserializer::new(map))?;
        Ok(RawListen {
            address: mapping.address,
            tls: mapping.tls,
            is_mapping: true,
        })
    }
}
