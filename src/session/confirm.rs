//! Finds out whose request it is: by its token, or by the word of the application.

use crate::domain::{Owner, RequestPath, RiskLevel, SessionId, StoredSession};
use crate::request::context::RequestContext;
use crate::session::change::{Beside, SessionChange};
use crate::session::sessions::Sessions;
use crate::session::sources::{AskedRequest, Asker, WhoamiAnswer};
use crate::session::{
    Caller, CarriedLines, CookieScope, Credentials, Jwt, SessionKey, SubjectError, TokenError,
};
use crate::store::{Carry, Login, Rotation};

impl Sessions {
    /// Whether it must be found out whose a request is before it is let out: by its level, or because nothing
    /// else tells when the subject changes.
    pub(crate) fn must_confirm(
        &self,
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
        levels: impl Iterator<Item = RiskLevel>,
    ) -> Result<bool, SubjectError> {
        let options = &self.shared.options;
        // A token is read at no cost, and without it the request is nobody's.
        if options.jwt().is_some() {
            return Ok(true);
        }
        if options.whoami().is_none() {
            return Ok(false);
        }
        Ok(Asker::confirms(options, path, levels)?
            || options.key == SessionKey::Subject
            || context.connection.data.is_authenticated()
            // The cookie comes with every answer: that of a login that is not declared looks like any other.
            || self.shared.rolling.is_rolling())
    }

    /// Finds out whose a request is: by its token, where tokens are declared, or by asking the application. What
    /// either says is the caller's subject; where the application says that nobody is signed in, the caller has
    /// no session. Returns whether the application was asked: not where the subject is named already, nor where
    /// no question is declared for the path.
    pub(crate) async fn confirm(
        &self,
        context: &RequestContext<'_>,
        request: AskedRequest<'_>,
        carried: &CarriedLines,
        caller: &mut Caller,
    ) -> Result<bool, SubjectError> {
        let options = &self.shared.options;
        if let Some(jwt) = options.jwt().filter(|_| caller.asserted.is_none()) {
            self.name_by_token(jwt, carried, caller).await?;
        }
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

    /// Takes the subject from the token of a request, if it carries one and no other credential.
    async fn name_by_token(
        &self,
        jwt: &Jwt,
        carried: &CarriedLines,
        caller: &mut Caller,
    ) -> Result<(), TokenError> {
        let shared = &self.shared;
        let names = &shared.options.credentials;
        // A credential that is there twice is refused elsewhere.
        let Ok(credentials) = names.read(carried) else {
            return Ok(());
        };
        let token = jwt.token_in(&credentials);
        let Some((token, session)) = token.zip(credentials.session(&shared.keys)) else {
            return Ok(());
        };
        let reading = self.tokens.read(jwt, token, session, shared.clock.now());
        let asserted = Some(reading.await?);
        if shared.options.key == SessionKey::Subject {
            // The token is the only credential, and stands for its subject: with the next one the session goes on.
            let none = Credentials::default();
            (caller.session, caller.earlier) =
                shared
                    .options
                    .identify(&none, asserted.as_ref(), &shared.keys);
        }
        caller.asserted = asserted;
        Ok(())
    }

    /// Keeps the cookies of an answer for the client. Returns its session from now on, if they renew that.
    pub(super) async fn hand_on(
        &self,
        context: &RequestContext<'_>,
        carried: &CarriedLines,
        answer: &WhoamiAnswer,
    ) -> Option<SessionId> {
        let cookies = answer.cookies.as_ref()?;
        context.hand_on(cookies.clone());
        let (names, keys) = (&self.shared.options.credentials, &self.shared.keys);
        let subject = answer.person.as_ref().map(|person| &person.subject)?;
        let before = names.read(carried).ok()?;
        let after = names.after(&before, cookies, &CookieScope::of(context));
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
