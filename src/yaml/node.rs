//! The values of a file, each with a number, counted in reading order.

use std::fmt;

/// One value of a file. Its number finds its position again (`tree.rs`).
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: u32,
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum Value {
    Bool(bool),
    Float(f64),
    Int(i128),
    List(Vec<Node>),
    /// In file order, doubled keys included.
    Map(Vec<(Node, Node)>),
    Null,
    Text(String),
}

impl Node {
    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Bool(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Null => None,
        }
    }

    /// The entries, if it is a mapping.
    pub(super) fn entries(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Bool(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::List(_)
            | Value::Null
            | Value::Text(_) => &[],
        }
    }

    /// The items, if it is a list.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Bool(_)
            | Value::Float(_)
            | Value::Int(_)
            | Value::Map(_)
            | Value::Null
            | Value::Text(_) => &[],
        }
    }
}

impl fmt::Display for Node {
    /// Says what it is as one would in a message: "`9`", "a list".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Bool(value) => write!(f, "`{value}`"),
            Value::Float(value) => write!(f, "`{value}`"),
            Value::Int(value) => write!(f, "`{value}`"),
            Value::List(_) => f.write_str("a list"),
            Value::Map(_) => f.write_str("a mapping"),
            Value::Null => f.write_str("nothing"),
            Value::Text(text) => write!(f, "`{}`", super::words::clip(text)),
        }
    }
}
