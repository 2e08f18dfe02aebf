//! `sessions`: where the caller's subject is signed in, ending other sessions, and locking all of them.

mod listed;

use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError, Known};
use crate::audit::{self, EventKind};
use crate::domain::{ReturnTarget, Secret, SessionId};
use crate::mail::Notice;
use crate::request::body::RequestBody;
use crate::store::StoreError;
use crate::verification::anti_forgery_token;
use crate::web::api::{
    LockAllResponse, OwnSessionView, RevokeRequest, RevokeResponse, SessionsResponse,
};
use crate::web::own_action::OwnAction;
use crate::web::pages::{self, SessionsPage, SessionsState};
use crate::web::respond;
use bytes::Bytes;
use http::{Method, Response};
use listed::{Listed, is_handle, listed};

/// The page, below our prefix.
const PAGE: &str = "sessions";
/// How many sessions are shown, and how many are ended or locked at once: each takes a question to the store.
const MOST_SHOWN: usize = 100;
const MOST_ENDED: usize = 10_000;

const EXPECTED: Expected = Expected {
    json: "JSON with `session`, as `GET sessions` tells it, or `others`: true",
    form: "the fields of the page `sessions`: `session` or `others`",
};
const EXPECTED_LOCK: Expected = Expected {
    json: "JSON, `{}`",
    form: "the fields of the page `sessions`",
};

/// Which sessions are to end; never the caller's own, which signs out.
enum Chosen {
    One(String),
    Others,
}

/// `GET sessions`: the sessions that are known.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let known = call.identify().await?;
    must_be_its_browser(call, &known).await?;
    shown(call, &known, SessionsState::Shown, |_| true).await
}

/// `sessions/revoke`: with `GET` it shows what a `POST` would end.
pub(super) async fn revoke(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let changes = call.parts.method == Method::POST;
    if changes {
        call.must_be_ours()?;
    }
    let known = call.identify().await?;
    let chosen = if changes {
        let sent = read(call, &known, &mut content, EXPECTED, |form| {
            Some(RevokeRequest {
                session: form.remove("session"),
                others: form.contains_key("others"),
            })
        });
        let (Sent::Json(request) | Sent::Form(request, _)) = sent.await?;
        Chosen::of(request)
    } else {
        Chosen::of(RevokeRequest {
            session: call.parameter("session"),
            others: call
                .parameter("others")
                .is_some_and(|others| others == "yes"),
        })
    };
    let chosen = chosen.ok_or(EndpointError::Malformed(EXPECTED.json.into()))?;
    // After the proof, a browser comes to the page that names what will end.
    call.must_be_proven(&known, OwnAction::Sessions, &chosen.page())
        .await?;
    if !changes {
        let state = SessionsState::Asked {
            others: matches!(chosen, Chosen::Others),
        };
        return shown(call, &known, state, |one| chosen.includes(one)).await;
    }
    let ended = end(call, &known, &chosen).await?;
    if ended > 0 && matches!(chosen, Chosen::Others) {
        let locale = call.context.locale();
        let caller = known.caller();
        (call.web.verifier)
            .notify(&caller, &Notice::SessionsEnded, locale)
            .await?;
    }
    if call.is_json() {
        return Ok(respond::json(call.context, &RevokeResponse { ended }));
    }
    shown(call, &known, SessionsState::Ended(ended), |_| true).await
}

/// `POST sessions/lock`: drops all elevation of all sessions. In their own browser it takes no proof: it only takes away.
pub(super) async fn lock(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, &mut content, EXPECTED_LOCK, |_| {
        Some(serde_json::Value::Null)
    });
    sent.await?;
    must_be_its_browser(call, &known).await?;
    let mut locked = 0;
    for one in listed(call, &known, MOST_ENDED).await? {
        let store = &call.web.sessions.store;
        locked += act(
            call,
            &known,
            one.id,
            EventKind::Locked,
            store.lock_session(one.id),
        )
        .await?;
    }
    if call.is_json() {
        return Ok(respond::json(call.context, &LockAllResponse { locked }));
    }
    shown(call, &known, SessionsState::Locked, |_| true).await
}

