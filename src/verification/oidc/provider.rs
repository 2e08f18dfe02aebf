//! The identity provider, as the settings describe it.

use crate::domain::{Naming, Secret, Subject, WholeRegex};
use crate::jwt::{IssuerKeys, Keyring, SignatureAlgorithm};
use std::time::Duration;

/// The identity provider at which people sign in afresh, and as what we are known there.
#[derive(Debug)]
pub struct OidcOptions {
    /// Its name in its documents and tokens, to the letter.
    pub issuer: String,
    /// What people call it.
    pub name: String,
    /// As what it knows us.
    pub client_id: String,
    /// How we prove that.
    pub client: ClientAuthentication,
    /// Where it sends people back.
    pub redirect_uri: String,
    /// What is asked for, with blanks between; `openid` among it.
    pub scopes: String,
    /// The pointer of the claim that must name the session's subject (RFC 6901).
    pub subject: String,
    /// Which spellings of a name are one subject.
    pub naming: Naming,
    /// The subjects whom it knows; `None` for all.
    pub subjects: Option<WholeRegex>,
    /// Whether it is told who is expected.
    pub login_hint: bool,
    /// The algorithms by which its tokens may be signed.
    pub algorithms: Vec<SignatureAlgorithm>,
    /// How far its clock may be from ours.
    pub leeway: Duration,
    /// How long each of its answers may take.
    pub deadline: Duration,
}

/// How a client proves to the provider what it is (`OpenID` Connect Core §9).
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// `client_secret_basic`.
    Basic(Secret<String>),
    /// A public client, whose codes only PKCE protects.
    None,
    /// `client_secret_post`.
    Post(Secret<String>),
}

impl ClientAuthentication {
    /// Its name among `token_endpoint_auth_methods_supported`.
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Basic(_) => "client_secret_basic",
            Self::None => "none",
            Self::Post(_) => "client_secret_post",
        }
    }
}

/// Whether somebody can sign in at an identity provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderState {
    /// There is none in the settings, or it does not know this subject.
    Absent,
    /// It knows the subject.
    Knows,
}

/// The identity provider, with its keys and endpoints as they are now.
#[derive(Debug)]
pub struct OidcProvider {
    /// The settings.
    pub options: OidcOptions,
    /// Its keys, and what it says of itself.
    pub keys: Keyring,
}

impl OidcProvider {
    /// Whether the provider knows this subject, by the rule of the settings.
    pub fn knows(&self, subject: &Subject) -> bool {
        let rule = self.options.subjects.as_ref();
        rule.is_none_or(|rule| rule.is_match(subject.as_str()) || rule.is_match(subject.spelling()))
    }

    /// Its present description and keys, among which is that of the name `key`, if one is given.
    pub(super) async fn current(
        &self,
        key: Option<&str>,
    ) -> Result<std::sync::Arc<IssuerKeys>, crate::jwt::TokenError> {
        self.keys.keys(key).await
    }
}
