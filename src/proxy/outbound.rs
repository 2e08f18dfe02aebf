//! A client's request on its way: what was read of it, and what is still to come.

use super::inline_code::InlineCode;
use crate::identity::{Proven, Teller, ToldRequest};
use crate::request::body::RequestBody;
use crate::transport::upstream::Outgoing;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
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
    /// A code that came with it.
    pub(super) inline_code: Option<InlineCode>,
}

impl Outbound<'_> {
    /// What the application is told, by whoever forwards the request: all of `names`, for a proxy may let pass what a
    /// client sends (Caddy from 2.10), or send the name of its own variable (2.6), in the place of one that is missing.
    pub(super) fn into_told(mut self, teller: Option<&Teller>, names: &[String]) -> HeaderMap {
        let headers = &mut self.parts.headers;
        // It names the request that an assertion is about.
        let host = headers.remove(header::HOST);
        headers.clear();
        headers.extend(host.map(|host| (header::HOST, host)));
        if let Some(teller) = teller {
            self.tell(teller);
        }
        let mut told = mem::take(&mut self.parts.headers);
        told.remove(header::HOST);
        for name in names.iter().filter_map(|name| name.parse().ok()) {
            told.entry::<HeaderName>(name)
                .or_insert(HeaderValue::from_static(""));
        }
        told
    }

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
