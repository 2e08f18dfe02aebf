//! `enroll/passkeys`: the page on which people add passkeys and name them, and the options for its script.

use super::enrolling::Enrolling;
use crate::domain::{Factor, LocalPath, Reason, Secret};
use crate::request::body::RequestBody;
use crate::verification::AnswerValue;
use crate::web::api::{AddPasskeyRequest, ChangedResponse, RenameRequest};
use crate::web::endpoints::sent::Expected;
use crate::web::endpoints::{Call, EndpointError};
use crate::web::pages::{self, PasskeysView};
use crate::web::respond;
use bytes::Bytes;
use http::Response;

/// The page, below our prefix.
const PAGE: &str = "enroll/passkeys";

/// `GET enroll/passkeys`: the page.
pub(super) async fn show(call: &Call<'_, '_>) -> Result<Response<Bytes>, EndpointError> {
    let enrolling = Enrolling::opened(call, PAGE).await?;
    let page = page(&enrolling, false).await?;
    Ok(respond::with_script(
        call.context,
        respond::shown(call.context, page),
    ))
}

/// `POST enroll/passkeys/options`: how the browser is asked to make a passkey.
pub(super) async fn options(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let posted = Enrolling::posted(call, content, EXPECTED_NOTHING, |_| None);
    let (enrolling, _): (_, serde_json::Value) = posted.await?;
    let caller = enrolling.known.caller();
    let options = call.web.verifier.new_passkey_options(&caller);
    match options.await? {
        Some(options) => Ok(respond::json(call.context, &options)),
        None => Err(EndpointError::Refused(Reason::MethodNotEnrolled)),
    }
}

/// `POST enroll/passkeys`: the browser has made one.
pub(super) async fn add(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let posted = Enrolling::posted(call, content, EXPECTED_PASSKEY, |form| {
        Some(AddPasskeyRequest {
            answer: AnswerValue::Text(Secret::new(form.remove("answer")?)),
            name: form.remove("name").unwrap_or_default(),
        })
    });
    let (enrolling, request) = posted.await?;
    let (context, caller, locale) = (
        call.context,
        enrolling.known.caller(),
        call.context.locale(),
    );
    let verifier = &call.web.verifier;
    let added = verifier.add_passkey(&request.answer, &request.name, locale, &caller);
    if added.await? {
        return Ok(enrolling.done(Factor::Passkey));
    }
    let refusal = Reason::WrongAnswer.into();
    if !enrolling.reads_pages {
        return Ok(respond::answer_refused(context, &refusal));
    }
    let page = page(&enrolling, true).await?;
    let response = respond::shown_again(context, &refusal, page);
    Ok(respond::with_script(call.context, response))
}

/// `POST enroll/passkeys/rename`: one of them gets another name.
pub(super) async fn rename(
    call: &Call<'_, '_>,
    content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    let posted = Enrolling::posted(call, content, EXPECTED_NAME, |form| {
        Some(RenameRequest {
            id: form.remove("id")?,
            name: form.remove("name")?,
        })
    });
    let (enrolling, request) = posted.await?;
    let (verifier, caller) = (&call.web.verifier, enrolling.known.caller());
    let renamed = verifier.rename_passkey(&request.id, &request.name, &caller);
    if !renamed.await? {
        return Err(EndpointError::Refused(Reason::NotFound));
    }
    let query = pages::back_query(enrolling.back.as_ref());
    let page = LocalPath::parse(&format!("{}/{PAGE}{query}", call.context.site().prefix));
    Ok(match page.filter(|_| enrolling.reads_pages) {
        Some(page) => respond::see_other(call.context, &page),
        None => respond::json(call.context, &ChangedResponse { changed: true }),
    })
}

async fn page(
    enrolling: &Enrolling<'_, '_, '_>,
    was_refused: bool,
) -> Result<String, EndpointError> {
    let call = enrolling.call;
    if call.web.verifier.services().passkeys.is_none() {
        return Err(EndpointError::Refused(Reason::NotFound));
    }
    let account = enrolling.account().await?;
    let view = PasskeysView {
        entries: account.entries(Factor::Passkey).collect(),
        was_refused,
        back: enrolling.back.clone(),
        anti_forgery: enrolling.anti_forgery(),
    };
    Ok(pages::passkeys(&call.context.site(), &view))
}

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
