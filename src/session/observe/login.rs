//! A declared login, with the answer of the application.

use super::doubt::{Carried, tell_of_disbelief};
use super::{Observation, Observed, Watch};
use crate::domain::{Owner, Secret, SessionId, StoredSession, Subject, Timestamp};
use crate::request::context::RequestContext;
use crate::session::change::SessionChange;
use crate::session::{
    Answer, Attempt, Disregarded, KnownSession, LoginRoute, LoginVerdict, Named, ObservedLogin,
    Sign, WhoamiError, judge_login,
};
use crate::store::{Carry, Login, Over, StoreError};
use crate::transport::upstream::UpstreamBody;
use crate::verification::{hash_browser_key, new_browser_key};
use http::{HeaderMap, Response, header};

impl Watch {
    /// A declared login, with the answer of the application. `read` is the beginning of its body, where
    /// signs are looked for there.
    pub(super) async fn logged_in(
        &self,
        context: &RequestContext<'_>,
        attempts: &[Attempt],
        response: &Response<UpstreamBody>,
        read: Option<&[u8]>,
    ) -> Observation {
        let shared = &self.known.shared;
        let Some((before, after)) = self.change(response.headers()) else {
            return self.disputed(response.headers()).await;
        };
        let unread = || {
            let both = before.into_iter().chain(after);
            both.map(SessionChange::Unread).collect::<Vec<_>>().into()
        };
        let guest_since = self.guest_since(before);
        let Ok((over, known)) = self.judged_by(after, guest_since).await else {
            return unread();
        };
        // A sign that is not found in compressed bytes may well be there.
        let readable = !response.headers().contains_key(header::CONTENT_ENCODING);
        let shown = Shown {
            status: response.status().as_u16(),
            headers: response.headers(),
            body: read.filter(|_| readable),
            is_denied: self.is_denied,
            sets_session: shared
                .options
                .credentials
                .set_by(response.headers(), &self.scope),
        };
        let (answer, named) = shown.read(attempts);
        let Ok((named, may_be_signed_in)) = self.who_logged_in(
            context,
            attempts,
            named,
            before.filter(|_| guest_since.is_none()),
        ) else {
            return unread();
        };
        let observed = ObservedLogin {
            answer,
            named,
            known,
            leads_to_a_session: after.is_some(),
            may_be_signed_in,
        };
        let change = (before, after);
        match judge_login(observed) {
            LoginVerdict::Believed(subject) => {
                self.known.unrecognized.note_learned(context);
                let at = Some(shared.clock.now());
                self.begins(change, subject, at, over, response.headers())
            }
            LoginVerdict::Changed(subject) => {
                self.changes_hands(change, subject, over, response.headers())
            }
            LoginVerdict::Again => {
                tracing::debug!(request_id = %context.id, "a login within a known session of the same subject makes it no fresher");
                self.again(change, response.headers())
            }
            LoginVerdict::Disputed => {
                tell_of_disbelief(context);
                self.disputed(response.headers()).await
            }
            LoginVerdict::Kept => {
                let mut failed = self.failed(context, attempts, &shown, response.headers());
                let follows = self.follows(change, Carry::Everything, response.headers());
                failed.changes.extend(follows);
                failed
            }
            LoginVerdict::Nothing(Disregarded::Failed) => {
                self.failed(context, attempts, &shown, response.headers())
            }
            LoginVerdict::Nothing(why) => {
                self.known.unrecognized.tell_disregarded(context, why);
                Vec::from_iter(after.map(SessionChange::Doubtful)).into()
            }
        }
    }

    /// The token in the answer to a login, if all entries that say where it is find the same.
    pub(super) fn token_in(
        &self,
        response: &Response<UpstreamBody>,
        read: Option<&[u8]>,
    ) -> Option<Secret<String>> {
        let (status, headers) = (response.status().as_u16(), response.headers());
        let successes = self.attempts().iter().map(|one| &one.route);
        let successes = successes.filter(|route| route.succeeded(status, headers, read));
        let mut lines = successes.filter_map(|route| route.token()?.line(headers, read));
        let first = lines.next()?;
        lines.all(|line| line == first).then(|| Secret::new(first))
    }

