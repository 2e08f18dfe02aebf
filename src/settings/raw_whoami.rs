//! `session.whoami`, as it is written.

use crate::yaml::{OneOrMore, Span, Table};
use serde::Deserialize;

/// An entry of `session.whoami`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhoami {
    pub(super) r#for: Option<String>,
    pub(super) url: Option<String>,
    pub(super) method: Option<String>,
    pub(super) headers: Option<Table<String>>,
    pub(super) body: Option<String>,
    pub(super) subject: Option<RawAnswerField>,
    pub(super) email: Option<RawAnswerField>,
    pub(super) nobody: Option<RawNobody>,
    pub(super) confirm: Option<OneOrMore<i64>>,
    pub(super) keep: Option<Span>,
    pub(super) deadline: Option<Span>,
}

/// A value in an answer
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAnswerField {
    pub(super) json: Option<String>,
    pub(super) header: Option<String>,
    pub(super) css: Option<String>,
    pub(super) attribute: Option<String>,
    pub(super) xml: Option<String>,
    pub(super) regex: Option<String>,
}

/// `nobody`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNobody {
    pub(super) status: Option<OneOrMore<u16>>,
    pub(super) location: Option<String>,
    pub(super) subject: Option<OneOrMore<String>>,
}
