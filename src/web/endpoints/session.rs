//! `lock` and `sign-out`: dropping what a session holds, and ending it for us.

use super::{BODY_LIMIT, Call, EndpointError, Known};
use crate::audit::{self, EventKind};
use crate::domain::{LocalPath, Owner, StoredSession};
use crate::request::body::RequestBody;
use crate::verification::anti_forgery_token;
use crate::web::api::LockResponse;
use crate::web::{pages, respond};
use bytes::Bytes;
use http::Response;
use std::borrow::Cow;

/// Drops all elevation of the session.
pub(super) async fn lock(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (known, _) = read(call, content).await?;
    call.web.verifier.lock(&known.caller()).await?;
    if !call.is_json() && call.context.hints.reads_pages() {
        return Ok(locked(call));
    }
    Ok(respond::json(call.context, &LockResponse { locked: true }))
}

/// `GET lock`: the page that asks whether to.
pub(super) async fn lock_page(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let (context, known) = (call.context, call.identify().await?);
    // A browser without a key of ours holds nothing.
    let Some(key) = known.caller.browser_key else {
        return Ok(locked(call));
    };
    let anti_forgery = anti_forgery_token(&key, &call.web.sessions.shared.keys);
    let back = context.page_before();
    let back = back.unwrap_or_else(LocalPath::root);
    let page = pages::lock(&context.site(), Some(&anti_forgery), &back);
    Ok(respond::shown(context, page))
}

fn locked(call: &Call<'_, '_>) -> Response<Bytes> {
    let page = pages::lock(&call.context.site(), None, &LocalPath::root());
    respond::shown(call.context, page)
}

/// Ends the session for us, takes its cookies from the browser, and leads to the application's login:
/// a login within a session that is known would make nothing fresher.
///
/// The application is not asked to end it. Where it knows the browser by a cookie that stays, a login
/// is no proof of who that is, so the session is disputed rather than forgotten.
pub(super) async fn sign_out(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let (known, bytes) = read(call, content).await?;
    let context = call.context;
    let sessions = &call.web.sessions;
    let (shared, store) = (&sessions.shared, &sessions.store);
    let nobody = StoredSession::without_subject(
        Owner::Disputed,
        known.session.browser_key,
        shared.clock.now(),
    );
    store
        .dispute_session(known.id, &nobody, shared.options.remember)
        .await?;
    let mut event = context.event(
        shared.clock.now(),
        EventKind::SignedOut,
        audit::Outcome::Succeeded,
    );
    event.session = Some(known.id);
    event.subject = Some(&known.session.owner);
    shared.audit.record(&event)?;
    // A path of this origin only: no open redirect.
    let page = LocalPath::parse(&field(&bytes, "to")).unwrap_or_else(LocalPath::root);
    Ok(respond::signed_out(context, &page))
}

/// Who asks for a change, and what they sent: JSON, or a form that bears our token.
async fn read(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<(Known, Bytes), EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let bytes = content.read(BODY_LIMIT).await?;
    if !call.is_json() {
        let token = field(&bytes, "anti_forgery");
        call.must_bear_our_token(&known, &token, None).await?;
    }
    Ok((known, bytes))
}

/// A field of a form; empty if it is not there.
fn field<'b>(form: &'b [u8], wanted: &str) -> Cow<'b, str> {
    let mut fields = form_urlencoded::parse(form);
    let found = fields.find(|(name, _)| name == wanted);
    found.map(|(_, value)| value).unwrap_or_default()
}
