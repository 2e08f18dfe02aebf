//! One thread's reader of tokens: what was verified a moment ago is not verified again.

use super::rules::{Claimed, Jwt};
use crate::domain::{SessionId, Timestamp};
use crate::jwt::{IssuerKeys, SignedToken, TokenError};
use crate::session::Asserted;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// How many tokens are remembered.
const MOST_TOKENS: usize = 4096;

/// The tokens that were verified, by the sessions that they make: keyed hashes of all their bytes.
#[derive(Debug, Default)]
pub(crate) struct TokenReader {
    known: RefCell<KnownTokens>,
}

#[derive(Debug, Default)]
struct KnownTokens {
    /// The keys that verified them: a key that is withdrawn takes its tokens along.
    keys: Option<Arc<IssuerKeys>>,
    by_session: HashMap<SessionId, Claimed>,
}

impl TokenReader {
    /// Says whom a token names, whose bytes make `session`.
    pub(crate) async fn read(
        &self,
        jwt: &Jwt,
        token: &[u8],
        session: SessionId,
        now: Timestamp,
    ) -> Result<Asserted, TokenError> {
        let token = SignedToken::read(token, &jwt.algorithms)?;
        // Also for one that is remembered: its key may have been withdrawn.
        let keys = jwt.keys.keys(token.key_id()).await?;
        if let Some(known) = self.known.borrow_mut().find(&keys, session, now) {
            return Ok(known);
        }
        let claims = token.verify(&keys)?;
        let claimed = jwt.judge(&claims, now)?;
        let asserted = claimed.asserted.clone();
        self.known.borrow_mut().note(session, claimed, now);
        Ok(asserted)
    }
}

impl KnownTokens {
    fn find(
        &mut self,
        keys: &Arc<IssuerKeys>,
        session: SessionId,
        now: Timestamp,
    ) -> Option<Asserted> {
        if !self.keys.as_ref().is_some_and(|own| Arc::ptr_eq(own, keys)) {
            self.by_session.clear();
            self.keys = Some(keys.clone());
        }
        let known = self.by_session.get(&session)?;
        (now < known.until).then(|| known.asserted.clone())
    }

    fn note(&mut self, session: SessionId, claimed: Claimed, now: Timestamp) {
        if self.by_session.len() >= MOST_TOKENS {
            self.by_session.retain(|_, known| now < known.until);
        }
        // So many that are all in force: each is verified once more, and no memory grows.
        if self.by_session.len() >= MOST_TOKENS {
            self.by_session.clear();
        }
        self.by_session.insert(session, claimed);
    }
}
