//! What the application's answer says about sessions: a login, a logout, a rotated cookie.

use super::content::Content;
use super::error::EdgeError;
use super::forget::forget;
use super::identify::identify;
use super::reply::Reply;
use super::respond;
use super::upstream::UpstreamBody;
use super::visit::Visit;
use crate::audit::{Event, EventKind, Outcome};
use crate::domain::{Body, BrowserKeyHash, RequestHead, Session, SessionId, Subject};
use crate::identity::{Caller, CarriedLines, DoubledCredential, LoginRoute, Sign, Watched};
use crate::store::{Ask, Login, Store, StoreError};
use crate::verification::{hash_browser_key, new_browser_key, previous_browser_key_hash};
use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;
use std::sync::Arc;

/// What a request carries, and what its answer may turn out to mean.
#[derive(Debug)]
pub(crate) struct Watch {
    carried: CarriedLines,
    watched: Found,
    subject: Option<Subject>,
    /// The browser key that comes with a login or logout, under each secret that is still read.
    browser_keys: [Option<BrowserKeyHash>; 2],
}

#[derive(Debug)]
enum Found {
    Login(Arc<LoginRoute>),
    Logout,
    Nothing,
    Unclear(Arc<LoginRoute>),
}

/// How much of a response is read for the signs of a login.
const MOST_OF_A_RESPONSE: usize = 256 * 1024;

impl Watch {
    /// Notes what a request carries before it goes its way.
    pub(crate) fn new(visit: &Visit<'_>, head: &RequestHead<'_>) -> Self {
        let sessions = &visit.worker.house.sessions;
        let watched = match sessions.learn.as_ref().map(|learn| learn.watch(head)) {
            Some(Watched::Login(route)) => Found::Login(route.clone()),
            Some(Watched::Logout) => Found::Logout,
            Some(Watched::Unclear(route)) => Found::Unclear(route.clone()),
            Some(Watched::Nothing) | None => Found::Nothing,
        };
        let house = &visit.worker.house;
        let carried = CarriedLines::of(head.headers, visit.path(), &house.sessions.credentials);
        let presented = match watched {
            Found::Nothing => None,
            Found::Login(_) | Found::Logout | Found::Unclear(_) => {
                house.browser_key.read(&carried, head.headers)
            }
        };
        let browser_keys = [hash_browser_key, previous_browser_key_hash]
            .map(|hash| presented.and_then(|key| hash(key, &house.keys)));
        Self {
            carried,
            watched,
            subject: None,
            browser_keys,
        }
    }

    /// Reads the name of whoever logs in, where the request holds it. A form too large to read is
    /// let through unread: whoever logs in with it is not known to have.
    pub(crate) async fn read_login(
        &self,
        content: &mut Content,
        limit: usize,
    ) -> Result<(), EdgeError> {
        if let Found::Login(route) = &self.watched
            && route.reads_request_body()
            && content.announces_at_most(limit)
        {
            content.read(limit).await?;
        }
        Ok(())
    }

    /// Notes who the request says is logging in.
    pub(crate) fn with_subject(mut self, head: &RequestHead<'_>, content: &Content) -> Self {
        if let Found::Login(route) = &self.watched {
            // What was too long to read may name another.
            let bytes = match content.as_read() {
                Some(bytes) => bytes.clone(),
                None if route.reads_request_body() => return self,
                None => Bytes::new(),
            };
            let body = Body::read_or_opaque(head.headers, &bytes);
            self.subject = route.subject_in_request(head, &body);
        }
        self
    }

