//! Passkeys: the options by which the script of a page asks the browser for one, and the page on which
//! people add and name their own.

use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError, Known};
use crate::domain::{Factor, LocalPath, Reason, Secret};
use crate::request::body::RequestBody;
use crate::verification::{AnswerValue, PasskeyRequest, anti_forgery_token};
use crate::web::api::{AddPasskeyRequest, ChangedResponse, RenameRequest, SendRequest};
use crate::web::own_action::OwnAction;
use crate::web::pages::{self, PasskeysView};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// The page, below our prefix.
const PAGE: &str = "enroll/passkeys";

/// `POST verify/passkey/options`: how the browser is asked for a passkey, in a challenge.
pub(super) async fn options(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent: Sent<SendRequest> =
        read(call, &known, &mut content, EXPECTED_TOKEN, |_| None).await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = sent;
    let (token, caller) = (request.token.expose(), known.caller());
    let verifier = &call.web.verifier;
    let request = verifier.passkey_options(token, call.requirement(), &caller);
    match request.await? {
        PasskeyRequest::Options(options) => Ok(respond::json(call.context, &options)),
        PasskeyRequest::Refused(refusal) => Ok(respond::answer_refused(call.context, &refusal)),
    }
}

/// `GET enroll/passkeys`: the page.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let known = call.identify().await?;
    call.must_be_proven(&known, OwnAction::Enrollment, PAGE)
        .await?;
    let page = page(call, &known, false).await?;
    Ok(respond::with_script(respond::shown(call.context, page)))
}

/// `POST enroll/passkeys/options`: how the browser is asked to make a passkey.
pub(super) async fn new_options(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let _: Sent<serde_json::Value> =
        read(call, &known, &mut content, EXPECTED_NOTHING, |_| None).await?;
    call.must_be_proven(&known, OwnAction::Enrollment, PAGE)
        .await?;
    let caller = known.caller();
    let options = call.web.verifier.new_passkey_options(&caller);
    match options.await? {
        Some(options) => Ok(respond::json(call.context, &options)),
        None => Err(EndpointError::Refused(Reason::MethodNotEnrolled)),
    }
}

/// `POST enroll/passkeys`: the browser has made one.
pub(super) async fn add(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, &mut content, EXPECTED_PASSKEY, |form| {
        Some(AddPasskeyRequest {
            answer: AnswerValue::Text(Secret::new(form.remove("answer")?)),
            name: form.remove("name").unwrap_or_default(),
        })
    });
    let sent = sent.await?;
    call.must_be_proven(&known, OwnAction::Enrollment, PAGE)
        .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let (context, caller, locale) = (call.context, known.caller(), call.context.hints.locale());
    let verifier = &call.web.verifier;
    let added = verifier.add_passkey(&request.answer, &request.name, locale, &caller);
    let refusal = Reason::WrongAnswer.into();
    match (added.await?, sent) {
        (true, sent) => Ok(changed(call, &sent)),
        (false, Sent::Json(_)) => Ok(respond::answer_refused(context, &refusal)),
        (false, Sent::Form(..)) => {
            let page = page(call, &known, true).await?;
            let response = respond::shown_again(context, &refusal, page);
            Ok(respond::with_script(response))
        }
    }
}

/// `POST enroll/passkeys/rename`: one of them gets another name.
pub(super) async fn rename(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent = read(call, &known, &mut content, EXPECTED_NAME, |form| {
        Some(RenameRequest {
            id: form.remove("id")?,
            name: form.remove("name")?,
        })
    });
    let sent = sent.await?;
    call.must_be_proven(&known, OwnAction::Enrollment, PAGE)
        .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let (verifier, caller) = (&call.web.verifier, known.caller());
    let renamed = verifier.rename_passkey(&request.id, &request.name, &caller);
    if renamed.await? {
        Ok(changed(call, &sent))
    } else {
        Err(EndpointError::Refused(Reason::NotFound))
    }
}

/// It is done: a page shows it, a program is told.
fn changed<T>(call: &Call<'_, '_>, sent: &Sent<T>) -> Response<Bytes> {
    let context = call.context;
    let page = LocalPath::parse(&format!("{}/{PAGE}", context.site().prefix));
    match (sent, page) {
        (Sent::Form(..), Some(page)) => respond::see_other(context, &page),
        (Sent::Form(..), None) | (Sent::Json(_), _) => {
            respond::json(context, &ChangedResponse { changed: true })
        }
    }
}

async fn page(
    call: &Call<'_, '_>,
    known: &Known,
    was_refused: bool,
) -> Result<String, EndpointError> {
    let web = call.web;
    if web.verifier.services().passkeys.is_none() {
        return Err(EndpointError::Refused(Reason::NotFound));
    }
    let account = web.verifier.account(&known.claimant()).await?;
    let key = known.caller.browser_key;
    let token = key.map(|key| anti_forgery_token(&key, &web.sessions.shared.keys));
    let view = PasskeysView {
        entries: account.entries(Factor::Passkey).collect(),
        was_refused,
        anti_forgery: Secret::new(token.unwrap_or_default()),
    };
    Ok(pages::passkeys(&call.context.site(), &view))
}

const EXPECTED_TOKEN: Expected = Expected {
    json: "JSON with `token`",
    form: "JSON with `token`, and no form",
};
const EXPECTED_NOTHING: Expected = Expected {
    json: "JSON, `{}`",
    form: "JSON, `{}`, and no form",
};
const EXPECTED_PASSKEY: Expected = Expected {
    json: "JSON with `answer`, of `state` and `credential`, and perhaps `name`",
    form: "the fields of the page `enroll/passkeys`: `answer`, `name`",
};
const EXPECTED_NAME: Expected = Expected {
    json: "JSON with `id` and `name`",
    form: "the fields of the page `enroll/passkeys`: `id`, `name`",
};
