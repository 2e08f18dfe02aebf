//! What a token must be, and what it says.

use crate::domain::{CookieName, DisplayName, Naming, Subject, Timestamp};
use crate::jwt::{ClaimTest, Keyring, SignatureAlgorithm, SignedToken, TokenError, date, end_of};
use crate::session::credentials::is_called;
use crate::session::sources::asserted::groups_of;
use crate::session::{Asserted, CredentialKind, Credentials};
use http::HeaderName;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The tokens of one issuer.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// Where requests carry them.
    pub place: TokenPlace,
    /// The keys that sign them.
    pub keys: Arc<Keyring>,
    /// The algorithms that count.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// Who may have issued them.
    pub issuer: ClaimTest,
    /// Whom they may be for.
    pub audience: ClaimTest,
    /// How far the issuer's clock may be from ours.
    pub leeway: Duration,
    /// The pointer of the claim that names the subject (RFC 6901).
    pub subject: String,
    /// That of the subject's e-mail address.
    pub email: String,
    /// That of the groups that the subject is in, and what stands between them in a text.
    pub groups: Option<(String, String)>,
    /// That of the name by which a page calls the subject.
    pub display: String,
    /// That of the time of the login, in seconds since the Unix epoch.
    pub authenticated_at: String,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
}

/// Where a request carries a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// `Authorization: Bearer` (RFC 6750 §2.1).
    Bearer,
    /// A session cookie of this name.
    Cookie(CookieName),
    /// A header that is a credential.
    Header(HeaderName),
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) asserted: Asserted,
    /// When it ends, leeway included.
    pub(super) until: Timestamp,
}

impl Jwt {
    /// The token of a request that carries no other credential. Beside another one the application may act
    /// for whoever that names.
    pub(crate) fn token_in<'c>(&self, credentials: &'c Credentials) -> Option<&'c [u8]> {
        let (kind, name, value) = credentials.sole()?;
        let is_named = match (&self.place, kind) {
            (TokenPlace::Bearer, CredentialKind::Authorization) => return bearer(value),
            (TokenPlace::Cookie(own), CredentialKind::Cookie) => is_called(name, own),
            (TokenPlace::Header(own), CredentialKind::Key) => own.as_str().as_bytes() == name,
            _ => false,
        };
        is_named.then_some(value)
    }

    /// The header that carries the token, if it is one of its own.
    pub fn header(&self) -> Option<&HeaderName> {
        match &self.place {
            TokenPlace::Header(name) => Some(name),
            TokenPlace::Bearer | TokenPlace::Cookie(_) => None,
        }
    }

    /// Whom a token that was recorded names, be it over by now and signed by whomever: for whoever looks at the
    /// settings. It is no proof of anything.
    pub(crate) fn recorded_subject(&self, token: &[u8]) -> Result<Subject, TokenError> {
        let claims = SignedToken::read(token, &self.algorithms)?.unverified()?;
        let end = date(claims.get("exp")).ok_or(TokenError::Expired)?;
        Ok(self.judge(&claims, end)?.asserted.subject)
    }

    fn groups_in(&self, claims: &Value) -> Vec<String> {
        let groups = self.groups.as_ref();
        groups.map_or_else(Vec::new, |(pointer, separator)| {
            groups_of(claims.pointer(pointer), separator)
        })
    }

    /// What verified claims say.
    pub(super) fn judge(&self, claims: &Value, now: Timestamp) -> Result<Claimed, TokenError> {
        let until = end_of(claims, self.leeway, now)?;
        // RFC 7519 §4.1.1: one issuer, where `aud` may be a list.
        let issuer = claims.get("iss").filter(|issuer| issuer.is_string());
        if !self.issuer.holds(issuer) {
            return Err(TokenError::Issuer);
        }
        if !self.audience.holds(claims.get("aud")) {
            return Err(TokenError::Audience);
        }
        let subject = match claims.pointer(&self.subject) {
            Some(Value::String(name)) => self.naming.subject(name),
            Some(Value::Number(number)) => self.naming.subject(&number.to_string()),
            _ => None,
        };
        let text = |pointer: &str| claims.pointer(pointer).and_then(Value::as_str);
        let login = date(claims.pointer(&self.authenticated_at));
        Ok(Claimed {
            asserted: Asserted {
                subject: subject.ok_or(TokenError::NoSubject)?,
                email: text(&self.email).map(str::to_owned),
                groups: self.groups_in(claims),
                display: text(&self.display).and_then(DisplayName::of),
                // A login that is yet to come makes nothing fresh.
                authenticated_at: login
                    .filter(|login| *login <= now.after(self.leeway))
                    .map(|login| login.min(now)),
            },
            until,
        })
    }
}

