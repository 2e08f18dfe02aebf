//! Asks the application: whose a request is, and of a declared login who was signed in before it and is after it.

use super::asked::AskedLogin;
use crate::domain::{MethodSet, RequestHead, SessionId};
use crate::request::context::RequestContext;
use crate::session::observe::Watch;
use crate::session::sources::Asker;
use crate::session::{AskedRequest, Caller, Found, SessionKey, SubjectError};
use crate::transport::upstream::UpstreamBody;
use http::{Response, header};

impl Watch {
    /// Whoever the application named before a request that changes something, such as "log in as", it may not
    /// name after it: what it said of any session that it may find in the request is forgotten, and nothing is kept
    /// until it has answered.
    pub(crate) fn note_change(&mut self, claimed: MethodSet) {
        let shared = &self.known.shared;
        if claimed.is_safe() || !shared.options.asks_application() {
            return;
        }
        let names = &shared.options.credentials;
        let sessions = names.all_sessions(&self.carried, &shared.keys);
        self.known.source.asker.answers().begin_change(&sessions);
        self.unsettled = Some(sessions);
    }

    /// The same where the answer sets the session's cookie, also to the value that it had: that is how a page that
    /// is asked for by GET may tell of another subject in the session.
    pub(super) fn forget_answer_if(&self, sets_session: bool) {
        let shared = &self.known.shared;
        if sets_session && shared.options.asks_application() {
            let names = &shared.options.credentials;
            let sessions = names.all_sessions(&self.carried, &shared.keys);
            self.known.source.asker.answers().forget(&sessions);
        }
    }

    /// Finds out whose the request is; see [`Sessions::confirm`].
    pub(crate) async fn confirm(
        &mut self,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
        caller: &mut Caller,
    ) -> Result<bool, SubjectError> {
        let request = AskedRequest {
            path: head.path,
            query: head.query,
            headers: head.headers,
        };
        let confirmed = self
            .known
            .confirm(context, request, &self.carried, caller)
            .await?;
        // What is open ends with the session that it belongs to by now.
        if let Some(opened) = &self.opened
            && confirmed.in_other_session
        {
            opened.belongs_to(caller.session.into_iter().chain(caller.earlier));
        }
        Ok(confirmed.by_application)
    }

    /// Asks who is signed in before the request goes its way, if it is a login: one that is sent by somebody
    /// who is signed in already may be answered as if it had succeeded. And if it is a logout, after which nobody
    /// is.
    pub(crate) async fn ask_before(
        &mut self,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
    ) {
        let known = self.known.clone();
        let options = &known.shared.options;
        if options.key == SessionKey::Subject && matches!(self.found, Found::Logout) {
            self.leaving = self.subject_sessions(context, head).await;
            return;
        }
        if options.whoami().is_none() || !matches!(self.found, Found::Login(_)) {
            return;
        }
        let request = AskedRequest {
            path: head.path,
            query: head.query,
            headers: head.headers,
        };
        let question = Asker::question(options, &request).unwrap_or_default();
        let was_nobody = match &question {
            Some(question) => {
                let answer = known.source.asker.send(context, question.clone()).await;
                if let Ok(answer) = &answer {
                    let subject = answer.person.as_ref().map(|person| &person.subject);
                    let cookies = answer.cookies.as_ref();
                    known
                        .hand_on(context, &self.carried, cookies, subject)
                        .await;
                }
                answer.is_ok_and(|answer| answer.person.is_none())
            }
            None => false,
        };
        self.asked = Some(AskedLogin {
            question,
            was_nobody,
            after: Ok(None),
        });
    }

    /// The sessions of the subject whom the source names.
    async fn subject_sessions(
        &mut self,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
    ) -> Vec<SessionId> {
        let Ok(mut caller) = self.caller(head.headers) else {
            return Vec::new();
        };
        if let Err(error) = self.confirm(context, head, &mut caller).await {
            tracing::warn!(request_id = %context.id, %error, "a logout voids nothing that was proved: whose it is cannot be told");
        }
        caller.session.into_iter().chain(caller.earlier).collect()
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
        let question = question.after(response.headers(), self.token.as_ref());
        let answer = self.known.source.asker.send(context, question).await;
        if let Err(error) = &answer {
            tracing::warn!(request_id = %context.id, path = context.path(), %error, "a login is not believed: the application does not say who has logged in");
        }
        asked.after = answer.map(|answer| {
            for line in answer.cookies.iter().flat_map(|cookies| cookies.values()) {
                response
                    .headers_mut()
                    .append(header::SET_COOKIE, line.clone());
            }
            answer.person
        });
    }
}
