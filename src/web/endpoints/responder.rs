//! What `POST verify` and `POST verify/send` are answered with.

use super::EndpointError;
use super::approval::asked;
use super::browser_key::set_browser_key;
use super::onward::Onward;
use super::prompt::{PromptDraft, for_known};
use super::sent::KeptForm;
use super::{Call, Known};
use crate::domain::{Factor, FactorSet, Reason, ReasonKind, Secret};
use crate::request::client_kind::ClientKind;
use crate::verification::{AnswerOutcome, Refusal, Success};
use crate::web::api::VerifyResponse;
use crate::web::pages::PromptError;
use crate::web::respond;
use bytes::Bytes;
use http::Response;

pub(super) const EXPECTED_JSON: &str =
    "JSON with `token`, and to verify also `factor` and `answer`";
const EXPECTED_PURPOSE: &str = "why this is wanted, in `purpose`: somebody else must approve it";
pub(super) const EXPECTED_FORM: &str = "the fields of the prompt page: `token`, `factor`, `answer`";

/// Makes the responses to one call, for programs and for the forms of our pages.
pub(super) struct Responder<'d, 'v, 'w> {
    pub(super) call: &'d Call<'v, 'w>,
    pub(super) known: &'d Known,
    pub(super) token: Secret<String>,
    pub(super) factor: Factor,
}

