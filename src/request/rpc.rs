//! What a remote procedure is called by.

use http::header::HeaderValue;

/// What a remote procedure is called by: told by the media type, and for Connect also by its own header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rpc {
    /// Connect, one message each way.
    Connect,
    /// Connect with a stream of messages.
    ConnectStream {
        /// In JSON, else in binary.
        json: bool,
    },
    /// gRPC over HTTP/2.
    Grpc,
    /// gRPC-Web.
    GrpcWeb,
    /// gRPC-Web in base64.
    GrpcWebText,
}

impl Rpc {
    pub(super) fn of(media_type: &HeaderValue, is_connect: bool) -> Option<Self> {
        let media_type = media_type.to_str().ok()?.split(';').next()?.trim();
        // Compared in place: every request with a body passes here.
        let (kind, name) = media_type.split_once('/')?;
        if !kind.eq_ignore_ascii_case("application") {
            return None;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let begins_with = |known: &str| {
            let head = name.get(..known.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(known))
        };
        if is("connect+json") || is("connect+proto") {
            let json = is("connect+json");
            Some(Self::ConnectStream { json })
        } else if is("proto") || (is_connect && is("json")) {
            Some(Self::Connect)
        } else if begins_with("grpc-web-text") {
            Some(Self::GrpcWebText)
        } else if begins_with("grpc-web") {
            Some(Self::GrpcWeb)
        } else if begins_with("grpc") {
            // Also `application/grpc+proto` and the like.
            Some(Self::Grpc)
        } else {
            None
        }
    }
}
