//! What a guarded request asks of the store, and what the store holds for it.

use crate::domain::{Action, BrowserKeyHash, Claim, Grant, GrantKey, Mark, Session, SessionId};

/// What a guarded request asks of the store; answered in one round trip.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The session that the request belongs to.
    pub session: SessionId,
    /// The browser key that the request carries: a claim is taken for the browser that earned it
    /// and for no other, so that a copied cookie alone cannot use up what it may not use.
    pub browser: Option<BrowserKeyHash>,
    /// Grants that would be used and stay.
    pub grants: &'a [GrantKey],
    /// Single-use grants that would be taken. They are taken only if every one of them is there,
    /// unexpired, earned in this browser, and the session is not revoked.
    pub claims: &'a [GrantKey],
}

impl Ask<'_> {
    /// Asks for a session alone, in a browser.
    pub const fn session(session: SessionId, browser: Option<BrowserKeyHash>) -> Self {
        Self {
            session,
            browser,
            grants: &[],
            claims: &[],
        }
    }
}

/// What the store holds for an [`Ask`].
#[derive(Debug, Default)]
pub struct Held {
    /// The session, if it is known.
    pub session: Option<Session>,
    /// The last verification.
    pub mark: Option<Mark>,
    /// Of the grants asked for, those that are there.
    pub grants: Vec<Grant>,
    /// Of the claims asked for, all or none, now gone from the store.
    pub claims: Vec<Claim>,
    /// For each of `Ask::told_of`, the last grant that was earned, if it is remembered.
    pub latest: Vec<Grant>,
}

impl<'a> Ask<'a> {
    /// The actions whose last grant is told as well: what is asked for is one of many that may be
    /// there, and why it is not is worth knowing.
    pub(crate) fn told_of(&self) -> impl Iterator<Item = &'a Action> + Clone + use<'a> {
        let keys = self.grants.iter().chain(self.claims);
        keys.filter(|key| key.is_one_of_many())
            .map(|key| &key.action)
    }
}
