//! One operation: what it takes, what it gives, and by what it may be refused.

use super::refusals;
use super::schemas::{SchemaOf, Schemas, with};
use serde_json::{Map, Value, json};

/// What is answered where all goes well.
#[derive(Clone, Copy)]
pub(super) enum Given {
    /// Somewhere else to go.
    Elsewhere,
    /// A file of one of these types.
    File(&'static [&'static str]),
    /// JSON, and a page for whoever reads pages.
    Json(SchemaOf),
    /// A page.
    Page,
}

/// What is sent along.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// A form with these fields, of which the first `usize` must be there.
    Form(&'static [(&'static str, &'static str)], usize),
    /// JSON.
    Json(SchemaOf),
    /// Nothing.
    Nothing,
}

/// An operation; made by [`get`] or [`post`], and then told more of.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Value>,
    taken: Wanted,
    given: Given,
    examples: [Option<Value>; 2],
    for_session: bool,
    further: Vec<u16>,
    fault: Option<fn(&mut Schemas) -> Value>,
}

/// `GET` of a path below our prefix.
pub(super) fn get(path: &'static str, summary: &'static str, given: Given) -> Operation {
    Operation::new("get", path, summary, Wanted::Nothing, given)
}

/// `POST` to a path below our prefix.
pub(super) fn post(
    path: &'static str,
    summary: &'static str,
    taken: Wanted,
    given: Given,
) -> Operation {
    Operation::new("post", path, summary, taken, given)
}

impl Operation {
    fn new(
        method: &'static str,
        path: &'static str,
        summary: &'static str,
        taken: Wanted,
        given: Given,
    ) -> Self {
        let further = match taken {
            Wanted::Nothing => Vec::new(),
            // A call from elsewhere, or a body that is too large.
            Wanted::Form(..) | Wanted::Json(_) => vec![403, 413],
        };
        Self {
            method,
            path,
            summary,
            parameters: Vec::new(),
            taken,
            given,
            examples: [None, None],
            for_session: true,
            further,
            fault: None,
        }
    }

    /// Nobody need be signed in.
    pub(super) fn for_everybody(mut self) -> Self {
        self.for_session = false;
        self
    }

    /// It may be answered with this status, too.
    pub(super) fn or(mut self, status: u16) -> Self {
        self.further.push(status);
        self
    }

    /// A 400 may hold this in place of a problem document.
    pub(super) fn fault(mut self, schema: fn(&mut Schemas) -> Value) -> Self {
        self.fault = Some(schema);
        self
    }

    /// With a parameter of the query.
    pub(super) fn query(self, name: &str, schema: Value, description: &str) -> Self {
        self.parameter("query", name, false, schema, description)
    }

    /// With a parameter, as in `("header", "Prefer", false, …)`.
    pub(super) fn parameter(
        mut self,
        place: &str,
        name: &str,
        is_required: bool,
        schema: Value,
        description: &str,
    ) -> Self {
        let parameter = json!({
            "in": place, "name": name, "required": is_required, "description": description,
        });
        self.parameters.push(with(parameter, "schema", schema));
        self
    }

    /// With what is sent, and what is answered then.
    pub(super) fn example(mut self, sent: Value, answered: Value) -> Self {
        self.examples = [Some(sent).filter(|sent| !sent.is_null()), Some(answered)];
        self
    }

    /// Whether somebody must be signed in.
    pub(super) fn is_for_session(&self) -> bool {
        self.for_session
    }

    /// Names it: `post-verify-passkey-options`.
    pub(super) fn id(&self) -> String {
        let words = self.path.replace(['/', '.'], "-");
        format!("{}-{}", self.method, words.replace(['{', '}'], ""))
    }

    /// The topic: the first part of the path.
    pub(super) fn tag(&self) -> &'static str {
        self.path.split('/').next().unwrap_or_default()
    }

    pub(super) fn request_body(&self, schemas: &mut Schemas) -> Option<Value> {
        let (media_type, schema) = match self.taken {
            Wanted::Nothing => return None,
            Wanted::Json(schema) => ("application/json", schema(schemas)),
            Wanted::Form(fields, needed) => {
                let described = |(name, about): &(&str, &str)| {
                    let field = json!({ "type": "string", "description": about });
                    ((*name).to_owned(), field)
                };
                let needed: Vec<_> = fields.iter().take(needed).map(|(name, _)| name).collect();
                let fields: Map<_, _> = fields.iter().map(described).collect();
                let schema = json!({ "type": "object", "properties": fields, "required": needed });
                ("application/x-www-form-urlencoded", schema)
            }
        };
        let [example, _] = &self.examples;
        let content = with_example(schema, example.as_ref());
        Some(json!({ "required": true, "content": { media_type: content } }))
    }

    /// All that may be answered, by status.
    pub(super) fn responses(&self, schemas: &mut Schemas) -> Value {
        let page = json!({ "schema": { "type": "string" } });
        let [_, example] = &self.examples;
        let mut content = Map::new();
        match self.given {
            Given::Elsewhere => {}
            Given::File(types) => {
                content.extend(types.iter().map(|kind| ((*kind).to_owned(), json!({}))));
            }
            Given::Json(schema) => {
                let json = with_example(schema(schemas), example.as_ref());
                content.insert("application/json".to_owned(), json);
                content.insert(PAGE.to_owned(), page);
            }
            Given::Page => {
                content.insert(PAGE.to_owned(), page);
            }
        }
        let (status, description) = match self.given {
            Given::Elsewhere => ("303", "It is done: go on to `Location`."),
            Given::File(_) | Given::Json(_) | Given::Page => ("200", "It is done."),
        };
        let mut responses = Map::new();
        let mut done = json!({ "description": description });
        if !content.is_empty() {
            done = with(done, "content", content.into());
        }
        responses.insert(status.to_owned(), done);
        for status in self.further_statuses() {
            let response = match self.fault {
                Some(schema) if status == 400 => refusals::or_fault(&schema(schemas), schemas),
                _ if status == 202 => not_yet(),
                _ if status < 400 => {
                    json!({ "description": "Nothing else than what the client has." })
                }
                _ => refusals::named(status),
            };
            responses.insert(status.to_string(), response);
        }
        responses.into()
    }

    fn further_statuses(&self) -> Vec<u16> {
        let of_session: &[u16] = if self.for_session { &[401, 403] } else { &[] };
        // Of any request: read in several ways, too slow, too long, or too much at once.
        let mut all = [&[400, 408, 414, 431, 503], of_session, &self.further].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn not_yet() -> Value {
    json!({
        "description": "Nobody has decided yet.",
        "headers": { "Retry-After": { "schema": { "type": "string" }, "description": "Seconds to wait" } },
        "content": { "application/json": { "schema": { "type": "object" } } },
    })
}

const PAGE: &str = "text/html";

fn with_example(schema: Value, example: Option<&Value>) -> Value {
    let content = with(json!({}), "schema", schema);
    match example {
        Some(example) => with(content, "example", example.clone()),
        None => content,
    }
}
