//! Bodies of requests, as far as routes ask about them.
//!
//! Everything is read strictly. What two parsers could read in two ways is refused, so that what
//! was judged is what the application sees.

mod answer;
mod content_type;
mod elsewhere;
mod form;
mod graphql;
mod json;
mod matching;
mod multipart;
mod occurrence;
mod refusal;

pub use answer::{answer_denies, answer_shows};
pub use content_type::announces_form;
pub(super) use content_type::{is_urlencoded, may_hold_parameters};
pub(super) use graphql::GraphQlCall;
pub(super) use matching::same_operation;
pub use refusal::BodyRefusal;

use super::MethodSet;
use super::parameters::may_be_key;
use super::request::claimed_by_field;
use content_type::{ContentType, Kind};
use form::Form;
use json::Json;
use std::borrow::Cow;

/// A whole body, buffered and understood.
#[derive(Clone, Debug)]
pub struct Body<'b> {
    bytes: &'b [u8],
    content: Content,
    /// How the bytes of a body that was not read are to be decoded before that (RFC 9110 §8.4).
    codings: Vec<Vec<u8>>,
}

/// The fields of a form.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FormFields {
    /// Whether it is `multipart/form-data`.
    pub multipart: bool,
    /// Names and values, in their order.
    pub values: Vec<(String, String)>,
    /// The names of fields that hold files.
    pub files: Vec<String>,
}

/// What a body holds.
#[derive(Clone, Debug)]
enum Content {
    Empty,
    Form {
        form: Form,
        multipart: bool,
    },
    GraphQl(String),
    Json(Json),
    /// Nothing that routes read; holds its type.
    Other(String),
}

impl<'b> Body<'b> {
    /// Reads a body that a route must judge.
    pub fn read(headers: &http::HeaderMap, bytes: &'b [u8]) -> Result<Self, BodyRefusal> {
        if bytes.is_empty() {
            return Ok(Self {
                bytes,
                content: Content::Empty,
                codings: Vec::new(),
            });
        }
        let content_type = ContentType::of(headers)?;
        let content = match content_type.kind() {
            Kind::Form => Content::Form {
                form: Form::urlencoded(bytes)?,
                multipart: false,
            },
            Kind::Multipart => Content::Form {
                form: Form::multipart(&content_type, bytes)?,
                multipart: true,
            },
            Kind::GraphQl => Content::GraphQl(
                String::from_utf8(bytes.to_vec())
                    .map_err(|_| BodyRefusal::unreadable("GraphQL that is not UTF-8"))?,
            ),
            Kind::Json => Content::Json(Json::parse(bytes)?),
            Kind::Other => Content::Other(content_type.essence),
        };
        Ok(Self {
            bytes,
            content,
            codings: Vec::new(),
        })
    }

    /// Takes a body that no route must judge, only bind a grant to: read where it can be.
    pub fn read_or_opaque(headers: &http::HeaderMap, bytes: &'b [u8]) -> Self {
        Self::read(headers, bytes).unwrap_or_else(|_| {
            let types = headers.get_all(http::header::CONTENT_TYPE).iter();
            let types: Vec<_> = types
                .map(|line| String::from_utf8_lossy(line.as_bytes()))
                .collect();
            let codings = headers.get_all(http::header::CONTENT_ENCODING).iter();
            Self {
                bytes,
                content: Content::Other(types.join(", ")),
                codings: codings.map(|line| line.as_bytes().to_vec()).collect(),
            }
        })
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &'b [u8] {
        self.bytes
    }

    /// Refuses what some application may read as JSON, and we did not: for whoever looks for a member that
    /// must not be missed.
    pub(crate) fn refuse_hidden_json(&self) -> Result<(), BodyRefusal> {
        let bytes = self.bytes.trim_ascii_start();
        // Also in UTF-16 and UTF-32 (RFC 4627 §3), and behind a byte order mark.
        let marks: [&[u8]; 6] = [b"{", b"[", b"\0", b"\xEF\xBB\xBF", b"\xFE\xFF", b"\xFF\xFE"];
        let may_be_json = marks.iter().any(|mark| bytes.starts_with(mark));
        match &self.content {
            Content::Empty | Content::Json(_) => Ok(()),
            _ if !self.codings.is_empty() => Err(BodyRefusal::Compressed("any".to_owned())),
            Content::Form { .. } | Content::GraphQl(_) | Content::Other(_) if may_be_json => Err(
                BodyRefusal::unreadable("what looks like JSON is sent as something else"),
            ),
            Content::Form { .. } | Content::GraphQl(_) | Content::Other(_) => Ok(()),
        }
    }

