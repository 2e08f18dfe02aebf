//! The application's JSON API.

use super::super::web::{self, AppRequest, AppResponse};
use super::caller;
use super::state::{Account, Note, State};
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Answers a request below `/api/`.
pub(super) fn answer(state: &mut State, request: &AppRequest) -> AppResponse {
    let Some(name) = caller(state, request) else {
        return refusal(StatusCode::UNAUTHORIZED, "log in first");
    };
    if (&request.method, request.path.as_str()) == (&Method::POST, "/api/keys") {
        return match state.create_key(&name) {
            Some(key) => web::json(StatusCode::CREATED, &json!({ "key": key })),
            None => refusal(StatusCode::NOT_FOUND, "no such account"),
        };
    }
    match state.accounts.get_mut(&name) {
        Some(account) => account_api(account, &name, request),
        None => refusal(StatusCode::NOT_FOUND, "no such account"),
    }
}

fn account_api(account: &mut Account, name: &str, request: &AppRequest) -> AppResponse {
    match (&request.method, request.path.as_str()) {
        (&Method::GET, "/api/account") => web::json(StatusCode::OK, &account_json(name, account)),
        (&Method::PATCH, "/api/account") => match text(request, "email") {
            Some(email) if email.contains('@') => {
                account.email = email;
                web::json(StatusCode::OK, &account_json(name, account))
            }
            _ => refusal(StatusCode::UNPROCESSABLE_ENTITY, "`email` is missing"),
        },
        (&Method::GET, "/api/notes") => {
            let notes: Vec<Value> = account.notes.iter().map(note_json).collect();
            web::json(StatusCode::OK, &json!({ "notes": notes }))
        }
        (&Method::POST, "/api/notes") => match text(request, "text") {
            Some(text) => web::json(StatusCode::CREATED, &note_json(&account.note(&text))),
            None => refusal(StatusCode::UNPROCESSABLE_ENTITY, "`text` is missing"),
        },
        (&Method::DELETE, path) => {
            let id = path.strip_prefix("/api/notes/").map(str::parse);
            match id {
                Some(Ok(id)) if account.discard(id) => {
                    web::json(StatusCode::OK, &json!({ "deleted": id }))
                }
                _ => refusal(StatusCode::NOT_FOUND, "no such note"),
            }
        }
        _ => refusal(StatusCode::NOT_FOUND, "no such call"),
    }
}

fn account_json(name: &str, account: &Account) -> Value {
    json!({ "user": name, "email": account.email, "keys": account.keys.len() })
}

fn note_json(note: &Note) -> Value {
    json!({ "id": note.id, "text": note.text })
}

fn text(request: &AppRequest, name: &str) -> Option<String> {
    let body = request.json()?;
    let text = body.get(name)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn refusal(status: StatusCode, words: &str) -> AppResponse {
    web::json(status, &json!({ "error": words }))
}
