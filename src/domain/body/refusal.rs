//! Why a body cannot be judged.

/// A body that some route must read, and cannot: the request is refused, never forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the message of each variant is its description
pub enum BodyRefusal {
    #[error("`{0}` occurs more than once in the body, with different values")]
    AmbiguousKey(String),
    #[error("the body is in charset `{0}`: expected utf-8")]
    Charset(String),
    #[error("the body is compressed (`{0}`): expected it plain")]
    Compressed(String),
    #[error("more than one content type")]
    DoubledContentType,
    #[error("the body may hold a login beside what is guarded: send the login alone")]
    LoginBeside,
    #[error("a body without content type")]
    MissingContentType,
    #[error("a body of type `{found}`: expected {expected}")]
    OtherContentType {
        expected: &'static str,
        found: String,
    },
    #[error("the body cannot be read: {0}")]
    Unreadable(String),
}

impl BodyRefusal {
    pub(super) fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable(why.into())
    }

    pub(super) fn other_type(expected: &'static str, found: &str) -> Self {
        Self::OtherContentType {
            expected,
            found: found.to_owned(),
        }
    }
}
