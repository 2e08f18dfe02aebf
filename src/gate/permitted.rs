//! The permit: a request that was judged and may pass.

use crate::domain::Claim;
use crate::transport::upstream::{Admitted, Outgoing};
use http::{HeaderMap, Request};

/// A request that was judged and may pass.
///
/// The gate alone makes one, around the one request that it judged, and the pool of
/// upstream connections takes nothing else. Not `Clone`: one decision, one request.
///
/// ```compile_fail
/// // Only the gate makes one.
/// let forged = stepgate::gate::Permitted { request: (), claims: Vec::new() };
/// ```
///
/// ```compile_fail
/// // What was not judged is not sent.
/// use stepgate::transport::upstream::{Admitted, Outgoing};
/// fn send(request: impl Admitted) {}
/// fn unjudged(request: http::Request<Outgoing>) {
///     send(request);
/// }
/// ```
///
/// ```
/// // What was judged is.
/// use stepgate::gate::Permitted;
/// use stepgate::transport::upstream::{Admitted, Outgoing};
/// fn send(request: impl Admitted) {}
/// fn judged(request: Permitted<http::Request<Outgoing>>) {
///     send(request);
/// }
/// ```
#[derive(Debug)]
#[must_use = "it is sent, or what it took is given back"]
pub struct Permitted<T> {
    request: T,
    claims: Vec<Claim>,
}

impl<T> Permitted<T> {
    /// Only the gate judges.
    pub(super) fn new(request: T, claims: Vec<Claim>) -> Self {
        Self { request, claims }
    }

    /// The same request in another form, such as with the headers of the next hop.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Permitted<U> {
        Permitted {
            request: change(self.request),
            claims: self.claims,
        }
    }

    /// Sends nothing after all: the single-use grants that were taken for it, to be given back.
    pub fn into_claims(self) -> Vec<Claim> {
        self.claims
    }
}

impl Permitted<HeaderMap> {
    /// Somebody else sends the request, and tells the application this: whether it gets there we never learn, so
    /// what was taken stays taken.
    pub(crate) fn sent_by_another(self) -> HeaderMap {
        self.request
    }
}

impl Admitted for Permitted<Request<Outgoing>> {
    /// What was taken for it, to be put back if no byte of it was sent.
    type Taken = Vec<Claim>;

    fn release(self) -> (Request<Outgoing>, Vec<Claim>) {
        (self.request, self.claims)
    }
}
