//! `device` and `device/token`: a program has its proof given by the owner of its account, in their browser (RFC 8628).

use super::browser_key::set_browser_key;
use super::offered::is_program;
use super::prompt::{document, fresh};
use super::sent::{Expected, Sent, read};
use super::{BODY_LIMIT, Call, EndpointError, Known};
use crate::domain::{LocalPath, Reason, ReturnTarget, Secret, UserCode};
use crate::request::body::RequestBody;
use crate::request::context::RequestContext;
use crate::verification::{
    DeviceFound, DeviceGrant, DevicePoll, DeviceView, Refusal, anti_forgery_token,
};
use crate::web::api::{
    DEVICE_GRANT_TYPE, DeviceDecisionRequest, DeviceDocument, DeviceError, DeviceTokenRequest,
    NpmDone, VerifyResponse, page_url,
};
use crate::web::pages::{self, DevicePage};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// The page, below our prefix.
const PAGE: &str = "device";

/// `POST device/token`: a program polls (RFC 8628 §3.4).
///
/// No token ties the form to a page: a page of another origin has no device code of this session, and what a poll
/// takes up goes to whoever has both.
pub(super) async fn token(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let context = call.context;
    if !is_program(context) {
        return Err(EndpointError::CrossSite);
    }
    let bytes = content.read(BODY_LIMIT).await?;
    let request = if call.is_json() {
        serde_json::from_slice(&bytes).ok()
    } else {
        of_form(&bytes)
    };
    let error = match &request {
        None => Some(MALFORMED),
        Some(DeviceTokenRequest { grant_type, .. }) if grant_type.is_empty() => Some(MALFORMED),
        Some(request) if request.grant_type != DEVICE_GRANT_TYPE => Some(UNSUPPORTED),
        Some(request) if request.device_code.expose().is_empty() => Some(MALFORMED),
        Some(_) => None,
    };
    let (None, Some(request)) = (&error, request) else {
        return Ok(respond::device_error(context, &error.unwrap_or(MALFORMED)));
    };
    let known = call.identify().await?;
    let poll = poll(call, &known, request.device_code.expose()).await?;
    answered(call, poll, respond::device_error, |granted| {
        let response = VerifyResponse::verified(granted.expires_at, Some(granted.browser_key));
        respond::json(context, &response)
    })
}

/// `device/done`: npm polls, and takes the key for the code that it was asked for.
///
/// The device code is in the address, as npm sends nothing else along. It counts together with the credential of the
/// session alone, and for as long as the challenge.
pub(super) async fn done(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let context = call.context;
    if !is_program(context) {
        return Err(EndpointError::CrossSite);
    }
    let known = call.identify().await?;
    let code = call.parameter("device_code").map(Secret::new);
    let code = code.ok_or(EndpointError::Malformed("`device_code`".into()))?;
    let poll = poll(call, &known, code.expose()).await?;
    answered(call, poll, respond::npm_not_done, |granted| {
        let token = granted.browser_key;
        respond::json(context, &NpmDone { token })
    })
}

/// What a program is told of its poll: that it is not over, or why nothing comes of it, or what it takes up.
fn answered(
    call: &Call<'_, '_>,
    poll: DevicePoll,
    error: impl FnOnce(&RequestContext<'_>, &DeviceError) -> Response<Bytes>,
    granted: impl FnOnce(DeviceGrant) -> Response<Bytes>,
) -> Result<Response<Bytes>, EndpointError> {
    let context = call.context;
    let interval = call.web.verifier.services().settings.device_interval;
    if let Some(said) = DeviceError::of(&poll, interval) {
        return Ok(error(context, &said));
    }
    match poll {
        DevicePoll::Granted(taken) => Ok(granted(*taken)),
        DevicePoll::Barred(refusal) => Ok(respond::answer_refused(context, &refusal)),
        DevicePoll::Denied
        | DevicePoll::Expired
        | DevicePoll::Pending
        | DevicePoll::SlowDown
        | DevicePoll::Unknown => Err(EndpointError::Refused(Reason::ChallengeExpired)),
    }
}

/// A poll of any form: looks what became of a request, and files or takes it up.
pub(super) async fn poll(
    call: &Call<'_, '_>,
    known: &Known,
    device_code: &str,
) -> Result<DevicePoll, EndpointError> {
    let (verifier, caller) = (&call.web.verifier, known.caller());
    let poll = verifier.poll_device(device_code, call.requirement(), &caller);
    let poll = poll.await?;
    if matches!(poll, DevicePoll::Granted(_)) {
        known.note_all_parts(call.web).await?;
    }
    Ok(poll)
}

/// `GET device?user_code=`: the request that a code names; without one, the page that asks for it. Decides nothing.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let known = call.identify().await?;
    let Some(typed) = call.parameter("user_code") else {
        return Ok(shown(call, &known, DevicePage::ask()));
    };
    let code = typed.parse::<UserCode>().ok();
    let (verifier, caller) = (&call.web.verifier, known.caller());
    let found = verifier.device_request(code, call.requirement(), &caller);
    match found.await? {
        DeviceFound::Barred(refusal) => Ok(barred(call, &refusal)),
        DeviceFound::Found(view) => Ok(found_page(call, &known, *view)),
        DeviceFound::Nothing if !call.context.hints.reads_pages() => {
            Err(EndpointError::Refused(Reason::NotFound))
        }
        DeviceFound::Nothing => Ok(shown(call, &known, DevicePage::unknown(typed))),
    }
}

