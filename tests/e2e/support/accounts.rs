//! An application with accounts of its own, which knows people by more than one thing and can be asked
//! who somebody is.

use super::sidecar::{COOKIE, fresh_cookie};
use super::upstream::{Got, Reply, answer, text};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// The cookie by which it signs people in again.
pub(crate) const REMEMBER: &str = "remember";
/// A header with a key, of which the settings know nothing.
pub(crate) const KEY_HEADER: &str = "x-shop-key";

/// What the application says when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// The truth.
    Honest,
    /// This, whoever asks: a status and a body.
    Stubborn(u16, &'static str),
    /// Nothing.
    Silent,
    /// That whoever asks is to go there.
    Redirecting(&'static str),
    /// The truth, with a new value of the session's cookie each time.
    Renewing,
    /// The same with every answer, to guests as well.
    Rolling,
}

/// The accounts, and who is signed in.
#[derive(Clone)]
pub(crate) struct Accounts(Arc<Mutex<State>>);

struct State {
    sessions: HashMap<String, String>,
    remembered: HashMap<String, String>,
    keys: HashMap<String, String>,
    groups: HashMap<String, Vec<String>>,
    mood: Mood,
}

impl Accounts {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            sessions: HashMap::new(),
            remembered: HashMap::new(),
            keys: HashMap::new(),
            groups: HashMap::new(),
            mood: Mood::Honest,
        })))
    }

    /// A session of somebody who was signed in before anybody watched.
    pub(crate) fn sign_in(&self, name: &str) -> String {
        let cookie = fresh_cookie();
        self.sign_in_to(&cookie, name);
        cookie
    }

    /// Makes a session somebody's, whoever had it.
    pub(crate) fn sign_in_to(&self, cookie: &str, name: &str) {
        self.lock()
            .sessions
            .insert(cookie.to_owned(), name.to_owned());
    }

    /// Ends a session.
    pub(crate) fn sign_out(&self, cookie: &str) {
        self.lock().sessions.remove(cookie);
    }

    /// Puts somebody into these groups, and out of all others.
    pub(crate) fn group(&self, name: &str, groups: &[&str]) {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        self.lock().groups.insert(name.to_owned(), groups);
    }

    /// A token that signs somebody in again.
    pub(crate) fn remember(&self, name: &str) -> String {
        let token = fresh_cookie();
        self.lock()
            .remembered
            .insert(token.clone(), name.to_owned());
        token
    }

    /// A key of somebody's.
    pub(crate) fn key(&self, name: &str) -> String {
        let key = fresh_cookie();
        self.lock().keys.insert(key.clone(), name.to_owned());
        key
    }

    /// Whether it is a key of anybody's.
    pub(crate) fn knows_key(&self, key: &str) -> bool {
        self.lock().keys.contains_key(key)
    }

    /// What it says from now on when it is asked.
    pub(crate) fn set(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    /// Whom it acts for, by a key first, then by the session, then by what it remembers; with the session's
    /// cookie if that is new.
    fn acts_for(&self, got: &Got) -> Option<(String, Option<String>)> {
        let state = self.lock();
        let bearer = got.header("authorization").strip_prefix("Bearer ");
        for key in [Some(got.header(KEY_HEADER)), bearer] {
            if let Some(name) = key.and_then(|key| state.keys.get(key)) {
                return Some((name.clone(), None));
            }
        }
        if let Some(name) = cookie(got, COOKIE).and_then(|value| state.sessions.get(&value)) {
            return Some((name.clone(), None));
        }
        let name = state.remembered.get(&cookie(got, REMEMBER)?)?.clone();
        drop(state);
        let session = self.sign_in(&name);
        Some((name, Some(session)))
    }

    /// What the application does with a request.
    pub(crate) fn answer(&self, got: &Got) -> Reply {
        let (path, query) = got.target.split_once('?').unwrap_or((&got.target, ""));
        let user = self.acts_for(got);
        let revived = user.as_ref().and_then(|(_, session)| session.clone());
        let name = user.map(|(name, _)| name);
        let mood = self.lock().mood;
        let revived = match (mood, &name) {
            (Mood::Rolling, Some(name)) => Some(self.sign_in(name)),
            (Mood::Rolling, None) => Some(fresh_cookie()),
            _ => revived,
        };
        match path {
            "/api/me" => self.me(got, name.as_deref(), revived),
            // `user` logs in with a password that ends in `right`; who is signed in is sent on.
            "/login" | "/signup" if got.method == "POST" => {
                let accounts = self.clone();
                Reply::ByBody(Box::new(move |got| {
                    let form: HashMap<_, _> =
                        form_urlencoded::parse(&got.body).into_owned().collect();
                    let is_right = form.get("password").is_some_and(|it| it.ends_with("right"));
                    let typed = form.get("user").filter(|_| is_right);
                    let typed = typed.map(|typed| typed.split('@').next().unwrap_or_default());
                    match (name, typed) {
                        (Some(_), _) => home(revived),
                        (None, Some(typed)) => home(Some(accounts.sign_in(typed))),
                        (None, None) => page(revived, "Wrong password"),
                    }
                }))
            }
            "/login" if name.is_some() => home(revived),
            "/login" => page(revived, "Who are you?"),
            // A callback of somebody else's login: `code` is whoever that is.
            "/callback" => {
                let code = query.strip_prefix("code=");
                home(code.map(|name| self.sign_in(name)))
            }
            "/become" => {
                let session = cookie(got, COOKIE).unwrap_or_default();
                self.sign_in_to(&session, query);
                text(200, "you are somebody else now")
            }
            "/logout" => {
                self.sign_out(&cookie(got, COOKIE).unwrap_or_default());
                text(200, "bye")
            }
            _ => {
                let done = format!("done for {}", name.unwrap_or_else(|| "nobody".to_owned()));
                page(revived, &done)
            }
        }
    }

    fn me(&self, got: &Got, name: Option<&str>, revived: Option<String>) -> Reply {
        let mood = self.lock().mood;
        let session = match (mood, name) {
            (Mood::Renewing, Some(name)) => Some(self.sign_in(name)),
            _ => revived,
        };
        let session = session.map(|value| format!("{COOKIE}={value}; Path=/; HttpOnly"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(session.iter().map(|it| ("set-cookie", it.as_str())));
        match mood {
            Mood::Silent => Reply::Hang,
            Mood::Stubborn(status, body) => answer(status, &headers, body),
            Mood::Redirecting(place) => answer(302, &[("location", place)], ""),
            // A method that was meant for another request would do something here.
            Mood::Honest | Mood::Renewing | Mood::Rolling if got.method != "GET" => {
                text(405, "not so")
            }
            Mood::Honest | Mood::Renewing | Mood::Rolling => match name {
                Some(name) => {
                    let groups = self.lock().groups.get(name).cloned();
                    let body = serde_json::json!({
                        "groups": groups,
                        "user": { "name": name, "mail": format!("{name}@shop.test"), "called": format!("Dr.\n{name} <b>O’Neill\u{202e}") }
                    });
                    answer(200, &headers, &body.to_string())
                }
                None => answer(401, &headers, "{}"),
            },
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

/// A page, with a new session if there is one.
fn page(session: Option<String>, body: &str) -> Reply {
    let session = session.map(|value| format!("{COOKIE}={value}; Path=/"));
    let headers = session.iter().map(|it| ("set-cookie", it.as_str()));
    answer(200, &headers.collect::<Vec<_>>(), body)
}

/// To the home page, with a new session if there is one.
fn home(session: Option<String>) -> Reply {
    let session = session.map(|value| format!("{COOKIE}={value}; Path=/; HttpOnly"));
    let mut headers = vec![("location", "/home")];
    headers.extend(session.iter().map(|it| ("set-cookie", it.as_str())));
    answer(302, &headers, "")
}

fn cookie(got: &Got, name: &str) -> Option<String> {
    let pairs = got.header("cookie").split("; ");
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let found = pairs.find(|(key, _)| *key == name);
    found.map(|(_, value)| value.to_owned())
}
