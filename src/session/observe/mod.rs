//! What the application's answer says about sessions: a login, a logout, a rotated cookie.

mod answer;
mod ask_login;
mod asked;
mod conclude;
mod doubt;
mod guest;
mod keys;
mod login;
mod observation;
mod rotation;
mod staying;

use crate::domain::{
    Body, BodyRefusal, BrowserKeyHash, Method, Provenance, RequestHead, Secret, SessionId,
    Timestamp,
};
use crate::request::body::{RequestBody, RequestBodyError};
use crate::request::context::RequestContext;
use crate::session::change::SessionChange;
use crate::session::ending::Expiry;
use crate::session::identify::{asserted, identify, provenance};
use crate::session::open::{Close, Opened};
use crate::session::sessions::Sessions;
use crate::session::{
    Asserted, Attempt, Caller, Candidates, CarriedLines, CookieScope, DoubledCredential, Found,
    SessionKey,
};
use crate::transport::status_class::was_taken;
use crate::transport::upstream::UpstreamBody;
use crate::verification::{hash_browser_key, previous_browser_key_hash};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Response, header};
use std::rc::Rc;

pub(crate) use answer::is_event_stream;
use answer::{beginning, is_page, may_have_succeeded};
use asked::AskedLogin;
use guest::LooksLike;
use observation::{Observation, Observed};

/// What a request carries, and what its answer may turn out to mean.
#[derive(Debug)]
pub(crate) struct Watch {
    known: Rc<Sessions>,
    carried: CarriedLines,
    /// Which cookies of the answer count, once it is there.
    scope: CookieScope,
    /// What a trusted proxy asserts.
    asserted: Option<Asserted>,
    candidates: Candidates,
    found: Found,
    /// Whether the request shows that nobody is signed in, if it is answered as it looks.
    looks_like: LooksLike,
    /// When it came, if that matters.
    came_at: Option<Timestamp>,
    /// From where it comes, if it may be a login.
    provenance: Option<Provenance>,
    /// The browser key that comes with a login or logout, under each secret that is still read.
    browser_keys: [Option<BrowserKeyHash>; 2],
    /// Where the application is asked who has logged in: what it said before, and the question.
    asked: Option<AskedLogin>,
    /// Whether the JSON of the answer says that a declared login failed.
    is_denied: bool,
    /// The `Authorization` that the client carries after a login whose answer holds a token.
    token: Option<Secret<String>>,
    /// Under which the store may hold what the person has proved who logs out, where the subject is the key.
    leaving: Vec<SessionId>,
    /// The sessions in which the request may change for whom the application acts, where it can be asked.
    unsettled: Option<Vec<SessionId>>,
    /// The request and its answer end with their session; but not those that end it.
    opened: Option<Opened>,
    /// When it ends although its session does not.
    expiry: Option<Expiry>,
}

