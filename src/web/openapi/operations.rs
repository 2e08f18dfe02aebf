//! The operations, topic by topic. `docs/endpoints.md` says the same in prose.

use super::enrollment;
use super::operation::{Given, Operation, Wanted, get, post};
use super::programs;
use super::schemas::{Schemas, given, taken};
use crate::web::api::{
    AheadResponse, ApprovalDocument, ApprovalRequest, ApprovalsResponse, BeginRequest,
    BeginResponse, ChallengeView, DecisionRequest, LockAllResponse, LockResponse, RevokeRequest,
    RevokeResponse, SendRequest, SendResponse, SessionsResponse, StatusResponse, VerifyRequest,
    VerifyResponse,
};
use serde_json::{Value, json};

/// All of them.
pub(super) fn all() -> Vec<Operation> {
    [
        challenges(),
        provider(),
        approvals(),
        programs::operations(),
        session(),
        sessions(),
        enrollment::operations(),
        for_everybody(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A body that is not read: that it is JSON is what counts, which no page of another site can send unasked.
fn anything(_: &mut Schemas) -> Value {
    json!({ "description": "Any JSON, such as `{}`: it is not looked at." })
}

/// A challenge, or that a request needs none.
fn challenge_or_none(schemas: &mut Schemas) -> Value {
    let ways = [
        given::<ChallengeView>(schemas),
        given::<AheadResponse>(schemas),
    ];
    json!({ "anyOf": ways })
}

/// What a browser is asked for a passkey with.
pub(super) fn passkey_options(_: &mut Schemas) -> Value {
    json!({
        "type": "object", "required": ["publicKey", "state"],
        "properties": {
            "state": { "type": "string", "description": "To be sent back with the credential." },
            "publicKey": { "type": "object", "description": "For `navigator.credentials`, as `parseRequestOptionsFromJSON` and `parseCreationOptionsFromJSON` take it (WebAuthn Level 3)." },
        },
    })
}

fn challenges() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    vec![
        get(
            "challenge",
            "The prompt as a page, or the challenge as JSON; or the refusal that a request would get",
            Given::Json(challenge_or_none),
        )
        .query("t", text(), "The `token` of a refusal.")
        .query("method", text(), "Of a request that is yet to come.")
        .query("path", text(), "Its path, with its query."),
        post(
            "verify",
            "Answers a challenge with one factor",
            Wanted::Json(taken::<VerifyRequest>),
            Given::Json(given::<VerifyResponse>),
        )
        .or(429)
        .example(
            json!({ "token": "…", "factor": "password", "answer": "…" }),
            json!({ "verified": true, "remaining": [], "expires_at": "2026-11-27T17:24:36Z" }),
        ),
        post(
            "verify/passkey/options",
            "How a browser is asked for a passkey",
            Wanted::Json(taken::<SendRequest>),
            Given::Json(passkey_options),
        )
        .or(429)
        .example(
            json!({ "token": "…" }),
            json!({ "state": "…", "publicKey": { "challenge": "…", "rpId": "example.com" } }),
        ),
        post(
            "verify/send",
            "Sends a code by e-mail",
            Wanted::Json(taken::<SendRequest>),
            Given::Json(given::<SendResponse>),
        )
        .or(429)
        .example(
            json!({ "token": "…" }),
            json!({ "sent": true, "to": "a•••@example.com", "wait": 30 }),
        ),
        post(
            "verify/approval",
            "What became of a request for approval; takes up one that is approved",
            Wanted::Json(taken::<ApprovalRequest>),
            Given::Json(given::<VerifyResponse>),
        ),
    ]
}

fn provider() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    vec![
        post(
            "oidc/begin",
            "Begins a sign-in at the identity provider",
            Wanted::Json(taken::<BeginRequest>),
            Given::Json(given::<BeginResponse>),
        )
        .or(429)
        .example(
            json!({ "token": "…" }),
            json!({ "url": "https://id.example.com/authorize?…" }),
        ),
        get(
            "oidc/callback",
            "What the provider sends a browser back with",
            Given::Json(given::<VerifyResponse>),
        )
        .or(429)
        .query("state", text(), "As it was sent there.")
        .query("code", text(), "Where somebody has signed in.")
        .query("error", text(), "Where nobody has.")
        .query("iss", text(), "Who says so (RFC 9207)."),
        post(
            "oidc/backchannel-logout",
            "The provider tells that somebody has signed out there",
            Wanted::Form(&[("logout_token", "Signed by the provider.")], 1),
            Given::Json(given::<LockResponse>),
        )
        .for_everybody()
        .or(404),
        get(
            "oidc/frontchannel-logout",
            "The same, by a frame on the provider's page",
            Given::Json(given::<LockResponse>),
        )
        .for_everybody()
        .or(404)
        .query("iss", text(), "The provider.")
        .query("sid", text(), "Its session."),
    ]
}

fn approvals() -> Vec<Operation> {
    let id = || json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" });
    let about = "The id of a request.";
    vec![
        get(
            "approvals",
            "The requests that the caller may approve, newest first",
            Given::Json(given::<ApprovalsResponse>),
        ),
        get(
            "approvals/{id}",
            "One of them; decides nothing",
            Given::Json(given::<ApprovalDocument>),
        )
        .or(404)
        .parameter("path", "id", true, id(), about),
        post(
            "approvals/{id}",
            "Approves or refuses it",
            Wanted::Json(taken::<DecisionRequest>),
            Given::Json(given::<ApprovalDocument>),
        )
        .or(404)
        .parameter("path", "id", true, id(), about),
    ]
}

fn session() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    vec![
        get(
            "status",
            "What the session holds, and what a request would need",
            Given::Json(given::<StatusResponse>),
        )
        .or(304)
        .query("method", text(), "Of a request that is yet to come.")
        .query("path", text(), "Its path, with its query.")
        .parameter("header", "If-None-Match", false, text(), "The `ETag` of an earlier answer.")
        .parameter("header", "Prefer", false, text(), "`wait=SECONDS`: answers when it is another than that, or after so long (RFC 7240).")
        .example(
            Value::Null,
            json!({
                "level": 2, "methods": ["password"], "authenticated_at": "2026-11-27T17:14:36Z",
                "verified_at": "2026-11-27T17:15:10Z", "expires_at": "2026-11-27T17:25:10Z", "grants": [],
            }),
        ),
        get("lock", "The page that asks whether to", Given::Page),
        post(
            "lock",
            "Drops all that was proved in the session",
            Wanted::Json(anything),
            Given::Json(given::<LockResponse>),
        )
        .example(json!({}), json!({ "locked": true })),
        post(
            "sign-out",
            "Ends the session for Stepgate, and takes its cookies from the browser",
            Wanted::Json(anything),
            Given::Elsewhere,
        ),
    ]
}

