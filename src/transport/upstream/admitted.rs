//! What the pool sends: requests that were admitted.

use super::outgoing::Outgoing;
use http::Request;

/// A request that may be sent to the application.
///
/// The transport knows no policy, and takes nothing that was not admitted: the gate's permit alone is one
/// (kept by `tests/tidy/architecture.rs`).
pub trait Admitted {
    /// What was taken for it, to be put back if no byte of it was sent.
    type Taken;

    /// The request, and what was taken for it.
    fn release(self) -> (Request<Outgoing>, Self::Taken);
}
