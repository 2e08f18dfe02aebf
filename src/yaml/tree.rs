//! Reading a text into a tree, and finding where in the text a node stands. The only file that
//! names the YAML crate.
//!
//! The crate tells positions in its errors and nowhere else. So a position is found by reading the
//! text once more and failing on purpose at the node in question. Anchors and aliases are welcome
//! as a shorthand; what they expand to is counted, so that a short file stays a small tree.

use super::diagnostic::Position;
use super::node::{Node, Value};
use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};
use std::cell::Cell;
use std::fmt;

/// Why there is no tree.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) position: Option<Position>,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

/// Reads the tree of a text.
pub(super) fn parse(text: &str) -> Result<Node, Unreadable> {
    if let Some(position) = overlong_line(text) {
        return Err(Unreadable {
            position: Some(position),
            message: "too many brackets on one line".to_owned(),
            hint: Some("write one entry to a line"),
        });
    }
    let build = Build::new(None);
    build
        .root()
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| build.explain(&error))
}

/// Finds where the node with this number stands, by reading the text again up to it and failing
/// there on purpose: the YAML crate tells positions in its errors only.
pub(super) fn position(text: &str, id: u32) -> Option<Position> {
    let build = Build::new(Some(id));
    let error = build
        .root()
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    place(&error)
}

/// Finds a line that opens very many brackets, or far more than it closes.
///
/// The library's scanner takes time in the square of the brackets open on one line (a megabyte of
/// them is many minutes), and only reports afterwards how deep they were. Quoted brackets cannot be
/// told apart before the text is scanned, so the closing ones are not quite believed.
fn overlong_line(text: &str) -> Option<Position> {
    text.split('\n').enumerate().find_map(|(index, line)| {
        let (mut open, mut opened) = (0_usize, 0_usize);
        let column = line.chars().position(|char| {
            match char {
                '[' | '{' => {
                    open += 1;
                    opened += 1;
                }
                // One that closes nothing is the scanner's to report.
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            open > usize::from(MAX_DEPTH) * 2 || opened > MAX_OPENED
        })?;
        Some(Position::new(index + 1, column + 1))
    })
}

/// The state of one reading: how much was built, and at which node to stop.
struct Build {
    nodes: Cell<u32>,
    text: Cell<usize>,
    stop_at: Option<u32>,
    refusal: Cell<Option<Unsupported>>,
}

/// What is sound YAML and refused all the same.
#[derive(Clone, Copy)]
enum Unsupported {
    Depth,
    Size,
    Tag,
}

impl Build {
    fn new(stop_at: Option<u32>) -> Self {
        Self {
            nodes: Cell::new(0),
            text: Cell::new(0),
            stop_at,
            refusal: Cell::new(None),
        }
    }

    /// Numbers the next node.
    fn next(&self) -> u32 {
        let id = self.nodes.get();
        self.nodes.set(id.saturating_add(1));
        id
    }

    fn root(&self) -> Child<'_> {
        Child {
            build: self,
            depth: 0,
        }
    }

    /// Counts text before it is copied.
    fn count_text<E: Error>(&self, len: usize) -> Result<(), E> {
        // Aliases bring the same text again, each time as a copy.
        let total = self.text.get().saturating_add(len);
        self.text.set(total);
        if total > MAX_TEXT {
            return Err(self.refuse(Unsupported::Size));
        }
        Ok(())
    }

    fn refuse<E: Error>(&self, refusal: Unsupported) -> E {
        self.refusal.set(Some(refusal));
        E::custom("refused")
    }

    fn explain(&self, error: &serde_yaml::Error) -> Unreadable {
        let text = without_place(error);
        // The library counts jumps to anchors, in proportion to the file; we count what they bring.
        let refusal = match text.as_str() {
            "repetition limit exceeded" => Some(Unsupported::Size),
            _ => self.refusal.get(),
        };
        let (message, hint) = match refusal {
            Some(Unsupported::Depth) => (format!("nested more than {MAX_DEPTH} deep"), None),
            Some(Unsupported::Size) => (
                "too many values".to_owned(),
                Some("aliases may shorten a file; they may not blow it up"),
            ),
            Some(Unsupported::Tag) => ("tags have no meaning here".to_owned(), None),
            None if text.contains("more than one document") => {
                ("more than one document in a file".to_owned(), None)
            }
            None => (format!("not valid YAML: {text}"), hint(&text)),
        };
        Unreadable {
            position: place(error),
            message,
            hint,
        }
    }
}

