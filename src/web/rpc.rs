//! Refusals in the words of gRPC, gRPC-Web and Connect, with details as `google.rpc` defines them.

use super::problem::Problem;
use crate::locale::Locale;
use crate::request::rpc::Rpc;
use data_encoding::{BASE64, BASE64_NOPAD};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use prost::Message;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What one of these protocols answers instead of a problem document.
pub(super) struct RpcAnswer {
    pub(super) media_type: &'static str,
    /// Whether the status of HTTP is 200, as the protocol has its own elsewhere.
    pub(super) is_ok: bool,
    /// What gRPC sends in place of trailers, in a response without a body ("Trailers-Only").
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

/// A code of gRPC, which Connect has as a word.
struct Code(u8, &'static str);

impl RpcAnswer {
    /// Says what `document` says.
    pub(super) fn new(rpc: Rpc, document: &Problem, locale: Locale) -> Self {
        let code = Code::of(rpc, document);
        let details = [
            ("google.rpc.ErrorInfo", error_info(document)),
            ("google.rpc.LocalizedMessage", localized(document, locale)),
        ];
        let answer = |media_type, is_ok, body| Self {
            media_type,
            is_ok,
            headers: Vec::new(),
            body,
        };
        match rpc {
            Rpc::Grpc => Self {
                headers: trailers(&code, document, &details).to_vec(),
                ..answer("application/grpc", true, Vec::new())
            },
            Rpc::GrpcWeb | Rpc::GrpcWebText => {
                let trailers = trailers(&code, document, &details);
                let lines = trailers.map(|(name, value)| format!("{name}:{value}\r\n"));
                // gRPC-Web, "Protocol differences": the most significant bit marks a frame of trailers.
                let frame = frame(0x80, lines.concat().as_bytes());
                if rpc == Rpc::GrpcWeb {
                    answer("application/grpc-web", true, frame)
                } else {
                    let text = BASE64.encode(&frame).into_bytes();
                    answer("application/grpc-web-text", true, text)
                }
            }
            Rpc::Connect => {
                let error = connect_error(&code, document, &details).to_string();
                answer("application/json", false, error.into_bytes())
            }
            Rpc::ConnectStream { json } => {
                let error = json!({ "error": connect_error(&code, document, &details) });
                // Connect, "Error-handling": an end of stream has the second bit.
                let body = frame(0x02, error.to_string().as_bytes());
                let media_type = if json {
                    "application/connect+json"
                } else {
                    "application/connect+proto"
                };
                answer(media_type, true, body)
            }
        }
    }
}

impl Code {
    /// The code for a document. A client of Connect would take `unauthenticated` for the end of its session.
    fn of(rpc: Rpc, document: &Problem) -> Self {
        let is_connect = matches!(rpc, Rpc::Connect | Rpc::ConnectStream { .. });
        match document.status {
            403 if document.challenge.is_some() && !is_connect => Self(16, "unauthenticated"),
            400 | 405 => Self(3, "invalid_argument"),
            401 => Self(16, "unauthenticated"),
            404 => Self(5, "not_found"),
            408 | 504 => Self(4, "deadline_exceeded"),
            413 | 429 => Self(8, "resource_exhausted"),
            502 | 503 => Self(14, "unavailable"),
            _ => Self(7, "permission_denied"),
        }
    }
}

/// The trailers: status, message, details, and the document itself.
fn trailers(
    code: &Code,
    document: &Problem,
    details: &[(&str, Vec<u8>)],
) -> [(&'static str, String); 4] {
    let details = details.iter().map(|(name, value)| StatusDetail {
        type_url: format!("type.googleapis.com/{name}"),
        value: value.clone(),
    });
    let status = DetailedStatus {
        code: code.0.into(),
        message: document.detail.clone(),
        details: details.collect(),
    };
    [
        ("grpc-status", code.0.to_string()),
        ("grpc-message", grpc_message(&document.detail)),
        // gRPC over HTTP/2, "Custom-Metadata": names that end in `-bin` carry base64.
        (
            "grpc-status-details-bin",
            BASE64_NOPAD.encode(&status.encode_to_vec()),
        ),
        (
            "step-up-problem-bin",
            BASE64_NOPAD.encode(&document.to_json()),
        ),
    ]
}

/// Connect, "Error end stream" and "Unary response": code, message, details.
fn connect_error(code: &Code, document: &Problem, details: &[(&str, Vec<u8>)]) -> Value {
    let metadata: serde_json::Map<String, Value> = metadata(document)
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    let info = json!({ "reason": document.code, "domain": DOMAIN, "metadata": metadata });
    let details = details.iter().map(|(name, value)| {
        let debug = (*name == "google.rpc.ErrorInfo").then_some(&info);
        json!({ "type": name, "value": BASE64_NOPAD.encode(value), "debug": debug })
    });
    let details: Vec<_> = details.collect();
    json!({ "code": code.1, "message": document.detail, "details": details })
}

/// `google.rpc.Status` (`status.proto` in google/rpc)
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct DetailedStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<StatusDetail>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct StatusDetail {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.ErrorInfo` (`error_details.proto` in google/rpc)
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
    #[prost(string, tag = "2")]
    domain: String,
    #[prost(btree_map = "string, string", tag = "3")]
    metadata: BTreeMap<String, String>,
}

/// `google.rpc.LocalizedMessage`
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct LocalizedMessage {
    #[prost(string, tag = "1")]
    locale: String,
    #[prost(string, tag = "2")]
    message: String,
}

fn error_info(document: &Problem) -> Vec<u8> {
    let metadata = metadata(document).map(|(key, value)| (key.to_owned(), value.to_owned()));
    let info = ErrorInfo {
        reason: document.code.clone(),
        domain: DOMAIN.to_owned(),
        metadata: metadata.collect(),
    };
    info.encode_to_vec()
}

fn localized(document: &Problem, locale: Locale) -> Vec<u8> {
    let message = LocalizedMessage {
        locale: locale.as_str().to_owned(),
        message: document.detail.clone(),
    };
    message.encode_to_vec()
}

/// What a program needs of the document.
fn metadata(document: &Problem) -> impl Iterator<Item = (&'static str, &str)> {
    let challenge = document.challenge.as_ref();
    let of_challenge = challenge.into_iter().flat_map(|challenge| {
        [
            ("action", challenge.action.as_str()),
            ("page_url", &challenge.page_url),
            ("token", challenge.token.expose()),
            ("verify_url", &challenge.verify_url),
        ]
    });
    let of_device = document.device.as_ref().into_iter().flat_map(|device| {
        [
            ("device_code", device.device_code.expose().as_str()),
            ("user_code", &device.user_code),
            ("verification_uri", &device.verification_uri),
            (
                "verification_uri_complete",
                &device.verification_uri_complete,
            ),
        ]
    });
    let login = document.login_url.as_deref();
    let login = login.map(|url| ("login_url", url));
    [("reason", document.reason)]
        .into_iter()
        .chain(of_challenge)
        .chain(of_device)
        .chain(login)
}

/// A message with its flags and its length before it.
pub(super) fn frame(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[flags][..], &length.to_be_bytes(), message].concat()
}

/// Percent-encodes a `grpc-message` (gRPC over HTTP/2, "Responses": all but 0x20 to 0x7E, and `%`).
pub(super) fn grpc_message(message: &str) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    utf8_percent_encode(message, ESCAPED).to_string()
}

const DOMAIN: &str = "stepgate";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_message_is_plain_ascii() {
        assert_eq!(
            grpc_message("100 % “ok”\n"),
            "100 %25 %E2%80%9Cok%E2%80%9D%0A"
        );
    }
}
