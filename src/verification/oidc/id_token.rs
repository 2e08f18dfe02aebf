//! What an ID token must say (`OpenID` Connect Core §3.1.3.7), and what it then proves.

use super::attempt::kept_name;
use super::error::SignInError;
use super::provider::{OidcOptions, OidcProvider};
use crate::domain::{KeptName, Requirement, Secret, Subject, Timestamp};
use crate::jwt::{ClaimTest, SignedToken, TokenError, date, end_of};
use crate::seal::Keys;
use serde_json::Value;

/// What a sign-in has proved beside whose it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProviderProof {
    /// The authentication context (`acr`), if the provider names one.
    pub(crate) acr: Option<String>,
    /// The methods (`amr`, RFC 8176), if it names them.
    pub(crate) amr: Vec<String>,
    /// What a logout at the provider names it by: its session there, and its subject.
    pub(crate) links: Vec<KeptName>,
    /// When the sign-in began.
    pub(crate) begun_at: Timestamp,
}

/// What an ID token must be about.
pub(super) struct ExpectedToken<'e> {
    pub(super) nonce: &'e str,
    pub(super) begun_at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) requirement: &'e Requirement,
}

impl OidcProvider {
    /// The claims of a token, if the provider has signed it and it is good now, by its issuer and for us.
    pub(super) async fn claims(&self, token: &str, now: Timestamp) -> Result<Value, TokenError> {
        let token = SignedToken::read(token.as_bytes(), &self.options.algorithms)?;
        let keys = self.current(token.key_id()).await?;
        let claims = token.verify(&keys)?;
        self.options.check(&claims, now)?;
        Ok(claims)
    }
}

impl OidcOptions {
    /// Checks what every token of the provider says, whatever it is for.
    fn check(&self, claims: &Value, now: Timestamp) -> Result<(), TokenError> {
        end_of(claims, self.leeway, now)?;
        let holds = |wanted: &str, claim: &str| {
            ClaimTest::OneOf(vec![wanted.to_owned()]).holds(claims.get(claim))
        };
        if !holds(&self.issuer, "iss") || !claims.get("iss").is_some_and(Value::is_string) {
            Err(TokenError::Issuer)
        } else if !holds(&self.client_id, "aud") {
            Err(TokenError::Audience)
        } else {
            Ok(())
        }
    }

    /// Judges the claims of an ID token that is signed and good, but for whose it is.
    pub(super) fn judge(
        &self,
        claims: &Value,
        expected: &ExpectedToken<'_>,
        keys: &Keys,
    ) -> Result<ProviderProof, SignInError> {
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
        // Core §3.1.3.7, 3 to 5: of several audiences, each might replay the token to us.
        let is_ours = match text("azp") {
            Some(party) => party == self.client_id,
            None => claims.get("azp").is_none() && !has_several(claims.get("aud")),
        };
        if !is_ours {
            return Err(SignInError::AuthorizedParty);
        }
        if text("nonce") != Some(expected.nonce) {
            return Err(SignInError::Nonce);
        }
        // Browsers can strip `prompt` and `max_age` of the request: only this proves a fresh sign-in.
        let signed_in = date(claims.get("auth_time")).ok_or(SignInError::NotFresh)?;
        let begin = expected.begun_at.before(self.leeway);
        if signed_in < begin || signed_in > expected.now.after(self.leeway) {
            return Err(SignInError::NotFresh);
        }
        let acr = text("acr").filter(|acr| is_plain(acr)).map(str::to_owned);
        if !expected.requirement.accepts_acr(acr.as_deref()) {
            return Err(SignInError::Acr);
        }
        let amr = claims.get("amr").and_then(Value::as_array);
        let amr = amr.into_iter().flatten().filter_map(Value::as_str);
        Ok(ProviderProof {
            acr,
            amr: amr
                .filter(|one| is_plain(one))
                .take(8)
                .map(str::to_owned)
                .collect(),
            links: self.links(claims, keys),
            begun_at: expected.begun_at,
        })
    }

