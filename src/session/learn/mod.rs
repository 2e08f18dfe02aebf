//! Logins and logouts, as the application itself answers them.
//!
//! A new cookie is not a login: remember-me revives sessions without a password, so only a login
//! that the settings declare counts, and only if the application's answer shows that it succeeded.

mod login_route;
mod sign;

pub use login_route::{LoginRoute, SubjectSource};
pub use sign::Sign;

use super::login::Named;
use crate::domain::{Body, RequestHead, Standing, Subject, Watched, shows_secret};
use std::sync::Arc;

/// The logins and logouts to watch.
#[derive(Clone, Debug, Default)]
pub struct Learn {
    /// Requests that log a subject in.
    pub logins: Vec<Arc<LoginRoute>>,
    /// Requests that log the subject out.
    pub logouts: Vec<Arc<Watched>>,
}

/// The logins and logouts that a request may turn out to be, as far as its head tells.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    logins: Vec<Arc<LoginRoute>>,
    logouts: Vec<Arc<Watched>>,
}

/// What a request turned out to be.
#[derive(Debug)]
pub enum Found {
    /// A login, if the application says so; by each of these entries.
    Login(Vec<Attempt>),
    /// A logout, to some application at least: forgetting too much is safe.
    Logout,
    /// Nothing of ours.
    Nothing,
    /// A login to some applications and something else to others: what an answer to it means cannot be
    /// told, but the session may not be what it was.
    Unclear(Unclear),
}

/// A request that may be a login.
#[derive(Debug)]
pub struct Unclear {
    /// By these entries.
    pub routes: Vec<Arc<LoginRoute>>,
    /// Whether it holds a secret, so that only a refusal says that it was none.
    pub shows_secret: bool,
}

/// A login under way, as one entry of the settings reads it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The entry.
    pub route: Arc<LoginRoute>,
    /// Whom the request names, where the entry looks there.
    pub typed: Option<Subject>,
}

impl Attempt {
    /// Whom the request names.
    pub fn name(&self) -> Named {
        self.typed.clone().map_or(Named::Nobody, Named::Typed)
    }

    /// Whether the body of the response must be read to know whether it succeeded.
    pub fn reads_response_body(&self) -> bool {
        self.route.reads_response_body()
    }
}

impl Learn {
    /// Whether a request asks for the page from which a login is sent, where its path or query tells:
    /// there people find the form.
    pub fn has_form_at(&self, head: &RequestHead<'_>) -> bool {
        let mut logins = self.logins.iter();
        logins.any(|login| login.request.is_sent_from(head))
    }

    /// The entries whose path a request has under any reading, and logouts whose method as well.
    pub fn candidates(&self, head: &RequestHead<'_>) -> Candidates {
        let logins = self
            .logins
            .iter()
            .filter(|login| login.request.has_path_of(head));
        let logouts = self.logouts.iter().filter(|logout| logout.covers(head));
        Candidates {
            logins: logins.cloned().collect(),
            logouts: logouts.cloned().collect(),
        }
    }
}

impl Candidates {
    /// The path at which the settings declare the login that it may be; unlike the request's own, no token is in it.
    pub(crate) fn login_path(&self) -> Option<&str> {
        self.logins.first().map(|login| login.request.path())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.logins.is_empty() && self.logouts.is_empty()
    }

    /// Whether the body of the request must be read to know more.
    pub fn reads_body(&self) -> bool {
        let of_login = |login: &Arc<LoginRoute>| login.reads_request_body();
        self.logins.iter().any(of_login) || self.logouts.iter().any(|logout| logout.reads_body())
    }

    /// Tells what the request is. `body` is `None` if it was too long to be read.
    pub fn settle(&self, head: &RequestHead<'_>, body: Option<&Body<'_>>) -> Found {
        let judged = self
            .logins
            .iter()
            .map(|one| (one.standing(head, body), one));
        let judged: Vec<_> = judged.collect();
        let of = |wanted| {
            let found = judged
                .iter()
                .filter(move |(standing, _)| *standing == wanted);
            found.map(|(_, login)| Arc::clone(login))
        };
        let attempt = |route: Arc<LoginRoute>| Attempt {
            typed: body.and_then(|body| route.subject_in_request(head, body)),
            route,
        };
        // A login wins over a logout at the same path: whoever logs in there is somebody from now on.
        let certain: Vec<_> = of(Standing::Yes).map(attempt).collect();
        if !certain.is_empty() {
            return Found::Login(certain);
        }
        let standing = |logout: &Arc<Watched>| logout.standing(head, body);
        let logout = self.logouts.iter().map(standing).max();
        if logout == Some(Standing::Yes) {
            return Found::Logout;
        }
        // Before a possible logout: a session that may have changed hands is worse than one forgotten too soon.
        let unclear: Vec<_> = of(Standing::Perhaps).collect();
        if !unclear.is_empty() {
            return Found::Unclear(Unclear {
                routes: unclear,
                shows_secret: shows_secret(head, body),
            });
        }
        match logout {
            Some(Standing::Perhaps) => Found::Logout,
            Some(Standing::No | Standing::Yes) | None => Found::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
