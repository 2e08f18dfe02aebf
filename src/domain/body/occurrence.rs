//! How plainly a name occurs in a body.

use super::form::{Form, FormField};
use super::json::Json;
use super::{Body, Content};
use crate::domain::occurrence::{MAX_COUNTED, Occurrence};
use crate::domain::value::counts_as_none;
use crate::domain::{RequestHead, parameters::may_be_key};
use std::borrow::Cow;

impl Body<'_> {
    /// How a form field occurs, where a parameter of the query may stand for it.
    pub(in crate::domain) fn field(&self, name: &str, head: &RequestHead<'_>) -> Occurrence<'_> {
        let of_body = match &self.content {
            Content::Form { form, .. } => form.occurrence(name),
            Content::Empty => Occurrence::Missing,
            Content::GraphQl(_) | Content::Json(_) | Content::Other(_) => Occurrence::Loose,
        };
        shadowed(of_body, name, head)
    }

    /// How the value at a pointer occurs, where a parameter of the query may stand for it.
    pub(in crate::domain) fn member(
        &self,
        pointer: &str,
        head: &RequestHead<'_>,
    ) -> Occurrence<'_> {
        let of_body = match &self.content {
            Content::Json(json) => json.occurrence(pointer),
            Content::Empty => Occurrence::Missing,
            Content::Form { .. } | Content::GraphQl(_) | Content::Other(_) => Occurrence::Loose,
        };
        match super::parameter_at(pointer) {
            Some(name) => shadowed(of_body, name, head),
            None => of_body,
        }
    }

    /// Whether the value at a pointer is one that may name somebody.
    pub(in crate::domain) fn holds_name(&self, pointer: &str) -> bool {
        matches!(&self.content, Content::Json(json) if json.name_at(pointer).is_some())
    }

    /// Whether the value at a pointer is there for every application, in every item where it meets
    /// a list, and is one that none takes for unset.
    pub(super) fn member_is_certain(&self, pointer: &str, head: &RequestHead<'_>) -> bool {
        let shadow = super::parameter_at(pointer).map(|name| head.parameter(name));
        match &self.content {
            Content::Json(json) => {
                json.is_certain(pointer) && shadow.is_none_or(|found| !found.is_possible())
            }
            Content::Empty | Content::Form { .. } | Content::GraphQl(_) | Content::Other(_) => {
                false
            }
        }
    }

    /// How a name occurs among the parameters that a body holds, to an application that takes those of the
    /// body for parameters of the request.
    pub(in crate::domain) fn parameter(&self, name: &str) -> Occurrence<'_> {
        match &self.content {
            Content::Form { form, .. } => form.occurrence(name),
            Content::Json(json) => {
                let mut named = self.parameters_named(name);
                match (named.next(), json.occurrence_of_member(name)) {
                    (None, found) | (Some(_), found @ Occurrence::Plain(_)) => found,
                    (Some(_), Occurrence::Missing | Occurrence::Loose) => Occurrence::Loose,
                }
            }
            Content::Empty => Occurrence::Missing,
            Content::GraphQl(_) | Content::Other(_) => Occurrence::Loose,
        }
    }
}

/// Whatever has the name in the query as well may be read in its place.
fn shadowed<'b>(of_body: Occurrence<'b>, name: &str, head: &RequestHead<'_>) -> Occurrence<'b> {
    if head.parameter(name).is_possible() {
        Occurrence::Loose
    } else {
        of_body
    }
}

impl Form {
    /// How field `name` occurs.
    pub(super) fn occurrence(&self, name: &str) -> Occurrence<'_> {
        let named = self.fields.iter().enumerate();
        let mut named = named.filter(|(_, field)| may_be_key(&field.name, name));
        match (named.next(), named.next()) {
            (None, _) => Occurrence::Missing,
            (Some((at, field)), None) if at < MAX_COUNTED => {
                field.plain_value(name).map_or(Occurrence::Loose, |value| {
                    Occurrence::Plain(vec![Cow::Borrowed(value)])
                })
            }
            (Some(_), _) => Occurrence::Loose,
        }
    }
}

impl FormField {
    /// The text of a field with this very name; not of a file, nor of a part with a type of its own, which
    /// PHP and busboy keep apart from the fields.
    fn plain_value(&self, name: &str) -> Option<&str> {
        let is_plain = self.name == name && self.file.is_none() && self.media_type.is_none();
        let value = is_plain.then(|| self.text().ok()).flatten()?;
        (!value.contains('\0')).then_some(value)
    }
}

