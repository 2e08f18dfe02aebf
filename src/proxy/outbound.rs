//! A client's request on its way: what was read of it, and what is still to come.

use crate::identity::{Proven, Teller, ToldRequest};
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
    /// What the application is told of who sent it.
    pub(super) proven: Option<Proven>,
}

impl Outbound<'_> {
    /// Adds what the application is told.
    pub(super) fn tell(&mut self, teller: &Teller) {
        let Some(proven) = &self.proven else { return };
        let request = ToldRequest {
            method: &self.parts.method,
            uri: &self.parts.uri,
            body: self.content.as_read(),
        };
        teller.tell(proven, &request, &mut self.parts.headers);
    }

    /// As it is sent to the application.
    pub(super) fn into_request(self) -> Request<Outgoing> {
        let Self { parts, content, .. } = self;
        let mut request = Request::new(content.into_outgoing());
        *request.method_mut() = mem::take(&mut parts.method);
        *request.uri_mut() = mem::take(&mut parts.uri);
        *request.headers_mut() = mem::take(&mut parts.headers);
        request
    }
}