fn sessions() -> Vec<Operation> {
    vec![
        get(
            "sessions",
            "Where the subject is signed in",
            Given::Json(given::<SessionsResponse>),
        ),
        get(
            "sessions/revoke",
            "Those that the same by `POST` would end",
            Given::Json(given::<SessionsResponse>),
        )
        .query("session", json!({ "type": "string" }), "One of them.")
        .query("others", json!({ "const": "yes" }), "All but this one."),
        post(
            "sessions/revoke",
            "Ends one of them, or all others",
            Wanted::Json(taken::<RevokeRequest>),
            Given::Json(given::<RevokeResponse>),
        )
        .example(json!({ "others": true }), json!({ "ended": 2 })),
        post(
            "sessions/lock",
            "Drops all that was proved in all of them",
            Wanted::Json(enrollment::nothing),
            Given::Json(given::<LockAllResponse>),
        )
        .example(json!({}), json!({ "locked": 3 })),
    ]
}

/// What anybody may see.
fn for_everybody() -> Vec<Operation> {
    let reason = json!({ "type": "string", "pattern": "^[a-z-]{1,40}$" });
    let fields = &[
        ("language", "The tag of one of our languages, such as `de`."),
        ("to", "A path to go on to."),
    ];
    let pictures = Given::File(&["image/png", "image/jpeg", "image/svg+xml", "image/webp"]);
    vec![
        post(
            "language",
            "Has the browser remember the language of our pages",
            Wanted::Form(fields, 1),
            Given::Elsewhere,
        ),
        get(
            "problems",
            "A page with what every reason means",
            Given::Page,
        ),
        get("problems/{reason}", "A page about one of them", Given::Page)
            .or(404)
            .parameter("path", "reason", true, reason, "The `reason` of a refusal."),
        get(
            "openapi.json",
            "This document",
            Given::File(&["application/json"]),
        ),
        get(
            "jwks.json",
            "The public keys of what the application is told (RFC 7517)",
            Given::File(&["application/jwk-set+json"]),
        )
        .or(404),
        get("logo", "The site's logo on light ground", pictures).or(404),
        get("logo/dark", "The same on dark ground", pictures).or(404),
        get(
            "client.js",
            "The script for pages of the application",
            Given::File(&["text/javascript"]),
        ),
        get(
            "dialog.js",
            "The script of the prompt in a dialog",
            Given::File(&["text/javascript"]),
        ),
        get(
            "script.js",
            "The script of the pages that ask for a passkey",
            Given::File(&["text/javascript"]),
        ),
        get(
            "style.css",
            "The style of our pages",
            Given::File(&["text/css"]),
        ),
    ]
    .into_iter()
    .map(Operation::for_everybody)
    .collect()
}
