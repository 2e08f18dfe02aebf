//! Whose session a trial is: the name at the application's login may be another person's where something else
//! names people, by a number or an address.

use super::client::TrialClient;
use super::error::TrialError;
use crate::domain::{RequestPath, Subject};
use crate::session::sessions::Sessions;
use crate::session::sources::{Asker, WhoamiRule};
use crate::session::{CarriedLines, SubjectError, WhoamiError};
use http::uri::PathAndQuery;
use std::iter;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// What says it.
#[derive(Clone, Debug)]
pub(super) enum TrialNaming {
    /// The name at the login: nothing else names people.
    Typed,
    /// The application, at this place.
    Whoami(Arc<WhoamiRule>, PathAndQuery),
    /// The session's token or record.
    Credential(Rc<Sessions>),
    /// Nothing, and why.
    Unclear(WhoamiError),
}

impl TrialNaming {
    /// As it is said of requests to `path`.
    pub(super) fn of(sessions: &Rc<Sessions>, path: &RequestPath<'_>) -> Self {
        let options = &sessions.shared.options;
        if options.source.is_none() {
            return Self::Typed;
        }
        if options.whoami().is_none() {
            return Self::Credential(sessions.clone());
        }
        match Asker::place(options, path) {
            Ok(Some((rule, target))) => Self::Whoami(rule, target),
            Ok(None) => Self::Unclear(WhoamiError::NoQuestion),
            Err(error) => Self::Unclear(error),
        }
    }
}

impl TrialClient {
    /// Whether the session of this client is the subject's.
    pub(super) async fn is_of(
        &mut self,
        subject: &Subject,
        naming: &TrialNaming,
        deadline: Instant,
    ) -> Result<bool, TrialError> {
        let named = match naming {
            TrialNaming::Typed => return Ok(true),
            TrialNaming::Whoami(rule, target) => {
                let answer = self.ask(rule, target, deadline).await?;
                let (status, headers) = (answer.status, &answer.headers);
                let said = rule.subject_in(status, headers, &answer.text());
                said.map_err(|()| TrialError::Status(status))?
            }
            TrialNaming::Credential(sessions) => {
                let shared = &sessions.shared;
                let (options, headers) = (&shared.options, self.session_headers());
                let carried = CarriedLines::of(&headers, "/", &options.credentials);
                let carried = carried.with_keys(&headers, None, iter::empty(), &options.key_names);
                let known = (&*shared.keys, &shared.clock);
                let said = sessions.source.read_credential(options, known, &carried);
                let said = said.await?.ok_or(TrialError::NotSaid)?;
                said.subject().cloned()
            }
            TrialNaming::Unclear(error) => return Err(SubjectError::from(error.clone()).into()),
        };
        let is_same = named.as_ref() == Some(subject);
        if !is_same {
            let somebody = named.is_some();
            tracing::warn!(
                somebody,
                "a password was taken by the application for another than the session's subject, or for nobody: its login knows people by other names than `session` does"
            );
        }
        Ok(is_same)
    }
}