    /// What a logout at the provider names by these claims: a session there, and a subject.
    pub(super) fn links(&self, claims: &Value, keys: &Keys) -> Vec<KeptName> {
        let link = |claim: &str| {
            let value = claims.get(claim).and_then(Value::as_str)?;
            let parts = [claim.as_bytes(), self.issuer.as_bytes(), value.as_bytes()];
            Some(kept_name(&parts, keys))
        };
        ["sid", "sub"].into_iter().filter_map(link).collect()
    }

    /// Whether the subject is an address that nobody has verified: it is whatever its account has typed.
    pub(super) fn is_unverified(&self, claims: &Value) -> bool {
        self.subject == "/email" && claims.get("email_verified").is_some_and(is_not_true)
    }

    /// The subject that claims name; `None` if they do not say.
    pub(super) fn subject_in(&self, claims: &Value) -> Option<Subject> {
        if self.is_unverified(claims) {
            return None;
        }
        let name = match claims.pointer(&self.subject)? {
            Value::String(name) => name.clone(),
            Value::Number(number) => number.to_string(),
            Value::Array(_) | Value::Bool(_) | Value::Null | Value::Object(_) => return None,
        };
        self.naming.subject(&name)
    }
}

/// What the provider answers to a code.
#[derive(serde::Deserialize)]
pub(super) struct TokenResponse {
    #[serde(deserialize_with = "secret")]
    pub(super) id_token: Secret<String>,
    #[serde(default, deserialize_with = "optional_secret")]
    pub(super) access_token: Option<Secret<String>>,
}

fn secret<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Secret<String>, D::Error> {
    serde::Deserialize::deserialize(text).map(Secret::new)
}

fn optional_secret<'de, D: serde::Deserializer<'de>>(
    text: D,
) -> Result<Option<Secret<String>>, D::Error> {
    secret(text).map(Some)
}

fn has_several(audience: Option<&Value>) -> bool {
    audience.is_some_and(|audience| audience.as_array().is_some_and(|all| all.len() > 1))
}

fn is_not_true(claim: &Value) -> bool {
    *claim != Value::Bool(true) && claim.as_str() != Some("true")
}