impl Responder<'_, '_, '_> {
    /// The answer to a program.
    pub(super) fn json(&self, outcome: AnswerOutcome) -> Result<Response<Bytes>, EndpointError> {
        match outcome {
            AnswerOutcome::Verified(success) => Ok(self.verified_json(&success)),
            AnswerOutcome::MoreNeeded {
                alternatives,
                shown,
                expires_at,
            } => {
                let response = VerifyResponse::partly(&alternatives, shown, expires_at);
                Ok(respond::json(self.call.context, &response))
            }
            AnswerOutcome::Refused(refusal) => Ok(self.refused_json(&refusal)),
            AnswerOutcome::Unconfirmed { missing: true } => {
                Ok(self.refused_json(&Reason::PhraseRequired.into()))
            }
            // Only a code that comes with the request itself is repeated.
            AnswerOutcome::Repeated | AnswerOutcome::Unconfirmed { missing: false } => {
                Ok(self.refused_json(&Reason::WrongAnswer.into()))
            }
            AnswerOutcome::Malformed => Err(EndpointError::Malformed(EXPECTED_JSON.into())),
            AnswerOutcome::Unexplained => Err(EndpointError::Malformed(EXPECTED_PURPOSE.into())),
            AnswerOutcome::Waiting(waiting) => Ok(asked(self.call, &waiting, None)),
        }
    }

    /// The answer to a form of our own page.
    pub(super) async fn page(
        &self,
        outcome: AnswerOutcome,
        kept: &KeptForm,
    ) -> Result<Response<Bytes>, EndpointError> {
        let (refusal, error) = match outcome {
            AnswerOutcome::Verified(success) => {
                self.call.context.remember_way(self.factor);
                return self.verified_page(&success, kept.carried.as_ref());
            }
            AnswerOutcome::Waiting(waiting) => {
                self.call.context.remember_way(self.factor);
                let page = (self.token.clone(), kept.carried.clone());
                return Ok(asked(self.call, &waiting, Some(page)));
            }
            AnswerOutcome::MoreNeeded { shown, .. } => {
                let change = |draft: &mut PromptDraft| draft.prompt.proven = shown;
                return self.again(kept, None, None, change).await;
            }
            AnswerOutcome::Malformed => {
                return Err(EndpointError::Malformed(EXPECTED_FORM.into()));
            }
            AnswerOutcome::Refused(refusal) => {
                let error = self.prompt_error(&refusal);
                (refusal, error)
            }
            AnswerOutcome::Repeated => (Reason::WrongAnswer.into(), None),
            AnswerOutcome::Unconfirmed { .. } => (
                Reason::WrongAnswer.into(),
                Some(PromptError::WrongPhrase(self.factor)),
            ),
            AnswerOutcome::Unexplained => (
                Reason::WrongAnswer.into(),
                Some(PromptError::NoPurpose(self.factor)),
            ),
        };
        let change = |draft: &mut PromptDraft| draft.keep_code_field(self.factor);
        self.again(kept, Some(&refusal), error, change).await
    }

    fn verified_json(&self, success: &Success) -> Response<Bytes> {
        let context = self.call.context;
        // A script of a page must not see what its cookie jar keeps from it.
        let has_no_cookies = matches!(context.hints.kind, ClientKind::Api | ClientKind::Bearer);
        let key = has_no_cookies.then(|| success.browser_key.clone());
        let response = VerifyResponse::verified(success.expires_at, key);
        let mut response = respond::json(context, &response);
        set_browser_key(
            &self.call.web.sessions.shared.browser_key,
            &mut response,
            &success.browser_key,
        );
        response
    }

    fn verified_page(
        &self,
        success: &Success,
        carried: Option<&Secret<String>>,
    ) -> Result<Response<Bytes>, EndpointError> {
        let onward = Onward {
            call: self.call,
            challenge: &success.challenge,
            token: &self.token,
            expires_at: Some(success.expires_at),
        };
        let mut response = onward.page(carried)?;
        set_browser_key(
            &self.call.web.sessions.shared.browser_key,
            &mut response,
            &success.browser_key,
        );
        Ok(response)
    }

    pub(super) fn refused_json(&self, refusal: &Refusal) -> Response<Bytes> {
        respond::answer_refused(self.call.context, refusal)
    }

    /// What the person reads about a refusal on the page itself, which stays as long as its challenge. Of one
    /// that is over, a page of its own says why.
    pub(super) fn prompt_error(&self, refusal: &Refusal) -> Option<PromptError> {
        let reason = refusal.reason;
        #[allow(clippy::wildcard_enum_match_arm)] // the table of reasons names the rest
        match reason {
            Reason::ProviderUnavailable
            | Reason::SignInCancelled
            | Reason::SignInNotAccepted
            | Reason::SignInOtherAccount => Some(PromptError::SignIn(reason)),
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

    /// What was filled in before the challenge expired, ready to be sent once more.
    async fn late(&self, kept: &KeptForm) -> Result<Option<Response<Bytes>>, EndpointError> {
        let Some(carried) = &kept.carried else {
            return Ok(None);
        };
        let verifier = &self.call.web.verifier;
        let (token, claimant) = (self.token.expose(), self.known.claimant());
        let expired = verifier
            .read_expired(token, self.call.requirement(), &claimant)
            .await?;
        Ok(expired.and_then(|challenge| {
            let onward = Onward {
                call: self.call,
                challenge: &challenge,
                token: &self.token,
                expires_at: None,
            };
            onward.late_page(carried)
        }))
    }

    /// The prompt page once more, with the form that it carries; or a page about why not.
    pub(super) async fn again(
        &self,
        kept: &KeptForm,
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
            let late = (reason == Reason::ChallengeExpired).then(|| self.late(kept));
            let late = match late {
                Some(late) => late.await?,
                None => None,
            };
            return late.ok_or(EndpointError::Refused(reason));
        };
        let mut draft = for_known(web, context, self.known, &challenge, token).await?;
        draft.prompt.carried.clone_from(&kept.carried);
        draft.prompt.typed.clone_from(&kept.phrase);
        draft.prompt.chosen = Some(self.factor);
        draft.prompt.error = error;
        if let Some(field) = &mut draft.prompt.purpose {
            field.typed.clone_from(&kept.purpose);
        }
        if let Some(PromptError::FactorLocked(factor)) = error {
            draft.prompt.usable = draft.prompt.usable.without(FactorSet::EMPTY.with(factor));
        }
        change(&mut draft);
        Ok(draft.into_response(
            &web.sessions.shared.browser_key,
            context,
            |context, page| match refusal {
                None => respond::shown_on(context, page),
                Some(refusal) => respond::shown_again(context, refusal, page),
            },
        ))
    }
}
