//! The operations of proofs that programs have given elsewhere (RFC 8628).

use super::operation::{Given, Operation, Wanted, get, post};
use super::schemas::{given, taken};
use crate::web::api::{
    DeviceDecisionRequest, DeviceDocument, DeviceError, DeviceTokenRequest, NpmDone, NpmOver,
    VerifyResponse,
};
use serde_json::json;

/// All of them.
pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![
        get(
            "device",
            "What a program of the caller's own asks for, by its user code; or the page that asks for one",
            Given::Json(given::<DeviceDocument>),
        )
        .or(404)
        .or(429)
        .query("user_code", json!({ "type": "string" }), "As the program shows it."),
        post(
            "device",
            "Denies it, or opens the challenge by whose answer it is approved",
            Wanted::Json(taken::<DeviceDecisionRequest>),
            Given::Json(given::<DeviceDocument>),
        )
        .or(404)
        .or(429),
        post(
            "device/token",
            "Looks what became of it, and takes up what was approved, once (RFC 8628, section 3.4)",
            Wanted::Json(taken::<DeviceTokenRequest>),
            Given::Json(given::<VerifyResponse>),
        )
        .fault(given::<DeviceError>)
        .or(429),
    ];
    all.extend(["get", "put", "delete"].map(npm_poll));
    all
}

/// A poll of npm, by any of the methods that it polls by.
fn npm_poll(method: &'static str) -> Operation {
    let mut poll = get(
        "device/done",
        "The same for npm: `token` is what it sends as its one-time code",
        Given::Json(given::<NpmDone>),
    )
    .or(202)
    .or(429)
    .fault(given::<NpmOver>)
    .parameter(
        "query",
        "device_code",
        true,
        json!({ "type": "string" }),
        "As the refusal has it.",
    );
    poll.method = method;
    poll
}
