//! `POST verify` and `POST verify/send`: one factor answered, or a code asked for.

use super::EndpointError;
use super::prompt::{PromptDraft, for_known, set_browser_key};
use super::{BODY_LIMIT, Call, Known};
use crate::domain::{Factor, FactorSet, LocalPath, Reason, ReasonKind, ReturnTarget, Secret};
use crate::request::body::RequestBody;
use crate::request::client_kind::ClientKind;
use crate::verification::{
    AnswerOutcome, AnswerValue, Answering, CarriedForm, FormOwner, Refusal, Sending, Success,
};
use crate::web::api::{SendRequest, SendResponse, VerifyRequest, VerifyResponse};
use crate::web::pages::{
    self, CarriedField, Confirm, EmailCode, FormEncoding, PromptError, VerifiedPage,
};
use crate::web::respond;
use bytes::Bytes;
use http::Response;
use std::collections::HashMap;

/// What came with a call: JSON of a program, or a form of our own page.
enum Sent<T> {
    Json(T),
    Form(T, Option<Secret<String>>),
}

/// Answers one factor.
pub(super) async fn answer(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent: Sent<VerifyRequest> = read(call, &known, &mut content, |form| {
        let answer = ["answer", "password", "code"]
            .into_iter()
            .find_map(|name| form.remove(name));
        Some(VerifyRequest {
            token: Secret::new(form.remove("token")?),
            factor: form.remove("factor")?,
            answer: AnswerValue::Text(Secret::new(answer?)),
            confirm: form.remove("confirm"),
        })
    })
    .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let factor: Factor = request
        .factor
        .parse()
        .map_err(|_| EndpointError::Malformed(expected_factor().into()))?;
    let answering = Answering {
        token: request.token.expose(),
        factor,
        answer: &request.answer,
        confirm: request.confirm.as_deref(),
        caller: known.caller(),
    };
    let outcome = call
        .web
        .verifier
        .answer(answering, call.requirement())
        .await?;
    let parts = &known.caller.parts;
    if matches!(outcome, AnswerOutcome::Verified(_)) && !parts.is_empty() {
        // The session may be known only since now.
        let store = &call.web.sessions.store;
        store.note_parts(known.id, parts).await?;
    }
    let responder = Responder {
        call,
        known: &known,
        token: request.token.clone(),
        factor,
    };
    match (outcome, sent) {
        (AnswerOutcome::Verified(success), Sent::Json(_)) => Ok(responder.verified_json(&success)),
        (AnswerOutcome::Verified(success), Sent::Form(_, carried)) => {
            responder.verified_page(&success, carried.as_ref())
        }
        (
            AnswerOutcome::MoreNeeded {
                alternatives,
                shown,
                expires_at,
            },
            Sent::Json(_),
        ) => {
            let response = VerifyResponse::partly(&alternatives, shown, expires_at);
            Ok(respond::json(call.context, &response))
        }
        (AnswerOutcome::MoreNeeded { shown, .. }, Sent::Form(_, carried)) => {
            responder
                .again(carried, None, None, |draft| draft.prompt.proven = shown)
                .await
        }
        (AnswerOutcome::Refused(refusal), Sent::Json(_)) => Ok(responder.refused_json(&refusal)),
        (AnswerOutcome::Refused(refusal), Sent::Form(_, carried)) => {
            let error = responder.prompt_error(&refusal);
            responder
                .again(carried, Some(&refusal), error, |draft| {
                    draft.keep_code_field(factor);
                })
                .await
        }
        (AnswerOutcome::Malformed, Sent::Json(_)) => {
            Err(EndpointError::Malformed(EXPECTED_JSON.into()))
        }
        (AnswerOutcome::Malformed, Sent::Form(..)) => {
            Err(EndpointError::Malformed(EXPECTED_FORM.into()))
        }
        (AnswerOutcome::Unconfirmed, Sent::Json(_)) => {
            Ok(responder.refused_json(&Reason::WrongAnswer.into()))
        }
        (AnswerOutcome::Unconfirmed, Sent::Form(_, carried)) => {
            let refusal = Reason::WrongAnswer.into();
            let error = Some(PromptError::WrongPhrase(factor));
            responder
                .again(carried, Some(&refusal), error, |draft| {
                    draft.keep_code_field(factor);
                })
                .await
        }
    }
}

