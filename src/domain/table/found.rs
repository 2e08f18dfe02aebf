//! What the table found for a request, before and after its body is read.

use super::Captures;
use super::compiled::{Compiled, HeadMatch};
use crate::domain::body::{Body, BodyRefusal};
use crate::domain::request::{body_may_claim_methods, body_may_hold_parameters};
use crate::domain::{RequestHead, Route};
use std::sync::Arc;

/// A route that applies to a request.
#[derive(Clone, Debug)]
pub struct Match {
    /// The route.
    pub route: Arc<Route>,
    /// What the path holds for its placeholders.
    pub captures: Captures,
}

/// The routes that apply, and those that wait for the body.
#[derive(Debug, Default)]
#[must_use = "a request with routes found may not be forwarded as it is"]
pub struct FoundRoutes {
    matches: Vec<Match>,
    pending: Vec<Pending>,
}

#[derive(Debug)]
struct Pending {
    compiled: Arc<Compiled>,
    captures: Captures,
}

impl FoundRoutes {
    /// Whether no route applies, whatever the body says.
    pub fn is_empty(&self) -> bool {
        self.matches.is_empty() && self.pending.is_empty()
    }

    /// Whether the body must be read before it is known which routes apply.
    pub fn awaits_body(&self) -> bool {
        !self.pending.is_empty()
    }

    /// The routes that apply whatever the body says.
    pub fn matches(&self) -> &[Match] {
        &self.matches
    }

    /// The routes that apply only if the body says so.
    pub fn waiting(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.pending.iter().map(|pending| &pending.compiled.route)
    }

    /// Decides what waited. `head` is the one that was found with.
    ///
    /// A body that cannot tell is refused: a request that may be for a guarded route is never forwarded.
    pub fn settle(
        self,
        head: &RequestHead<'_>,
        body: &Body<'_>,
    ) -> Result<Vec<Match>, BodyRefusal> {
        let mut matches = self.matches;
        for Pending { compiled, captures } in self.pending {
            if applies(&compiled, head, body)? {
                matches.push(Match {
                    route: Arc::clone(&compiled.route),
                    captures,
                });
            }
        }
        Ok(matches)
    }

    /// All of them, for a body that nobody shows us: it may say so of each that waits.
    pub fn all(self) -> Vec<Match> {
        let waiting = self.pending.into_iter().map(|waiting| Match {
            route: Arc::clone(&waiting.compiled.route),
            captures: waiting.captures,
        });
        self.matches.into_iter().chain(waiting).collect()
    }

    pub(super) fn push(&mut self, compiled: &Arc<Compiled>, captures: Captures, as_of: HeadMatch) {
        match as_of {
            HeadMatch::Excluded => {}
            HeadMatch::Applies => {
                self.matches.push(Match {
                    route: Arc::clone(&compiled.route),
                    captures,
                });
            }
            HeadMatch::WaitsForBody => {
                self.pending.push(Pending {
                    compiled: Arc::clone(compiled),
                    captures,
                });
            }
        }
    }
}

/// Decides with the body in hand whether a route applies whose path, host, query and headers do.
pub(super) fn applies(
    compiled: &Compiled,
    head: &RequestHead<'_>,
    body: &Body<'_>,
) -> Result<bool, BodyRefusal> {
    let mut claimed = head.claimed;
    if body_may_hold_parameters(head) {
        let by_body = body.claimed_methods()?;
        if body_may_claim_methods(head) {
            claimed = claimed.union(by_body);
        }
    }
    // Once more, since the body may claim further methods.
    if !compiled.methods_hold(claimed)
        || compiled.is_excepted(head, claimed, Some(body))
        || !compiled.query_holds_with(head, body)
    {
        return Ok(false);
    }
    body.holds_all(&compiled.route.matcher.body, head)
}