/// Whether a value can be recorded: short, and of characters that are seen.
fn is_plain(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Naming;
    use crate::verification::oidc::ClientAuthentication;
    use crate::verification::tests::{keys, requirement};
    use serde_json::json;
    use std::time::Duration;

    const NOW: u64 = 1_700_000_000;

    fn options(subject: &str) -> OidcOptions {
        OidcOptions {
            issuer: "https://id.test".to_owned(),
            name: "id.test".to_owned(),
            client_id: "stepgate".to_owned(),
            client: ClientAuthentication::None,
            redirect_uri: "https://app.test/.stepup/oidc/callback".to_owned(),
            scopes: "openid".to_owned(),
            subject: subject.to_owned(),
            naming: Naming::default(),
            subjects: None,
            login_hint: true,
            algorithms: Vec::new(),
            leeway: Duration::from_secs(30),
            deadline: Duration::from_secs(1),
        }
    }

    /// The claims of a right token, with others beside them or in their place.
    fn usual(more: &Value) -> Value {
        let mut claims = json!({
            "iss": "https://id.test", "aud": "stepgate", "sub": "alice", "exp": NOW + 60,
            "nonce": "n", "auth_time": NOW, "acr": "gold", "amr": ["pwd", "otp"], "sid": "s",
        });
        for (name, value) in more.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    fn judged(more: &Value, acr: &[&str]) -> Result<ProviderProof, String> {
        let mut requirement = (*requirement()).clone();
        requirement.acr = acr.iter().map(|&one| one.to_owned()).collect();
        let at = |secs: u64| Timestamp::from_millis(secs * 1000);
        let expected = ExpectedToken {
            nonce: "n",
            begun_at: at(NOW - 10),
            now: at(NOW),
            requirement: &requirement,
        };
        let (claims, options) = (usual(more), options("/sub"));
        let checked = options.check(&claims, at(NOW)).map_err(SignInError::from);
        let judged = checked.and_then(|()| options.judge(&claims, &expected, &keys()));
        judged.map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_token_that_is_not_just_right_proves_nothing() {
        let stale = NOW - 10 - 31;
        for (more, error) in [
            (json!({ "iss": "https://id.test/" }), "Token(Issuer)"),
            (json!({ "iss": ["https://id.test"] }), "Token(Issuer)"),
            (json!({ "iss": null }), "Token(Issuer)"),
            (json!({ "aud": "other" }), "Token(Audience)"),
            (json!({ "aud": [] }), "Token(Audience)"),
            (json!({ "exp": NOW - 30 }), "Token(Expired)"),
            (json!({ "exp": null }), "Token(Expired)"),
            (json!({ "nbf": NOW + 31 }), "Token(NotYet)"),
            (json!({ "aud": ["stepgate", "other"] }), "AuthorizedParty"),
            (json!({ "azp": "other" }), "AuthorizedParty"),
            (json!({ "azp": 1 }), "AuthorizedParty"),
            (
                json!({ "aud": ["stepgate", "other"], "azp": "other" }),
                "AuthorizedParty",
            ),
            (json!({ "nonce": "N" }), "Nonce"),
            (json!({ "nonce": null }), "Nonce"),
            (json!({ "auth_time": stale }), "NotFresh"),
            (json!({ "auth_time": NOW + 31 }), "NotFresh"),
            (json!({ "auth_time": null }), "NotFresh"),
            (json!({ "auth_time": NOW.to_string() }), "NotFresh"),
        ] {
            assert_eq!(judged(&more, &[]).unwrap_err(), error, "{more}");
        }
        for more in [
            json!({}),
            json!({ "aud": ["stepgate"] }),
            json!({ "aud": ["stepgate", "other"], "azp": "stepgate" }),
            json!({ "auth_time": stale + 1 }),
            json!({ "auth_time": NOW + 30 }),
        ] {
            assert!(judged(&more, &[]).is_ok(), "{more}");
        }
    }

    #[test]
    fn a_route_takes_the_authentication_contexts_that_it_names() {
        let proof = judged(&json!({}), &["platinum", "gold"]).unwrap();
        assert_eq!(proof.acr.as_deref(), Some("gold"));
        assert_eq!(proof.amr, ["pwd", "otp"]);
        assert_eq!(proof.links.len(), 2);
        for acr in [
            json!("Gold"),
            json!("gold "),
            json!(["gold"]),
            json!(1),
            json!(null),
        ] {
            let error = judged(&json!({ "acr": acr }), &["gold"]).unwrap_err();
            assert_eq!(error, "Acr", "{acr}");
        }
        // What cannot be recorded in a line is not.
        let odd = json!({ "acr": "a\nb", "amr": ["pwd", "a b", 7, "x".repeat(200)] });
        let proof = judged(&odd, &[]).unwrap();
        assert_eq!((proof.acr, proof.amr), (None, vec!["pwd".to_owned()]));
    }

    #[test]
    fn a_subject_is_compared_as_the_application_names_it() {
        let named = |subject: &str, claims: Value| {
            let subject = options(subject).subject_in(&claims);
            subject.map(|subject| subject.as_str().to_owned())
        };
        let alice = Some("alice".to_owned());
        assert_eq!(named("/sub", json!({ "sub": " Alice" })), alice);
        assert_eq!(named("/ids/0", json!({ "ids": ["alice"] })), alice);
        assert_eq!(named("/sub", json!({ "sub": 7 })), Some("7".to_owned()));
        for claims in [
            json!({}),
            json!({ "sub": "" }),
            json!({ "sub": true }),
            json!({ "sub": ["alice"] }),
        ] {
            assert_eq!(named("/sub", claims.clone()), None, "{claims}");
        }
        let with = |verified: Value| {
            named(
                "/email",
                json!({ "email": "alice", "email_verified": verified }),
            )
        };
        assert_eq!(with(json!(true)), alice);
        assert_eq!(with(json!(false)), None);
        assert_eq!(named("/email", json!({ "email": "alice" })), alice);
    }
}
