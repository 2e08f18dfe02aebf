//! What proxies are answered that ask about a request and forward it by themselves.

use super::shape::set;
use crate::gate::Permitted;
use crate::request::question::{
    CheckResponse, Convention, DeniedHttpResponse, HeaderChange, HeaderLine, HttpStatus,
    MessageError, OkHttpResponse, QuestionError, RpcStatus, UntoldBody,
};
use crate::web::rpc;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// Marks the one answer by which a request passes.
#[derive(Clone, Copy, Debug)]
struct Admits;

/// The request may pass, and the application be told this of it.
pub(crate) fn admitted(told: Permitted<HeaderMap>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    response.extensions_mut().insert(Admits);
    let headers = response.headers_mut();
    *headers = told.sent_by_another();
    set(headers, header::CACHE_CONTROL, "no-store");
    response
}

/// Whether it lets a request pass.
pub(crate) fn admits<B>(response: &Response<B>) -> bool {
    response.extensions().get::<Admits>().is_some()
}

/// Gives an answer a status that the proxy understands: where it passes on a few only, and where a refusal has one
/// that would let the request pass, as those of gRPC have.
pub(crate) fn suit<B>(convention: Option<Convention>, response: &mut Response<B>) {
    let status = response.status();
    let is_understood = match convention {
        // `auth_request` fails at any other, and the client learns nothing.
        Some(Convention::Nginx) => status == StatusCode::UNAUTHORIZED,
        // Envoy takes the rest for a failure of ours, where `failure_mode_allow` may let everything pass.
        Some(Convention::Envoy) => !status.is_success() && !status.is_server_error(),
        Some(Convention::EnvoyGrpc | Convention::Forwarded) | None => !status.is_success(),
    };
    if !admits(response) && !is_understood {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
}

/// Why a question by gRPC has no answer: a status of gRPC, and a word on it.
#[derive(Debug)]
pub(crate) struct RpcFault {
    code: u8,
    message: String,
}

impl RpcFault {
    /// That of an error; `None` for what is about the request, whose client is told.
    pub(crate) fn of(error: &QuestionError) -> Option<Self> {
        let code = match error {
            QuestionError::Message(MessageError::Body(_)) => RESOURCE_EXHAUSTED,
            QuestionError::Message(MessageError::Decode(_) | MessageError::Framing) => {
                INVALID_ARGUMENT
            }
            QuestionError::Body(UntoldBody::MostOfIt) | QuestionError::Setting(_) => {
                FAILED_PRECONDITION
            }
            QuestionError::Secret | QuestionError::Untrusted => UNAUTHENTICATED,
            QuestionError::Message(MessageError::Compressed) | QuestionError::Unknown => {
                UNIMPLEMENTED
            }
            QuestionError::Barred(_)
            | QuestionError::Body(UntoldBody::Unexpected)
            | QuestionError::Contradicts(_)
            | QuestionError::Expected(_)
            | QuestionError::Unreadable(_) => return None,
        };
        let message = if error.is_about_asker() {
            "nobody may ask so; the log of Stepgate says why".to_owned()
        } else {
            error.to_string()
        };
        Some(Self { code, message })
    }
}

/// What a question by gRPC is answered that fails: "Trailers-Only" of gRPC over HTTP/2.
pub(crate) fn check_failed(fault: &RpcFault) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, "application/grpc");
    set(headers, GRPC_STATUS, &fault.code.to_string());
    set(headers, GRPC_MESSAGE, &rpc::grpc_message(&fault.message));
    response
}

/// The answer to a question by gRPC: what the client would be answered, or that its request may pass.
pub(crate) fn checked(response: Response<Bytes>) -> Response<Bytes> {
    let is_admitted = admits(&response);
    let (parts, body) = response.into_parts();
    let message = if is_admitted {
        passed(&parts.headers)
    } else {
        denied(parts.status, &parts.headers, body)
    };
    let message = rpc::frame(0, &prost::Message::encode_to_vec(&message));
    let mut response = Response::new(Bytes::from(message));
    set(
        response.headers_mut(),
        header::CONTENT_TYPE,
        "application/grpc",
    );
    response
}

/// What comes behind a message: the call has not failed.
pub(crate) fn rpc_done() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    set(&mut trailers, GRPC_STATUS, "0");
    trailers
}

fn passed(told: &HeaderMap) -> CheckResponse {
    let mut passed = OkHttpResponse::default();
    for (name, value) in told {
        if *name == header::SET_COOKIE {
            let line = change(name, value, HeaderChange::APPEND);
            passed.response_headers_to_add.extend(line);
        } else if value.is_empty() {
            // Where nothing was proved, a client's own must not stand in its place.
            passed.headers_to_remove.push(name.as_str().to_owned());
        } else if *name != header::CACHE_CONTROL {
            let line = change(name, value, HeaderChange::OVERWRITE);
            passed.headers.extend(line);
        }
    }
    CheckResponse {
        status: Some(RpcStatus { code: 0 }),
        denied_response: None,
        ok_response: Some(passed),
    }
}

fn denied(status: StatusCode, headers: &HeaderMap, body: Bytes) -> CheckResponse {
    // Of the connection to us, and of the body, which Envoy measures itself.
    let ends_here = [header::CONNECTION, header::CONTENT_LENGTH];
    let names = headers.keys().filter(|name| !ends_here.contains(name));
    let lines = names.flat_map(|name| {
        let lines = headers.get_all(name).iter().enumerate();
        lines.filter_map(move |(place, value)| {
            // The first line takes the place of Envoy's own, such as the type of a text.
            let action = if place == 0 {
                HeaderChange::OVERWRITE
            } else {
                HeaderChange::APPEND
            };
            change(name, value, action)
        })
    });
    let denied = DeniedHttpResponse {
        status: Some(HttpStatus {
            code: status.as_u16().into(),
        }),
        headers: lines.collect(),
        // A string, so what is no text, as the frames of gRPC-Web, cannot be sent.
        body: String::from_utf8(body.into()).unwrap_or_default(),
    };
    CheckResponse {
        status: Some(RpcStatus {
            code: PERMISSION_DENIED.into(),
        }),
        denied_response: Some(denied),
        ok_response: None,
    }
}

/// A line for the application or the client; `None` if it is no text, which Envoy would take for a failure of ours.
fn change(name: &HeaderName, value: &HeaderValue, append_action: i32) -> Option<HeaderChange> {
    std::str::from_utf8(value.as_bytes()).ok()?;
    let header = HeaderLine {
        key: Bytes::copy_from_slice(name.as_str().as_bytes()),
        value: Bytes::copy_from_slice(value.as_bytes()),
        raw_value: Bytes::new(),
    };
    Some(HeaderChange {
        header: Some(header),
        append_action,
    })
}

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

// gRPC, "Status Codes and Their Use in gRPC".
const INVALID_ARGUMENT: u8 = 3;
const PERMISSION_DENIED: u8 = 7;
const RESOURCE_EXHAUSTED: u8 = 8;
const FAILED_PRECONDITION: u8 = 9;
const UNIMPLEMENTED: u8 = 12;
const UNAUTHENTICATED: u8 = 16;
