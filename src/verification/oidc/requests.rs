//! What the provider is asked: by way of the browser for a code, and then directly for what that is worth.

use super::attempt::SignInAttempt;
use super::error::SignInError;
use super::id_token::TokenResponse;
use super::provider::{ClientAuthentication, OidcOptions, OidcProvider};
use crate::domain::{Secret, Subject};
use crate::jwt::ProviderMetadata;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use form_urlencoded::{Serializer, byte_serialize};
use http::HeaderValue;
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::Value;

impl OidcOptions {
    /// Where the browser is sent (Core §3.1.2.1).
    pub(super) fn authorization_url(
        &self,
        metadata: &ProviderMetadata,
        attempt: &SignInAttempt,
        state: &str,
        (subject, acr): (&Subject, &[String]),
    ) -> Secret<String> {
        let hash = digest(&SHA256, attempt.code_verifier.expose().as_bytes());
        let challenge = BASE64URL_NOPAD.encode(hash.as_ref());
        let mut query = Serializer::new(String::new());
        query.extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scopes),
            ("state", state),
            ("nonce", &attempt.nonce),
            // RFC 7636 §4.2, §4.3.
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            // A session at the provider is no fresh proof, and both are needed: some heed only one of them.
            ("prompt", "login"),
            ("max_age", "0"),
        ]);
        if !acr.is_empty() {
            query.append_pair("acr_values", &acr.join(" "));
        }
        if self.login_hint {
            query.append_pair("login_hint", subject.spelling());
        }
        let endpoint = &metadata.authorization;
        // The endpoint may have a query of its own (RFC 6749 §3.1).
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        Secret::new(format!("{endpoint}{separator}{}", query.finish()))
    }

    /// The form that exchanges a code, and who we are (RFC 6749 §2.3.1, §4.1.3).
    fn token_request(&self, code: &str, verifier: &str) -> (String, Option<HeaderValue>) {
        let mut form = Serializer::new(String::new());
        form.extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ]);
        let credentials = match &self.client {
            ClientAuthentication::Basic(secret) => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let (id, secret) = (encoded(&self.client_id), encoded(secret.expose()));
                let pair = BASE64.encode(format!("{id}:{secret}").as_bytes());
                sensitive(&format!("Basic {pair}"))
            }
            ClientAuthentication::None => {
                form.append_pair("client_id", &self.client_id);
                None
            }
            ClientAuthentication::Post(secret) => {
                form.append_pair("client_id", &self.client_id);
                form.append_pair("client_secret", secret.expose());
                None
            }
        };
        (form.finish(), credentials)
    }
}

impl OidcProvider {
    /// Exchanges a code for an ID token.
    pub(super) async fn exchange(
        &self,
        metadata: &ProviderMetadata,
        code: &str,
        verifier: &str,
    ) -> Result<TokenResponse, SignInError> {
        let (form, credentials) = self.options.token_request(code, verifier);
        let answer = metadata
            .token
            .post_form(form, credentials, self.options.deadline);
        let (status, body) = answer.await?;
        if status.is_success() {
            let read = serde_json::from_slice(&body);
            return read.map_err(|_| SignInError::Unreadable("JSON with an `id_token`"));
        }
        // RFC 6749 §5.2: the provider says why.
        let refusal: Result<TokenRefusal, _> = serde_json::from_slice(&body);
        match refusal.map(|refusal| refusal.error) {
            Ok(error) if error == "invalid_grant" => Err(SignInError::Code),
            Ok(error) => Err(SignInError::Refused(word(&error))),
            Err(_) => Err(SignInError::Refused(status.as_u16().to_string())),
        }
    }

    /// Asks for claims that the ID token does not have (Core §5.3).
    pub(super) async fn user_info(
        &self,
        metadata: &ProviderMetadata,
        access_token: Option<&Secret<String>>,
        id_token: &Value,
    ) -> Result<Option<Value>, SignInError> {
        let Some((endpoint, token)) = metadata.userinfo.as_ref().zip(access_token) else {
            return Ok(None);
        };
        let credentials = sensitive(&format!("Bearer {}", token.expose()));
        let body = endpoint.get_as(credentials, self.options.deadline).await?;
        let claims: Value = serde_json::from_slice(&body)
            .map_err(|_| SignInError::Unreadable("claims in JSON from `userinfo`"))?;
        // Core §5.3.2: of another subject they must not be used.
        let is_same = claims.get("sub").is_some_and(Value::is_string)
            && claims.get("sub") == id_token.get("sub");
        if is_same {
            Ok(Some(claims))
        } else {
            Err(SignInError::OtherAccount)
        }
    }
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

/// A word of the provider that may be logged (RFC 6749 §5.2), cut to what such words are.
pub(super) fn word(error: &str) -> String {
    let is_letter = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
    error.chars().filter(is_letter).take(48).collect()
}

fn sensitive(credentials: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(credentials).ok()?;
    value.set_sensitive(true);
    Some(value)
}
