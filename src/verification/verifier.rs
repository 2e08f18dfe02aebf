//! The verifier: opens and reads challenges, and reports and drops the elevation of a session.

use super::counted_by::CountedBy;
use super::directory::open_alternatives;
use super::error::VerifyError;
use super::factors::{is_sent, mask};
use super::services::Services;
use super::throttle::{Throttle, Try};
use super::token;
use crate::audit::{Event, EventKind, Outcome};
use crate::domain::{
    BrowserKeyHash, Challenge, ChallengeId, Demand, DisplayName, Factor, FactorSet, Grant,
    LocalPath, Mark, Provenance, Requirement, ReturnTarget, RouteId, SessionId, Subject, Timestamp,
    User, UserId,
};
use crate::store::{Ask, Store, StoreError};
use std::net::IpAddr;
use std::sync::Arc;

/// Whose identity is to be verified (NIST SP 800-63's claimant), as the proxy has identified them.
#[derive(Clone, Copy, Debug)]
pub struct Claimant<'a> {
    /// The session.
    pub session: SessionId,
    /// Its subject.
    pub subject: &'a Subject,
    /// The subject's mail address, by the word of a trusted proxy.
    pub email: Option<&'a str>,
    /// The groups that the subject is in, by the word of the source that names them.
    pub groups: &'a [String],
    /// The name by which a page calls the subject.
    pub display: Option<&'a DisplayName>,
    /// The browser key that the request carries, hashed.
    pub browser_key: Option<BrowserKeyHash>,
    /// The browser key that the session belongs to, if it belongs to any.
    pub session_key: Option<BrowserKeyHash>,
}

impl Claimant<'_> {
    /// Whether the session belongs to the browser that the request comes from.
    pub(super) fn is_in_own_session(&self) -> bool {
        self.session_key.is_some() && self.session_key == self.browser_key
    }
}

/// A claimant who calls one of our endpoints.
#[derive(Clone, Copy, Debug)]
pub struct EndpointCaller<'a> {
    /// Who calls.
    pub claimant: Claimant<'a>,
    /// The identity that attempts are counted under.
    pub counted_by: CountedBy,
    /// Where the request comes from.
    pub address: IpAddr,
    /// The request, for the audit log.
    pub request_id: Option<&'a str>,
    /// The same as people recognize it.
    pub provenance: Option<&'a Provenance>,
}

/// A challenge to be opened for a refused request.
#[derive(Clone, Debug)]
pub struct NewChallenge<'a> {
    /// Who was refused.
    pub claimant: Claimant<'a>,
    /// The route that was not satisfied.
    pub route: RouteId,
    /// What it demands.
    pub demand: Demand,
    /// What the person is shown of the request: label and value.
    pub shown: Vec<(String, String)>,
    /// Where to go afterwards.
    pub return_to: ReturnTarget,
    /// The request of a program that the answer approves, and when that ends.
    pub device: Option<(ChallengeId, Timestamp)>,
    /// Where the person was, to go back to instead.
    pub back: Option<LocalPath>,
}

/// The factors by which a subject can satisfy a challenge.
#[derive(Clone, Debug)]
pub struct AvailableFactors {
    /// The accepted alternatives that this subject can complete, the preferred first. Empty if the
    /// subject has enrolled nothing that the route accepts.
    pub alternatives: Vec<FactorSet>,
    /// The masked address that a code would be sent to.
    pub email_hint: Option<String>,
}

/// The elevation of a session.
#[derive(Clone, Debug)]
pub struct Status {
    /// The last verification, if it counts for this browser and subject.
    pub mark: Option<Mark>,
    /// Until when a verification or sign-in is fresh, if one is.
    pub fresh_until: Option<Timestamp>,
    /// The grants that this browser and subject hold.
    pub grants: Vec<Grant>,
}

/// Verifies claimants. One for each thread, with that thread's store.
#[derive(Clone, Debug)]
pub struct Verifier {
    pub(super) store: Store,
    pub(super) services: Arc<Services>,
}

impl Verifier {
    /// A verifier over `store`.
    pub const fn new(store: Store, services: Arc<Services>) -> Self {
        Self { store, services }
    }

    /// The shared services.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Opens a challenge as a sealed token. Nothing is written to the store.
    pub fn open(&self, new: NewChallenge<'_>) -> (String, Challenge) {
        let Services {
            keys,
            entropy,
            clock,
            settings,
            ..
        } = &*self.services;
        let now = clock.now();
        let rule = new.demand.requirement.approval.as_ref();
        // Whoever approves needs longer than whoever answers.
        let life = rule.map_or(settings.challenge_life, |rule| rule.within);
        let challenge = Challenge {
            id: ChallengeId::new(entropy.bytes()),
            session: new.claimant.session,
            subject: new.claimant.subject.clone(),
            browser_key: new.claimant.browser_key,
            in_own_session: new.claimant.session_key.is_none() || new.claimant.is_in_own_session(),
            route: new.route,
            demand: new.demand,
            shown: token::shown(new.shown),
            return_to: token::return_target(new.return_to),
            device: new.device.map(|(id, _)| id),
            back: new
                .back
                .filter(|path| path.as_str().len() <= token::MAX_BACK),
            opened_at: now,
            expires_at: match new.device {
                // Nothing is left to approve after that.
                Some((_, end)) => end.min(now.after(life)),
                None => now.after(life),
            },
        };
        (token::seal_challenge(&challenge, keys, entropy), challenge)
    }

    /// By which factors the claimant can satisfy a challenge. Reads the directory once.
    pub async fn available_factors(
        &self,
        challenge: &Challenge,
        claimant: &Claimant<'_>,
    ) -> Result<AvailableFactors, VerifyError> {
        let user = self.user(claimant).await?;
        Ok(self.available_to(user.as_ref(), challenge))
    }

