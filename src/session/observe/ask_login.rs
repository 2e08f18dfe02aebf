//! A declared login, where the application is asked who has logged in: before it, and after it.

use super::asked::AskedLogin;
use crate::domain::RequestHead;
use crate::request::context::RequestContext;
use crate::session::observe::Watch;
use crate::session::whoami::Asker;
use crate::session::{AskedRequest, Found};
use crate::transport::upstream::UpstreamBody;
use http::{Response, header};

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
