//! `oidc/…`: a sign-in at the identity provider is begun, and its answer comes back; and the provider tells of logouts.

use super::EndpointError;
use super::approval;
use super::browser_key::set_browser_key;
use super::responder::Responder;
use super::sent::{Expected, KeptForm, Sent, read};
use super::{BODY_LIMIT, Call, Known};
use crate::domain::{Factor, LocalPath, Reason, Secret, StatedPurpose};
use crate::request::body::RequestBody;
use crate::request::client_kind::{ClientKind, FetchSite};
use crate::verification::{
    AnswerOutcome, AnswerValue, Answering, AuthorizationResponse, BegunSignIn, LogoutError,
    SignInRequest, hash_browser_key, new_browser_key,
};
use crate::web::api::{BeginRequest, BeginResponse, LockResponse};
use crate::web::pages;
use crate::web::respond;
use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::Response;

/// What begins a sign-in.
const EXPECTED: Expected = Expected {
    json: "JSON with `token`, and `confirm` where the challenge has a phrase",
    form: "the fields of the prompt page: `token`",
};
/// What a program is told that posts something else.
const EXPECTED_LOGOUT: &str = "a form with a `logout_token` of the identity provider";

/// `POST oidc/begin`: sends a person to the provider, or tells a program where to send them.
pub(super) async fn begin(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let mut known = call.identify().await?;
    let sent: Sent<BeginRequest> = read(call, &known, &mut content, EXPECTED, |form| {
        Some(BeginRequest {
            token: Secret::new(form.remove("token")?),
            confirm: form.remove("confirm"),
            purpose: form.remove("purpose"),
        })
    })
    .await?;
    let context = call.context;
    // A browser finishes what it began, which its key tells; a program that keeps no cookies has none to show.
    let keeps_cookies = !matches!(context.hints.kind, ClientKind::Api | ClientKind::Bearer);
    let shared = &call.web.sessions.shared;
    let fresh = (known.caller.browser_key.is_none() && keeps_cookies)
        .then(|| new_browser_key(&shared.entropy));
    if let Some(key) = &fresh {
        known.caller.browser_key = hash_browser_key(key.expose(), &shared.keys);
    }
    let (request, kept) = match &sent {
        Sent::Json(request) => (request, &KeptForm::default()),
        Sent::Form(request, kept) => (request, kept),
    };
    let begun = SignInRequest {
        token: request.token.clone(),
        confirm: request.confirm.clone(),
        purpose: request.purpose.as_deref().and_then(StatedPurpose::of),
        carried: kept.carried.clone(),
        place: place(call),
    };
    let begun = (call.web.verifier)
        .begin_sign_in(begun, call.requirement(), &known.caller())
        .await?;
    let responder = Responder {
        call,
        known: &known,
        token: request.token.clone(),
        factor: Factor::Oidc,
    };
    let outcome = match begun {
        BegunSignIn::Begun(url) => Err(url),
        BegunSignIn::Refused(refusal) => Ok(AnswerOutcome::Refused(refusal)),
        BegunSignIn::Unexplained => Ok(AnswerOutcome::Unexplained),
        BegunSignIn::Unconfirmed { missing } => Ok(AnswerOutcome::Unconfirmed { missing }),
    };
    let mut response = match (outcome, &sent) {
        (Err(url), Sent::Json(_)) => respond::json(context, &BeginResponse { url }),
        // Not a redirect: browsers hold the `form-action` of the page against it, and against every one after it.
        (Err(url), Sent::Form(..)) => {
            respond::shown(context, pages::onward(&context.site(), url.expose()))
        }
        (Ok(outcome), Sent::Json(_)) => responder.json(outcome)?,
        (Ok(outcome), Sent::Form(..)) => responder.page(outcome, kept).await?,
    };
    if let Some(key) = &fresh {
        set_browser_key(&shared.browser_key, &mut response, key);
    }
    Ok(response)
}

/// `GET oidc/callback`: where the provider sends the browser back to.
pub(super) async fn callback(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let context = call.context;
    let answer = AuthorizationResponse {
        state: call.parameter("state").unwrap_or_default(),
        code: call.parameter("code"),
        error: call.parameter("error"),
        iss: call.parameter("iss"),
    };
    // Straight from the provider, cookies that are `SameSite=Strict` stay behind, as they do on the way on to the
    // application; and those of a deeper path are not sent here. By way of a page of ours all of them come along.
    if context.hints.site == FetchSite::Other || place_of(call, &answer.state).is_some() {
        let to = place_of(call, &answer.state);
        let query = call.query.unwrap_or_default();
        let own = format!("{}/oidc/callback", context.site().prefix);
        let to = format!("{}?{query}", to.as_ref().map_or(&*own, LocalPath::as_str));
        let to = LocalPath::parse(&to).ok_or(EndpointError::Refused(Reason::NotFound))?;
        return Ok(respond::shown(
            context,
            pages::onward(&context.site(), to.as_str()),
        ));
    }
    let known = call.identify().await?;
    let (outcome, token, kept) = finish(call, &known, answer).await?;
    let responder = Responder {
        call,
        known: &known,
        token,
        factor: Factor::Oidc,
    };
    if context.hints.reads_pages() {
        responder.page(outcome, &kept).await
    } else {
        responder.json(outcome)
    }
}

