//! Our own endpoints, under the reserved prefix: an exact list, and never the application.

mod ahead;
mod approval;
mod approvers;
mod browser_key;
mod device;
mod enroll;
mod error;
mod etag;
mod files;
mod inline;
mod known;
mod language;
mod offered;
mod oidc;
mod onward;
mod passkeys;
mod prompt;
mod proof;
mod responder;
mod resume;
mod sent;
mod session;
mod sessions;
mod status;
mod verify;
mod whole;

pub(crate) use error::EndpointError;
pub(crate) use inline::{InlineAnswer, InlineOutcome, answer as answer_inline};
use known::Known;
pub(crate) use prompt::challenge;

use super::{pages, respond};
use crate::domain::{
    BrowserKeyHash, Reason, RequestPath, Requirement, RouteId, Session, SessionState,
};
use crate::request::body::RequestBody;
use crate::request::context::RequestContext;
use crate::session::{
    AskedRequest, CarriedLines, asserted, identify, over_limits, provenance, session_of,
};
use crate::store::Ask;
use crate::verification;
use crate::web::Web;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, Uri};
use std::iter;
use std::sync::Arc;

/// A carried form fits, and nothing much larger.
const BODY_LIMIT: usize = 1024 * 1024;

/// A call of one of our endpoints.
struct Call<'v, 'w> {
    web: &'v Web,
    context: &'v RequestContext<'w>,
    path: &'v RequestPath<'v>,
    parts: &'v Parts,
    query: Option<&'v str>,
}

/// Answers a request under our prefix.
pub(crate) async fn serve(
    web: &Web,
    context: &RequestContext<'_>,
    path: &RequestPath<'_>,
    uri: &Uri,
    parts: &Parts,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    // The prefix in any other spelling is not ours, and not a tunnel to the application either.
    let name = (web.shared.options.site)
        .endpoint(path.raw())
        .ok_or(EndpointError::Refused(Reason::NotFound))?;
    let allow = match name {
        "approvals" | "challenge" | "client.js" | "dialog.js" | "enroll" | "jwks.json" | "logo"
        | "logo/dark" | "openapi.json" | "problems" | "script.js" | "sessions" | "status"
        | "style.css" => "GET, HEAD",
        "device" | "enroll/email" | "enroll/passkeys" | "enroll/password" | "enroll/recovery"
        | "enroll/totp" | "lock" | "sessions/revoke" => "GET, HEAD, POST",
        // npm polls by the method of its call that was refused (`npm dist-tag`).
        "device/done" => "DELETE, GET, PUT",
        // Each takes what it answers: not for a HEAD.
        "oidc/callback" | "oidc/frontchannel-logout" => "GET",
        "device/token"
        | "enroll/passkeys/options"
        | "enroll/passkeys/rename"
        | "enroll/remove"
        | "language"
        | "oidc/backchannel-logout"
        | "oidc/begin"
        | "sessions/lock"
        | "sign-out"
        | "verify"
        | "verify/approval"
        | "verify/passkey/options"
        | "verify/send" => "POST",
        name if name.starts_with("approvals/") => "GET, HEAD, POST",
        name if name.starts_with("problems/") => "GET, HEAD",
        _ => return Err(EndpointError::Refused(Reason::NotFound)),
    };
    let method = parts.method.as_str();
    // A preflight carries no cookies (Fetch §4.8): it comes before the session is looked for.
    if method == "OPTIONS" && context.listed_origin().is_some() {
        let allow = HeaderValue::from_static(allow);
        return Ok(respond::preflight(context, &allow, &parts.headers));
    }
    if !allow.split(", ").any(|allowed| allowed == method) {
        return Ok(respond::method_not_allowed(context, allow));
    }
    if let Some(loaded) = whole::loaded_by_library(context, name, method) {
        return Ok(loaded);
    }
    let call = Call {
        web,
        context,
        path,
        parts,
        query: uri.query(),
    };
    match Box::pin(dispatch(name, &call, content)).await {
        Err(EndpointError::Challenged(challenge)) => Ok(*challenge),
        answer => answer,
    }
}

