//! The demands that a request must meet.

use super::error::ProxyError;
use crate::domain::{
    Body, Demand, Enforcement, FoundRoutes, Match, RequestHead, RouteId, SessionId, SessionState,
    Unmet, binding_parts, needs_body, reads_body, values,
};
use crate::gate::{self, Admission};
use crate::identity::Proven;
use crate::request::body::RequestBody;
use crate::session::ending::Expiry;
use crate::verification::Refusal;
use crate::web::UnmetDemand;
use bytes::Bytes;

/// The demands that a request makes, once everything that matters is read.
pub(super) struct Asked {
    pub(super) matches: Vec<Match>,
    pub(super) demands: Vec<Demand>,
    /// For each demand, what the person is shown.
    shown: Vec<Vec<(String, String)>>,
}

impl Asked {
    /// When what the request opens is closed, by the strictest of the routes that guard it.
    pub(super) fn expiry(&self, session: Option<SessionId>) -> Option<Expiry> {
        let enforced = self.demands.iter().map(|demand| &demand.requirement);
        let enforced = enforced.filter(|it| it.enforcement == Enforcement::Enforce);
        enforced
            .filter_map(|requirement| Expiry::of(requirement, session))
            .min_by_key(|expiry| expiry.at)
    }

    /// Reads the body as far as a route needs it, and puts the demands together.
    pub(super) async fn read(
        found: FoundRoutes,
        head: &RequestHead<'_>,
        content: &mut RequestBody,
        limit: usize,
        looks_for_keys: bool,
    ) -> Result<Self, ProxyError> {
        let is_withheld = content.is_withheld();
        let reads = !is_withheld && ((looks_for_keys && !found.is_empty()) || found.awaits_body())
            || found
                .matches()
                .iter()
                .any(|found| needs_body(&found.route.requirement, head));
        // Bytes may be needed without their meaning, for a digest of the whole request. Only where
        // a route asks for the meaning must the body have a single one.
        let judges = (found.awaits_body() && !is_withheld)
            || found
                .matches()
                .iter()
                .any(|found| reads_body(&found.route.requirement, head));
        let bytes = if reads {
            content.read(limit).await?
        } else {
            Bytes::new()
        };
        let body = if judges {
            Body::read(head.headers, &bytes)?
        } else {
            Body::read_or_opaque(head.headers, &bytes)
        };
        let matches = if is_withheld {
            found.all()
        } else {
            found.settle(head, &body)?
        };
        let mut demands = Vec::with_capacity(matches.len());
        let mut shown = Vec::with_capacity(matches.len());
        for Match { route, captures } in &matches {
            let requirement = route.requirement.clone();
            let binding = binding_parts(&requirement, head, captures, &body);
            let mut rows = Vec::with_capacity(requirement.show.len());
            for (label, field) in &requirement.show {
                let shown: Vec<_> = values(field, head, captures, &body);
                // What a request does not have makes no row; what it has and leaves empty does.
                if !shown.is_empty() {
                    rows.push((label.clone(), shown.join(", ")));
                }
            }
            shown.push(rows);
            let binding = binding.map(|parts| gate::digest(&parts));
            demands.push(Demand {
                requirement,
                binding,
            });
        }
        Ok(Self {
            matches,
            demands,
            shown,
        })
    }

    /// What the application is told of a request that may pass; nothing of one that met no demand.
    pub(super) fn proven<T>(&self, admission: &Admission<T>) -> Option<Proven> {
        let (Some(met), SessionState::Known(session)) = (admission.met, &admission.session) else {
            return None;
        };
        let requirement = &self.demands.get(met.index)?.requirement;
        Some(Proven {
            subject: session.owner.clone(),
            level: requirement.level,
            action: requirement.action.clone(),
            factors: met.proof.factors,
            at: met.proof.at,
        })
    }

    /// The route of an unmet demand, and what it demands.
    pub(super) fn of(&self, unmet: Unmet) -> Option<(&RouteId, &Demand)> {
        let index = unmet.index?;
        let found = self.matches.get(index)?;
        Some((&found.route.id, self.demands.get(index)?))
    }

    /// What is needed to challenge for a demand that is not met, be it that the request brought no right answer.
    pub(super) fn unmet(
        mut self,
        unmet: Unmet,
        refused: Option<Refusal>,
    ) -> Result<UnmetDemand, ProxyError> {
        let Unmet { index, reason } = unmet;
        let index = index.ok_or(ProxyError::Refused(reason))?;
        Ok(UnmetDemand {
            reason,
            route: self.matches.swap_remove(index).route.id.clone(),
            demand: self.demands.swap_remove(index),
            shown: self.shown.swap_remove(index),
            refused,
        })
    }
}
