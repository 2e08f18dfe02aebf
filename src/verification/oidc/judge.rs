//! Whether the answer to a sign-in is a proof.

use super::error::SignInError;
use super::id_token::{ExpectedToken, ProviderProof};
use super::provider::OidcProvider;
use super::requests::word;
use super::response::SignIn;
use crate::domain::{Requirement, Subject, Timestamp};
use crate::jwt::TokenError;
use crate::seal::Keys;

impl OidcProvider {
    /// Judges the answer to a sign-in: whether `subject` has signed in, since it began, as the route requires.
    pub(in crate::verification) async fn judge(
        &self,
        sign_in: &SignIn,
        (subject, requirement): (&Subject, &Requirement),
        keys: &Keys,
        now: Timestamp,
    ) -> Result<ProviderProof, SignInError> {
        let SignIn { attempt, response } = sign_in;
        let current = self.current(None).await?;
        let metadata = current.provider.as_ref();
        let metadata = metadata.ok_or(TokenError::KeysUnavailable)?;
        // RFC 9207 §2.4: before anything is sent to anybody, also if the answer is an error.
        let is_ours = match &response.iss {
            Some(issuer) => *issuer == self.options.issuer,
            None => !metadata.names_itself,
        };
        if !is_ours {
            return Err(SignInError::Issuer);
        }
        if let Some(error) = &response.error {
            return Err(refusal(error));
        }
        let code = response.code.as_deref();
        let code = code.ok_or(SignInError::Unreadable("a `code`"))?;
        let verifier = attempt.code_verifier.expose();
        let tokens = self.exchange(metadata, code, verifier).await?;
        let claims = self.claims(tokens.id_token.expose(), now).await?;
        let expected = ExpectedToken {
            nonce: &attempt.nonce,
            begun_at: attempt.begun_at,
            now,
            requirement,
        };
        let proof = self.options.judge(&claims, &expected, keys)?;
        let mut named = self.options.subject_in(&claims);
        // What the ID token says of the address counts, whatever `userinfo` leaves out.
        if named.is_none() && !self.options.is_unverified(&claims) {
            let access = tokens.access_token.as_ref();
            let more = self.user_info(metadata, access, &claims).await?;
            named = more.and_then(|claims| self.options.subject_in(&claims));
        }
        match named {
            Some(named) if named == *subject => Ok(proof),
            Some(_) => Err(SignInError::OtherAccount),
            None => Err(SignInError::Unnamed(self.options.subject.clone())),
        }
    }
}

/// What an error in place of a code means (RFC 6749 §4.1.2.1, Core §3.1.2.6).
fn refusal(error: &str) -> SignInError {
    match error {
        "access_denied"
        | "account_selection_required"
        | "consent_required"
        | "interaction_required"
        | "login_required" => SignInError::Cancelled(word(error)),
        // OpenID Connect Core Error Code unmet_authentication_requirements.
        "unmet_authentication_requirements" => SignInError::Acr,
        error => SignInError::Refused(word(error)),
    }
}
