//! Finds out whose request it is, by the source of subjects.

use crate::domain::{Owner, RequestPath, RiskLevel, SessionId, StoredSession, Subject, Timestamp};
use crate::request::context::RequestContext;
use crate::session::change::{Beside, SessionChange};
use crate::session::sessions::Sessions;
use crate::session::sources::{AnsweredBy, AskedRequest, SourceReader};
use crate::session::{
    Caller, CarriedLines, CookieScope, Credentials, GuestCookie, SessionKey, Source, SubjectError,
};
use crate::store::{Carry, Login, Over, Rotation};
use http::{HeaderMap, HeaderValue, header};
use std::sync::Arc;

/// How it was found out whose a request is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Confirmed {
    /// The application was asked: not where the subject is named already, nor where no question is declared for the
    /// path.
    pub(crate) by_application: bool,
    /// The caller's session may be another than what its credentials tell alone.
    pub(crate) in_other_session: bool,
}

impl Sessions {
    /// Whether it must be found out whose a request is before it is let out: by its level, or because nothing
    /// else tells when the subject changes.
    pub(crate) fn must_confirm(
        &self,
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
        levels: impl Iterator<Item = RiskLevel>,
    ) -> Result<bool, SubjectError> {
        let shared = &self.shared;
        SourceReader::must_read(&shared.options, path, levels, || {
            shared.options.key == SessionKey::Subject
                || context.connection.data.is_authenticated()
                // The cookie comes with every answer: that of a login that is not declared looks like any other.
                || shared.rolling.is_rolling()
        })
    }

    /// Whether it must be found out whose a request is that no route guards: its session is known by the subject
    /// alone, and that has limits, or may end before the request does.
    pub(crate) fn must_name(&self, may_last: bool) -> bool {
        let options = &self.shared.options;
        let at_no_cost = match &options.source {
            // What a proxy asserts is read before.
            Some(Source::Headers(_)) | None => return false,
            Some(Source::Jwt(_)) => !self.shared.revoked.is_empty(),
            Some(Source::Basic(_) | Source::Records(_) | Source::Whoami(_)) => false,
        };
        options.key == SessionKey::Subject && (may_last || at_no_cost || options.limits_in_force())
    }

    /// Finds out whose a request is by the source of subjects. Whom it names is the caller's subject; where it
    /// says that nobody is signed in, the caller has no session.
    pub(crate) async fn confirm(
        &self,
        context: &RequestContext<'_>,
        request: AskedRequest<'_>,
        carried: &CarriedLines,
        caller: &mut Caller,
    ) -> Result<Confirmed, SubjectError> {
        let options = &self.shared.options;
        let has_session = caller.session.is_some() || options.key == SessionKey::Subject;
        if caller.asserted.is_some() || !has_session {
            return Ok(Confirmed::default());
        }
        let known = (&*self.shared.keys, &self.shared.clock);
        let reading = self.source.read(options, known, context, &request, carried);
        let Some(answer) = reading.await? else {
            return Ok(Confirmed::default());
        };
        let renewed = self.hand_on(context, carried, answer.cookies.as_ref(), answer.subject());
        let renewed = renewed.await;
        if answer.person.is_none() {
            (caller.session, caller.earlier) = (None, None);
        } else if options.key == SessionKey::Subject {
            let credentials = match answer.by {
                AnsweredBy::Application => options.credentials.read(carried),
                // It stands for its subject: with the next one the session goes on.
                AnsweredBy::Credential => Ok(Credentials::default()),
            };
            let identified = credentials.map(|credentials| {
                options.identify(&credentials, answer.person.as_ref(), &self.shared.keys)
            });
            (caller.session, caller.earlier) = identified.unwrap_or_default();
        } else if renewed.is_some() {
            caller.session = renewed;
        }
        caller.asserted = answer.person;
        Ok(Confirmed {
            by_application: answer.by == AnsweredBy::Application,
            in_other_session: renewed.is_some() || options.key == SessionKey::Subject,
        })
    }

    /// Keeps the cookies of an answer for the client. Returns its session from now on, if they renew that.
    pub(super) async fn hand_on(
        &self,
        context: &RequestContext<'_>,
        carried: &CarriedLines,
        cookies: Option<&Arc<HeaderMap>>,
        subject: Option<&Subject>,
    ) -> Option<SessionId> {
        let cookies = cookies?;
        context.hand_on(cookies.clone());
        let (names, keys) = (&self.shared.options.credentials, &self.shared.keys);
        let before = names.read(carried).ok()?;
        let after = names.after(&before, cookies, &CookieScope::of(context));
        let from = before.session(keys)?;
        let to = after.session(keys).filter(|to| *to != from)?;
        let Some(subject) = subject else {
            self.keep_guest(context, carried, from, to);
            return None;
        };
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
                    // Nothing is proved in it, and its subject is by the application's word.
                    over: Over::Anything,
                };
                SessionChange::Begins(Box::new(login), beside)
            }
            Err(_) => SessionChange::Unread(from),
        };
        self.apply(context.id, [change]).await;
        Some(to)
    }

    /// Has the proof that nobody is signed in follow the session's cookie: the application, which set it anew, has
    /// just said so too.
    fn keep_guest(
        &self,
        context: &RequestContext<'_>,
        carried: &CarriedLines,
        from: SessionId,
        to: SessionId,
    ) {
        let shared = &self.shared;
        if let Some(at) = self.guest_since(carried, from)
            && let Ok(line) = HeaderValue::from_str(&shared.guest.set(&to, at, &shared.keys))
        {
            let lines = HeaderMap::from_iter([(header::SET_COOKIE, line)]);
            context.hand_on(Arc::new(lines));
        }
    }

    /// As of when a request proves that nobody is signed in to a session that it carries.
    pub(super) fn guest_since(
        &self,
        carried: &CarriedLines,
        session: SessionId,
    ) -> Option<Timestamp> {
        // A proof is of what the login page looked at, and a key may count elsewhere alone.
        if carried.hold_keys() {
            return None;
        }
        let shared = &self.shared;
        let at = shared.guest.proven(carried, &session, &shared.keys)?;
        let is_in_time = shared.clock.now().is_within(GuestCookie::LIFE, at);
        is_in_time.then_some(at)
    }
}