impl Watch {
    /// Notes what a request carries before it goes its way.
    pub(crate) fn new(
        known: &Rc<Sessions>,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
    ) -> Self {
        let shared = &known.shared;
        let sessions = &shared.options;
        let learn = sessions.learn.as_ref();
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
        let provenance = candidates.login_path().map(|path| {
            let place = format!("{}{path}", context.authority());
            provenance(context.client, head.headers, &place)
        });
        let browser_keys = [hash_browser_key, previous_browser_key_hash]
            .map(|hash| presented.and_then(|key| hash(key, &shared.keys)));
        let asserted = asserted(known, context, head.headers);
        let is_nobodys =
            carried.is_empty() && asserted.is_none() && sessions.key == SessionKey::Credential;
        let opened = (!is_nobodys).then(|| {
            let close = Close::of(context);
            known.open.register(&carried, asserted.clone(), close)
        });
        let looks_like = LooksLike::of(sessions, context, head, &carried);
        Self {
            opened,
            expiry: None,
            asked: None,
            is_denied: false,
            token: None,
            leaving: Vec::new(),
            unsettled: None,
            came_at: looks_like.tells().then(|| shared.clock.now()),
            known: known.clone(),
            looks_like,
            carried,
            scope: CookieScope::default(),
            asserted,
            candidates,
            found: Found::Nothing,
            provenance,
            browser_keys,
        }
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
            // A login by GET (a callback, a link) stands at the path of a page, and is none.
            if matches!(self.found, Found::Login(_) | Found::Unclear(_))
                && matches!(head.method, Method::Get | Method::Head)
            {
                self.looks_like = LooksLike::Anybody;
            }
        }
    }

    /// Refuses a guarded request that may hold a login as well, as one of several operations: the application would
    /// act for whoever logs in, and what was proved is another's.
    pub(crate) fn refuse_login_beside(&self) -> Result<(), BodyRefusal> {
        match &self.found {
            Found::Unclear(unclear)
                if unclear
                    .routes
                    .iter()
                    .any(|route| route.request.names_operation()) =>
            {
                Err(BodyRefusal::LoginBeside)
            }
            Found::Login(_) | Found::Logout | Found::Nothing | Found::Unclear(_) => Ok(()),
        }
    }

    /// Asks for an answer that can be read, and for all of it, where it must be.
    pub(crate) fn prepare(&self, parts: &mut Parts) {
        if self.attempts().iter().any(Attempt::reads_response_body) {
            // Signs are looked for in text: not in compressed bytes, in a part, nor in a 304 without any.
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
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        let found = names.all_sessions(&self.carried, &shared.keys);
        found.iter().any(|session| shared.revoked.contains(session))
    }

    /// Who sends the request, as far as it tells.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, DoubledCredential> {
        identify(&self.known, &self.carried, headers, self.asserted.clone())
    }

    /// The caller of a request that carries a credential twice: no session, but none of those that it may mean
    /// may have ended.
    pub(crate) fn caller_in_doubt(&self) -> Caller {
        let shared = &self.known.shared;
        let names = &shared.options.credentials;
        Caller {
            alone: names.sessions_in_doubt(&self.carried, &shared.keys),
            ..Caller::default()
        }
    }

    /// Notes what the answer means for sessions, before the client hears it.
    ///
    /// Returns the beginning of the body, where it had to be read, and what ends with its session.
    pub(crate) async fn observe(
        mut self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
    ) -> (Bytes, Option<Opened>) {
        // Before the answer is looked at: whatever it says, the application may act for another from here on.
        if let Some(sessions) = &self.unsettled {
            self.known.source.asker.answers().end_change(sessions);
        }
        let mut read = None;
        if self.attempts().iter().any(Attempt::reads_response_body) {
            read = Some(Box::pin(beginning(response)).await);
        }
        // JSON-RPC 2.0 §5: errors are answered 200 as well.
        self.is_denied = read.as_ref().is_some_and(|body| self.is_denied_by(body));
        self.token = self.token_in(response, read.as_deref());
        if self.asked.is_some() {
            // First: its answer may set the session's cookie once more.
            Box::pin(self.ask_after(context, response)).await;
        }
        if response.headers().contains_key(header::SET_COOKIE) {
            self.scope = CookieScope::of(context);
            self.tell_out_of_reach(context, response.headers());
        }
        let names = &self.known.shared.options.credentials;
        let sets_session = names.set_by(response.headers(), &self.scope);
        self.forget_answer_if(sets_session);
        self.tell_guest(context, response, sets_session);
        // A step of a login may set the cookie that the next step makes somebody's.
        if self.is_sent_on(response) {
            let (_, after) = self.change(response.headers()).unwrap_or_default();
            let doubtful = after.map(SessionChange::Doubtful);
            Box::pin(self.known.apply(context.id, doubtful)).await;
        }
        let means_nothing = match &self.found {
            Found::Login(_) => false,
            Found::Logout => !sets_session && !was_taken(response.status()),
            Found::Nothing => !sets_session,
            Found::Unclear(unclear) => !may_have_succeeded(unclear, response, sets_session),
        };
        if means_nothing {
            if matches!(self.found, Found::Logout | Found::Nothing) {
                self.note_kept(response);
            }
            return (Bytes::new(), self.opened);
        }
        // Boxed, as all that is rare.
        Box::pin(self.observe_change(context, response, read)).await
    }

    async fn observe_change(
        mut self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
        read: Option<Bytes>,
    ) -> (Bytes, Option<Opened>) {
        let observation = match &self.found {
            // A login to some applications: if it was one, whose session this is now cannot be told.
            Found::Unclear(_) => {
                let mut disputed = self.disputed(response.headers()).await;
                disputed
                    .changes
                    .extend(self.doubtful_if_kept(response.headers()));
                disputed
            }
            Found::Logout if was_taken(response.status()) => {
                self.ended(context, response.headers()).await
            }
            Found::Logout | Found::Nothing => {
                self.tell_undeclared(context, response.headers()).await;
                self.rotated(context, response.headers()).await
            }
            Found::Login(attempts) => {
                self.logged_in(context, attempts, response, read.as_deref())
                    .await
            }
        };
        if observation.closes {
            self.opened = None;
        }
        self.conclude(context, response, observation).await;
        (read.unwrap_or_default(), self.opened)
    }

    fn attempts(&self) -> &[Attempt] {
        match &self.found {
            Found::Login(attempts) => attempts,
            Found::Logout | Found::Nothing | Found::Unclear(_) => &[],
        }
    }

    /// Counts an answer that left the session's cookie as it was, until it is known whether the
    /// application sets it with every answer. Only of pages: what is served from files sets none.
    fn note_kept(&self, response: &Response<UpstreamBody>) {
        let shared = &self.known.shared;
        if !shared.rolling.is_settled()
            && is_page(response)
            && shared.options.credentials.found_in(&self.carried)
        {
            shared.rolling.note_kept();
        }
    }
}
