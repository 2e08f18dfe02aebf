//! What proxies are answered that ask about a request and forward it by themselves.

use super::shape::set;
use crate::gate::Permitted;
use crate::request::question::Convention;
use bytes::Bytes;
use http::header::{self, HeaderMap};
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
        Some(Convention::Forwarded) | None => !status.is_success(),
    };
    if !admits(response) && !is_understood {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
}
