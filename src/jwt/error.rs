//! Why a token does not say who somebody is.

use crate::domain::Reason;

/// Why a token does not say who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum TokenError {
    #[error("it is signed in a way that `algorithms` of the settings does not name")]
    Algorithm,
    #[error("it is for another audience than that of the settings")]
    Audience,
    #[error("it asks for what is not understood (`crit` of its header)")]
    Critical,
    #[error("its time is over, or it has no `exp`")]
    Expired,
    #[error("it is of another issuer than that of the settings")]
    Issuer,
    #[error("the keys of its issuer cannot be had")]
    KeysUnavailable,
    #[error("it is no signed token of three parts, or longer than 16 KiB")]
    Malformed,
    #[error("its time has not begun")]
    NotYet,
    #[error("it names nobody where `subject` of the settings looks")]
    NoSubject,
    #[error("its signature is wrong")]
    Signature,
    #[error("its issuer has no such key")]
    UnknownKey,
}

impl TokenError {
    /// The word for it.
    pub const fn reason(self) -> Reason {
        match self {
            Self::KeysUnavailable => Reason::SubjectUnavailable,
            Self::Algorithm
            | Self::Audience
            | Self::Critical
            | Self::Expired
            | Self::Issuer
            | Self::Malformed
            | Self::NoSubject
            | Self::NotYet
            | Self::Signature
            | Self::UnknownKey => Reason::SessionRequired,
        }
    }
}
