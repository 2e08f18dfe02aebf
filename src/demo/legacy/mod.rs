//! A small web application without step-up authentication, which knows nothing of Stepgate.
//!
//! It has a login of its own, notes, an account page with forms, a JSON API and a page with a
//! script. It keeps everything in memory: what was deleted is back after a restart.

mod api;
mod pages;
mod state;

use super::accounts::COOKIE;
use super::background::Background;
use super::web::{self, AppRequest, AppResponse, WebApp};
use http::Method;
use http::header::AUTHORIZATION;
use state::{AppLogin, State};
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;

/// The legacy application, running until it is dropped.
#[derive(Debug)]
pub struct Legacy {
    addr: SocketAddr,
    _service: Background,
}

impl Legacy {
    /// Starts the application on `listen` (port 0: any) with its first state.
    pub fn start(listen: SocketAddr) -> io::Result<Self> {
        let listener = web::listen(listen)?;
        let addr = listener.local_addr()?;
        let service = Background::start("demo-legacy", move || {
            web::serve(listener, LegacyApp(RefCell::new(State::fresh())))
        })?;
        Ok(Self {
            addr,
            _service: service,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

struct LegacyApp(RefCell<State>);

impl WebApp for LegacyApp {
    fn answer(&self, request: &AppRequest) -> AppResponse {
        let state = &mut *self.0.borrow_mut();
        match (&request.method, request.path.as_str()) {
            (&Method::GET, "/style.css") => web::style(),
            (&Method::GET, "/app.js") => pages::script_file(),
            (&Method::GET, "/login") => pages::login(request),
            (&Method::POST, "/login") => pages::log_in(state, request),
            (_, path) if path.starts_with("/api/") => api::answer(state, request),
            (method, path) => {
                let cookie = request.cookie(COOKIE);
                match cookie.and_then(|cookie| state.session(cookie)) {
                    Some(session) if *method == Method::POST => {
                        pages::submit(state, &session, request)
                    }
                    Some(session) => pages::show(state, &session, path, request),
                    None => web::found("/login"),
                }
            }
        }
    }
}

/// Who asks: a session by its cookie, or the owner of an API key.
fn caller(state: &State, request: &AppRequest) -> Option<String> {
    let key = request
        .header(AUTHORIZATION)
        .and_then(|value| value.strip_prefix("Bearer "));
    match key {
        Some(key) => state.owner(key).map(str::to_owned),
        None => request
            .cookie(COOKIE)
            .and_then(|cookie| state.session(cookie))
            .map(|session: AppLogin| session.name),
    }
}