/// Judges the provider's answer, once. Returns with the outcome the token of the challenge, and what its page hands
/// on.
pub(super) async fn finish(
    call: &Call<'_, '_>,
    known: &Known,
    answer: AuthorizationResponse,
) -> Result<(AnswerOutcome, Secret<String>, KeptForm), EndpointError> {
    let caller = known.caller();
    let verifier = &call.web.verifier;
    let taken = verifier.take_sign_in(answer, &caller).await?;
    // The same word for one that was answered, is over, or began elsewhere: nobody learns that it exists.
    let taken = taken.ok_or(EndpointError::Refused(Reason::ChallengeExpired))?;
    let attempt = taken.attempt().clone();
    let answering = Answering {
        locale: call.context.locale(),
        token: attempt.challenge.expose(),
        factor: Factor::Oidc,
        answer: &AnswerValue::SignIn(taken),
        confirm: attempt.confirm.as_deref(),
        purpose: attempt.purpose.as_ref(),
        trial: None,
        key: None,
        caller,
    };
    let outcome = verifier.answer(answering, call.requirement()).await?;
    known.note_parts(call.web, &outcome).await?;
    if let AnswerOutcome::Waiting(waiting) = &outcome {
        approval::tell(call, known, waiting).await;
    }
    let kept = KeptForm {
        carried: attempt.carried,
        phrase: attempt.confirm.unwrap_or_default(),
        purpose: attempt.purpose,
    };
    Ok((outcome, attempt.challenge, kept))
}

/// `POST oidc/backchannel-logout`: the provider itself tells that somebody has signed out there.
pub(super) async fn backchannel_logout(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let body = content.read(BODY_LIMIT).await?;
    let mut fields = form_urlencoded::parse(&body);
    let token = fields.find(|(name, _)| name == "logout_token");
    let token = token
        .ok_or(EndpointError::Malformed(EXPECTED_LOGOUT.into()))?
        .1;
    let context = call.context;
    let from = (context.client, context.id.as_str());
    let ended = call.web.verifier.end_by_token(&token, from).await;
    ended.map_err(not_ended)?;
    Ok(respond::json(context, &LockResponse { locked: true }))
}

/// `GET oidc/frontchannel-logout?iss=&sid=`: the same, by way of a frame on the provider's page.
pub(super) async fn frontchannel_logout(
    call: &Call<'_, '_>,
) -> Result<Response<Bytes>, EndpointError> {
    let [issuer, session] = ["iss", "sid"].map(|name| call.parameter(name).unwrap_or_default());
    let context = call.context;
    let from = (context.client, context.id.as_str());
    let ended = call.web.verifier.end_by_session((&issuer, &session), from);
    ended.await.map_err(not_ended)?;
    // No page: it may stand in a frame of any origin, and shows nothing there.
    Ok(respond::json(context, &LockResponse { locked: true }))
}

fn not_ended(error: LogoutError) -> EndpointError {
    match error {
        LogoutError::NoProvider => EndpointError::Refused(Reason::NotFound),
        LogoutError::Verify(error) => error.into(),
        LogoutError::Token(error) if error.reason() == Reason::SubjectUnavailable => {
            EndpointError::Refused(Reason::ProviderUnavailable)
        }
        LogoutError::NoLogoutToken | LogoutError::Repeated | LogoutError::Token(_) => {
            let cause = crate::telemetry::chain(&error);
            tracing::warn!(cause, "a logout at the identity provider ends nothing");
            EndpointError::Malformed(EXPECTED_LOGOUT.into())
        }
    }
}

/// What `state` says of where the browser is to be sent on to: our prefix below the path of the session's cookies,
/// where that is another than the one that is registered at the provider.
fn place(call: &Call<'_, '_>) -> Option<String> {
    let prefix = call.context.site().prefix;
    let registered = call.web.shared.options.site.prefix.trim_end_matches('/');
    (prefix != registered).then(|| BASE64URL_NOPAD.encode(prefix.as_bytes()))
}

/// The callback of ours that `state` names, if this call came to another one.
fn place_of(call: &Call<'_, '_>, state: &str) -> Option<LocalPath> {
    let (_, place) = state.split_once('.')?;
    let prefix = String::from_utf8(BASE64URL_NOPAD.decode(place.as_bytes()).ok()?).ok()?;
    let path = LocalPath::parse(&format!("{prefix}/oidc/callback"))?;
    // Whatever it says, only an endpoint of ours; and only once.
    let is_ours = call.web.shared.options.site.endpoint(path.as_str()) == Some("oidc/callback");
    (is_ours && path.as_str() != call.context.path()).then_some(path)
}
