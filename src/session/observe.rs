//! What the application's answer says about sessions: a login, a logout, a rotated cookie.

use crate::audit::{EventKind, Outcome};
use crate::domain::{
    Body, BrowserKeyHash, Method, MethodSet, Owner, RequestHead, SessionId, StoredSession, Subject,
    Timestamp, asks_for_page, shows_secret,
};
use crate::request::body::{RequestBody, RequestBodyError};
use crate::request::context::RequestContext;
use crate::session::identify::{asserted, identify};
use crate::session::open::{Close, Opened};
use crate::session::sessions::Sessions;
use crate::session::{
    Answer, Attempt, Caller, Candidates, CarriedLines, Credentials, Disregarded, DoubledCredential,
    Found, GuestCookie, KnownSession, LoginRoute, Named, Observed, RotatedProofs, SessionOptions,
    Sign, Unclear, Verdict, judge_login,
};
use crate::store::{Carry, Login, Rotated, Rotation, StoreError};
use crate::transport::status_class::was_taken;
use crate::transport::upstream::UpstreamBody;
use crate::verification::{hash_browser_key, new_browser_key, previous_browser_key_hash};
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// What a request carries, and what its answer may turn out to mean.
#[derive(Debug)]
pub(crate) struct Watch {
    known: Rc<Sessions>,
    carried: CarriedLines,
    candidates: Candidates,
    found: Found,
    /// Whether the request shows that nobody is signed in, if it is answered as it looks.
    looks_like: LooksLike,
    /// When it came, if that matters.
    came_at: Option<Timestamp>,
    /// The browser key that comes with a login or logout, under each secret that is still read.
    browser_keys: [Option<BrowserKeyHash>; 2],
    /// The request and its answer end with their session; but not those that end it.
    opened: RefCell<Option<Opened>>,
}

/// How much of a response is read for the signs of a login.
const MOST_OF_A_RESPONSE: usize = 256 * 1024;

impl Watch {
    /// Notes what a request carries before it goes its way.
    pub(crate) fn new(
        known: &Rc<Sessions>,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
    ) -> Self {
        let shared = &known.shared;
        let sessions = &shared.options;
        let learn = sessions.learn();
        let candidates = learn
            .map(|learn| learn.candidates(head))
            .unwrap_or_default();
        let carried = CarriedLines::of(head.headers, context.path(), &sessions.credentials)
            .with_keys(
                head.headers,
                head.query,
                head.hidden_queries(),
                &sessions.key_names,
            );
        let presented = if candidates.is_empty() {
            None
        } else {
            shared.browser_key.read(&carried, head.headers)
        };
        let browser_keys = [hash_browser_key, previous_browser_key_hash]
            .map(|hash| presented.and_then(|key| hash(key, &shared.keys)));
        let asserted = asserted(known, context, head.headers);
        let opened = known.open.register(&carried, asserted, Close::of(context));
        let looks_like = LooksLike::of(sessions, context, head, &carried);
        Self {
            opened: RefCell::new(opened),
            came_at: looks_like.tells().then(|| shared.clock.now()),
            known: known.clone(),
            looks_like,
            carried,
            candidates,
            found: Found::Nothing,
            browser_keys,
        }
    }

    /// What becomes of the request when it is upgraded, and what tells of its end.
    pub(crate) fn tunnel(&self) -> (Option<Opened>, Rc<Notify>) {
        let end = Rc::new(Notify::new());
        let request = self.opened.borrow();
        let opened = request.as_ref();
        (opened.and_then(|it| it.tunnel(end.clone())), end)
    }

    /// Reads the body where it says whether this is a login, and of whom. One too large to read is
    /// let through unread: what it says is not known.
    pub(crate) async fn read_login(
        &self,
        content: &mut RequestBody,
        limit: usize,
    ) -> Result<(), RequestBodyError> {
        if self.candidates.reads_body() && content.announces_at_most(limit) {
            content.read(limit).await?;
        }
        Ok(())
    }

