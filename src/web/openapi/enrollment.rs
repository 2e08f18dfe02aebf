//! The operations of `enroll`: what people set up themselves.

use super::operation::{Given, Operation, Wanted, get, post};
use super::operations::passkey_options;
use super::schemas::{Schemas, given, taken};
use crate::web::api::{
    AddPasskeyRequest, ChangedResponse, EnrollDoneResponse, EnrolledResponse, NewAddressResponse,
    NewTotpResponse, RecoveryResponse, RemoveRequest, RemoveResponse, RenameRequest,
};
use serde_json::{Value, json};

pub(super) fn operations() -> Vec<Operation> {
    let mut all = pages();
    all.extend(steps());
    all.extend(passkeys());
    all
}

fn pages() -> Vec<Operation> {
    vec![
        get(
            "enroll",
            "What the person has set up",
            Given::Json(given::<EnrolledResponse>),
        ),
        get(
            "enroll/email",
            "The page that asks for an address",
            Given::Page,
        ),
        get(
            "enroll/password",
            "The page that asks for a password",
            Given::Page,
        )
        .or(404),
        get("enroll/passkeys", "The page of passkeys", Given::Page).or(404),
        get(
            "enroll/recovery",
            "The page that makes recovery codes",
            Given::Page,
        ),
        get(
            "enroll/totp",
            "A new secret for an authenticator app; nothing is stored yet",
            Given::Json(given::<NewTotpResponse>),
        ),
    ]
}

fn steps() -> Vec<Operation> {
    vec![
        post(
            "enroll/totp",
            "An authenticator app counts from now on",
            Wanted::Json(code),
            Given::Json(given::<EnrollDoneResponse>),
        )
        .or(429)
        .example(
            json!({ "sealed": "…", "code": "123456" }),
            json!({ "enrolled": true }),
        ),
        post(
            "enroll/email",
            "Sends a code to an address, or takes that code",
            Wanted::Json(address_or_code),
            Given::Json(sent_or_done),
        )
        .or(429)
        .example(
            json!({ "email": "alice@example.com" }),
            json!({ "sent": true, "sealed": "…" }),
        ),
        post(
            "enroll/password",
            "Sets the password of Stepgate's directory",
            Wanted::Json(password),
            Given::Json(given::<EnrollDoneResponse>),
        )
        .or(404)
        .example(json!({ "password": "…" }), json!({ "enrolled": true })),
        post(
            "enroll/recovery",
            "Makes ten recovery codes; earlier ones are void",
            Wanted::Json(nothing),
            Given::Json(given::<RecoveryResponse>),
        )
        .example(json!({}), json!({ "codes": ["…"] })),
        post(
            "enroll/remove",
            "Takes one thing away that was set up",
            Wanted::Json(taken::<RemoveRequest>),
            Given::Json(given::<RemoveResponse>),
        )
        .example(
            json!({ "factor": "passkey", "id": "…" }),
            json!({ "removed": false, "last": true }),
        ),
    ]
}

fn passkeys() -> Vec<Operation> {
    vec![
        post(
            "enroll/passkeys",
            "Adds a passkey",
            Wanted::Json(taken::<AddPasskeyRequest>),
            Given::Json(given::<EnrollDoneResponse>),
        )
        .example(
            json!({ "answer": { "state": "…", "credential": {} }, "name": "My phone" }),
            json!({ "enrolled": true }),
        ),
        post(
            "enroll/passkeys/options",
            "How a browser is asked to make one",
            Wanted::Json(nothing),
            Given::Json(passkey_options),
        )
        .example(
            json!({}),
            json!({ "state": "…", "publicKey": { "challenge": "…", "rp": { "id": "example.com" } } }),
        ),
        post(
            "enroll/passkeys/rename",
            "Gives one another name",
            Wanted::Json(taken::<RenameRequest>),
            Given::Json(given::<ChangedResponse>),
        )
        .or(404)
        .example(json!({ "id": "…", "name": "My phone" }), json!({ "changed": true })),
    ]
}

// The fields below are other names of those of `EnrollRequest`, by what is asked for.

/// An object that is not looked at.
pub(super) fn nothing(_: &mut Schemas) -> Value {
    json!({ "type": "object" })
}

fn code(_: &mut Schemas) -> Value {
    let sealed = "As `GET` of the same gave it, or the step before.";
    json!({
        "type": "object", "required": ["sealed", "code"],
        "properties": { "sealed": { "type": "string", "description": sealed }, "code": { "type": "string" } },
    })
}

fn password(_: &mut Schemas) -> Value {
    json!({
        "type": "object", "required": ["password"],
        "properties": { "password": { "type": "string", "description": "One that is hard to guess: `detail` of a 400 says what one lacks." } },
    })
}

fn address_or_code(schemas: &mut Schemas) -> Value {
    let address = json!({
        "type": "object", "required": ["email"],
        "properties": { "email": { "type": "string", "format": "email" } },
    });
    json!({ "anyOf": [address, code(schemas)] })
}

fn sent_or_done(schemas: &mut Schemas) -> Value {
    let ways = [
        given::<NewAddressResponse>(schemas),
        given::<EnrollDoneResponse>(schemas),
    ];
    json!({ "anyOf": ways })
}
