//! The refusals: a response for each status, with the reasons that come with it.

use super::schemas::{Schemas, given, with};
use crate::domain::{Reason, ReasonKind};
use crate::locale::{Locale, Texts};
use crate::web::problem::{MEDIA_TYPE, Problem};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A refusal, named in an operation.
pub(super) fn named(status: u16) -> Value {
    json!({ "$ref": format!("#/components/responses/{}", name(status)) })
}

/// A refusal whose body is by another standard, or a problem document.
pub(super) fn or_fault(fault: &Value, schemas: &mut Schemas) -> Value {
    json!({
        "description": "There is nothing to be had, and `error` says why; or the request has no single meaning.",
        "content": {
            "application/json": { "schema": fault },
            MEDIA_TYPE: { "schema": given::<Problem>(schemas) },
            "text/html": { "schema": { "type": "string" } },
        },
    })
}

/// All of them.
pub(super) fn all(schemas: &mut Schemas) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for reason in Reason::ALL {
        for status in statuses(*reason) {
            by_status.entry(status).or_default().push(*reason);
        }
    }
    let described = by_status.into_iter();
    let described =
        described.map(|(status, reasons)| (name(status), response(status, &reasons, schemas)));
    described.collect()
}

/// The statuses that come with a reason: which one, the kind of client decides.
pub(crate) fn statuses(reason: Reason) -> Vec<u16> {
    let mut all = vec![reason.status()];
    match reason.kind() {
        // RFC 9470 §3, for who sent a token.
        ReasonKind::StepUp => all.push(401),
        // For who sent another `Authorization`: at a 401 such programs drop a password that is right.
        ReasonKind::Session => all.push(403),
        ReasonKind::Answer | ReasonKind::Denial | ReasonKind::Fault | ReasonKind::Request => {}
    }
    all
}

fn name(status: u16) -> String {
    format!("Refused{status}")
}

fn response(status: u16, reasons: &[Reason], schemas: &mut Schemas) -> Value {
    let texts = Texts::of(Locale::En);
    let told = |reason: &Reason| format!("`{reason}`: {}", texts.problem(*reason).meaning);
    let told: Vec<_> = reasons.iter().map(told).collect();
    let words: Vec<_> = reasons.iter().map(|reason| reason.as_str()).collect();
    let text =
        |description: &str| json!({ "schema": { "type": "string" }, "description": description });
    let mark = json!({
        "schema": { "type": "string", "enum": ["challenge", "deny", "error"] }, "required": true,
        "description": "Tells that Stepgate refused, and not the application: with `challenge` a proof would help.",
    });
    let mut headers = json!({ "Step-Up": mark });
    if status == 401 {
        headers = with(
            headers,
            "WWW-Authenticate",
            text("RFC 9470, RFC 6750 or RFC 7617"),
        );
    }
    if matches!(status, 429 | 503) {
        headers = with(headers, "Retry-After", text("Seconds to wait"));
    }
    let narrowed =
        json!({ "properties": { "reason": { "enum": words }, "status": { "const": status } } });
    json!({
        "description": told.join("\n\n"),
        "headers": headers,
        "content": {
            MEDIA_TYPE: { "schema": { "allOf": [given::<Problem>(schemas), narrowed] } },
            "text/html": { "schema": { "type": "string" } },
        },
    })
}