    /// Tells what the request is, now that its body is there.
    pub(crate) fn settle(&mut self, head: &RequestHead<'_>, content: &RequestBody) {
        if !self.candidates.is_empty() {
            let unread = Bytes::new();
            let bytes = match content.as_read() {
                None if self.candidates.reads_body() => None,
                None => Some(&unread),
                Some(bytes) => Some(bytes),
            };
            let body = bytes.map(|bytes| Body::read_or_opaque(head.headers, bytes));
            self.found = self.candidates.settle(head, body.as_ref());
        }
    }

    /// Asks for an answer that can be read, and for all of it, where it must be.
    pub(crate) fn prepare(&self, parts: &mut Parts) {
        if self.attempts().iter().any(Attempt::reads_response_body) {
            for name in [
                header::ACCEPT_ENCODING,
                header::IF_MODIFIED_SINCE,
                header::IF_NONE_MATCH,
                header::RANGE,
            ] {
                parts.headers.remove(name);
            }
        }
    }

    /// Whether any session that some application may find in the request is revoked.
    pub(crate) fn is_revoked(&self) -> bool {
        let house = &self.known.shared;
        let names = &house.options.credentials;
        let found = names.all_sessions(&self.carried, &house.keys);
        found.iter().any(|session| house.revoked.contains(session))
    }

    /// Who sends the request, as far as it tells.
    pub(crate) fn caller(
        &self,
        context: &RequestContext<'_>,
        headers: &HeaderMap,
    ) -> Result<Caller, DoubledCredential> {
        identify(&self.known, context, &self.carried, headers)
    }

    /// Somebody who carries a credential twice: no session, but none of those may have ended.
    pub(crate) fn caller_in_doubt(&self) -> Caller {
        let house = &self.known.shared;
        let names = &house.options.credentials;
        Caller {
            alone: names.sessions_in_doubt(&self.carried, &house.keys),
            ..Caller::default()
        }
    }

    /// Notes what the answer means for sessions, before the client hears it.
    ///
    /// Returns the beginning of the body, where it had to be read, and what ends with its session.
    pub(crate) async fn observe(
        self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
    ) -> (Bytes, Option<Opened>) {
        let names = &self.known.shared.options.credentials;
        let sets_session = names.set_by(response.headers());
        self.tell_guest(context, response, sets_session);
        match &self.found {
            // A login to some applications: if it was one, whose session this is now cannot be told.
            Found::Unclear(unclear) => {
                if may_have_succeeded(unclear, response, sets_session) {
                    Box::pin(self.dispute_all(context, response.headers())).await;
                    Box::pin(self.doubt_if_kept(context, response.headers())).await;
                }
            }
            Found::Logout if was_taken(response.status()) => {
                Box::pin(self.ended(context, response.headers())).await;
            }
            Found::Logout | Found::Nothing if sets_session => {
                self.tell_undeclared(context);
                Box::pin(self.rotated(context, response.headers())).await;
            }
            Found::Logout | Found::Nothing => self.note_kept(response),
            Found::Login(attempts) => {
                let read = if attempts.iter().any(Attempt::reads_response_body) {
                    Some(beginning(response).await)
                } else {
                    None
                };
                Box::pin(self.logged_in(context, attempts, response, read.as_deref())).await;
                return (read.unwrap_or_default(), self.opened.take());
            }
        }
        (Bytes::new(), self.opened.take())
    }

    fn tell_undeclared(&self, context: &RequestContext<'_>) {
        let (request_id, path) = (context.id, context.path());
        if self.candidates.is_empty() {
            tracing::debug!(%request_id, path, "a session cookie was set, and this is no declared login");
        } else {
            tracing::debug!(%request_id, path, "a session cookie was set, and this is no declared login: not all that `match` asks for is there, or no field that is named like a password");
        }
    }

