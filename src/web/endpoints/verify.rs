//! `POST verify` and `POST verify/send`: one factor answered, or a code asked for.

use super::responder::{EXPECTED_FORM, EXPECTED_JSON, Responder};
use super::sent::{Expected, Sent, read};
use super::{Call, EndpointError, Known, approval, oidc};
use crate::domain::{Factor, Reason, Secret, StatedPurpose};
use crate::locale::Locale;
use crate::request::body::RequestBody;
use crate::request::context::RequestContext;
use crate::verification::{
    AnswerOutcome, AnswerValue, Answering, AuthorizationResponse, PasswordTrial, Sending,
};
use crate::web::api::{SendRequest, SendResponse, VerifyRequest};
use crate::web::pages::{EmailCode, PromptError};
use crate::web::respond;
use bytes::Bytes;
use http::Response;
use std::collections::HashMap;

/// Answers one factor.
pub(super) async fn answer(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let mut shows_again = false;
    let form =
        |form: &mut HashMap<String, String>| verify_form(form, call.context, &mut shows_again);
    let sent = read(call, &known, &mut content, EXPECTED, form).await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let factor: Factor = request
        .factor
        .parse()
        .map_err(|_| EndpointError::Malformed(expected_factor().into()))?;
    let responder = Responder {
        call,
        known: &known,
        token: request.token.clone(),
        factor,
    };
    if let (true, Sent::Form(_, kept)) = (shows_again, &sent) {
        return responder.again(kept, None, None, |_| {}).await;
    }
    if let (Factor::Oidc, Some(response)) = (factor, request.answer.read()) {
        return finish_sign_in(call, &known, response).await;
    }
    let upstream_login = call.web.shared.upstream_login.as_ref();
    let trial = upstream_login.map(|login| {
        let known = (&call.web.upstream, &call.web.sessions);
        login.trial(known, call.context, call.path, &call.parts.headers)
    });
    let purpose = request.purpose.as_deref().and_then(StatedPurpose::of);
    let answering = Answering {
        token: request.token.expose(),
        factor,
        answer: &request.answer,
        confirm: request.confirm.as_deref(),
        purpose: purpose.as_ref(),
        trial: trial.as_ref().map(|trial| trial as &dyn PasswordTrial),
        key: None,
        caller: known.caller(),
        locale: call.context.locale(),
    };
    let outcome = call
        .web
        .verifier
        .answer(answering, call.requirement())
        .await?;
    known.note_parts(call.web, &outcome).await?;
    if let AnswerOutcome::Waiting(waiting) = &outcome {
        approval::tell(call, &known, waiting).await;
    }
    match &sent {
        Sent::Json(_) => responder.json(outcome),
        Sent::Form(_, kept) => responder.page(outcome, kept).await,
    }
}

const EXPECTED: Expected = Expected {
    json: EXPECTED_JSON,
    form: EXPECTED_FORM,
};

/// For a program that has read the provider's answer from the address that its window was sent back to.
async fn finish_sign_in(
    call: &Call<'_, '_>,
    known: &Known,
    response: AuthorizationResponse,
) -> Result<Response<Bytes>, EndpointError> {
    let (outcome, token, _) = oidc::finish(call, known, response).await?;
    let responder = Responder {
        call,
        known,
        token,
        factor: Factor::Oidc,
    };
    responder.json(outcome)
}

/// Reads the form of the prompt page. Its buttons `other` and `language` ask for another way and another language: nothing
/// is answered then.
fn verify_form(
    form: &mut HashMap<String, String>,
    context: &RequestContext<'_>,
    shows_again: &mut bool,
) -> Option<VerifyRequest> {
    let other = form.remove("other");
    let language = form.remove("language");
    let language = language.and_then(|tag| tag.parse::<Locale>().ok());
    *shows_again = other.is_some() || language.is_some();
    if let Some(locale) = language {
        context.choose_language(locale);
    }
    let answer = ["answer", "password", "code"]
        .into_iter()
        .find_map(|name| form.remove(name));
    Some(VerifyRequest {
        token: Secret::new(form.remove("token")?),
        answer: AnswerValue::Text(Secret::new(if *shows_again {
            answer.unwrap_or_default()
        } else {
            answer?
        })),
        factor: other.or_else(|| form.remove("factor"))?,
        confirm: form.remove("confirm"),
        purpose: form.remove("purpose"),
    })
}

/// Sends a code.
pub(super) async fn send(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent: Sent<SendRequest> = read(call, &known, &mut content, EXPECTED, |form| {
        Some(SendRequest {
            token: Secret::new(form.remove("token")?),
        })
    })
    .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let context = call.context;
    let token = request.token.expose();
    let locale = context.locale();
    let sending = call
        .web
        .verifier
        .send_code(token, call.requirement(), &known.caller(), locale)
        .await?;
    let token = request.token.clone();
    let responder = Responder {
        call,
        known: &known,
        token,
        factor: Factor::EmailCode,
    };
    match (sending, sent) {
        (
            Sending::Sent {
                hint, resend_after, ..
            },
            Sent::Json(_),
        ) => Ok(respond::json(
            context,
            &SendResponse::sent(hint, resend_after),
        )),
        (
            Sending::Sent {
                hint, resend_after, ..
            },
            Sent::Form(_, kept),
        ) => {
            let email = EmailCode {
                to: hint,
                sent: true,
                wait: resend_after,
            };
            responder
                .again(&kept, None, None, |draft| {
                    draft.prompt.email = Some(email);
                })
                .await
        }
        (Sending::Refused(refusal), Sent::Json(_)) => Ok(responder.refused_json(&refusal)),
        (Sending::Refused(refusal), Sent::Form(_, kept)) => {
            let too_soon =
                refusal.reason == Reason::TooManyAttempts && refusal.attempts_left.is_none();
            let error = if too_soon {
                Some(PromptError::SentTooSoon)
            } else {
                responder.prompt_error(&refusal)
            };
            let wait = refusal.retry_after.unwrap_or_default();
            responder
                .again(&kept, Some(&refusal), error, |draft| {
                    if let Some(email) = draft.prompt.email.as_mut().filter(|_| too_soon) {
                        email.sent = true;
                        email.wait = wait;
                    }
                })
                .await
        }
    }
}

fn expected_factor() -> String {
    let words: Vec<_> = Factor::BY_PREFERENCE
        .into_iter()
        .map(Factor::as_str)
        .collect();
    format!("`factor` to be one of {}", words.join(", "))
}