/// RFC 9110 §11.4: the scheme in any letter case, then one or more spaces.
fn bearer(line: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = line.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| rest.trim_ascii_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwt::{KeyPlace, KeyringOptions};
    use serde_json::json;

    const NOW: u64 = 1_700_000_000;

    fn judged(claims: &Value) -> Result<Claimed, TokenError> {
        let one = |name: &str| ClaimTest::OneOf(vec![name.to_owned()]);
        let jwt = Jwt {
            place: TokenPlace::Bearer,
            keys: Arc::new(Keyring::new(KeyringOptions {
                place: KeyPlace::File("keys.json".into()),
                refresh: Duration::ZERO,
                retry: Duration::ZERO,
                deadline: Duration::ZERO,
            })),
            algorithms: Vec::new(),
            issuer: one("issuer"),
            audience: one("shop"),
            leeway: Duration::from_secs(30),
            subject: "/user/name".to_owned(),
            email: "/email".to_owned(),
            groups: Some(("/roles".to_owned(), String::new())),
            display: "/name".to_owned(),
            authenticated_at: "/auth_time".to_owned(),
            naming: Naming::default(),
        };
        jwt.judge(claims, Timestamp::from_millis(NOW * 1000))
    }

    fn usual(more: Value) -> Value {
        let mut claims = json!({
            "iss": "issuer", "aud": "shop", "exp": NOW + 60, "user": { "name": "Alice" }
        });
        let Value::Object(more) = more else {
            return claims;
        };
        for (name, value) in more {
            claims[name] = value;
        }
        claims
    }

    #[test]
    fn a_token_says_who_until_when_and_when_they_logged_in() {
        let more = json!({ "roles": ["payroll", 7], "email": "a@example.test", "name": "Alice", "auth_time": NOW - 7, "exp": f64::from(1_700_000_060_u32) + 0.5 });
        let claimed = judged(&usual(more)).unwrap();
        assert_eq!(claimed.asserted.subject.as_str(), "alice");
        assert_eq!(claimed.asserted.email.as_deref(), Some("a@example.test"));
        assert_eq!(claimed.asserted.display, DisplayName::of("Alice"));
        assert_eq!(claimed.asserted.groups, ["payroll"]);
        let login = claimed.asserted.authenticated_at.unwrap();
        assert_eq!(login.as_secs(), NOW - 7);
        assert_eq!(claimed.until.as_millis(), (NOW + 90) * 1000 + 500);
    }

    #[test]
    fn a_login_that_is_yet_to_come_is_none_and_no_later_than_now() {
        let login = |at: Value| {
            let claimed = judged(&usual(json!({ "auth_time": at }))).unwrap();
            claimed.asserted.authenticated_at.map(Timestamp::as_secs)
        };
        assert_eq!(login(json!(NOW + 10)), Some(NOW));
        for none in [
            json!(NOW + 31),
            json!(-1),
            json!("1700000000"),
            json!(1e300),
            json!(null),
        ] {
            assert_eq!(login(none.clone()), None, "{none}");
        }
    }

    #[test]
    fn a_claim_that_is_not_as_it_must_be_is_told() {
        for (more, error) in [
            (json!({ "exp": NOW - 30 }), TokenError::Expired),
            (json!({ "exp": "1700000060" }), TokenError::Expired),
            (json!({ "exp": -1 }), TokenError::Expired),
            (json!({ "nbf": NOW + 31 }), TokenError::NotYet),
            (json!({ "nbf": "soon" }), TokenError::NotYet),
            (json!({ "iss": "Issuer" }), TokenError::Issuer),
            (json!({ "iss": null }), TokenError::Issuer),
            (json!({ "iss": ["issuer"] }), TokenError::Issuer),
            (json!({ "aud": ["shops"] }), TokenError::Audience),
            (json!({ "aud": {} }), TokenError::Audience),
            (json!({ "user": { "name": "" } }), TokenError::NoSubject),
            (json!({ "user": { "name": true } }), TokenError::NoSubject),
            (json!({ "user": "alice" }), TokenError::NoSubject),
        ] {
            assert_eq!(judged(&usual(more.clone())), Err(error), "{more}");
        }
        for more in [
            json!({ "exp": NOW - 29 }),
            json!({ "nbf": NOW + 30 }),
            json!({ "aud": ["x", "shop"] }),
        ] {
            assert!(judged(&usual(more.clone())).is_ok(), "{more}");
        }
    }
}