    fn attempts(&self) -> &[Attempt] {
        match &self.found {
            Found::Login(attempts) => attempts,
            Found::Logout | Found::Nothing | Found::Unclear(_) => &[],
        }
    }

    /// Hands out the proof that nobody is signed in to the session that the client carries after the
    /// answer.
    ///
    /// Where the cookie comes with every answer, a proof follows it from page to page; but not where
    /// somebody may have logged in on the way.
    fn tell_guest(
        &self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
        sets_session: bool,
    ) {
        let house = &self.known.shared;
        let has_failed = self.has_failed(response.status().as_u16());
        let is_safe = context.hints.safe;
        let is_shown = match self.looks_like {
            LooksLike::Nobody => sets_session && (is_safe || has_failed),
            // Many send on whoever is signed in, rather than show them the form.
            LooksLike::LoginPage => matches!(response.status().as_u16(), 200 | 304),
            LooksLike::Anybody => false,
        };
        let may_follow = sets_session
            && (has_failed || (is_safe && house.rolling.is_rolling()))
            && house.guest.is_carried(&self.carried);
        if house.options.learn().is_none() || !(is_shown || may_follow) {
            return;
        }
        let Some((before, Some(after))) = self.change(response.headers()) else {
            return;
        };
        let shown_at = self.came_at.filter(|_| is_shown);
        if let Some(at) = shown_at.or_else(|| self.guest_since(before))
            && let Ok(cookie) = HeaderValue::from_str(&house.guest.set(&after, at, &house.keys))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// Whether the status of the answer tells that a declared login failed.
    fn has_failed(&self, status: u16) -> bool {
        let attempts = self.attempts();
        let mut routes = attempts.iter().map(|one| &one.route);
        !attempts.is_empty() && routes.all(|route| route.is_refused_by(status))
    }

    /// As of when a request proves that nobody is signed in to the session that it carries.
    fn guest_since(&self, session: Option<SessionId>) -> Option<Timestamp> {
        let house = &self.known.shared;
        let at = house.guest.proven(&self.carried, &session?, &house.keys)?;
        let is_in_time = house.clock.now().is_within(GuestCookie::LIFE, at);
        is_in_time.then_some(at)
    }

    /// Counts an answer that left the session's cookie as it was, until it is known whether the
    /// application sets it with every answer. Only of pages: what is served from files sets none.
    fn note_kept(&self, response: &Response<UpstreamBody>) {
        let house = &self.known.shared;
        if !house.rolling.is_settled()
            && is_page(response)
            && house.options.credentials.found_in(&self.carried)
        {
            house.rolling.note_kept();
        }
    }

    /// A declared login, with the answer of the application. `read` is the beginning of its body, where
    /// signs are looked for there.
    async fn logged_in(
        &self,
        context: &RequestContext<'_>,
        attempts: &[Attempt],
        response: &mut Response<UpstreamBody>,
        read: Option<&[u8]>,
    ) {
        let house = &self.known.shared;
        let Some((before, after)) = self.change(response.headers()) else {
            return self.dispute_all(context, response.headers()).await;
        };
        let guest_since = self.guest_since(before);
        let Ok(known) = self.known_sessions(after, guest_since).await else {
            return self
                .known
                .forgetting
                .forget(before.into_iter().chain(after));
        };
        // A sign that is not found in compressed bytes may well be there.
        let readable = !response.headers().contains_key(header::CONTENT_ENCODING);
        let shown = Shown {
            status: response.status().as_u16(),
            headers: response.headers(),
            body: read.filter(|_| readable),
            sets_session: house.options.credentials.set_by(response.headers()),
        };
        let (answer, named) = shown.read(attempts);
        // Where the connection is logged in, what somebody typed may be about another.
        let is_doubtful =
            context.connection.data.is_authenticated() && matches!(named, Named::Typed(_));
        let named = if is_doubtful { Named::Nobody } else { named };
        let observed = Observed {
            answer,
            named,
            known,
            leads_to_a_session: after.is_some(),
            may_be_signed_in: before.is_some()
                && guest_since.is_none()
                && attempts
                    .iter()
                    .all(|one| one.route.believes_what_is_typed()),
        };
        match judge_login(observed) {
            Verdict::Believed(subject) => {
                let at = Some(house.clock.now());
                self.begin(
                    context,
                    (before, after),
                    subject,
                    at,
                    response.headers_mut(),
                )
                .await;
            }
            Verdict::Changed(subject) => {
                self.known.end(context.id, before).await;
                self.begin(
                    context,
                    (before, after),
                    subject,
                    None,
                    response.headers_mut(),
                )
                .await;
            }
            Verdict::Again => {
                tracing::debug!(request_id = %context.id, "a login within a known session of the same subject makes it no fresher");
                self.again(context, (before, after), response.headers())
                    .await;
            }
            Verdict::Disputed => {
                tell_of_disbelief(context);
                self.dispute_all(context, response.headers()).await;
            }
            Verdict::Nothing(Disregarded::Failed) => {
                shown.tell_missing(context, attempts);
                if !self.has_failed(shown.status) {
                    self.doubt_if_kept(context, response.headers()).await;
                }
            }
            Verdict::Nothing(why) => {
                tell_disregarded(context, why);
                self.doubt(context, after).await;
            }
        }
    }

    /// A session begins. Whatever its cookie held before is dropped.
    async fn begin(
        &self,
        context: &RequestContext<'_>,
        (before, after): (Option<SessionId>, Option<SessionId>),
        subject: Subject,
        authenticated_at: Option<Timestamp>,
        response: &mut HeaderMap,
    ) {
        let house = &self.known.shared;
        let Some(id) = after else { return };
        let now = house.clock.now();
        let key = new_browser_key(&house.entropy);
        let session = StoredSession {
            owner: Owner::Subject(subject.clone()),
            authenticated_at,
            browser_key: hash_browser_key(key.expose(), &house.keys),
            created_at: now,
            seen_at: now,
            revoked: false,
        };
        let login = Login {
            id,
            replaces: before,
            session,
            keep: house.options.remember,
        };
        let written = self
            .known
            .tell(context.id, &self.known.store.put_login(&login).await);
        let outcome = if written
            && self.note_spelling(context, id, response).await
            && self.note_parts(context, id, response).await
        {
            Outcome::Succeeded
        } else {
            let (was, is) = self.reduced(response);
            let spelled = was.into_iter().chain(is);
            self.known
                .forgetting
                .forget(before.into_iter().chain([id]).chain(spelled));
            Outcome::Failed
        };
        if outcome == Outcome::Succeeded {
            let drop = house.guest.is_carried(&self.carried);
            let drop = drop.then(|| house.guest.drop());
            let cookies = drop.into_iter().chain([house.browser_key.set(&key)]);
            for cookie in cookies.flat_map(HeaderValue::try_from) {
                response.append(header::SET_COOKIE, cookie);
            }
        }
        let mut event = context.event(house.clock.now(), EventKind::LoginObserved, outcome);
        event.session = Some(id);
        event.subject = Some(&subject);
        self.known.record(context.id, &event);
    }

    /// The same subject logged in within a known session: what it had earned is dropped.
    async fn again(
        &self,
        context: &RequestContext<'_>,
        (before, after): (Option<SessionId>, Option<SessionId>),
        response: &HeaderMap,
    ) {
        self.opened.take();
        for id in before.into_iter().chain(after) {
            if !self
                .known
                .tell(context.id, &self.known.store.lock_session(id).await)
            {
                return self
                    .known
                    .forgetting
                    .forget(before.into_iter().chain(after));
            }
        }
        self.follow(context, (before, after), Carry::SessionAlone, response)
            .await;
    }

    /// The known sessions among those that the request carries, whole, in part or in another spelling,
    /// and the one that the answer leads to.
    ///
    /// One of which it was doubtful whether somebody is signed in is none for who shows that nobody is.
    async fn known_sessions(
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

    async fn known_session(
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

    /// All sessions that some application may find in the request.
    fn carried_sessions(&self) -> Carried {
        let house = &self.known.shared;
        let names = &house.options.credentials;
        match names.read(&self.carried) {
            Ok(all) => {
                let mut exact: Vec<_> = all.sessions(&house.keys).collect();
                exact.extend(all.sessions_alone(&house.keys));
                Carried {
                    exact,
                    spelled: all.spellings(&house.keys),
                }
            }
            Err(_) => Carried {
                exact: names.sessions_in_doubt(&self.carried, &house.keys),
                spelled: Vec::new(),
            },
        }
    }

    /// Whether the request carries the key of the browser that a session belongs to, if it has one.
    fn is_of_this_browser(&self, session: &StoredSession) -> bool {
        session.browser_key.is_none() || self.browser_keys.contains(&session.browser_key)
    }

    /// Whether a logout may be believed of all sessions that the request carries. What those hold that
    /// belong to other browsers is gone in any case.
    async fn is_from_their_browser(
        &self,
        context: &RequestContext<'_>,
        before: Option<SessionId>,
    ) -> bool {
        let mut believed = true;
        for id in self.carried_sessions().all() {
            match self.known.find(id).await {
                Ok(Some(session)) if session.owner == Owner::Spelling => {}
                Ok(Some(session)) if !self.is_of_this_browser(&session) => {
                    believed = false;
                    if !self
                        .known
                        .tell(context.id, &self.known.store.lock_session(id).await)
                    {
                        self.known.forgetting.forget([id]);
                    }
                }
                Ok(_) => {}
                Err(_) => {
                    self.known.forgetting.forget(before);
                    return false;
                }
            }
        }
        if !believed {
            tell_of_disbelief(context);
        }
        believed
    }

    /// Somebody may have logged in, and it cannot be told to which session, or who.
    async fn dispute_all(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        self.opened.take();
        let after = self.change(response).and_then(|(_, after)| after);
        let mut ids: Vec<_> = self.carried_sessions().all().collect();
        ids.extend(after.filter(|after| !ids.contains(after)));
        let mut key = None;
        let mut disputed = Vec::new();
        for id in ids {
            match self.known.find(id).await {
                Ok(Some(session)) => {
                    key = key.or(session.browser_key);
                    disputed.push(id);
                }
                Ok(None) => {}
                Err(_) => self.known.forgetting.forget([id]),
            }
        }
        if !disputed.is_empty() {
            disputed.extend(after.filter(|after| !disputed.contains(after)));
        }
        let house = &self.known.shared;
        let nobody = StoredSession::without_subject(Owner::Disputed, key, house.clock.now());
        for id in disputed {
            let store = &self.known.store;
            let done = store.dispute_session(id, &nobody, house.options.remember);
            if !self.known.tell(context.id, &done.await) {
                self.known.forgetting.forget([id]);
            }
        }
    }

    /// Somebody may have logged in unnoticed, within a session that keeps its cookie.
    async fn doubt_if_kept(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        if let Some((before, after)) = self.change(response)
            && before == after
        {
            self.doubt(context, after).await;
        }
    }

    /// Notes that somebody may be signed in to a session that is not known. Who is refused for it loses
    /// its cookie, and may log in afresh.
    async fn doubt(&self, context: &RequestContext<'_>, session: Option<SessionId>) {
        let Some(id) = session else { return };
        match self.known.find(id).await {
            Ok(Some(known)) if known.owner != Owner::Doubtful => {}
            Ok(_) => {
                let login = Login {
                    id,
                    replaces: None,
                    session: StoredSession::without_subject(
                        Owner::Doubtful,
                        None,
                        self.known.shared.clock.now(),
                    ),
                    keep: GuestCookie::LIFE,
                };
                if !self
                    .known
                    .tell(context.id, &self.known.store.put_login(&login).await)
                {
                    self.known.forgetting.forget([id]);
                }
            }
            Err(_) => self.known.forgetting.forget([id]),
        }
    }

    /// A logout.
    async fn ended(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        let Some((before, after)) = self.change(response) else {
            return;
        };
        // An answer that takes the cookie away has ended the session, whoever asked for it.
        if after.is_some() && !self.is_from_their_browser(context, before).await {
            return self.rotated(context, response).await;
        }
        self.opened.take();
        let both = [before, after.filter(|_| after != before)];
        let spelled = self.reduced(response).0;
        self.known
            .end(context.id, both.into_iter().chain([spelled]).flatten())
            .await;
        if before == after {
            // An application that refuses a logout may answer as if it had carried it out.
            self.doubt(context, after).await;
        }
        if before.is_some() {
            let now = self.known.shared.clock.now();
            let mut event = context.event(now, EventKind::LogoutObserved, Outcome::Succeeded);
            event.session = before;
            self.known.record(context.id, &event);
        }
    }

    /// The application gave the session another cookie, or took it away.
    async fn rotated(&self, context: &RequestContext<'_>, response: &HeaderMap) {
        if context.connection.data.is_authenticated() {
            // The new cookie may be that of whoever logged the connection in.
            return self.dispute_all(context, response).await;
        }
        let Some(change) = self.change(response) else {
            return;
        };
        let house = &self.known.shared;
        let carry = match house.options.rotation.proofs {
            RotatedProofs::Keep => Carry::Everything,
            RotatedProofs::Auto if house.rolling.is_rolling() => Carry::Everything,
            RotatedProofs::Auto if !house.rolling.is_settled() => Carry::LikeBefore,
            RotatedProofs::Auto | RotatedProofs::Drop => Carry::SessionAlone,
        };
        if self.follow(context, change, carry, response).await == Some(Rotated::Followed)
            && house.rolling.note_renewed()
        {
            let every_answer = house.rolling.is_rolling();
            tracing::info!(
                every_answer,
                "settled whether the application sets the session's cookie with every answer, and so whether proofs go along with a new value; session.rotation.proofs says it over restarts"
            );
        }
    }

    /// Makes a session known by its new cookie, or ends it if there is none.
    async fn follow(
        &self,
        context: &RequestContext<'_>,
        (before, after): (Option<SessionId>, Option<SessionId>),
        carry: Carry,
        response: &HeaderMap,
    ) -> Option<Rotated> {
        let from = before.filter(|_| after != before)?;
        let Some(to) = after else {
            self.opened.take();
            self.known.end(context.id, [from]).await;
            return None;
        };
        let rotation = Rotation {
            from,
            to,
            carry,
            grace: self.known.shared.options.rotation.grace,
        };
        let rotated = self.known.store.rotate_session(&rotation).await;
        let followed = matches!(rotated, Ok(Rotated::Followed));
        let noted = !followed || self.note_parts(context, to, response).await;
        // Not where the cookie comes with every answer: it would be one more write for each. A login in
        // another spelling there needs the proof that nobody was signed in, as everywhere.
        let is_rolling = self.known.shared.rolling.is_rolling();
        let spelled = !followed || is_rolling || self.note_spelling(context, to, response).await;
        if !self.known.tell(context.id, &rotated) || !noted || !spelled {
            let (was, is) = self.reduced(response);
            self.known
                .forgetting
                .forget([from, to].into_iter().chain(was).chain(is));
        }
        rotated.ok()
    }

    /// Files under what all spellings of the credentials share that session `id` belongs to a browser.
    async fn note_spelling(
        &self,
        context: &RequestContext<'_>,
        id: SessionId,
        response: &HeaderMap,
    ) -> bool {
        let house = &self.known.shared;
        let store = &self.known.store;
        let done = match self.reduced(response) {
            (None, None) => return true,
            (Some(before), None) => store.end_session(before).await,
            (before, Some(after)) => match self.known.find(id).await {
                Ok(None) => return true,
                Ok(Some(session)) => {
                    let began = session.authenticated_at.unwrap_or(session.created_at);
                    let login = Login {
                        id: after,
                        replaces: before,
                        session: StoredSession::without_subject(
                            Owner::Spelling,
                            session.browser_key,
                            began,
                        ),
                        keep: house.options.remember,
                    };
                    store.put_login(&login).await
                }
                Err(error) => Err(error),
            },
        };
        self.known.tell(context.id, &done)
    }

    /// What all spellings of the credentials share, before and after the response, where they are in
    /// another.
    fn reduced(&self, response: &HeaderMap) -> (Option<SessionId>, Option<SessionId>) {
        let house = &self.known.shared;
        let names = &house.options.credentials;
        let Ok(before) = names.read(&self.carried) else {
            return (None, None);
        };
        let after = names.after(&before, response);
        let reduced = |credentials: &Credentials| credentials.reduced_session(&house.keys);
        (reduced(&before), reduced(&after))
    }

    /// Notes what each cookie of a session would be alone, where the response leaves several credentials:
    /// whoever presents one of them must not escape the revocation of all.
    async fn note_parts(
        &self,
        context: &RequestContext<'_>,
        id: SessionId,
        response: &HeaderMap,
    ) -> bool {
        let house = &self.known.shared;
        let names = &house.options.credentials;
        let parts = names.read(&self.carried).map_or_else(
            |_| Vec::new(),
            |before| names.after(&before, response).cookies_alone(&house.keys),
        );
        parts.is_empty()
            || self
                .known
                .tell(context.id, &self.known.store.note_parts(id, &parts).await)
    }

    /// The session before and after the response; `None` if the request's credentials are doubled.
    fn change(&self, response: &HeaderMap) -> Option<(Option<SessionId>, Option<SessionId>)> {
        let house = &self.known.shared;
        let names = &house.options.credentials;
        let before = names.read(&self.carried).ok()?;
        let after = names.after(&before, response);
        Some((before.session(&house.keys), after.session(&house.keys)))
    }
}

/// The sessions that some application may find in a request.
struct Carried {
    /// By the bytes that came, whole or in part.
    exact: Vec<SessionId>,
    /// In other spellings.
    spelled: Vec<SessionId>,
}

impl Carried {
    fn all(self) -> impl Iterator<Item = SessionId> {
        self.exact.into_iter().chain(self.spelled)
    }
}

/// What a request says of whether somebody is signed in.
#[derive(Clone, Copy, Debug)]
enum LooksLike {
    /// Nothing.
    Anybody,
    /// It asks for the page with the login form.
    LoginPage,
    /// It brings nothing by which somebody could be.
    Nobody,
}

impl LooksLike {
    fn of(
        sessions: &SessionOptions,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
        carried: &CarriedLines,
    ) -> Self {
        let is_plain = head.claimed == MethodSet::EMPTY.with(head.method);
        if sessions.learn().is_none() || context.connection.data.is_authenticated() || !is_plain {
            return Self::Anybody;
        }
        // The home page is shown to everybody, whatever else it is.
        let page = sessions.login_page.as_deref().filter(|page| *page != "/");
        let is_page = || page.is_some_and(|page| asks_for_page(head, page));
        let has_form = || {
            let learn = sessions.learn();
            learn.is_some_and(|learn| learn.has_form_at(head))
        };
        let looks_like = if carried.is_empty() {
            Self::Nobody
        } else if head.method == Method::Get && (is_page() || has_form()) {
            Self::LoginPage
        } else {
            return Self::Anybody;
        };
        // What has a password in its query may be a login that is not declared.
        if shows_secret(head, None) {
            Self::Anybody
        } else {
            looks_like
        }
    }

    /// Whether it tells anything, so that its time matters.
    const fn tells(self) -> bool {
        match self {
            Self::LoginPage | Self::Nobody => true,
            Self::Anybody => false,
        }
    }
}

/// What an answer to a login shows.
struct Shown<'r> {
    status: u16,
    headers: &'r HeaderMap,
    body: Option<&'r [u8]>,
    sets_session: bool,
}

impl Shown<'_> {
    /// Whether it is a success by any entry, and of whom.
    fn read(&self, attempts: &[Attempt]) -> (Answer, Named) {
        let succeeded = |one: &&Attempt| one.route.succeeded(self.status, self.headers, self.body);
        let successes: Vec<_> = attempts.iter().filter(succeeded).collect();
        if successes.is_empty() {
            let answer = if self.status >= 400 && !self.sets_session {
                Answer::Refused
            } else {
                Answer::Failed
            };
            return (answer, agreed(attempts.iter().map(Attempt::name)));
        }
        let names = successes.into_iter().map(|one| {
            let said = one.route.subject_in_response(self.headers);
            said.map_or_else(|| one.name(), Named::ByApplication)
        });
        (Answer::Succeeded, agreed(names))
    }

    fn tell_missing(&self, context: &RequestContext<'_>, attempts: &[Attempt]) {
        let missing = attempts
            .iter()
            .find_map(|one| one.route.missing_sign(self.status, self.headers, self.body));
        let missing = missing.map_or("", Sign::field);
        tracing::debug!(request_id = %context.id, status = self.status, missing, "a login did not succeed, as success tells it");
    }
}

/// Whom all entries name; nobody if they do not agree.
fn agreed(mut names: impl Iterator<Item = Named>) -> Named {
    let first = names.next().unwrap_or(Named::Nobody);
    if names.all(|name| name == first) {
        first
    } else {
        Named::Nobody
    }
}

/// Whether an answer may be that to a login which succeeded, as far as its head tells. Where it leads is
/// often the client's own choice (`next=`), and so is its kind (`Accept`).
fn may_have_succeeded(
    unclear: &Unclear,
    response: &Response<UpstreamBody>,
    sets_session: bool,
) -> bool {
    let status = response.status().as_u16();
    let is_success = |route: &Arc<LoginRoute>| route.may_succeed_with(status);
    sets_session || (unclear.shows_secret && status < 400) || unclear.routes.iter().any(is_success)
}

/// Whether an answer is a page or data, rather than a file, an error or nothing new.
fn is_page(response: &Response<UpstreamBody>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], HeaderValue::as_bytes);
    let is_page = ["text/html", "text/plain", "application/json"]
        .iter()
        .any(|page| {
            kind.get(..page.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(page.as_bytes()))
        });
    was_taken(response.status()) && (is_page || kind.is_empty())
}

fn tell_of_disbelief(context: &RequestContext<'_>) {
    tracing::warn!(request_id = %context.id, path = context.path(), "a login or logout is not believed: the session is another browser's, another subject's, or disputed already");
}

fn tell_disregarded(context: &RequestContext<'_>, why: Disregarded) {
    let (request_id, path) = (context.id, context.path());
    match why {
        Disregarded::NoSubject => {
            tracing::warn!(%request_id, path, "a login succeeded, but the settings do not find its subject");
        }
        Disregarded::NoSession => {
            tracing::warn!(%request_id, path, "a login succeeded, but it sets none of the session's cookies");
        }
        Disregarded::SignedIn => {
            tracing::warn!(%request_id, path, "a login is not believed: somebody may have been signed in to the session that came with it; guarded requests are refused until the next login");
        }
        Disregarded::Failed => {}
    }
}

/// Reads the beginning of a response body, as far as signs of a login are looked for.
async fn beginning(response: &mut Response<UpstreamBody>) -> Bytes {
    let mut read = BytesMut::new();
    while read.len() < MOST_OF_A_RESPONSE {
        let Some(Ok(frame)) = response.body_mut().frame().await else {
            break;
        };
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
    }
    read.freeze()
}
