//! Challenges that come back: whose they are, and whether they can still be answered.

use super::services::Services;
use super::token;
use super::verifier::Verifier;
use crate::domain::{Challenge, Requirement, RouteId};
use crate::store::StoreError;
use crate::verification::Claimant;
use std::sync::Arc;
use std::time::Duration;

/// How long what somebody has filled in is kept for them after their challenge has expired (WCAG 2.2.5).
const REMEMBERED: Duration = Duration::from_hours(24);

impl Verifier {
    /// Opens a token for its owner; `None` if it has expired, or was made for another.
    ///
    /// A token bound to a browser key opens in that browser only; every token only in its session,
    /// whatever value its cookie has by now, and for its subject. A verification renews the key of its
    /// browser: another challenge that this one has open, in a session of its own, stays open, since the session
    /// is still its own under the new key.
    pub async fn read(
        &self,
        token: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        claimant: &Claimant<'_>,
    ) -> Result<Option<Challenge>, StoreError> {
        let Services { keys, clock, .. } = &*self.services;
        let opened = token::open_challenge(token, requirement, keys, clock.now());
        self.of_claimant(opened, claimant).await
    }

    /// What a challenge was for that has expired, less than a day ago. It can no longer be answered.
    pub async fn read_expired(
        &self,
        token: &str,
        requirement: impl FnOnce(&RouteId) -> Option<Arc<Requirement>>,
        claimant: &Claimant<'_>,
    ) -> Result<Option<Challenge>, StoreError> {
        let Services { keys, clock, .. } = &*self.services;
        let now = clock.now();
        let opened = token::open_late(token, requirement, keys).filter(|challenge| {
            challenge.expires_at <= now && now < challenge.expires_at.after(REMEMBERED)
        });
        self.of_claimant(opened, claimant).await
    }

    /// The challenge, if it is the claimant's own.
    pub(super) async fn of_claimant(
        &self,
        opened: Option<Challenge>,
        claimant: &Claimant<'_>,
    ) -> Result<Option<Challenge>, StoreError> {
        let is_owner = |challenge: &Challenge| {
            challenge.subject == *claimant.subject
                && (challenge
                    .browser_key
                    .is_none_or(|key| claimant.browser_key == Some(key))
                    || (challenge.in_own_session && claimant.is_in_own_session()))
        };
        let Some(mut challenge) = opened.filter(is_owner) else {
            return Ok(None);
        };
        // With how the name was said, which a token does not have.
        challenge.subject = claimant.subject.clone();
        // The application may have replaced the cookie since, as after a login: then the store
        // knows both values as one session.
        let is_here = challenge.session == claimant.session
            || self
                .store
                .is_same_session(challenge.session, claimant.session)
                .await?;
        Ok(is_here.then_some(challenge))
    }
}
