//! What a guarded request fetches from the store.

use crate::domain::{
    Action, BrowserKeyHash, Claim, Grant, GrantKey, Mark, SessionId, StoredSession,
};

/// What a guarded request fetches, in one round trip.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The session that the request belongs to.
    pub session: SessionId,
    /// The browser key that the request carries. A claim is taken only for the browser that earned it,
    /// so that a copied session cookie alone cannot use it up.
    pub browser: Option<BrowserKeyHash>,
    /// Grants that stay when they are used.
    pub grants: &'a [GrantKey],
    /// Single-use grants to take. They are taken only if all of them exist, are unexpired and were earned in
    /// this browser, and the session is not revoked.
    pub claims: &'a [GrantKey],
}

impl Ask<'_> {
    /// Fetches a session alone, in a browser.
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
    pub session: Option<StoredSession>,
    /// The last verification.
    pub mark: Option<Mark>,
    /// Those of `grants` that exist.
    pub grants: Vec<Grant>,
    /// All of `claims`, taken from the store, or none.
    pub claims: Vec<Claim>,
    /// The last grant earned for each of `Ask::latest_actions`, where it is still stored.
    pub latest: Vec<Grant>,
}

impl<'a> Ask<'a> {
    /// The actions of keys that are one of many, whose last grant is fetched too: it tells a grant that was
    /// bound otherwise from none at all.
    pub(crate) fn latest_actions(&self) -> impl Iterator<Item = &'a Action> + Clone + use<'a> {
        let keys = self.grants.iter().chain(self.claims);
        keys.filter(|key| key.is_one_of_many())
            .map(|key| &key.action)
    }
}
