//! Fields of a request that a policy can name: `path.id`, `form.reason`, `json./user/id`.

use super::invalid::Invalid;
use super::matching::{header, may_have_body, pointer};
use crate::domain::{Field, MethodSet, RiskLevel};
use crate::yaml::suggestion;

/// What a route offers to be named, and what its grants are.
pub(super) struct RouteFields<'a> {
    /// `None` if they could not be read: any may be meant.
    pub(super) captures: Option<&'a [String]>,
    pub(super) methods: MethodSet,
    pub(super) level: RiskLevel,
    pub(super) needs_grant: bool,
}

impl RouteFields<'_> {
    /// Reads the name of a field that requests of the route can have.
    pub(super) fn field(&self, text: &str) -> Result<Field, Invalid> {
        let Some((kind, name)) = text.split_once('.').filter(|(_, name)| !name.is_empty()) else {
            return Err(Invalid::new(format!("`{text}` names no field of a request"))
                .hint("expected such as `path.id`, `query.q`, `form.reason`, `json./id`, `header.x-id`"));
        };
        match kind {
            "path" => self.capture(name),
            "query" => Ok(Field::Query(name.to_owned())),
            "header" => header(name).map(Field::Header),
            "form" => self.with_body(text).map(|()| Field::Form(name.to_owned())),
            "json" => {
                self.with_body(text)?;
                pointer(name).map(Field::Json)
            }
            other => Err(
                Invalid::new(format!("`{other}` is no part of a request")).hint(suggestion(
                    other,
                    &["path", "query", "form", "json", "header"],
                )),
            ),
        }
    }

    fn capture(&self, name: &str) -> Result<Field, Invalid> {
        let captures = self.captures.unwrap_or_default();
        if self.captures.is_none() || captures.iter().any(|known| known == name) {
            return Ok(Field::Path(name.to_owned()));
        }
        let invalid = Invalid::new(format!("the path has no capture `{name}`"));
        let known: Vec<&str> = captures.iter().map(String::as_str).collect();
        Err(if known.is_empty() {
            invalid.hint(format!("write `{{{name}}}` for the segment in `path`"))
        } else {
            invalid.hint(suggestion(name, &known))
        })
    }

    fn with_body(&self, text: &str) -> Result<(), Invalid> {
        if may_have_body(self.methods) {
            return Ok(());
        }
        Err(Invalid::new(format!(
            "`{text}` is in the body, and the methods of this route have none"
        )))
    }
}

/// What is said where a route that needs no grant of its own names one.
pub(super) const NO_GRANT: &str = "this route opens by a fresh session, not by a grant of its own";
pub(super) const GRANT_FROM: &str = "grants begin at level 3, with `scope: action`";
