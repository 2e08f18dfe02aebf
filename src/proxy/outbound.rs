//! A client's request on its way: what was read of it, and what is still to come.

use crate::request::body::RequestBody;
use crate::transport::upstream::Outgoing;
use http::Request;
use http::request::Parts;
use std::mem;

/// A client's request, which the gate judges.
#[derive(Debug)]
pub(super) struct Outbound<'p> {
    /// Its head. By reference: it is large.
    pub(super) parts: &'p mut Parts,
    /// Its body.
    pub(super) content: RequestBody,
}

impl Outbound<'_> {
    /// As it is sent to the application.
    pub(super) fn into_request(self) -> Request<Outgoing> {
        let Self { parts, content } = self;
        let mut request = Request::new(content.into_outgoing());
        *request.method_mut() = mem::take(&mut parts.method);
        *request.uri_mut() = mem::take(&mut parts.uri);
        *request.headers_mut() = mem::take(&mut parts.headers);
        request
    }
}
