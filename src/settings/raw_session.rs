//! `session`, as it is written, with its sources of subjects.

use super::raw::{RawLearn, RawRedis};
use super::raw_cookie::RawCookie;
use super::raw_source::RawSource;
use crate::yaml::{OneOrMore, Span, Table};
use serde::Deserialize;

/// `session`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSession {
    pub(super) cookies: Option<OneOrMore<RawCookie>>,
    pub(super) cookie_domain: Option<String>,
    pub(super) credentials: Option<RawCredentials>,
    pub(super) key: Option<RawSessionKey>,
    pub(super) rotation: Option<RawRotation>,
    pub(super) subjects: Option<RawSubjects>,
    pub(super) remember: Option<Span>,
    pub(super) lifetime: Option<Span>,
    pub(super) idle: Option<Span>,
    pub(super) login_page: Option<String>,
    pub(super) ask_for_password: Option<bool>,
    pub(super) whoami: Option<OneOrMore<RawWhoami>>,
    pub(super) jwt: Option<RawJwt>,
    pub(super) learn: Option<RawLearn>,
    pub(super) headers: Option<RawAsserted>,
    pub(super) basic: Option<OneOrMore<RawBasic>>,
    pub(super) redis: Option<RawRecords>,
}

/// `session.rotation`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRotation {
    pub(super) proofs: Option<RawRotatedProofs>,
    pub(super) grace: Option<Span>,
}

/// `session.rotation.proofs`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRotatedProofs {
    Auto,
    Drop,
    Keep,
}

/// `session.credentials`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCredentials {
    pub(super) headers: Option<OneOrMore<String>>,
    pub(super) query: Option<OneOrMore<String>>,
    pub(super) json: Option<OneOrMore<String>>,
    pub(super) common: Option<bool>,
    pub(super) public: Option<OneOrMore<String>>,
}

/// `session.key`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawSessionKey {
    Credential,
    Subject,
}

/// `session.subjects`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSubjects {
    pub(super) case: Option<RawCase>,
    pub(super) normalize: Option<RawNormalize>,
}

/// `session.subjects.case`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawCase {
    Insensitive,
    Sensitive,
}

/// `session.subjects.normalize`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawNormalize {
    Nfc,
    Nfkc,
    None,
}

/// `session.headers`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAsserted {
    pub(super) subject: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: Option<String>,
    pub(super) groups_separator: Option<String>,
    pub(super) display: Option<String>,
    pub(super) authenticated_at: Option<String>,
}

/// An entry of `session.basic`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBasic {
    pub(super) r#for: Option<String>,
    pub(super) url: Option<String>,
    pub(super) one_time_code: Option<RawOneTimeCode>,
    pub(super) keep: Option<Span>,
    pub(super) deadline: Option<Span>,
}

/// `session.basic.one_time_code`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawOneTimeCode {
    Appended,
    None,
}

/// `session.redis`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRecords {
    pub(super) server: Option<RawRedis>,
    pub(super) cookie: Option<String>,
    pub(super) secrets: Option<OneOrMore<RawSource>>,
    pub(super) key: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: Option<String>,
    pub(super) groups_separator: Option<String>,
    pub(super) display: Option<String>,
    pub(super) authenticated_at: Option<String>,
}

/// `session.jwt`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJwt {
    pub(super) keys: Option<RawKeys>,
    pub(super) cookie: Option<String>,
    pub(super) header: Option<String>,
    pub(super) algorithms: Option<OneOrMore<String>>,
    pub(super) issuer: Option<OneOrMore<String>>,
    pub(super) audience: Option<OneOrMore<String>>,
    pub(super) leeway: Option<Span>,
    pub(super) subject: Option<String>,
    pub(super) email: Option<String>,
    pub(super) groups: Option<String>,
    pub(super) groups_separator: Option<String>,
    pub(super) display: Option<String>,
    pub(super) authenticated_at: Option<String>,
}

/// `session.jwt.keys`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeys {
    pub(super) url: Option<String>,
    pub(super) ca: Option<String>,
    pub(super) file: Option<String>,
    pub(super) refresh: Option<Span>,
    pub(super) retry: Option<Span>,
    pub(super) deadline: Option<Span>,
}

/// An entry of `session.whoami`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhoami {
    pub(super) r#for: Option<String>,
    pub(super) url: Option<String>,
    pub(super) method: Option<String>,
    pub(super) headers: Option<Table<String>>,
    pub(super) body: Option<String>,
    pub(super) subject: Option<RawAnswerField>,
    pub(super) email: Option<RawAnswerField>,
    pub(super) groups: Option<RawAnswerField>,
    pub(super) groups_separator: Option<String>,
    pub(super) display: Option<RawAnswerField>,
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
