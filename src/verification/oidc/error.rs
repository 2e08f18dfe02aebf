//! Why a sign-in at the identity provider proves nothing.

use crate::domain::Reason;
use crate::jwt::TokenError;
use crate::transport::document::DocumentError;

/// Why a sign-in at the identity provider proves nothing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum SignInError {
    #[error("its `acr` is none that the route asks for")]
    Acr,
    #[error(
        "it is for another client: `azp` is not our `client_id`, or `aud` names others as well"
    )]
    AuthorizedParty,
    #[error("the person did not sign in (`{0}`)")]
    Cancelled(String),
    #[error("the provider does not take the code: used before, too old, or another client's")]
    Code,
    #[error("the answer is of another issuer, or does not name its own (RFC 9207)")]
    Issuer,
    #[error("its `auth_time` is from before this sign-in began, or it has none")]
    NotFresh,
    #[error("its `nonce` is not that of this sign-in")]
    Nonce,
    #[error("somebody else signed in")]
    OtherAccount,
    #[error("the provider refuses the request (`{0}`): look at how this client is set up there")]
    Refused(String),
    #[error("the ID token is not accepted")]
    Token(#[source] TokenError),
    #[error("neither the ID token nor `userinfo` names the subject at `{0}`")]
    Unnamed(String),
    #[error("the provider does not answer")]
    Unreachable(#[source] DocumentError),
    #[error("the provider's answer is not what OpenID Connect defines: expected {0}")]
    Unreadable(&'static str),
}

impl SignInError {
    /// The word for it.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Cancelled(_) => Reason::SignInCancelled,
            Self::OtherAccount => Reason::SignInOtherAccount,
            // One that came by TLS from the provider itself is signed by a key of it that is still to be fetched.
            Self::Token(TokenError::KeysUnavailable | TokenError::UnknownKey)
            | Self::Refused(_)
            | Self::Unreachable(_)
            | Self::Unreadable(_) => Reason::ProviderUnavailable,
            Self::Acr
            | Self::AuthorizedParty
            | Self::Code
            | Self::Issuer
            | Self::NotFresh
            | Self::Nonce
            | Self::Token(_)
            | Self::Unnamed(_) => Reason::SignInNotAccepted,
        }
    }

    /// Whether somebody's sign-in was judged: it then counts as a wrong answer.
    pub const fn is_judged(&self) -> bool {
        matches!(
            self.reason(),
            Reason::SignInNotAccepted | Reason::SignInOtherAccount
        )
    }
}

impl From<TokenError> for SignInError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<DocumentError> for SignInError {
    fn from(error: DocumentError) -> Self {
        Self::Unreachable(error)
    }
}
