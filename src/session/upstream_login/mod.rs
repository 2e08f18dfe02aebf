//! Tries a password at the application's own login.
//!
//! The trial is a login like any other to the application: with the subject's name, in a session of its own,
//! which is logged out again. Its cookies stay here, and as it does not pass the proxy, nothing learns of it.

mod attempt;
mod client;
mod error;
mod form;
mod naming;

use super::learn::LoginRoute;
use super::sessions::Sessions;
use crate::domain::{RequestPath, Secret, Subject, Watched};
use crate::request::context::RequestContext;
use crate::request::headers::ForwardedStyle;
use crate::transport::upstream::Pool;
use crate::verification::{NotJudged, PasswordTrial, TrialResult};
use client::TrialClient;
pub use error::TrialError;
use http::HeaderMap;
use naming::TrialNaming;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// How passwords are tried at the application's login.
#[derive(Clone, Debug)]
pub struct UpstreamLoginOptions {
    /// The login, with the signs of its success.
    pub login: Arc<LoginRoute>,
    /// What ends the session of a trial.
    pub logout: Arc<Watched>,
    /// The page with the form, or from which scripts log in: path and query.
    pub page: Option<String>,
    /// Where name and password stand.
    pub fields: LoginFields,
    /// The cookie whose value is sent back as this header with every change.
    pub csrf: Option<(String, http::HeaderName)>,
    /// How long a trial may take.
    pub deadline: Duration,
    /// How many may be under way; further ones wait, within their deadline.
    pub at_once: usize,
}

/// Where name and password stand in a login.
#[derive(Clone, Debug)]
pub enum LoginFields {
    /// In a form of the page.
    Form {
        /// The field of the name.
        user: String,
        /// The field of the password; `None` for the only field of that type.
        password: Option<String>,
    },
    /// In a JSON document, at these pointers.
    Json {
        /// The pointer of the name.
        user: String,
        /// The pointer of the password.
        password: String,
    },
}

/// What all threads share for trying passwords.
#[derive(Debug)]
pub struct UpstreamLogin {
    options: UpstreamLoginOptions,
    forwarded: ForwardedStyle,
    permits: Semaphore,
}

impl UpstreamLogin {
    /// For one sidecar.
    pub fn new(options: UpstreamLoginOptions, forwarded: ForwardedStyle) -> Self {
        Self {
            // Each takes the application a password hash, and up to four requests.
            permits: Semaphore::new(options.at_once),
            options,
            forwarded,
        }
    }

    /// A trial for the client of this request, whose address and browser the application is told: it may
    /// count failures by them.
    pub(crate) fn trial(
        self: &Arc<Self>,
        (pool, sessions): (&Pool, &Rc<Sessions>),
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
        headers: &HeaderMap,
    ) -> UpstreamTrial {
        let csrf = self.options.csrf.clone();
        UpstreamTrial {
            login: Arc::clone(self),
            naming: TrialNaming::of(sessions, path),
            client: TrialClient::new(pool.clone(), context, headers, self.forwarded, csrf),
        }
    }
}

/// A trial that can be made.
#[derive(Clone, Debug)]
pub struct UpstreamTrial {
    login: Arc<UpstreamLogin>,
    naming: TrialNaming,
    client: TrialClient,
}

impl PasswordTrial for UpstreamTrial {
    fn matches<'t>(
        &'t self,
        subject: &'t Subject,
        password: &'t Secret<String>,
    ) -> TrialResult<'t> {
        let Self {
            login,
            naming,
            client,
        } = self.clone();
        let (subject, password) = (subject.clone(), password.clone());
        // A task: a client that goes away must not leave a session that nobody logs out.
        let task = tokio::task::spawn_local(async move {
            login.attempt(client, &naming, &subject, &password).await
        });
        Box::pin(async move {
            let judged = task.await.map_err(|error| NotJudged(error.into()))?;
            judged.map_err(|error| NotJudged(error.into()))
        })
    }
}
