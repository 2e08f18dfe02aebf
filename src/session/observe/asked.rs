//! A declared login, where the application is asked who has logged in: before it, and after it.

use crate::domain::{RequestHead, Subject};
use crate::request::context::RequestContext;
use crate::session::observe::Watch;
use crate::session::whoami::{Asker, Question};
use crate::session::{AskedRequest, Asserted, Found, Named, WhoamiError};
use crate::transport::upstream::UpstreamBody;
use http::{Response, header};

/// What the application says of a login.
#[derive(Debug)]
pub(super) struct AskedLogin {
    question: Option<Question>,
    /// Whether it said before that nobody was signed in, so that the login is one.
    was_nobody: bool,
    /// Who is signed in after it; an error if it did not say.
    after: Result<Option<Asserted>, WhoamiError>,
}

impl Watch {
    /// Asks who is signed in before the request goes its way, if it is a login: one that is sent by somebody
    /// who is signed in already may be answered as if it had succeeded.
    pub(crate) async fn ask_before(
        &mut self,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
    ) {
        let known = self.known.clone();
        let options = &known.shared.options;
        if options.whoami().is_none() || !matches!(self.found, Found::Login(_)) {
            return;
        }
        let request = AskedRequest {
            path: head.path,
            query: head.query,
            headers: head.headers,
            session: None,
        };
        let question = Asker::question(options, &request).unwrap_or_default();
        let is_bare = self.carried.is_empty()
            && !head.headers.contains_key(header::COOKIE)
            && !context.connection.data.is_authenticated();
        let was_nobody = match &question {
            Some(question) if !is_bare => {
                let answer = known.asker.send(context, question.clone()).await;
                if let Ok(answer) = &answer {
                    known.hand_on(context, &self.carried, answer).await;
                }
                answer.is_ok_and(|answer| answer.person.is_none())
            }
            Some(_) | None => is_bare,
        };
        self.asked = Some(AskedLogin {
            question,
            was_nobody,
            after: Ok(None),
        });
    }

    /// Asks who is signed in by the cookies that the client has after the answer.
    pub(super) async fn ask_after(
        &mut self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
    ) {
        let Some(asked) = &mut self.asked else { return };
        let Some(question) = asked.question.take() else {
            return;
        };
        let question = question.after(response.headers());
        let answer = self.known.asker.send(context, question).await;
        if let Err(error) = &answer {
            tracing::warn!(request_id = %context.id, path = context.path(), %error, "a login is not believed: the application does not say who has logged in");
        }
        asked.after = answer.map(|answer| {
            let lines = answer.cookies.values();
            for line in lines {
                response
                    .headers_mut()
                    .append(header::SET_COOKIE, line.clone());
            }
            answer.person
        });
    }
}

impl AskedLogin {
    /// Who has logged in, by the word of the application.
    pub(super) fn named(&self) -> Result<Named, &WhoamiError> {
        let person = self.after.as_ref()?.as_ref();
        Ok(person.map_or(Named::Nobody, |person| {
            Named::ByApplication(person.subject.clone())
        }))
    }

    /// Whether it may be that nobody has logged in, and the application names whoever was signed in before:
    /// it did not say that nobody was, or names another than was typed.
    pub(super) fn may_be_signed_in(
        &self,
        typed: &Named,
        same: impl Fn(&str) -> Option<Subject>,
    ) -> bool {
        let is_typed = match (typed, &self.after) {
            (Named::Typed(typed), Ok(Some(person))) => {
                let email = person.email.as_deref().and_then(same);
                *typed == person.subject || Some(typed) == email.as_ref()
            }
            (Named::ByApplication(_) | Named::Nobody | Named::Typed(_), _) => true,
        };
        !self.was_nobody || !is_typed
    }
}