async fn dispatch(
    name: &str,
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let context = call.context;
    match name {
        "approvals" => approvers::list(call).await,
        "challenge" => prompt::show(call).await,
        "client.js" => Ok(files::client(call)),
        "dialog.js" => Ok(respond::script(pages::DIALOG)),
        "device" if call.parts.method == http::Method::POST => device::decide(call, content).await,
        "device" => device::show(call).await,
        "device/done" => device::done(call).await,
        "device/token" => device::token(call, content).await,
        "jwks.json" => files::public_keys(call),
        "language" => language::choose(call, content).await,
        "lock" if call.parts.method == http::Method::POST => session::lock(call, content).await,
        "lock" => session::lock_page(call).await,
        "logo" | "logo/dark" => files::logo(call, name),
        "oidc/backchannel-logout" => oidc::backchannel_logout(call, content).await,
        "oidc/begin" => oidc::begin(call, content).await,
        "oidc/callback" => oidc::callback(call).await,
        "oidc/frontchannel-logout" => oidc::frontchannel_logout(call).await,
        "openapi.json" => Ok(respond::description(context, call.web.description())),
        "problems" => Ok(respond::shown(
            context,
            pages::problem_index(&context.site()),
        )),
        "script.js" => Ok(respond::script(pages::SCRIPT)),
        "sessions" => sessions::show(call).await,
        "sessions/lock" => sessions::lock(call, content).await,
        "sessions/revoke" => sessions::revoke(call, content).await,
        "sign-out" => session::sign_out(call, content).await,
        "status" => status::status(call).await,
        "style.css" => Ok(respond::style(&context.options.brand)),
        "verify" => verify::answer(call, content).await,
        "verify/approval" => approval::look(call, content).await,
        "verify/passkey/options" => passkeys::options(call, content).await,
        "verify/send" => verify::send(call, content).await,
        name if name.starts_with("enroll") => enroll::serve(name, call, content).await,
        name if let Some(id) = name.strip_prefix("approvals/") => {
            if call.parts.method == http::Method::POST {
                approvers::decide(call, id, content).await
            } else {
                approvers::show(call, id).await
            }
        }
        name => {
            let word = name.strip_prefix("problems/").unwrap_or_default();
            let page = pages::problem(&context.site(), word);
            page.map(|page| respond::shown(context, page))
                .ok_or(EndpointError::Refused(Reason::NotFound))
        }
    }
}

impl Call<'_, '_> {
    /// Finds out who calls; without a session that we know, nothing can be verified.
    async fn identify(&self) -> Result<Known, EndpointError> {
        let sessions = &*self.web.sessions;
        let options = &sessions.shared.options;
        let headers = &self.parts.headers;
        let carried = CarriedLines::of(headers, self.context.path(), &options.credentials)
            .with_keys(headers, self.query, iter::empty(), &options.key_names);
        let asserted = asserted(sessions, self.context, headers);
        let mut caller = identify(sessions, &carried, headers, asserted)?;
        let request = AskedRequest {
            path: self.path,
            query: self.query,
            headers,
        };
        let confirmed = sessions.confirm(self.context, request, &carried, &mut caller);
        Box::pin(confirmed).await?;
        let id = caller
            .session
            .ok_or(EndpointError::Refused(Reason::SessionRequired))?;
        let ask = Ask::session(id, caller.browser_key);
        let now = sessions.shared.clock.now();
        let held = sessions.store.evidence(ask, now).await?;
        let session = match session_of(held.session, &caller, now) {
            SessionState::Disputed(Session { revoked: true, .. })
            | SessionState::Known(Session { revoked: true, .. }) => {
                return Err(EndpointError::Refused(Reason::SessionRevoked));
            }
            SessionState::Known(session) => session,
            SessionState::Disputed(_) => {
                return Err(EndpointError::Refused(Reason::SessionDisputed));
            }
            SessionState::Absent | SessionState::Unknown => {
                return Err(EndpointError::Refused(Reason::SessionRequired));
            }
        };
        if let Some(reason) = over_limits(&session, options, now) {
            return Err(EndpointError::Refused(reason));
        }
        Ok(Known {
            caller,
            session,
            id,
            name: self.context.id,
            client: self.context.client,
            provenance: provenance(self.context.client, headers, ""),
        })
    }

    /// What a route requires by the policies in force.
    fn requirement(&self) -> impl FnOnce(&RouteId) -> Option<Arc<Requirement>> + '_ {
        |route| (self.web).requirement(route, self.context.locale())
    }

    /// One parameter of the query.
    fn parameter(&self, name: &str) -> Option<String> {
        let query = self.query.unwrap_or_default().as_bytes();
        let mut found = form_urlencoded::parse(query).filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.into_owned())
    }

    /// Refuses a change that another site asks for.
    fn must_be_ours(&self) -> Result<(), EndpointError> {
        let listed = self.context.listed_origin().is_some() && self.is_json();
        if listed || self.context.is_same_origin() {
            Ok(())
        } else {
            Err(EndpointError::CrossSite)
        }
    }

    /// Refuses a form that is not from a page of ours which this browser was given: of its own key, or, where
    /// the form has a `challenge` that is open in this browser, of the key that it had when that was opened.
    async fn must_bear_our_token(
        &self,
        known: &Known,
        token: &str,
        challenge: Option<&str>,
    ) -> Result<(), EndpointError> {
        let keys = &self.web.sessions.shared.keys;
        let matches = |key: BrowserKeyHash| verification::anti_forgery_matches(token, &key, keys);
        if known.caller.browser_key.is_some_and(matches) {
            return Ok(());
        }
        let (verifier, claimant) = (&self.web.verifier, known.claimant());
        let opened = match challenge {
            Some(challenge) => {
                verifier
                    .read(challenge, self.requirement(), &claimant)
                    .await?
            }
            None => None,
        };
        // One that was opened before this browser had a key: whoever has its token was shown it in this session.
        if opened.is_some_and(|challenge| challenge.browser_key.is_none_or(matches)) {
            Ok(())
        } else {
            Err(EndpointError::CrossSite)
        }
    }
}
