//! Has the application say whose request it is.

use crate::domain::{RequestPath, RiskLevel};
use crate::request::context::RequestContext;
use crate::session::change::{Beside, SessionChange};
use crate::session::sessions::Sessions;
use crate::session::whoami::{AskedRequest, Asker, WhoamiAnswer};
use crate::session::{Caller, CarriedLines, SessionKey, WhoamiError};
use crate::store::{Carry, Rotation};

impl Sessions {
    /// Whether a request must be confirmed by the application before it is let out: by its level, or because
    /// nothing else tells when the subject changes.
    pub(crate) fn must_confirm(
        &self,
        context: &RequestContext<'_>,
        path: &RequestPath<'_>,
        levels: impl Iterator<Item = RiskLevel>,
    ) -> Result<bool, WhoamiError> {
        let options = &self.shared.options;
        if options.whoami().is_none() {
            return Ok(false);
        }
        Ok(Asker::confirms(options, path, levels)?
            || options.key == SessionKey::Subject
            || context.connection.data.is_authenticated()
            // The cookie comes with every answer: that of a login that is not declared looks like any other.
            || self.shared.rolling.is_rolling())
    }

    /// Asks the application whose a request is: what it says is the caller's subject, and where it says that
    /// nobody is signed in the caller has no session. Returns whether it was asked: not where a trusted proxy
    /// has named the subject already, nor where no question is declared for the path.
    pub(crate) async fn confirm(
        &self,
        context: &RequestContext<'_>,
        request: AskedRequest<'_>,
        carried: &CarriedLines,
        caller: &mut Caller,
    ) -> Result<bool, WhoamiError> {
        let options = &self.shared.options;
        let has_session = caller.session.is_some() || options.key == SessionKey::Subject;
        if caller.asserted.is_some() || options.whoami().is_none() || !has_session {
            return Ok(false);
        }
        let Some(answer) = self.asker.ask(options, context, &request).await? else {
            return Ok(false);
        };
        self.hand_on(context, carried, &answer).await;
        caller.asserted = answer.person;
        if caller.asserted.is_none() {
            (caller.session, caller.earlier) = (None, None);
        } else if options.key == SessionKey::Subject
            && let Ok(credentials) = options.credentials.read(carried)
        {
            let asserted = caller.asserted.as_ref();
            let identified = options.identify(&credentials, asserted, &self.shared.keys);
            (caller.session, caller.earlier) = identified;
        }
        Ok(true)
    }

    /// Keeps the cookies of an answer for the client, whose session they may renew.
    pub(super) async fn hand_on(
        &self,
        context: &RequestContext<'_>,
        carried: &CarriedLines,
        answer: &WhoamiAnswer,
    ) {
        let names = &self.shared.options.credentials;
        if answer.cookies.is_empty() {
            return;
        }
        context.hand_on(answer.cookies.clone());
        if let Ok(before) = names.read(carried)
            && names.set_by(&answer.cookies)
            && answer.person.is_some()
        {
            let keys = &self.shared.keys;
            let after = names.after(&before, &answer.cookies);
            if let (Some(from), Some(to)) = (before.session(keys), after.session(keys))
                && from != to
            {
                let rotation = Rotation {
                    from,
                    to,
                    // It is the very request that the application names its subject for.
                    carry: Carry::Everything,
                    grace: self.shared.options.rotation.grace,
                };
                let parts = after.cookies_alone(keys);
                let spelled = (None, None);
                let follows = SessionChange::Follows(rotation, Beside { parts, spelled });
                self.apply(context.id, [follows]).await;
            }
        }
    }
}
