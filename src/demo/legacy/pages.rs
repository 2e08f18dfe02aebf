//! The application's pages and forms.

use super::super::accounts::COOKIE;
use super::super::web::{self, AppRequest, AppResponse};
use super::state::{Account, AppLogin, Note, State};
use askama::Template;
use http::StatusCode;
use http::header::{HOST, HeaderValue, SET_COOKIE};

/// The login page.
pub(super) fn login(request: &AppRequest) -> AppResponse {
    let page = LoginPage {
        said: said(&request.parameter("said")),
        wrong: false,
    };
    web::page(StatusCode::OK, &page)
}

/// The login form. A wrong password is a 200 with the form again, as most applications do it.
pub(super) fn log_in(state: &mut State, request: &AppRequest) -> AppResponse {
    match state.log_in(&request.field("user"), &request.field("password")) {
        Some(cookie) => with_cookie(web::found("/"), &cookie, ""),
        None => web::page(
            StatusCode::OK,
            &LoginPage {
                said: "",
                wrong: true,
            },
        ),
    }
}

/// A page, for somebody who is logged in.
pub(super) fn show(
    state: &State,
    session: &AppLogin,
    path: &str,
    request: &AppRequest,
) -> AppResponse {
    let Some(account) = state.accounts.get(&session.name) else {
        return web::found("/login");
    };
    let user = session.name.as_str();
    let csrf = session.csrf.as_str();
    let said = said(&request.parameter("said"));
    match path {
        "/" => web::found("/notes"),
        "/notes" => {
            let notes = account.notes.iter().collect();
            let page = NotesPage {
                user,
                csrf,
                said,
                notes,
            };
            web::page(StatusCode::OK, &page)
        }
        "/account" => {
            let page = AccountPage {
                user,
                csrf,
                said,
                account,
            };
            web::page(StatusCode::OK, &page)
        }
        "/script" => {
            let page = ScriptPage {
                user,
                csrf,
                host: host(request),
                cookie: &session.cookie,
            };
            web::page(StatusCode::OK, &page)
        }
        _ => web::page(StatusCode::NOT_FOUND, &MissingPage { user, csrf }),
    }
}

/// A form, sent by somebody who is logged in.
pub(super) fn submit(state: &mut State, session: &AppLogin, request: &AppRequest) -> AppResponse {
    if request.field("csrf") != session.csrf {
        let page = StalePage {
            user: &session.name,
            csrf: &session.csrf,
        };
        return web::page(StatusCode::FORBIDDEN, &page);
    }
    match request.path.as_str() {
        "/logout" => {
            state.log_out(session);
            with_cookie(web::found("/login?said=bye"), "", "; Max-Age=0")
        }
        "/account/delete" => {
            state.delete(&session.name);
            with_cookie(web::found("/login?said=deleted"), "", "; Max-Age=0")
        }
        path => match state.accounts.get_mut(&session.name) {
            Some(account) => change(account, path, request),
            None => web::found("/login"),
        },
    }
}

fn change(account: &mut Account, path: &str, request: &AppRequest) -> AppResponse {
    match path {
        "/notes" => {
            let text = request.field("text");
            if !text.trim().is_empty() {
                account.note(text.trim());
            }
            web::found("/notes")
        }
        "/account/email" => {
            let email = request.field("email");
            if !email.contains('@') || email.len() > MAX_FIELD {
                return web::found("/account?said=no-email");
            }
            account.email = email;
            web::found("/account?said=email")
        }
        "/account/password" => {
            let password = request.field("new_password");
            if !(8..=MAX_FIELD).contains(&password.len()) {
                return web::found("/account?said=short");
            }
            account.password = password;
            web::found("/account?said=password")
        }
        _ => {
            let id = path
                .strip_prefix("/notes/")
                .and_then(|rest| rest.strip_suffix("/delete"))
                .and_then(|id| id.parse().ok());
            if let Some(id) = id {
                account.discard(id);
            }
            web::found("/notes")
        }
    }
}

/// The `Host` of a request, if a shell reads it as one plain word.
fn host(request: &AppRequest) -> Option<&str> {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | ':' | '-');
    request
        .header(HOST)
        .filter(|host| host.chars().all(is_plain))
}

/// The script of the script page.
pub(super) fn script_file() -> AppResponse {
    web::content(
        StatusCode::OK,
        "text/javascript; charset=utf-8",
        include_str!("app.js"),
    )
}

fn with_cookie(mut answer: AppResponse, value: &str, more: &str) -> AppResponse {
    let cookie = format!("{COOKIE}={value}; HttpOnly; Path=/; SameSite=Lax{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

/// What a page says after a form: a word in the address stands for one of these, never for itself.
fn said(word: &str) -> &'static str {
    // Otherwise a link could put any text on the page.
    match word {
        "bye" => "You are logged out.",
        "deleted" => "Your account and everything in it is gone.",
        "email" => "Your e-mail address has been changed.",
        "no-email" => "That is not an e-mail address.",
        "password" => "Your password has been changed.",
        "short" => "A password needs at least eight characters.",
        _ => "",
    }
}

#[derive(Template)]
#[template(path = "demo/legacy/login.html")]
struct LoginPage {
    said: &'static str,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "demo/legacy/notes.html")]
struct NotesPage<'a> {
    user: &'a str,
    csrf: &'a str,
    said: &'static str,
    notes: Vec<&'a Note>,
}

#[derive(Template)]
#[template(path = "demo/legacy/account.html")]
struct AccountPage<'a> {
    user: &'a str,
    csrf: &'a str,
    said: &'static str,
    account: &'a Account,
}

#[derive(Template)]
#[template(path = "demo/legacy/script.html")]
struct ScriptPage<'a> {
    user: &'a str,
    csrf: &'a str,
    /// The address that the browser used, for lines of a shell.
    host: Option<&'a str>,
    cookie: &'a str,
}

#[derive(Template)]
#[template(path = "demo/legacy/missing.html")]
struct MissingPage<'a> {
    user: &'a str,
    csrf: &'a str,
}

#[derive(Template)]
#[template(path = "demo/legacy/stale.html")]
struct StalePage<'a> {
    user: &'a str,
    csrf: &'a str,
}

const MAX_FIELD: usize = 200;
