//! The way of a sign-in: begun for a challenge, and taken once when its answer comes.

use super::attempt::SignInAttempt;
use super::response::{AuthorizationResponse, SignIn};
use crate::audit::{EventKind, Outcome};
use crate::domain::{
    Challenge, Factor, Reason, Requirement, RouteId, Secret, StatedPurpose, Timestamp,
};
use crate::verification::error::VerifyError;
use crate::verification::outcome::Refusal;
use crate::verification::verifier::{Claimant, EndpointCaller, Verifier, counted_as, describe};
use data_encoding::BASE64URL_NOPAD;
use std::sync::Arc;

/// A sign-in that somebody wants to begin.
#[derive(Clone, Debug)]
pub struct SignInRequest {
    /// The challenge's token.
    pub token: Secret<String>,
    /// The phrase that was typed, if the challenge asks for one.
    pub confirm: Option<String>,
    /// Why it is wanted, where somebody else must approve.
    pub purpose: Option<StatedPurpose>,
    /// The sealed form that the prompt page carries.
    pub carried: Option<Secret<String>>,
    /// What `state` ends with: where our callback is to send the browser on to.
    pub place: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum BegunSignIn {
    /// It began; the browser goes on to this URL of the provider.
    Begun(Secret<String>),
    /// Nothing began.
    Refused(Refusal),
    /// The confirmation phrase is missing or wrong.
    Unconfirmed {
        /// Whether none was sent at all.
        missing: bool,
    },
    /// Why it is wanted is missing.
    Unexplained,
}

impl Verifier {
    /// Begins a sign-in for a challenge: writes down what its answer must fit.
    pub async fn begin_sign_in(
        &self,
        request: SignInRequest,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        caller: &EndpointCaller<'_>,
    ) -> Result<BegunSignIn, VerifyError> {
        self.services.audit.ready()?;
        let claimant = &caller.claimant;
        let token = request.token.expose();
        let Some(challenge) = self.read(token, requirement, claimant).await? else {
            return self.not_begun(None, caller, Reason::ChallengeExpired.into());
        };
        let requirement = &*challenge.demand.requirement;
        let user = self.user(claimant).await?;
        let is_usable = requirement.factors.mentioned().contains(Factor::Oidc)
            && self
                .usable(user.as_ref(), claimant.subject)
                .contains(Factor::Oidc);
        let provider = self.services.oidc.as_ref().filter(|_| is_usable);
        let Some(provider) = provider else {
            let refusal = Reason::MethodNotEnrolled.into();
            return self.not_begun(Some(&challenge), caller, refusal);
        };
        if !requirement.is_confirmed_by(request.confirm.as_deref()) {
            let missing = request.confirm.unwrap_or_default().trim().is_empty();
            return Ok(BegunSignIn::Unconfirmed { missing });
        }
        let rule = requirement.approval.as_ref();
        if rule.is_some_and(|rule| !rule.is_explained_by(request.purpose.as_ref())) {
            return Ok(BegunSignIn::Unexplained);
        }
        // Before anything is written: of many at once, the store holds only a few.
        let name = counted_as(user.as_ref(), &challenge.subject);
        let who = self.attempt(&challenge, Factor::Oidc, &name, caller);
        let counters = self.throttle().of_sign_in(who);
        let now = self.services.clock.now();
        if let Err(refusal) = self.count(&counters, now).await? {
            return self.not_begun(Some(&challenge), caller, refusal);
        }
        let current = provider.current(None).await;
        let Some(metadata) = current.as_ref().ok().and_then(|it| it.provider.as_ref()) else {
            self.uncount(counters).await?;
            let refusal = Reason::ProviderUnavailable.into();
            return self.not_begun(Some(&challenge), caller, refusal);
        };
        let (state, attempt) = self.new_attempt(request, claimant);
        let about = (claimant.subject, &*requirement.acr);
        let url = provider
            .options
            .authorization_url(metadata, &attempt, &state, about);
        self.put_attempt(&state, &attempt, challenge.expires_at)
            .await?;
        let mut event = self.event(EventKind::SignInBegun, Outcome::Succeeded, caller);
        describe(&mut event, &challenge, Some(Factor::Oidc));
        self.services.audit.record(&event)?;
        Ok(BegunSignIn::Begun(url))
    }