    /// Whether a code was mailed for this challenge, or for the same page opened before, and can still be typed.
    pub async fn is_code_sent(&self, challenge: &Challenge) -> Result<bool, StoreError> {
        is_sent(challenge, &self.services, &self.store).await
    }

    /// The elevation of a session. `asserted_at` is when its subject logged in, by the word of a source, which needs no
    /// browser key. Takes nothing.
    pub async fn status(
        &self,
        claimant: &Claimant<'_>,
        asserted_at: Option<Timestamp>,
    ) -> Result<Status, VerifyError> {
        let Services {
            clock, settings, ..
        } = &*self.services;
        let ask = Ask::session(claimant.session, claimant.browser_key);
        let now = clock.now();
        let held = self.store.evidence(ask, now).await?;
        let session = held.session.filter(|session| {
            !session.revoked && session.owner.subject() == Some(claimant.subject)
        });
        let is_here = session.as_ref().is_some_and(|session| {
            session.browser_key.is_some() && session.browser_key == claimant.browser_key
        });
        let mark = held.mark.filter(|mark| {
            is_here
                && mark.subject == *claimant.subject
                && Some(mark.browser_key) == claimant.browser_key
        });
        // Of this browser only: a copied cookie comes with no key.
        let signed_in = session
            .as_ref()
            .and_then(|session| session.authenticated_at)
            .filter(|_| is_here);
        // A login and a proof are equally good for level 1 and 2: the later one counts.
        let verified = mark.as_ref().map(|mark| mark.verified_at);
        let times = [verified, signed_in, asserted_at].into_iter().flatten();
        let latest = times.filter(|at| now.is_within(settings.fresh, *at)).max();
        let mut grants = self.store.grants_of(claimant.session).await?;
        grants.retain(|grant| {
            is_here
                && grant.subject == *claimant.subject
                && Some(grant.browser_key) == claimant.browser_key
                && now < grant.expires_at
        });
        Ok(Status {
            fresh_until: latest.map(|at| at.after(settings.fresh)),
            mark,
            grants,
        })
    }

    /// The ways in which the claimant could meet a requirement.
    pub async fn open_ways(
        &self,
        requirement: &Requirement,
        claimant: &Claimant<'_>,
    ) -> Result<Vec<FactorSet>, VerifyError> {
        let user = self.user(claimant).await?;
        let usable = self.usable(user.as_ref(), claimant.subject);
        Ok(open_alternatives(requirement, usable))
    }

    /// Drops all elevation of the caller's session.
    pub async fn lock(&self, caller: &EndpointCaller<'_>) -> Result<(), VerifyError> {
        // What cannot be recorded is not done.
        self.services.audit.ready()?;
        self.store.lock_session(caller.claimant.session).await?;
        let event = self.event(EventKind::Locked, Outcome::Succeeded, caller);
        Ok(self.services.audit.record(&event)?)
    }

    pub(super) fn available_to(
        &self,
        user: Option<&User>,
        challenge: &Challenge,
    ) -> AvailableFactors {
        let requirement = &*challenge.demand.requirement;
        let usable = self.usable(user, &challenge.subject);
        let mailed = usable.contains(Factor::EmailCode)
            && requirement.factors.mentioned().contains(Factor::EmailCode);
        let email = user.and_then(|user| user.email.as_deref());
        AvailableFactors {
            alternatives: open_alternatives(requirement, usable),
            email_hint: email.filter(|_| mailed).map(mask),
        }
    }

    /// What counts an answer by `factor`.
    pub(super) fn attempt<'a>(
        &self,
        challenge: &Challenge,
        factor: Factor,
        user: &'a UserId,
        caller: &EndpointCaller<'_>,
    ) -> Try<'a> {
        Try {
            // A page that is opened again brings no new guesses at a code that stays.
            challenge: match factor {
                Factor::EmailCode => token::code_id(challenge, &self.services.keys),
                Factor::BootstrapCode
                | Factor::Oidc
                | Factor::Passkey
                | Factor::Password
                | Factor::RecoveryCode
                | Factor::Totp => challenge.id,
            },
            life: challenge.expires_at.since(challenge.opened_at),
            counted_by: caller.counted_by,
            user,
            address: caller.address,
        }
    }

    pub(super) fn throttle(&self) -> Throttle<'_> {
        Throttle {
            keys: &self.services.keys,
            limits: &self.services.settings.limits,
        }
    }

    pub(super) fn event<'e>(
        &self,
        kind: EventKind,
        outcome: Outcome,
        caller: &EndpointCaller<'e>,
    ) -> Event<'e> {
        let mut event = Event::new(self.services.clock.now(), kind, outcome);
        event.session = Some(caller.claimant.session);
        event.subject = Some(caller.claimant.subject);
        event.client = Some(caller.address);
        event.request_id = caller.request_id;
        event
    }
}

/// The user that attempts are counted under: the canonical one, or the subject if there is no entry.
pub(super) fn counted_as(user: Option<&User>, subject: &Subject) -> UserId {
    user.map_or_else(|| UserId::new(subject.as_str()), |user| user.id.clone())
}

/// Adds what the audit log should know of a challenge.
pub(super) fn describe<'e>(
    event: &mut Event<'e>,
    challenge: &'e Challenge,
    factor: Option<Factor>,
) {
    let requirement = &*challenge.demand.requirement;
    event.routes = vec![&challenge.route];
    event.action = Some(&requirement.action);
    event.level = Some(requirement.level);
    event.enforcement = Some(requirement.enforcement);
    event.challenge = Some(challenge.id);
    event.factor = factor;
}