    /// Asks for an answer that can be read, and for all of it, where it must be.
    pub(crate) fn prepare(&self, parts: &mut Parts) {
        if matches!(&self.watched, Found::Login(route) if route.reads_response_body()) {
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
    pub(crate) fn is_revoked(&self, visit: &Visit<'_>) -> bool {
        let house = &visit.worker.house;
        let names = &house.sessions.credentials;
        let keys = &house.keys;
        let found = match names.read(&self.carried) {
            Ok(credentials) => {
                let mut found = credentials.sessions_alone(keys);
                found.extend(credentials.sessions(keys));
                found
            }
            Err(_) => names.sessions_in_doubt(&self.carried, keys),
        };
        found.iter().any(|session| house.revoked.contains(session))
    }

    /// Who sends the request, as far as it tells.
    pub(crate) fn caller(
        &self,
        visit: &Visit<'_>,
        headers: &HeaderMap,
    ) -> Result<Caller, DoubledCredential> {
        identify(visit, &self.carried, headers)
    }

    /// Somebody who carries a credential twice: no session, but none of those may have ended.
    pub(crate) fn caller_in_doubt(&self, visit: &Visit<'_>) -> Caller {
        let house = &visit.worker.house;
        let names = &house.sessions.credentials;
        Caller {
            alone: names.sessions_in_doubt(&self.carried, &house.keys),
            ..Caller::default()
        }
    }

    /// Notes what the answer means for sessions, before the client hears it.
    pub(crate) async fn observe(
        self,
        visit: &Visit<'_>,
        mut response: Response<UpstreamBody>,
    ) -> Response<Reply> {
        let house = &visit.worker.house;
        let names = &house.sessions.credentials;
        match &self.watched {
            // A login to some applications: if it was one, whose session this is now is anybody's guess.
            Found::Unclear(route)
                if may_have_succeeded(route, &response) || names.set_by(response.headers()) =>
            {
                Box::pin(self.dispute_all(visit, response.headers())).await;
            }
            Found::Nothing if !names.set_by(response.headers()) => {}
            Found::Nothing => {
                tracing::debug!(request_id = %visit.id, path = visit.path(), "a session cookie was set, and this is no declared login");
                Box::pin(self.rotated(visit, response.headers())).await;
            }
            Found::Logout if respond::was_taken(response.status()) => {
                Box::pin(self.ended(visit, response.headers())).await;
            }
            Found::Logout | Found::Unclear(_) => {}
            Found::Login(route) => {
                let route = route.clone();
                let read = if route.reads_response_body() {
                    Some(beginning(&mut response).await)
                } else {
                    None
                };
                // A sign that is not found in compressed bytes may well be there.
                let readable = !response.headers().contains_key(header::CONTENT_ENCODING);
                let text = read.as_ref().map(|read| &read[..]).filter(|_| readable);
                let status = response.status().as_u16();
                if route.succeeded(status, response.headers(), text) {
                    let subject = route
                        .subject_in_response(response.headers())
                        .or_else(|| self.subject.clone());
                    Box::pin(self.logged_in(visit, subject, response.headers_mut())).await;
                } else {
                    let missing = route.missing_sign(status, response.headers(), text);
                    let missing = missing.map_or("", Sign::field);
                    tracing::debug!(request_id = %visit.id, status, missing, "a login did not succeed, as success tells it");
                    if names.set_by(response.headers()) {
                        // Whose session this is now is anybody's guess: nothing is carried over.
                        Box::pin(self.dispute_all(visit, response.headers())).await;
                    }
                }
                let (parts, body) = response.into_parts();
                return Response::from_parts(
                    parts,
                    Reply::continued(read.unwrap_or_default(), body),
                );
            }
        }
        response.map(Reply::upstream)
    }

    /// A declared login that the application let in. Whatever the cookie held before is dropped.
    async fn logged_in(
        &self,
        visit: &Visit<'_>,
        subject: Option<Subject>,
        response: &mut HeaderMap,
    ) {
        let house = &visit.worker.house;
        let Some((before, after)) = self.change(visit, response) else {
            return self.dispute_all(visit, response).await;
        };
        let Some(subject) = subject else {
            tracing::warn!(request_id = %visit.id, "a login succeeded, but the settings do not find its subject");
            return self.dispute_all(visit, response).await;
        };
        let Some(id) = after else {
            tracing::warn!(request_id = %visit.id, "a login succeeded, but it sets none of the session's cookies");
            return self.dispute_all(visit, response).await;
        };
        let Ok(others) = self.of_other_browsers(visit, before).await else {
            return forget(visit.worker, before.into_iter().chain([id]));
        };
        if let Some((_, key)) = others.first() {
            tell_of_disbelief(visit);
            let after = (id, *key);
            return dispute(visit, others.into_iter().chain([after])).await;
        }
        let now = house.clock.now();
        let key = new_browser_key(&house.entropy);
        let session = Session {
            subject: subject.clone(),
            authenticated_at: Some(now),
            browser_key: hash_browser_key(key.expose(), &house.keys),
            created_at: now,
            seen_at: now,
            revoked: false,
        };
        let login = Login {
            id,
            replaces: before,
            session,
            keep: house.sessions.remember,
        };
        let written = tell(visit, &visit.worker.store.put_login(&login).await);
        let outcome = if written && self.note_parts(visit, id, response).await {
            Outcome::Succeeded
        } else {
            forget(visit.worker, before.into_iter().chain([id]));
            Outcome::Failed
        };
        if outcome == Outcome::Succeeded
            && let Ok(cookie) = HeaderValue::from_str(&house.browser_key.set(&key))
        {
            response.append(header::SET_COOKIE, cookie);
        }
        let mut event = visit.event(EventKind::LoginObserved, outcome);
        event.session = Some(id);
        event.subject = Some(&subject);
        record(visit, &event);
    }

    /// The sessions that the request carries whose browser's key it does not, with that key.
    ///
    /// An application that redirects whoever is logged in already answers any password, and a logout
    /// that it does not take, as it answers the right ones. Whoever copied the cookie could make the
    /// session fresh that way, or their own; but the browser that it belongs to has a key as well.
    async fn of_other_browsers(
        &self,
        visit: &Visit<'_>,
        before: Option<SessionId>,
    ) -> Result<Vec<(SessionId, BrowserKeyHash)>, StoreError> {
        let house = &visit.worker.house;
        let mut carried: Vec<_> = before.into_iter().collect();
        if let Ok(all) = house.sessions.credentials.read(&self.carried) {
            carried.extend(all.sessions_alone(&house.keys));
            carried.extend(all.earlier_session(&house.keys));
        }
        let mut others = Vec::new();
        for id in carried {
            let ask = Ask::session(id, None);
            let held = visit.worker.store.evidence(ask, house.clock.now()).await?;
            let theirs = held.session.and_then(|session| session.browser_key);
            others.extend(
                theirs
                    .filter(|_| !self.browser_keys.contains(&theirs))
                    .map(|key| (id, key)),
            );
        }
        Ok(others)
    }

    /// Whether a logout may be believed of all sessions that the request carries. What those hold that
    /// belong to other browsers is gone in any case.
    async fn is_from_their_browser(&self, visit: &Visit<'_>, before: Option<SessionId>) -> bool {
        let Ok(others) = self.of_other_browsers(visit, before).await else {
            forget(visit.worker, before);
            return false;
        };
        if others.is_empty() {
            return true;
        }
        tell_of_disbelief(visit);
        for (id, _) in others {
            if !tell(visit, &visit.worker.store.lock_session(id).await) {
                forget(visit.worker, [id]);
            }
        }
        false
    }

    /// Somebody may have logged in, and nobody knows to which session, or who.
    async fn dispute_all(&self, visit: &Visit<'_>, response: &HeaderMap) {
        let house = &visit.worker.house;
        let (names, keys) = (&house.sessions.credentials, &house.keys);
        let (carried, after) = match names.read(&self.carried) {
            Ok(all) => {
                let mut carried = all.sessions_alone(keys);
                carried.extend(all.sessions(keys));
                (carried, names.after(&all, response).session(keys))
            }
            Err(_) => (names.sessions_in_doubt(&self.carried, keys), None),
        };
        for id in carried {
            let ask = Ask::session(id, None);
            match visit.worker.store.evidence(ask, house.clock.now()).await {
                Ok(held) => match held.session.map(|session| session.browser_key) {
                    Some(Some(key)) => {
                        let after = after.map(|after| (after, key));
                        dispute(visit, [(id, key)].into_iter().chain(after)).await;
                    }
                    Some(None) => end(visit, [id]).await,
                    None => {}
                },
                Err(_) => forget(visit.worker, [id]),
            }
        }
    }

    /// A logout.
    async fn ended(&self, visit: &Visit<'_>, response: &HeaderMap) {
        let Some((before, after)) = self.change(visit, response) else {
            return;
        };
        // An answer that takes the cookie away has ended the session, whoever asked for it.
        if after.is_some() && !self.is_from_their_browser(visit, before).await {
            return self.rotated(visit, response).await;
        }
        let both = [before, after.filter(|_| after != before)];
        end(visit, both.into_iter().flatten()).await;
        if before.is_some() {
            let mut event = visit.event(EventKind::LogoutObserved, Outcome::Succeeded);
            event.session = before;
            record(visit, &event);
        }
    }

    /// The application gave the session another cookie, or took it away.
    async fn rotated(&self, visit: &Visit<'_>, response: &HeaderMap) {
        let Some((Some(before), after)) = self.change(visit, response) else {
            return;
        };
        if after == Some(before) {
            return;
        }
        let store = &visit.worker.store;
        let moved = match after {
            Some(after) => store.move_session(before, after).await,
            None => store.end_session(before).await,
        };
        let noted = match after {
            Some(after) if moved.is_ok() => self.note_parts(visit, after, response).await,
            Some(_) | None => true,
        };
        if !tell(visit, &moved) || !noted {
            forget(visit.worker, after.into_iter().chain([before]));
        }
    }

    /// Notes what each cookie of a session would be alone, where the response leaves several credentials:
    /// whoever presents one of them must not escape the revocation of all.
    async fn note_parts(&self, visit: &Visit<'_>, id: SessionId, response: &HeaderMap) -> bool {
        let house = &visit.worker.house;
        let names = &house.sessions.credentials;
        let parts = names.read(&self.carried).map_or_else(
            |_| Vec::new(),
            |before| names.after(&before, response).cookies_alone(&house.keys),
        );
        parts.is_empty() || tell(visit, &visit.worker.store.note_parts(id, &parts).await)
    }

    /// The session before and after the response; `None` if the request's credentials are doubled.
    fn change(
        &self,
        visit: &Visit<'_>,
        response: &HeaderMap,
    ) -> Option<(Option<SessionId>, Option<SessionId>)> {
        let house = &visit.worker.house;
        let names = &house.sessions.credentials;
        let before = names.read(&self.carried).ok()?;
        let after = names.after(&before, response);
        Some((before.session(&house.keys), after.session(&house.keys)))
    }
}

/// Forgets what is known of sessions.
async fn end(visit: &Visit<'_>, sessions: impl IntoIterator<Item = SessionId>) {
    for id in sessions {
        if !tell(visit, &visit.worker.store.end_session(id).await) {
            forget(visit.worker, [id]);
        }
    }
}

/// Whether an answer may be that to a login which succeeded, as far as its head tells.
fn may_have_succeeded(route: &LoginRoute, response: &Response<UpstreamBody>) -> bool {
    let status = response.status().as_u16();
    route.reads_response_body() || route.succeeded(status, response.headers(), None)
}

/// Leaves sessions to nobody, until the browser logs in that they belong to.
async fn dispute(
    visit: &Visit<'_>,
    sessions: impl IntoIterator<Item = (SessionId, BrowserKeyHash)>,
) {
    let house = &visit.worker.house;
    for (id, key) in sessions {
        let login = Login {
            id,
            replaces: None,
            session: Session::disputed(Some(key), house.clock.now()),
            keep: house.sessions.remember,
        };
        if !tell(visit, &visit.worker.store.put_login(&login).await) {
            forget(visit.worker, [id]);
        }
    }
}

fn tell_of_disbelief(visit: &Visit<'_>) {
    tracing::warn!(request_id = %visit.id, "a login or logout with the cookie of another browser is not believed");
}

/// Whether the store heard; if not, the log does.
fn tell(visit: &Visit<'_>, done: &Result<(), StoreError>) -> bool {
    if let Err(error) = done
        && let Some(untold) = visit
            .worker
            .complaints
            .admit(visit.worker.house.clock.now())
    {
        tracing::warn!(request_id = %visit.id, %error, untold, "what the application said of a session is not recorded");
    }
    done.is_ok()
}

fn record(visit: &Visit<'_>, event: &Event<'_>) {
    if let Err(error) = visit.worker.house.audit.record(event) {
        tracing::warn!(request_id = %visit.id, %error, "an event is not in the audit log");
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