    /// A login that did not succeed.
    fn failed(
        &self,
        context: &RequestContext<'_>,
        attempts: &[Attempt],
        shown: &Shown<'_>,
        response: &HeaderMap,
    ) -> Observation {
        if let Some((sign, route)) = shown.missing(attempts) {
            let looks_right = self.looks_right(shown, sign, route);
            let unrecognized = &self.known.unrecognized;
            unrecognized.tell_failed(context, shown.status, sign.field(), looks_right);
        }
        let failed = self.has_failed(shown.status);
        let doubtful = (!failed).then(|| self.doubtful_if_kept(response));
        Vec::from_iter(doubtful.flatten()).into()
    }

    /// Who has logged in, and whether it may be that somebody was signed in already: to the session that the
    /// request carried, unless it proves that nobody was. An error if the application was asked, and does not
    /// say it.
    fn who_logged_in(
        &self,
        context: &RequestContext<'_>,
        attempts: &[Attempt],
        named: Named,
        carried: Option<SessionId>,
    ) -> Result<(Named, bool), WhoamiError> {
        let mut routes = attempts.iter().map(|one| &one.route);
        let may_be = carried.is_some() && routes.all(|route| route.believes_what_is_typed());
        if let Some(asked) = &self.asked {
            // What was typed and what the answer shows do not count beside it.
            let naming = self.known.shared.options.naming;
            let same = |name: &str| naming.subject(name);
            let may_be = may_be || asked.may_be_signed_in(&named, same);
            return Ok((asked.named(&named)?, may_be));
        }
        // Where the connection is logged in, what somebody typed may be about another.
        let is_doubtful =
            context.connection.data.is_authenticated() && matches!(named, Named::Typed(_));
        Ok((if is_doubtful { Named::Nobody } else { named }, may_be))
    }

    /// Whether an answer that lacks one sign of a success has what a wrong password seldom shows: a new session,
    /// where leads nothing but a login, or a redirect as it was declared.
    fn looks_right(&self, shown: &Shown<'_>, missing: &Sign, route: &LoginRoute) -> bool {
        let sets_session = shown.sets_session && !self.known.shared.rolling.is_rolling();
        let sets_other =
            matches!(missing, Sign::Cookie(_)) && shown.headers.contains_key(header::SET_COOKIE);
        let shows =
            |sign: &Sign| !sign.is_weak() && sign.is_shown(shown.status, shown.headers, shown.body);
        let redirects = (300..400).contains(&shown.status) && route.may_succeed_with(shown.status);
        shown.status < 400
            && (sets_session || sets_other || redirects || route.success.iter().any(shows))
    }

    /// A session begins, unless there is another by now than was read before.
    fn begins(
        &self,
        (before, after): (Option<SessionId>, Option<SessionId>),
        subject: Subject,
        authenticated_at: Option<Timestamp>,
        over: Option<StoredSession>,
        response: &HeaderMap,
    ) -> Observation {
        let shared = &self.known.shared;
        let Some(id) = after else {
            return Observation::default();
        };
        let now = shared.clock.now();
        let key = new_browser_key(&shared.entropy);
        let session = StoredSession {
            owner: Owner::Subject(subject.clone()),
            authenticated_at,
            browser_key: hash_browser_key(key.expose(), &shared.keys),
            created_at: now,
            seen_at: now,
            revoked: false,
            provenance: self.provenance.clone(),
        };
        let login = Login {
            id,
            replaces: before,
            session,
            keep: shared.options.remember,
            over: Over::Known(over),
        };
        let begins = SessionChange::Begins(Box::new(login), self.beside(response));
        Observation {
            event: Some(Observed::Login { id, subject, key }),
            ..vec![begins].into()
        }
    }

    /// The session of one subject ends, and that of another begins, which nobody is known to have logged in to.
    fn changes_hands(
        &self,
        change: (Option<SessionId>, Option<SessionId>),
        subject: Subject,
        over: Option<StoredSession>,
        response: &HeaderMap,
    ) -> Observation {
        let ended = change.0.map(SessionChange::Ended);
        let mut begins = self.begins(change, subject, None, over, response);
        begins.changes.splice(0..0, ended);
        // The answer that tells of it is heard to its end.
        begins.closes = true;
        begins
    }