/// `{path: /users/{id}}` is what people write first; then come tabs, and a line that is out of line.
fn hint(text: &str) -> Option<&'static str> {
    const UNLIKE: &str = "a line here, or one above it, is indented unlike its neighbors";
    const HINTS: [(&str, &str); 5] = [
        (
            "expected ',' or",
            "inside brackets, text that holds a bracket or a comma needs quotes",
        ),
        (
            "cannot start any token",
            "lines are indented by spaces, not by tabs; text that begins with `@`, `%` or a backtick needs quotes",
        ),
        ("expected key", UNLIKE),
        ("expected '-'", UNLIKE),
        ("mapping values are not allowed", UNLIKE),
    ];
    let known = HINTS.iter().find(|(said, _)| text.contains(said));
    known.map(|(_, hint)| *hint)
}

fn place(error: &serde_yaml::Error) -> Option<Position> {
    let location = error.location()?;
    Some(Position::new(location.line(), location.column()))
}

/// The message without the position of the problem, which stands before it already; that of the
/// context, such as the opening bracket, stays.
fn without_place(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    let Some(location) = error.location() else {
        return text;
    };
    let place = format!(" at line {} column {}", location.line(), location.column());
    // Once: the same place may be that of the context too.
    text.replacen(&place, "", 1)
}

/// Builds one node and what is below it.
#[derive(Clone, Copy)]
struct Builder<'a> {
    build: &'a Build,
    id: u32,
    depth: u8,
}

impl<'a> Builder<'a> {
    fn child(self) -> Child<'a> {
        Child {
            build: self.build,
            depth: self.depth.saturating_add(1),
        }
    }

    /// Every node passes here first: the one that is looked for stops the reading.
    fn arrive<E: Error>(self) -> Result<(), E> {
        if self.build.stop_at == Some(self.id) {
            return Err(E::custom("here"));
        }
        if self.id >= MAX_NODES {
            return Err(self.build.refuse(Unsupported::Size));
        }
        if self.depth > MAX_DEPTH {
            return Err(self.build.refuse(Unsupported::Depth));
        }
        Ok(())
    }

    fn node<E: Error>(self, value: Value) -> Result<Node, E> {
        self.arrive()?;
        Ok(Node { id: self.id, value })
    }
}

impl<'de> Visitor<'de> for Builder<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        self.node(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        self.node(Value::Int(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        self.node(Value::Int(value.into()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
        self.node(Value::Int(value))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
        // Beyond what a setting can hold: as text, so that the message can quote it.
        self.node(Value::Text(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        self.node(Value::Float(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        self.arrive()?;
        self.build.count_text(text.len())?;
        self.node(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        // Before its items: by the time that they are read, the stack has grown.
        self.arrive()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.child())? {
            items.push(item);
        }
        self.node(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        self.arrive()?;
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self.child())? {
            // Doubled keys are kept, and refused with the place of the second (`refuse_doubled_keys`).
            entries.push((key, map.next_value_seed(self.child())?));
        }
        self.node(Value::Map(entries))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _tagged: A) -> Result<Node, A::Error> {
        self.arrive()?;
        Err(self.build.refuse(Unsupported::Tag))
    }
}

/// A node about to be read; takes its number when its turn comes.
struct Child<'a> {
    build: &'a Build,
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Child<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(Builder {
            build: self.build,
            id: self.build.next(),
            depth: self.depth,
        })
    }
}

/// How deep lists and mappings may nest. A policy needs five, and the reader recurses.
const MAX_DEPTH: u8 = 32;

/// How many brackets one line may open, closed again or not.
const MAX_OPENED: usize = 1_000;

/// How many values a file may hold, aliases expanded.
const MAX_NODES: u32 = 250_000;

/// How many bytes of text a file may hold, aliases expanded.
const MAX_TEXT: usize = 4 * 1024 * 1024;
