//! A demand that was not met.

use crate::domain::{Demand, Reason, RouteId};
use crate::verification::Refusal;

/// A demand that was not met.
pub(crate) struct UnmetDemand {
    pub(crate) reason: Reason,
    pub(crate) route: RouteId,
    pub(crate) demand: Demand,
    pub(crate) shown: Vec<(String, String)>,
    /// Why a proof that came with the request was not accepted.
    pub(crate) refused: Option<Refusal>,
}
