//! Who calls one of our endpoints, once their session is known.

use super::EndpointError;
use crate::domain::{Provenance, Session, SessionId};
use crate::request::request_id::RequestId;
use crate::session::Caller;
use crate::verification::{AnswerOutcome, Claimant, CountedBy, EndpointCaller};
use crate::web::Web;
use std::net::IpAddr;

/// Who calls, once their session is known.
pub(super) struct Known {
    pub(super) caller: Caller,
    pub(super) session: Session,
    pub(super) id: SessionId,
    pub(super) name: RequestId,
    pub(super) client: IpAddr,
    pub(super) provenance: Provenance,
}

impl Known {
    pub(super) fn counted_by(&self) -> CountedBy {
        let presented = self.caller.browser_key;
        match presented.filter(|key| self.session.browser_key == Some(*key)) {
            _ if self.caller.asserted.is_none() => CountedBy::Began(self.session.created_at),
            Some(browser) => CountedBy::KnownBrowser(browser),
            // What a proxy asserts may be remembered nowhere, and begin with every request.
            None => CountedBy::OtherBrowser,
        }
    }

    /// Whom verification verifies.
    pub(super) fn claimant(&self) -> Claimant<'_> {
        Claimant {
            session: self.id,
            subject: &self.session.owner,
            email: self.caller.asserted_email(),
            groups: self.caller.asserted_groups(),
            display: self.caller.display_name(),
            browser_key: self.caller.browser_key,
            session_key: self.session.browser_key,
        }
    }

    /// Notes the parts of a session that may be known only since a verification.
    pub(super) async fn note_parts(
        &self,
        web: &Web,
        outcome: &AnswerOutcome,
    ) -> Result<(), EndpointError> {
        let proves = matches!(
            outcome,
            AnswerOutcome::Verified(_) | AnswerOutcome::Waiting(_)
        );
        if proves {
            self.note_all_parts(web).await?;
        }
        Ok(())
    }

    /// The same, where it is known.
    pub(super) async fn note_all_parts(&self, web: &Web) -> Result<(), EndpointError> {
        let parts = &self.caller.parts;
        if !parts.is_empty() {
            let store = &web.sessions.store;
            store.note_parts(self.id, parts).await?;
        }
        Ok(())
    }

    /// As verification sees the caller.
    pub(super) fn caller(&self) -> EndpointCaller<'_> {
        EndpointCaller {
            claimant: self.claimant(),
            counted_by: self.counted_by(),
            address: self.client,
            request_id: Some(self.name.as_str()),
            provenance: Some(&self.provenance),
        }
    }
}
