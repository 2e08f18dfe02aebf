//! `envoy.service.auth.v3`: the messages of Envoy's authorization service, as far as they are read or written here.
//!
//! Fields have the numbers of `external_auth.proto` and `attribute_context.proto` in envoy/service/auth/v3, of
//! `address.proto` and `base.proto` in envoy/config/core/v3, of `http_status.proto` in envoy/type/v3 and of `status.proto` in
//! google/rpc.
//! No `Debug`: they hold cookies.

use bytes::Bytes;
use prost::Message;

/// `envoy.service.auth.v3.CheckRequest`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) attributes: Option<Attributes>,
}

/// `AttributeContext`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Attributes {
    #[prost(message, optional, tag = "1")]
    pub(super) source: Option<PeerAttributes>,
    #[prost(message, optional, tag = "4")]
    pub(super) request: Option<RequestAttributes>,
}

/// `AttributeContext.Peer`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct PeerAttributes {
    #[prost(message, optional, tag = "1")]
    pub(super) address: Option<PeerAddress>,
}

/// `envoy.config.core.v3.Address`, where it is one of a network.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct PeerAddress {
    #[prost(message, optional, tag = "1")]
    pub(super) socket_address: Option<SocketName>,
}

/// `SocketAddress`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct SocketName {
    #[prost(string, tag = "2")]
    pub(super) address: String,
}

/// `AttributeContext.Request`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct RequestAttributes {
    #[prost(message, optional, tag = "2")]
    pub(super) http: Option<HttpAttributes>,
}

/// `AttributeContext.HttpRequest`. What is a string there is read as bytes: what a client sent need not be UTF-8.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct HttpAttributes {
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) method: Bytes,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) path: Bytes,
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) host: Bytes,
    // Read to be refused: what is not UTF-8 in it is not what was sent.
    #[prost(bytes = "bytes", tag = "11")]
    pub(super) body: Bytes,
    #[prost(bytes = "bytes", tag = "12")]
    pub(super) raw_body: Bytes,
    // Not `headers` (3), a map: lines of one name are one there.
    #[prost(message, optional, tag = "13")]
    pub(super) header_map: Option<HeaderLines>,
}

/// `envoy.config.core.v3.HeaderMap`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct HeaderLines {
    #[prost(message, repeated, tag = "1")]
    pub(super) headers: Vec<HeaderLine>,
}

/// `HeaderValue`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct HeaderLine {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) key: Bytes,
    // What we say goes here; of what Envoy tells, only `raw_value` has the bytes that came.
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) value: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) raw_value: Bytes,
}

/// `envoy.service.auth.v3.CheckResponse`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<RpcStatus>,
    // One of the two, as `oneof http_response` has it.
    #[prost(message, optional, tag = "2")]
    pub(crate) denied_response: Option<DeniedHttpResponse>,
    #[prost(message, optional, tag = "3")]
    pub(crate) ok_response: Option<OkHttpResponse>,
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
}

/// `DeniedHttpResponse`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct DeniedHttpResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) status: Option<HttpStatus>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) headers: Vec<HeaderChange>,
    #[prost(string, tag = "3")]
    pub(crate) body: String,
}

/// `envoy.type.v3.HttpStatus`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct HttpStatus {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
}

/// `OkHttpResponse`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct OkHttpResponse {
    #[prost(message, repeated, tag = "2")]
    pub(crate) headers: Vec<HeaderChange>,
    #[prost(string, repeated, tag = "5")]
    pub(crate) headers_to_remove: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) response_headers_to_add: Vec<HeaderChange>,
}

/// `HeaderValueOption`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(crate) struct HeaderChange {
    #[prost(message, optional, tag = "1")]
    pub(crate) header: Option<HeaderLine>,
    // `append` (2) is deprecated, and goes before this where it is there.
    #[prost(int32, tag = "3")]
    pub(crate) append_action: i32,
}

impl HeaderChange {
    /// `APPEND_IF_EXISTS_OR_ADD`: a line more.
    pub(crate) const APPEND: i32 = 0;
    /// `OVERWRITE_IF_EXISTS_OR_ADD`: the only line.
    pub(crate) const OVERWRITE: i32 = 2;
}