/// Whether a number is whole, positive, and one that a double keeps apart from its neighbours.
fn is_plain_number(text: &str) -> bool {
    (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Json {
    /// How the value at a pointer occurs: plainly if each key on the way is there in one spelling, no list is
    /// met but where the pointer has a number, and it is no list or object itself.
    pub(super) fn occurrence(&self, pointer: &str) -> Occurrence<'_> {
        match self.plainly_at(pointer) {
            Some(Self::Number(text) | Self::String(text)) => {
                Occurrence::Plain(vec![Cow::Borrowed(text)])
            }
            Some(value @ (Self::Bool(_) | Self::Null)) => {
                Occurrence::Plain(vec![Cow::Owned(value.to_text())])
            }
            None if self.at(pointer).is_empty() => Occurrence::Missing,
            Some(Self::Array(_) | Self::Object(_)) | None => Occurrence::Loose,
        }
    }

    /// The name that every application finds at a pointer: a text, or a number that is written in one way. Databases
    /// take others for a name as well: `1e1` for 10, and `true` for 1.
    pub(super) fn name_at(&self, pointer: &str) -> Option<&str> {
        match self.plainly_at(pointer)? {
            Self::String(text) => Some(text),
            Self::Number(text) => is_plain_number(text).then_some(text),
            Self::Array(_) | Self::Bool(_) | Self::Null | Self::Object(_) => None,
        }
    }

    /// The value that every application finds at a pointer.
    pub(super) fn plainly_at(&self, pointer: &str) -> Option<&Self> {
        let mut here = self;
        for token in Self::tokens(pointer) {
            here = match here {
                Self::Object(entries) => plain_member(entries, &token)?,
                // The list itself may be a batch, of which each item is a request.
                Self::Array(items) if !std::ptr::eq(here, self) => {
                    let index = Self::index(&token)?;
                    // RFC 6901 §4: no leading zeros.
                    items.get(index).filter(|_| index.to_string() == token)?
                }
                Self::Array(_) | Self::Bool(_) | Self::Null | Self::Number(_) | Self::String(_) => {
                    return None;
                }
            };
        }
        Some(here)
    }

    /// As [`Self::occurrence`], of one member of the root.
    fn occurrence_of_member(&self, name: &str) -> Occurrence<'_> {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        self.occurrence(&format!("/{escaped}"))
    }

    /// Whether every application finds a value at the pointer that none takes for unset.
    pub(super) fn is_certain(&self, pointer: &str) -> bool {
        let tokens: Vec<String> = Self::tokens(pointer).collect();
        self.is_certain_at(&tokens)
    }

    fn is_certain_at(&self, tokens: &[String]) -> bool {
        let (token, rest) = match tokens.split_first() {
            Some((token, rest)) => (Some(token), rest),
            None => (None, tokens),
        };
        let index = token.and_then(|token| Self::index(token));
        match (self, token) {
            (Self::Array(items), None) => {
                !items.is_empty() && items.iter().all(|item| item.is_certain_at(tokens))
            }
            // Every item counts, and the one that is named must be there.
            (Self::Array(items), Some(_)) => {
                let below = if index.is_some() { rest } else { tokens };
                items.len() > index.unwrap_or_default()
                    && items.iter().all(|item| item.is_certain_at(below))
            }
            (Self::Object(entries), None) => !entries.is_empty(),
            (Self::Object(entries), Some(token)) if index.is_some() => {
                plain_member(entries, token).is_some()
                    && entries.iter().all(|(_, value)| value.is_certain_at(rest))
            }
            (Self::Object(entries), Some(token)) => {
                plain_member(entries, token).is_some_and(|value| value.is_certain_at(rest))
            }
            (Self::Bool(value), None) => *value,
            (Self::Number(text) | Self::String(text), None) => !counts_as_none(text),
            (Self::Null, _) | (Self::Bool(_) | Self::Number(_) | Self::String(_), Some(_)) => false,
        }
    }
}

/// The member with this very key, if no other may be taken for it.
fn plain_member<'j>(entries: &'j [(String, Json)], token: &str) -> Option<&'j Json> {
    let mut named = entries
        .iter()
        .filter(|(key, _)| Json::same_member(key, token));
    let ((key, value), None) = (named.next()?, named.next()) else {
        return None;
    };
    (key == token).then_some(value)
}