    /// The methods that the body claims (`_method`).
    pub(super) fn claimed_methods(&self) -> Result<MethodSet, BodyRefusal> {
        if let Content::Other(found) = &self.content {
            return Err(BodyRefusal::other_type("a form", found));
        }
        let claimed = self
            .parameters()
            .map(|(name, value)| claimed_by_field(name, &value));
        Ok(claimed.fold(MethodSet::EMPTY, MethodSet::union))
    }

    /// The values that frameworks which know one kind of parameter only take for those of `name`.
    pub(super) fn parameters_named(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        self.parameters()
            .filter(move |(key, _)| self.same_parameter(key, name))
            .map(|(_, value)| value)
    }

    fn same_parameter(&self, sent: &str, known: &str) -> bool {
        let is_json = matches!(self.content, Content::Json(_));
        may_be_key(sent, known) || (is_json && Json::same_member(sent, known))
    }

    /// The fields of a form, or the entries of a JSON object, or of every object in a list.
    fn parameters(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let (form, json) = match &self.content {
            Content::Form { form, .. } => (Some(form), None),
            Content::Json(json) => (None, Some(json)),
            Content::Empty | Content::GraphQl(_) | Content::Other(_) => (None, None),
        };
        let fields = form.into_iter().flat_map(|form| &form.fields);
        let entries = json.into_iter().flat_map(Json::entries);
        fields
            .map(|field| (&*field.name, String::from_utf8_lossy(&field.value)))
            .chain(entries.flat_map(|(key, value): &(String, Json)| {
                let mut texts = value.texts();
                if texts.is_empty() {
                    // An empty list is a value, too.
                    texts.push(value.to_text());
                }
                let texts = texts.into_iter();
                texts.map(move |text| (&**key, Cow::Owned(text)))
            }))
    }

    /// What the fields hold that an application may take for the parameter `name` of the query, so
    /// exactly that no two bodies with other values agree. One that holds nothing of the kind as far
    /// as we can read it counts as a whole.
    pub(super) fn exact_parameters_named(&self, name: &str) -> Vec<Vec<u8>> {
        match &self.content {
            Content::Form { form, .. } => form
                .fields
                .iter()
                .filter(|field| may_be_key(&field.name, name))
                .map(|field| field.value.clone())
                .collect(),
            Content::Json(json) => json
                .entries()
                .into_iter()
                .filter(|(key, _)| self.same_parameter(key, name))
                .map(|(_, value)| value.to_text().into_bytes())
                .collect(),
            Content::Empty => Vec::new(),
            Content::GraphQl(_) | Content::Other(_) => self.identity(),
        }
    }

    /// Whether the body is a form with at least one field.
    pub(super) fn is_filled_form(&self) -> bool {
        matches!(&self.content, Content::Form { form, .. } if !form.fields.is_empty())
    }