    /// Takes the sign-in that an answer names, once: an answer that comes twice finds nothing. `None` also for
    /// one that began in another browser.
    pub async fn take_sign_in(
        &self,
        response: AuthorizationResponse,
        caller: &EndpointCaller<'_>,
    ) -> Result<Option<Box<SignIn>>, VerifyError> {
        self.services.audit.ready()?;
        let (keys, now) = (&self.services.keys, self.services.clock.now());
        let name = SignInAttempt::name(&response.state, keys);
        let kept = self.store.take_kept(name, now).await?;
        let mut attempts = kept.iter();
        let attempt = attempts.find_map(|it| SignInAttempt::open(&response.state, it, keys));
        if let Some(attempt) = attempt.filter(|attempt| attempt.is_of(&caller.claimant)) {
            return Ok(Some(Box::new(SignIn { attempt, response })));
        }
        let mut event = self.event(EventKind::FactorAnswered, Outcome::Refused, caller);
        event.factor = Some(Factor::Oidc);
        event.reason = Some(Reason::ChallengeExpired);
        self.services.audit.record(&event)?;
        Ok(None)
    }

    fn new_attempt(
        &self,
        request: SignInRequest,
        claimant: &Claimant<'_>,
    ) -> (String, SignInAttempt) {
        let entropy = &self.services.entropy;
        let mut state = BASE64URL_NOPAD.encode(&entropy.bytes::<16>());
        if let Some(place) = &request.place {
            state = format!("{state}.{place}");
        }
        let attempt = SignInAttempt {
            challenge: request.token,
            confirm: request.confirm,
            purpose: request.purpose,
            carried: request.carried,
            browser_key: claimant.browser_key,
            in_own_session: claimant.is_in_own_session(),
            nonce: BASE64URL_NOPAD.encode(&entropy.bytes::<16>()),
            // RFC 7636 §4.1: 256 bits.
            code_verifier: Secret::new(BASE64URL_NOPAD.encode(&entropy.bytes::<32>())),
            begun_at: self.services.clock.now(),
        };
        (state, attempt)
    }

    async fn put_attempt(
        &self,
        state: &str,
        attempt: &SignInAttempt,
        until: Timestamp,
    ) -> Result<(), VerifyError> {
        let (keys, entropy) = (&self.services.keys, &self.services.entropy);
        let (name, now) = (SignInAttempt::name(state, keys), self.services.clock.now());
        let sealed = attempt.seal(state, keys, entropy);
        self.store.keep(name, &sealed, until, now).await?;
        Ok(())
    }

    fn not_begun(
        &self,
        challenge: Option<&Challenge>,
        caller: &EndpointCaller<'_>,
        refusal: Refusal,
    ) -> Result<BegunSignIn, VerifyError> {
        let mut event = self.event(EventKind::SignInBegun, Outcome::Refused, caller);
        event.factor = Some(Factor::Oidc);
        if let Some(challenge) = challenge {
            describe(&mut event, challenge, Some(Factor::Oidc));
        }
        event.reason = Some(refusal.reason);
        self.services.audit.record(&event)?;
        Ok(BegunSignIn::Refused(refusal))
    }
}

impl SignInAttempt {
    /// Whether it began in this browser: a person who is led to finish what somebody else began proves nothing
    /// for them. A verification renews the key of a browser; the session is then still its own.
    fn is_of(&self, claimant: &Claimant<'_>) -> bool {
        self.browser_key == claimant.browser_key
            || (self.in_own_session && claimant.is_in_own_session())
    }
}
