//! What an identity provider says of itself (`OpenID` Connect Discovery 1.0).

use crate::transport::document::{DocumentError, DocumentUrl, DocumentUrlError};
use serde::Deserialize;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Where a provider describes itself.
#[derive(Clone, Debug)]
pub struct Discovery {
    issuer: String,
    document: DocumentUrl,
}

/// What a provider says of itself.
#[derive(Debug)]
pub struct ProviderMetadata {
    /// Where browsers are sent; a URL.
    pub(crate) authorization: String,
    /// Where codes are exchanged.
    pub(crate) token: DocumentUrl,
    /// Where claims are asked for that the ID token does not have.
    pub(crate) userinfo: Option<DocumentUrl>,
    /// Whether every answer by way of the browser names the issuer (RFC 9207 §3).
    pub(crate) names_itself: bool,
    /// What it lists, for whoever checks the settings.
    pub(crate) listed: Supported,
}

/// What a provider lists; a list that is absent says nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Supported {
    #[serde(rename = "code_challenge_methods_supported")]
    pub(crate) code_challenge_methods: Option<Vec<String>>,
    #[serde(rename = "id_token_signing_alg_values_supported")]
    pub(crate) id_token_signing_alg_values: Option<Vec<String>>,
    #[serde(rename = "token_endpoint_auth_methods_supported")]
    pub(crate) token_endpoint_auth_methods: Option<Vec<String>>,
}

/// Why a provider is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DiscoveryError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("`{0}` of its document is not reached by TLS")]
    Insecure(&'static str),
    /// Discovery §4.3: a document of another issuer must not be used.
    #[error("its document is of another issuer: expected `issuer` to be just as in the settings")]
    Issuer,
    #[error(
        "its document does not describe a provider: expected JSON with endpoints (OpenID Connect Discovery)"
    )]
    NoMetadata(#[source] serde_json::Error),
    #[error("`{0}` of its document is of no use")]
    Url(&'static str, #[source] DocumentUrlError),
}

#[derive(Deserialize)]
struct WrittenMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(flatten)]
    listed: Supported,
}

impl fmt::Display for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.document.fmt(f)
    }
}

impl Discovery {
    /// The provider that is this issuer. `ca` holds the authorities to trust (PEM); without it they are the system's.
    pub fn of(issuer: &str, ca: Option<&Path>) -> Result<Self, DocumentUrlError> {
        // Discovery §4: a slash at the end of the issuer is left out.
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let url = format!("{base}/.well-known/openid-configuration");
        Ok(Self {
            document: DocumentUrl::parse(&url, ca)?,
            issuer: issuer.to_owned(),
        })
    }

    /// Whether nobody on the way can change what it says.
    pub fn is_safe(&self) -> bool {
        self.document.is_safe()
    }

    /// Reads what it says, and its set of keys.
    pub(super) async fn read(
        &self,
        within: Duration,
    ) -> Result<(ProviderMetadata, bytes::Bytes), DiscoveryError> {
        // One after the other, within the deadline of both.
        let within = within / 2;
        let text = self.document.get(within).await?;
        let (metadata, keys) = self.parse(&text)?;
        Ok((metadata, keys.get(within).await?))
    }

    fn parse(&self, text: &[u8]) -> Result<(ProviderMetadata, DocumentUrl), DiscoveryError> {
        let written: WrittenMetadata =
            serde_json::from_slice(text).map_err(DiscoveryError::NoMetadata)?;
        if written.issuer != self.issuer {
            return Err(DiscoveryError::Issuer);
        }
        let url = |what: &'static str, text: &str| {
            let url = self.document.beside(text);
            let url = url.map_err(|error| DiscoveryError::Url(what, error))?;
            // As safe as the document: keys, codes and people go there.
            if url.is_safe() || !self.is_safe() {
                Ok(url)
            } else {
                Err(DiscoveryError::Insecure(what))
            }
        };
        url("authorization_endpoint", &written.authorization_endpoint)?;
        let userinfo = written.userinfo_endpoint.as_deref();
        let metadata = ProviderMetadata {
            token: url("token_endpoint", &written.token_endpoint)?,
            userinfo: userinfo
                .map(|text| url("userinfo_endpoint", text))
                .transpose()?,
            authorization: written.authorization_endpoint,
            names_itself: written.authorization_response_iss_parameter_supported,
            listed: written.listed,
        };
        Ok((metadata, url("jwks_uri", &written.jwks_uri)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_provider_is_believed_about_itself_alone() {
        let discovery = Discovery::of("https://id.test/realm/", None).unwrap();
        assert_eq!(
            discovery.to_string(),
            "https://id.test:443/realm/.well-known/openid-configuration"
        );
        let parsed = |name: &str, value: &str| {
            let mut document = json!({
                "issuer": "https://id.test/realm/",
                "authorization_endpoint": "https://id.test/auth",
                "token_endpoint": "https://id.test/token",
                "jwks_uri": "https://keys.test/",
            });
            document[name] = json!(value);
            discovery.parse(document.to_string().as_bytes())
        };
        assert!(parsed("userinfo_endpoint", "https://id.test/me").is_ok());
        for other in [
            "https://id.test/realm",
            "https://ID.test/realm/",
            "https://evil.test/",
            "",
        ] {
            let error = parsed("issuer", other).unwrap_err();
            assert!(matches!(error, DiscoveryError::Issuer), "{other}");
        }
        for endpoint in [
            "authorization_endpoint",
            "token_endpoint",
            "userinfo_endpoint",
            "jwks_uri",
        ] {
            for url in [
                "http://id.test/x",
                "/x",
                "javascript:alert(1)",
                "https://a@id.test/",
                "",
            ] {
                assert!(parsed(endpoint, url).is_err(), "{endpoint} {url}");
            }
        }
    }
}