/// A copied cookie alone must not tell where its owner signs in, nor reach into their other sessions.
async fn must_be_its_browser(call: &Call<'_, '_>, known: &Known) -> Result<(), EndpointError> {
    let key = known.session.browser_key;
    if key.is_some() && key == known.caller.browser_key {
        return Ok(());
    }
    call.must_be_proven(known, OwnAction::Sessions, PAGE).await
}

impl Chosen {
    fn of(request: RevokeRequest) -> Option<Self> {
        match (request.session, request.others) {
            (Some(handle), false) if is_handle(&handle) => Some(Self::One(handle)),
            (None, true) => Some(Self::Others),
            (Some(_), _) | (None, false) => None,
        }
    }

    /// Where it is shown, below our prefix.
    fn page(&self) -> String {
        match self {
            Self::One(handle) => format!("{PAGE}/revoke?session={handle}"),
            Self::Others => format!("{PAGE}/revoke?others=yes"),
        }
    }

    fn includes(&self, one: &Listed) -> bool {
        !one.is_this
            && match self {
                Self::One(handle) => one.handle == *handle,
                Self::Others => true,
            }
    }
}

/// Ends what was chosen among the subject's own sessions; returns how many.
async fn end(call: &Call<'_, '_>, known: &Known, chosen: &Chosen) -> Result<usize, EndpointError> {
    let shared = &call.web.sessions.shared;
    let keep = shared.options.remember;
    let mut ended = 0;
    for one in listed(call, known, MOST_ENDED).await? {
        if chosen.includes(&one) {
            let store = &call.web.sessions.store;
            let revoked = store.revoke_session(one.id, shared.clock.now(), keep);
            ended += act(call, known, one.id, EventKind::SessionRevoked, revoked).await?;
        }
    }
    Ok(ended)
}

/// Changes one session, and records it; what cannot be recorded is not done.
async fn act(
    call: &Call<'_, '_>,
    known: &Known,
    session: SessionId,
    kind: EventKind,
    change: impl Future<Output = Result<(), StoreError>>,
) -> Result<usize, EndpointError> {
    let shared = &call.web.sessions.shared;
    shared.audit.ready()?;
    change.await?;
    let now = shared.clock.now();
    let mut event = call.context.event(now, kind, audit::Outcome::Succeeded);
    event.session = Some(session);
    event.subject = Some(&known.session.owner);
    shared.audit.record(&event)?;
    Ok(1)
}

/// The sessions that `wanted` picks, as a page or as JSON.
async fn shown(
    call: &Call<'_, '_>,
    known: &Known,
    state: SessionsState,
    wanted: impl Fn(&Listed) -> bool,
) -> Result<Response<Bytes>, EndpointError> {
    let context = call.context;
    let shared = &call.web.sessions.shared;
    let mut sessions = listed(call, known, MOST_SHOWN).await?;
    sessions.retain(wanted);
    for one in &mut sessions {
        one.read_verified(call).await?;
    }
    let sessions: Vec<OwnSessionView> = sessions.iter().map(Listed::view).collect();
    if !context.hints.reads_pages() {
        return Ok(respond::json(context, &SessionsResponse { sessions }));
    }
    let key = known.caller.browser_key;
    let token = key.map(|key| anti_forgery_token(&key, &shared.keys));
    let cookies = shared.options.credentials.cookies.iter();
    let page = SessionsPage {
        sessions,
        state,
        anti_forgery: Secret::new(token.unwrap_or_default()),
        sign_out_to: context.login_url_for(&ReturnTarget::Caller),
        cookies: cookies.map(ToString::to_string).collect(),
        own_cookie: shared.browser_key.name(),
    };
    Ok(respond::shown(
        context,
        pages::sessions(&context.site(), &page),
    ))
}