/// Sends a code.
pub(super) async fn send(
    call: &Call<'_, '_>,
    mut content: RequestBody,
) -> Result<Response<Bytes>, EndpointError> {
    call.must_be_ours()?;
    let known = call.identify().await?;
    let sent: Sent<SendRequest> = read(call, &known, &mut content, |form| {
        Some(SendRequest {
            token: Secret::new(form.remove("token")?),
        })
    })
    .await?;
    let (Sent::Json(request) | Sent::Form(request, _)) = &sent;
    let context = call.context;
    let token = request.token.expose();
    let locale = context.hints.locale();
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
            Sent::Form(_, carried),
        ) => {
            let email = EmailCode {
                to: hint,
                sent: true,
                wait: resend_after,
            };
            responder
                .again(carried, None, None, |draft| {
                    draft.prompt.email = Some(email);
                })
                .await
        }
        (Sending::Refused(refusal), Sent::Json(_)) => Ok(responder.refused_json(&refusal)),
        (Sending::Refused(refusal), Sent::Form(_, carried)) => {
            let too_soon =
                refusal.reason == Reason::TooManyAttempts && refusal.attempts_left.is_none();
            let error = if too_soon {
                Some(PromptError::SentTooSoon)
            } else {
                responder.prompt_error(&refusal)
            };
            let wait = refusal.retry_after.unwrap_or_default();
            responder
                .again(carried, Some(&refusal), error, |draft| {
                    if let Some(email) = draft.prompt.email.as_mut().filter(|_| too_soon) {
                        email.sent = true;
                        email.wait = wait;
                    }
                })
                .await
        }
    }
}

/// Reads what was sent. A form must come from a page of ours that this browser was given.
async fn read<T: serde::de::DeserializeOwned>(
    call: &Call<'_, '_>,
    known: &Known,
    content: &mut RequestBody,
    of_form: impl FnOnce(&mut HashMap<String, String>) -> Option<T>,
) -> Result<Sent<T>, EndpointError> {
    let bytes = content.read(BODY_LIMIT).await?;
    if call.is_json() {
        let request = serde_json::from_slice(&bytes);
        return request
            .map(Sent::Json)
            .map_err(|_| EndpointError::Malformed(EXPECTED_JSON.into()));
    }
    let mut form: HashMap<String, String> = form_urlencoded::parse(&bytes).into_owned().collect();
    let anti_forgery = form.remove("anti_forgery").unwrap_or_default();
    call.must_bear_our_token(known, &anti_forgery)?;
    let carried = form.remove("carried").map(Secret::new);
    let request = of_form(&mut form);
    request
        .map(|request| Sent::Form(request, carried))
        .ok_or(EndpointError::Malformed(EXPECTED_FORM.into()))
}

fn expected_factor() -> String {
    let words: Vec<_> = Factor::implemented().map(Factor::as_str).collect();
    format!("`factor` to be one of {}", words.join(", "))
}

/// Where answers to one call are put together.
struct Responder<'d, 'v, 'w> {
    call: &'d Call<'v, 'w>,
    known: &'d Known,
    token: Secret<String>,
    factor: Factor,
}

