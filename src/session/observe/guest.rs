//! Whether somebody is signed in: what a request looks like, and the proof that nobody is.

use super::Watch;
use crate::domain::{
    Method, MethodSet, RequestHead, SessionId, Timestamp, asks_for_page, shows_secret,
};
use crate::request::context::RequestContext;
use crate::session::{CarriedLines, SessionOptions};
use crate::transport::upstream::UpstreamBody;
use http::{HeaderValue, Response, header};

impl Watch {
    /// Hands out the proof that nobody is signed in to the session that the client carries after the
    /// answer.
    ///
    /// Where the cookie comes with every answer, a proof follows it from page to page; but not where
    /// somebody may have logged in on the way, unless the application is asked for that at the next login.
    pub(super) fn tell_guest(
        &self,
        context: &RequestContext<'_>,
        response: &mut Response<UpstreamBody>,
        sets_session: bool,
    ) {
        let shared = &self.known.shared;
        let has_failed = self.has_failed(response.status().as_u16());
        let is_safe = context.hints.safe;
        let is_shown = match self.looks_like {
            LooksLike::Nobody => sets_session && (is_safe || has_failed),
            // Many send on whoever is signed in, rather than show them the form.
            LooksLike::LoginPage => matches!(response.status().as_u16(), 200 | 304),
            LooksLike::Anybody => false,
        };
        let is_asked = shared.options.whoami().is_some();
        let may_follow = sets_session
            && (has_failed || is_asked || (is_safe && shared.rolling.is_rolling()))
            && shared.guest.is_carried(&self.carried);
        if !is_proof_needed(&shared.options) || !(is_shown || may_follow) {
            return;
        }
        let Some((before, Some(after))) = self.change(response.headers()) else {
            return;
        };
        let shown_at = self.came_at.filter(|_| is_shown);
        if let Some(at) = shown_at.or_else(|| self.guest_since(before))
            && let Ok(cookie) = HeaderValue::from_str(&shared.guest.set(&after, at, &shared.keys))
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    /// Whether an application that was asked for its login page leads on to where a login leads: somebody is
    /// signed in to the session, whom we do not know. They would be sent from a guarded route to the login page
    /// and from there back for ever; as it is doubtful whose the session is, its cookie is taken away instead.
    pub(super) fn is_sent_on(&self, response: &Response<UpstreamBody>) -> bool {
        if !matches!(self.looks_like, LooksLike::LoginPage) || !response.status().is_redirection() {
            return false;
        }
        let location = response.headers().get(header::LOCATION);
        let location = location.and_then(|location| location.to_str().ok());
        let learn = self.known.shared.options.learn.as_ref();
        let logins = learn
            .map(|learn| learn.logins.as_slice())
            .unwrap_or_default();
        location.is_some_and(|location| {
            location == "/" || logins.iter().any(|login| login.leads_to(location))
        })
    }

    /// Whether the status of the answer tells that a declared login failed, or its JSON.
    pub(super) fn has_failed(&self, status: u16) -> bool {
        let attempts = self.attempts();
        let mut routes = attempts.iter().map(|one| &one.route);
        let mut is_refused = || routes.all(|route| route.is_refused_by(status));
        !attempts.is_empty() && (self.is_denied || is_refused())
    }

    /// Whether the JSON of the answer tells that a declared login failed.
    pub(super) fn is_denied_by(&self, body: &[u8]) -> bool {
        let attempts = self.attempts();
        !attempts.is_empty() && attempts.iter().all(|one| one.route.is_denied_by(body))
    }

    /// As of when a request proves that nobody is signed in to the session that it carries.
    pub(super) fn guest_since(&self, session: Option<SessionId>) -> Option<Timestamp> {
        self.known.guest_since(&self.carried, session?)
    }
}

/// Whether a login rests on such a proof, also where the application can be asked: its answer to a question may
/// know less of a browser than its login does.
fn is_proof_needed(sessions: &SessionOptions) -> bool {
    sessions.learn.is_some()
}

/// What a request says of whether somebody is signed in.
#[derive(Clone, Copy, Debug)]
pub(super) enum LooksLike {
    /// Nothing.
    Anybody,
    /// It asks for the page with the login form.
    LoginPage,
    /// It brings nothing by which somebody could be.
    Nobody,
}

impl LooksLike {
    pub(super) fn of(
        sessions: &SessionOptions,
        context: &RequestContext<'_>,
        head: &RequestHead<'_>,
        carried: &CarriedLines,
    ) -> Self {
        let is_plain = head.claimed == MethodSet::EMPTY.with(head.method);
        if !is_proof_needed(sessions) || context.connection.data.is_authenticated() || !is_plain {
            return Self::Anybody;
        }
        // The home page is shown to everybody, whatever else it is.
        let page = sessions.login_page.as_deref().filter(|page| *page != "/");
        let is_page = || page.is_some_and(|page| asks_for_page(head, page));
        let has_form = || {
            let learn = sessions.learn.as_ref();
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
    pub(super) const fn tells(self) -> bool {
        match self {
            Self::LoginPage | Self::Nobody => true,
            Self::Anybody => false,
        }
    }
}