    /// The values of a form field, for showing and binding.
    pub(crate) fn form_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let form = match &self.content {
            Content::Form { form, .. } => Some(form),
            Content::Empty | Content::GraphQl(_) | Content::Json(_) | Content::Other(_) => None,
        };
        form.into_iter()
            .flat_map(move |form| form.named(name))
            .map(|field| &*field.value)
    }

    /// The values at a JSON pointer, as people read them.
    pub(crate) fn json_texts(&self, pointer: &str) -> Vec<String> {
        self.json_values(pointer)
            .into_iter()
            .flat_map(Json::texts)
            .collect()
    }

    /// The values at a JSON pointer, as JSON: `"5"` and `5` differ, and so do a value and a list of it.
    pub(super) fn json_exact(&self, pointer: &str) -> Option<String> {
        match &self.content {
            Content::Json(json) => Some(json.exactly_at(pointer)),
            Content::Empty | Content::Form { .. } | Content::GraphQl(_) | Content::Other(_) => None,
        }
    }

    /// What identifies the body: its type, and its bytes or, for multipart, its parts. The same bytes
    /// are another body where they are to be decoded otherwise.
    ///
    /// A browser chooses a new multipart boundary whenever it sends a form again, so the bytes
    /// differ where nothing else does. The strict reader leaves one way to read the parts.
    pub(super) fn identity(&self) -> Vec<Vec<u8>> {
        let tagged = |kind: &str| vec![kind.as_bytes().to_vec(), self.bytes.to_vec()];
        match &self.content {
            Content::Empty => vec![b"empty".to_vec()],
            Content::Form { form, multipart } => {
                let kind = if *multipart {
                    "multipart"
                } else {
                    "urlencoded"
                };
                // Fields of different names have no order to an application, and a person who
                // types a password again may have it stand elsewhere.
                let mut fields: Vec<_> = form.fields.iter().collect();
                fields.sort_by(|one, other| one.name.cmp(&other.name));
                let parts = fields.into_iter().flat_map(|field| {
                    let optional = |part: &Option<String>| {
                        part.as_ref()
                            .map_or_else(Vec::new, |part| format!("={part}").into_bytes())
                    };
                    [
                        field.name.clone().into_bytes(),
                        optional(&field.file),
                        optional(&field.media_type),
                        field.value.clone(),
                    ]
                });
                std::iter::once(kind.as_bytes().to_vec())
                    .chain(parts)
                    .collect()
            }
            Content::GraphQl(_) => tagged("graphql"),
            Content::Json(_) => tagged("json"),
            Content::Other(found) => {
                let mut parts = tagged(&format!("other {found}"));
                parts.extend(self.codings.iter().cloned());
                parts
            }
        }
    }

    /// Every name with its text, of a form's fields or of a JSON document at any depth.
    pub(super) fn named_texts(&self) -> Vec<(&str, Cow<'_, str>)> {
        match &self.content {
            Content::Form { form, .. } => form
                .fields
                .iter()
                .map(|field| (&*field.name, String::from_utf8_lossy(&field.value)))
                .collect(),
            Content::Json(json) => json.named_texts(),
            Content::Empty | Content::GraphQl(_) | Content::Other(_) => Vec::new(),
        }
    }

    /// Whether there is a body whose fields cannot be read, or that servers which do not look at its type
    /// may read otherwise.
    pub(super) fn is_opaque(&self) -> bool {
        match &self.content {
            Content::GraphQl(_) | Content::Other(_) => true,
            Content::Empty | Content::Form { .. } | Content::Json(_) => {
                self.refuse_hidden_json().is_err()
            }
        }
    }

    /// The fields of a form in their order, to carry them through a page of ours; `None` if it is
    /// no form, or holds what is no text.
    pub fn form_fields(&self) -> Option<FormFields> {
        let (form, multipart) = match &self.content {
            // A form that is nothing but its button.
            Content::Empty => (&Form::default(), false),
            Content::Form { form, multipart } => (form, *multipart),
            Content::GraphQl(_) | Content::Json(_) | Content::Other(_) => return None,
        };
        let mut fields = FormFields {
            multipart,
            ..FormFields::default()
        };
        for field in &form.fields {
            match field.file {
                Some(_) => fields.files.push(field.name.clone()),
                None => fields
                    .values
                    .push((field.name.clone(), field.text().ok()?.to_owned())),
            }
        }
        Some(fields)
    }

    fn content(&self) -> &Content {
        &self.content
    }

    fn json_values(&self, pointer: &str) -> Vec<&Json> {
        match &self.content {
            Content::Json(json) => json.at(pointer),
            Content::Empty | Content::Form { .. } | Content::GraphQl(_) | Content::Other(_) => {
                Vec::new()
            }
        }
    }
}

/// The parameter that a pointer into an object means to such an application.
pub(super) fn parameter_at(pointer: &str) -> Option<&str> {
    pointer.strip_prefix('/').filter(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests;