/// `POST device`: off to the proof by which the request is approved, or denied at once.
pub(super) async fn decide(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, &mut content, EXPECTED, |form| {
        Some(DeviceDecisionRequest {
            user_code: form.remove("user_code")?,
            decision: form.remove("decision")?,
        })
    })
    .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = sent;
    let code = request.user_code.parse::<UserCode>();
    let found = (call.web.verifier)
        .device_request(code.ok(), call.requirement(), &known.caller())
        .await?;
    let code = match found {
        DeviceFound::Barred(refusal) => return Ok(barred(call, &refusal)),
        DeviceFound::Found(view) => view.user_code,
        DeviceFound::Nothing => return Err(EndpointError::Refused(Reason::NotFound)),
    };
    match request.decision.as_str() {
        "approve" => approve(call, &known, code).await,
        "deny" => {
            let denied = (call.web.verifier)
                .deny_device(code, call.requirement(), &known.caller())
                .await?;
            let view = denied.ok_or(EndpointError::Refused(Reason::NotFound))?;
            Ok(found_page(call, &known, view))
        }
        _ => Err(EndpointError::Malformed(EXPECTED.json.into())),
    }
}

/// The ordinary prompt, for what the route of the program's request requires.
async fn approve(
    call: &Call<'_, '_>,
    known: &Known,
    code: UserCode,
) -> Result<Response<Bytes>, EndpointError> {
    let (web, context) = (call.web, call.context);
    let page = format!("{}/{PAGE}?user_code={code}", context.site().prefix);
    let return_to = LocalPath::parse(&page).map_or(ReturnTarget::Caller, ReturnTarget::Path);
    let caller = known.caller();
    let opened = (web.verifier)
        .open_for_device(code, return_to, call.requirement(), &caller)
        .await?;
    // Decided or void by now, which its page says.
    let Some(opened) = opened else {
        return show_again(call, known, code).await;
    };
    let token = Secret::new(opened.token);
    if context.hints.reads_pages() {
        let prompt = page_url(&context.site(), &token);
        return Ok(respond::challenge_redirect(context, &prompt));
    }
    let refusal = Reason::StepUpRequired.into();
    let (challenge, claimant) = (&opened.challenge, known.claimant());
    document(web, context, challenge, token, &claimant, (&refusal, None)).await
}

async fn show_again(
    call: &Call<'_, '_>,
    known: &Known,
    code: UserCode,
) -> Result<Response<Bytes>, EndpointError> {
    let found = (call.web.verifier)
        .device_request(Some(code), call.requirement(), &known.caller())
        .await?;
    match found {
        DeviceFound::Found(view) => Ok(found_page(call, known, *view)),
        DeviceFound::Barred(_) | DeviceFound::Nothing => {
            Err(EndpointError::Refused(Reason::ChallengeExpired))
        }
    }
}

fn found_page(call: &Call<'_, '_>, known: &Known, view: DeviceView) -> Response<Bytes> {
    let context = call.context;
    if !context.hints.reads_pages() {
        return respond::json(context, &DeviceDocument::of(&view, &context.site()));
    }
    let is_near = view.is_from_network_of(context.client);
    shown(call, known, DevicePage::found(view, is_near))
}

fn barred(call: &Call<'_, '_>, refusal: &Refusal) -> Response<Bytes> {
    let context = call.context;
    if context.hints.reads_pages() {
        let wait = refusal.retry_after;
        return respond::refusal(context, refusal.reason, None, wait);
    }
    respond::answer_refused(context, refusal)
}

/// The page, whose forms this browser alone can send.
fn shown(call: &Call<'_, '_>, known: &Known, mut page: DevicePage) -> Response<Bytes> {
    let (context, shared) = (call.context, &call.web.sessions.shared);
    let (key, fresh_key) = match known.caller.browser_key {
        Some(key) => (Some(key), None),
        None => fresh(call.web),
    };
    let anti_forgery = key.map(|key| anti_forgery_token(&key, &shared.keys));
    page.anti_forgery = Secret::new(anti_forgery.unwrap_or_default());
    page.account = known.session.owner.to_string();
    let mut response = respond::shown(context, pages::device(&context.site(), &page));
    if let Some(key) = &fresh_key {
        set_browser_key(&shared.browser_key, &mut response, key);
    }
    response
}

/// Reads a poll from a form.
fn of_form(bytes: &[u8]) -> Option<DeviceTokenRequest> {
    let mut request = DeviceTokenRequest {
        grant_type: String::new(),
        device_code: Secret::new(String::new()),
    };
    for (name, value) in form_urlencoded::parse(bytes) {
        match &*name {
            // RFC 6749 §3.2: no parameter occurs twice.
            "grant_type" if !request.grant_type.is_empty() => return None,
            "grant_type" => request.grant_type = value.into_owned(),
            "device_code" if !request.device_code.expose().is_empty() => return None,
            "device_code" => request.device_code = Secret::new(value.into_owned()),
            // Whatever else: `client_id` of libraries that send one.
            _ => {}
        }
    }
    Some(request)
}

const MALFORMED: DeviceError = DeviceError::malformed(
    "invalid_request",
    "expected a form or JSON with `grant_type` and `device_code`, each once",
);
const UNSUPPORTED: DeviceError = DeviceError::malformed(
    "unsupported_grant_type",
    "expected `grant_type` to be urn:ietf:params:oauth:grant-type:device_code",
);
const EXPECTED: Expected = Expected {
    json: "JSON with `user_code` and `decision`: `approve` or `deny`",
    form: "the fields of the page `device`: `user_code` and `decision`",
};
