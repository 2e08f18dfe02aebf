//! What a reader finds wrong with a value, in our words.

use super::node::Node;
use super::words::{clip, suggestion};
use serde::de::{Expected, Unexpected};
use std::fmt;

/// What is wrong with one node.
#[derive(Debug)]
pub(super) struct Fault {
    /// The node, known as soon as the fault has left it.
    pub(super) id: Option<u32>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The field that is missing, if that is the fault.
    pub(super) missing: Option<&'static str>,
    /// Whether it only repeats that something was passed over, which has been reported already.
    pub(super) is_echo: bool,
}

impl Fault {
    pub(super) fn new(message: String) -> Self {
        Self {
            id: None,
            message,
            hint: None,
            missing: None,
            is_echo: false,
        }
    }

    pub(super) fn hint(self, hint: String) -> Self {
        Self {
            hint: Some(hint),
            ..self
        }
    }

    /// The innermost node that a fault leaves is the one it is about.
    pub(super) fn at(self, node: &Node) -> Self {
        Self {
            id: self.id.or(Some(node.id)),
            ..self
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        let fault = Self::new(format!(
            "expected {}, found {}",
            ours(&expected),
            shown(&found)
        ));
        let text_wanted = expected == "a string";
        match found {
            Unexpected::Bool(_)
            | Unexpected::Float(_)
            | Unexpected::Signed(_)
            | Unexpected::Unsigned(_)
                if text_wanted =>
            {
                fault.hint("in quotes it is text".to_owned())
            }
            Unexpected::Str(text) if is_number(&expected) && text.parse::<f64>().is_ok() => {
                fault.hint("in quotes it is text: write it without them".to_owned())
            }
            Unexpected::Str(_) if expected == "a sequence" => {
                fault.hint("write it in brackets: `[…]`".to_owned())
            }
            Unexpected::Bool(_)
            | Unexpected::Bytes(_)
            | Unexpected::Char(_)
            | Unexpected::Enum
            | Unexpected::Float(_)
            | Unexpected::Map
            | Unexpected::NewtypeStruct
            | Unexpected::NewtypeVariant
            | Unexpected::Option
            | Unexpected::Other(_)
            | Unexpected::Seq
            | Unexpected::Signed(_)
            | Unexpected::Str(_)
            | Unexpected::StructVariant
            | Unexpected::TupleVariant
            | Unexpected::Unit
            | Unexpected::UnitVariant
            | Unexpected::Unsigned(_) => fault,
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown field `{}`", clip(field))).hint(suggestion(field, expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let fault = Self::new(format!("`{}` is not known here", clip(variant)));
        fault.hint(suggestion(variant, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            missing: Some(field),
            ..Self::new(format!("`{field}` is missing"))
        }
    }
}

/// Whether serde expected a number, in its words.
fn is_number(expected: &str) -> bool {
    let ours = ours(expected);
    ours.contains("number") && ours != expected
}

/// The words of serde for what it expected, in ours.
fn ours(expected: &str) -> String {
    let words = match expected {
        "a string" => "text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a boolean" => "true or false",
        "u8" => "a whole number up to 255",
        "u16" => "a whole number up to 65535",
        "u32" | "u64" | "usize" => "a whole number from 0",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "a mapping",
        other if other.starts_with("enum ") => "a word, or a mapping of one entry",
        other => other,
    };
    words.to_owned()
}

fn shown(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value}`"),
        Unexpected::Str(text) => format!("`{}`", clip(text)),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Other(other) => (*other).to_owned(),
        Unexpected::Bytes(_)
        | Unexpected::Char(_)
        | Unexpected::Enum
        | Unexpected::NewtypeStruct
        | Unexpected::NewtypeVariant
        | Unexpected::StructVariant
        | Unexpected::TupleVariant
        | Unexpected::UnitVariant => "something else".to_owned(),
    }
}
