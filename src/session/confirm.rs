//! Has the application say whose request it is.

use crate::domain::{Owner, RequestPath, RiskLevel, SessionId, StoredSession};
use crate::request::context::RequestContext;
use crate::session::change::{Beside, SessionChange};
use crate::session::sessions::Sessions;
use crate::session::whoami::{AskedRequest, Asker, WhoamiAnswer};
use crate::session::{Caller, CarriedLines, CookieScope, SessionKey, WhoamiError};
use crate::store::{Carry, Login, Rotation};

impl Sessions {
    /// Whether a request must be confirmed by the application before it is let out: by its level, or because
    /// nothing else tells when the subject changes.
    pub(crate) fn must_confirm(
        &self,
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
        levels: impl Iterator<Item = RiskLevel>,
    ) -> Result<bool, WhoamiError> {
        let options = &self.shared.options;
        if options.whoami().is_none() {
            return Ok(false);
        }
        Ok(Asker::confirms(options, path, levels)?
            || options.key == SessionKey::Subject
            || context.connection.data.is_authenticated()
            // The cookie comes with every answer: that of a login that is not declared looks like any other.
            || self.shared.rolling.is_rolling())
    }

    /// Asks the application whose a request is: what it says is the caller's subject, and where it says that
    /// nobody is signed in the caller has no session. Returns whether it was asked: not where a trusted proxy
    /// has named the subject already, nor where no question is declared for the path.
    pub(crate) async fn confirm(
        &self,
        context: &RequestContext<'_>,
        request: AskedRequest<'_>,
        carried: &CarriedLines,
        caller: &mut Caller,
    ) -> Result<bool, WhoamiError> {
        let options = &self.shared.options;
        let has_session = caller.session.is_some() || options.key == SessionKey::Subject;
        if caller.asserted.is_some() || options.whoami().is_none() || !has_session {
            return Ok(false);
        }
        let Some(answer) = self.asker.ask(options, context, &request).await? else {
            return Ok(false);
        };
        let renewed = self.hand_on(context, carried, &answer).await;
        if answer.person.is_none() {
            (caller.session, caller.earlier) = (None, None);
        } else if options.key == SessionKey::Subject {
            let credentials = options.credentials.read(carried);
            let identified = credentials.map(|credentials| {
                options.identify(&credentials, answer.person.as_ref(), &self.shared.keys)
            });
            (caller.session, caller.earlier) = identified.unwrap_or_default();
        } else if renewed.is_some() {
            caller.session = renewed;
        }
        caller.asserted = answer.person;
        Ok(true)
    }

    /// Keeps the cookies of an answer for the client. Returns its session from now on, if they renew that.
    pub(super) async fn hand_on(
        &self,
        context: &RequestContext<'_>,
        carried: &CarriedLines,
        answer: &WhoamiAnswer,
    ) -> Option<SessionId> {
        if answer.cookies.is_empty() {
            return None;
        }
        context.hand_on(answer.cookies.clone());
        let (names, keys) = (&self.shared.options.credentials, &self.shared.keys);
        let subject = answer.person.as_ref().map(|person| &person.subject)?;
        let before = names.read(carried).ok()?;
        let after = names.after(&before, &answer.cookies, &CookieScope::of(context));
        let from = before.session(keys)?;
        let to = after.session(keys).filter(|to| *to != from)?;
        let beside = Beside {
            parts: after.cookies_alone(keys),
            spelled: (None, None),
        };
        let change = match self.find(from).await {
            Ok(Some(_)) => SessionChange::Follows(
                Rotation {
                    from,
                    to,
                    // It is this very request that the application names its subject for.
                    carry: Carry::Everything,
                    grace: self.shared.options.rotation.grace,
                },
                beside,
            ),
            // Noted, so that a challenge that is opened in it is known under the next value as well.
            Ok(None) => {
                let now = self.shared.clock.now();
                let owner = Owner::Subject(subject.clone());
                let login = Login {
                    id: to,
                    replaces: None,
                    session: StoredSession::without_subject(owner, None, now),
                    keep: self.shared.options.remember,
                };
                SessionChange::Begins(Box::new(login), beside)
            }
            Err(_) => SessionChange::Unread(from),
        };
        self.apply(context.id, [change]).await;
        Some(to)
    }
}