    /// The same subject logged in within a known session: what it had earned is dropped.
    fn again(
        &self,
        (before, after): (Option<SessionId>, Option<SessionId>),
        response: &HeaderMap,
    ) -> Observation {
        let both = before.into_iter().chain(after.filter(|_| after != before));
        let mut changes: Vec<_> = both.map(SessionChange::Locked).collect();
        changes.extend(self.follows((before, after), Carry::SessionAlone, response));
        Observation {
            closes: true,
            ..changes.into()
        }
    }

    /// What is known before a login: under the value that its answer leads to, and of all that it may concern.
    async fn judged_by(
        &self,
        after: Option<SessionId>,
        guest_since: Option<Timestamp>,
    ) -> Result<(Option<StoredSession>, Vec<KnownSession>), StoreError> {
        // Read first: whatever is written later was not judged.
        let over = match after {
            Some(after) => self.known.find(after).await?,
            None => None,
        };
        Ok((over, self.known_sessions(after, guest_since).await?))
    }

    /// The known sessions among those that the request carries, whole, in part or in another spelling,
    /// and the one that the answer leads to.
    ///
    /// One of which it was doubtful whether somebody is signed in is none for who shows that nobody is.
    pub(super) async fn known_sessions(
        &self,
        after: Option<SessionId>,
        guest_since: Option<Timestamp>,
    ) -> Result<Vec<KnownSession>, StoreError> {
        let Carried { mut exact, spelled } = self.carried_sessions();
        exact.extend(after.filter(|after| !exact.contains(after)));
        let mut known = Vec::new();
        for id in exact {
            known.extend(self.known_session(id, guest_since).await?);
        }
        // What is filed under a spelling stands for a session that only some applications find.
        let spelled = spelled.into_iter().filter(|_| known.is_empty());
        for id in spelled.collect::<Vec<_>>() {
            known.extend(self.known_session(id, guest_since).await?);
        }
        Ok(known)
    }

    pub(super) async fn known_session(
        &self,
        id: SessionId,
        guest_since: Option<Timestamp>,
    ) -> Result<Option<KnownSession>, StoreError> {
        let is_settled = |session: &StoredSession| {
            session.owner == Owner::Doubtful
                && guest_since.is_some_and(|since| since > session.created_at)
        };
        let session = self.known.find(id).await?;
        let session = session.filter(|session| !is_settled(session));
        Ok(session.map(|session| KnownSession {
            of_this_browser: self.is_of_this_browser(&session),
            subject: session.owner.subject().cloned(),
        }))
    }
}

/// What an answer to a login shows.
pub(super) struct Shown<'r> {
    pub(super) status: u16,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: Option<&'r [u8]>,
    pub(super) is_denied: bool,
    pub(super) sets_session: bool,
}

impl Shown<'_> {
    /// Whether it is a success by any entry, and of whom.
    pub(super) fn read(&self, attempts: &[Attempt]) -> (Answer, Named) {
        let succeeded = |one: &&Attempt| one.route.succeeded(self.status, self.headers, self.body);
        let successes: Vec<_> = attempts.iter().filter(succeeded).collect();
        if successes.is_empty() {
            let is_error = |one: &Attempt| one.route.is_error(self.status);
            let is_refused = attempts.iter().all(is_error) || self.is_denied;
            let answer = if is_refused && !self.sets_session {
                Answer::Refused
            } else {
                Answer::Failed
            };
            return (answer, agreed(attempts.iter().map(Attempt::name)));
        }
        let names = successes.into_iter().map(|one| {
            let said = one.route.subject_in_response(self.headers, self.body);
            said.map_or_else(|| one.name(), Named::ByApplication)
        });
        (Answer::Succeeded, agreed(names))
    }

    /// The first sign of a success that the answer does not show.
    fn missing<'a>(&self, attempts: &'a [Attempt]) -> Option<(&'a Sign, &'a LoginRoute)> {
        let mut attempts = attempts.iter();
        attempts.find_map(|one| {
            let missing = one
                .route
                .missing_sign(self.status, self.headers, self.body)?;
            Some((missing, &*one.route))
        })
    }
}

/// Whom all entries name; nobody if they do not agree.
pub(super) fn agreed(mut names: impl Iterator<Item = Named>) -> Named {
    let first = names.next().unwrap_or(Named::Nobody);
    if names.all(|name| name == first) {
        first
    } else {
        Named::Nobody
    }
}
