//! How much of the body of a request its question brings, and whether that is believed.

use crate::domain::only_line;
use http::header::{self, HeaderMap, HeaderName};

/// How much of bodies the proxies that ask tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToldBodies {
    /// Nothing.
    None,
    /// What is shorter than so many bytes; of a longer one, the beginning.
    UpTo(u64),
    /// All of each, or the request is refused.
    Whole,
}

/// What a question says of the body that it brings.
pub(super) enum DescribedBody {
    /// All of it, if it is shorter than what the proxy shows at most: Envoy also says so of a beginning that has just that
    /// length, and sends on what follows.
    CutAnywhere,
    /// It is a part.
    Partial,
    /// It is all.
    Whole,
}

/// How much of a request its question tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownPart {
    /// Not the body, or a part of it.
    Head,
    /// All of it.
    Whole,
}

/// Why a body that a question brings is none that it may bring.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UntoldBody {
    /// How much Envoy tells of one is not known, as it may call a part the whole.
    #[error(
        "`forward_auth.body` must say how many bytes Envoy shows at most: its `max_request_bytes`"
    )]
    MostOfIt,
    /// The settings say that none is told.
    #[error("a question with a body; see `forward_auth.body`")]
    Unexpected,
}

impl ToldBodies {
    /// How many bytes a question brings at most, of a body that is known to be whole.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::None | Self::Whole => 0,
            Self::UpTo(most) => most,
        }
    }

    /// How much is known of a request whose question brings so many bytes.
    pub(super) fn known(
        self,
        body: &DescribedBody,
        length: Option<u64>,
    ) -> Result<KnownPart, UntoldBody> {
        match (self, body) {
            // It may have one all the same, which the proxy keeps to itself.
            (Self::None, _) if length == Some(0) => Ok(KnownPart::Head),
            (Self::None, _) => Err(UntoldBody::Unexpected),
            (_, DescribedBody::Partial) => Ok(KnownPart::Head),
            (Self::Whole, DescribedBody::CutAnywhere) => Err(UntoldBody::MostOfIt),
            (Self::Whole, DescribedBody::Whole) => Ok(KnownPart::Whole),
            (Self::UpTo(most), _) if length.is_some_and(|length| length < most) => {
                Ok(KnownPart::Whole)
            }
            (Self::UpTo(_), _) => Ok(KnownPart::Head),
        }
    }
}

/// What Envoy says of the body, where it shows one.
pub(super) fn envoy_body(headers: &mut HeaderMap) -> DescribedBody {
    // `allow_partial_message`; a second line may be the client's own.
    let is_told = headers.contains_key(&PARTIAL);
    let line = only_line(headers, &PARTIAL).cloned();
    headers.remove(&PARTIAL);
    match line {
        // Of one that asks for a WebSocket, Envoy shows no body.
        None if !is_told && !headers.contains_key(header::UPGRADE) => DescribedBody::Whole,
        Some(line) if line == "false" => DescribedBody::CutAnywhere,
        Some(_) | None => DescribedBody::Partial,
    }
}

const PARTIAL: HeaderName = HeaderName::from_static("x-envoy-auth-partial-body");