impl Responder<'_, '_, '_> {
    fn verified_json(&self, success: &Success) -> Response<Bytes> {
        let context = self.call.context;
        // A script of a page must not see what its cookie jar keeps from it.
        let key = (context.hints.kind == ClientKind::Api).then(|| success.browser_key.clone());
        let response = VerifyResponse::verified(success.expires_at, key);
        let mut response = respond::json(context, &response);
        set_browser_key(
            &self.call.web.sessions.shared.browser_key,
            &mut response,
            &success.browser_key,
        );
        response
    }

    /// Back to where the person was; or the one button that posts what they had filled in.
    fn verified_page(
        &self,
        success: &Success,
        carried: Option<&Secret<String>>,
    ) -> Result<Response<Bytes>, EndpointError> {
        let context = self.call.context;
        let site = context.site();
        let mut response = match (&success.challenge.return_to, carried) {
            (ReturnTarget::Form(_), Some(sealed)) => {
                let confirm = self.confirm(success, sealed);
                let confirm = confirm.ok_or(EndpointError::Refused(Reason::ChallengeExpired))?;
                respond::confirmation(context, pages::confirm(&site, &confirm))
            }
            (ReturnTarget::Path(path), _) => respond::see_other(context, path),
            (ReturnTarget::Form(_) | ReturnTarget::Caller, _) => respond::shown(
                context,
                pages::verified(&site, &VerifiedPage { back: None }),
            ),
        };
        set_browser_key(
            &self.call.web.sessions.shared.browser_key,
            &mut response,
            &success.browser_key,
        );
        Ok(response)
    }

    fn confirm(&self, success: &Success, sealed: &Secret<String>) -> Option<Confirm> {
        let shared = &self.call.web.sessions.shared;
        let now = shared.clock.now();
        let owner = FormOwner {
            session: success.challenge.session,
            browser_key: self.known.caller.browser_key,
        };
        let form = CarriedForm::open(sealed.expose(), &owner, &shared.keys, now)?;
        let challenge = &success.challenge;
        // The page carries form and token apart: a form must not take the place of the one that was
        // refused.
        if challenge.return_to != ReturnTarget::Form(form.target.clone()) {
            return None;
        }
        let values = form.fields.into_iter();
        let fields = values
            .map(|(name, value)| CarriedField::Value(name, Secret::new(value)))
            .chain(form.dropped.into_iter().map(CarriedField::Password))
            .chain(form.files.into_iter().map(CarriedField::File))
            .collect();
        Some(Confirm {
            title: challenge.demand.requirement.title.clone(),
            shown: challenge.shown.clone(),
            action: form.target,
            encoding: if form.multipart {
                FormEncoding::Multipart
            } else {
                FormEncoding::Urlencoded
            },
            fields,
            time_left: success.expires_at.since(now),
            cancel: Some(LocalPath::root()),
        })
    }

    fn refused_json(&self, refusal: &Refusal) -> Response<Bytes> {
        respond::answer_refused(self.call.context, refusal)
    }

    /// What the person reads about a refusal on the page itself, which stays as long as its challenge. Of one
    /// that is over, a page of its own says why.
    fn prompt_error(&self, refusal: &Refusal) -> Option<PromptError> {
        let reason = refusal.reason;
        #[allow(clippy::wildcard_enum_match_arm)] // the table of reasons names the rest
        match reason {
            Reason::FactorLocked => Some(PromptError::FactorLocked(self.factor)),
            Reason::MailUnavailable => Some(PromptError::MailUnavailable),
            Reason::TooManyAttempts => Some(PromptError::TooManyAttempts(refusal.retry_after)),
            Reason::WrongAnswer => Some(PromptError::WrongAnswer {
                factor: self.factor,
                remaining: refusal.attempts_left.unwrap_or_default(),
            }),
            _ => (reason.kind() == ReasonKind::Fault).then_some(PromptError::Unavailable),
        }
    }

    /// The prompt page once more, with the form that it carries; or a page about why not.
    async fn again(
        &self,
        carried: Option<Secret<String>>,
        refusal: Option<&Refusal>,
        error: Option<PromptError>,
        change: impl FnOnce(&mut PromptDraft),
    ) -> Result<Response<Bytes>, EndpointError> {
        let (web, context) = (self.call.web, self.call.context);
        let (token, claimant) = (self.token.clone(), self.known.claimant());
        let open = web
            .verifier
            .read(token.expose(), self.call.requirement(), &claimant)
            .await?;
        let (Some(challenge), true) = (open, refusal.is_none() || error.is_some()) else {
            let reason = refusal.map_or(Reason::ChallengeExpired, |refusal| refusal.reason);
            return Err(EndpointError::Refused(reason));
        };
        let mut draft = for_known(web, context, self.known, &challenge, token).await?;
        draft.prompt.carried = carried;
        draft.prompt.chosen = Some(self.factor);
        draft.prompt.error = error;
        if let Some(PromptError::FactorLocked(factor)) = error {
            draft.prompt.usable = draft.prompt.usable.without(FactorSet::EMPTY.with(factor));
        }
        change(&mut draft);
        Ok(draft.into_response(
            &web.sessions.shared.browser_key,
            context,
            |context, page| match refusal {
                None => respond::shown(context, page),
                Some(refusal) => respond::shown_again(context, refusal, page),
            },
        ))
    }
}

const EXPECTED_JSON: &str = "JSON with `token`, and to verify also `factor` and `answer`";
const EXPECTED_FORM: &str = "the fields of the prompt page: `token`, `factor`, `answer`";
